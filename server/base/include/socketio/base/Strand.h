#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Task.h"

namespace socketio {

/// The work of one client: tasks start in the order in which they were posted and run one at a
/// time, on whichever worker is free.
///
/// Owner:   its client; the executor holds a second reference while the strand waits or runs.
/// Threads: thread-safe; run() is called by the executor alone.
/// Limits:  none of its own: the owner looks at pending() and stops reading its peer, and is
///          told through onDrained when the backlog has gone down again.
/// Errors:  tasks must not throw; the owner catches what its handlers throw.
class Strand : public std::enable_shared_from_this<Strand> {
public:
    struct Load {
        std::size_t tasks = 0;
        std::size_t bytes = 0;
    };

    explicit Strand(Executor& executor) : _executor(executor) {}

    /// Appends a task. `bytes` is what it holds of the peer's input. Returns the load with it.
    Load post(Task task, std::size_t bytes = 0);

    /// What waits, the task that runs now included.
    Load pending() const;

    /// Calls `callback` once, on the worker, when the load has fallen to at most `tasks` and
    /// `bytes`, or at once when it is there already. A later call replaces an earlier one.
    void onDrained(std::size_t tasks, std::size_t bytes, Task callback);

    /// Runs tasks until none waits or `budget` have run; false when it has to be scheduled again.
    bool run(std::size_t budget);

private:
    struct Entry {
        Task task;
        std::size_t bytes;
    };

    Task takeDrained() SOCKETIO_REQUIRES(_mutex);

    Executor& _executor;
    mutable Mutex _mutex;  // a leaf: no task and no executor call while it is held
    std::vector<Entry> _waiting SOCKETIO_GUARDED_BY(_mutex);
    std::vector<Entry> _running;  // only the worker in run()
    std::size_t _position = 0;    // only the worker in run()
    Load _load SOCKETIO_GUARDED_BY(_mutex);
    bool _scheduled SOCKETIO_GUARDED_BY(_mutex) = false;
    Load _drainedAt SOCKETIO_GUARDED_BY(_mutex);
    Task _drained SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace socketio
