#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

/// Lock annotations that clang checks (-Wthread-safety, preset `tidy`); nothing elsewhere.
#if defined(__clang__)
#define SOCKETIO_ANNOTATION(x) __attribute__((x))
#else
#define SOCKETIO_ANNOTATION(x)
#endif
#define SOCKETIO_GUARDED_BY(x) SOCKETIO_ANNOTATION(guarded_by(x))
#define SOCKETIO_REQUIRES(...) SOCKETIO_ANNOTATION(requires_capability(__VA_ARGS__))
#define SOCKETIO_EXCLUDES(...) SOCKETIO_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace socketio {

/// std::mutex with annotations. Say beside each one what it guards and what may be taken under it.
class SOCKETIO_ANNOTATION(capability("mutex")) Mutex {
public:
    void lock() SOCKETIO_ANNOTATION(acquire_capability()) { _mutex.lock(); }
    void unlock() SOCKETIO_ANNOTATION(release_capability()) { _mutex.unlock(); }

private:
    friend class Condition;
    std::mutex _mutex;
};

class SOCKETIO_ANNOTATION(scoped_lockable) MutexLock {
public:
    explicit MutexLock(Mutex& mutex) SOCKETIO_ANNOTATION(acquire_capability(mutex))
        : _mutex(mutex) {
        _mutex.lock();
    }
    ~MutexLock() SOCKETIO_ANNOTATION(release_capability()) {
        if (_held) _mutex.unlock();
    }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

    void unlock() SOCKETIO_ANNOTATION(release_capability()) {
        _held = false;
        _mutex.unlock();
    }
    void lock() SOCKETIO_ANNOTATION(acquire_capability()) {
        _mutex.lock();
        _held = true;
    }

private:
    Mutex& _mutex;
    bool _held = true;
};

/// A condition variable for Mutex. Waits are on the monotonic clock.
class Condition {
public:
    void notifyOne() { _condition.notify_one(); }
    void notifyAll() { _condition.notify_all(); }

    void wait(Mutex& mutex) SOCKETIO_REQUIRES(mutex) {
        std::unique_lock<std::mutex> lock(mutex._mutex, std::adopt_lock);
        _condition.wait(lock);
        lock.release();
    }

    /// False when the time ran out.
    bool waitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
        SOCKETIO_REQUIRES(mutex) {
        std::unique_lock<std::mutex> lock(mutex._mutex, std::adopt_lock);
        const bool woken = _condition.wait_until(lock, deadline) == std::cv_status::no_timeout;
        lock.release();
        return woken;
    }

    bool waitFor(Mutex& mutex, std::chrono::steady_clock::duration time) SOCKETIO_REQUIRES(mutex) {
        return waitUntil(mutex, std::chrono::steady_clock::now() + time);
    }

private:
    std::condition_variable _condition;
};

}  // namespace socketio
