#pragma once

#include <atomic>

#include "socketio/base/Clock.h"
#include "socketio/base/FileDescriptor.h"

namespace socketio {

/// Thrown by what waits when stop() was called; not an error.
struct Stopped {};

/// Ends the waiting of threads that wait for descriptors, whatever these are doing: nobody has to
/// shut down another thread's socket.
///
/// Threads: thread-safe.
class StopSignal {
public:
    StopSignal();

    void stop();
    bool stopped() const { return _stopped.load(std::memory_order_acquire); }

    /// Until `descriptor` (-1: none) is ready for `events` of poll(2), or has failed; false when
    /// `deadline` came first. Throws Stopped.
    bool wait(int descriptor, short events, TimePoint deadline) const;

private:
    std::atomic<bool> _stopped{false};
    const FileDescriptor _event;  // readable from stop() on
};

}  // namespace socketio
