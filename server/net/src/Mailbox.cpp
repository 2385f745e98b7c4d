#include "socketio/net/Mailbox.h"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>

namespace socketio {

Mailbox::Mailbox() : _event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (_event < 0) throw Poco::SystemException("eventfd", errno);
}

Mailbox::~Mailbox() { ::close(_event); }

void Mailbox::post(Task task, std::size_t bytes, bool mayWait) {
    MutexLock lock(_mutex);
    while (mayWait && full()) {
        ++_waiting;
        _taken.wait(_mutex);
        --_waiting;
    }
    const bool wakes = add(task, bytes);
    lock.unlock();
    if (wakes) wake();
}

bool Mailbox::tryPost(Task& task, std::size_t bytes) {
    MutexLock lock(_mutex);
    if (full()) return false;
    const bool wakes = add(task, bytes);
    lock.unlock();
    if (wakes) wake();
    return true;
}

// Behind close() the task dies with its owner, outside the lock: what it holds may post again.
bool Mailbox::add(Task& task, std::size_t bytes) {
    if (_closed) return false;
    _tasks.push_back(std::move(task));
    _bytes += bytes;
    return std::exchange(_sleeping, false);
}

void Mailbox::wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(_event, &one, sizeof one);
}

bool Mailbox::beginSleep() {
    MutexLock lock(_mutex);
    if (!_tasks.empty()) return false;
    _sleeping = true;
    return true;
}

void Mailbox::endSleep() {
    MutexLock lock(_mutex);
    _sleeping = false;
}

void Mailbox::take(std::vector<Task>& tasks) {
    MutexLock lock(_mutex);
    tasks.swap(_tasks);
    _bytes = 0;
    if (_waiting > 0) _taken.notifyAll();
}

bool Mailbox::crowded() const {
    MutexLock lock(_mutex);
    return _tasks.size() >= kCapacity / 2 || _bytes >= kCapacityBytes / 2;
}

void Mailbox::close() {
    std::vector<Task> dropped;
    MutexLock lock(_mutex);
    _closed = true;
    dropped.swap(_tasks);
    _taken.notifyAll();
    lock.unlock();
}

}  // namespace socketio
