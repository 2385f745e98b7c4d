#include "HttpConnection.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"
#include "socketio/protocol/ProxyProtocol.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "HttpAnswer.h"
#include "HttpExchange.h"
#include "WebSocketConnection.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

/// Answers may pile up to this before the next pipelined request is read.
constexpr std::size_t kQueuedAnswers = 256 * 1024;
/// Room for what is announced; a longer body grows as it comes.
constexpr std::size_t kBodyReserve = 64 * 1024;

/// A number as the environ shows it.
class Digits {
public:
    explicit Digits(std::uint64_t number)
        : _end(std::to_chars(_text, _text + sizeof _text, number).ptr) {}
    operator std::string_view() const { return {_text, static_cast<std::size_t>(_end - _text)}; }

private:
    char _text[20];
    char* _end;
};

/// The one field of that name; nullptr when there is none or more than one.
const HttpRequestHead::Field* single(const HttpRequestHead& head, std::string_view name) {
    const HttpRequestHead::Field* found = nullptr;
    for (const HttpRequestHead::Field& field : head.fields) {
        if (!equalsIgnoreCase(field.name, name)) continue;
        if (found) return nullptr;
        found = &field;
    }
    return found;
}

/// Judges a request for `Upgrade: websocket` (RFC 6455 §4.2.1): 101, or the status to refuse with.
int judgeHandshake(const HttpRequestHead& head) {
    const auto* const version = single(head, "Sec-WebSocket-Version");
    const auto* const key = single(head, "Sec-WebSocket-Key");
    const auto* const upgrade = single(head, "Upgrade");
    if (head.method != "GET") return 400;
    if (!version || version->value != "13") return 426;
    if (!key || !isWebSocketKey(key->value)) return 400;
    // Who offers a choice of protocols, or wants to close as well, does not mean it.
    if (!upgrade || !equalsIgnoreCase(upgrade->value, "websocket")) return 400;
    if (!head.upgrade || !head.keepAlive) return 400;
    if (head.chunked || head.contentLength.value_or(0) > 0) return 400;
    return 101;
}

const Log& logger() {
    static const Log log("socketio.http");
    return log;
}

/// The variables of TLS, as Apache's mod_ssl names and writes them.
void describeTls(const TlsTransport& tls, Environ& environ) {
    environ.set("HTTPS", "on");
    environ.set("SSL_PROTOCOL", tls.version());
    environ.set("SSL_CIPHER", tls.cipher());
    environ.set("SSL_CIPHER_USEKEYSIZE", Digits(static_cast<std::uint64_t>(tls.cipherBits())));
    if (tls.resumed()) environ.set("SSL_SESSION_RESUMED", "Resumed");
    if (!tls.serverName().empty()) environ.set("SSL_TLS_SNI", tls.serverName());
    if (!tls.hasClientCertificate()) return;
    environ.set("SSL_CLIENT_VERIFY", "SUCCESS");
    environ.set("SSL_CLIENT_S_DN", tls.clientSubject());
    environ.set("SSL_CLIENT_I_DN", tls.clientIssuer());
    environ.set("SSL_CLIENT_M_SERIAL", tls.clientSerial());
}

/// The PROXY header that a trusted proxy begins with.
class ProxyPreface final : public ConnectionPreface {
public:
    explicit ProxyPreface(HttpServerState& server) : _server(server) {}

    Status read(std::string_view bytes, std::size_t& size, Endpoints& endpoints) override {
        ProxyHeader header;
        switch (header.parse(bytes, size)) {
            case ProxyHeader::Status::Incomplete:
                return Status::Incomplete;
            case ProxyHeader::Status::Bad:
                _server.counters.refused.fetch_add(1, std::memory_order_relaxed);
                if (logger().debug())
                    logger().debug("closed a connection from " + endpoints.peerAddress + ": " +
                                   header.error);
                return Status::Refused;
            case ProxyHeader::Status::Complete:
                break;
        }
        endpoints.secureAtProxy = header.secure;
        if (header.proxied) {
            endpoints.peerAddress = std::move(header.sourceAddress);
            endpoints.peerPort = header.sourcePort;
            endpoints.localAddress = std::move(header.destinationAddress);
            endpoints.localPort = header.destinationPort;
        }
        return Status::Complete;
    }

private:
    HttpServerState& _server;  // of the connection, which holds it
};

/// Speaks on a connection that is about to leave: waits until earlier answers have gone.
class LeavingConnection final : public ConnectionProtocol,
                                public std::enable_shared_from_this<LeavingConnection> {
public:
    LeavingConnection(HttpServerState& server, Exchange::DetachCallback callback)
        : _hub(*server.hub), _callback(std::move(callback)) {}

    void onOpen(Connection& connection) override {
        _connection = &connection;
        connection.pauseReading(true);
        // Not at once: what came behind the request is still on its way to us.
        _hub.post(_hub.currentLoop(), [self = shared_from_this()] { self->leave(); });
    }
    std::size_t onInput(char*, std::size_t) override { return 0; }
    void onEnd() override {}
    void onDrained() override { leave(); }
    void onClosed(const char*) override {
        _connection = nullptr;
        _callback = nullptr;
    }

private:
    void leave() {
        if (!_connection || _connection->queuedBytes() > 0) return;
        std::string input;
        DetachedConnection detached(std::exchange(_connection, nullptr)->detach(input));
        detached.input = std::move(input);
        const auto callback = std::exchange(_callback, nullptr);
        if (callback && detached.descriptor() >= 0) callback(std::move(detached));
    }

    Hub& _hub;
    Exchange::DetachCallback _callback;
    Connection* _connection = nullptr;
};

}  // namespace

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
    }
    connection.setDisposable(true);
    if (_server->stopping)
        connection.setDeadline(now());
    else if (open)
        awaitFirstRequest();
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
    for (const auto& exchange : std::exchange(_unsent, {})) exchange->neverSent();
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
            closeIdle("idle");
            return;
        }
        _server->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
        refuse(408, "the head came too slowly");
        return;
    }
    if (_state != State::Body) return;
    const BodyPace pace = _server->options.limits.bodyPace();
    if (const auto next = pace.nextDeadline(_bodySince, now(), _collecting->bodyBuffer().size())) {
        _connection->setDeadline(*next);
        return;
    }
    _server->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
    refuseBody(408, "the body came too slowly");
    finishBody(Exchange::BodyStatus::Incomplete);
}

void HttpConnection::onDrained() {
    if (_limitRaised) {
        _limitRaised = false;
        _connection->setMaxOutput(_server->outboundLimit(0));
    }
    if (_streaming && !_answered) {
        if (const auto exchange = _exchange.lock()) exchange->streamDrained();
    }
    if (!_unsent.empty()) {
        const auto sent = std::exchange(_unsent, {});
        for (const auto& exchange : sent) exchange->sent();
    }
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

void HttpConnection::queue(SharedFrame frame) {
    // The app holds a large answer in memory anyhow; the limit is for answers that pile up, which
    // kQueuedAnswers prevents.
    const std::size_t total = _connection->queuedBytes() + frame.size();
    if (total > _server->outboundLimit(0)) {
        _limitRaised = true;
        _connection->setMaxOutput(total);
    }
    _connection->send(std::move(frame));
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
    if (_connection->queuedBytes() > kQueuedAnswers) {
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
            refuse(head.errorStatus, head.error);
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

    if (head.method == "TRACE" || head.method == "CONNECT") {
        refuse(405, "method");
        return;
    }
    if (head.upgradeWebSocket) {
        if (const int status = judgeHandshake(head); status != 101) {
            refuse(status, "WebSocket handshake");
            return;
        }
    }
    HttpExchange::Request request;
    request.serial = _serial;
    request.form = _form;
    request.bodyDone = !_chunked && _bodyLeft <= _behind.size();
    request.webSocket = head.upgradeWebSocket;
    request.detachable = !_connection->tls();
    const auto exchange = std::make_shared<HttpExchange>(shared_from_this(), *_server, _loop,
                                                         request, makeEnviron(head, headSize));
    _exchange = exchange;
    if (_peerEnded) exchange->setPeerEnded();
    _server->counters.requests.fetch_add(1, std::memory_order_relaxed);
    beginGuarded(*_server->app, exchange, logger());
}

std::shared_ptr<const Environ> HttpConnection::makeEnviron(const HttpRequestHead& head,
                                                           std::size_t headSize) {
    constexpr std::size_t kNames = 384;  // the names and lengths of what is set here
    if (!_endpoints) _endpoints = std::make_unique<Endpoints>(_connection->endpoints());
    const auto environ = std::make_shared<Environ>();
    environ->reserve(headSize + head.target.size() + head.fields.size() * 8 + kNames);
    environ->set("REQUEST_METHOD", head.method);
    environ->set("SCRIPT_NAME", "");
    if (head.path.find('%') == std::string_view::npos)
        environ->set("PATH_INFO", head.path);
    else
        environ->set("PATH_INFO", percentDecode(head.path));
    environ->set("QUERY_STRING", head.query);
    environ->set("REQUEST_URI", head.target);
    environ->set("SERVER_PROTOCOL", head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1");
    environ->set("GATEWAY_INTERFACE", "CGI/1.1");
    if (!head.host.empty())
        environ->set("SERVER_NAME", httpHostName(head.host));
    else if (!_server->options.serverName.empty())
        environ->set("SERVER_NAME", _server->options.serverName);
    else
        environ->set("SERVER_NAME", _endpoints->localAddress);
    environ->set("SERVER_ADDR", _endpoints->localAddress);
    environ->set("SERVER_PORT", Digits(_endpoints->localPort));
    environ->set("REMOTE_ADDR", _endpoints->peerAddress);
    environ->set("REMOTE_PORT", Digits(_endpoints->peerPort));
    for (const HttpRequestHead::Field& field : head.fields)
        environ->addHeader(field.name, field.value);
    if (_endpoints->secureAtProxy) environ->set("HTTPS", "on");
    if (const TlsTransport* const tls = _connection->tls()) describeTls(*tls, *environ);
    _server->options.trustedProxies.apply(*environ);
    return environ;
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

/// Refuses what the peer sent, or tells it about our own fault; nothing more is read.
void HttpConnection::refuse(int status, const char* why) {
    if (status < 500 || status == 501 || status == 505)
        _server->counters.refused.fetch_add(1, std::memory_order_relaxed);
    const std::string line = "answered " + std::to_string(status) + " and closed: " + why;
    if (logger().debug())
        logger().debug(line);
    else if (const auto leftOut = _server->refusals.pass(_server->hub->clock().now()))
        logger().warning(line + LogThrottle::more(*leftOut));
    const Response response = Response::refusal(status);
    _answered = true;
    _form.close = true;
    std::string out;
    appendHead(out, status, response.headers, response.body.size(), _form);
    if (!_form.head) out.append(response.body);
    queue(SharedFrame(std::move(out)));
    close();
}

// -------------------------------------------------------------------------------------------------
// Bodies

void HttpConnection::receiveBody(FrontEndExchange& exchange, std::size_t limit,
                                 Exchange::BodyCallback callback) {
    if (!current(exchange.serial()) || _state != State::Waiting) {
        callback(Exchange::BodyStatus::Incomplete);
        return;
    }
    if (!_chunked && _bodyLeft == 0) {
        callback(Exchange::BodyStatus::Complete);
        return;
    }
    if (_bodyRefused || (!_chunked && _bodyLeft > limit)) {
        callback(Exchange::BodyStatus::TooLarge);
        return;
    }
    _state = State::Body;
    _bodyLimit = limit;
    _bodyCallback = std::move(callback);
    _collecting = std::static_pointer_cast<HttpExchange>(exchange.shared_from_this());
    if (_chunked)
        _chunks = std::make_unique<ChunkedDecoder>();
    else
        exchange.bodyBuffer().reserve(
            static_cast<std::size_t>(std::min<std::uint64_t>(_bodyLeft, kBodyReserve)));
    const bool begun = _inInput ? !_behind.empty() : _connection->hasPendingInput();
    if (_expectContinue && !begun) {
        std::string interim;
        appendStatusLine(interim, 100, reasonPhrase(100));
        queue(SharedFrame(interim.append("\r\n")));
    }
    _bodySince = now();
    _connection->setDeadline(_server->options.limits.bodyPace().firstDeadline(_bodySince));
    if (_inInput) return;
    if (_connection->hasPendingInput())
        _connection->resumeInput();
    else if (_peerEnded)
        inputEnded();
}

std::size_t HttpConnection::readBody(std::string_view rest, bool& more) {
    if (rest.empty()) {
        more = false;
        return 0;
    }
    std::string& body = _collecting->bodyBuffer();
    if (!_chunked) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(_bodyLeft, rest.size()));
        body.append(rest.substr(0, size));
        _bodyLeft -= size;
        if (_bodyLeft == 0) finishBody(Exchange::BodyStatus::Complete);
        return size;
    }
    std::size_t consumed = 0;
    switch (_chunks->decode(rest, consumed, body, _bodyLimit)) {
        case ChunkedDecoder::Status::More:
            more = false;
            break;
        case ChunkedDecoder::Status::Done:
            _chunked = false;
            finishBody(Exchange::BodyStatus::Complete);
            break;
        case ChunkedDecoder::Status::Bad:
            if (_chunks->tooLarge()) {
                _bodyRefused = true;
                finishBody(Exchange::BodyStatus::TooLarge);
                break;
            }
            refuseBody(400, _chunks->error());
            finishBody(Exchange::BodyStatus::Invalid);
            break;
    }
    return consumed;
}

/// Answers a bad body in place of the app, unless the app has begun to.
void HttpConnection::refuseBody(int status, const char* why) {
    const auto exchange = _collecting;
    if (!_streaming && exchange->claim()) {
        refuse(status, why);
    } else if (!exchange->finished()) {  // in the middle of its answer
        loseExchange();
        close();
    }
    // Otherwise its answer is on the way and closes the connection.
}

/// Ends the collecting of the body and tells the app.
void HttpConnection::finishBody(Exchange::BodyStatus status) {
    const auto exchange = std::move(_collecting);
    const auto callback = std::move(_bodyCallback);
    _collecting = nullptr;
    _bodyCallback = nullptr;
    _chunks.reset();
    if (_state == State::Body) {
        _state = State::Waiting;
        _connection->clearDeadline();
    }
    if (status == Exchange::BodyStatus::Complete) exchange->bodyComplete();
    if (callback) callback(status);
}

std::size_t HttpConnection::skipBody(std::string_view rest, bool& more) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(_bodyLeft, rest.size()));
    _bodyLeft -= size;
    if (_bodyLeft == 0)
        nextRequest();
    else
        more = false;
    return size;
}

// -------------------------------------------------------------------------------------------------
// Answers

void HttpConnection::answer(FrontEndExchange& exchange) {
    if (!current(exchange.serial())) {
        exchange.neverSent();
        return;
    }
    SharedFrame head = exchange.takeHead(), body = exchange.takeBodyFrame();
    queue(std::move(head));
    queue(std::move(body));
    _answered = true;
    exchange.setDelivered();
    if (exchange.hasSentCallback())
        _unsent.push_back(std::static_pointer_cast<FrontEndExchange>(exchange.shared_from_this()));

    if (static_cast<HttpExchange&>(exchange).closes()) {
        close();
    } else if (_bodyLeft > 0) {
        _state = State::Skip;
        if (!_inInput) _connection->resumeInput();
    } else {
        nextRequest();
    }
    if (_collecting) finishBody(Exchange::BodyStatus::Incomplete);  // answered in the middle of it
}

void HttpConnection::sendPiece(FrontEndExchange& exchange, SharedFrame piece) {
    if (!current(exchange.serial())) return;
    _streaming = true;
    exchange.streamQueued(piece.size());
    _connection->send(std::move(piece));
}

void HttpConnection::dropped(std::uint32_t serial, bool started) {
    if (!current(serial)) return;
    _server->counters.dropped.fetch_add(1, std::memory_order_relaxed);
    if (started) {
        logger().error("an answer was begun and not finished; its connection is closed");
        _answered = true;
        _state = State::Closing;
        _connection->abort("unfinished answer");
        return;
    }
    logger().error("a request was let go without an answer; answered 500");
    refuse(500, "no answer");
}

void HttpConnection::watchSent(const std::shared_ptr<FrontEndExchange>& exchange) {
    if (!exchange->delivered()) return;  // answer() is on its way
    if (!_connection)
        exchange->neverSent();
    else if (_connection->queuedBytes() == 0)
        exchange->sent();
    else
        _unsent.push_back(exchange);
}

/// Nobody is left who could be answered.
void HttpConnection::loseExchange() {
    if (_answered) return;
    _answered = true;
    const auto exchange = _exchange.lock();
    if (exchange) exchange->gone();
    if (_collecting) finishBody(Exchange::BodyStatus::Incomplete);
}

std::shared_ptr<WebSocketConnection> HttpConnection::upgrade(HttpExchange& exchange,
                                                             const WebSocketOptions& options,
                                                             const HeaderList& headers) {
    const Executor::LoopId target = options.loop == Executor::kNoLoop ? _loop : options.loop;
    if (!current(exchange.serial())) return WebSocketConnection::lost(_server, target);
    const auto self = shared_from_this();
    std::string out;
    appendStatusLine(out, 101, reasonPhrase(101));
    out.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    out.append(webSocketAcceptKey(exchange.environ().get("HTTP_SEC_WEBSOCKET_KEY")));
    out.append("\r\n");
    for (const HeaderList::Field& field : headers) {
        bool ours = false;
        for (const std::string_view name : {"Upgrade", "Connection", "Sec-WebSocket-Accept",
                                            "Content-Length", "Transfer-Encoding"})
            ours = ours || equalsIgnoreCase(field.name, name);
        if (!ours) out.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    queue(SharedFrame(out.append("\r\n")));

    _answered = true;
    exchange.setDelivered();
    _state = State::Upgraded;
    _connection->setMaxOutput(options.maxOutboundBytes > 0
                                  ? options.maxOutboundBytes
                                  : _server->outboundLimit(options.maxMessageBytes));
    auto channel = std::make_shared<WebSocketConnection>(_server, target, options.maxMessageBytes);
    std::optional<std::string_view> unused;
    if (_inInput) unused = _behind;
    if (!_connection->moveTo(target, channel, unused))
        return WebSocketConnection::lost(_server, target);  // onClosed() follows
    _connection = nullptr;
    delist(_loop);
    _server->counters.upgrades.fetch_add(1, std::memory_order_relaxed);
    if (_peerEnded) _server->hub->post(target, [channel] { channel->onEnd(); });
    return channel;
}

void HttpConnection::detach(HttpExchange& exchange, Exchange::DetachCallback callback) {
    if (!current(exchange.serial())) return;
    const auto self = shared_from_this();
    _answered = true;
    exchange.setDelivered();
    _state = State::Upgraded;
    for (const auto& answered : std::exchange(_unsent, {})) answered->neverSent();
    Connection& connection = *std::exchange(_connection, nullptr);
    connection.setProtocol(std::make_shared<LeavingConnection>(*_server, std::move(callback)));
    delist(_loop);
}

}  // namespace socketio
