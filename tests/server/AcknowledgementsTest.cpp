#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "Acknowledgements.h"

namespace socketio {

class AcknowledgementsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AcknowledgementsTest);
    CPPUNIT_TEST(idsCountFromOne);
    CPPUNIT_TEST(anIdIsTakenOnce);
    CPPUNIT_TEST(unknownIdsAreEmpty);
    CPPUNIT_TEST(expiredOnesLeave);
    CPPUNIT_TEST(anOldOneDoesNotKeepTheYoungerOnes);
    CPPUNIT_TEST_SUITE_END();

public:
    void idsCountFromOne() {
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), add());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), add());
        acks.take(1);
        acks.take(2);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), add());
    }

    void anIdIsTakenOnce() {
        add();
        add();
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), acks.outstanding());
        call(2);
        CPPUNIT_ASSERT_EQUAL(2, called);
        CPPUNIT_ASSERT(!acks.take(2));
        call(1);
        CPPUNIT_ASSERT_EQUAL(3, called);
        CPPUNIT_ASSERT(!acks.take(1));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), acks.outstanding());
    }

    void unknownIdsAreEmpty() {
        for (const std::uint64_t id : {std::uint64_t(0), std::uint64_t(1), ~std::uint64_t(0)})
            CPPUNIT_ASSERT(!acks.take(id));
        add();
        CPPUNIT_ASSERT(!acks.take(0));
        CPPUNIT_ASSERT(!acks.take(2));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), acks.outstanding());
    }

    void expiredOnesLeave() {
        CPPUNIT_ASSERT(acks.nextDeadline() == TimePoint::max());
        add(30);
        add(10);
        add(20);
        CPPUNIT_ASSERT(acks.nextDeadline() == at(10));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), acks.takeExpired(at(9)).size());
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), acks.takeExpired(at(20)).size());
        CPPUNIT_ASSERT(!acks.take(2));
        CPPUNIT_ASSERT(acks.nextDeadline() == at(30));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), acks.takeAll().size());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), acks.outstanding());
        CPPUNIT_ASSERT_EQUAL(0, called);
    }

    void anOldOneDoesNotKeepTheYoungerOnes() {
        // One client call that is never answered beside many that are.
        const std::uint64_t old = add();
        for (int i = 0; i < 1000; ++i) CPPUNIT_ASSERT(acks.take(add()));
        const std::uint64_t young = add();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1002), young);
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), acks.outstanding());
        call(young);
        call(old);
        CPPUNIT_ASSERT_EQUAL(1003, called);
    }

private:
    static TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }
    std::uint64_t add(int deadline = 60) {
        const int weight = ++made;
        return acks.add(std::make_unique<AckCallback>(
                            [this, weight](const Value::Array&) { called += weight; }),
                        at(deadline));
    }
    void call(std::uint64_t id) {
        const PendingAck callback = acks.take(id);
        CPPUNIT_ASSERT(callback);
        (*callback)({});
    }

    int made = 0, called = 0;
    Acknowledgements acks{[](void*) {}, nullptr};
};

CPPUNIT_TEST_SUITE_REGISTRATION(AcknowledgementsTest);

}  // namespace socketio
