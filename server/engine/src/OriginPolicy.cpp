#include "OriginPolicy.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"

namespace socketio {

namespace {

constexpr std::size_t kMaxOriginBytes = 512;
constexpr std::size_t kMaxRequestedHeaders = 32;
constexpr std::size_t kMaxRequestedHeaderBytes = 1024;

struct Authority {
    std::string_view host;
    unsigned port = 0;
};

/// `example.org`, `example.org:8080`, `[::1]:8080`.
std::optional<Authority> splitAuthority(std::string_view text, unsigned defaultPort) {
    Authority authority{text, defaultPort};
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.find(':', bracket == text.npos ? 0 : bracket);
    if (colon != text.npos) {
        authority.host = text.substr(0, colon);
        const auto port = parseNumber<std::uint16_t>(text.substr(colon + 1));
        if (!port) return std::nullopt;
        authority.port = *port;
    }
    if (authority.host.empty()) return std::nullopt;
    return authority;
}

/// The host and port of an origin whose scheme is one of ours. Without a scheme it is what no
/// browser sends, but the client of Socket.IO 1.3 in Node.js does: the host it connects to.
std::optional<Authority> parseWebOrigin(std::string_view origin, unsigned defaultPort) {
    const std::size_t separator = origin.find("://");
    if (separator == origin.npos)
        return origin == "null" ? std::nullopt : splitAuthority(origin, defaultPort);
    const std::string_view scheme = origin.substr(0, separator);
    const bool plain = scheme == "http" || scheme == "ws";
    const bool tls = scheme == "https" || scheme == "wss";
    if (!plain && !tls) return std::nullopt;
    return splitAuthority(origin.substr(separator + 3), tls ? 443 : 80);
}

bool isSameOrigin(std::string_view origin, const Environ& environ) {
    const unsigned defaultPort = environ.secure() ? 443 : 80;
    const std::optional<Authority> theirs = parseWebOrigin(origin, defaultPort);
    if (!theirs) return false;
    std::string host = lowerCase(environ.get("HTTP_HOST"));
    if (host.empty()) {
        // HTTP/1.0 without a Host: the address that the request came to.
        host = lowerCase(environ.get("SERVER_NAME"));
        if (environ.has("SERVER_PORT")) host.append(":").append(environ.get("SERVER_PORT"));
    }
    const std::optional<Authority> ours = splitAuthority(host, defaultPort);
    // Browsers send the host in lower case; anything else is compared to the letter and fails.
    return ours && ours->host == theirs->host && ours->port == theirs->port;
}

/// One origin in visible ASCII: what may be written back into a header and is not two origins.
bool isOrigin(std::string_view origin) {
    return !origin.empty() && origin.size() <= kMaxOriginBytes &&
           std::all_of(origin.begin(), origin.end(), [](unsigned char c) {
               return c > 0x20 && c < 0x7f && std::strchr(",;\"'<>\\", c) == nullptr;
           });
}

/// The names in Access-Control-Request-Headers that are names; empty when they are too many.
std::string requestedHeaders(std::string_view list) {
    std::string names;
    if (list.size() > kMaxRequestedHeaderBytes) return names;
    std::size_t count = 0;
    while (!list.empty()) {
        const std::string_view name = takeItem(list);
        if (!isToken(name)) continue;
        if (++count > kMaxRequestedHeaders) return {};
        if (!names.empty()) names += ", ";
        names += name;
    }
    return names;
}

}  // namespace

bool OriginPolicy::allows(const Environ& environ) const {
    if (!environ.has("HTTP_ORIGIN")) return true;
    const std::string_view origin = environ.get("HTTP_ORIGIN");
    if (!isOrigin(origin)) return false;
    switch (_allowed.mode) {
        case AllowedOrigins::Mode::Any:
            return true;
        case AllowedOrigins::Mode::List:
            return std::find(_allowed.list.begin(), _allowed.list.end(), origin) !=
                   _allowed.list.end();
        case AllowedOrigins::Mode::SameOrigin:
            return isSameOrigin(origin, environ);
        case AllowedOrigins::Mode::Function:
            break;
    }
    try {
        return _allowed.function && _allowed.function(std::string(origin), environ);
    } catch (...) {
        _logger.error("corsAllowedOrigins function failed: " + exceptionText());
    }
    return false;
}

void OriginPolicy::addHeaders(HeaderList& headers, const Environ& environ) const {
    headers.add("Vary", "Origin");
    const std::string_view origin = environ.get("HTTP_ORIGIN");
    if (origin.empty()) return;
    headers.add("Access-Control-Allow-Origin", origin);
    if (_credentials) headers.add("Access-Control-Allow-Credentials", "true");
}

Response OriginPolicy::preflight(const Environ& environ) const {
    Response response{204, {}, {}};
    addHeaders(response.headers, environ);
    response.headers.add("Allow", "OPTIONS, GET, POST");
    if (!environ.has("HTTP_ORIGIN")) return response;
    response.headers.set("Vary", "Origin, Access-Control-Request-Headers");
    response.headers.add("Access-Control-Allow-Methods", "OPTIONS, GET, POST");
    const std::string names = requestedHeaders(environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"));
    if (!names.empty()) response.headers.add("Access-Control-Allow-Headers", names);
    return response;
}

}  // namespace socketio
