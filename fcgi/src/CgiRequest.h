#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "socketio/exchange/Environ.h"
#include "socketio/exchange/TrustedProxies.h"

namespace socketio {

/// A request as CGI variables describe it (RFC 3875), brought into the one form that apps know.
///
///     path            SCRIPT_NAME and PATH_INFO together; without them that of REQUEST_URI.
///     `mount`,
///                     when the path begins with it, becomes SCRIPT_NAME, the rest PATH_INFO
///     filled in       QUERY_STRING and REQUEST_URI each from the other; SERVER_NAME from HTTP_HOST
///                     (also where it is `_`, nginx's nameless server); SERVER_PORT 80 or 443;
///                     SERVER_PROTOCOL HTTP/1.1; GATEWAY_INTERFACE CGI/1.1; REMOTE_ADDR `unknown`
///     left out        HTTP_PROXY, HTTP_CONTENT_TYPE, HTTP_CONTENT_LENGTH; empty CONTENT_TYPE,
///                     CONTENT_LENGTH and HTTPS; HTTPS unless it is `on` or `1`; a value with CR,
///                     LF or NUL that nothing depends on (a certificate)
///     repeated        headers (HTTP_*, but not HTTP_HOST) are joined as over HTTP; otherwise the
///                     last one counts
///     refused         no or a bad REQUEST_METHOD, TRACE, CONNECT (405); a CONTENT_LENGTH that
///                     is no number; a path that is none; CR, LF or NUL in a header or a path; a
///                     name that is empty or has `=`, a control character or a space
struct CgiRequest {
    using Variables = std::vector<std::pair<std::string_view, std::string_view>>;

    std::shared_ptr<const Environ> environ;
    std::uint64_t contentLength = 0;  ///< 0 without CONTENT_LENGTH.
    bool head = false;                ///< The method is HEAD.
    bool wantsWebSocket = false;      ///< HTTP_UPGRADE lists `websocket`.

    int errorStatus = 0;     ///< 400 or 405; 0: the request is good.
    const char* error = "";  ///< Static text.

    /// `proxies` are those in front of the web server, by the REMOTE_ADDR that it gives.
    static CgiRequest read(const Variables& variables, std::string_view mount,
                           const TrustedProxies& proxies);
};

}  // namespace socketio
