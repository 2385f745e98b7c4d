#include <thread>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineContext.h"
#include "EngineSessionImpl.h"
#include "support/ManualExecutor.h"
#include "support/Waiting.h"

namespace socketio {

class SessionTableTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SessionTableTest);
    CPPUNIT_TEST(findsBySid);
    CPPUNIT_TEST(hasEverySidOnce);
    CPPUNIT_TEST(wakesWhoWaitsForTheLast);
    CPPUNIT_TEST(givesUpWaitingInTime);
    CPPUNIT_TEST_SUITE_END();

public:
    void findsBySid() {
        SessionTable table;
        for (int i = 0; i < 100; ++i) CPPUNIT_ASSERT(table.insert(make(std::to_string(i))));
        CPPUNIT_ASSERT_EQUAL(std::size_t(100), table.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t(100), table.all().size());
        CPPUNIT_ASSERT_EQUAL(std::string("42"), table.find("42")->sid());
        CPPUNIT_ASSERT(!table.find("100"));
        CPPUNIT_ASSERT(!table.find(""));
        table.remove("42");
        table.remove("42");
        CPPUNIT_ASSERT(!table.find("42"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(99), table.size());
        table.clear();
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), table.size());
    }

    void hasEverySidOnce() {
        SessionTable table;
        const auto first = make("a");
        CPPUNIT_ASSERT(table.insert(first));
        CPPUNIT_ASSERT(!table.insert(make("a")));
        CPPUNIT_ASSERT(table.find("a") == first);
    }

    void wakesWhoWaitsForTheLast() {
        SessionTable table;
        table.insert(make("a"));
        table.insert(make("b"));
        std::thread remover([&] {
            table.remove("a");
            table.remove("b");
        });
        CPPUNIT_ASSERT(
            table.waitEmpty(Clock::system(), Clock::system().now() + std::chrono::seconds(30)));
        remover.join();
    }

    void givesUpWaitingInTime() {
        test::FakeClock clock;
        SessionTable table;
        CPPUNIT_ASSERT(table.waitEmpty(clock, {}));
        table.insert(make("a"));
        std::thread later([&] {
            test::eventually([&] { return clock.waits() > 0; });
            clock.advance(std::chrono::seconds(30));
        });
        CPPUNIT_ASSERT(!table.waitEmpty(clock, clock.now() + std::chrono::seconds(30)));
        later.join();
    }

private:
    SessionTable::Ptr make(std::string sid) {
        return std::make_shared<EngineSessionImpl>(_context, std::move(sid), EngineRevision::V4,
                                                   _executor, 0, nullptr);
    }

    test::ManualExecutor _executor;
    std::shared_ptr<EngineContext> _context = std::make_shared<EngineContext>(EngineOptions());
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionTableTest);

}  // namespace socketio
