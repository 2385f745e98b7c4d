// Who leads the loops, and what becomes of a leader whose handler does not return.
#include <algorithm>
#include <functional>
#include <utility>

#include "socketio/net/Hub.h"

#include "Worker.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kFirstPenalty = 100;
constexpr std::uint32_t kLongestPenalty = 100'000;
constexpr std::int64_t kPenaltyHalfLife = 10;  // seconds
constexpr std::uint32_t kSlowNs = 200'000;     // an average above it is for workers
constexpr int kAveraged = 8;                   // about so many runs

}  // namespace

void WorkerPool::lead(Loop& loop) {
    addWorker();
    MutexLock lock(_mutex);
    _loopsWaiting.reserve(++_loops);
    queueLoop(loop);
}

void WorkerPool::queueLoop(Loop& loop) {
    _loopsWaiting.push_back(&loop);  // there is room
    updateStandby();
    if (_idle > _waking) {
        ++_waking;
        _work.notifyOne();
    }
    wakeWatchdog();
}

WorkerPool::Loop& WorkerPool::takeLoop() {
    Loop& loop = *_loopsWaiting.back();
    _loopsWaiting.pop_back();
    return loop;
}

bool WorkerPool::runLoop(Worker& worker, Loop& loop) {
    worker.loop = &loop;
    worker.since = _clock.now();
    worker.steps.store(0, std::memory_order_relaxed);
    worker.warned = false;
    worker.lap = nullptr;
    ++_leading;
    updateStandby();
    _mutex.unlock();
    const bool ended = loop.lead();
    _mutex.lock();
    worker.lead = Worker::Lead::Outside;
    if (!ended) {
        finishWork(worker);  // it has been an ordinary worker since it was deposed
        return false;
    }
    worker.loop = nullptr;
    --_leading;
    --_loops;
    updateStandby();
    _ended.notifyAll();
    return true;
}

void WorkerPool::waitForLoops() {
    MutexLock lock(_mutex);
    while (_loops > 0) {
        if (_loopsWaiting.empty() || _alive > _leading) {
            _ended.wait(_mutex);
            continue;
        }
        Loop& loop = takeLoop();
        lock.unlock();
        loop.lead();  // it runs no handlers any more, so nobody is deposed
        lock.lock();
        --_loops;
    }
}

// Whoever is deposed becomes one of the workers; there must be another to lead then.
void WorkerPool::updateStandby() {
    _mayLead = !_stopping && (_idle > _loopsWaiting.size() || ordinary() < _options.maxWorkers);
}

bool WorkerPool::inHandler() const {
    const Worker* const worker = current();
    return worker && worker->lead.load(std::memory_order_relaxed) == Worker::Lead::InHandler;
}

bool WorkerPool::enterHandler() {
    if (!_mayLead.load(std::memory_order_relaxed)) return false;
    Worker& worker = *Worker::current;
    worker.steps.fetch_add(1, std::memory_order_relaxed);
    // Then the flags: whoever sets them looks at `lead` afterwards. Who is deposed in between runs
    // the handler as what it is then, a worker.
    worker.lead.store(Worker::Lead::InHandler);
    if (!_mayLead.load()) return !leaveHandler();
    if (_watchSleeps.load()) {
        MutexLock lock(_mutex);
        wakeWatchdog();
    }
    return true;
}

bool WorkerPool::leaveHandler() {
    Worker& worker = *Worker::current;
    auto expected = Worker::Lead::InHandler;
    if (!worker.lead.compare_exchange_strong(expected, Worker::Lead::Outside)) return false;
    if (worker.lap.load(std::memory_order_relaxed)) {
        endLap(worker, Clock::system().now());
        worker.lap.store(nullptr, std::memory_order_relaxed);
    }
    return true;
}

void WorkerPool::endLap(Worker& worker, TimePoint now) {
    History* const known = worker.lap.load(std::memory_order_relaxed);
    if (!known) return;
    const std::int64_t took = std::clamp<std::int64_t>(
        std::chrono::nanoseconds(now - worker.lapBegan).count(), 0, 1'000'000'000);
    std::int64_t average = known->averageNs.load(std::memory_order_relaxed);
    average += (took - average) / kAveraged;
    known->averageNs.store(static_cast<std::uint32_t>(average), std::memory_order_relaxed);
    if (average > kSlowNs) penalize(*known);
}

void WorkerPool::penalize(History& known) {
    const std::int64_t second =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::system().now().time_since_epoch())
            .count();
    const std::int64_t good =
        second - known.penaltySecond.exchange(second, std::memory_order_relaxed);
    const std::int64_t before = known.penalty.load(std::memory_order_relaxed);
    const std::int64_t left = before >> std::clamp<std::int64_t>(good / kPenaltyHalfLife, 0, 31);
    const auto penalty = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(2 * left, kFirstPenalty, kLongestPenalty));
    known.averageNs.store(0, std::memory_order_relaxed);
    known.penalty.store(penalty, std::memory_order_relaxed);
    known.runs.store(penalty, std::memory_order_relaxed);
}

bool WorkerPool::depose(Worker& worker) {
    auto expected = Worker::Lead::InHandler;
    if (!worker.loop || !worker.lead.compare_exchange_strong(expected, Worker::Lead::Deposed))
        return false;
    Loop& loop = *std::exchange(worker.loop, nullptr);
    --_leading;
    worker.busy = worker.blocked = true;
    worker.since = _clock.now();
    _counters.handovers.fetch_add(1, std::memory_order_relaxed);
    if (History* const known = worker.lap.exchange(nullptr)) penalize(*known);
    queueLoop(loop);
    return true;
}

WorkerPool::History& WorkerPool::history(std::string_view what) {
    return _histories[std::hash<std::string_view>()(what) % _histories.size()];
}

bool WorkerPool::isToDefer(std::string_view what) {
    return _adaptive && inHandler() && history(what).runs.load(std::memory_order_relaxed) > 0;
}

bool WorkerPool::leaderInHandler() const {
    return std::any_of(_workers.begin(), _workers.end(), [](const auto& worker) {
        return worker->loop && worker->lead.load() == Worker::Lead::InHandler;
    });
}

void WorkerPool::inspectLeader(Worker& worker, TimePoint now) {
    const bool inside = worker.lead.load() == Worker::Lead::InHandler;
    const bool moved = worker.steps.exchange(0, std::memory_order_relaxed) > 0;
    _leadersBusy = _leadersBusy || inside || moved;
    if (moved || !inside) {
        worker.since = now;
        worker.warned = false;
    } else if (!_adaptive) {
        warnIfSlow(worker, now);
    } else if (now - worker.since > kStuckAfter) {
        depose(worker);
    }
}

}  // namespace socketio
