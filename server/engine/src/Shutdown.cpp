#include "Shutdown.h"

#include <algorithm>
#include <utility>

#include "EngineSessionImpl.h"

namespace socketio {

namespace {

/// More than the pace says only when half of the time would not be enough otherwise.
std::size_t batchFor(std::size_t sessions, Duration time, const Shutdown::Pace& pace) {
    const auto turns = std::max<Duration::rep>(1, time / 2 / pace.interval);
    const auto needed =
        (sessions + static_cast<std::size_t>(turns) - 1) / static_cast<std::size_t>(turns);
    return std::max(pace.sessions, needed);
}

}  // namespace

Shutdown::Shutdown(Executor& executor, std::vector<SessionTable::Ptr> sessions, Duration time,
                   const Pace& pace)
    : _executor(executor),
      _sessions(std::move(sessions)),
      _batch(batchFor(_sessions.size(), time, pace)),
      _pause(pace.interval),
      _timer(&Shutdown::timerFired, this) {}

void Shutdown::start() {
    _executor.post(0, [self = shared_from_this()] { self->closeSome(); });
}

void Shutdown::closeSome() {
    const std::size_t end = std::min(_sessions.size(), _next + _batch);
    for (; _next < end; ++_next) {
        SessionTable::Ptr session = std::move(_sessions[_next]);
        const Executor::LoopId loop = session->loop();
        _executor.post(loop, [session = std::move(session)] {
            session->close(CloseReason::ServerShuttingDown, {});
        });
    }
    if (_next < _sessions.size()) _executor.timers(0).armAfter(_timer, _pause);
}

void Shutdown::timerFired(void* self) { static_cast<Shutdown*>(self)->closeSome(); }

void Shutdown::dropRest(std::vector<SessionTable::Ptr> sessions) {
    _executor.post(0, [self = shared_from_this()] {
        self->_timer.cancel();
        self->_sessions.clear();
        self->_next = 0;
    });
    for (const SessionTable::Ptr& session : sessions)
        _executor.post(session->loop(),
                       [session] { session->drop(CloseReason::ServerShuttingDown); });
}

}  // namespace socketio
