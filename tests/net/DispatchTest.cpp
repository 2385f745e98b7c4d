// Which thread runs what is posted to a strand, and what becomes of a loop whose handler blocks.
#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/net/Hub.h"

#include "support/ManualExecutor.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using test::eventually;
using test::Gate;

namespace {

/// A handler as the Server's are: by its name it may belong to a worker.
struct Handler {
    Hub* hub;
    Strand* strand;
    std::string name;
    std::function<void()> body;

    void operator()() {
        if (hub->belongsToWorker(name)) {
            Strand& mine = *strand;
            mine.defer(Handler(std::move(*this)));
            return;
        }
        hub->describeWork(name);
        body();
    }
};

}  // namespace

class DispatchTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DispatchTest);
    CPPUNIT_TEST(handlersRunOnTheLoop);
    CPPUNIT_TEST(whatAHandlerPostsRunsBehindIt);
    CPPUNIT_TEST(aHandlerThatBlocksLosesItsLoop);
    CPPUNIT_TEST(whoHasBlockedBelongsToWorkersForAWhile);
    CPPUNIT_TEST(whoBlocksAgainStaysAwayTwiceAsLong);
    CPPUNIT_TEST(whoIsSlowOnAverageBelongsToWorkers);
    CPPUNIT_TEST(blockingCallsOfOurOwnGiveUpTheLoopAtOnce);
    CPPUNIT_TEST(aFullMailboxGivesUpTheLoop);
    CPPUNIT_TEST(aMailboxThatFillsUpIsEmptiedBetweenHandlers);
    CPPUNIT_TEST(withoutAWorkerToStandByHandlersAreHandedOver);
    CPPUNIT_TEST(allLoopsCanBeLostAtOnce);
    CPPUNIT_TEST(whatThrowsHarmsNobody);
    CPPUNIT_TEST(poolHandsOverEverything);
    CPPUNIT_TEST(inlineIsNotTakenAway);
    CPPUNIT_TEST(stopTakesTheLoopFromAHandlerThatDoesNotReturn);
    CPPUNIT_TEST_SUITE_END();

public:
    void handlersRunOnTheLoop() {
        start();
        const std::thread::id loop = threadOfLoop();
        std::promise<std::thread::id> where;
        std::promise<Executor::LoopId> current;
        post("quick", [&] {
            where.set_value(std::this_thread::get_id());
            current.set_value(hub->currentLoop());
        });
        CPPUNIT_ASSERT(get(where) == loop);
        // It may lose the loop at any moment: it is no loop to whoever asks.
        CPPUNIT_ASSERT_EQUAL(Executor::kNoLoop, get(current));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub->counters().handovers.load());
    }

    void whatAHandlerPostsRunsBehindIt() {
        start();
        std::vector<int> order;
        std::promise<void> ran;
        post("poster", [&] {
            hub->post(0, [&] {
                order.push_back(2);
                ran.set_value();
            });
            order.push_back(1);
        });
        get(ran);
        CPPUNIT_ASSERT(order == (std::vector<int>{1, 2}));
    }

    void aHandlerThatBlocksLosesItsLoop() {
        start();
        const std::thread::id before = threadOfLoop();
        Gate gate;
        std::vector<int> order;
        std::promise<void> inside, last;
        post("slow", [&] {
            inside.set_value();
            gate.wait();
            order.push_back(1);
        });
        post("quick", [&] {
            order.push_back(2);
            last.set_value();
        });
        get(inside);
        CPPUNIT_ASSERT(threadOfLoop() != before);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().handovers.load());
        std::promise<void> other;
        post(
            "quick", [&] { other.set_value(); }, anotherStrand);
        get(other);
        CPPUNIT_ASSERT(order.empty());
        gate.open();
        get(last);
        CPPUNIT_ASSERT(order == (std::vector<int>{1, 2}));
    }

    void whoHasBlockedBelongsToWorkersForAWhile() {
        start();
        loseTheLoop("slow");
        for (int i = 0; i < 100; ++i) CPPUNIT_ASSERT(threadOf("slow") != threadOfLoop());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(100), hub->counters().deferred.load());
        CPPUNIT_ASSERT(threadOf("quick") == threadOfLoop());
        CPPUNIT_ASSERT(threadOf("slow") == threadOfLoop());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(100), hub->counters().deferred.load());
    }

    void whoBlocksAgainStaysAwayTwiceAsLong() {
        start();
        loseTheLoop("slow");
        for (int i = 0; i < 100; ++i) threadOf("slow");
        loseTheLoop("slow");
        for (int i = 0; i < 200; ++i) threadOf("slow");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(300), hub->counters().deferred.load());
        threadOf("slow");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(300), hub->counters().deferred.load());
    }

    void whoIsSlowOnAverageBelongsToWorkers() {
        startOnFakeClock();  // the watchdog sees no time pass
        for (int i = 0; i < 20; ++i)
            run("busy", [] {
                const auto end = std::chrono::steady_clock::now() + 1ms;
                while (std::chrono::steady_clock::now() < end) {
                }
            });
        CPPUNIT_ASSERT(hub->counters().deferred > 0);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub->counters().handovers.load());
    }

    void blockingCallsOfOurOwnGiveUpTheLoopAtOnce() {
        startOnFakeClock();
        const std::thread::id before = threadOfLoop();
        Gate gate;
        std::promise<void> inside, done;
        post("caller", [&] {
            inside.set_value();
            const BlockingScope scope(*hub);
            gate.wait();
            done.set_value();
        });
        get(inside);
        CPPUNIT_ASSERT(threadOfLoop() != before);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().handovers.load());
        gate.open();
        get(done);
        CPPUNIT_ASSERT(threadOf("caller") != threadOfLoop());
    }

    void aFullMailboxGivesUpTheLoop() {
        startOnFakeClock();
        constexpr int kTasks = 40'000;
        int next = 0;
        bool inOrder = true;
        std::promise<void> last;
        post("flood", [&] {
            for (int i = 0; i < kTasks; ++i)
                hub->post(0, [&, i] {
                    inOrder = inOrder && next++ == i;
                    if (next == kTasks) last.set_value();
                });
        });
        get(last);
        CPPUNIT_ASSERT(inOrder);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().handovers.load());
    }

    void aMailboxThatFillsUpIsEmptiedBetweenHandlers() {
        startOnFakeClock();
        constexpr int kHandlers = 10, kTasks = 4'000;  // together more than a mailbox holds
        std::atomic<int> ran{0};
        std::vector<std::shared_ptr<Strand>> strands;
        for (int i = 0; i < kHandlers; ++i) strands.push_back(std::make_shared<Strand>(*hub));
        hub->post(0, [&] {
            for (const auto& each : strands)
                each->post([&] {
                    for (int i = 0; i < kTasks; ++i) hub->post(0, [&] { ++ran; });
                });
        });
        CPPUNIT_ASSERT(eventually([&] { return ran == kHandlers * kTasks; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub->counters().handovers.load());
    }

    void withoutAWorkerToStandByHandlersAreHandedOver() {
        options.maxWorkers = options.keptWorkers = 1;
        start();
        Gate gate;
        std::promise<void> blocked;
        CPPUNIT_ASSERT(hub->runOnWorker([&] {
            blocked.set_value();
            gate.wait();
        }));
        get(blocked);
        std::promise<void> ran;
        auto future = ran.get_future();
        post("quick", [&] { ran.set_value(); });
        threadOfLoop();  // twice, as strands run behind what is posted
        threadOfLoop();
        CPPUNIT_ASSERT(future.wait_for(0s) == std::future_status::timeout);
        gate.open();
        CPPUNIT_ASSERT(future.wait_for(20s) == std::future_status::ready);
    }

    void allLoopsCanBeLostAtOnce() {
        options.ioThreads = 4;
        options.maxWorkers = options.keptWorkers = 2;
        start();
        std::vector<Gate> gates(12);
        std::atomic<int> entered{0}, left{0};
        for (std::size_t i = 0; i < gates.size(); ++i) {
            const auto mine = std::make_shared<Strand>(*hub);
            hub->post(static_cast<Executor::LoopId>(i % 4), [&, i, mine] {
                mine->post(Handler{hub.get(), mine.get(), "slow", [&, i] {
                                       ++entered;
                                       gates[i].wait();
                                       ++left;
                                   }});
            });
        }
        CPPUNIT_ASSERT(eventually([&] { return entered >= 2; }));
        for (Executor::LoopId loop = 0; loop < 4; ++loop) threadOfLoop(loop);  // all of them go on
        CPPUNIT_ASSERT(entered <= 2 + 4);  // and one per loop, which stood by
        for (Gate& gate : gates) gate.open();
        CPPUNIT_ASSERT(eventually([&] { return left == 12; }));
        for (Executor::LoopId loop = 0; loop < 4; ++loop) threadOfLoop(loop);
        hub.reset();  // what the handlers use is about to go
    }

    void whatThrowsHarmsNobody() {
        start();
        post("bad", [] { throw std::runtime_error("oh no"); });
        post("bad", [] { throw 42; });
        CPPUNIT_ASSERT(threadOf("quick") == threadOfLoop());
        CPPUNIT_ASSERT(eventually([&] { return strand->pending().tasks == 0; }));
    }

    void poolHandsOverEverything() {
        options.dispatch = Dispatch::Pool;
        start();
        const std::thread::id loop = threadOfLoop();
        CPPUNIT_ASSERT(threadOf("quick") != loop);
        CPPUNIT_ASSERT(threadOfLoop() == loop);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub->counters().deferred.load());
    }

    void inlineIsNotTakenAway() {
        options.dispatch = Dispatch::Inline;
        startOnFakeClock();
        const std::thread::id loop = threadOfLoop();
        Gate gate;
        std::promise<void> inside, outside;
        post("slow", [&] {
            inside.set_value();
            gate.wait();
        });
        get(inside);
        std::promise<void> behind;
        auto future = behind.get_future();
        hub->post(0, [&] { behind.set_value(); });
        for (int i = 0; i < 10; ++i) advance(10ms);
        CPPUNIT_ASSERT(future.wait_for(0s) == std::future_status::timeout);
        gate.open();
        future.wait();
        CPPUNIT_ASSERT(threadOf("slow") == loop);
        // A call of our own would wait for what only the loop can bring.
        run("caller", [&] {
            const BlockingScope scope(*hub);
            threadOfLoop();
        });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().handovers.load());
    }

    void stopTakesTheLoopFromAHandlerThatDoesNotReturn() {
        startOnFakeClock();
        // What is abandoned uses these after the test; its thread may be on its way out for some
        // time yet when the test ends.
        struct Abandoned {
            Gate gate;
            std::promise<void> ended;
            std::shared_ptr<Strand> strand;
        };
        static auto* const abandoned = new Abandoned;  // static: no leak
        abandoned->strand = strand;
        Gate* const gate = &abandoned->gate;
        std::promise<void>* const ended = &abandoned->ended;
        std::promise<void> inside;
        post("for ever", [&inside, gate, ended] {
            inside.set_value();
            gate->wait();
            ended->set_value();
        });
        get(inside);
        const TimePoint deadline = clock.now() + 30s;
        std::atomic<bool> stopped{false};
        std::thread stopping([&] {
            CPPUNIT_ASSERT(!hub->stop(deadline));
            stopped = true;
        });
        CPPUNIT_ASSERT(eventually([&] {
            clock.advance(1s);
            return stopped.load();
        }));
        stopping.join();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), hub->counters().handovers.load());
        hub.reset();
        gate->open();
        ended->get_future().wait();
    }

private:
    void start() {
        if (options.ioThreads == 0) options.ioThreads = 1;
        hub = std::make_unique<Hub>(options);
        hub->start();
        strand = std::make_shared<Strand>(*hub);
        anotherStrand = std::make_shared<Strand>(*hub);
    }
    void startOnFakeClock() {
        options.clock = &clock;
        start();
    }
    void advance(Duration time) {
        clock.advance(time);
        CPPUNIT_ASSERT(eventually([&] { return clock.waits() >= 2; }));
    }

    /// As a loop does that has read a client's event.
    void post(const std::string& name, std::function<void()> body,
              std::shared_ptr<Strand> onto = nullptr) {
        if (!onto) onto = strand;
        hub->post(0, [this, name, body = std::move(body), onto] {
            onto->post(Handler{hub.get(), onto.get(), name, body});
        });
    }
    /// On a strand of its own: one that has just run on a worker may still be at home there.
    void run(const std::string& name, const std::function<void()>& body) {
        std::promise<void> done;
        post(
            name,
            [&] {
                body();
                done.set_value();
            },
            std::make_shared<Strand>(*hub));
        get(done);
    }
    std::thread::id threadOf(const std::string& name) {
        std::thread::id where;
        run(name, [&] { where = std::this_thread::get_id(); });
        return where;
    }
    /// Returns when the loop has been in charge again.
    std::thread::id threadOfLoop(Executor::LoopId loop = 0) {
        std::promise<std::thread::id> where;
        hub->post(loop, [&] { where.set_value(std::this_thread::get_id()); });
        return get(where);
    }
    void loseTheLoop(const std::string& name) {
        const std::uint64_t before = hub->counters().handovers;
        run(name, [&] {
            CPPUNIT_ASSERT(eventually([&] { return hub->counters().handovers > before; }));
        });
    }
    template <class T>
    static T get(std::promise<T>& promise) {
        auto future = promise.get_future();
        if (future.wait_for(20s) != std::future_status::ready)
            throw std::runtime_error("nothing has come for 20 s");
        return future.get();
    }

public:
    void tearDown() override {
        strand.reset();
        anotherStrand.reset();
        hub.reset();
    }

private:
    // Never gone, as a worker that was abandoned looks at it once more.
    inline static test::FakeClock& clock = *new test::FakeClock;
    HubOptions options;
    std::unique_ptr<Hub> hub;
    std::shared_ptr<Strand> strand, anotherStrand;
};

CPPUNIT_TEST_SUITE_REGISTRATION(DispatchTest);

}  // namespace socketio
