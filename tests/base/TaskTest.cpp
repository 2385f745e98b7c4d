#include <array>
#include <memory>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Task.h"

namespace socketio {

class TaskTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TaskTest);
    CPPUNIT_TEST(runsSmallAndLargeCallables);
    CPPUNIT_TEST(moveTakesTheCallableAlong);
    CPPUNIT_TEST(destroysWhatWasNeverRun);
    CPPUNIT_TEST_SUITE_END();

public:
    void runsSmallAndLargeCallables() {
        int sum = 0;
        Task small([&sum] { ++sum; });
        std::array<char, 200> ballast{};
        ballast[199] = 41;
        Task large([&sum, ballast] { sum += ballast[199]; });
        small();
        large();
        CPPUNIT_ASSERT_EQUAL(42, sum);
    }

    void moveTakesTheCallableAlong() {
        int runs = 0;
        auto owned = std::make_unique<int>(5);
        Task first([&runs, owned = std::move(owned)] { runs += *owned; });
        Task second(std::move(first));
        CPPUNIT_ASSERT(!first);
        Task third;
        third = std::move(second);
        CPPUNIT_ASSERT(third && !second);
        third();
        CPPUNIT_ASSERT_EQUAL(5, runs);
    }

    void destroysWhatWasNeverRun() {
        const auto held = std::make_shared<int>(0);
        std::array<char, 100> ballast{};
        {
            Task small([held] {});
            Task large([held, ballast] { (void)ballast; });
            CPPUNIT_ASSERT_EQUAL(3L, held.use_count());
            small = Task();
            CPPUNIT_ASSERT_EQUAL(2L, held.use_count());
        }
        CPPUNIT_ASSERT_EQUAL(1L, held.use_count());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TaskTest);

}  // namespace socketio
