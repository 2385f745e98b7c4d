#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/net/Hub.h"
#include "socketio/net/WorkerPool.h"

#include "support/ManualExecutor.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using test::eventually;
using test::Gate;

namespace {

class CapturingChannel : public Poco::Channel {
public:
    void log(const Poco::Message& message) override {
        std::lock_guard<std::mutex> lock(_mutex);
        _text += message.getText() + "\n";
    }
    std::string text() {
        std::lock_guard<std::mutex> lock(_mutex);
        return _text;
    }

private:
    std::mutex _mutex;
    std::string _text;
};

}  // namespace

class WorkerPoolTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(WorkerPoolTest);
    CPPUNIT_TEST(blockedWorkersDoNotHoldUpOthersUpToTheMaximum);
    CPPUNIT_TEST(blockedLoopWorkGoesOnWhenAllWorkersAreBlocked);
    CPPUNIT_TEST(keepsAsManyWorkersAsItIsTold);
    CPPUNIT_TEST(refusesTasksBeyondItsQueue);
    CPPUNIT_TEST(tellsWhetherAWorkerIsFree);
    CPPUNIT_TEST(growsWhenWorkHasWaitedForTenMilliseconds);
    CPPUNIT_TEST(aWorkerThatIsNoLongerNeededEndsAfterAMinute);
    CPPUNIT_TEST(namesAHandlerThatDoesNotReturnForThirtySeconds);
    CPPUNIT_TEST(aTaskThatThrowsIsLoggedAndTheWorkerLives);
    CPPUNIT_TEST(aTaskThatThrowsIsHeardAndItsStrandGoesOn);
    CPPUNIT_TEST(stopFinishesWhatWaits);
    CPPUNIT_TEST(stopAbandonsWhatDoesNotEnd);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        channel = new CapturingChannel;
        Poco::Logger::get("socketio.net").setChannel(channel);
    }
    void tearDown() override {
        hub.reset();
        Poco::Logger::get("socketio.net").setChannel(nullptr);
    }

    void blockedWorkersDoNotHoldUpOthersUpToTheMaximum() {
        options.maxWorkers = 12;
        start();
        Gate gate;
        std::atomic<int> blocked{0};
        for (unsigned i = 0; i + 1 < options.maxWorkers; ++i)
            CPPUNIT_ASSERT(hub->runOnWorker([&] {
                ++blocked;
                gate.wait();
            }));
        CPPUNIT_ASSERT(eventually([&] { return blocked == 11; }));
        std::promise<void> ran;
        CPPUNIT_ASSERT(hub->runOnWorker([&] { ran.set_value(); }));
        CPPUNIT_ASSERT(ran.get_future().wait_for(5s) == std::future_status::ready);
        CPPUNIT_ASSERT(hub->workerCount() <= options.maxWorkers);
        gate.open();
        hub.reset();  // what the workers use is about to go
    }

    void blockedLoopWorkGoesOnWhenAllWorkersAreBlocked() {
        options.maxWorkers = 3;
        start();
        Gate gate;
        std::atomic<int> blocked{0};
        for (int i = 0; i < 3; ++i)
            CPPUNIT_ASSERT(hub->runOnWorker([&] {
                ++blocked;
                gate.wait();
            }));
        CPPUNIT_ASSERT(eventually([&] { return blocked == 3; }));
        std::promise<void> onLoop;
        hub->post(0, [&] { onLoop.set_value(); });
        CPPUNIT_ASSERT(onLoop.get_future().wait_for(5s) == std::future_status::ready);
        std::promise<void> late;
        auto lateRan = late.get_future();
        CPPUNIT_ASSERT(hub->runOnWorker([&] { late.set_value(); }));
        CPPUNIT_ASSERT(lateRan.wait_for(50ms) == std::future_status::timeout);
        CPPUNIT_ASSERT_EQUAL(3u, hub->workerCount());
        gate.open();
        CPPUNIT_ASSERT(lateRan.wait_for(5s) == std::future_status::ready);
        hub.reset();
    }

    void keepsAsManyWorkersAsItIsTold() {
        for (const unsigned kept : {1u, 5u}) {
            options.keptWorkers = kept;
            options.ioThreads = 1;
            hub = std::make_unique<Hub>(options);
            hub->start();
            CPPUNIT_ASSERT_EQUAL(kept, hub->workerCount());
        }
    }

    void refusesTasksBeyondItsQueue() {
        options.maxWorkers = 1;
        options.maxQueuedWork = 5;
        start();
        Gate gate;
        std::promise<void> running;
        CPPUNIT_ASSERT(hub->runOnWorker([&] {
            running.set_value();
            gate.wait();
        }));
        running.get_future().wait();
        std::atomic<int> ran{0};
        for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(hub->runOnWorker([&] { ++ran; }));
        CPPUNIT_ASSERT(!hub->runOnWorker([&] { ++ran; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().refusedWork.load());
        gate.open();
        CPPUNIT_ASSERT(eventually([&] { return ran == 5; }));
        hub.reset();
    }

    void tellsWhetherAWorkerIsFree() {
        options.maxWorkers = 2;
        options.keptWorkers = 1;
        start();
        Gate gate;
        std::atomic<int> blocked{0};
        const auto block = [&] {
            ++blocked;
            gate.wait();
        };
        // The one that is kept, and one more may be had.
        for (int i = 1; i <= 2; ++i) {
            // One that has just been made is not free yet.
            CPPUNIT_ASSERT(eventually([&] { return hub->runOnFreeWorker(block); }));
            CPPUNIT_ASSERT(eventually([&] { return blocked == i; }));
        }
        CPPUNIT_ASSERT(!hub->runOnFreeWorker([] {}));
        std::promise<void> ran;
        CPPUNIT_ASSERT(hub->runOnWorker([&] { ran.set_value(); }));
        gate.open();
        CPPUNIT_ASSERT(ran.get_future().wait_for(20s) == std::future_status::ready);
        CPPUNIT_ASSERT(eventually([&] { return hub->runOnFreeWorker([] {}); }));
        hub.reset();
    }

    void growsWhenWorkHasWaitedForTenMilliseconds() {
        startOnFakeClock(1);
        Gate gate;
        block(gate);
        std::promise<void> ran;
        CPPUNIT_ASSERT(hub->runOnWorker([&] { ran.set_value(); }));
        advance(10ms);
        CPPUNIT_ASSERT_EQUAL(1u, hub->workerCount());
        advance(kTick);
        CPPUNIT_ASSERT(ran.get_future().wait_for(20s) == std::future_status::ready);
        CPPUNIT_ASSERT_EQUAL(2u, hub->workerCount());
        gate.open();
        hub.reset();
    }

    void aWorkerThatIsNoLongerNeededEndsAfterAMinute() {
        startOnFakeClock(1);
        Gate gate;
        block(gate);
        std::promise<void> ran;
        CPPUNIT_ASSERT(hub->runOnWorker([&] { ran.set_value(); }));
        advance(10ms + kTick);
        ran.get_future().wait();
        gate.open();
        // Both are idle; either may be the one that goes.
        advance(59s);
        CPPUNIT_ASSERT_EQUAL(2u, hub->workerCount());
        CPPUNIT_ASSERT(eventually([&] {
            clock.advance(1s);
            return hub->workerCount() == 1;
        }));
    }

    void namesAHandlerThatDoesNotReturnForThirtySeconds() {
        startOnFakeClock(2);
        Gate gate;
        std::promise<void> running;
        CPPUNIT_ASSERT(hub->runOnWorker([&] {
            hub->describeWork("event slow\none");  // a client chooses such names
            running.set_value();
            gate.wait();
        }));
        running.get_future().wait();
        advance(kTick);  // the watchdog has seen it
        advance(30s - kTick);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub->counters().slowHandlers.load());
        advance(1s);
        CPPUNIT_ASSERT(eventually(
            [&] { return channel->text().find("event slow\\x0aone") != std::string::npos; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().slowHandlers.load());
        gate.open();
        hub.reset();  // what the workers use is about to go
    }

    void aTaskThatThrowsIsLoggedAndTheWorkerLives() {
        options.maxWorkers = 1;
        start();
        CPPUNIT_ASSERT(hub->runOnWorker([] { throw std::runtime_error("oh no"); }));
        CPPUNIT_ASSERT(hub->runOnWorker([] { throw 42; }));
        std::promise<void> ran;
        CPPUNIT_ASSERT(hub->runOnWorker([&] { ran.set_value(); }));
        CPPUNIT_ASSERT(ran.get_future().wait_for(5s) == std::future_status::ready);
        CPPUNIT_ASSERT(channel->text().find("oh no") != std::string::npos);
        hub.reset();
    }

    void aTaskThatThrowsIsHeardAndItsStrandGoesOn() {
        start();
        const auto strand = std::make_shared<Strand>(*hub);
        std::promise<void> ran;
        strand->post([] { throw std::runtime_error("oh dear"); });
        strand->post([&] { ran.set_value(); });
        CPPUNIT_ASSERT(ran.get_future().wait_for(5s) == std::future_status::ready);
        CPPUNIT_ASSERT(eventually([&] { return strand->pending().tasks == 0; }));
        CPPUNIT_ASSERT(channel->text().find("oh dear") != std::string::npos);
        hub.reset();
    }

    void stopFinishesWhatWaits() {
        options.maxWorkers = 1;
        start();
        std::atomic<int> ran{0};
        for (int i = 0; i < 100; ++i) CPPUNIT_ASSERT(hub->runOnWorker([&] { ++ran; }));
        CPPUNIT_ASSERT(hub->stop(std::chrono::steady_clock::now() + 5s));
        CPPUNIT_ASSERT_EQUAL(100, ran.load());
    }

    void stopAbandonsWhatDoesNotEnd() {
        startOnFakeClock(2);
        // What the abandoned worker uses has to outlive the test.
        auto* const gate = new Gate;
        auto* const ended = new std::promise<void>;
        std::promise<void> running;
        Hub* const raw = hub.get();
        CPPUNIT_ASSERT(hub->runOnWorker([gate, ended, &running, raw] {
            raw->describeWork("event for ever");
            running.set_value();
            gate->wait();
            ended->set_value();
        }));
        running.get_future().wait();
        std::atomic<bool> deadlineSet{false}, stopped{false};
        std::thread stopping([&] {
            const TimePoint deadline = clock.now() + 30s;
            deadlineSet = true;
            CPPUNIT_ASSERT(!hub->stop(deadline));
            stopped = true;
        });
        CPPUNIT_ASSERT(eventually([&] { return deadlineSet.load(); }));
        clock.advance(30s - 1ms);
        CPPUNIT_ASSERT(!stopped);
        clock.advance(1ms);
        stopping.join();
        CPPUNIT_ASSERT(channel->text().find("event for ever") != std::string::npos);
        hub.reset();
        gate->open();
        ended->get_future().wait();
        delete ended;
        delete gate;
    }

private:
    void start() {
        options.ioThreads = 1;
        options.keptWorkers = std::min(2u, options.maxWorkers);
        hub = std::make_unique<Hub>(options);
        hub->start();
    }

    void startOnFakeClock(unsigned kept) {
        options.clock = &clock;
        options.maxWorkers = kept + 2;
        options.ioThreads = 1;
        options.keptWorkers = kept;
        hub = std::make_unique<Hub>(options);
        hub->start();
    }

    void block(Gate& gate) {
        std::promise<void> running;
        CPPUNIT_ASSERT(hub->runOnWorker([&] {
            running.set_value();
            gate.wait();
        }));
        running.get_future().wait();
    }

    /// By a tick of the watchdog or more. Returns when it has looked at the new time.
    void advance(Duration time) {
        clock.advance(time);
        CPPUNIT_ASSERT(eventually([&] { return clock.waits() >= 2; }));
    }

    static constexpr Duration kTick = 2ms;

    // Never gone, as a worker that was abandoned looks at it once more.
    inline static test::FakeClock& clock = *new test::FakeClock;
    HubOptions options;
    Poco::AutoPtr<CapturingChannel> channel;
    std::unique_ptr<Hub> hub;
};

CPPUNIT_TEST_SUITE_REGISTRATION(WorkerPoolTest);

}  // namespace socketio
