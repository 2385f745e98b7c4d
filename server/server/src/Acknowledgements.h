#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Timers.h"
#include "socketio/managers/PacketSink.h"

namespace socketio {

/// What waits for an acknowledgement. It holds what the application has given its callback, so it
/// is called and destroyed where the application's code may run; never null while it waits.
using PendingAck = std::unique_ptr<AckCallback>;

/// The acknowledgements that one socket still owes, by their ids: 1, 2, 3...
///
/// Owner:   its Socket, from the first callback on.
/// Threads: thread-compatible (Client::_mutex); the timer belongs to the client's loop.
/// Limits:  the caller's; an entry leaves when it is answered, expires or the socket closes.
class Acknowledgements {
public:
    Acknowledgements(Timer::Callback onExpiry, void* context) : timer(onExpiry, context) {}

    /// The id to send.
    std::uint64_t add(PendingAck callback, TimePoint deadline);

    /// The callback of an id, once; null for an id that is not outstanding.
    PendingAck take(std::uint64_t id);

    /// Callbacks to be destroyed without a call, where no lock is held.
    std::vector<PendingAck> takeExpired(TimePoint now);
    std::vector<PendingAck> takeAll();

    std::size_t outstanding() const { return _outstanding; }
    /// The earliest deadline, or TimePoint::max().
    TimePoint nextDeadline() const;

    Timer timer;

private:
    struct Entry {
        std::uint64_t id;
        PendingAck callback;  // null: answered or expired
        TimePoint deadline;
    };

    void tidy();

    std::vector<Entry> _entries;  // by id; at most half of them, and a few, are empty
    std::size_t _outstanding = 0;
    std::uint64_t _lastId = 0;
};

}  // namespace socketio
