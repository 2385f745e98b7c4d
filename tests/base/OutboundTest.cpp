#include <memory>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Outbound.h"

namespace socketio {

class OutboundTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(OutboundTest);
    CPPUNIT_TEST(theTotalHearsOfStepsOnly);
    CPPUNIT_TEST(tellsOnceThatThereIsTooMuch);
    CPPUNIT_TEST(endsTheLargestFirst);
    CPPUNIT_TEST(endsNoneThatIsMuchSmallerThanTheLargestOfAll);
    CPPUNIT_TEST(withoutALimitNothingIsEnded);
    CPPUNIT_TEST_SUITE_END();

public:
    static constexpr std::size_t kMiB = 1024 * 1024;

    struct Client {
        explicit Client(std::vector<Client*>& ended) : list(ended) {}
        static void end(void* self) {
            auto& client = *static_cast<Client*>(self);
            client.list.push_back(&client);
        }
        std::vector<Client*>& list;
        OutboundQueue queue{end, this};
    };

    void theTotalHearsOfStepsOnly() {
        OutboundTotal total(512 * kMiB, [] {});
        OutboundShare one(total), other(total);
        Client a(ended), b(ended);
        one.set(a.queue, kMiB - 1);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), total.bytes());
        one.set(a.queue, kMiB);
        CPPUNIT_ASSERT_EQUAL(kMiB, total.bytes());
        other.set(b.queue, 3 * kMiB);
        CPPUNIT_ASSERT_EQUAL(4 * kMiB, total.bytes());
        one.set(a.queue, 1);
        CPPUNIT_ASSERT_EQUAL(4 * kMiB, total.bytes());
        one.set(a.queue, 0);
        CPPUNIT_ASSERT_EQUAL(3 * kMiB, total.bytes());
        other.set(b.queue, 0);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), total.bytes());
    }

    void tellsOnceThatThereIsTooMuch() {
        int told = 0;
        OutboundTotal total(1600, [&told] { ++told; });
        OutboundShare share(total);
        Client a(ended);
        share.set(a.queue, 1600);
        CPPUNIT_ASSERT_EQUAL(0, told);
        share.set(a.queue, 1800);
        share.set(a.queue, 5000);
        CPPUNIT_ASSERT_EQUAL(1, told);
        total.relieved(true);  // it was not enough
        CPPUNIT_ASSERT_EQUAL(2, told);
        share.set(a.queue, 100);
        total.relieved(true);
        CPPUNIT_ASSERT_EQUAL(2, told);
        share.set(a.queue, 5000);
        CPPUNIT_ASSERT_EQUAL(3, told);
    }

    void endsTheLargestFirst() {
        OutboundTotal total(1000, [] {});
        OutboundShare share(total);
        std::vector<std::unique_ptr<Client>> clients;
        for (const std::size_t bytes : {300, 600, 200, 500, 400}) {
            clients.push_back(std::make_unique<Client>(ended));
            share.set(clients.back()->queue, bytes);
        }
        std::vector<std::size_t> sizes;
        share.endLargest(1, [&sizes](std::size_t bytes) { sizes.push_back(bytes); });
        CPPUNIT_ASSERT(sizes == (std::vector<std::size_t>{600, 500}));
        CPPUNIT_ASSERT(ended == (std::vector<Client*>{clients[1].get(), clients[3].get()}));
        CPPUNIT_ASSERT_EQUAL(std::size_t(400), share.largest());
        // What they say afterwards counts again.
        share.set(clients[1]->queue, 50);
        share.set(clients[1]->queue, 0);
        share.flush();
        CPPUNIT_ASSERT_EQUAL(std::size_t(900), total.bytes());
    }

    void endsNoneThatIsMuchSmallerThanTheLargestOfAll() {
        OutboundTotal total(1000, [] {});
        OutboundShare here(total), elsewhere(total);
        Client a(ended), b(ended), c(ended);
        here.set(a.queue, 900);
        here.set(b.queue, 300);
        elsewhere.set(c.queue, 1000);
        elsewhere.flush();
        here.endLargest(500, [](std::size_t) {});
        CPPUNIT_ASSERT(ended == std::vector<Client*>{&a});
        CPPUNIT_ASSERT(total.over());  // the other loop's turn
    }

    void withoutALimitNothingIsEnded() {
        OutboundTotal total(0, [] { CPPUNIT_FAIL("there is no limit"); });
        OutboundShare share(total);
        Client a(ended);
        share.set(a.queue, 1000 * kMiB);
        share.endLargest(1, [](std::size_t) { CPPUNIT_FAIL("there is no limit"); });
    }

private:
    std::vector<Client*> ended;
};

CPPUNIT_TEST_SUITE_REGISTRATION(OutboundTest);

}  // namespace socketio
