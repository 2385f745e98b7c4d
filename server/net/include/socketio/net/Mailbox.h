#pragma once

#include <cstddef>
#include <vector>

#include "socketio/base/Mutex.h"
#include "socketio/base/Task.h"

namespace socketio {

/// Tasks from other threads for one loop.
///
/// Owner:   its LoopContext.
/// Threads: post() from any thread; the rest on the loop. The loop is woken at most once per sleep.
/// Limits:  kCapacity tasks, or kCapacityBytes of what they hold; then a thread that may wait does
///          so until the loop has taken them. The loop never waits for anybody, so it always comes.
class Mailbox {
public:
    static constexpr std::size_t kCapacity = 16'384;
    static constexpr std::size_t kCapacityBytes = 512 * 1024;

    Mailbox();
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// `bytes` is what the task keeps alive; `mayWait` is false for a thread that is a loop itself.
    /// After close() the task is destroyed.
    void post(Task task, std::size_t bytes, bool mayWait);
    /// False, and the task left alone, when it is full.
    [[nodiscard]] bool tryPost(Task& task, std::size_t bytes);

    /// The descriptor that is written to when a sleeping loop is to wake up: to be watched
    /// edge-triggered and never read.
    int descriptor() const { return _event; }

    /// False when there are tasks: then the loop must not sleep.
    bool beginSleep();
    void endSleep();

    /// Takes all tasks; `tasks` is empty before.
    void take(std::vector<Task>& tasks);

    /// Enough is in it that no more should be made before it is taken.
    bool crowded() const;

    void close();

private:
    bool full() const SOCKETIO_REQUIRES(_mutex) {
        return !_closed && (_tasks.size() >= kCapacity || _bytes >= kCapacityBytes);
    }
    /// True when the loop is to be woken.
    bool add(Task& task, std::size_t bytes) SOCKETIO_REQUIRES(_mutex);
    void wake() const;

    mutable Mutex _mutex;  // a leaf
    Condition _taken;
    std::vector<Task> _tasks SOCKETIO_GUARDED_BY(_mutex);
    std::size_t _bytes SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::size_t _waiting SOCKETIO_GUARDED_BY(_mutex) = 0;
    bool _sleeping SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _closed SOCKETIO_GUARDED_BY(_mutex) = false;
    const int _event;
};

}  // namespace socketio
