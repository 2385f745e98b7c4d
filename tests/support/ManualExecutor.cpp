#include "support/ManualExecutor.h"

#include <algorithm>

#include "socketio/base/Limits.h"

namespace socketio::test {

FakeTimers::~FakeTimers() {
    while (!_armed.empty()) cancel(*_armed.back());
}

void FakeTimers::arm(Timer& timer, TimePoint deadline) {
    timer.cancel();
    Link::set(timer, this, deadline);
    _armed.push_back(&timer);
}

void FakeTimers::cancel(Timer& timer) {
    std::erase(_armed, &timer);
    Link::clear(timer);
}

TimePoint FakeTimers::next() const {
    TimePoint next = TimePoint::max();
    for (const Timer* timer : _armed) next = std::min(next, timer->deadline());
    return next;
}

bool FakeTimers::fireOne() {
    const auto first = std::min_element(_armed.begin(), _armed.end(), [](Timer* a, Timer* b) {
        return a->deadline() < b->deadline();
    });
    if (first == _armed.end() || (*first)->deadline() > now()) return false;
    Timer& timer = **first;
    cancel(timer);
    timer.fire();
    return true;
}

ManualExecutor::ManualExecutor(LoopId loops)
    : _limits(std::make_unique<LimitCounters>()), _loops(loops) {
    for (Loop& loop : _loops) {
        loop.timers = std::make_unique<FakeTimers>(_clock);
        loop.outbound = std::make_unique<OutboundShare>(_outbound);
    }
}

ManualExecutor::~ManualExecutor() {
    // What is left may post again while it is destroyed.
    while (!_work.empty() || !_strands.empty()) {
        auto work = std::move(_work);
        auto strands = std::move(_strands);
        _work.clear();
        _strands.clear();
    }
    for (Loop& loop : _loops)
        while (!loop.tasks.empty()) auto tasks = std::exchange(loop.tasks, {});
}

void ManualExecutor::post(LoopId loop, Task task, std::size_t /*bytes*/) {
    _loops[loop].tasks.push_back(std::move(task));
}

bool ManualExecutor::runOnWorker(Task task) {
    if (refuseWork) return false;
    _work.push_back(std::move(task));
    return true;
}

void ManualExecutor::schedule(std::shared_ptr<Strand> strand) {
    _strands.push_back(std::move(strand));
}

bool ManualExecutor::runOneLoopTask() {
    for (LoopId id = 0; id < _loops.size(); ++id) {
        if (_loops[id].tasks.empty()) continue;
        Task task = std::move(_loops[id].tasks.front());
        _loops[id].tasks.pop_front();
        onLoop(id, task);
        return true;
    }
    return false;
}

bool ManualExecutor::runOneWorkerTask() {
    if (!_work.empty()) {
        Task task = std::move(_work.front());
        _work.pop_front();
        onLoop(kNoLoop, task);
        return true;
    }
    if (!_strands.empty()) {
        const std::shared_ptr<Strand> strand = _strands.front();
        _strands.pop_front();
        onLoop(kNoLoop, [&] {
            if (strand->run(1) != Strand::Left::Nothing) _strands.push_back(strand);
        });
        return true;
    }
    return false;
}

void ManualExecutor::runLoops() {
    while (runOneLoopTask()) {
    }
}

void ManualExecutor::runWorkers() {
    while (runOneWorkerTask()) {
    }
}

void ManualExecutor::run() {
    while (runOneLoopTask() || runOneWorkerTask()) {
    }
}

void ManualExecutor::advance(Duration time) {
    const TimePoint end = _clock.now() + time;
    run();
    for (;;) {
        TimePoint next = TimePoint::max();
        for (const Loop& loop : _loops) next = std::min(next, loop.timers->next());
        if (next > end) break;
        if (next > _clock.now()) _clock.advance(next - _clock.now());
        for (LoopId id = 0; id < _loops.size(); ++id)
            onLoop(id, [&] {
                while (_loops[id].timers->fireOne()) {
                }
            });
        run();
    }
    _clock.advance(end - _clock.now());
}

std::size_t ManualExecutor::armedTimers() const {
    std::size_t count = 0;
    for (const Loop& loop : _loops) count += loop.timers->armed();
    return count;
}

}  // namespace socketio::test
