// The server is told to end, or killed, while many clients are at work.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadFixture.h"
#include "support/EngineClient.h"

namespace socketio::test {

using namespace std::chrono_literals;

class StopTest : public LoadFixture {
    CPPUNIT_TEST_SUITE(StopTest);
    CPPUNIT_TEST(whatWasAcceptedArrivesBeforeTheEnd);
    CPPUNIT_TEST(aSecondSignalEndsItAtOnce);
    CPPUNIT_TEST_SUITE_END();

public:
    void whatWasAcceptedArrivesBeforeTheEnd() {
        constexpr std::size_t kSessions = 4'000, kPollers = 1'000;
        constexpr auto kMost = 30s;
        start();
        LoadClients& clients = addClients("websocket", server->port());
        LoadClients& pollers = addClients("polling", server->port());
        clients.join(kSessions, 4s);
        pollers.join(kPollers, 4s);
        waitForJoined(clients, kSessions);
        waitForJoined(pollers, kPollers);
        WebSocketClient ann(server->port());
        ann.connect();
        startTraffic(2s, 1s);
        carryOn(5s);

        broadcast();
        server->footprint();  // it has done that
        auto annHears = std::async(std::launch::async, [&] {
            std::vector<std::string> heard;
            RawFrame frame;
            for (; (frame = ann.frame()).opcode != RawFrame::Close; heard.push_back(frame.payload))
                if (frame.payload == "2") ann.send("3");
            ann.raw().sendClose(1000);
            heard.push_back(std::to_string(frame.closeCode()));
            return heard;
        });
        const TimePoint begin = Clock::system().now();
        CPPUNIT_ASSERT_EQUAL(0, server->stop());
        const Duration took = Clock::system().now() - begin;
        std::printf("%zu clients were told and left in %lld ms\n", kSessions + kPollers,
                    static_cast<long long>(
                        std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
        CPPUNIT_ASSERT(took < kMost);

        for (LoadClients* const crowd : {&clients, &pollers}) {
            const std::size_t count = crowd == &clients ? kSessions : kPollers;
            CPPUNIT_ASSERT(crowd->waitUntil(
                [&](LoadClients::Counts& counts) { return counts["dropped"] == count; },
                kPatience));
            LoadClients::Counts counts = crowd->counts();
            CPPUNIT_ASSERT_EQUAL(count * broadcasts(), counts["broadcasts"]);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0),
                                 counts["early"] + counts["late"] + counts["wrong"]);
        }
        const std::vector<std::string> heard = annHears.get();
        const std::string last = "42[\"n\",\"" + std::to_string(broadcasts()) + " ";
        CPPUNIT_ASSERT(std::any_of(heard.begin(), heard.end(), [&](const std::string& each) {
            return each.starts_with(last);
        }));
        CPPUNIT_ASSERT_EQUAL(std::string("1001"), heard.back());
    }

    void aSecondSignalEndsItAtOnce() {
        start();
        WebSocketClient blocked(server->port());
        blocked.connect();
        blocked.send("42[\"block\"]");
        CPPUNIT_ASSERT(server->waitUntil([this] { return server->said("blocked ") == 1; }, 20s));
        server->signal(SIGTERM);
        CPPUNIT_ASSERT(server->waitUntil(
            [this] { return server->log().find("stopping") != std::string::npos; }, 20s));
        const TimePoint begin = Clock::system().now();
        server->stop();
        CPPUNIT_ASSERT(Clock::system().now() - begin < 5s);  // of 25 s that a handler has
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(StopTest);

}  // namespace socketio::test
