// POCO's WebSocket on a connection that an HttpServer accepted.
#include <memory>
#include <stdexcept>
#include <string>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/WebSocket.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "PocoHandlerFixture.h"
#include "TestExchange.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Fixture = test::PocoHandlerFixture;
using Poco::Net::HTTPClientSession;
using Poco::Net::HTTPMessage;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using Poco::Net::WebSocket;
using test::eventually;
using test::ManualExecutor;
using test::PocoHandlers;
using test::RawClient;
using test::TestExchange;
using Request = PocoHandlers::Request;
using PocoAnswer = PocoHandlers::Response;

class PocoWebSocketTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PocoWebSocketTest);
    CPPUNIT_TEST(speaksPocosWebSocket);
    CPPUNIT_TEST(givesTheWebSocketWhatWasReadAhead);
    CPPUNIT_TEST(aHandshakeMayBeAnsweredOtherwise);
    CPPUNIT_TEST(limitsWebSockets);
    CPPUNIT_TEST(endsWebSocketsAtStop);
    CPPUNIT_TEST(aWebSocketMayOutliveItsHandler);
    CPPUNIT_TEST(saysWhereNoWebSocketIsPossible);
    CPPUNIT_TEST_SUITE_END();

public:
    void speaksPocosWebSocket() {
        Fixture fixture;
        fixture.on("/ws", [](Request& request, PocoAnswer& response) {
            CPPUNIT_ASSERT_EQUAL("127.0.0.1"s, request.clientAddress().host().toString());
            CPPUNIT_ASSERT_EQUAL("=?utf-8?Q?a=0D=0A?="s, request.get("X-Word", "none"));
            CPPUNIT_ASSERT_EQUAL("/ws?a=1"s, request.getURI());
            PocoHandlers::echo(request, response);
        });
        fixture.start();
        HTTPClientSession session("127.0.0.1", fixture.server->port());
        HTTPRequest request(HTTPRequest::HTTP_GET, "/ws?a=1", HTTPMessage::HTTP_1_1);
        request.set("X-Word", "=?utf-8?Q?a=0D=0A?=");
        HTTPResponse response;
        Poco::Net::WebSocket socket(session, request, response);
        char buffer[4096];
        int flags = 0;
        for (int i = 0; i < 100; ++i) {
            const std::string text = "message " + std::to_string(i);
            socket.sendFrame(text.data(), static_cast<int>(text.size()));
            const int size = socket.receiveFrame(buffer, sizeof buffer, flags);
            CPPUNIT_ASSERT_EQUAL(text, std::string(buffer, static_cast<std::size_t>(size)));
            CPPUNIT_ASSERT_EQUAL(int(WebSocket::FRAME_TEXT), flags);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), fixture.app->webSockets());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.server->hub().connectionCount());
        socket.shutdown();
        socket.receiveFrame(buffer, sizeof buffer, flags);
        CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
    }

    void givesTheWebSocketWhatWasReadAhead() {
        for (const bool secure : {false, true}) giveTheWebSocketWhatWasReadAhead(secure);
    }

    static void giveTheWebSocketWhatWasReadAhead(bool secure) {
        Fixture fixture;
        if (secure) fixture.secure();
        fixture.on("/ws", PocoHandlers::echo);
        fixture.on("/before", [](Request&, PocoAnswer& response) {
            response.send() << std::string(100'000, 'b');
        });
        fixture.start();
        RawClient client = fixture.client();
        // More than POCO's session buffers, behind a pipelined request, all in one.
        std::string bytes =
            RawClient::requestBytes("GET", "/before") + RawClient::upgradeRequest("/ws");
        for (int i = 0; i < 40; ++i)
            bytes += RawClient::frame(test::RawFrame::Text, std::string(1000, char('a' + i % 26)));
        client.send(bytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t(100'000), client.readResponse().body.size());
        const auto answer = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(101, answer.status);
        CPPUNIT_ASSERT_EQUAL(RawClient::upgradeAccept(), answer.header("Sec-WebSocket-Accept"));
        for (int i = 0; i < 40; ++i)
            CPPUNIT_ASSERT_EQUAL(std::string(1000, char('a' + i % 26)), client.readText());
        client.sendClose(1000);
        CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
    }

    void aHandshakeMayBeAnsweredOtherwise() {
        Fixture fixture;
        fixture.on("/", [](Request&, PocoAnswer& response) {
            response.setStatusAndReason(HTTPResponse::HTTP_FORBIDDEN);
            response.sendBuffer("no", 2);
        });
        fixture.on("/throws", [](Request&, PocoAnswer&) { throw std::runtime_error("no"); });
        fixture.start();
        for (const auto& [path, status] : {std::pair("/", 403), {"/throws", 500}}) {
            RawClient client = fixture.client();
            client.send(RawClient::upgradeRequest(path));
            CPPUNIT_ASSERT_EQUAL(status, client.readResponse().status);
            CPPUNIT_ASSERT(client.closedWithin(5s));
        }
        CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
    }

    void limitsWebSockets() {
        Fixture fixture({.maxWebSockets = 2});
        fixture.on("/ws", PocoHandlers::echo);
        fixture.start();
        {
            RawClient one = fixture.client(), two = fixture.client(), three = fixture.client();
            one.upgrade("/ws");
            two.upgrade("/ws");
            three.send(RawClient::upgradeRequest("/ws"));
            CPPUNIT_ASSERT_EQUAL(503, three.readResponse().status);
            one.sendText("still here");
            CPPUNIT_ASSERT_EQUAL("still here"s, one.readText());
        }
        CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
        for (int i = 0; i < 20; ++i) {  // places come free
            RawClient client = fixture.upgraded("/ws");
            client.close();
            CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
        }
    }

    void endsWebSocketsAtStop() {
        Fixture fixture;
        fixture.on("/ws", PocoHandlers::echo);
        fixture.start();
        RawClient client = fixture.upgraded("/ws");
        client.sendText("hello");
        CPPUNIT_ASSERT_EQUAL("hello"s, client.readText());
        CPPUNIT_ASSERT(fixture.server->stop(10s));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.app->webSockets());
        CPPUNIT_ASSERT(client.closedWithin(5s));
    }

    void aWebSocketMayOutliveItsHandler() {
        std::unique_ptr<WebSocket> kept;
        Fixture fixture;
        RawClient client = fixture.startAndKeep(kept);
        fixture.server->stop(5s);
        fixture.server.reset();
        fixture.app.reset();
        kept.reset();
        CPPUNIT_ASSERT(client.closedWithin(5s));
    }

    void saysWhereNoWebSocketIsPossible() {
        // A front end as FastCGI is: the handshake comes, the connection stays where it is.
        Poco::SharedPtr<PocoHandlers> factory(new PocoHandlers);
        factory->handlers["/ws"] = PocoHandlers::echo;
        PocoHandlerApp app(factory);
        ManualExecutor executor;
        auto environ = std::make_shared<Environ>();
        environ->set("REQUEST_METHOD", "GET");
        environ->set("REQUEST_URI", "/ws");
        environ->set("PATH_INFO", "/ws");
        environ->set("SERVER_PROTOCOL", "HTTP/1.1");
        environ->addHeader("Connection", "Upgrade");
        environ->addHeader("Upgrade", "websocket");
        environ->addHeader("Sec-WebSocket-Version", "13");
        environ->addHeader("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        const auto exchange = std::make_shared<TestExchange>(executor, environ);
        exchange->handshake = true;
        app.handle(exchange);
        CPPUNIT_ASSERT_EQUAL(400, exchange->status);
        CPPUNIT_ASSERT_MESSAGE(exchange->body, exchange->body.find("No WebSocket") == 0);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PocoWebSocketTest);

}  // namespace socketio
