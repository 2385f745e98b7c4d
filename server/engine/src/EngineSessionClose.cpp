// How a session ends, and how the client hears of it.
#include <algorithm>
#include <chrono>
#include <string>

#include "EngineSessionCalls.h"
#include "EngineSessionImpl.h"

namespace socketio {

namespace {

// As the official server: how long a close packet waits for the client's next poll.
constexpr std::chrono::seconds kLingerTime{30};
// The same when the server stops and nothing is queued.
constexpr std::chrono::seconds kFarewellTime{2};

constexpr std::uint16_t kGoingAway = 1001;

/// The reason by the close code of a WebSocket. The codes for bytes that cannot be read are
/// errors, whichever side sent them.
CloseReason reasonFor(std::uint16_t code, std::string_view detail) {
    switch (code) {
        case 1002:
        case 1007:
        case 1008:
        case 1009:
            return CloseReason::TransportError;
        case 1006:
            return detail == "outbound limit" || detail == "write stall"
                       ? CloseReason::TransportError
                       : CloseReason::TransportClose;
        default:
            return CloseReason::TransportClose;
    }
}

}  // namespace

void EngineSessionImpl::close(CloseReason reason, std::string_view detail) {
    if (_state != State::Open) return;
    const auto keep = self();
    _reason = reason;
    _closed.store(true, std::memory_order_release);
    _context->openSessions.fetch_sub(1, std::memory_order_relaxed);
    _timer.cancel();
    _state = State::Lingering;
    try {
        if (_context->logger.debug()) {
            std::string line = "session " + sid() + " closed: ";
            line.append(toString(reason));
            if (!detail.empty()) line.append(", ").append(detail);
            _context->logger.debug(line);
        }
        sayGoodbye(reason, detail);
    } catch (...) {
        if (_webSocket) _webSocket->abort();
        finish();
    }
    tellListener(reason, detail);
}

void EngineSessionImpl::sayGoodbye(CloseReason reason, std::string_view detail) {
    if (_webSocket) {
        closeWebSocket(reason, detail);
        finish();
    } else if (_polling) {
        closePolling(reason);
    } else {
        finish();  // it could not be opened
    }
}

void EngineSessionImpl::fail() noexcept {
    const auto keep = self();
    try {
        _context->warn(EngineFault::Internal, {}, _executor,
                       who() + ": its session ends: " + exceptionText());
    } catch (...) {
    }
    try {
        if (_polling) _polling->forgetQueue();  // behind a gap nothing may come
        close(CloseReason::TransportError, "internal error");
        finish();
    } catch (...) {
    }
}

void EngineSessionImpl::closeWebSocket(CloseReason reason, std::string_view detail) {
    if (reason == CloseReason::TransportError && detail == "outbound limit")
        _webSocket->abort();  // it would not read the close frame either
    else
        _webSocket->close(reason == CloseReason::ServerShuttingDown ? kGoingAway : 0);
}

void EngineSessionImpl::closePolling(CloseReason reason) {
    if (reason != CloseReason::ForcedClose && reason != CloseReason::ServerShuttingDown) {
        if (_polling->polled())
            _polling->answer(reason == CloseReason::TransportClose ? Type::Noop : Type::Close);
        finish();
        return;
    }
    // A client whose probe was answered may have stopped polling: it hears of the close over the
    // WebSocket then.
    if (_probe && !_probe->probed()) dropProbe();
    // No longer than the client has for a sign of life: one without it does not poll any more.
    const TimePoint time = now();
    TimePoint end = time + kLingerTime;
    // A server that stops waits for those who have something to fetch; the others come back
    // within a round trip or do not care.
    if (reason == CloseReason::ServerShuttingDown && queuedBytes() == 0) end = time + kFarewellTime;
    if (options().monitorClients && !_paused && _deadline > time) end = std::min(end, _deadline);
    timers().arm(_timer, end);
    if (_polling->polled()) deliverLast();
}

void EngineSessionImpl::deliverLast() {
    if (_polling->answer(Type::Close)) finish();
}

void EngineSessionImpl::finish() {
    if (_state == State::Closed) return;
    _state = State::Closed;
    _timer.cancel();
    dropProbe();
    if (_polling) _polling->forgetQueue();
    if (_polling && _polling->post() &&
        _polling->postStage != PollingTransport::PostStage::HandingOut) {
        try {
            _polling->answerPost(_polling->postStage == PollingTransport::PostStage::Held);
        } catch (...) {
            _polling->forgetPost();  // let go, it is answered 500
        }
    }
    _webSocket.reset();  // it holds the session
    _context->table.remove(sid());
}

void EngineSessionImpl::drop(CloseReason reason) {
    const auto keep = self();
    close(reason, {});
    finish();
}

void EngineSessionImpl::largestOutbound() {
    const auto keep = self();
    _context->counters.outboundLimit.fetch_add(1, std::memory_order_relaxed);
    close(CloseReason::TransportError, "outbound limit");
    finish();
}

void EngineSessionImpl::abandon() {
    if (_state == State::Open) _context->openSessions.fetch_sub(1, std::memory_order_relaxed);
    _state = State::Closed;
    _closed.store(true, std::memory_order_release);
    _timer.cancel();
    if (_probe) _probe->candidate().letGo();
    _probe.reset();
    _polling.reset();
    if (_webSocket) _webSocket->letGo();
    _webSocket.reset();
    _listener.reset();
}

void EngineSessionImpl::webSocketClosed(WebSocketTransport& transport, std::uint16_t code,
                                        std::string_view detail) {
    if (_probe && _probe->isCandidate(transport)) {
        dropProbe();
        return;
    }
    if (_webSocket.get() != &transport) return;
    close(reasonFor(code, detail), detail);
}

void EngineSessionImpl::tellListener(CloseReason reason, std::string_view detail) {
    if (_opening) {
        _opening->closed = true;
        _opening->detail = detail;
        return;
    }
    if (!_listener) return;
    const auto listener = _listener;
    listener->onClose(reason, detail);
    if (_dispatching == 0) _listener.reset();
}

}  // namespace socketio
