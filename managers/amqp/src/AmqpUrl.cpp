#include "AmqpUrl.h"

#include <algorithm>

#include <Poco/Exception.h>

#include "socketio/base/Text.h"

namespace socketio::amqp {

namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw Poco::SyntaxException("AMQP URL: " + why);
}

std::uint16_t parsePort(std::string_view text) {
    const auto port = parseNumber<std::uint16_t>(text);
    if (!port || *port == 0) refuse("the port is no number from 1 to 65535");
    return *port;
}

void parseAuthority(std::string_view text, AmqpUrl& out) {
    // Whatever stands before the last @ belongs to the password, encoded or not.
    if (const auto at = text.rfind('@'); at != text.npos) {
        const std::string_view credentials = text.substr(0, at);
        const auto colon = credentials.find(':');
        if (colon != 0) out.user = percentDecode(credentials.substr(0, colon));
        if (colon != credentials.npos) out.password = percentDecode(credentials.substr(colon + 1));
        text.remove_prefix(at + 1);
    }
    std::string_view host = text;
    if (text.starts_with('[')) {  // an IPv6 address
        const auto end = text.find(']');
        if (end == text.npos) refuse("the address has no ]");
        host = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (!text.empty() && text.front() != ':') refuse("something follows the address");
    } else {
        host = text.substr(0, text.find(':'));
        text.remove_prefix(host.size());
    }
    if (!host.empty()) out.host = percentDecode(host);
    if (text.size() > 1) out.port = parsePort(text.substr(1));
}

void parseParameter(std::string_view name, std::string_view encoded, AmqpUrl& out) {
    const std::string value = percentDecode(encoded);
    if (name == "cacertfile")
        out.caFile = value;
    else if (name == "certfile")
        out.certificateFile = value;
    else if (name == "keyfile")
        out.keyFile = value;
    else if (name == "verify" && (value == "verify_peer" || value == "verify_none"))
        out.verify = value == "verify_peer";
    else if (name == "verify")
        refuse("verify is verify_peer or verify_none");
    else
        refuse("unknown parameter " + std::string(name));
}

}  // namespace

AmqpUrl AmqpUrl::parse(std::string_view url) {
    AmqpUrl out;
    const std::string scheme = lowerCase(url.substr(0, url.find("://")));
    if (scheme.size() == url.size() || (scheme != "amqp" && scheme != "amqps"))
        refuse("it has to begin with amqp:// or amqps://");
    url.remove_prefix(scheme.size() + 3);
    out.tls = scheme == "amqps";
    if (out.tls) out.port = 5671;

    // Or a part of the password would be taken for something that is shown.
    const auto authorityEnd = url.find_first_of("/?");
    if (authorityEnd != url.npos && url.find('@', authorityEnd) != url.npos)
        refuse("the characters / ? @ are written %2F %3F %40");
    std::string_view parameters;
    if (const auto mark = url.find('?'); mark != url.npos) {
        parameters = url.substr(mark + 1);
        url = url.substr(0, mark);
    }
    if (const auto slash = url.find('/'); slash != url.npos) {
        if (slash + 1 < url.size()) out.virtualHost = percentDecode(url.substr(slash + 1));
        url = url.substr(0, slash);
    }
    parseAuthority(url, out);
    while (!parameters.empty()) {
        std::string_view item = takeItem(parameters, '&');
        const std::string_view name = item.substr(0, item.find('='));
        item.remove_prefix(std::min(name.size() + 1, item.size()));
        if (!name.empty()) parseParameter(name, item, out);
    }
    if (out.certificateFile.empty() != out.keyFile.empty())
        refuse("certfile and keyfile go together");
    return out;
}

std::string AmqpUrl::text() const {
    const bool address = host.find(':') != host.npos;
    return (tls ? "amqps://" : "amqp://") + (address ? "[" + host + "]" : host) + ":" +
           std::to_string(port) + "/" + virtualHost;
}

}  // namespace socketio::amqp
