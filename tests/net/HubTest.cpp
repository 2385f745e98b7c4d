#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Strand.h"
#include "socketio/net/Hub.h"
#include "socketio/net/LoopContext.h"

#include "Lines.h"
#include "support/LoopTime.h"
#include "support/RawClient.h"

namespace socketio {

using namespace std::chrono_literals;
using test::RawClient;

namespace {

/// What happened on the connections of a test.
struct Journal {
    std::mutex mutex;
    std::vector<std::string> closed;
    std::atomic<int> opened{0}, ended{0}, drained{0};

    bool waitForClosed(std::size_t count) {
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (std::chrono::steady_clock::now() < end) {
            {
                std::lock_guard<std::mutex> lock(mutex);
                if (closed.size() >= count) return true;
            }
            std::this_thread::yield();
        }
        return false;
    }
    std::string lastClosed() {
        std::lock_guard<std::mutex> lock(mutex);
        return closed.empty() ? "" : closed.back();
    }
};

/// Speaks in lines: echoes each, and does what some of them say.
class LineProtocol : public ConnectionProtocol {
public:
    explicit LineProtocol(Journal& journal) : _journal(journal) {}

    void onOpen(Connection& connection) override {
        _connection = &connection;
        ++_journal.opened;
    }
    std::size_t onInput(char* bytes, std::size_t size) override {
        std::size_t used = 0;
        for (std::string line; test::takeLine(bytes, size, used, line);) {
            if (line == "bye\n") {
                _connection->send("so long\n");
                _connection->closeAfterFlush();
                return used;
            }
            if (line == "abort\n") {
                _connection->abort("told so");
                return used;
            }
            if (line == "disposable\n") _connection->setDisposable(true);
            if (line == "needed\n") _connection->setDisposable(false);
            if (line == "flood\n") {
                for (int i = 0; i < 100; ++i) _connection->send(std::string(100'000, 'x'));
                continue;
            }
            if (line == "deadline\n") {
                _connection->setDeadline(_connection->endpoints().peerPort == 0
                                             ? TimePoint()
                                             : _connection->loop().timers().now() + 20ms);
                continue;
            }
            _connection->send(line);
        }
        return used;
    }
    void onEnd() override {
        ++_journal.ended;
        _connection->closeAfterFlush();
    }
    void onDeadline() override { _connection->send("deadline reached\n"); }
    void onDrained() override { ++_journal.drained; }
    void onClosed(const char* detail) override {
        std::lock_guard<std::mutex> lock(_journal.mutex);
        _journal.closed.emplace_back(detail);
    }

private:
    Journal& _journal;
    Connection* _connection = nullptr;
};

}  // namespace

class HubTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HubTest);
    CPPUNIT_TEST(echoesOnEveryLoop);
    CPPUNIT_TEST(keepsInputThatTheProtocolLeavesUnused);
    CPPUNIT_TEST(closesAfterTheLastByteIsSent);
    CPPUNIT_TEST(abortReportsItsDetail);
    CPPUNIT_TEST(aPeerThatClosesIsNoticed);
    CPPUNIT_TEST(aPeerThatIsLostWhileItsInputWaitsIsNoticed);
    CPPUNIT_TEST(aSlowReaderIsClosedAtTheOutputLimit);
    CPPUNIT_TEST(outputWithoutProgressIsClosedAtTheStallTime);
    CPPUNIT_TEST(deadlinesFire);
    CPPUNIT_TEST(aPeerThatDoesNotAnswerTheEndIsLeftAfterTwoSeconds);
    CPPUNIT_TEST(unusedInputIsKeptUpToItsLimit);
    CPPUNIT_TEST(postsOfOneThreadRunInOrderOnTheLoop);
    CPPUNIT_TEST(twoLoopsMayFillEachOthersMailboxes);
    CPPUNIT_TEST(strandsKeepTheOrderOfTheirClient);
    CPPUNIT_TEST(aHubThatWasStoppedSaysThatItDoesNotStartAgain);
    CPPUNIT_TEST(aPortInUseIsAnErrorThatNamesIt);
    CPPUNIT_TEST(acceptsAgainWhenConnectionsBecomeFree);
    CPPUNIT_TEST(closesIdleConnectionsToMakeRoom);
    CPPUNIT_TEST(closesIdleConnectionsOfOtherLoopsToMakeRoom);
    CPPUNIT_TEST(pausesOfAcceptingGrowToASecond);
    CPPUNIT_TEST(survivesRunningOutOfDescriptors);
    CPPUNIT_TEST(stopClosesConnectionsAndDropsLaterPosts);
    CPPUNIT_TEST_SUITE_END();

public:
    void echoesOnEveryLoop() {
        start(2);
        std::vector<RawClient> clients;
        for (int i = 0; i < 10; ++i) clients.emplace_back(port);
        for (RawClient& client : clients) client.send("hello\n");
        for (RawClient& client : clients)
            CPPUNIT_ASSERT_EQUAL(std::string("hello\n"), client.readExactly(6));
    }

    void keepsInputThatTheProtocolLeavesUnused() {
        start(1);
        RawClient client(port);
        client.sendInPieces("one\ntwo\nthr", 1);
        CPPUNIT_ASSERT_EQUAL(std::string("one\ntwo\n"), client.readExactly(8));
        client.send("ee\n");
        CPPUNIT_ASSERT_EQUAL(std::string("three\n"), client.readExactly(6));
    }

    void closesAfterTheLastByteIsSent() {
        start(1);
        RawClient client(port);
        client.send("a\nbye\nignored\n");
        CPPUNIT_ASSERT_EQUAL(std::string("a\nso long\n"), client.readToEnd());
        client.close();
        CPPUNIT_ASSERT(journal.waitForClosed(1));
        CPPUNIT_ASSERT_EQUAL(std::string("closed"), journal.lastClosed());
    }

    void abortReportsItsDetail() {
        start(1);
        RawClient client(port);
        client.send("abort\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT(journal.waitForClosed(1));
        CPPUNIT_ASSERT_EQUAL(std::string("told so"), journal.lastClosed());
    }

    void aPeerThatClosesIsNoticed() {
        start(1);
        RawClient first(port), second(port);
        first.send("x\n");
        second.send("x\n");
        first.readExactly(2);
        second.readExactly(2);
        first.shutdownWrite();
        CPPUNIT_ASSERT(journal.waitForClosed(1));
        CPPUNIT_ASSERT_EQUAL(1, journal.ended.load());
        second.reset();
        CPPUNIT_ASSERT(journal.waitForClosed(2));
        CPPUNIT_ASSERT_EQUAL(std::string("connection lost"), journal.lastClosed());
    }

    void aPeerThatIsLostWhileItsInputWaitsIsNoticed() {
        start(1);
        RawClient client(port);
        client.send(std::string(200'000, 'x'));  // a line without end: reading stops
        // Ten posts may need ten turns: more than the loop needs to fill the room for input.
        for (int i = 0; i < 10; ++i) {
            std::promise<void> ran;
            hub->post(0, [&] { ran.set_value(); });
            ran.get_future().wait();
        }
        client.reset();
        CPPUNIT_ASSERT(journal.waitForClosed(1));
        CPPUNIT_ASSERT_EQUAL(std::string("connection lost"), journal.lastClosed());
    }

    void aSlowReaderIsClosedAtTheOutputLimit() {
        limits.maxOutput = 1'000'000;
        start(1);
        RawClient::Options slow;
        slow.receiveBuffer = 4096;
        RawClient client(port, slow);
        client.send("flood\n");  // 10 MB
        CPPUNIT_ASSERT(journal.waitForClosed(1));
        CPPUNIT_ASSERT_EQUAL(std::string("outbound limit"), journal.lastClosed());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().outboundLimit.load());
    }

    void outputWithoutProgressIsClosedAtTheStallTime() {
        limits.maxOutput = 100'000'000;
        for (const auto stall : {Connection::Limits().writeStall, 250ms}) {
            limits.writeStall = stall;
            options.clock = &time.clock;
            start(1);
            RawClient::Options slow;
            slow.receiveBuffer = 4096;
            RawClient client(port, slow);
            client.send("flood\n");
            // Until the kernels take no more: each time that they do is progress.
            for (std::size_t unread = 1; unread != client.unread();) {
                unread = client.unread();
                for (int i = 0; i < 20; ++i) time.turn(*hub, client);
            }
            time.advance(*hub, stall - 5ms);
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), hub->connectionCount());
            time.advance(*hub, 5ms);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), hub->connectionCount());
            CPPUNIT_ASSERT_EQUAL(std::string("write stall"), journal.lastClosed());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().writeStalls.load());
        }
    }

    void deadlinesFire() {
        options.clock = &time.clock;
        start(1);
        RawClient client(port);
        client.send("deadline\n");
        time.expectAt(*hub, client, 20ms);
        CPPUNIT_ASSERT_EQUAL(std::string("deadline reached\n"), client.readExactly(17));
    }

    void aPeerThatDoesNotAnswerTheEndIsLeftAfterTwoSeconds() {
        options.clock = &time.clock;
        start(1);
        RawClient client(port);
        client.send("bye\n");
        CPPUNIT_ASSERT_EQUAL(std::string("so long\n"), client.readToEnd());
        time.turn(*hub);  // the time begins behind the FIN
        time.advance(*hub, 2s - 5ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), hub->connectionCount());
        time.advance(*hub, 5ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), hub->connectionCount());
        CPPUNIT_ASSERT_EQUAL(std::string("closed"), journal.lastClosed());
    }

    void unusedInputIsKeptUpToItsLimit() {
        const std::string line(90'000, 'x');
        // Where reading has stopped the end behind it is not seen.
        for (const bool fits : {true, false}) {
            limits.maxPendingInput = fits ? 100'000 : 80'000;
            const int ended = journal.ended;
            start(1);
            RawClient client(port);
            client.send(line);
            client.shutdownWrite();
            for (int i = 0; i < 5; ++i) time.turn(*hub, client);
            CPPUNIT_ASSERT_EQUAL(ended + (fits ? 1 : 0), journal.ended.load());
        }
    }

    void postsOfOneThreadRunInOrderOnTheLoop() {
        start(1);
        constexpr int kThreads = 4, kPosts = 20'000;
        std::vector<std::vector<int>> seen(kThreads);
        std::atomic<int> wrongThread{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < kPosts; ++i)
                    hub->post(0, [&, t, i] {
                        if (hub->currentLoop() != 0) ++wrongThread;
                        seen[t].push_back(i);
                    });
            });
        for (std::thread& thread : threads) thread.join();
        std::promise<void> done;
        hub->post(0, [&] { done.set_value(); });
        done.get_future().wait();
        hub.reset();
        CPPUNIT_ASSERT_EQUAL(0, wrongThread.load());
        for (const std::vector<int>& posts : seen) {
            CPPUNIT_ASSERT_EQUAL(std::size_t(kPosts), posts.size());
            for (int i = 0; i < kPosts; ++i) CPPUNIT_ASSERT_EQUAL(i, posts[i]);
        }
    }

    void twoLoopsMayFillEachOthersMailboxes() {
        start(2);
        std::atomic<int> ran{0};
        std::promise<void> done;
        constexpr int kEach = 40'000;  // more than a mailbox's capacity
        for (const Executor::LoopId from : {0u, 1u})
            hub->post(from, [&, from] {
                for (int i = 0; i < kEach; ++i)
                    hub->post(1 - from, [&] {
                        if (++ran == 2 * kEach) done.set_value();
                    });
            });
        CPPUNIT_ASSERT(done.get_future().wait_for(10s) == std::future_status::ready);
        hub.reset();
    }

    void strandsKeepTheOrderOfTheirClient() {
        start(1);
        constexpr int kStrands = 8, kTasks = 5'000;
        std::vector<std::vector<int>> seen(kStrands);
        std::atomic<int> left{kStrands * kTasks}, overlaps{0};
        std::vector<std::atomic<bool>> inside(kStrands);
        std::promise<void> done;
        std::vector<std::shared_ptr<Strand>> strands;
        for (int s = 0; s < kStrands; ++s) strands.push_back(std::make_shared<Strand>(*hub));
        for (int i = 0; i < kTasks; ++i)
            for (int s = 0; s < kStrands; ++s)
                strands[s]->post([&, s, i] {
                    if (inside[s].exchange(true)) ++overlaps;
                    seen[s].push_back(i);
                    inside[s] = false;
                    if (--left == 0) done.set_value();
                });
        CPPUNIT_ASSERT(done.get_future().wait_for(30s) == std::future_status::ready);
        hub.reset();
        CPPUNIT_ASSERT_EQUAL(0, overlaps.load());
        for (const std::vector<int>& tasks : seen)
            for (int i = 0; i < kTasks; ++i) CPPUNIT_ASSERT_EQUAL(i, tasks[i]);
    }

    void aHubThatWasStoppedSaysThatItDoesNotStartAgain() {
        start(1);
        CPPUNIT_ASSERT(hub->stop(Clock::system().now() + 10s));
        CPPUNIT_ASSERT_THROW(hub->start(), Poco::IllegalStateException);
        CPPUNIT_ASSERT(!hub->running());
    }

    void aPortInUseIsAnErrorThatNamesIt() {
        start(1);
        const Poco::Net::SocketAddress address("127.0.0.1", port);
        try {
            hub->listen(address, limits, [] { return nullptr; });
            CPPUNIT_FAIL("listened twice");
        } catch (const Poco::Net::NetException& e) {
            CPPUNIT_ASSERT(e.displayText().find(address.toString()) != std::string::npos);
            CPPUNIT_ASSERT(e.displayText().find("in use") != std::string::npos);
        }
    }

    void acceptsAgainWhenConnectionsBecomeFree() {
        options.maxConnections = 2;
        start(1);
        RawClient first(port), second(port), third(port);
        first.send("1\n");
        second.send("2\n");
        third.send("3\n");
        first.readExactly(2);
        second.readExactly(2);
        time.turn(*hub, third);
        CPPUNIT_ASSERT(!third.readable(0ms));  // in the backlog
        first.close();
        CPPUNIT_ASSERT_EQUAL(std::string("3\n"), third.readExactly(2));
        CPPUNIT_ASSERT(hub->counters().acceptPauses > 0);
    }

    void closesIdleConnectionsToMakeRoom() {
        options.maxConnections = 2;
        options.clock = &time.clock;
        start(1);
        RawClient newcomer(port), idle(port);
        newcomer.send("disposable\n");
        newcomer.readExactly(11);
        idle.send("needed\ndisposable\n");  // it has been in the middle of something
        idle.readExactly(18);
        // The one is closed to make room after 1 s, the other after 5 s. Who comes too early makes
        // the acceptor pause for 10 ms.
        const auto makesRoomAfter = [this](Duration wait, RawClient& leaving) {
            time.advance(*hub, wait - 10ms);
            RawClient coming(port);
            coming.send("1\n");
            time.turn(*hub, coming);
            CPPUNIT_ASSERT(!leaving.readable(0ms));
            time.advance(*hub, 10ms);
            CPPUNIT_ASSERT_EQUAL(std::string(), leaving.readToEnd());
            CPPUNIT_ASSERT_EQUAL(std::string("1\n"), coming.readExactly(2));
            return coming;
        };
        RawClient first = makesRoomAfter(1s, newcomer);
        const RawClient second = makesRoomAfter(4s, idle);
        CPPUNIT_ASSERT(!first.readable(0ms));
    }

    void pausesOfAcceptingGrowToASecond() {
        options.maxConnections = 1;
        options.clock = &time.clock;
        start(1);
        RawClient first(port);
        first.send("1\n");
        first.readExactly(2);
        RawClient waiting(port);
        waiting.send("2\n");
        time.turn(*hub, waiting);
        std::uint64_t pauses = 1;
        for (const auto pause : {10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms}) {
            CPPUNIT_ASSERT_EQUAL(pauses, hub->counters().acceptPauses.load());
            time.advance(*hub, pause - 5ms);
            CPPUNIT_ASSERT_EQUAL(pauses, hub->counters().acceptPauses.load());
            time.advance(*hub, 5ms);
            ++pauses;
        }
        first.close();
        CPPUNIT_ASSERT(journal.waitForClosed(1));
        time.expectAt(*hub, waiting, 1s);
        CPPUNIT_ASSERT_EQUAL(std::string("2\n"), waiting.readExactly(2));
    }

    void closesIdleConnectionsOfOtherLoopsToMakeRoom() {
        // Connections go to the loops in turn; the first listener's loop is the second one.
        options.maxConnections = 2;
        options.clock = &time.clock;
        start(2);
        RawClient idle(port);
        idle.send("disposable\n");
        idle.readExactly(11);
        RawClient busy(port);
        busy.send("x\n");
        busy.readExactly(2);
        time.advance(*hub, 1s);
        RawClient next(port);
        next.send("y\n");
        CPPUNIT_ASSERT(test::eventually([&] {
            time.advance(*hub, 10ms);  // a pause of accepting ends
            return next.readable(0ms);
        }));
        CPPUNIT_ASSERT_EQUAL(std::string("y\n"), next.readExactly(2));
        CPPUNIT_ASSERT_EQUAL(std::string(), idle.readToEnd());
        busy.send("z\n");
        CPPUNIT_ASSERT_EQUAL(std::string("z\n"), busy.readExactly(2));
    }

    void survivesRunningOutOfDescriptors() {
        start(1);
        RawClient healthy(port);
        healthy.send("a\n");
        healthy.readExactly(2);
        // From here the process can open one descriptor more, the client's own.
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const int next = ::dup(0);
        ::close(next);
        rlimit tight = before;
        tight.rlim_cur = static_cast<rlim_t>(next) + 1;
        ::setrlimit(RLIMIT_NOFILE, &tight);
        RawClient waiting(port);
        waiting.send("b\n");
        const bool early = waiting.readable(100ms);
        healthy.send("c\n");
        const std::string answer = healthy.readExactly(2);
        ::setrlimit(RLIMIT_NOFILE, &before);
        CPPUNIT_ASSERT(!early);
        CPPUNIT_ASSERT_EQUAL(std::string("c\n"), answer);
        CPPUNIT_ASSERT_EQUAL(std::string("b\n"), waiting.readExactly(2));  // within 1 s of pause
        CPPUNIT_ASSERT(hub->counters().acceptPauses < 20);                 // no busy loop
    }

    void stopClosesConnectionsAndDropsLaterPosts() {
        start(1);
        RawClient client(port);
        client.send("a\n");
        client.readExactly(2);
        CPPUNIT_ASSERT(hub->stop(std::chrono::steady_clock::now() + 5s));
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT_EQUAL(std::string("server shutting down"), journal.lastClosed());
        const auto held = std::make_shared<int>(0);
        hub->post(0, [held] { CPPUNIT_FAIL("ran"); });
        CPPUNIT_ASSERT_EQUAL(1L, held.use_count());
        CPPUNIT_ASSERT(!hub->runOnWorker([] {}));
    }

    void tearDown() override { hub.reset(); }

private:
    void start(unsigned loops) {
        hub.reset();
        options.ioThreads = loops;
        hub = std::make_unique<Hub>(options);
        hub->start();
        port = hub->listen(Poco::Net::SocketAddress("127.0.0.1", 0), limits,
                           [this] { return std::make_shared<LineProtocol>(journal); })
                   .address.port();
    }

    Journal journal;
    test::LoopTime time;
    HubOptions options;
    Connection::Limits limits;
    std::unique_ptr<Hub> hub;
    std::uint16_t port = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(HubTest);

}  // namespace socketio
