#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "socketio/base/Timers.h"

namespace socketio {

/// The timers of a loop as a hierarchical wheel: arming, cancelling and firing take constant time
/// and no memory, however many timers there are.
///
/// Owner:   its LoopContext. Threads: confined to it.
/// Limits:  ticks of 5 ms; deadlines further away than about 23 hours are looked at again then.
class TimerWheel : public Timers {
public:
    static constexpr Duration kTick = std::chrono::milliseconds(5);

    explicit TimerWheel(const Clock& clock);
    ~TimerWheel() override;

    void arm(Timer& timer, TimePoint deadline) override;
    void cancel(Timer& timer) override;
    TimePoint now() const override { return _clock.now(); }

    /// Fires what is due. Timers that callbacks arm for now or the past fire in a later call. What
    /// a callback throws comes through; the others that are due fire in the next call.
    void advance();

    /// How long a loop may sleep: until something may be due, or Duration::max() with no timers.
    Duration untilNext() const;

    std::size_t armed() const { return _armed; }

private:
    static constexpr int kLevels = 4;
    static constexpr int kSlotBits = 6;
    static constexpr int kSlots = 1 << kSlotBits;

    struct Level {
        std::array<Timer*, kSlots> slots{};
        std::uint64_t occupied = 0;  // a bit per slot
    };

    std::uint64_t tickAfter(TimePoint time) const;  // the first tick at or after `time`
    void insert(Timer& timer, std::uint64_t earliest);
    void unlink(Timer& timer);
    void cascade(int level);
    void fireDue(TimePoint time);
    static void disown(Timer* head);

    const Clock& _clock;
    const TimePoint _epoch;
    std::uint64_t _tick = 0;  // everything up to here has fired
    std::size_t _armed = 0;
    std::array<Level, kLevels> _levels;
    Timer* _due = nullptr;  // taken out of their slot, about to fire
};

}  // namespace socketio
