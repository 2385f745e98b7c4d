#include "socketio/http/HttpServer.h"

#include <cerrno>
#include <limits>
#include <optional>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocketImpl.h>

#include "socketio/net/FrontEnd.h"

#include "HttpConnection.h"
#include "HttpServerState.h"

namespace socketio {

HttpServerOptions HttpServerOptions::from(const Poco::AutoPtr<Poco::Net::HTTPServerParams>& given) {
    const auto milliseconds = [](const Poco::Timespan& span) {
        return HttpLimits::Milliseconds(span.totalMilliseconds());
    };
    const Poco::AutoPtr<Poco::Net::HTTPServerParams> params =
        given ? given : Poco::AutoPtr(new Poco::Net::HTTPServerParams);
    HttpServerOptions options;
    options.serverName = params->getServerName();
    if (params->getMaxThreads() > 0)
        options.hub.maxWorkers = static_cast<unsigned>(params->getMaxThreads());
    HttpLimits& limits = options.limits;
    // A longer one would let whoever sends a byte now and then in, which this server does not.
    limits.headTime = std::min(limits.headTime, milliseconds(params->getTimeout()));
    limits.writeStall = milliseconds(params->getTimeout());
    limits.keepAliveTime = milliseconds(params->getKeepAliveTimeout());
    const int requests = params->getMaxKeepAliveRequests();
    if (!params->getKeepAlive())
        limits.keepAliveRequests = 1;
    else
        limits.keepAliveRequests = requests > 0 ? static_cast<std::size_t>(requests)
                                                : std::numeric_limits<std::size_t>::max();
    return options;
}

struct HttpServer::Impl {
    Impl(std::shared_ptr<Hub> hub, bool hubIsOwn, std::shared_ptr<App> app,
         HttpServerOptions options)
        : state(std::make_shared<HttpServerState>(std::move(hub), std::move(app),
                                                  std::move(options))),
          frontEnd("HttpServer", "socketio.http", state, hubIsOwn,
                   {.listen = [this] { return listen(); },
                    .startApp = [this] { state->app->start(*state->hub); },
                    .stopApp = [this](TimePoint deadline) { return state->app->stop(deadline); },
                    .doorClosed = {}}) {
        if (!state->app) throw Poco::InvalidArgumentException("HttpServer: no app");
        if (state->options.proxyProtocol && state->options.trustedProxies.empty())
            throw Poco::InvalidArgumentException(
                "HttpServer: proxyProtocol needs the proxies in trustedProxies");
    }

    Connection::Limits connectionLimits() const {
        const HttpLimits& limits = state->options.limits;
        Connection::Limits connection;
        // A head that is not complete must always fit.
        connection.maxPendingInput =
            std::max(limits.pipelinedBytes, limits.head.requestLine + limits.head.block);
        connection.maxOutput = state->outboundLimit(0);
        connection.writeStall = limits.writeStall;
        return connection;
    }

    Hub::ProtocolFactory protocols() const {
        return [server = state] { return std::make_shared<HttpConnection>(server); };
    }

    Hub::Listener listen(const Poco::Net::SocketAddress& address) const {
        return state->hub->listen(address, connectionLimits(), protocols());
    }

    Hub::Listener listen() const {
        const HttpServerOptions& options = state->options;
        if (!options.listen) return {};
        if (socket)
            return state->hub->listenOn(socket->impl()->sockfd(), connectionLimits(), protocols());
        if (!options.host.empty()) {
            std::optional<Poco::Net::SocketAddress> address;
            try {
                address.emplace(options.host, options.port);
            } catch (const Poco::Exception& e) {
                throw Poco::Net::NetException(
                    "cannot listen on " + options.host + ":" + std::to_string(options.port),
                    e.displayText(), e.code());
            }
            return listen(*address);
        }
        try {
            return listen(Poco::Net::SocketAddress("::", options.port));
        } catch (const Poco::Net::NetException& e) {
            // A machine without IPv6.
            if (e.code() != EAFNOSUPPORT && e.code() != EADDRNOTAVAIL) throw;
        }
        return listen(Poco::Net::SocketAddress("0.0.0.0", options.port));
    }

    const std::shared_ptr<HttpServerState> state;
    std::optional<Poco::Net::ServerSocket> socket;  // of the application; else the options tell
    FrontEnd frontEnd;
};

HttpServer::HttpServer(std::shared_ptr<App> app, HttpServerOptions options) {
    auto hub = std::make_shared<Hub>(options.hub);
    _impl = std::make_unique<Impl>(std::move(hub), true, std::move(app), std::move(options));
}

HttpServer::HttpServer(Hub& hub, std::shared_ptr<App> app, HttpServerOptions options)
    : _impl(std::make_unique<Impl>(std::shared_ptr<Hub>(&hub, [](Hub*) {}), false, std::move(app),
                                   std::move(options))) {}

HttpServer::HttpServer(std::shared_ptr<App> app, const Poco::Net::ServerSocket& socket,
                       const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params)
    : HttpServer(std::move(app), [&] {
          HttpServerOptions options = HttpServerOptions::from(params);
          if (socket.secure())
              options.tls =
                  std::make_shared<TlsContext>(Poco::Net::SecureServerSocket(socket).context());
          return options;
      }()) {
    _impl->socket = socket;
}

HttpServer::HttpServer(std::shared_ptr<App> app, std::uint16_t port,
                       const Poco::AutoPtr<Poco::Net::HTTPServerParams>& params)
    : HttpServer(std::move(app), [&] {
          HttpServerOptions options = HttpServerOptions::from(params);
          options.port = port;
          return options;
      }()) {}

HttpServer::~HttpServer() { stop(); }

bool HttpServer::adopt(DetachedConnection& connection) {
    if (!_impl->state->open || _impl->state->stopping) return false;
    std::unique_ptr<Endpoints> endpoints;
    if (connection.relayed) {
        const DetachedConnection::Addresses& from = connection.addresses;
        endpoints = std::make_unique<Endpoints>(Endpoints{.peerAddress = from.peer,
                                                          .localAddress = from.local,
                                                          .peerPort = from.peerPort,
                                                          .localPort = from.localPort,
                                                          .secureAtProxy = from.secure});
    }
    const Hub::ProtocolFactory protocol = [server = _impl->state] {
        return std::make_shared<HttpConnection>(server, true);
    };
    if (!hub().adopt(connection.descriptor(), connection.input, std::move(endpoints),
                     _impl->connectionLimits(), protocol))
        return false;
    connection.release();
    return true;
}

void HttpServer::start() { _impl->frontEnd.start(); }

bool HttpServer::stop(std::chrono::milliseconds timeout) { return _impl->frontEnd.stop(timeout); }

void HttpServer::run() { _impl->frontEnd.run(_impl->state->options.stopTimeout); }

Poco::Net::SocketAddress HttpServer::address() const { return _impl->frontEnd.address(); }

std::uint16_t HttpServer::port() const { return address().port(); }

Hub& HttpServer::hub() const { return *_impl->state->hub; }

const HttpCounters& HttpServer::counters() const { return _impl->state->counters; }

}  // namespace socketio
