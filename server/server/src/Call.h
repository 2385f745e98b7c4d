#pragma once

#include <memory>
#include <utility>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"
#include "socketio/managers/PacketSink.h"

namespace socketio {

/// What call() waits for: an acknowledgement, or the certainty that none will come.
///
/// Threads: thread-safe.
class CallState {
public:
    enum class Outcome { Waiting, Answered, Gone };

    void answer(Value::Array values);
    void giveUp();
    Outcome waitUntil(const Clock& clock, TimePoint deadline);
    Value::Array takeValues();

private:
    Mutex _mutex;  // a leaf
    Condition _changed;
    Outcome _outcome SOCKETIO_GUARDED_BY(_mutex) = Outcome::Waiting;
    Value::Array _values SOCKETIO_GUARDED_BY(_mutex);
};

/// The callback that call() hands to the manager. It wakes the caller and nothing else, so it is
/// run where the acknowledgement arrives: the client's strand may be busy with the very handler
/// that waits. When the last copy goes away uncalled (the client has gone, nobody was meant), the
/// caller is woken, too.
class CallCompletion {
public:
    CallCompletion(std::shared_ptr<CallState> state, TimePoint deadline)
        : _ticket(std::make_shared<Ticket>(std::move(state))), _deadline(deadline) {}

    void operator()(const Value::Array& values) const { answer(values); }
    void answer(Value::Array values) const { _ticket->state->answer(std::move(values)); }

    /// How long the entry has to be kept: a little longer than the caller waits.
    TimePoint deadline() const { return _deadline + std::chrono::seconds(1); }

private:
    struct Ticket {
        explicit Ticket(std::shared_ptr<CallState> s) : state(std::move(s)) {}
        ~Ticket() { state->giveUp(); }
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        std::shared_ptr<CallState> state;
    };

    std::shared_ptr<const Ticket> _ticket;
    TimePoint _deadline;
};

}  // namespace socketio
