#include <random>
#include <string>
#include <sys/uio.h>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/net/OutQueue.h"

namespace socketio {

class OutQueueTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(OutQueueTest);
    CPPUNIT_TEST(oneFrameIsSentFromWhereItLies);
    CPPUNIT_TEST(smallFramesAreGatheredAndLargeOnesPointedAt);
    CPPUNIT_TEST(everyByteComesOutOnceHoweverTheKernelTakesThem);
    CPPUNIT_TEST(aQueueThatNeverRunsDryDoesNotGrow);
    CPPUNIT_TEST(manyTinyFramesCostMoreThanTheirBytes);
    CPPUNIT_TEST(clearForgetsEverything);
    CPPUNIT_TEST_SUITE_END();

public:
    void oneFrameIsSentFromWhereItLies() {
        const SharedFrame frame(std::string("0123456789"), 4);
        OutQueue queue;
        queue.push(frame);
        iovec part;
        char scratch[16];
        CPPUNIT_ASSERT_EQUAL(1, queue.gather(&part, 1, scratch, sizeof scratch));
        CPPUNIT_ASSERT(part.iov_base == frame.view().data());
        CPPUNIT_ASSERT_EQUAL(std::size_t(6), part.iov_len);
        queue.consume(2);
        queue.gather(&part, 1, scratch, sizeof scratch);
        CPPUNIT_ASSERT_EQUAL(std::string("6789"), text(part));
        queue.consume(4);
        CPPUNIT_ASSERT(queue.empty());
        CPPUNIT_ASSERT_EQUAL(0, queue.gather(&part, 1, scratch, sizeof scratch));
    }

    void smallFramesAreGatheredAndLargeOnesPointedAt() {
        OutQueue queue;
        const SharedFrame large(std::string(5000, 'L'));
        queue.push(SharedFrame("ab"));
        queue.push(SharedFrame("cd"));
        queue.push(large);
        queue.push(SharedFrame("ef"));
        iovec parts[8];
        char scratch[100];
        CPPUNIT_ASSERT_EQUAL(3, queue.gather(parts, 8, scratch, sizeof scratch));
        CPPUNIT_ASSERT_EQUAL(std::string("abcd"), text(parts[0]));
        CPPUNIT_ASSERT(parts[1].iov_base == large.view().data());
        CPPUNIT_ASSERT_EQUAL(std::string("ef"), text(parts[2]));
        CPPUNIT_ASSERT_EQUAL(1, queue.gather(parts, 1, scratch, sizeof scratch));
    }

    void everyByteComesOutOnceHoweverTheKernelTakesThem() {
        std::mt19937 random(3);
        for (int round = 0; round < 200; ++round) {
            OutQueue queue;
            std::string put, got;
            char next = 'a';
            for (int step = 0; step < 40 || !queue.empty(); ++step) {
                if (step < 40 && random() % 2) {
                    const std::string frame(random() % 10 == 0 ? 2000 : 1 + random() % 50, next++);
                    put += frame;
                    queue.push(SharedFrame(frame));
                }
                iovec parts[4];
                char scratch[64];
                const int count = queue.gather(parts, 4, scratch, sizeof scratch);
                std::string offered;
                for (int i = 0; i < count; ++i) offered += text(parts[i]);
                const std::size_t taken = random() % (offered.size() + 1);
                got += offered.substr(0, taken);
                queue.consume(taken);
                CPPUNIT_ASSERT_EQUAL(put.size() - got.size(), queue.bytes());
            }
            CPPUNIT_ASSERT_EQUAL(put, got);
        }
    }

    void aQueueThatNeverRunsDryDoesNotGrow() {
        // The frames count their holders: what was sent has to be let go.
        const auto bytes = std::make_shared<const std::string>("0123456789");
        OutQueue queue;
        queue.push(SharedFrame(bytes));
        for (int i = 0; i < 10'000; ++i) {
            queue.push(SharedFrame(bytes));
            queue.consume(10);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(10), queue.bytes());
        CPPUNIT_ASSERT(queue.reserved() <= 64);
    }

    void manyTinyFramesCostMoreThanTheirBytes() {
        OutQueue queue;
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), queue.cost());
        for (int i = 0; i < 100; ++i) queue.push(SharedFrame("x"));
        CPPUNIT_ASSERT(queue.cost() >= 100 * 64);
        queue.consume(99);
        CPPUNIT_ASSERT(queue.cost() < 1000);
    }

    void clearForgetsEverything() {
        OutQueue queue;
        queue.push(SharedFrame("ab"));
        queue.push(SharedFrame("cd"));
        queue.clear();
        CPPUNIT_ASSERT(queue.empty());
        queue.push(SharedFrame("x"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), queue.bytes());
    }

private:
    static std::string text(const iovec& part) {
        return std::string(static_cast<const char*>(part.iov_base), part.iov_len);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OutQueueTest);

}  // namespace socketio
