// What the server spoils on purpose, the clients see.
#include <chrono>
#include <cstddef>
#include <string>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;

class CheckerTest : public LoadFixture {
    CPPUNIT_TEST_SUITE(CheckerTest);
    CPPUNIT_TEST(seesWhatIsLeftOut);
    CPPUNIT_TEST(seesTheLastLeftOut);
    CPPUNIT_TEST(seesWhatIsSwapped);
    CPPUNIT_TEST(seesWhoIsSentAway);
    CPPUNIT_TEST_SUITE_END();

public:
    void seesWhatIsLeftOut() {
        spoil("drop 3");
        CPPUNIT_ASSERT(becomes("early", kCount));
    }

    void seesTheLastLeftOut() {
        spoil("drop 5");
        CPPUNIT_ASSERT(becomes("broadcasts", 4 * kCount));
        CPPUNIT_ASSERT_EQUAL("behind " + std::to_string(kCount) + " ", crowds[0]->faults());
    }

    void seesWhatIsSwapped() {
        spoil("swap 3");
        CPPUNIT_ASSERT(becomes("early", kCount));
        CPPUNIT_ASSERT(becomes("late", kCount));
    }

    void seesWhoIsSentAway() {
        spoil("");
        CPPUNIT_ASSERT(becomes("broadcasts", 5 * kCount));
        CPPUNIT_ASSERT_EQUAL(std::string(), crowds[0]->faults());
        server->stop();
        CPPUNIT_ASSERT(becomes("dropped", kCount));
    }

private:
    static constexpr std::size_t kCount = 50;

    /// Five broadcasts through a server that does so with them.
    void spoil(const std::string& mutant) {
        start({"app.mutant=" + mutant});
        LoadClients& clients = addClients("websocket", server->port());
        clients.join(kCount, 0ms);
        waitForJoined(clients, kCount);
        startTraffic();
        for (int i = 0; i < 4; ++i) broadcast();
    }

    bool becomes(const char* name, std::size_t value) {
        return crowds[0]->waitUntil(
            [&](LoadClients::Counts& counts) { return counts[name] == value; }, 20s);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CheckerTest);

}  // namespace socketio::test
