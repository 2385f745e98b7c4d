// Handlers that throw, whatever they throw, and handlers that do not return.
#include <chrono>
#include <string>
#include <vector>

#include "FaultFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kWorkers = 8;  // of a FaultServer

}  // namespace

class HandlerFaultTest : public FaultFixture {
    CPPUNIT_TEST_SUITE(HandlerFaultTest);
    CPPUNIT_TEST(everyKindOfHandlerThrows);
    CPPUNIT_TEST(oneHandlerDoesNotReturn);
    CPPUNIT_TEST(noHandlerReturns);
    CPPUNIT_TEST_SUITE_END();

public:
    void everyKindOfHandlerThrows() {
        start();
        for (const std::string kind : {"runtime", "int"})
            for (int round = 0; round < 50; ++round) {
                const std::string quoted = "\"" + kind + "\"";
                // An event, and what it asks back: the client stays, and is told nothing.
                WebSocketClient client(server->port());
                const std::string sid = sidIn(client.connect());
                client.send("42[\"throw\"," + quoted + "]");
                client.send("42[\"throw later\"," + quoted + "]");
                const std::string question = client.next();
                CPPUNIT_ASSERT_MESSAGE(question, question.starts_with("42"));
                client.send("43" + question.substr(2, question.find('[') - 2) + "[]");
                client.send("427[\"echo\",1]");
                CPPUNIT_ASSERT_EQUAL(std::string("437[1]"), client.next());
                CPPUNIT_ASSERT_EQUAL(std::string(), server->reasonOf(sid));
                // Connecting: refused.
                WebSocketClient refused(server->port());
                const std::string answer = refused.connect("/", "{\"throw\":" + quoted + "}");
                CPPUNIT_ASSERT_EQUAL(std::string("44{\"message\":\"Internal error\"}"), answer);
                // Disconnecting: gone all the same.
                WebSocketClient leaving(server->port());
                const std::string third =
                    sidIn(leaving.connect("/", "{\"throw at the end\":" + quoted + "}"));
                leaving.send("41");
                CPPUNIT_ASSERT_EQUAL(std::string("client namespace disconnect"), reasonOf(third));
            }
        CPPUNIT_ASSERT(server->waitUntil([this] { return server->said("caught ") == 400; }, 20s));
        judge();
    }

    void oneHandlerDoesNotReturn() {
        FaultServer::Options options;
        options.settings = {"hub.handlerWarning=500"};
        start(options);
        WebSocketClient blocked(server->port());
        blocked.connect();
        blocked.send("42[\"block\"]");
        blocked.send("421[\"echo\"]");
        CPPUNIT_ASSERT(server->waitUntil([this] { return server->said("blocked ") == 1; }, 20s));
        // It is named; meanwhile everybody else is served.
        CPPUNIT_ASSERT(server->waitUntil(
            [this] { return server->log().find("block") != std::string::npos; }, 20s));
        CPPUNIT_ASSERT(traffic->goesOn());
        // Its own events wait, in order.
        server->command("release");
        CPPUNIT_ASSERT_EQUAL(std::string("431[]"), blocked.next());
        blocked.raw().close();
        judge();
    }

    void noHandlerReturns() {
        constexpr auto kInterval = 500ms, kTimeout = 1000ms;
        FaultServer::Options options;
        options.settings = {"engine.pingInterval=500", "engine.pingTimeout=1000",
                            "hub.handlerWarning=500"};
        start(options);
        std::vector<WebSocketClient> blocked;
        for (std::size_t i = 0; i < kWorkers; ++i) {
            blocked.emplace_back(server->port());
            blocked.back().connect();
            blocked.back().send("42[\"block\"]");
        }
        CPPUNIT_ASSERT(
            server->waitUntil([this] { return server->said("blocked ") == kWorkers; }, 20s));
        // Pings and pongs go on: nobody is taken for dead in many times the time for that. Those
        // that are blocked answer theirs, too.
        const auto end = std::chrono::steady_clock::now() + 5 * (kInterval + kTimeout);
        while (std::chrono::steady_clock::now() < end) {
            for (WebSocketClient& each : blocked)
                while (each.raw().readable(0ms)) {
                    const RawFrame frame = each.frame();
                    CPPUNIT_ASSERT_EQUAL(std::string("2"), frame.payload);
                    each.send("3");
                }
            CPPUNIT_ASSERT(traffic->goesOn(FaultTraffic::Which::Down));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->disconnects("ping timeout"));
        // New clients are let in as far as that needs no handler.
        WebSocketClient late(server->port());
        CPPUNIT_ASSERT(late.openPacket().starts_with("0{"));
        CPPUNIT_ASSERT(server->log().find("block") != std::string::npos);
        server->command("release");
        sidIn(late.connect());
        for (WebSocketClient& each : blocked) each.raw().close();
        late.raw().close();
        judge();
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HandlerFaultTest);

}  // namespace socketio::test
