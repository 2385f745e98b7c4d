#pragma once

#include <chrono>

namespace socketio {

using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;

/// The monotonic clock that every timeout is computed with; tests use a fake one.
/// Threads: thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;

    /// The machine's monotonic clock.
    static const Clock& system();
};

}  // namespace socketio
