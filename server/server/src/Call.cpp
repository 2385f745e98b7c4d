#include "Call.h"

#include <utility>

namespace socketio {

void CallState::answer(Value::Array values) {
    MutexLock lock(_mutex);
    if (_outcome != Outcome::Waiting) return;
    _values = std::move(values);
    _outcome = Outcome::Answered;
    _changed.notifyAll();
}

void CallState::giveUp() {
    MutexLock lock(_mutex);
    if (_outcome != Outcome::Waiting) return;
    _outcome = Outcome::Gone;
    _changed.notifyAll();
}

CallState::Outcome CallState::waitUntil(const Clock& clock, TimePoint deadline) {
    MutexLock lock(_mutex);
    while (_outcome == Outcome::Waiting)
        if (!clock.waitUntil(_changed, _mutex, deadline)) break;
    return _outcome;
}

Value::Array CallState::takeValues() {
    MutexLock lock(_mutex);
    return std::move(_values);
}

}  // namespace socketio
