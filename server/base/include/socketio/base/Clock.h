#pragma once

#include <chrono>

#include "socketio/base/Mutex.h"

namespace socketio {

using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;

/// The monotonic clock that every timeout is computed with and waited for; tests use a fake one.
/// Threads: thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;

    /// Waits, with `mutex` held, until `condition` is notified; false when `deadline` came first.
    virtual bool waitUntil(Condition& condition, Mutex& mutex, TimePoint deadline) const
        SOCKETIO_REQUIRES(mutex) {
        return condition.waitUntil(mutex, deadline);
    }

    /// The machine's monotonic clock.
    static const Clock& system();
};

}  // namespace socketio
