#include "WebSocketConnection.h"

#include <string>
#include <utility>

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kNoStatus = 1005;
constexpr std::uint16_t kAbnormal = 1006;
constexpr std::uint16_t kPolicy = 1008;

/// While so much waits, further pings are not answered: RFC 6455 §5.5.3 allows it.
constexpr std::size_t kQueuedPongs = 64 * 1024;

}  // namespace

WebSocketConnection::WebSocketConnection(std::shared_ptr<HttpServerState> server,
                                         Executor::LoopId loop, std::size_t maxMessageBytes)
    : HttpProtocol(std::move(server)),
      _decoder({.maxMessageBytes = maxMessageBytes,
                .maxFragments = _server->options.limits.webSocketFragments}),
      _loop(loop) {}

std::shared_ptr<WebSocketConnection> WebSocketConnection::lost(
    std::shared_ptr<HttpServerState> server, Executor::LoopId loop) {
    auto channel = std::make_shared<WebSocketConnection>(std::move(server), loop, 0);
    channel->_state = State::Over;
    return channel;
}

void WebSocketConnection::onOpen(Connection& connection) {
    _connection = &connection;
    enlist(_loop);
    if (_server->stopping) shutDown();  // it was on its way here when the others were told
}

void WebSocketConnection::onClosed(const char* detail) {
    const auto self = shared_from_this();
    if (std::exchange(_connection, nullptr)) delist(_loop);  // or it could not be opened
    _state = State::Over;
    notifyClosed(kAbnormal, detail);
}

// -------------------------------------------------------------------------------------------------
// Input

std::size_t WebSocketConnection::onInput(char* bytes, std::size_t size) {
    if (_state != State::Over && !_listener) return 0;  // given again by setListener()
    char* at = bytes;
    char* const end = bytes + size;
    std::shared_ptr<WebSocketListener> listener = _listener;
    while (_state != State::Over) {
        const WebSocketDecoder::Event event = _decoder.next(at, end);
        if (event.type == WebSocketDecoder::EventType::NeedMore)
            return static_cast<std::size_t>(at - bytes);
        switch (event.type) {
            case WebSocketDecoder::EventType::NeedMore:
                break;
            case WebSocketDecoder::EventType::Text:
            case WebSocketDecoder::EventType::Binary:
                if (_state != State::Open) break;  // the user has closed; what crossed is dropped
                if (listener != _listener) listener = _listener;  // it may be changed by a message
                listener->onMessage(event.type == WebSocketDecoder::EventType::Binary, event.data);
                // The rest of what has been read comes again when reading goes on.
                if (_state == State::Open && _connection->readingPaused())
                    return static_cast<std::size_t>(at - bytes);
                break;
            case WebSocketDecoder::EventType::Ping:
                if (countControlFrame() && _state == State::Open) answerPing(event.data);
                break;
            case WebSocketDecoder::EventType::Pong:
                countControlFrame();
                break;
            case WebSocketDecoder::EventType::Close:
                if (_state == State::Open) sendClose(event.code == kNoStatus ? 0 : event.code, {});
                finish(event.code, event.data);
                break;
            case WebSocketDecoder::EventType::Error:
                if (_state == State::Open) sendClose(event.code, {});
                if (event.limit)
                    _server->reached(*event.limit, [&] { return closedFor(event.detail); });
                finish(event.code, event.detail);
                break;
        }
    }
    return size;
}

std::string WebSocketConnection::closedFor(std::string_view why) const {
    return "the WebSocket of " + _connection->endpoints().peerAddress +
           " was closed: " + std::string(why);
}

/// False when there were too many and the connection is over.
bool WebSocketConnection::countControlFrame() {
    const TimePoint now = _server->hub->timers(_loop).now();
    if (now - _controlSince >= 1s) {
        _controlSince = now;
        _controlFrames = 0;
    }
    if (++_controlFrames <= _server->options.limits.webSocketControlFrames) return true;
    constexpr std::string_view kDetail = "too many control frames";
    _server->reached(Limit::WebSocketControlFrames, [&] { return closedFor(kDetail); });
    if (_state == State::Open) sendClose(kPolicy, kDetail);
    finish(kPolicy, kDetail);
    return false;
}

void WebSocketConnection::answerPing(std::string_view payload) {
    if (_connection->queuedBytes() > kQueuedPongs) return;
    std::string pong;
    appendWebSocketFrame(pong, WebSocketOpcode::Pong, payload);
    _connection->send(std::move(pong));
}

void WebSocketConnection::onEnd() {
    if (_state != State::Over) finish(kAbnormal, "the peer ended the connection");
}

void WebSocketConnection::onDeadline() {
    if (_state != State::Closing) return;
    _server->reached(Limit::WebSocketCloseWait,
                     [this] { return closedFor("no close frame came from it"); });
    _connection->abort("no close frame from the peer");
}

// -------------------------------------------------------------------------------------------------
// The end

void WebSocketConnection::sendClose(std::uint16_t code, std::string_view reason) {
    std::string frame;
    appendWebSocketClose(frame, code, reason);
    _connection->send(std::move(frame));
}

void WebSocketConnection::beginClose(std::uint16_t code, std::string_view reason) {
    if (_state != State::Open || !_connection) return;
    sendClose(code, reason);
    _state = State::Closing;
    _connection->setDeadline(_server->hub->timers(_loop).now() +
                             _server->options.limits.webSocketCloseWait);
    _connection->pauseReading(false);  // or the peer's close frame would never be seen
}

/// The conversation is over: the server closes the TCP connection first (RFC 6455 §7.1.1).
void WebSocketConnection::finish(std::uint16_t code, std::string_view detail) {
    _state = State::Over;
    _connection->closeAfterFlush();
    notifyClosed(code, detail);
}

void WebSocketConnection::notifyClosed(std::uint16_t code, std::string_view detail) {
    if (_notified) return;
    // Without a listener yet, setListener() tells it.
    if (const auto listener = std::exchange(_listener, nullptr)) {
        _notified = true;
        listener->onClosed(code, detail);
    }
}

void WebSocketConnection::shutDown() { beginClose(kGoingAway, "server shutting down"); }

// -------------------------------------------------------------------------------------------------
// The channel

void WebSocketConnection::setListener(std::shared_ptr<WebSocketListener> listener) {
    if (!onLoop()) {
        _server->hub->post(_loop,
                           [self = shared_from_this(), given = std::move(listener)]() mutable {
                               self->setListener(std::move(given));
                           });
        return;
    }
    if (_notified) return;
    const bool first = !_listener;
    _listener = std::move(listener);
    if (_state == State::Over) {
        _server->hub->post(_loop, [self = shared_from_this()] {
            self->notifyClosed(kAbnormal, "connection lost");
        });
    } else if (first && _connection) {
        _connection->resumeInput();
    }
}

void WebSocketConnection::send(SharedFrame frames) {
    if (onLoop()) {
        if (_state == State::Open && _connection) _connection->send(std::move(frames));
        return;
    }
    _server->hub->post(_loop, [self = shared_from_this(), bytes = std::move(frames)]() mutable {
        if (self->_state == State::Open && self->_connection)
            self->_connection->send(std::move(bytes));
    });
}

void WebSocketConnection::close(std::uint16_t code, std::string_view reason) {
    if (onLoop()) {
        beginClose(code, reason);
        return;
    }
    _server->hub->post(_loop, [self = shared_from_this(), code, text = std::string(reason)] {
        self->beginClose(code, text);
    });
}

void WebSocketConnection::abort() {
    if (!onLoop()) {
        _server->hub->post(_loop, [self = shared_from_this()] { self->abort(); });
        return;
    }
    if (!_connection) return;
    _state = State::Over;
    _connection->abort("aborted");
}

void WebSocketConnection::pauseReading(bool paused) {
    if (!onLoop()) {
        _server->hub->post(_loop,
                           [self = shared_from_this(), paused] { self->pauseReading(paused); });
        return;
    }
    if (_state == State::Open && _connection) _connection->pauseReading(paused);
}

std::size_t WebSocketConnection::queuedBytes() const {
    return _connection ? _connection->queuedBytes() : 0;
}

TimePoint WebSocketConnection::lastReceived() const {
    return _connection ? _connection->lastInput() : TimePoint();
}

}  // namespace socketio
