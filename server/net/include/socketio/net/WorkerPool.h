#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <Poco/Runnable.h>
#include <Poco/ThreadPool.h>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Strand.h"
#include "socketio/base/Task.h"

namespace socketio {

struct HubOptions;
struct HubCounters;

/// The threads that run handlers: plain code that may block.
///
/// Workers are long-running Runnables on the hub's Poco::ThreadPool (starting one per task costs
/// ten times the task). As long as handlers return quickly, few workers are awake, since every
/// wake-up costs more than a handler; a watchdog looks every 2 ms whether work waits, wakes more
/// workers after 1 ms and adds workers, up to maxWorkers, when work has waited 10 ms.
///
/// The loops are led by workers, too. A leader that runs a handler (Dispatch::Adaptive) and does
/// not get on is deposed by the watchdog, after 2 to 4 ms: another worker takes the loop over, and
/// the late one goes on as any worker that is blocked. Our own blocking calls give up the lead
/// before they block. Work of a name that cost a loop, or takes more than 200 us on average, is
/// kept from the loops (isToDefer()) for the next 100 times, and for twice as many each time it is
/// found to block again, up to 100,000; ten good seconds halve that.
///
/// Owner:   Hub. Threads: thread-safe.
/// Limits:  maxQueuedWork tasks of submit(); strands are limited by their owners. Beside maxWorkers
///          there are one leader per loop and one more that may stand by for it.
class WorkerPool {
public:
    /// What a worker leads. Owner: Hub.
    class Loop {
    public:
        virtual ~Loop() = default;
        /// Until it has ended: true. False: the caller has been deposed.
        virtual bool lead() = 0;
    };

    WorkerPool(Poco::ThreadPool& threads, const HubOptions& options, HubCounters& counters,
               unsigned ioThreads);
    ~WorkerPool();

    void start();
    /// Takes no more work and waits for what runs and waits, until `deadline`. False when a worker
    /// is still busy then: its work has been named in the log and it has to be abandoned.
    bool stop(TimePoint deadline);

    bool submit(Task task);
    /// Only when a worker is left for it though all that waits and runs should block.
    bool submitIfFree(Task task);
    /// Takes the strands out of `strands`; those that are left in it when it throws have not been
    /// scheduled.
    void schedule(std::vector<std::shared_ptr<Strand>>& strands);
    void schedule(std::shared_ptr<Strand> strand);
    /// For a worker whose strand has tasks left.
    void putBack(std::shared_ptr<Strand> strand) noexcept;

    /// Those that are there for the loops not counted.
    unsigned workers() const;

    /// Has a worker lead `loop`, and another when that one is deposed. Throws what a thread that
    /// cannot be made throws.
    void lead(Loop& loop);
    /// Until all of them have ended; the calling thread leads those that nobody is left for.
    void waitForLoops();

    // For the thread that leads.
    /// Before a handler. False: it has to be handed over.
    bool enterHandler();
    /// Behind it. False: deposed meanwhile.
    bool leaveHandler();

    // For the calling worker; nothing on other threads.
    /// It leads a loop and is in a handler.
    bool inHandler() const;
    bool isToDefer(std::string_view what);
    void describe(std::string_view what);
    void beginBlocking();
    void endBlocking();

    class Worker;

private:
    class Watchdog;
    struct Item {
        Task task;
        std::shared_ptr<Strand> strand;
        TimePoint since;
    };
    /// How work of a name behaved. Names share one by chance; so may leaders, whose updates may
    /// then get lost.
    struct History {
        std::atomic<std::uint32_t> averageNs{0};     ///< Of its runs on loops, moving.
        std::atomic<std::uint32_t> runs{0};          ///< On workers, before the next on a loop.
        std::atomic<std::uint32_t> penalty{0};       ///< `runs` of the last time.
        std::atomic<std::int64_t> penaltySecond{0};  ///< When that was.
    };

    Worker* current() const;
    unsigned ordinary() const SOCKETIO_REQUIRES(_mutex);
    History& history(std::string_view what);
    static void penalize(History& history);
    static void endLap(Worker& worker, TimePoint now);
    void wakeWatchdog() SOCKETIO_REQUIRES(_mutex);
    bool depose(Worker& worker) SOCKETIO_REQUIRES(_mutex);
    void queueLoop(Loop& loop) SOCKETIO_REQUIRES(_mutex);
    bool runLoop(Worker& worker, Loop& loop) SOCKETIO_REQUIRES(_mutex);
    Loop& takeLoop() SOCKETIO_REQUIRES(_mutex);
    /// False: no tasks are left.
    bool runStrand(Strand& strand) noexcept;
    void runTask(Task& task) noexcept;
    void finishWork(Worker& worker) SOCKETIO_REQUIRES(_mutex);
    void updateStandby() SOCKETIO_REQUIRES(_mutex);
    bool leaderInHandler() const SOCKETIO_REQUIRES(_mutex);
    void inspectLeader(Worker& worker, TimePoint now) SOCKETIO_REQUIRES(_mutex);
    void warnIfSlow(Worker& worker, TimePoint now) SOCKETIO_REQUIRES(_mutex);
    void addWorker() SOCKETIO_EXCLUDES(_mutex);
    void wakeFor(std::size_t items) SOCKETIO_REQUIRES(_mutex);
    bool add(Task& task) SOCKETIO_REQUIRES(_mutex);
    void work(Worker& worker);
    void watch();
    void waitForWatch(Duration time) SOCKETIO_REQUIRES(_mutex);
    /// True when another worker is wanted.
    bool inspect(TimePoint now) SOCKETIO_REQUIRES(_mutex);

    Poco::ThreadPool& _threads;
    const HubOptions& _options;
    const bool _adaptive;
    const Clock& _clock;
    HubCounters& _counters;
    const unsigned _kept;
    const unsigned _awake;  // workers that run at a time while none of them blocks

    mutable Mutex _mutex;  // a leaf: no task runs and nothing is destroyed while it is held
    Condition _work;       // for workers
    Condition _watch;      // for the watchdog
    Condition _ended;      // for stop()
    std::deque<Item> _queue SOCKETIO_GUARDED_BY(_mutex);
    std::size_t _queuedTasks SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::vector<std::unique_ptr<Worker>> _workers SOCKETIO_GUARDED_BY(_mutex);
    unsigned _alive SOCKETIO_GUARDED_BY(_mutex) = 0;
    unsigned _leading SOCKETIO_GUARDED_BY(_mutex) = 0;  // of those alive
    unsigned _loops SOCKETIO_GUARDED_BY(_mutex) = 0;    // not ended
    /// For a leader, before all else. With room for every loop: nothing may throw there.
    std::vector<Loop*> _loopsWaiting SOCKETIO_GUARDED_BY(_mutex);
    unsigned _idle SOCKETIO_GUARDED_BY(_mutex) = 0;
    unsigned _waking SOCKETIO_GUARDED_BY(_mutex) = 0;   // notified, not awake yet
    unsigned _running SOCKETIO_GUARDED_BY(_mutex) = 0;  // busy and, as far as known, not blocked
    bool _leadersBusy SOCKETIO_GUARDED_BY(_mutex) = false;  // when last looked at
    bool _dormant SOCKETIO_GUARDED_BY(_mutex) = true;       // the watchdog sleeps
    bool _stopping SOCKETIO_GUARDED_BY(_mutex) = false;
    TimePoint _nextGrowthWarning SOCKETIO_GUARDED_BY(_mutex){};
    bool _watchdogAlive SOCKETIO_GUARDED_BY(_mutex) = false;
    std::vector<std::string> _warnings SOCKETIO_GUARDED_BY(_mutex);  // for the log
    std::unique_ptr<Watchdog> _watchdog;
    std::atomic<bool> _mayLead{false};     // handlers may run on loops: one stands by
    std::atomic<bool> _watchSleeps{true};  // `_dormant`, for leaders
    std::array<History, 1024> _histories;
};

}  // namespace socketio
