#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "socketio/base/Clock.h"

namespace socketio {

/// What the state of the two connections comes to: one error to show, one outage to count, and few
/// lines to log. An outage lasts until both work again.
///
/// Threads: thread-compatible.
class LinkHealth {
public:
    enum class Link : std::size_t { Listening, Publishing };

    /// What is to be told after a change; empty: nothing.
    struct News {
        std::string line;          ///< For the log.
        bool bad = false;          ///< The line is a warning.
        bool reconnected = false;  ///< An outage is over.
    };

    /// `address` begins every line.
    explicit LinkHealth(std::string address) : _address(std::move(address)) {}

    News down(Link link, const std::string& why, TimePoint now);
    News up(Link link, TimePoint now);

    /// Why it does not work; "" while it does.
    std::string error() const;

private:
    static constexpr Duration kQuiet = std::chrono::seconds(10);

    std::string since(TimePoint now) const;

    const std::string _address;
    std::array<std::string, 2> _errors{};
    bool _worked = false;  // at some time
    bool _outage = false, _told = false;
    TimePoint _begin{};                        // of the outage
    TimePoint _quietUntil = TimePoint::min();  // for the log
};

}  // namespace socketio
