#include <chrono>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/exchange/BodyPace.h"

namespace socketio {

using namespace std::chrono_literals;

class BodyPaceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(BodyPaceTest);
    CPPUNIT_TEST(nothingIsAskedForInTheGrace);
    CPPUNIT_TEST(theRateIsTheAverageFromTheBeginning);
    CPPUNIT_TEST(theWholeTimeIsTheEnd);
    CPPUNIT_TEST_SUITE_END();

    const TimePoint since{1h};
    const BodyPace pace{30s, 10s, 1000};

public:
    void nothingIsAskedForInTheGrace() {
        CPPUNIT_ASSERT(pace.firstDeadline(since) == since + 10s);
        CPPUNIT_ASSERT((BodyPace{5s, 10s, 1000}.firstDeadline(since)) == since + 5s);
    }

    void theRateIsTheAverageFromTheBeginning() {
        CPPUNIT_ASSERT(!pace.nextDeadline(since, since + 10s, 9'999));
        CPPUNIT_ASSERT(pace.nextDeadline(since, since + 10s, 10'000) == since + 11s);
        CPPUNIT_ASSERT(!pace.nextDeadline(since, since + 11s, 10'999));
    }

    void theWholeTimeIsTheEnd() {
        CPPUNIT_ASSERT(pace.nextDeadline(since, since + 29'500ms, 1'000'000) == since + 30s);
        CPPUNIT_ASSERT(!pace.nextDeadline(since, since + 30s, 1'000'000));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(BodyPaceTest);

}  // namespace socketio
