#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <Poco/AutoPtr.h>
#include <Poco/Net/SocketAddress.h>

#include "socketio/exchange/App.h"
#include "socketio/exchange/BodyPace.h"
#include "socketio/exchange/TrustedProxies.h"
#include "socketio/net/Hub.h"
#include "socketio/net/TlsContext.h"
#include "socketio/protocol/HttpHead.h"

namespace Poco::Net {
class HTTPServerParams;
class ServerSocket;
}  // namespace Poco::Net

namespace socketio {

/// What one connection may cost. Whoever reaches a limit is answered as the comment says, and the
/// connection is closed.
struct HttpLimits {
    using Milliseconds = std::chrono::milliseconds;

    HttpRequestHead::Limits head{};      ///< 414, 431
    Milliseconds handshakeTime{10'000};  ///< Of TLS, from accept to its end; closed.
    Milliseconds headTime{10'000};       ///< From the first byte to the whole head; 408.
    ChunkedDecoder::Limits chunks{};     ///< 400
    Milliseconds bodyTime{30'000};       ///< For a whole body; 408.
    Milliseconds bodyGrace{10'000};      ///< From then on a body must come at...
    std::size_t minBodyRate = 1024;      ///< ...so many bytes per second on average; 408.
    BodyPace bodyPace() const { return {bodyTime, bodyGrace, minBodyRate}; }
    /// Connections of one address (of one /64 of IPv6) with the hub; the next is closed. 0: any
    /// number. Trusted proxies may have any number; through the PROXY protocol the client counts.
    std::size_t connectionsPerAddress = 0;
    Milliseconds keepAliveTime{75'000};    ///< Without a request; closed.
    std::size_t keepAliveRequests = 1000;  ///< The last answer says `Connection: close`.
    std::size_t pipelinedBytes = 65'536;   ///< Kept while an answer is awaited; then not read.

    /// Queued for a client that does not read; it is closed. 0: four times the largest WebSocket
    /// message, and at least 4 MiB. A whole answer may be larger, and the pieces of one have this
    /// much to themselves behind what is left of the answers before (up to 256 KiB).
    std::size_t outboundBytes = 0;
    Milliseconds writeStall{30'000};     ///< Output that the client takes nothing of; closed.
    std::size_t streamBuffer = 262'144;  ///< Exchange::write() waits while more is queued.

    Milliseconds webSocketCloseWait{5'000};  ///< For the peer's close frame.
    unsigned webSocketControlFrames = 100;   ///< Pings and pongs per second; close 1008.
    std::size_t webSocketFragments = 1024;   ///< Frames of one message; close 1009.
};

struct HttpServerOptions {
    std::string host{};         ///< An address or a name; empty: every address, IPv6 and IPv4.
    std::uint16_t port = 5000;  ///< 0: the kernel chooses, see HttpServer::port().
    bool listen = true;         ///< False: serves only connections given to HttpServer::adopt().
    std::string serverName{};   ///< SERVER_NAME of requests without Host; empty: the address.
    HttpLimits limits{};
    /// https and wss with these certificates (TlsContext::load()); null: http and ws. Whoever keeps
    /// the pointer can replace the certificates while the server runs.
    std::shared_ptr<TlsContext> tls{};
    /// Whose X-Forwarded-For, -Proto and -Host are believed, and who may speak the PROXY protocol.
    TrustedProxies trustedProxies{};
    /// Every connection has to begin with a PROXY header, version 1 or 2, before TLS and within
    /// limits.headTime, and has to come from a trusted proxy; any other is closed.
    bool proxyProtocol = false;
    /// What run() gives stop() after a signal; handlers that have not returned by then are left.
    std::chrono::milliseconds stopTimeout{25'000};
    HubOptions hub{};  ///< Of the hub that HttpServer makes; unused when it is given one.

    /// Of a Poco::Net::HTTPServer: server name, threads (maxWorkers), keep-alive with its time and
    /// number of requests, timeout (writeStall, and headTime where it is shorter). Connections wait
    /// for no thread here, so that maxQueued has no counterpart. Null: POCO's defaults.
    static HttpServerOptions from(const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params);
};

/// Counters for logs, tests and monitoring; of what is refused at most one line a second is logged.
struct HttpCounters {
    std::atomic<std::uint64_t> requests{0};  ///< Heads given to the app.
    std::atomic<std::uint64_t> refused{0};   ///< Answered 4xx or 5xx before the app saw them.
    std::atomic<std::uint64_t> timeouts{0};  ///< Heads and bodies that came too slowly.
    std::atomic<std::uint64_t> dropped{0};   ///< Answered 500: the app let the exchange go.
    std::atomic<std::uint64_t> upgrades{0};  ///< Connections that became WebSockets.
};

/// The HTTP/1.1 and WebSocket (RFC 9112, RFC 6455) front end: gives every request to an App.
///
///     socketio::HttpServer(app, {.port = 5000}).run();
///
/// Owner:   the application. An app is taken by value or as a shared_ptr; a Hub that is given is
///          borrowed and outlives the server.
/// Threads: start(), stop() and run() from threads of the application, not from handlers.
/// Errors:  start() throws Poco::Net::NetException naming the address that it cannot listen on,
///          and what App::start() throws. Nothing that a client sends is an exception.
/// Limits:  HttpLimits, HubOptions.
class HttpServer : public ConnectionSink {
public:
    /// A server with a hub of its own.
    explicit HttpServer(std::shared_ptr<App> app, HttpServerOptions options = {});
    /// A server on a hub that other front ends use, too.
    HttpServer(Hub& hub, std::shared_ptr<App> app, HttpServerOptions options = {});

    template <std::derived_from<App> A>
    explicit HttpServer(A app, HttpServerOptions options = {})
        : HttpServer(std::shared_ptr<App>(std::make_shared<A>(std::move(app))),
                     std::move(options)) {}
    template <std::derived_from<App> A>
    HttpServer(Hub& hub, A app, HttpServerOptions options = {})
        : HttpServer(hub, std::shared_ptr<App>(std::make_shared<A>(std::move(app))),
                     std::move(options)) {}

    /// As Poco::Net::HTTPServer is made, on a socket that is bound already and stays open, or a
    /// port:
    ///
    ///     Poco::Net::HTTPServer server(new Factory, socket, params);
    ///     socketio::HttpServer server(socketio::PocoHandlerApp(new Factory), socket, params);
    ///
    /// A secure socket is served with TLS by its context.
    HttpServer(std::shared_ptr<App> app, const Poco::Net::ServerSocket& socket,
               const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params);
    HttpServer(std::shared_ptr<App> app, std::uint16_t port,
               const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params);
    template <std::derived_from<App> A>
    HttpServer(A app, const Poco::Net::ServerSocket& socket,
               const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params)
        : HttpServer(std::shared_ptr<App>(std::make_shared<A>(std::move(app))), socket, params) {}
    template <std::derived_from<App> A>
    HttpServer(A app, std::uint16_t port, const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params)
        : HttpServer(std::shared_ptr<App>(std::make_shared<A>(std::move(app))), port, params) {}

    /// Stops, when it has not been done.
    ~HttpServer() override;
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Listens and starts the hub and the app; returns when connections are accepted. Once only:
    /// a server that was stopped does not start again.
    void start();

    /// Ends the app (App::stop()), which lets its clients fetch what is left for them, then accepts
    /// no more, closes idle connections, waits for requests that are being answered, and stops the
    /// hub when it is the server's own. Returns after `timeout` at the latest. False when a handler
    /// did not end: its thread still runs, and the process has to leave by _exit(). Later calls
    /// wait for the first and return the same.
    bool stop(std::chrono::milliseconds timeout = std::chrono::seconds(30));

    /// start(), unless done, then blocks until SIGINT, SIGTERM or stop(). A signal stops the server
    /// within stopTimeout; a second one ends the process at once. When a handler does not end, logs
    /// it and leaves by _exit(0). Only one run() at a time in a process.
    void run();

    /// From start() to stop(). A connection with a PROXY header or TLS on it cannot be adopted:
    /// whoever accepted it has to have dealt with both.
    [[nodiscard]] bool adopt(DetachedConnection& connection) override;

    /// Where it listens; after start().
    Poco::Net::SocketAddress address() const;
    std::uint16_t port() const;

    Hub& hub() const;
    const HttpCounters& counters() const;

private:
    struct Impl;
    std::unique_ptr<Impl> _impl;
};

}  // namespace socketio
