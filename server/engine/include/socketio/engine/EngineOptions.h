#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "socketio/exchange/Environ.h"

namespace Poco {
class Logger;
}

namespace socketio {

/// The cookie that the first polling answer sets, for load balancers. It carries the Engine.IO sid.
struct EngineCookie {
    std::string name = "io";
    std::string path = "/";
    std::string domain;            ///< Empty: none.
    std::string sameSite = "Lax";  ///< Empty: none.
    bool httpOnly = true;
    bool secure = false;  ///< Set by itself under TLS.
    std::optional<std::chrono::seconds> maxAge;
};

/// Who may connect from a browser page, by the `Origin` of the request.
struct AllowedOrigins {
    enum class Mode { SameOrigin, Any, List, Function };

    Mode mode = Mode::SameOrigin;
    std::vector<std::string> list;  ///< Compared to the letter: "https://example.org:8443"
    std::function<bool(const std::string& origin, const Environ&)> function;

    AllowedOrigins() = default;  ///< The origin of the server itself.
    AllowedOrigins(const char* origin) : AllowedOrigins(std::string(origin)) {}
    /// One origin, or "*" for all.
    AllowedOrigins(std::string origin)
        : mode(origin == "*" ? Mode::Any : Mode::List), list{origin} {}
    AllowedOrigins(std::vector<std::string> origins);
    AllowedOrigins(std::function<bool(const std::string&, const Environ&)> decide)
        : mode(Mode::Function), function(std::move(decide)) {}
};

/// The Engine.IO settings. Names that python-socketio's documentation has are kept, in camelCase.
///
/// Threads: a plain value; what its function is called with comes from several loops at once.
struct EngineOptions {
    using Milliseconds = std::chrono::milliseconds;

    Milliseconds pingInterval{25'000};
    Milliseconds pingTimeout{20'000};
    Milliseconds upgradeTimeout{10'000};  ///< From the 101 of the candidate to its upgrade packet.
    std::size_t maxHttpBufferSize = 1'000'000;  ///< Bytes of a POST body or a WebSocket message.
    bool allowUpgrades = true;  ///< False: `upgrades` is empty; an upgrade is still accepted.
    std::vector<std::string> transports{"polling", "websocket"};
    bool engineIo3 = true;  ///< Serve protocol revision 3 (Socket.IO 1.x and 2.x clients).
    bool engineIo4 = true;
    bool jsonp = false;  ///< Polling by <script>, for browsers without XHR2; see the README.

    bool httpCompression = true;
    std::size_t compressionThreshold = 1024;  ///< Bytes of a poll answer from which it is packed.

    std::optional<EngineCookie> cookie;
    AllowedOrigins corsAllowedOrigins;
    bool corsCredentials = true;

    bool keepEnviron = true;     ///< False: the environ is dropped when the connect handlers ran.
    bool monitorClients = true;  ///< False: no heartbeat deadline; dead clients are noticed by TCP.

    /// Bytes queued for one client beyond which its session ends: `transport error`, detail
    /// `outbound limit`. One message alone may be larger. 0: four times maxHttpBufferSize, and at
    /// least 4 MiB. A connection has a limit of its own (HttpLimits::outboundBytes): the smaller
    /// one counts.
    std::size_t maxOutboundBytes = 0;
    std::size_t maxPacketsPerPayload = 1000;  ///< Of one POST; more is answered 400.
    std::size_t maxPacketsPerPoll = 16;       ///< Of one answer to an Engine.IO 4 poll.
    std::size_t maxQueryParameters = 64;      ///< Of a request; more is answered 400.
    /// New sessions of one address (of one /64 of IPv6) in a second; the next are answered 429.
    /// 0: any number.
    std::size_t handshakesPerSecond = 0;

    /// How stop() closes sessions: so many at a time, so that their clients do not all come to the
    /// next server in one moment. More when half of its time would not be enough.
    std::size_t drainSessions = 1000;
    Milliseconds drainInterval{200};

    Poco::Logger* engineioLogger = nullptr;  ///< nullptr: the logger "socketio.engine".

    std::size_t outboundLimit() const;
};

}  // namespace socketio
