#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/managers/Backoff.h"

namespace socketio {

using namespace std::chrono_literals;

class BackoffTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(BackoffTest);
    CPPUNIT_TEST(doublesUpToASecond);
    CPPUNIT_TEST(beginsAnewAfterAGoodConnection);
    CPPUNIT_TEST_SUITE_END();

public:
    void doublesUpToASecond() {
        Backoff backoff;
        for (const Duration most : {50ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms})
            assertShortened(most, backoff.next());
    }

    void beginsAnewAfterAGoodConnection() {
        Backoff backoff;
        for (int i = 0; i < 10; ++i) backoff.next();
        assertShortened(1000ms, backoff.next(999ms));
        assertShortened(50ms, backoff.next(1000ms));
        assertShortened(100ms, backoff.next(999ms));
        assertShortened(50ms, backoff.next(1h));
    }

private:
    static void assertShortened(Duration most, Duration time) {
        CPPUNIT_ASSERT(time >= most * 4 / 5);
        CPPUNIT_ASSERT(time <= most);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BackoffTest);

}  // namespace socketio
