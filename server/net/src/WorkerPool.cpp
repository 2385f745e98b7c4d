#include "socketio/net/WorkerPool.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"
#include "socketio/net/Hub.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 2ms;            // of the watchdog while there is work
constexpr Duration kStuckAfter = 2ms;      // a task that runs longer counts as blocked
constexpr Duration kWakeAfter = 1ms;       // work that waits longer wakes one more worker
constexpr Duration kGrowAfter = 10ms;      // work that waits longer gets a new worker
constexpr Duration kIdleEnd = 60s;         // after which a worker beyond the kept ones ends
constexpr std::size_t kStrandBudget = 64;  // tasks of one client before others get their turn

void log(Poco::Message::Priority priority, const std::string& text) {
    Log("socketio.net").write(priority, text);
}

unsigned cores() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

class WorkerPool::Worker : public Poco::Runnable {
public:
    explicit Worker(WorkerPool& owner) : pool(owner) {}
    void run() override { pool.work(*this); }

    WorkerPool& pool;
    // All below is guarded by the pool's mutex, except `label`, by its own.
    bool busy = false;
    bool blocked = false;  // inside a BlockingScope, or taken for blocked by the watchdog
    bool inScope = false;
    bool warned = false;
    bool finished = false;
    TimePoint since{};
    Mutex labelMutex;  // a leaf
    char label[64] SOCKETIO_GUARDED_BY(labelMutex) = {};
    std::size_t labelSize SOCKETIO_GUARDED_BY(labelMutex) = 0;
    std::atomic<std::uint64_t> steps{0};  // tasks begun: the watchdog sees that time goes on

    std::string describe() {
        MutexLock lock(labelMutex);
        return labelSize ? escapedForLog({label, labelSize}, sizeof label) : std::string("a task");
    }
};

class WorkerPool::Watchdog : public Poco::Runnable {
public:
    explicit Watchdog(WorkerPool& pool) : _pool(pool) {}
    void run() override { _pool.watch(); }

private:
    WorkerPool& _pool;
};

namespace {
thread_local WorkerPool::Worker* currentWorker = nullptr;
}

// A process may have several hubs: another one's workers are threads like any other here.
WorkerPool::Worker* WorkerPool::current() {
    return currentWorker && &currentWorker->pool == this ? currentWorker : nullptr;
}

WorkerPool::WorkerPool(Poco::ThreadPool& threads, const HubOptions& options, HubCounters& counters,
                       unsigned ioThreads)
    : _threads(threads),
      _options(options),
      _clock(*options.clock),
      _counters(counters),
      _kept(std::min(options.keptWorkers ? options.keptWorkers : 2 * cores(),
                     std::max(1u, options.maxWorkers))),
      _awake(std::max(1u, cores() > ioThreads ? cores() - ioThreads : 1u)),
      _watchdog(std::make_unique<Watchdog>(*this)) {}

WorkerPool::~WorkerPool() = default;

void WorkerPool::start() {
    {
        MutexLock lock(_mutex);
        _stopping = false;
    }
    for (unsigned i = 0; i < _kept; ++i) addWorker();
    {
        MutexLock lock(_mutex);
        _watchdogAlive = true;
    }
    try {
        _threads.start(*_watchdog, "socketio-watch");
    } catch (...) {
        MutexLock lock(_mutex);
        _watchdogAlive = false;
        throw;
    }
}

// A thread takes its time to be made: the loops must not wait for the mutex meanwhile. It counts
// before it runs, so that stop() waits for it.
void WorkerPool::addWorker() {
    auto owned = std::make_unique<Worker>(*this);
    Worker* const worker = owned.get();
    std::vector<std::unique_ptr<Worker>> ended;  // destroyed without the mutex
    {
        MutexLock lock(_mutex);
        const auto firstEnded = std::stable_partition(
            _workers.begin(), _workers.end(), [](const auto& each) { return !each->finished; });
        ended.assign(std::make_move_iterator(firstEnded), std::make_move_iterator(_workers.end()));
        _workers.erase(firstEnded, _workers.end());
        _workers.push_back(std::move(owned));
        ++_alive;
    }
    try {
        _threads.start(*worker, "socketio-work");
    } catch (...) {
        MutexLock lock(_mutex);
        worker->finished = true;
        --_alive;
        _ended.notifyAll();
        throw;
    }
}

unsigned WorkerPool::workers() const {
    MutexLock lock(_mutex);
    return _alive;
}

// A task that is refused stays with the caller, whose mutex is free when it goes.
bool WorkerPool::submit(Task task) {
    MutexLock lock(_mutex);
    return add(task);
}

bool WorkerPool::submitIfFree(Task task) {
    MutexLock lock(_mutex);
    const std::size_t growth = _options.maxWorkers > _alive ? _options.maxWorkers - _alive : 0;
    // Each of those before it may take one of them for ever.
    return _idle + growth > _queue.size() && add(task);
}

bool WorkerPool::add(Task& task) {
    if (_stopping || _queuedTasks >= _options.maxQueuedWork) {
        _counters.refusedWork.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    _queue.push_back({std::move(task), nullptr, _clock.now()});
    ++_queuedTasks;
    wakeFor(1);
    return true;
}

void WorkerPool::schedule(std::shared_ptr<Strand> strand) {
    MutexLock lock(_mutex);
    _queue.push_back({Task(), std::move(strand), _clock.now()});
    wakeFor(1);
}

void WorkerPool::schedule(std::vector<std::shared_ptr<Strand>>& strands) {
    if (strands.empty()) return;
    const TimePoint now = _clock.now();
    {
        MutexLock lock(_mutex);
        for (std::shared_ptr<Strand>& strand : strands)
            _queue.push_back({Task(), std::move(strand), now});
        wakeFor(strands.size());
    }
    strands.clear();
}

void WorkerPool::wakeFor(std::size_t items) {
    if (_running + _waking < _awake && _idle > _waking && items > 0) {
        ++_waking;
        _work.notifyOne();
    }
    if (_dormant) {
        _dormant = false;
        _watch.notifyOne();
    }
}

void WorkerPool::work(Worker& worker) {
    currentWorker = &worker;
    MutexLock lock(_mutex);
    for (;;) {
        std::optional<TimePoint> idleEnd;  // of one beyond those that are kept
        while (_queue.empty() && !_stopping) {
            ++_idle;
            bool inTime = true;
            if (_alive <= _kept) {
                _work.wait(_mutex);
            } else {
                if (!idleEnd) idleEnd = _clock.now() + kIdleEnd;
                inTime = _clock.waitUntil(_work, _mutex, *idleEnd);
            }
            --_idle;
            if (_waking > 0) --_waking;
            if (!inTime && _queue.empty() && _alive > _kept) break;
        }
        if (_queue.empty()) break;

        Item item = std::move(_queue.front());
        _queue.pop_front();
        if (item.task) --_queuedTasks;
        worker.busy = true;
        worker.blocked = worker.warned = false;
        worker.since = _clock.now();
        worker.steps.fetch_add(1, std::memory_order_relaxed);
        ++_running;
        if (!_queue.empty()) wakeFor(1);
        lock.unlock();

        try {
            if (item.task)
                item.task();
            else if (item.strand->run(kStrandBudget))
                item.strand.reset();
        } catch (...) {
            log(Poco::Message::PRIO_CRITICAL, "a task threw: " + exceptionText());
        }
        // A strand with tasks left, also behind one that threw, gets another turn.
        if (item.strand) schedule(std::move(item.strand));
        item = Item();

        lock.lock();
        worker.busy = false;
        if (!worker.blocked) --_running;
        worker.blocked = worker.inScope = false;
    }
    worker.finished = true;
    --_alive;
    _ended.notifyAll();
    lock.unlock();
    currentWorker = nullptr;
}

void WorkerPool::describe(std::string_view what) {
    Worker* const worker = current();
    if (!worker) return;
    worker->steps.fetch_add(1, std::memory_order_relaxed);
    MutexLock lock(worker->labelMutex);
    worker->labelSize = std::min(what.size(), sizeof worker->label - 1);
    std::memcpy(worker->label, what.data(), worker->labelSize);
}

void WorkerPool::beginBlocking() {
    Worker* const worker = current();
    if (!worker) return;
    MutexLock lock(_mutex);
    worker->inScope = true;
    if (!std::exchange(worker->blocked, true)) --_running;
    if (!_queue.empty()) wakeFor(1);
}

void WorkerPool::endBlocking() {
    Worker* const worker = current();
    if (!worker) return;
    MutexLock lock(_mutex);
    worker->inScope = false;
    worker->warned = false;
    worker->since = _clock.now();
    if (std::exchange(worker->blocked, false)) ++_running;
}

void WorkerPool::waitForWatch(Duration time) {
    _clock.waitUntil(_watch, _mutex, _clock.now() + time);
}

void WorkerPool::watch() {
    MutexLock lock(_mutex);
    int quietTicks = 0;
    while (!_stopping) {
        const bool quiet = _queue.empty() && _running == 0;
        quietTicks = quiet ? quietTicks + 1 : 0;
        if (quietTicks > 50) {
            // Nothing but blocked handlers, if anything: look rarely, and be woken by new work.
            _dormant = true;
            const bool anyBusy = _running + _idle < _alive;
            if (anyBusy)
                waitForWatch(std::clamp<Duration>(_options.handlerWarning / 4, 5ms, 1s));
            else
                _watch.wait(_mutex);
            if (!_dormant) quietTicks = 0;
            _dormant = false;
        } else {
            waitForWatch(kTick);
        }
        const bool grow = inspect(_clock.now()) && !_stopping;
        std::vector<std::string> warnings = std::exchange(_warnings, {});
        if (!grow && warnings.empty()) continue;
        lock.unlock();  // neither a new thread nor a slow log must hold up the loops
        if (grow) {
            try {
                addWorker();
            } catch (const Poco::Exception& e) {
                warnings.push_back("no further worker: " + e.displayText());
            }
        }
        for (const std::string& warning : warnings) log(Poco::Message::PRIO_WARNING, warning);
        lock.lock();
    }
    _watchdogAlive = false;
    _ended.notifyAll();
}

bool WorkerPool::inspect(TimePoint now) {
    for (const auto& entry : _workers) {
        Worker& worker = *entry;
        if (!worker.busy || worker.inScope) continue;
        // A strand runs many tasks in one go: the clock starts again with each.
        if (worker.steps.exchange(0, std::memory_order_relaxed) > 0) {
            worker.since = now;
            if (std::exchange(worker.blocked, false)) ++_running;
            continue;
        }
        if (now - worker.since > kStuckAfter && !std::exchange(worker.blocked, true)) --_running;
        if (now - worker.since > _options.handlerWarning && !std::exchange(worker.warned, true)) {
            _counters.slowHandlers.fetch_add(1, std::memory_order_relaxed);
            const auto seconds =
                std::chrono::duration_cast<std::chrono::seconds>(now - worker.since);
            _warnings.push_back("a handler has not returned for " +
                                std::to_string(seconds.count()) + " s: " + worker.describe());
        }
    }
    if (_queue.empty()) return false;
    const Duration waited = now - _queue.front().since;
    if (waited > kWakeAfter && _idle > _waking) {
        ++_waking;
        _work.notifyOne();
        return false;
    }
    return waited > kGrowAfter && _idle == 0 && _alive < _options.maxWorkers;
}

bool WorkerPool::stop(TimePoint deadline) {
    MutexLock lock(_mutex);
    if (_alive == 0 && !_watchdogAlive) return true;
    _stopping = true;
    _work.notifyAll();
    _watch.notifyAll();
    while (_alive > 0)
        if (!_clock.waitUntil(_ended, _mutex, deadline)) break;
    // It runs no code of others, and looks at what goes with the hub.
    while (_watchdogAlive) _ended.wait(_mutex);
    if (_alive == 0) return true;
    for (const auto& worker : _workers)
        if (worker->busy)
            log(Poco::Message::PRIO_ERROR,
                "abandoned, as it did not return: " + worker->describe());
    return false;
}

}  // namespace socketio
