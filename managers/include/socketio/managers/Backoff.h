#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "socketio/base/Clock.h"

namespace socketio {

/// How long to wait before the next attempt to reach a broker: 50 ms, doubled each time up to 1 s,
/// each shortened by up to a fifth by chance, so that servers do not come back all at once. After a
/// connection that was a good one, which means that it lasted a second, it is 50 ms again.
///
/// Threads: confined to one.
class Backoff {
public:
    /// `lasted`: how long the last connection did; nothing if none came about.
    Duration next(Duration lasted = Duration::zero()) {
        if (lasted >= kGood) _next = kFirst;
        const Duration whole = _next;
        _next = std::min<Duration>(2 * _next, kMost);
        return whole * std::uniform_int_distribution<int>(80, 100)(_random) / 100;
    }

private:
    static constexpr Duration kFirst = std::chrono::milliseconds(50);
    static constexpr Duration kMost = std::chrono::seconds(1);
    static constexpr Duration kGood = std::chrono::seconds(1);

    std::minstd_rand _random{std::random_device()()};
    Duration _next = kFirst;
};

}  // namespace socketio
