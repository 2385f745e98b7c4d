// FastCGI parameters: the same pairs however the stream is cut, never over the limits, and what is
// read can be written again. Then the request that they describe: a good environ, or a refusal.
#include <string>
#include <utility>
#include <vector>

#include "socketio/fcgi/FcgiRecord.h"

#include "CgiRequest.h"
#include "Pieces.h"

namespace {

using socketio::CgiRequest;
using socketio::FcgiPairs;
using socketio::fuzz::Exact;
using socketio::fuzz::require;

constexpr FcgiPairs::Limits kLimits{.bytes = 2000, .pairs = 20};

struct Reading {
    std::vector<std::pair<std::string, std::string>> pairs;
    bool refused = false, whole = false;

    bool operator==(const Reading&) const = default;
};

Reading readPieces(const std::vector<std::string_view>& pieces) {
    FcgiPairs pairs;
    Reading reading;
    for (const std::string_view piece : pieces) {
        const Exact exact(piece);
        if (!pairs.append(exact, kLimits)) reading.refused = true;
        require(pairs.bytes() <= kLimits.bytes && pairs.size() <= kLimits.pairs, "the limits");
    }
    reading.whole = pairs.whole();
    require(!reading.refused || (pairs.size() == 0 && !reading.whole), "nothing is kept");
    for (std::size_t i = 0; i < pairs.size(); ++i) reading.pairs.emplace_back(pairs[i]);
    return reading;
}

void checkRequest(const Reading& reading, std::string_view mount,
                  const socketio::TrustedProxies& proxies) {
    CgiRequest::Variables variables;
    for (const auto& [name, value] : reading.pairs) variables.emplace_back(name, value);
    const CgiRequest request = CgiRequest::read(variables, mount, proxies);
    require((request.errorStatus == 0) == (request.environ != nullptr), "an environ, or a refusal");
    if (!request.environ) return;
    const socketio::Environ& environ = *request.environ;
    const std::string_view path = environ.path(), script = environ["SCRIPT_NAME"];
    require(path.starts_with('/') || (path.empty() && !script.empty()) || path == "*", "the path");
    require(!environ.method().empty(), "the method");
    require(!environ.has("HTTP_PROXY") && !environ.has("HTTP_CONTENT_LENGTH"), "what is left out");
    environ.forEach([](std::string_view name, std::string_view value) {
        require(!name.empty() && name.find('=') == name.npos, "a name");
        require(value.find_first_of(std::string_view("\0\r\n", 3)) == value.npos, "a value");
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = socketio::fuzz::view(data, size);
    const Reading whole = socketio::fuzz::sameHoweverCut(input, readPieces);
    std::string written;
    for (const auto& [name, value] : whole.pairs) socketio::appendFcgiPair(written, name, value);
    // Shorter than it came, perhaps: a length may be written in more bytes than it needs.
    const Reading again = readPieces({written});
    require(again.pairs == whole.pairs && again.whole && !again.refused, "what is written is read");
    checkRequest(whole, "", {});
    checkRequest(whole, "/mount", {"0.0.0.0/0", "::/0"});
    return 0;
}
