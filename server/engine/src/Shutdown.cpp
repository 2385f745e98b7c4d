#include "Shutdown.h"

#include <algorithm>
#include <utility>

#include "EngineSessionImpl.h"

namespace socketio {

namespace {

constexpr std::chrono::milliseconds kPause{200};
constexpr std::size_t kBatch = 1000;

/// More than kBatch only when half of the time would not be enough otherwise.
std::size_t batchFor(std::size_t sessions, Duration time) {
    const auto turns = std::max<Duration::rep>(1, time / 2 / kPause);
    const auto needed =
        (sessions + static_cast<std::size_t>(turns) - 1) / static_cast<std::size_t>(turns);
    return std::max(kBatch, needed);
}

}  // namespace

Shutdown::Shutdown(Executor& executor, std::vector<SessionTable::Ptr> sessions, Duration time)
    : _executor(executor),
      _sessions(std::move(sessions)),
      _batch(batchFor(_sessions.size(), time)),
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
    if (_next < _sessions.size()) _executor.timers(0).armAfter(_timer, kPause);
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
