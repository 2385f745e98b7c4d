#include "socketio/exchange/BodyPace.h"

#include <algorithm>
#include <chrono>

namespace socketio {

TimePoint BodyPace::firstDeadline(TimePoint since) const { return since + std::min(grace, time); }

std::optional<TimePoint> BodyPace::nextDeadline(TimePoint since, TimePoint now,
                                                std::uint64_t received) const {
    const double seconds = std::chrono::duration<double>(now - since).count();
    if (now - since >= time ||
        static_cast<double>(received) < seconds * static_cast<double>(minRate))
        return std::nullopt;
    return std::min(now + std::chrono::seconds(1), since + time);
}

}  // namespace socketio
