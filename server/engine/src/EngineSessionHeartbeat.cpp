// Whether the client lives: pings and pongs, and its time for a sign of life.
#include <algorithm>

#include "EngineSessionImpl.h"

namespace socketio {

namespace {

// A timer that is so late says that the process has stood still: it was suspended, or had no core.
constexpr Duration kStoodStill = std::chrono::seconds(1);

}  // namespace

void EngineSessionImpl::startHeartbeat() {
    alive();
    armTimer();
}

/// A heartbeat. The timer is left where it is when it fires early enough.
void EngineSessionImpl::alive() {
    const TimePoint time = now();
    _deadline = time + patience();
    _nextPing = time + (revision() == EngineRevision::V4 ? options().pingInterval
                                                         : options().pingTimeout / 2);
    if (_timer.armed() && nextWake() < _timer.deadline()) armTimer();
}

/// Whatever the client sends is a sign of life, as to the official server: its heartbeat may wait
/// behind a large message or many of them. It is asked for only when the time is up, so that
/// packets cost nothing here.
TimePoint EngineSessionImpl::lastHeard() const {
    return _webSocket ? std::max(_webSocket->lastReceived(), _lastPost) : _lastPost;
}

TimePoint EngineSessionImpl::nextWake() const {
    TimePoint wake = watched() ? _deadline : TimePoint::max();
    // While reading is paused, a client of revision 3 gets pongs for pings unread.
    if (revision() == EngineRevision::V4 || _paused) wake = std::min(wake, _nextPing);
    return wake;
}

void EngineSessionImpl::armTimer() {
    const TimePoint wake = nextWake();
    if (wake == TimePoint::max())
        _timer.cancel();
    else if (!_timer.armed() || wake < _timer.deadline())
        timers().arm(_timer, wake);
}

void EngineSessionImpl::sendHeartbeat() {
    const bool v4 = revision() == EngineRevision::V4;
    const TimePoint time = now();
    // One ping at a time, unless its pong cannot have been seen: a client that lives has to hear
    // from us, or it gives up.
    const bool waits = watched() && waitsForPong();
    _nextPing =
        waits ? TimePoint::max() : time + (v4 ? options().pingInterval : options().pingTimeout / 2);
    if (waits) return;
    _pingOutstanding = v4;
    _pingSent = time;
    sendControl(v4 ? Type::Ping : Type::Pong);
}

bool EngineSessionImpl::waitsForPong() const {
    return revision() == EngineRevision::V4 && _pingOutstanding && lastHeard() <= _pingSent;
}

/// Until when a client of which nothing has been heard for too long lives on all the same: it may
/// not have been asked, or what it said is unread, since other connections are read before it.
TimePoint EngineSessionImpl::respite(bool stoodStill) const {
    if (stoodStill) return now() + options().pingTimeout;
    if (revision() != EngineRevision::V4) return _deadline;
    return (waitsForPong() ? _pingSent : now()) + options().pingTimeout;
}

void EngineSessionImpl::timerFired(void* context) {
    const auto session = static_cast<EngineSessionImpl*>(context)->self();
    session->guarded([&] { beat(session); });
}

void EngineSessionImpl::beat(const Ptr& session) {
    if (session->_state == State::Lingering) {
        session->dropProbe();
        session->finish();
        return;
    }
    const TimePoint time = session->now();
    if (session->watched() && time >= session->_deadline) {
        const bool stoodStill = time >= session->nextWake() + kStoodStill;
        session->_deadline =
            std::max(session->_deadline, session->lastHeard() + session->patience());
        if (time >= session->_deadline)
            session->_deadline = std::max(session->_deadline, session->respite(stoodStill));
        if (time >= session->_deadline) {
            session->reached(Limit::PingTimeout, "no sign of life");
            session->close(CloseReason::PingTimeout, {});
            return;
        }
        // It lives, and has not been heard of for a while itself.
        session->_nextPing = std::min(session->_nextPing, time);
    }
    if (time >= session->nextWake()) session->sendHeartbeat();
    session->armTimer();
}

}  // namespace socketio
