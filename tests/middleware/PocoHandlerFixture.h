#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/WebSocket.h>
#include <cppunit/TestAssert.h>

#include "socketio/http/HttpServer.h"
#include "socketio/middleware/EnvironLint.h"
#include "socketio/middleware/PocoHandlerApp.h"

#include "PocoHandlers.h"
#include "support/RawClient.h"
#include "support/TlsClient.h"
#include "support/Waiting.h"

namespace socketio::test {

/// PocoHandlerApp behind a real server on a free port of the loopback, with the lint between.
/// Declare it behind what its handlers use: it stops when it goes out of scope.
class PocoHandlerFixture {
public:
    using Request = PocoHandlers::Request;
    using Response = PocoHandlers::Response;
    using WebSocket = Poco::Net::WebSocket;

    explicit PocoHandlerFixture(PocoHandlerOptions given = {}) : options(given) {
        http.host = "127.0.0.1";
        http.port = 0;
        http.hub.ioThreads = 1;
    }
    ~PocoHandlerFixture() noexcept(false) {
        if (server) server->stop(std::chrono::seconds(10));
        if (std::uncaught_exceptions()) return;
        for (const std::string& violation : report->violations())
            CPPUNIT_ASSERT_MESSAGE(violation, !allowed.empty() && violation.ends_with(allowed));
    }

    void on(const std::string& path, PocoHandlers::Function function) {
        factory->handlers[path] = [function](Request& request, Response& response) {
            response.setContentType("text/plain");
            function(request, response);
        };
    }
    /// A handler that takes the handshake; it waits up to 30 s for a frame.
    void onWebSocket(const std::string& path, std::function<void(WebSocket&)> function) {
        on(path, [function](Request& request, Response& response) {
            WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(30, 0));
            function(socket);
        });
    }
    /// Before start(): TLS on the port, and in the clients.
    void secure() {
        certificates = std::make_unique<TestCertificates>();
        certificates->add("server");
        http.tls = TlsContext::load({.certificateFile = certificates->path("server.pem"),
                                     .privateKeyFile = certificates->path("server.key")});
        clients.tls = std::make_shared<TlsClientContext>();
    }
    void start() {
        app = std::make_shared<PocoHandlerApp>(factory, options);
        server = std::make_unique<HttpServer>(std::make_shared<EnvironLint>(app, report), http);
        server->start();
    }
    RawClient client() const { return RawClient(server->port(), clients); }
    /// One whose WebSocket the handler of `path` has.
    RawClient upgraded(const std::string& path) const {
        RawClient client = this->client();
        client.upgrade(path);
        return client;
    }
    /// Starts, and connects a client whose handler has ended and left its WebSocket in `kept`.
    RawClient startAndKeep(std::unique_ptr<WebSocket>& kept) {
        std::promise<void> returned;
        on("/kept", [&](Request& request, Response& response) {
            kept = std::make_unique<WebSocket>(request, response);
            returned.set_value();
        });
        start();
        RawClient client = upgraded("/kept");
        returned.get_future().wait();
        CPPUNIT_ASSERT(eventually([&] { return app->webSockets() == 0; }));
        kept->sendFrame("hello", 5);
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.readText());
        return client;
    }
    std::future<bool> stopMeanwhile() {
        return std::async(std::launch::async,
                          [this] { return server->stop(std::chrono::seconds(60)); });
    }
    /// Nobody is connected, and whatever was accepted has been closed.
    bool emptied() const {
        const HubCounters& counters = server->hub().counters();
        return eventually([&] {
            return app->webSockets() == 0 && server->hub().connectionCount() == 0 &&
                   counters.accepted == counters.closed;
        });
    }

    Poco::SharedPtr<PocoHandlers> factory{new PocoHandlers};
    std::string allowed;  // what the lint may say
    const std::shared_ptr<EnvironLint::Report> report = std::make_shared<EnvironLint::Report>();
    PocoHandlerOptions options;
    HttpServerOptions http;
    std::unique_ptr<TestCertificates> certificates;
    RawClient::Options clients;
    std::shared_ptr<PocoHandlerApp> app;
    std::unique_ptr<HttpServer> server;
};

}  // namespace socketio::test
