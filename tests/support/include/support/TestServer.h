#pragma once

#include <cstdint>
#include <memory>

#include "socketio/http/HttpServer.h"
#include "socketio/middleware/Middleware.h"
#include "socketio/server/Server.h"

namespace socketio::test {

/// A whole server in the process of the test: hub, HTTP front end, Middleware, Socket.IO; on
/// 127.0.0.1 and a port from the kernel. Register handlers, then start().
///
/// In `/` and `/chat` anybody may connect. It is stopped when it goes out of scope.
class TestServer {
public:
    explicit TestServer(ServerOptions options = {}, HttpServerOptions http = {});
    TestServer(ServerOptions options, HttpServerOptions http, std::shared_ptr<App> app);
    ~TestServer();

    void start();
    bool stop(std::chrono::milliseconds timeout = std::chrono::milliseconds(500));
    std::uint16_t port() const { return _http->port(); }
    Hub& hub() { return _http->hub(); }

    Server sio;

private:
    std::unique_ptr<HttpServer> _http;
};

}  // namespace socketio::test
