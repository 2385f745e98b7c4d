#include "socketio/base/Strand.h"

#include <exception>
#include <utility>

#include "socketio/base/insist.h"

namespace socketio {

Strand::Load Strand::post(Task task, std::size_t bytes) {
    MutexLock lock(_mutex);
    _waiting.push_back({std::move(task), bytes});
    ++_load.tasks;
    _load.bytes += bytes;
    const Load load = _load;
    const bool schedule = !std::exchange(_scheduled, true);
    lock.unlock();
    // Without memory it waits for the next one.
    if (schedule && !insist([this] { _executor.schedule(shared_from_this()); })) {
        lock.lock();
        _scheduled = false;
    }
    return load;
}

Strand::Load Strand::pending() const {
    MutexLock lock(_mutex);
    return _load;
}

void Strand::onDrained(std::size_t tasks, std::size_t bytes, Task callback) {
    Task ready;
    {
        MutexLock lock(_mutex);
        _drainedAt = {tasks, bytes};
        _drained = std::move(callback);
        ready = takeDrained();
    }
    if (ready) ready();
}

Task Strand::takeDrained() {
    if (!_drained || _load.tasks > _drainedAt.tasks || _load.bytes > _drainedAt.bytes) return {};
    return std::exchange(_drained, Task());
}

Strand::Left Strand::run(std::size_t budget) {
    for (; budget > 0; --budget) {
        if (_position == _running.size()) {
            _running.clear();
            _position = 0;
            MutexLock lock(_mutex);
            if (_waiting.empty()) {
                // An idle client keeps no buffer: there may be many thousands of them.
                std::vector<Entry>().swap(_running);
                std::vector<Entry>().swap(_waiting);
                _scheduled = false;
                return Left::Nothing;
            }
            _running.swap(_waiting);
        }
        Entry entry = std::move(_running[_position++]);
        // A task that throws breaks the rule, but counts as run: the executor hears of it, and runs
        // the client's other tasks.
        std::exception_ptr broken;
        try {
            entry.task();
        } catch (...) {
            broken = std::current_exception();
        }
        if (_deferred) {
            entry.task = std::exchange(_deferred, Task());
            _running[--_position] = std::move(entry);
            if (broken) std::rethrow_exception(broken);
            return Left::Deferred;
        }
        entry.task = Task();  // what the task held is freed before the client counts as drained
        Task drained;
        {
            MutexLock lock(_mutex);
            --_load.tasks;
            _load.bytes -= entry.bytes;
            drained = takeDrained();
        }
        if (drained) drained();
        if (broken) std::rethrow_exception(broken);
    }
    return Left::Tasks;
}

}  // namespace socketio
