#include <string>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Strand.h"

#include "support/ManualExecutor.h"

namespace socketio {

class StrandTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(StrandTest);
    CPPUNIT_TEST(runsTasksInTheOrderOfPosting);
    CPPUNIT_TEST(takesTasksPostedWhileItRuns);
    CPPUNIT_TEST(aBudgetSharesTheWorkerWithOtherStrands);
    CPPUNIT_TEST(tellsWhenTheBacklogHasGoneDown);
    CPPUNIT_TEST(tellsAtOnceWhenThereIsNoBacklog);
    CPPUNIT_TEST_SUITE_END();

public:
    void runsTasksInTheOrderOfPosting() {
        for (const char c : {'a', 'b', 'c'}) strand->post([this, c] { ran += c; });
        CPPUNIT_ASSERT_EQUAL(std::string(), ran);
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), ran);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), strand->pending().tasks);
    }

    void takesTasksPostedWhileItRuns() {
        strand->post([this] {
            ran += 'a';
            strand->post([this] { ran += 'c'; });
        });
        strand->post([this] { ran += 'b'; });
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), ran);
        strand->post([this] { ran += 'd'; });
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("abcd"), ran);
    }

    void aBudgetSharesTheWorkerWithOtherStrands() {
        const auto other = std::make_shared<Strand>(executor);
        for (int i = 0; i < 2; ++i) {
            strand->post([this] { ran += 'a'; });
            other->post([this] { ran += 'b'; });
        }
        executor.run();  // one task a turn
        CPPUNIT_ASSERT_EQUAL(std::string("abab"), ran);
    }

    void tellsWhenTheBacklogHasGoneDown() {
        for (int i = 0; i < 4; ++i) strand->post([this] { ran += 'a'; }, 100);
        CPPUNIT_ASSERT_EQUAL(std::size_t(400), strand->pending().bytes);
        strand->onDrained(2, 1000, [this] { ran += '!'; });
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("aa!aa"), ran);
    }

    void tellsAtOnceWhenThereIsNoBacklog() {
        strand->onDrained(0, 0, [this] { ran += '!'; });
        CPPUNIT_ASSERT_EQUAL(std::string("!"), ran);
    }

private:
    test::ManualExecutor executor;
    std::shared_ptr<Strand> strand = std::make_shared<Strand>(executor);
    std::string ran;
};

CPPUNIT_TEST_SUITE_REGISTRATION(StrandTest);

}  // namespace socketio
