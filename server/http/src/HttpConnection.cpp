#include "HttpConnection.h"

#include <memory>
#include <utility>

#include "HttpEnviron.h"
#include "HttpExchange.h"
#include "ProxyPreface.h"
#include "WebSocketHandshake.h"

namespace socketio {

HttpConnection::HttpConnection(std::shared_ptr<HttpServerState> server, bool adopted)
    : HttpProtocol(std::move(server)), _adopted(adopted) {}

// -------------------------------------------------------------------------------------------------
// The connection's life

void HttpConnection::onOpen(Connection& connection) {
    _connection = &connection;
    _loop = _server->hub->currentLoop();
    enlist(_loop);
    // What came before the app was started is read when it has been: admit() follows.
    const bool open = _server->open.load(std::memory_order_acquire);
    if (!open) connection.pauseReading(true);
    if (_server->options.proxyProtocol && !_adopted) {
        if (!_server->options.trustedProxies.trusts(connection.endpoints().peerAddress)) {
            _server->counters.refused.fetch_add(1, std::memory_order_relaxed);
            connection.abort("no trusted proxy");
            return;
        }
        connection.expectPreface(std::make_unique<ProxyPreface>(*_server));
    } else if (!countAddress()) {
        return;
    }
    connection.setDisposable(true);
    if (_server->stopping)
        connection.setDeadline(now());
    else if (open)
        awaitFirstRequest();
}

/// False when its address has too many, and it has been closed.
bool HttpConnection::countAddress() {
    const HttpServerOptions& options = _server->options;
    const std::size_t most = options.limits.connectionsPerAddress;
    if (most == 0) return true;
    if (!options.trustedProxies.empty() &&
        options.trustedProxies.trusts(_connection->endpoints().peerAddress))
        return true;
    if (_connection->countAddress(most)) return true;
    _connection->abort("too many connections of its address");
    return false;
}

/// From accept, or from the end of the handshake of TLS, which has a deadline of its own.
void HttpConnection::awaitFirstRequest() {
    const HttpServerOptions& options = _server->options;
    if (options.tls && !_adopted && !_connection->tls())
        _connection->startTls(*options.tls, options.limits.handshakeTime);
    else
        _connection->setDeadline(now() + options.limits.headTime);
}

void HttpConnection::onSecured() { awaitFirstRequest(); }

std::string_view HttpConnection::plainHttpAnswer() const {
    return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Length: 30\r\nConnection: close\r\n\r\nThis port speaks only HTTPS.\r\n";
}

void HttpConnection::admit() {
    if (!_connection) return;
    awaitFirstRequest();
    _connection->pauseReading(false);
}

void HttpConnection::shutDown() {
    if (_connection && _state == State::Head) closeIdle("server shutting down");
    // Otherwise the answer closes it: HttpServerState::stopping is set.
}

void HttpConnection::cut() {
    if (_connection) _connection->abort("server shutting down");
}

void HttpConnection::onClosed(const char* /*detail*/) {
    if (!_connection) return;  // it could not be opened
    const auto self = shared_from_this();
    delist(_loop);
    _connection = nullptr;
    _state = State::Closing;
    _unsent.neverSent();
    loseExchange();
}

void HttpConnection::onEnd() {
    _peerEnded = true;
    if (!_answered) {
        if (const auto exchange = _exchange.lock()) exchange->setPeerEnded();
    }
    inputEnded();
}

/// The peer has ended its side, and all that it sent has been looked at or waits behind the request
/// in progress.
void HttpConnection::inputEnded() {
    switch (_state) {
        case State::Head:
            // What is pending beyond the beginning of a head has not been looked at yet.
            if (_headStarted || !(_throttled || _connection->hasPendingInput())) close();
            break;
        case State::Body:
            if (_connection->hasPendingInput() && !_inInput) break;
            loseExchange();
            close();
            break;
        case State::Waiting:
            if (const auto exchange = _exchange.lock(); exchange && exchange->awaitsAbort())
                abandon(_serial);
            break;
        case State::Skip:
        case State::Closing:
        case State::Upgraded:
            break;
    }
}

void HttpConnection::abandon(std::uint32_t serial) {
    if (!current(serial)) return;
    loseExchange();
    close();
}

void HttpConnection::onDeadline() {
    if (_state == State::Head) {
        if (!_headStarted) {
            // Before its first request that is the time of a head.
            _server->reached(_serial > 0 ? Limit::KeepAliveTime : Limit::HeadTime, [this] {
                return _connection->endpoints().peerAddress + " was closed: no request came";
            });
            closeIdle("idle");
            return;
        }
        _server->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
        refuse(408, "the head came too slowly", Limit::HeadTime);
        return;
    }
    if (_state != State::Body) return;
    const BodyPace pace = _server->options.limits.bodyPace();
    if (const auto next = pace.nextDeadline(_bodySince, now(), _collecting->bodyBuffer().size())) {
        _connection->setDeadline(*next);
        return;
    }
    _server->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
    refuseBody(408, "the body came too slowly", pace.limit(_bodySince, now()));
    finishBody(Exchange::BodyStatus::Incomplete);
}

void HttpConnection::onDrained() {
    _connection->setMaxOutput(_server->outboundLimit(0));  // queue() and begin() raise it
    if (_streaming && !_answered) {
        if (const auto exchange = _exchange.lock()) exchange->streamDrained();
    }
    _unsent.sent();
    if (_throttled) {
        _throttled = false;
        _connection->resumeInput();
    }
}

/// Sends what is queued and closes.
void HttpConnection::close() {
    _state = State::Closing;
    _connection->closeAfterFlush();
}

/// Nobody is in the middle of anything.
void HttpConnection::closeIdle(const char* detail) {
    _state = State::Closing;
    if (_connection->queuedBytes() > 0 || _connection->tls())  // which says goodbye
        _connection->closeAfterFlush();
    else
        _connection->abort(detail);
}

// -------------------------------------------------------------------------------------------------
// Input

std::size_t HttpConnection::onInput(char* bytes, std::size_t size) {
    const auto self = shared_from_this();  // an upgrade lets go of us
    _inInput = true;
    std::size_t used = 0;
    bool more = true;
    while (more) {
        const std::string_view rest(bytes + used, size - used);
        switch (_state) {
            case State::Head:
                used += readHead(rest, more);
                break;
            case State::Body:
                used += readBody(rest, more);
                break;
            case State::Skip:
                used += skipBody(rest, more);
                break;
            case State::Closing:
                used = size;
                more = false;
                break;
            case State::Waiting:
            case State::Upgraded:
                more = false;
                break;
        }
    }
    _inInput = false;
    if (_state == State::Head && !_throttled) {
        if (used == size) {
            awaitRequest();
        } else if (!_headStarted) {
            _headStarted = true;
            _connection->setDisposable(false);
            _connection->setDeadline(now() + _server->options.limits.headTime);
        }
    }
    if (_peerEnded && (_state == State::Head || _state == State::Body) && !_throttled) {
        if (_state == State::Body) loseExchange();
        close();
    }
    return used;
}

std::size_t HttpConnection::readHead(std::string_view rest, bool& more) {
    more = false;
    if (rest.empty()) return 0;
    if (_connection->queuedCost() > kQueuedAnswers) {
        _throttled = true;
        return 0;
    }
    // Used only until the app is called; its vector keeps its room from request to request.
    thread_local HttpRequestHead head;
    std::size_t size = 0;
    switch (head.parse(rest, size, _scanned, _server->options.limits.head)) {
        case HttpRequestHead::Status::Incomplete:
            return 0;
        case HttpRequestHead::Status::Bad:
            _form = {};
            refuse(head.errorStatus, head.error, head.reached);
            break;
        case HttpRequestHead::Status::Complete:
            _behind = rest.substr(size);
            begin(head, size);
            _behind = {};
            break;
    }
    more = true;
    return size;
}

void HttpConnection::begin(const HttpRequestHead& head, std::size_t headSize) {
    const HttpLimits& limits = _server->options.limits;
    _connection->clearDeadline();
    _connection->setDisposable(false);
    _connection->makeRoom(_server->outboundLimit(0));
    _headStarted = false;
    _scanned = 0;

    ++_serial;
    _state = State::Waiting;
    _answered = false;
    _streaming = false;
    _chunked = head.chunked;
    _bodyLeft = head.contentLength.value_or(0);
    _bodyRefused = false;
    _expectContinue = head.expectContinue;
    _exchange.reset();
    _form = {};
    _form.head = head.method == "HEAD";
    _form.http10 = head.minorVersion == 0;
    _form.close = !head.keepAlive || _serial >= limits.keepAliveRequests;
    if (_serial == limits.keepAliveRequests && head.keepAlive)
        _server->reached(Limit::KeepAliveRequests, "a connection has had its last request");
    if (_server->options.proxyProtocol && _serial == 1 && !_adopted && !countAddress()) return;

    if (head.method == "TRACE" || head.method == "CONNECT") {
        refuse(405, "method");
        return;
    }
    if (head.upgradeWebSocket) {
        if (const int status = judgeWebSocketHandshake(head); status != 101) {
            refuse(status, "WebSocket handshake");
            return;
        }
    }
    HttpExchange::Request request;
    request.serial = _serial;
    request.form = _form;
    request.bodyDone = !_chunked && _bodyLeft <= _behind.size();
    request.webSocket = head.upgradeWebSocket;
    if (!_endpoints) _endpoints = std::make_unique<Endpoints>(_connection->endpoints());
    const auto exchange = std::make_shared<HttpExchange>(
        shared_from_this(), *_server, _loop, request,
        makeHttpEnviron(head, headSize, *_endpoints, _connection->tls(), _server->options));
    _exchange = exchange;
    if (_peerEnded) exchange->setPeerEnded();
    _server->counters.requests.fetch_add(1, std::memory_order_relaxed);
    beginGuarded(*_server->app, exchange, httpLog());
}

/// The request in progress has been answered; on to the next.
void HttpConnection::nextRequest() {
    _state = State::Head;
    _streaming = false;
    _exchange.reset();
    if (_inInput) return;
    if (_connection->hasPendingInput())
        _connection->resumeInput();
    else if (_peerEnded)
        close();
    else
        awaitRequest();
}

/// Between requests.
void HttpConnection::awaitRequest() {
    if (_server->stopping.load(std::memory_order_relaxed)) {
        close();
        return;
    }
    _connection->setDisposable(true);
    _connection->setDeadline(now() + _server->options.limits.keepAliveTime);
}

}  // namespace socketio
