#include "socketio/managers/PublishQueue.h"

#include <utility>

namespace socketio {

bool PublishQueue::push(std::string payload, TimePoint now) {
    MutexLock lock(_mutex);
    if (_closed || _entries.size() >= _maxMessages || _bytes + payload.size() > _maxBytes)
        return false;
    _bytes += payload.size();
    _entries.push_back({std::move(payload), now});
    if (_entries.size() == 1) _filled.notifyOne();
    return true;
}

PublishQueue::Batch PublishQueue::take(std::size_t maxBytes, TimePoint deadline) {
    Batch batch;
    MutexLock lock(_mutex);
    while (_entries.empty() && !_closed && !_woken)
        if (!_filled.waitUntil(_mutex, deadline)) break;
    _woken = false;
    batch.tooOld = dropOld(Clock::system().now());
    std::size_t bytes = 0;
    while (!_entries.empty()) {
        std::string& payload = _entries.front().payload;
        if (!batch.payloads.empty() && bytes + payload.size() > maxBytes) break;
        bytes += payload.size();
        batch.payloads.push_back(std::move(payload));
        _entries.pop_front();
    }
    _bytes -= bytes;
    _pending = !batch.payloads.empty();
    batch.closed = _closed;
    if (_entries.empty() && !_pending) _emptied.notifyAll();
    return batch;
}

void PublishQueue::done() {
    MutexLock lock(_mutex);
    _pending = false;
    if (_entries.empty()) _emptied.notifyAll();
}

bool PublishQueue::empty() {
    MutexLock lock(_mutex);
    return _entries.empty();
}

std::size_t PublishQueue::expire(TimePoint now) {
    MutexLock lock(_mutex);
    const std::size_t dropped = dropOld(now);
    if (_entries.empty() && !_pending) _emptied.notifyAll();
    return dropped;
}

std::size_t PublishQueue::dropOld(TimePoint now) {
    std::size_t dropped = 0;
    while (!_entries.empty() && now - _entries.front().since > _maxAge) {
        _bytes -= _entries.front().payload.size();
        _entries.pop_front();
        ++dropped;
    }
    return dropped;
}

bool PublishQueue::waitUntilEmpty(TimePoint deadline) {
    MutexLock lock(_mutex);
    while (!_entries.empty() || _pending)
        if (!_emptied.waitUntil(_mutex, deadline)) return _entries.empty() && !_pending;
    return true;
}

std::size_t PublishQueue::close() {
    MutexLock lock(_mutex);
    _closed = true;
    const std::size_t left = _entries.size();
    _entries.clear();
    _bytes = 0;
    _filled.notifyAll();
    if (!_pending) _emptied.notifyAll();
    return left;
}

void PublishQueue::wake() {
    MutexLock lock(_mutex);
    _woken = true;
    _filled.notifyOne();
}

}  // namespace socketio
