#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "socketio/base/Clock.h"
#include "socketio/base/Limit.h"
#include "socketio/base/Log.h"

namespace socketio {

/// How often each limit has been reached, and the lines in the log that tell of it: one a second
/// and limit at most, which says how many it left out. Debug lines for what belongs to everyday
/// life, such as idle connections that are closed and clients whose battery is empty; warnings for
/// the rest.
///
/// Owner:   the Hub; Executor::limits() for whoever reaches one.
/// Threads: thread-safe. Nothing is touched until a limit is reached.
class LimitCounters {
public:
    std::uint64_t count(Limit limit) const {
        return entry(limit).count.load(std::memory_order_relaxed);
    }

    /// `what` happened, to whom: a text, or a function that makes it, called only for a line that
    /// is written.
    template <class What>
    void reached(Limit limit, const Log& log, TimePoint now, const What& what) {
        const auto leftOut = pass(limit, log, now);
        if (!leftOut) return;
        if constexpr (std::is_invocable_v<const What&>)
            write(limit, log, what(), *leftOut);
        else
            write(limit, log, what, *leftOut);
    }

private:
    struct Entry {
        std::atomic<std::uint64_t> count{0};
        LogThrottle throttle;
    };
    const Entry& entry(Limit limit) const { return _entries[static_cast<std::size_t>(limit)]; }
    std::optional<std::uint64_t> pass(Limit limit, const Log& log, TimePoint now);
    static void write(Limit limit, const Log& log, std::string_view what, std::uint64_t leftOut);

    std::array<Entry, kLimitCount> _entries;
};

}  // namespace socketio
