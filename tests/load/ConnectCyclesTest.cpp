// Section "churn": sessions that come and go leave nothing.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;

/// SOCKETIO_LOAD_CYCLES in the environment is the number of sessions.
class ConnectCyclesTest : public LoadFixture {
    CPPUNIT_TEST_SUITE(ConnectCyclesTest);
    CPPUNIT_TEST(keepsNothingOfThem);
    CPPUNIT_TEST_SUITE_END();

public:
    void keepsNothingOfThem() {
        const std::size_t all = fromEnvironment("SOCKETIO_LOAD_CYCLES", 30'000);
        start();
        LoadClients& clients = addClients("websocket", server->port());
        takeBase();
        const TimePoint begun = Clock::system().now();
        cycle(clients, all / 10);
        const Footprint early = quietFootprint();
        cycle(clients, all - all / 10);
        const Footprint late = quietFootprint();
        const double seconds = std::chrono::duration<double>(Clock::system().now() - begun).count();
        std::printf(
            "%s sessions joined and left in %.0f s, half of them by a reset: memory %s KiB "
            "-> %s KiB, descriptors %zu -> %zu, threads %zu -> %zu\n",
            grouped(all).c_str(), seconds, grouped(early.residentBytes >> 10).c_str(),
            grouped(late.residentBytes >> 10).c_str(), base.descriptors, late.descriptors,
            base.threads, late.threads);
        CPPUNIT_ASSERT(late.residentBytes <= early.residentBytes + (8 << 20));
        CPPUNIT_ASSERT(late.descriptors <= base.descriptors + 2);
        CPPUNIT_ASSERT(late.threads <= base.threads + 2);
        CPPUNIT_ASSERT_EQUAL(std::string(), clients.faults());
        judgeWhatIsLeft();
    }

private:
    Footprint quietFootprint() {
        server->waitUntil([&] { return server->footprintNow().descriptors <= base.descriptors; },
                          kPatience);
        return server->footprint();
    }

    void cycle(LoadClients& clients, std::size_t count) {
        const std::uint64_t target = clients.counts()["left"] + count;
        clients.cycle(count, 64);
        // A million take their time; what must not be is that nobody gets on.
        for (std::uint64_t left = 0; left < target;) {
            const std::uint64_t before = left;
            CPPUNIT_ASSERT(clients.waitUntil(
                [&](LoadClients::Counts& counts) {
                    left = counts["left"];
                    return left == target || left > before + 10'000;
                },
                kPatience));
            CPPUNIT_ASSERT_EQUAL(std::string(), clients.faults());
        }
        CPPUNIT_ASSERT(server->waitUntil(
            [&] { return server->connected() == 0 && server->connects() == target; }, kPatience));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectCyclesTest);

}  // namespace socketio::test
