#pragma once

#include "socketio/base/Clock.h"

namespace socketio {

class Timers;

/// A deadline embedded in the object that it concerns: arming allocates nothing.
///
/// Owner:   the object whose member it is; destroying an armed timer cancels it.
/// Threads: confined to the loop of the Timers that it was armed with.
class Timer {
public:
    using Callback = void (*)(void* context);

    Timer(Callback callback, void* context) : _callback(callback), _context(context) {}
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    bool armed() const { return _timers != nullptr; }
    TimePoint deadline() const { return _deadline; }
    inline void cancel();

    /// For Timers: runs the callback; the timer is disarmed before and may be armed again inside.
    void fire() { _callback(_context); }

private:
    friend class Timers;

    Callback _callback;
    void* _context;
    Timers* _timers = nullptr;
    TimePoint _deadline{};
    Timer* _previous = nullptr;  // links of the implementation's list
    Timer* _next = nullptr;
    unsigned _place = 0;  // of the implementation's own
};

/// The timers of one loop.
///
/// Threads: confined to that loop.
/// Limits:  a timer fires at its deadline or up to one wheel tick (5 ms) later, never earlier.
class Timers {
public:
    virtual ~Timers() = default;

    /// Arms `timer`, or moves it when it is armed.
    virtual void arm(Timer& timer, TimePoint deadline) = 0;
    virtual void cancel(Timer& timer) = 0;
    virtual TimePoint now() const = 0;

    void armAfter(Timer& timer, Duration delay) { arm(timer, now() + delay); }

protected:
    // Access to the links for implementations.
    struct Link {
        static Timer*& previous(Timer& timer) { return timer._previous; }
        static Timer*& next(Timer& timer) { return timer._next; }
        static unsigned& place(Timer& timer) { return timer._place; }
        static void set(Timer& timer, Timers* timers, TimePoint deadline) {
            timer._timers = timers;
            timer._deadline = deadline;
        }
        static void clear(Timer& timer) { timer._timers = nullptr; }
    };
};

inline void Timer::cancel() {
    if (_timers) _timers->cancel(*this);
}

}  // namespace socketio
