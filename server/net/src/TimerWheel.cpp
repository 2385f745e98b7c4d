#include "socketio/net/TimerWheel.h"

#include <algorithm>
#include <bit>

namespace socketio {

TimerWheel::TimerWheel(const Clock& clock) : _clock(clock), _epoch(clock.now()) {}

TimerWheel::~TimerWheel() {
    for (Level& level : _levels)
        for (Timer* head : level.slots) disown(head);
    disown(_due);
}

void TimerWheel::disown(Timer* head) {
    while (head) {
        Timer* const next = Link::next(*head);
        Link::clear(*head);
        head = next;
    }
}

std::uint64_t TimerWheel::tickAfter(TimePoint time) const {
    if (time <= _epoch) return 0;
    return static_cast<std::uint64_t>((time - _epoch + kTick - Duration(1)) / kTick);
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
    timer.cancel();
    Link::set(timer, this, deadline);
    ++_armed;
    insert(timer, _tick + 1);
}

void TimerWheel::cancel(Timer& timer) {
    unlink(timer);
    Link::clear(timer);
    --_armed;
}

// A slot of level n spans 64^n ticks. A timer goes to the lowest level whose span still reaches
// its tick, and moves down when the time comes to the slot that it is in.
void TimerWheel::insert(Timer& timer, std::uint64_t earliest) {
    const std::uint64_t tick = std::max(tickAfter(timer.deadline()), earliest);
    int level = 0;
    while (level < kLevels - 1 &&
           (tick >> (level * kSlotBits)) - (_tick >> (level * kSlotBits)) >= kSlots)
        ++level;
    const std::uint64_t farthest =
        (_tick >> (level * kSlotBits)) + kSlots - 1;  // beyond the wheel: looked at again there
    const std::uint64_t slot = std::min(tick >> (level * kSlotBits), farthest) & (kSlots - 1);

    Level& target = _levels[level];
    Timer*& head = target.slots[slot];
    Link::previous(timer) = nullptr;
    Link::next(timer) = head;
    if (head) Link::previous(*head) = &timer;
    head = &timer;
    Link::place(timer) = static_cast<unsigned>(level) << kSlotBits | static_cast<unsigned>(slot);
    target.occupied |= std::uint64_t{1} << slot;
}

void TimerWheel::unlink(Timer& timer) {
    Timer* const previous = Link::previous(timer);
    Timer* const next = Link::next(timer);
    if (next) Link::previous(*next) = previous;
    if (previous) {
        Link::next(*previous) = next;
    } else if (_due == &timer) {
        _due = next;
    } else {
        const unsigned slot = Link::place(timer) & (kSlots - 1);
        Level& level = _levels[Link::place(timer) >> kSlotBits];
        level.slots[slot] = next;
        if (!next) level.occupied &= ~(std::uint64_t{1} << slot);
    }
    Link::previous(timer) = Link::next(timer) = nullptr;
}

void TimerWheel::cascade(int level) {
    if (level >= kLevels) return;
    const std::uint64_t slot = (_tick >> (level * kSlotBits)) & (kSlots - 1);
    if (slot == 0) cascade(level + 1);
    Timer* head = _levels[level].slots[slot];
    _levels[level].slots[slot] = nullptr;
    _levels[level].occupied &= ~(std::uint64_t{1} << slot);
    while (head) {
        Timer& timer = *head;
        head = Link::next(timer);
        insert(timer, _tick);  // what is due in this very tick is fired by it
    }
}

void TimerWheel::advance() {
    const TimePoint time = _clock.now();
    if (time <= _epoch) return;
    fireDue(time);  // what a callback that threw has left
    const auto target = static_cast<std::uint64_t>((time - _epoch) / kTick);
    while (_tick < target) {
        if (_armed == 0) {
            _tick = target;
            return;
        }
        ++_tick;
        const std::uint64_t slot = _tick & (kSlots - 1);
        if (slot == 0) cascade(1);
        Level& level = _levels[0];
        if (!(level.occupied >> slot & 1)) {
            // Skip to the next occupied slot, or to the end of this turn of the wheel.
            const std::uint64_t ahead = slot == kSlots - 1 ? 0 : level.occupied >> (slot + 1);
            const std::uint64_t skip = ahead ? std::countr_zero(ahead) : kSlots - 1 - slot;
            _tick = std::min(_tick + skip, target);
            continue;
        }
        _due = level.slots[slot];
        level.slots[slot] = nullptr;
        level.occupied &= ~(std::uint64_t{1} << slot);
        fireDue(time);
    }
}

void TimerWheel::fireDue(TimePoint time) {
    while (_due) {
        Timer& timer = *_due;
        if (timer.deadline() > time) {  // from beyond the wheel's reach
            _due = Link::next(timer);
            if (_due) Link::previous(*_due) = nullptr;
            insert(timer, _tick + 1);
            continue;
        }
        cancel(timer);
        timer.fire();
    }
}

Duration TimerWheel::untilNext() const {
    if (_armed == 0) return Duration::max();
    if (_due) return Duration::zero();
    // The first occupied slot ahead on the lowest level tells when something is due or moves down.
    std::uint64_t next = ~std::uint64_t{0};
    for (int level = 0; level < kLevels; ++level) {
        const std::uint64_t occupied = _levels[level].occupied;
        if (!occupied) continue;
        const std::uint64_t current = _tick >> (level * kSlotBits);
        const int at = static_cast<int>(current & (kSlots - 1));
        const std::uint64_t rotated = std::rotr(occupied, at);  // bit 0: the slot of now
        const std::uint64_t ahead = rotated & ~std::uint64_t{1};
        const std::uint64_t steps = ahead ? std::countr_zero(ahead) : kSlots;
        next = std::min(next, (current + steps) << (level * kSlotBits));
    }
    const TimePoint due = _epoch + kTick * static_cast<std::int64_t>(next);
    return std::max(due - _clock.now(), Duration::zero());
}

}  // namespace socketio
