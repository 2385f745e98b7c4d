#include "EngineSessionImpl.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <Poco/Bugcheck.h>

#include "socketio/base/Log.h"
#include "socketio/protocol/EnginePayload.h"
#include "socketio/protocol/WebSocketFrame.h"

namespace socketio {

namespace {

using Type = EnginePacket::Type;

// As the official server: how long a close packet waits for the client's next poll.
constexpr std::chrono::seconds kLingerTime{30};
constexpr std::chrono::seconds kFarewellTime{
    2};  // the same when the server stops and nothing is queued

// What a client has for a sign of life at least when it is read again.
constexpr std::chrono::seconds kReadingTime{1};

constexpr std::uint16_t kGoingAway = 1001;
constexpr char kBinaryTypeV3 = 4;

bool isOctetStream(const Environ& environ) {
    constexpr std::string_view kOctetStream = "application/octet-stream";
    const std::string_view type = environ.get("CONTENT_TYPE");
    return type.size() >= kOctetStream.size() &&
           std::equal(kOctetStream.begin(), kOctetStream.end(), type.begin(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

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

struct EngineSessionImpl::Opening {
    bool closed = false;
    std::string detail;
};

/// The listener stays while it is being called, however the session ends meanwhile.
class EngineSessionImpl::Dispatch {
public:
    explicit Dispatch(EngineSessionImpl& session) : _session(session) { ++_session._dispatching; }
    ~Dispatch() {
        if (--_session._dispatching == 0 && _session._state != State::Open)
            _session._listener.reset();
    }
    Dispatch(const Dispatch&) = delete;
    Dispatch& operator=(const Dispatch&) = delete;

private:
    EngineSessionImpl& _session;
};

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

std::shared_ptr<const Environ> EngineSessionImpl::environ() const {
    MutexLock lock(_environMutex);
    return _environ;
}

void EngineSessionImpl::dropEnviron() {
    std::shared_ptr<const Environ> dropped;
    MutexLock lock(_environMutex);
    dropped.swap(_environ);
}

// ---- opening

std::string EngineSessionImpl::openPacket(bool upgrade) const {
    const EngineOptions& settings = options();
    return "{\"sid\":\"" + sid() + "\",\"upgrades\":[" + (upgrade ? "\"websocket\"" : "") +
           "],\"pingInterval\":" + std::to_string(settings.pingInterval.count()) +
           ",\"pingTimeout\":" + std::to_string(settings.pingTimeout.count()) +
           ",\"maxPayload\":" + std::to_string(settings.maxHttpBufferSize) + "}";
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
    const std::size_t waiting = queuedBytes();
    // One message alone may be larger than what may wait.
    if (waiting > 0 && waiting + message->bytes() > _context->outboundLimit) {
        _context->warn(EngineLimit::Outbound, now(),
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
    _polling->flushPosted = true;
    _executor.post(loop(), [session = self()] { session->flush(); });
}

void EngineSessionImpl::flush() {
    if (!_polling) return;
    _polling->flushPosted = false;
    if (_state == State::Open && _polling->polled() && !_polling->empty()) _polling->answer();
}

// ---- polling

void EngineSessionImpl::poll(const Exchange::Ptr& exchange, const std::string& jsonpIndex) {
    if (_state == State::Closed) {
        _context->refuse(exchange, EngineError::SessionUnknown);
        return;
    }
    if (_webSocket) {
        _context->refuse(exchange, EngineError::BadRequest);
        return;
    }
    // What was due for the first poll leaves first; a second one beside it is an error.
    if (_polling->polled() && _polling->flushPosted) flush();
    if (_polling->polled()) {
        _context->refuse(exchange, EngineError::BadRequest);
        close(CloseReason::TransportError, "overlapping polls");
        return;
    }
    _polling->park(exchange, jsonpIndex);
    if (_state == State::Lingering)
        deliverLast();
    else if (!_polling->empty())
        _polling->answer();
    else if (_probe && _probe->probed())
        _probe->releasePollSoon();
}

void EngineSessionImpl::pollAborted() {
    // Not only the poll that is parked: one on another loop may have been answered from here just
    // when its client went away, and what the answer held is lost then. But not one that was
    // refused because of an upgrade.
    if (_webSocket) return;
    close(CloseReason::TransportError, "poll aborted");
}

bool EngineSessionImpl::postHead(const Exchange::Ptr& exchange) {
    if (_state == State::Closed) {
        _context->refuse(exchange, EngineError::SessionUnknown);
        return false;
    }
    if (_webSocket) {
        _context->refuse(exchange, EngineError::BadRequest);
        return false;
    }
    if (_polling->post()) {
        _context->refuse(exchange, EngineError::BadRequest);
        close(CloseReason::TransportError, "overlapping posts");
        return false;
    }
    _polling->setPost(exchange);
    _lastPost = now();
    return true;
}

void EngineSessionImpl::postBody(const Exchange::Ptr& exchange, Exchange::BodyStatus status,
                                 bool jsonp) {
    if (!_polling || _polling->post() != exchange) return;  // refused meanwhile
    const auto keep = self();
    _lastPost = now();
    switch (status) {
        case Exchange::BodyStatus::Complete:
            receivePost(exchange, jsonp);
            break;
        case Exchange::BodyStatus::TooLarge:
            _polling->forgetPost();
            _context->warn(EngineLimit::BodyTooLarge, now(),
                           who() + ": a POST is larger than maxHttpBufferSize");
            _context->answer(exchange, Response{413, {}, {}});
            break;
        case Exchange::BodyStatus::Incomplete:
            _polling->forgetPost();
            close(CloseReason::TransportError, "POST aborted");
            break;
        case Exchange::BodyStatus::Invalid:
            _polling->forgetPost();
            close(CloseReason::TransportError, "bad POST body");
            break;
    }
    if (_webSocket && _polling && !_polling->post()) _polling.reset();
}

void EngineSessionImpl::receivePost(const Exchange::Ptr& exchange, bool jsonp) {
    _polling->postStage = PollingTransport::PostStage::HandingOut;
    // What arrives after we have closed the session is of no use to anybody.
    const bool good = _state != State::Open || receivePayload(exchange, jsonp);
    _polling->postStage = PollingTransport::PostStage::Held;
    if (!good || !_paused || _state != State::Open) {
        _polling->answerPost(good);
        return;
    }
    exchange->onAbort([weak = std::weak_ptr<EngineSessionImpl>(self()), post = exchange.get()] {
        const auto session = weak.lock();
        if (!session) return;
        if (session->_executor.currentLoop() == session->loop())
            session->postAborted(post);
        else
            session->_executor.post(session->loop(),
                                    [session, post] { session->postAborted(post); });
    });
}

bool EngineSessionImpl::receivePayload(const Exchange::Ptr& exchange, bool jsonp) {
    const auto bad = [&](const char* detail, CloseReason reason) {
        _context->warn(EngineLimit::BadPayload, now(), who() + ": bad POST: " + detail);
        close(reason, detail);
        return false;
    };
    const bool octetStream = isOctetStream(exchange->environ());
    if (octetStream && revision() == EngineRevision::V4)
        return bad("content type of revision 3", CloseReason::TransportError);
    std::string body = exchange->takeBody();
    if (jsonp) {
        Result<std::string> payload = EnginePayload::decodeJsonpForm(body);
        if (!payload) return bad(payload.error().detail, CloseReason::ParseError);
        body = std::move(*payload);
    }
    EnginePayload::Limits limits;
    limits.maxPackets = options().maxPacketsPerPayload;
    limits.maxPacketBytes = options().maxHttpBufferSize;
    const auto packets = EnginePayload::decode(revision(), octetStream, body, limits);
    if (!packets) return bad(packets.error().detail, CloseReason::ParseError);

    Dispatch dispatch(*this);
    for (const EnginePacket& packet : *packets)
        if (!receive(packet.type, packet.binary, packet.data)) break;
    if (_state == State::Open) _listener->onInputEnd();
    return _state == State::Open ||
           (_reason != CloseReason::ParseError && _reason != CloseReason::TransportError);
}

void EngineSessionImpl::postAborted(const Exchange* exchange) {
    if (!_polling || _polling->post().get() != exchange) return;
    _polling->forgetPost();
    close(CloseReason::TransportError, "POST aborted");
}

// ---- packets from the client

/// The client, for the log. A sid is all that it takes to act as the client: debug lines alone show
/// it.
std::string EngineSessionImpl::who() const {
    const std::shared_ptr<const Environ> request = environ();
    std::string name = request ? escapedForLog(request->remoteAddress(), 64) : std::string();
    if (name.empty()) name = "a client";
    if (_context->logger.debug()) name += " (session " + sid() + ')';
    return name;
}

bool EngineSessionImpl::wrong(CloseReason reason, const char* detail) {
    if (reason != CloseReason::TransportClose)
        _context->warn(EngineLimit::BadPacket, now(), who() + ": bad packet: " + detail);
    close(reason, detail);
    return false;
}

bool EngineSessionImpl::receive(Type type, bool binary, std::string_view data) {
    const bool v4 = revision() == EngineRevision::V4;
    switch (type) {
        case Type::Message:
            if (binary)
                _listener->onBinary(data);
            else
                _listener->onText(data);
            break;
        case Type::Close:
            return wrong(CloseReason::TransportClose, "close packet");
        case Type::Ping:
            if (v4) return wrong(CloseReason::TransportError, "ping in the wrong direction");
            alive();
            sendControl(Type::Pong);
            break;
        case Type::Pong:
            if (!v4) return wrong(CloseReason::TransportError, "pong in the wrong direction");
            if (!_pingOutstanding) break;  // unsolicited: no sign that it can be believed
            _pingOutstanding = false;
            alive();
            break;
        case Type::Noop:
            break;
        case Type::Upgrade:
            // Said twice on the WebSocket it is harmless; in a POST it can only be a mistake.
            if (!_webSocket) return wrong(CloseReason::ParseError, "upgrade packet in a POST");
            break;
        case Type::Open:
            return wrong(CloseReason::ParseError, "open packet from the client");
    }
    return _state == State::Open;
}

bool EngineSessionImpl::receiveFrame(bool binary, std::string_view data) {
    const bool v4 = revision() == EngineRevision::V4;
    if (binary) {
        if (v4) return receive(Type::Message, true, data);
        if (data.empty() || data[0] != kBinaryTypeV3)
            return wrong(CloseReason::ParseError, "unknown binary packet");
        return receive(Type::Message, true, data.substr(1));
    }
    const std::string_view prefix = v4 ? "b" : "b4";
    if (data.substr(0, prefix.size()) == prefix) {
        const Result<std::string> bytes = decodeBase64(data.substr(prefix.size()));
        if (!bytes) return wrong(CloseReason::ParseError, bytes.error().detail);
        return receive(Type::Message, true, *bytes);
    }
    const Result<Type> type = EnginePacket::typeOf(data);
    if (!type) return wrong(CloseReason::ParseError, type.error().detail);
    return receive(*type, false, data.substr(1));
}

void EngineSessionImpl::webSocketMessage(WebSocketTransport& transport, bool binary,
                                         std::string_view data) {
    if (_probe && _probe->isCandidate(transport)) {
        switch (_probe->step(binary, data)) {
            case UpgradeProbe::Step::Probe: {
                std::string frame;
                appendWebSocketFrame(frame, WebSocketOpcode::Text, "3probe");
                transport.send(SharedFrame(std::move(frame)));
                if (_polling->polled()) _probe->releasePollSoon();
                break;
            }
            case UpgradeProbe::Step::Upgrade:
                upgrade();
                break;
            case UpgradeProbe::Step::Wrong:
                dropProbe();
                break;
        }
        return;
    }
    if (_webSocket.get() != &transport || _state != State::Open) return;
    Dispatch dispatch(*this);
    if (receiveFrame(binary, data)) _listener->onInputEnd();
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

// ---- upgrade

void EngineSessionImpl::startUpgrade(std::shared_ptr<WebSocketTransport> candidate) {
    // As the official server: one that comes too late, or beside another, is closed without harm.
    if (_state != State::Open || _webSocket || _probe) {
        candidate->close();
        return;
    }
    _probe = std::make_unique<UpgradeProbe>(*this, std::move(candidate));
}

void EngineSessionImpl::upgradeTimedOut() { dropProbe(); }

void EngineSessionImpl::releasePoll() {
    if (_polling && _polling->polled() && _polling->empty()) _polling->answer(Type::Noop);
}

void EngineSessionImpl::dropProbe() {
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

// ---- heartbeat

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
    const bool waits = v4 && watched() && _pingOutstanding && lastHeard() <= _pingSent;
    _nextPing =
        waits ? TimePoint::max() : time + (v4 ? options().pingInterval : options().pingTimeout / 2);
    if (waits) return;
    _pingOutstanding = v4;
    _pingSent = time;
    sendControl(v4 ? Type::Ping : Type::Pong);
}

void EngineSessionImpl::timerFired(void* context) {
    const auto session = static_cast<EngineSessionImpl*>(context)->self();
    if (session->_state == State::Lingering) {
        session->dropProbe();
        session->finish();
        return;
    }
    const TimePoint time = session->now();
    if (session->watched() && time >= session->_deadline) {
        session->_deadline =
            std::max(session->_deadline, session->lastHeard() + session->patience());
        if (time >= session->_deadline) {
            session->close(CloseReason::PingTimeout, {});
            return;
        }
        // It lives, and has not been heard of for a while itself.
        session->_nextPing = std::min(session->_nextPing, time);
    }
    if (time >= session->nextWake()) session->sendHeartbeat();
    session->armTimer();
}

void EngineSessionImpl::pauseInput(bool paused) {
    if (_state != State::Open || paused == _paused) return;
    const TimePoint time = now();
    _paused = paused;
    if (_webSocket) _webSocket->pauseReading(paused);
    if (paused) {
        _pausedSince = time;
        if (revision() == EngineRevision::V3) _nextPing = time + options().pingTimeout / 2;
    } else {
        // What is left of its time, and enough to read what has come meanwhile.
        const Duration least = std::min<Duration>(options().pingTimeout, kReadingTime);
        _deadline = std::clamp(_deadline + (time - _pausedSince), time + least, time + patience());
        if (_polling && _polling->post() &&
            _polling->postStage == PollingTransport::PostStage::Held) {
            _polling->answerPost(true);
            if (_webSocket) _polling.reset();
        }
    }
    armTimer();
}

// ---- closing

void EngineSessionImpl::close(CloseReason reason, std::string_view detail) {
    if (_state != State::Open) return;
    const auto keep = self();
    _reason = reason;
    _closed.store(true, std::memory_order_release);
    _context->openSessions.fetch_sub(1, std::memory_order_relaxed);
    _timer.cancel();
    if (_context->logger.debug()) {
        std::string line = "session " + sid() + " closed: ";
        line.append(toString(reason));
        if (!detail.empty()) line.append(", ").append(detail);
        _context->logger.debug(line);
    }
    _state = State::Lingering;
    if (_webSocket) {
        closeWebSocket(reason, detail);
        finish();
    } else {
        closePolling(reason);
    }
    tellListener(reason, detail);
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
    if (_polling && _polling->post() &&
        _polling->postStage != PollingTransport::PostStage::HandingOut)
        _polling->answerPost(_polling->postStage == PollingTransport::PostStage::Held);
    _webSocket.reset();  // it holds the session
    _context->table.remove(sid());
}

void EngineSessionImpl::drop(CloseReason reason) {
    const auto keep = self();
    close(reason, {});
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
