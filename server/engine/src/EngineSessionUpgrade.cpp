// From polling to a WebSocket; see UpgradeProbe.
#include <utility>

#include "EngineSessionCalls.h"
#include "EngineSessionImpl.h"

namespace socketio {

void EngineSessionImpl::startUpgrade(std::shared_ptr<WebSocketTransport> candidate) {
    // As the official server: one that comes too late, or beside another, is closed without harm.
    if (_state != State::Open || _webSocket || _probe) {
        candidate->close();
        return;
    }
    try {
        _probe = std::make_unique<UpgradeProbe>(*this, candidate);
    } catch (...) {
        candidate->abort();  // alone: polling goes on
        throw;
    }
}

void EngineSessionImpl::upgradeTimedOut() {
    reached(Limit::UpgradeTimeout, "its upgrade took too long");
    dropProbe();
}

void EngineSessionImpl::releasePoll() {
    guarded([this] {
        if (_polling && _polling->polled() && _polling->empty()) _polling->answer(Type::Noop);
    });
}

void EngineSessionImpl::dropProbe() noexcept {
    if (!_probe) return;
    const auto candidate = _probe->takeCandidate();
    _probe.reset();
    candidate->close();
}

void EngineSessionImpl::upgrade() {
    const auto keep = self();
    _webSocket = _probe->takeCandidate();
    _probe.reset();
    _onWebSocket.store(true, std::memory_order_release);
    _polling->moveTo(*_webSocket);
    if (_polling->polled()) _polling->answer(Type::Noop);  // a client that did not stop polling
    if (_state == State::Lingering) {
        closeWebSocket(_reason, {});
        finish();
        return;
    }
    // A POST that the client began before is still its word.
    if (!_polling->post()) _polling.reset();
    if (_paused) _webSocket->pauseReading(true);
    if (_context->logger.debug()) _context->logger.debug("session " + sid() + " upgraded");
    Dispatch dispatch(*this);
    _listener->onUpgrade();
}

}  // namespace socketio
