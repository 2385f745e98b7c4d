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
#include "socketio/base/insist.h"
#include "socketio/net/Hub.h"

#include "Failures.h"
#include "Worker.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = 2ms;        // of the watchdog while there is work
constexpr Duration kWakeAfter = 1ms;   // work that waits longer wakes one more worker
constexpr Duration kGrowAfter = 10ms;  // work that waits longer gets a new worker
constexpr Duration kGrowthWarnings =
    10s;                            // between those that tell of a thread that cannot be made
constexpr Duration kIdleEnd = 60s;  // after which a worker beyond the kept ones ends
constexpr std::size_t kStrandBudget = 64;  // tasks of one client before others get their turn

void log(Poco::Message::Priority priority, const std::string& text) noexcept {
    try {
        Log("socketio.net").write(priority, text);
    } catch (...) {  // no memory for it
    }
}

/// Says why there is none, inside of a catch block.
void tellOfGrowth() noexcept {
    try {
        log(Poco::Message::PRIO_WARNING, "no further worker: " + exceptionText());
    } catch (...) {
    }
}

unsigned cores() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

thread_local WorkerPool::Worker* WorkerPool::Worker::current = nullptr;

class WorkerPool::Watchdog : public Poco::Runnable {
public:
    explicit Watchdog(WorkerPool& pool) : _pool(pool) {}
    void run() override { _pool.watch(); }

private:
    WorkerPool& _pool;
};

// A process may have several hubs: another one's workers are threads like any other here.
WorkerPool::Worker* WorkerPool::current() const {
    return Worker::current && &Worker::current->pool == this ? Worker::current : nullptr;
}

WorkerPool::WorkerPool(Poco::ThreadPool& threads, const HubOptions& options, HubCounters& counters,
                       unsigned ioThreads)
    : _threads(threads),
      _options(options),
      _adaptive(options.dispatch == Dispatch::Adaptive),
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
    return ordinary();
}

// Who waits to lead is one that is not a worker for long.
unsigned WorkerPool::ordinary() const {
    return _alive - std::min(_alive, _leading + static_cast<unsigned>(_loopsWaiting.size()));
}

// A task that is refused stays with the caller, whose mutex is free when it goes.
bool WorkerPool::submit(Task task) {
    MutexLock lock(_mutex);
    return add(task);
}

bool WorkerPool::submitIfFree(Task task) {
    MutexLock lock(_mutex);
    const unsigned workers = ordinary();
    const std::size_t growth = _options.maxWorkers > workers ? _options.maxWorkers - workers : 0;
    // Each of those before it may take one of them for ever.
    return _idle + growth > _queue.size() + _loopsWaiting.size() && add(task);
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

void WorkerPool::putBack(std::shared_ptr<Strand> strand) noexcept {
    do {
        if (insist([&] { schedule(strand); })) return;
    } while (runStrand(*strand));  // no memory for the queue
}

bool WorkerPool::runStrand(Strand& strand) noexcept {
    try {
        return strand.run(kStrandBudget) != Strand::Left::Nothing;
    } catch (...) {
        reportFailure(_counters, "a task threw");
        return true;
    }
}

void WorkerPool::schedule(std::vector<std::shared_ptr<Strand>>& strands) {
    if (strands.empty()) return;
    const TimePoint now = _clock.now();
    std::size_t taken = 0;
    const auto forget = [&] {
        strands.erase(strands.begin(), strands.begin() + static_cast<std::ptrdiff_t>(taken));
    };
    try {
        MutexLock lock(_mutex);
        for (; taken < strands.size(); ++taken) {
            _queue.push_back({Task(), nullptr, now});
            _queue.back().strand = std::move(strands[taken]);
        }
        wakeFor(taken);
    } catch (...) {
        forget();
        throw;
    }
    forget();
}

void WorkerPool::wakeFor(std::size_t items) {
    if (_running + _waking < _awake && _idle > _waking && items > 0) {
        ++_waking;
        _work.notifyOne();
    }
    wakeWatchdog();
}

void WorkerPool::wakeWatchdog() {
    if (!_dormant) return;
    _dormant = false;
    _watchSleeps = false;
    _watch.notifyOne();
}

void WorkerPool::work(Worker& worker) {
    Worker::current = &worker;
    MutexLock lock(_mutex);
    for (;;) {
        std::optional<TimePoint> idleEnd;  // of one beyond those that are kept
        while (_queue.empty() && _loopsWaiting.empty() && !_stopping) {
            ++_idle;
            updateStandby();
            bool inTime = true;
            if (ordinary() <= _kept) {
                _work.wait(_mutex);
            } else {
                if (!idleEnd) idleEnd = _clock.now() + kIdleEnd;
                inTime = _clock.waitUntil(_work, _mutex, *idleEnd);
            }
            --_idle;
            updateStandby();
            if (_waking > 0) --_waking;
            if (!inTime && _queue.empty() && _loopsWaiting.empty() && ordinary() > _kept) break;
        }
        if (!_loopsWaiting.empty()) {
            if (runLoop(worker, takeLoop()) && _stopping) break;
            continue;
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

        if (item.task)
            runTask(item.task);
        else if (runStrand(*item.strand))  // tasks are left, also behind one that threw
            putBack(std::move(item.strand));
        item = Item();

        lock.lock();
        finishWork(worker);
    }
    worker.finished = true;
    --_alive;
    updateStandby();
    _ended.notifyAll();
    lock.unlock();
    Worker::current = nullptr;
}

void WorkerPool::runTask(Task& task) noexcept {
    try {
        task();
    } catch (...) {
        reportFailure(_counters, "a task threw");
    }
}

void WorkerPool::finishWork(Worker& worker) {
    worker.busy = false;
    if (!worker.blocked) --_running;
    worker.blocked = worker.inScope = false;
}

void WorkerPool::describe(std::string_view what) {
    Worker* const worker = current();
    if (!worker) return;
    worker->steps.fetch_add(1, std::memory_order_relaxed);
    if (_adaptive) {
        History& known = history(what);
        if (inHandler()) {
            const TimePoint now = Clock::system().now();
            endLap(*worker, now);
            worker->lapBegan = now;
            worker->lap.store(&known, std::memory_order_release);
        } else if (auto left = known.runs.load(std::memory_order_relaxed); left > 0) {
            // It comes nearer to being tried on a loop again.
            known.runs.compare_exchange_weak(left, left - 1, std::memory_order_relaxed);
        }
    }
    MutexLock lock(worker->labelMutex);
    worker->labelSize = std::min(what.size(), sizeof worker->label - 1);
    std::memcpy(worker->label, what.data(), worker->labelSize);
}

void WorkerPool::beginBlocking() {
    Worker* const worker = current();
    if (!worker) return;
    MutexLock lock(_mutex);
    depose(*worker);  // before it blocks, not when it is found out
    if (worker->loop) return;
    worker->inScope = true;
    if (!std::exchange(worker->blocked, true)) --_running;
    if (!_queue.empty()) wakeFor(1);
}

void WorkerPool::endBlocking() {
    Worker* const worker = current();
    if (!worker) return;
    MutexLock lock(_mutex);
    if (worker->loop) return;
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
        const bool quiet = _queue.empty() && _running == 0 && !_leadersBusy;
        quietTicks = quiet ? quietTicks + 1 : 0;
        if (quietTicks > 50) {
            // Nothing but blocked handlers, if anything: look rarely, and be woken by new work.
            _dormant = true;
            _watchSleeps.store(true);
            const bool anyBusy = _running + _idle + _leading < _alive;
            if (leaderInHandler())
                _dormant = false;  // it came before it could see that nobody watches
            else if (anyBusy)
                waitForWatch(std::clamp<Duration>(_options.handlerWarning / 4, 5ms, 1s));
            else
                _watch.wait(_mutex);
            if (!_dormant) quietTicks = 0;
            _dormant = false;
            _watchSleeps.store(false);
        } else {
            waitForWatch(kTick);
        }
        const TimePoint now = _clock.now();
        const bool grow = inspect(now) && !_stopping;
        std::vector<std::string> warnings = std::exchange(_warnings, {});
        if (!grow && warnings.empty()) continue;
        const bool tell = now >= _nextGrowthWarning;
        bool failed = false;
        lock.unlock();  // neither a new thread nor a slow log must hold up the loops
        if (grow) {
            try {
                addWorker();
            } catch (...) {
                failed = true;
                if (tell) tellOfGrowth();
            }
        }
        for (const std::string& warning : warnings) log(Poco::Message::PRIO_WARNING, warning);
        lock.lock();
        if (failed && tell) _nextGrowthWarning = now + kGrowthWarnings;
    }
    _watchdogAlive = false;
    _ended.notifyAll();
}

bool WorkerPool::inspect(TimePoint now) {
    _leadersBusy = false;
    for (const auto& entry : _workers) {
        Worker& worker = *entry;
        if (worker.loop) {
            inspectLeader(worker, now);
            continue;
        }
        if (!worker.busy || worker.inScope) continue;
        // A strand runs many tasks in one go: the clock starts again with each.
        if (worker.steps.exchange(0, std::memory_order_relaxed) > 0) {
            worker.since = now;
            if (std::exchange(worker.blocked, false)) ++_running;
            continue;
        }
        if (now - worker.since > kStuckAfter && !std::exchange(worker.blocked, true)) --_running;
        warnIfSlow(worker, now);
    }
    if (_loopsWaiting.size() > _idle) return true;
    if (_queue.empty()) return false;
    const Duration waited = now - _queue.front().since;
    if (waited > kWakeAfter && _idle > _waking) {
        ++_waking;
        _work.notifyOne();
        return false;
    }
    return waited > kGrowAfter && _idle == 0 && ordinary() < _options.maxWorkers;
}

void WorkerPool::warnIfSlow(Worker& worker, TimePoint now) {
    if (now - worker.since <= _options.handlerWarning || std::exchange(worker.warned, true)) return;
    _counters.slowHandlers.fetch_add(1, std::memory_order_relaxed);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - worker.since);
    try {
        _warnings.push_back("a handler has not returned for " + std::to_string(seconds.count()) +
                            " s: " + worker.describe());
    } catch (...) {  // no memory for it
    }
}

bool WorkerPool::stop(TimePoint deadline) {
    MutexLock lock(_mutex);
    if (_alive == 0 && !_watchdogAlive) return true;
    _stopping = true;
    updateStandby();
    // From here on the loops run no handlers; whoever is in one loses its loop.
    for (const auto& worker : _workers) depose(*worker);
    for (auto missing = _loopsWaiting.size() - std::min<std::size_t>(_loopsWaiting.size(), _idle);
         missing > 0; --missing) {
        lock.unlock();
        try {
            addWorker();
        } catch (...) {  // then waitForLoops() does it
        }
        lock.lock();
    }
    _work.notifyAll();
    _watch.notifyAll();
    while (_alive > _leading)
        if (!_clock.waitUntil(_ended, _mutex, deadline)) break;
    // It runs no code of others, and looks at what goes with the hub.
    while (_watchdogAlive) _ended.wait(_mutex);
    if (_alive == _leading) return true;
    for (const auto& worker : _workers)
        if (worker->busy)
            log(Poco::Message::PRIO_ERROR,
                "abandoned, as it did not return: " + worker->describe());
    return false;
}

}  // namespace socketio
