#include <atomic>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "HttpFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::HttpFixture;
using test::RawClient;
using test::RawFrame;

/// Every limit of time, as it is by default and as it is set, over real sockets on a clock that
/// the test moves: nothing happens a tick too early, and at the limit what the header says.
class HttpLimitsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpLimitsTest);
    CPPUNIT_TEST(aConnectionThatSaysNothingIsClosed);
    CPPUNIT_TEST(aSlowHeadIsAnswered408);
    CPPUNIT_TEST(aBodyThatDoesNotComeIsAnswered408);
    CPPUNIT_TEST(aBodyBelowTheRateIsAnswered408);
    CPPUNIT_TEST(aBodyThatTakesTooLongIsAnswered408);
    CPPUNIT_TEST(anIdleConnectionIsClosed);
    CPPUNIT_TEST(aParkedRequestHasNoDeadline);
    CPPUNIT_TEST(aClientThatDoesNotReadIsClosed);
    CPPUNIT_TEST(theCloseFrameOfThePeerIsWaitedFor);
    CPPUNIT_TEST(controlFramesAreCountedBySeconds);
    CPPUNIT_TEST_SUITE_END();

public:
    /// Runs `test` with the default limits, and with others.
    template <class Test>
    static void withBoth(Test test) {
        test(HttpLimits{});
        HttpLimits other;
        other.headTime = 3s;
        other.bodyTime = 7s;
        other.bodyGrace = 2s;
        other.minBodyRate = 100;
        other.keepAliveTime = 15s;
        other.writeStall = 4s;
        other.webSocketCloseWait = 1s;
        other.webSocketControlFrames = 3;
        test(other);
    }

    /// A server whose app answers with the path, after it has taken the body.
    struct Fixture : HttpFixture {
        explicit Fixture(const HttpLimits& limits) {
            options.limits = limits;
            app->onBegin = [this](const Exchange::Ptr& exchange) {
                exchange->receiveBody(1'000'000, [this, weak = std::weak_ptr<Exchange>(exchange)](
                                                     Exchange::BodyStatus status) {
                    bodies.put(status);
                    if (const auto kept = weak.lock())
                        kept->respond(Response::text(200, kept->environ().path()));
                });
            };
            holdTime();
        }
        std::uint64_t timeouts() const { return server->counters().timeouts; }

        Arrivals<Exchange::BodyStatus> bodies;
    };

    static void assertAnswered408(RawClient& client) {
        const test::RawResponse answer = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(408, answer.status);
        CPPUNIT_ASSERT_EQUAL(std::string("close"), answer.header("Connection"));
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
    }

    void aConnectionThatSaysNothingIsClosed() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.start();
            RawClient client = server.client();
            while (server.server->hub().connectionCount() == 0) server.turn(client);
            server.expectAt(client, limits.headTime);
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server.timeouts());
        });
    }

    void aSlowHeadIsAnswered408() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.start();
            RawClient client = server.client();
            CPPUNIT_ASSERT_EQUAL(std::string("/1"), client.get("/1").body);
            server.advance(limits.keepAliveTime / 2);
            // A byte now and then does not move the deadline, which counts from the first.
            client.send("G");
            server.turn(client);
            server.advance(limits.headTime / 4);
            client.send("E");
            server.turn(client);
            server.advance(limits.headTime / 4);
            client.send("T / HTTP/1.1\r\nHost: h\r\n");
            server.expectAt(client, limits.headTime - 2 * (limits.headTime / 4));
            assertAnswered408(client);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), server.timeouts());
        });
    }

    void aBodyThatDoesNotComeIsAnswered408() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.start();
            RawClient client = server.client();
            client.request("POST", "/", "Content-Length: 900000\r\n");
            server.expectAt(client, limits.bodyGrace);
            assertAnswered408(client);
            CPPUNIT_ASSERT(server.bodies.take() == Exchange::BodyStatus::Incomplete);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), server.timeouts());
        });
    }

    void aBodyBelowTheRateIsAnswered408() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.start();
            RawClient client = server.client();
            const auto grace = std::chrono::duration_cast<std::chrono::seconds>(limits.bodyGrace);
            const auto enough = static_cast<std::size_t>(grace.count()) * limits.minBodyRate;
            client.request("POST", "/", "Content-Length: 900000\r\n");
            client.send(std::string(enough, 'x'));
            server.turn(client);
            server.advance(limits.bodyGrace);
            // Just enough so far; from now on it is looked at every second.
            client.send(std::string(limits.minBodyRate, 'x'));
            server.turn(client);
            server.advance(1s);
            CPPUNIT_ASSERT(!client.readable(0ms));
            client.send(std::string(limits.minBodyRate - 1, 'x'));
            server.expectAt(client, 1s);
            assertAnswered408(client);
            CPPUNIT_ASSERT(server.bodies.take() == Exchange::BodyStatus::Incomplete);
        });
    }

    void aBodyThatTakesTooLongIsAnswered408() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.start();
            RawClient client = server.client();
            client.request("POST", "/", "Transfer-Encoding: chunked\r\n");
            client.send("10000\r\n" + std::string(0x10000, 'x') + "\r\n");  // ahead of the rate
            server.expectAt(client, limits.bodyTime);
            assertAnswered408(client);
            CPPUNIT_ASSERT(server.bodies.take() == Exchange::BodyStatus::Incomplete);
        });
    }

    void anIdleConnectionIsClosed() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.start();
            RawClient client = server.client();
            for (int round = 0; round < 2; ++round) {  // each request starts the time again
                CPPUNIT_ASSERT_EQUAL(std::string("/"), client.get("/").body);
                server.advance(limits.keepAliveTime - 5ms);
            }
            CPPUNIT_ASSERT_EQUAL(std::string("/"), client.get("/").body);
            server.expectAt(client, limits.keepAliveTime);
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server.timeouts());
        });
    }

    void aParkedRequestHasNoDeadline() {
        Fixture server(HttpLimits{});
        Arrivals<Exchange::Ptr> begun;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        RawClient client = server.client();
        client.request("GET", "/");
        const Exchange::Ptr exchange = begun.take();
        server.advance(24h);
        CPPUNIT_ASSERT(!client.readable(0ms));
        exchange->respond(Response::text(200, "here"));
        CPPUNIT_ASSERT_EQUAL(std::string("here"), client.readResponse().body);
    }

    void aClientThatDoesNotReadIsClosed() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            server.app->onBegin = [](const Exchange::Ptr& exchange) {
                exchange->respond({200, {}, std::string(20'000'000, 'x')});
            };
            server.start();
            RawClient client(server.port(), {.receiveBuffer = 20'000});
            client.request("GET", "/");
            // What the kernels take comes by and by; each time it counts as progress.
            const std::atomic<std::uint64_t>& stalls = server.server->hub().counters().writeStalls;
            for (std::size_t unread = 1; unread != client.unread();) {
                unread = client.unread();
                for (int i = 0; i < 20; ++i) server.turn(client);
            }
            CPPUNIT_ASSERT(client.unread() > 0);
            server.advance(limits.writeStall - 5ms);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), stalls.load());
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), server.server->hub().connectionCount());
            server.advance(5ms);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), stalls.load());
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), server.server->hub().connectionCount());
        });
    }

    /// Takes the WebSocket of the next request; messages are dropped.
    struct Listener : WebSocketListener {
        void onMessage(bool, std::string_view) override {}
        void onClosed(std::uint16_t code, std::string_view detail) override {
            closed.put(std::to_string(code) + " " + std::string(detail));
        }
        Arrivals<std::string> closed;
    };
    static std::shared_ptr<Listener> takeWebSocket(
        HttpFixture& server, std::shared_ptr<WebSocketChannel>* channel = nullptr) {
        const auto listener = std::make_shared<Listener>();
        server.app->onBegin = [listener, channel](const Exchange::Ptr& exchange) {
            const auto made = exchange->upgrade({.maxMessageBytes = 1000});
            made->setListener(listener);
            if (channel) *channel = made;
        };
        return listener;
    }

    void theCloseFrameOfThePeerIsWaitedFor() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            std::shared_ptr<WebSocketChannel> channel;
            const auto listener = takeWebSocket(server, &channel);
            server.start();
            RawClient client = server.client();
            client.upgrade();
            channel->close(1000);
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), client.readFrame().opcode);
            client.sendText("not the answer");
            server.expectAt(client, limits.webSocketCloseWait);
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            CPPUNIT_ASSERT_EQUAL(std::string("1006 no close frame from the peer"),
                                 listener->closed.take());
        });
    }

    void controlFramesAreCountedBySeconds() {
        withBoth([](const HttpLimits& limits) {
            Fixture server(limits);
            const auto listener = takeWebSocket(server);
            server.start();
            RawClient client = server.client();
            client.upgrade();
            for (int second = 0; second < 3; ++second) {
                for (unsigned i = 0; i < limits.webSocketControlFrames; ++i) {
                    client.sendFrame(RawFrame::Ping, "p");
                    CPPUNIT_ASSERT_EQUAL(int(RawFrame::Pong), client.readFrame().opcode);
                }
                if (second < 2) server.advance(1s);
            }
            server.advance(1s - 1ms);
            client.sendFrame(RawFrame::Ping, "one too many");
            const RawFrame close = client.readFrame();
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), close.opcode);
            CPPUNIT_ASSERT_EQUAL(1008, close.closeCode());
        });
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpLimitsTest);

}  // namespace socketio
