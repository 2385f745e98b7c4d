#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/Outbound.h"
#include "socketio/base/Strand.h"

namespace socketio::test {

/// A clock that stands still until it is told to go on.
/// Threads: thread-safe.
class FakeClock : public Clock {
public:
    TimePoint now() const override { return TimePoint(Duration(_now)); }
    void advance(Duration time) {
        _now += time.count();
        _waits = 0;
    }

    /// Returns now and then, for whoever waits to look again: advance() does not know them.
    bool waitUntil(Condition& condition, Mutex& mutex, TimePoint deadline) const override
        SOCKETIO_REQUIRES(mutex) {
        ++_waits;
        if (now() < deadline) condition.waitFor(mutex, std::chrono::milliseconds(1));
        return now() < deadline;
    }
    /// How often somebody has begun to wait since advance(). A thread that has done so twice has
    /// looked at the new time in between.
    unsigned waits() const { return _waits; }

private:
    mutable std::atomic<unsigned> _waits{0};
    std::atomic<Duration::rep> _now{Duration(std::chrono::hours(1000)).count()};
};

/// Timers on a fake clock: fire exactly at their deadlines, in order.
class FakeTimers : public Timers {
public:
    explicit FakeTimers(const Clock& clock) : _clock(clock) {}
    ~FakeTimers() override;

    void arm(Timer& timer, TimePoint deadline) override;
    void cancel(Timer& timer) override;
    TimePoint now() const override { return _clock.now(); }

    /// Fires what is due, one at a time; true when something was.
    bool fireOne();
    /// The next deadline, or TimePoint::max().
    TimePoint next() const;
    std::size_t armed() const { return _armed.size(); }

private:
    const Clock& _clock;
    std::vector<Timer*> _armed;
};

/// Runs everything on the calling thread, when it is told to. While a loop's tasks run,
/// currentLoop() is that loop; while a worker's run, it is kNoLoop.
class ManualExecutor : public Executor {
public:
    explicit ManualExecutor(LoopId loops = 1);
    ~ManualExecutor() override;

    LoopId loopCount() const override { return static_cast<LoopId>(_loops.size()); }
    LoopId currentLoop() const override { return _current; }
    void post(LoopId loop, Task task, std::size_t bytes = 0) override;
    Timers& timers(LoopId loop) override { return *_loops[loop].timers; }
    const Clock& clock() const override { return _clock; }
    OutboundShare& outbound(LoopId loop) override { return *_loops[loop].outbound; }
    LimitCounters& limits() override { return *_limits; }
    [[nodiscard]] bool runOnWorker(Task task) override;
    void schedule(std::shared_ptr<Strand> strand) override;
    void describeWork(std::string_view what) override { described.emplace_back(what); }
    void beginBlocking() override {}
    void endBlocking() override {}

    /// Runs `function` as if on a loop, at once.
    template <class F>
    void onLoop(LoopId loop, F&& function) {
        const LoopId before = std::exchange(_current, loop);
        function();
        _current = before;
    }

    void runLoops();    ///< Posted tasks, until there are none.
    void runWorkers();  ///< Worker tasks and strands, until there are none.
    void run();         ///< Both, until nothing is left.
    /// Goes on in time, from deadline to deadline, running all there is to run.
    void advance(Duration time);

    std::size_t armedTimers() const;
    FakeClock& fakeClock() { return _clock; }

    bool refuseWork = false;  ///< runOnWorker() says no.
    std::vector<std::string> described;

private:
    struct Loop {
        std::deque<Task> tasks;
        std::unique_ptr<FakeTimers> timers;
        std::unique_ptr<OutboundShare> outbound;
    };
    bool runOneLoopTask();
    bool runOneWorkerTask();

    FakeClock _clock;
    OutboundTotal _outbound{0, {}};
    const std::unique_ptr<LimitCounters> _limits;
    std::vector<Loop> _loops;
    std::deque<Task> _work;
    std::deque<std::shared_ptr<Strand>> _strands;
    LoopId _current = kNoLoop;
};

}  // namespace socketio::test
