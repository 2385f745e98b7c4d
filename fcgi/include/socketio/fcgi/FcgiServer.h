#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <Poco/Net/SocketAddress.h>

#include "socketio/exchange/App.h"
#include "socketio/exchange/BodyPace.h"
#include "socketio/exchange/TrustedProxies.h"
#include "socketio/net/Hub.h"

namespace socketio {

/// What one FastCGI connection may cost.
struct FcgiLimits {
    using Milliseconds = std::chrono::milliseconds;

    std::size_t paramsBytes = 65'536;     ///< Parameters of a request; 431, and it is closed.
    std::size_t params = 512;             ///< Their number; 431, and it is closed.
    std::size_t concurrentRequests = 32;  ///< On one connection; more are answered OVERLOADED.
    Milliseconds headTime{10'000};        ///< For all parameters, and for a record; closed.
    Milliseconds bodyTime{30'000};        ///< For a whole body; closed.
    Milliseconds bodyGrace{10'000};       ///< From then on a body must come at...
    std::size_t minBodyRate = 1024;       ///< ...so many bytes per second on average; closed.
    BodyPace bodyPace() const { return {bodyTime, bodyGrace, minBodyRate}; }
    Milliseconds keepAliveTime{75'000};   ///< Without a request; closed.
    std::size_t undecidedBytes = 65'536;  ///< Of bodies before an app wants them; then not read.
    Milliseconds writeStall{30'000};      ///< Output that the web server takes nothing of; closed.
    std::size_t streamBuffer = 262'144;   ///< Exchange::write() waits while more is queued.
};

/// Where to listen: `inherited`, else `unixSocket`, else `host` and `port`.
///
/// FastCGI has no authentication: whoever reaches the socket is believed about everything, the
/// address of the client and its user included. Hence the loopback, and no other address unless
/// allowPublic says so.
struct FcgiServerOptions {
    std::string host = "127.0.0.1";  ///< An address or a name.
    std::uint16_t port = 9000;       ///< 0: the kernel chooses, see FcgiServer::address().
    bool allowPublic = false;        ///< `host` may be something else than the loopback.

    /// The path of a Unix socket, at most 107 bytes. A file that a dead server has left is
    /// replaced, one that a server listens on is an error; removed by stop().
    std::string unixSocket{};
    unsigned unixMode = 0660;  ///< Permissions of its file.

    /// Descriptor 0 is a listening socket (FastCGI 1.0 §2.2), as spawn-fcgi and web servers that
    /// start their applications hand it over.
    bool inherited = false;

    /// The part of the path that belongs to the web server, "/chat": becomes SCRIPT_NAME. What is
    /// behind it is PATH_INFO; without it the whole path is, as over HTTP.
    std::string mount{};

    /// Clients may upgrade to a WebSocket although FastCGI cannot carry one: the web server sends
    /// requests with `Upgrade: websocket` to the HTTP port of this process. Then handshakes say so.
    bool webSocketRoute = false;

    /// The proxies in front of the web server, such as a load balancer that ends TLS: whose
    /// X-Forwarded-For, -Proto and -Host are believed, judged by the REMOTE_ADDR that the web
    /// server gives. The web server itself is believed anyhow, and where it has gone through these
    /// headers (mod_remoteip, realip), REMOTE_ADDR is the client's and nothing is done again.
    TrustedProxies trustedProxies{};

    FcgiLimits limits{};
    /// What run() gives stop() after a signal; handlers that have not returned by then are left.
    std::chrono::milliseconds stopTimeout{25'000};
    HubOptions hub{};  ///< Of the hub that FcgiServer makes; unused when it is given one.
};

/// Counters for logs, tests and monitoring.
struct FcgiCounters {
    std::atomic<std::uint64_t> requests{0};  ///< Given to the app.
    std::atomic<std::uint64_t> refused{0};   ///< Answered 4xx, or by a status of the protocol.
    std::atomic<std::uint64_t> broken{0};    ///< Connections closed: what came was not FastCGI.
    std::atomic<std::uint64_t> timeouts{
        0};  ///< Parameters, records and bodies that came too slowly.
    std::atomic<std::uint64_t> aborted{0};  ///< Requests that the web server took back.
    std::atomic<std::uint64_t> dropped{0};  ///< Answered 500: the app let the exchange go.
};

/// The FastCGI 1.0 front end, a responder behind nginx, lighttpd, Apache and the like: gives every
/// request to an App, as HttpServer does, under the same variables.
///
///     socketio::FcgiServer(socketio::Middleware(sio), {.unixSocket = "/run/chat.sock"}).run();
///
/// SCRIPT_NAME and PATH_INFO of the web server together are the path (see
/// FcgiServerOptions::mount); where it gives neither, REQUEST_URI is. Variables that it leaves out
/// are filled in, HTTP_PROXY is dropped. What nginx's `fastcgi_params` of Debian sets for HTTP_HOST
/// lacks the port, which checks of the Origin need: add `fastcgi_param HTTP_HOST $http_host;`
/// behind it.
///
/// Owner:   the application. An app is taken by value or as a shared_ptr; a Hub that is given is
///          borrowed and outlives the server.
/// Threads: start(), stop() and run() from threads of the application, not from handlers.
/// Errors:  start() throws Poco::Net::NetException naming the address that it cannot or must not
///          listen on, and what App::start() throws. Nothing that a web server sends is an
///          exception.
/// Limits:  FcgiLimits, HubOptions.
class FcgiServer {
public:
    /// A server with a hub of its own.
    explicit FcgiServer(std::shared_ptr<App> app, FcgiServerOptions options = {});
    /// A server on a hub that other front ends use, too.
    FcgiServer(Hub& hub, std::shared_ptr<App> app, FcgiServerOptions options = {});

    template <std::derived_from<App> A>
    explicit FcgiServer(A app, FcgiServerOptions options = {})
        : FcgiServer(std::shared_ptr<App>(std::make_shared<A>(std::move(app))),
                     std::move(options)) {}
    template <std::derived_from<App> A>
    FcgiServer(Hub& hub, A app, FcgiServerOptions options = {})
        : FcgiServer(hub, std::shared_ptr<App>(std::make_shared<A>(std::move(app))),
                     std::move(options)) {}

    /// Stops, when it has not been done.
    ~FcgiServer();
    FcgiServer(const FcgiServer&) = delete;
    FcgiServer& operator=(const FcgiServer&) = delete;

    /// Listens and starts the hub and the app; returns when connections are accepted. Once only.
    void start();

    /// As HttpServer::stop(): the app first, then the door, then the hub when it is the server's
    /// own. False when a handler did not end in time.
    bool stop(std::chrono::milliseconds timeout = std::chrono::seconds(30));

    /// As HttpServer::run(): start(), unless done, then blocks until SIGINT, SIGTERM or stop().
    void run();

    /// Where it listens; after start().
    Poco::Net::SocketAddress address() const;

    Hub& hub() const;
    const FcgiCounters& counters() const;

private:
    struct Impl;
    std::unique_ptr<Impl> _impl;
};

}  // namespace socketio
