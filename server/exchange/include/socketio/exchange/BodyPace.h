#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "socketio/base/Clock.h"
#include "socketio/base/Limit.h"

namespace socketio {

/// How slowly the body of a request may come: not at all until `grace`, from then on at `minRate`
/// bytes per second on average, and whole within `time`. Its owner keeps a deadline, and asks for
/// the next one when it has come.
///
/// Threads: an immutable value.
struct BodyPace {
    Duration time, grace;
    std::size_t minRate;

    TimePoint firstDeadline(TimePoint since) const;
    /// Nothing when it came too slowly.
    std::optional<TimePoint> nextDeadline(TimePoint since, TimePoint now,
                                          std::uint64_t received) const;
    /// Which of the two it was, then.
    Limit limit(TimePoint since, TimePoint now) const {
        return now - since >= time ? Limit::BodyTime : Limit::MinBodyRate;
    }
};

}  // namespace socketio
