#include "EngineSessionImpl.h"

#include <array>
#include <functional>
#include <utility>

#include "socketio/base/Log.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "EngineSessionCalls.h"

namespace socketio {

EngineSessionImpl::EngineSessionImpl(std::shared_ptr<EngineContext> context, std::string sid,
                                     EngineRevision revision, Executor& executor,
                                     Executor::LoopId loop, std::shared_ptr<const Environ> environ)
    : EngineSession(std::move(sid), revision, loop),
      _context(std::move(context)),
      _executor(executor),
      _timer(&EngineSessionImpl::timerFired, this),
      _environ(std::move(environ)) {
    _context->openSessions.fetch_add(1, std::memory_order_relaxed);
}

EngineSessionImpl::~EngineSessionImpl() {
    if (_state == State::Open) _context->openSessions.fetch_sub(1, std::memory_order_relaxed);
}

// A leaf that many sessions share: one of its own would cost every idle client 40 bytes.
Mutex& EngineSessionImpl::environMutex(const EngineSessionImpl* session) {
    static std::array<Mutex, 64> mutexes;
    return mutexes[std::hash<const void*>()(session) / 256 % mutexes.size()];
}

std::shared_ptr<const Environ> EngineSessionImpl::environ() const {
    MutexLock lock(environMutex(this));
    return _environ;
}

void EngineSessionImpl::dropEnviron() {
    std::shared_ptr<const Environ> dropped;
    MutexLock lock(environMutex(this));
    dropped.swap(_environ);
}

/// The client, for the log. A sid is all that it takes to act as the client: debug lines alone show
/// it.
std::string EngineSessionImpl::who() const {
    const std::shared_ptr<const Environ> request = environ();
    std::string name = request ? escapedForLog(request->remoteAddress(), 64) : std::string();
    if (name.empty()) name = "a client";
    if (_context->logger.debug()) name += " (session " + sid() + ')';
    return name;
}

/// Counts the limit that the client has reached, and tells the log.
void EngineSessionImpl::reached(Limit limit, const char* what) {
    _executor.limits().reached(limit, _context->logger, now(), [&] { return who() + ": " + what; });
}

// ---- opening

std::string EngineSessionImpl::openPacket(bool upgrade) const {
    const EngineOptions& settings = options();
    std::string packet;
    packet.reserve(160);
    packet.append("{\"sid\":\"").append(sid()).append("\",\"upgrades\":[");
    if (upgrade) packet.append("\"websocket\"");
    packet.append("],\"pingInterval\":").append(std::to_string(settings.pingInterval.count()));
    packet.append(",\"pingTimeout\":").append(std::to_string(settings.pingTimeout.count()));
    packet.append(",\"maxPayload\":").append(std::to_string(settings.maxHttpBufferSize));
    return packet.append("}");
}

bool EngineSessionImpl::callOpen(const OpenCallback& onOpen) {
    Opening opening;
    _opening = &opening;
    std::string problem = "no listener";
    try {
        _listener = onOpen(shared_from_this());
    } catch (...) {
        problem = exceptionText();
    }
    _opening = nullptr;
    if (!_listener) {
        _context->logger.error("session refused: " + problem);
        drop(CloseReason::ForcedClose);
        return false;
    }
    if (_context->logger.debug())
        _context->logger.debug("session " + sid() + " opened over " +
                               (_webSocket ? "websocket" : "polling") +
                               (revision() == EngineRevision::V4 ? ", EIO 4" : ", EIO 3"));
    if (opening.closed) tellListener(_reason, opening.detail);
    return true;
}

bool EngineSessionImpl::openPolling(const Exchange::Ptr& exchange, const std::string& jsonpIndex,
                                    bool base64, const OpenCallback& onOpen) {
    const auto keep = self();
    _polling = std::make_unique<PollingTransport>(*this, base64);
    startHeartbeat();
    if (!callOpen(onOpen)) return false;

    // The client's time begins when it can know of the session.
    exchange->onSent([weak = std::weak_ptr<EngineSessionImpl>(keep)] {
        const auto session = weak.lock();
        if (session && session->_state == State::Open) session->startHeartbeat();
    });
    const Capabilities& can = exchange->can();
    const bool canUpgrade = options().allowUpgrades && (can.upgrade || can.webSocketRoute) &&
                            _context->serves("websocket");
    const std::string setCookie =
        options().cookie ? _context->cookie(sid(), exchange->environ().secure()) : std::string();
    _polling->park(exchange, jsonpIndex);
    const bool ending = _state != State::Open;
    const bool told = _polling->answerHandshake(openPacket(canUpgrade), setCookie,
                                                ending ? std::optional(Type::Close) : std::nullopt);
    if (told) finish();
    return true;
}

bool EngineSessionImpl::openWebSocket(std::shared_ptr<WebSocketTransport> transport,
                                      const OpenCallback& onOpen) {
    const auto keep = self();
    std::string frame;
    appendWebSocketFrame(frame, WebSocketOpcode::Text, "0" + openPacket(false));
    transport->send(SharedFrame(std::move(frame)));
    _webSocket = std::move(transport);
    _onWebSocket.store(true, std::memory_order_release);
    startHeartbeat();
    return callOpen(onOpen);
}

// ---- to the client

bool EngineSessionImpl::send(const EngineMessage::Ptr& message) {
    if (_state != State::Open) return false;
    try {
        const std::size_t waiting = queuedBytes();
        // One message alone may be larger than what may wait.
        if (waiting > 0 && waiting + message->bytes() > _context->outboundLimit) {
            _context->warn(EngineFault::Outbound, Limit::OutboundBytes, _executor,
                           who() + " closed: " + std::to_string(waiting) +
                               " bytes wait for a client that does not read");
            close(CloseReason::TransportError, "outbound limit");
            return false;
        }
        if (_webSocket) {
            _webSocket->send(message->webSocketFrames(revision(), _webSocket->base64()));
        } else {
            _polling->push(message);
            flushSoon();
        }
    } catch (...) {
        fail();  // behind a gap nothing may come
        return false;
    }
    return true;
}

std::size_t EngineSessionImpl::queuedBytes() const {
    if (_webSocket) return _webSocket->queuedBytes();
    return _polling ? _polling->bytes() : 0;
}

void EngineSessionImpl::sendControl(Type type) {
    if (_webSocket) {
        _webSocket->send(controlFrame(type));
    } else {
        _polling->push(type);
        flushSoon();
    }
}

/// At the end of this turn, so that all of a burst goes into one answer.
void EngineSessionImpl::flushSoon() {
    if (!_polling->polled() || _polling->flushPosted) return;
    _executor.post(loop(), [session = self()] { session->guarded([&] { session->flush(); }); });
    _polling->flushPosted = true;
}

void EngineSessionImpl::flush() {
    if (!_polling) return;
    _polling->flushPosted = false;
    if (_state == State::Open && _polling->polled() && !_polling->empty()) _polling->answer();
}

}  // namespace socketio
