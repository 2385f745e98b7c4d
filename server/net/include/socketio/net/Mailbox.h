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

    /// The descriptor that is written to when a sleeping loop is to wake up: to be watched
    /// edge-triggered and never read.
    int descriptor() const { return _event; }

    /// False when there are tasks: then the loop must not sleep.
    bool beginSleep();
    void endSleep();

    /// Takes all tasks; `tasks` is empty before.
    void take(std::vector<Task>& tasks);

    void close();

private:
    Mutex _mutex;  // a leaf
    Condition _taken;
    std::vector<Task> _tasks SOCKETIO_GUARDED_BY(_mutex);
    std::size_t _bytes SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::size_t _waiting SOCKETIO_GUARDED_BY(_mutex) = 0;
    bool _sleeping SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _closed SOCKETIO_GUARDED_BY(_mutex) = false;
    const int _event;
};

}  // namespace socketio
