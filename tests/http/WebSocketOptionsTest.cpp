#include <memory>
#include <string>
#include <thread>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/WebSocketFrame.h"

#include "HttpFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::HttpFixture;
using test::RawClient;

namespace {

SharedFrame textFrame(std::string_view text) {
    std::string frame;
    appendWebSocketFrame(frame, WebSocketOpcode::Text, text);
    return SharedFrame(std::move(frame));
}

/// Sends back every message, and where it was heard.
struct Echo : WebSocketListener {
    Echo(Executor& executorOf, Arrivals<std::string>& closedTo)
        : executor(executorOf), closed(closedTo) {}
    void onMessage(bool, std::string_view data) override {
        if (const auto to = channel.lock())
            to->send(textFrame(std::to_string(executor.currentLoop()) + std::string(data)));
    }
    void onClosed(std::uint16_t code, std::string_view detail) override {
        closed.put(std::to_string(executor.currentLoop()) + ":" + std::to_string(code) + " " +
                   std::string(detail));
    }
    Executor& executor;
    Arrivals<std::string>& closed;
    std::weak_ptr<WebSocketChannel> channel;
};

}  // namespace

/// What an app may ask for when it upgrades a connection.
class WebSocketOptionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(WebSocketOptionsTest);
    CPPUNIT_TEST(theConnectionGoesToTheLoopOfTheChannel);
    CPPUNIT_TEST(framesThatCameWithTheHandshakeGoAlong);
    CPPUNIT_TEST(aChannelThatIsClosedAtOnceSaysSo);
    CPPUNIT_TEST(stoppingFindsItThere);
    CPPUNIT_TEST(theOutboundLimitMayBeAboveTheDefault);
    CPPUNIT_TEST(theOutboundLimitMayBeBelowTheDefault);
    CPPUNIT_TEST_SUITE_END();

public:
    void theConnectionGoesToTheLoopOfTheChannel() {
        Arrivals<std::string> closed;
        HttpFixture server;
        onLoop(server, closed, 1);
        // Connections are accepted by the loops in turn.
        for (int i = 0; i < 4; ++i) {
            RawClient client = server.client();
            CPPUNIT_ASSERT_EQUAL(101, client.upgrade().status);
            client.sendText("hello");
            CPPUNIT_ASSERT_EQUAL(std::string("1hello"), client.readText());
            client.sendClose(1000);
            CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
            CPPUNIT_ASSERT_EQUAL(std::string("1:1000 "), closed.take());
        }
    }

    void framesThatCameWithTheHandshakeGoAlong() {
        Arrivals<std::string> closed;
        HttpFixture server;
        onLoop(server, closed, 1);
        const std::string handshake =
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        const std::string frames("\x81\x82\0\0\0\0ab\x81\x82\0\0\0\0cd", 16);
        for (int i = 0; i < 2; ++i) {
            RawClient client = server.client();
            client.send(handshake + frames);
            CPPUNIT_ASSERT_EQUAL(101, client.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(std::string("1ab"), client.readText());
            CPPUNIT_ASSERT_EQUAL(std::string("1cd"), client.readText());
        }
    }

    void aChannelThatIsClosedAtOnceSaysSo() {
        HttpFixture server;
        server.options.hub.ioThreads = 2;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            exchange->upgrade({.loop = 1 - exchange->loop()})->close(1000);
        };
        server.start();
        for (int i = 0; i < 2; ++i) {
            RawClient client = server.client();
            CPPUNIT_ASSERT_EQUAL(101, client.upgrade().status);
            CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
        }
    }

    void stoppingFindsItThere() {
        Arrivals<std::string> closed;
        HttpFixture server;
        onLoop(server, closed, 1);
        RawClient client = server.client();
        client.upgrade();
        client.sendText("hello");
        CPPUNIT_ASSERT_EQUAL(std::string("1hello"), client.readText());
        std::jthread stopper([&] { server.server->stop(); });
        CPPUNIT_ASSERT_EQUAL(1001, client.readFrame().closeCode());
        client.sendClose(1001);
        CPPUNIT_ASSERT_EQUAL(std::string("1:1001 "), closed.take());
    }

    void theOutboundLimitMayBeAboveTheDefault() {
        Arrivals<std::string> closed;
        HttpFixture server;
        // Far more than four messages, and than 4 MiB with what the kernel takes.
        burst(server, closed, 64u << 20, 24u << 20);
        RawClient client(server.port(), {.receiveBuffer = 20'000});
        client.upgrade();
        std::size_t received = 0;
        while (received < (24u << 20)) received += client.readFrame().payload.size();
        CPPUNIT_ASSERT(closed.empty());
    }

    void theOutboundLimitMayBeBelowTheDefault() {
        Arrivals<std::string> closed;
        HttpFixture server;
        server.options.limits.outboundBytes = 1u << 30;
        burst(server, closed, 1u << 20, 24u << 20);
        RawClient client(server.port(), {.receiveBuffer = 20'000});
        client.upgrade();
        CPPUNIT_ASSERT_EQUAL(std::string("0:1006 outbound limit"), closed.take());
    }

private:
    static void onLoop(HttpFixture& server, Arrivals<std::string>& closed, Executor::LoopId loop) {
        server.options.hub.ioThreads = 2;
        server.app->onBegin = [&closed, loop](const Exchange::Ptr& exchange) {
            const auto channel = exchange->upgrade({.loop = loop});
            CPPUNIT_ASSERT_EQUAL(loop, channel->loop());
            const auto listener = std::make_shared<Echo>(exchange->executor(), closed);
            listener->channel = channel;
            channel->setListener(listener);
        };
        server.start();
    }
    /// Sends `bytes` to who connects, in the very turn.
    static void burst(HttpFixture& server, Arrivals<std::string>& closed, std::size_t limit,
                      std::size_t bytes) {
        server.app->onBegin = [&closed, limit, bytes](const Exchange::Ptr& exchange) {
            const auto channel =
                exchange->upgrade({.maxMessageBytes = 1000, .maxOutboundBytes = limit});
            const auto listener = std::make_shared<Echo>(exchange->executor(), closed);
            channel->setListener(listener);
            constexpr std::size_t kPiece = 1u << 20;
            const SharedFrame piece = textFrame(std::string(kPiece, 'x'));
            for (std::size_t sent = 0; sent < bytes; sent += kPiece) channel->send(piece);
        };
        server.start();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebSocketOptionsTest);

}  // namespace socketio
