#pragma once

#include <chrono>
#include <string>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Task.h"

namespace socketio {

/// What startBackgroundTask() returns: a thread of its own that can be waited for.
///
/// Owner:   the caller and, until it has ended, the Server.
/// Threads: thread-safe.
class BackgroundTask {
public:
    explicit BackgroundTask(Task body) : _body(std::move(body)) {}

    /// Waits until it has ended; a task of a server that has not been started waits for the start.
    void join();
    /// The same, at most until `deadline`: false when it has not ended by then.
    bool join(TimePoint deadline, const Clock& clock = Clock::system());
    bool finished() const;

private:
    friend class ServerCore;
    void run();     // on its thread, once
    void finish();  // ended, or never to be run

    Task _body;
    mutable Mutex _mutex;  // a leaf
    Condition _ended;
    bool _finished SOCKETIO_GUARDED_BY(_mutex) = false;
};

}  // namespace socketio
