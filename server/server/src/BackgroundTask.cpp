#include "socketio/server/BackgroundTask.h"

namespace socketio {

void BackgroundTask::join() {
    MutexLock lock(_mutex);
    while (!_finished) _ended.wait(_mutex);
}

bool BackgroundTask::join(TimePoint deadline, const Clock& clock) {
    MutexLock lock(_mutex);
    while (!_finished)
        if (!clock.waitUntil(_ended, _mutex, deadline)) return _finished;
    return true;
}

bool BackgroundTask::finished() const {
    MutexLock lock(_mutex);
    return _finished;
}

void BackgroundTask::run() { _body(); }

void BackgroundTask::finish() {
    _body = Task();  // what it held is gone before anybody who waits goes on
    MutexLock lock(_mutex);
    _finished = true;
    _ended.notifyAll();
}

}  // namespace socketio
