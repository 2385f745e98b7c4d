#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Task.h"

namespace socketio {

/// The work of one client: tasks start in the order in which they were posted and run one at a
/// time, on whichever thread the executor has for it.
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

    /// What is left after run().
    enum class Left {
        Nothing,
        Tasks,     ///< It has to be scheduled again.
        Deferred,  ///< The same, and on a worker.
    };
    /// Runs tasks until none waits, one defers or `budget` have run.
    Left run(std::size_t budget);

    /// For the task that run() is in: puts itself back, in front of the others, to be run by a
    /// worker. See Executor::belongsToWorker().
    void defer(Task task) { _deferred = std::move(task); }

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
    Task _deferred;               // only the worker in run()
    Load _load SOCKETIO_GUARDED_BY(_mutex);
    bool _scheduled SOCKETIO_GUARDED_BY(_mutex) = false;
    Load _drainedAt SOCKETIO_GUARDED_BY(_mutex);
    Task _drained SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace socketio
