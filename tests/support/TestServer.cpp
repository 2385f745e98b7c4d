#include "support/TestServer.h"

#include <utility>

namespace socketio::test {

TestServer::TestServer(ServerOptions options, HttpServerOptions http)
    : TestServer(std::move(options), std::move(http), nullptr) {}

TestServer::TestServer(ServerOptions options, HttpServerOptions http, std::shared_ptr<App> app)
    : sio((options.namespaces = {"/", "/chat"}, std::move(options))) {
    http.host = "127.0.0.1";
    http.port = 0;
    _http = std::make_unique<HttpServer>(std::make_shared<Middleware>(sio, std::move(app)),
                                         std::move(http));
}

TestServer::~TestServer() { stop(); }

void TestServer::start() { _http->start(); }

bool TestServer::stop(std::chrono::milliseconds timeout) { return _http->stop(timeout); }

}  // namespace socketio::test
