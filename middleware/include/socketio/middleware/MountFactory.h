#pragma once

#include <string>
#include <string_view>

#include <Poco/Net/HTTPRequestHandlerFactory.h>

#include "socketio/exchange/DetachedConnection.h"

namespace socketio {

/// Brings Socket.IO into a running Poco::Net::HTTPServer: requests below a path move, with their
/// connection, into an HttpServer of ours, all others go to the factory that was there before.
///
///     Poco::Net::HTTPRequestHandlerFactory::Ptr factory(new MyRequestHandlerFactory);
///     socketio::HttpServer hub(
///         socketio::Middleware(sio, socketio::PocoHandlerApp(factory)), {.listen = false});
///     hub.start();
///     Poco::Net::HTTPServer server(new socketio::MountFactory(factory, hub), socket, params);
///
/// A connection that has moved stays, and a browser sends requests for other paths over it as well;
/// hence the PocoHandlerApp with the same factory.
///
/// Over plain TCP a connection that has moved costs no thread. One over TLS cannot leave its
/// Poco::Net::SecureStreamSocket: its POCO thread carries the bytes to and fro until it ends, so
/// maxThreads of the POCO server limits those.
///
/// What Poco::Net::HTTPServer has read is read again, strictly; it undoes RFC 2047 words, and a
/// header in which that makes a line break is refused with 400. It also still decides on who gets
/// in: connections that never come to a request are its own, as is TLS.
///
/// Owner:   the Poco::Net::HTTPServer; the sink is borrowed and outlives it.
/// Threads: thread-safe, as the wrapped factory has to be.
/// Limits:  a head over 64 KiB is answered 431. A sink that has no room, or is not running: 503.
class MountFactory : public Poco::Net::HTTPRequestHandlerFactory {
public:
    MountFactory(Poco::Net::HTTPRequestHandlerFactory::Ptr wrapped, ConnectionSink& sink,
                 std::string_view path = "/socket.io/");

    Poco::Net::HTTPRequestHandler* createRequestHandler(
        const Poco::Net::HTTPServerRequest& request) override;

private:
    Poco::Net::HTTPRequestHandlerFactory::Ptr _wrapped;
    ConnectionSink& _sink;
    const std::string _prefix;  // "/socket.io/"
};

}  // namespace socketio
