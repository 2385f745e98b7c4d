// What a request says in text: query, escapes, cookies, Accept-Encoding, entity tags, ranges,
// dates, and the X-Forwarded headers of a proxy. An input is a line for each field, in the order
// of kHeaders below; the first line is the query.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Text.h"
#include "socketio/exchange/Environ.h"
#include "socketio/exchange/TrustedProxies.h"
#include "socketio/protocol/IpAddress.h"

#include "HttpFields.h"
#include "Pieces.h"

namespace {

using socketio::Environ;
using socketio::percentDecode;
using socketio::fuzz::require;

/// What the lines behind the query are.
constexpr std::string_view kHeaders[] = {"Cookie",
                                         "Cookie",
                                         "Accept-Encoding",
                                         "If-None-Match",
                                         "Range",
                                         "If-Modified-Since",
                                         "X-Forwarded-For",
                                         "X-Forwarded-Host",
                                         "X-Forwarded-Proto"};

/// Written a second time, character by character.
std::string decoded(std::string_view text, bool plus) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool whole = c == '%' && text.size() - i > 2;
        const int high = whole ? socketio::hexDigit(text[i + 1]) : -1;
        const int low = whole ? socketio::hexDigit(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += plus && c == '+' ? ' ' : c;
        }
    }
    return out;
}

void checkEscapes(std::string_view text) {
    for (const bool plus : {false, true})
        require(percentDecode(text, plus) == decoded(text, plus), "the escapes of RFC 3986");
    const std::string encoded = socketio::percentEncodePath(text);
    require(percentDecode(encoded) == text, "what was escaped is read again");
    for (const char c : encoded)
        require(c > 0x20 && c < 0x7f && c != '?' && c != '#', "a path of a URI");
}

void checkQuery(std::string_view query) {
    Environ environ;
    environ.set("QUERY_STRING", query);
    if (socketio::breaksLines(query)) {
        require(!environ.has("QUERY_STRING"), "no line breaks in an environ");
        return;
    }
    // The last of a name counts.
    std::vector<std::pair<std::string, std::string>> last;
    std::size_t pairs = 0;
    for (std::size_t at = 0; at < query.size() && pairs < 50; ++pairs) {
        const std::size_t end = std::min(query.find('&', at), query.size());
        const std::string_view pair = query.substr(at, end - at);
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string name = decoded(pair.substr(0, equals), true);
        std::erase_if(last, [&](const auto& other) { return other.first == name; });
        if (!pair.empty())
            last.emplace_back(name, decoded(pair.substr(std::min(equals + 1, pair.size())), true));
        at = end + 1;
    }
    if (pairs == 50) return;  // more would take long to look up here, not there
    for (const auto& [name, value] : last)
        require(name.empty() || environ.queryParameter(name) == value, "the last of a name");
}

void checkHeaders(const std::vector<std::string_view>& lines) {
    Environ environ;
    environ.set("REMOTE_ADDR", "10.0.0.1");
    std::vector<std::string_view> cookies;
    for (std::size_t i = 0; i < std::size(kHeaders) && i + 1 < lines.size(); ++i) {
        const bool added = environ.addHeader(kHeaders[i], lines[i + 1]);
        require(added == !socketio::breaksLines(lines[i + 1]), "a header is kept or refused");
        if (added && i < 2) cookies.push_back(lines[i + 1]);
    }
    std::string joined;
    for (std::size_t i = 0; i < cookies.size(); ++i)
        joined.append(i ? "; " : "").append(cookies[i]);
    require(environ.get("HTTP_COOKIE") == joined, "cookies are joined by \"; \"");

    const auto weights = socketio::CodingWeights::parse(environ.get("HTTP_ACCEPT_ENCODING"));
    for (const int weight : {weights.gzip, weights.deflate, weights.identity})
        require(weight >= -1 && weight <= 1000, "a weight in thousandths");

    const std::string_view tags = environ.get("HTTP_IF_NONE_MATCH");
    const bool strong = socketio::matchesEntityTag(tags, "\"a\"", false);
    require(!strong || socketio::matchesEntityTag(tags, "\"a\"", true), "weak is the weaker");

    for (const std::uint64_t size : {0u, 1u, 1000u}) {
        const auto range = socketio::ByteRange::parse(environ.get("HTTP_RANGE"), size);
        require(range.first <= size && range.length <= size - range.first, "a range of the file");
        if (range.kind == socketio::ByteRange::Kind::Part) require(range.length > 0, "of bytes");
    }
    if (const auto time = socketio::parseHttpDate(environ.get("HTTP_IF_MODIFIED_SINCE")))
        require(socketio::parseHttpDate(socketio::formatHttpDate(*time)) == time, "the same date");

    static const socketio::TrustedProxies proxies({"10.0.0.0/8"});
    proxies.apply(environ);
    const std::string_view remote = environ.get("REMOTE_ADDR");
    require(remote.empty() || socketio::IpAddress::parse(remote).has_value(), "an address");
    require(!socketio::breaksLines(environ.get("HTTP_HOST")), "a host");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const socketio::fuzz::Exact input(socketio::fuzz::view(data, size));
    std::string_view rest = input;
    std::vector<std::string_view> lines;
    while (lines.size() < std::size(kHeaders) && rest.find('\n') != rest.npos) {
        lines.push_back(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(lines.back().size() + 1);
    }
    lines.push_back(rest);
    checkEscapes(input);
    checkQuery(lines.front());
    checkHeaders(lines);
    return 0;
}
