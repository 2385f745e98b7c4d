#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
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
/// Owner:   Hub. Threads: thread-safe.
/// Limits:  maxQueuedWork tasks of submit(); strands are limited by their owners.
class WorkerPool {
public:
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
    /// Takes the strands out of `strands`.
    void schedule(std::vector<std::shared_ptr<Strand>>& strands);
    void schedule(std::shared_ptr<Strand> strand);

    unsigned workers() const;

    // For the calling worker; nothing on other threads.
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

    Worker* current();
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
    unsigned _idle SOCKETIO_GUARDED_BY(_mutex) = 0;
    unsigned _waking SOCKETIO_GUARDED_BY(_mutex) = 0;   // notified, not awake yet
    unsigned _running SOCKETIO_GUARDED_BY(_mutex) = 0;  // busy and, as far as known, not blocked
    bool _dormant SOCKETIO_GUARDED_BY(_mutex) = true;   // the watchdog sleeps
    bool _stopping SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _watchdogAlive SOCKETIO_GUARDED_BY(_mutex) = false;
    std::vector<std::string> _warnings SOCKETIO_GUARDED_BY(_mutex);  // for the log
    std::unique_ptr<Watchdog> _watchdog;
};

}  // namespace socketio
