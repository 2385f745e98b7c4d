#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"

namespace socketio {

/// Payloads on their way to a broker, between those who emit and the one thread that publishes.
///
/// Owner:   a backend of PubSubManager.
/// Threads: thread-safe; one thread takes.
/// Limits:  those it is made with. What does not fit is refused; what waited too long is dropped
///          when its turn comes. Both are for the owner to count.
class PublishQueue {
public:
    PublishQueue(std::size_t maxMessages, std::size_t maxBytes, Duration maxAge)
        : _maxMessages(maxMessages), _maxBytes(maxBytes), _maxAge(maxAge) {}

    /// False when it is full or closed.
    bool push(std::string payload, TimePoint now);

    struct Batch {
        std::vector<std::string> payloads;
        std::size_t tooOld = 0;  ///< Dropped on the way.
        bool closed = false;
    };
    /// Takes what is there, up to `maxBytes` (one payload at least); waits for the first until
    /// `deadline`. What it took counts as pending until done() is called.
    Batch take(std::size_t maxBytes, TimePoint deadline);
    /// What was taken has been published or given up.
    void done();
    bool empty();
    /// Drops what is too old, for the time that nothing can be published. The number of them.
    std::size_t expire(TimePoint now);

    /// Until nothing is queued and nothing taken is pending. False when `deadline` came first.
    bool waitUntilEmpty(TimePoint deadline);
    /// Refuses more and wakes take(). The number of messages still queued, which are dropped.
    std::size_t close();
    /// Wakes take() without a payload.
    void wake();

private:
    struct Entry {
        std::string payload;
        TimePoint since;
    };

    std::size_t dropOld(TimePoint now) SOCKETIO_REQUIRES(_mutex);

    const std::size_t _maxMessages, _maxBytes;
    const Duration _maxAge;
    Mutex _mutex;  // a leaf
    Condition _filled, _emptied;
    std::deque<Entry> _entries SOCKETIO_GUARDED_BY(_mutex);
    std::size_t _bytes SOCKETIO_GUARDED_BY(_mutex) = 0;
    bool _pending SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _closed SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _woken SOCKETIO_GUARDED_BY(_mutex) = false;
};

}  // namespace socketio
