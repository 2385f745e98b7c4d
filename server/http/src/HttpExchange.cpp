#include "HttpExchange.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <Poco/Bugcheck.h>

#include "HttpConnection.h"
#include "HttpServerState.h"
#include "WebSocketConnection.h"

namespace socketio {

namespace {

/// A body up to this size is copied behind its head, so that the answer is one allocation.
constexpr std::size_t kCopiedBody = 16 * 1024;
constexpr std::size_t kHeadReserve = 256;
/// Larger writes are cut, so that a single one cannot overrun the limit of the connection.
constexpr std::size_t kPieceBytes = 128 * 1024;

}  // namespace

HttpExchange::HttpExchange(std::shared_ptr<HttpConnection> connection, HttpServerState& server,
                           Executor::LoopId loop, const Request& request,
                           std::shared_ptr<const Environ> environ)
    : Exchange(*server.hub, loop, {.upgrade = true, .stream = true}),
      _connection(std::move(connection)),
      _serial(request.serial),
      _form(request.form),
      _webSocket(request.webSocket),
      _bodyDone(request.bodyDone) {
    _environ = std::move(environ);
}

HttpExchange::~HttpExchange() {
    const Phase phase = _phase.load(std::memory_order_acquire);
    if (phase != Phase::Open && phase != Phase::Streaming) return;
    // Posted even on the loop: this may be in the middle of anything.
    executor().post(
        loop(), [connection = _connection, serial = _serial, started = phase == Phase::Streaming] {
            connection->dropped(serial, started);
        });
}

HttpServerState& HttpExchange::server() const { return _connection->server(); }

bool HttpExchange::advance(Phase from, Phase to) {
    return _phase.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

bool HttpExchange::finished() const {
    const Phase phase = _phase.load(std::memory_order_acquire);
    return phase == Phase::Answered || phase == Phase::Gone;
}

void HttpExchange::receiveBody(std::size_t limit, BodyCallback callback) {
    _connection->receiveBody(*this, limit, std::move(callback));
}

void HttpExchange::respond(Response response) {
    if (!advance(Phase::Open, Phase::Answered)) return;
    const int status = answerableStatus(response.status);
    const bool bodyless = _form.head || isBodyless(status);
    _form.close = _form.close || !_bodyDone.load(std::memory_order_acquire) ||
                  server().stopping.load(std::memory_order_relaxed);
    std::string out;
    const bool copied = !bodyless && response.body.size() <= kCopiedBody;
    out.reserve(kHeadReserve + (copied ? response.body.size() : 0));
    appendHead(out, status, response.headers, response.body.size(), _form);
    if (copied)
        out.append(response.body);
    else if (!bodyless)
        _bodyFrame = SharedFrame(std::move(response.body));
    _head = SharedFrame(std::move(out));
    deliver();
}

/// Has the loop send _head and _bodyFrame and take the answer as complete.
void HttpExchange::deliver() {
    if (onLoop())
        _connection->answer(*this);
    else
        executor().post(loop(), [self = self()] { self->_connection->answer(*self); });
}

void HttpExchange::start(int status, HeaderList headers) {
    // The stream is made before others can see the phase; two starts at once are a fault of the
    // app, of which the second has to do no harm.
    if (_phase.load(std::memory_order_acquire) != Phase::Open) return;
    auto stream = std::make_unique<Stream>();
    AnswerForm form = _form;
    form.close = form.close || !_bodyDone.load(std::memory_order_acquire) ||
                 server().stopping.load(std::memory_order_relaxed);
    std::string out;
    out.reserve(kHeadReserve);
    stream->remaining = appendStreamHead(out, answerableStatus(status), headers, form);
    {
        MutexLock lock(_mutex);
        if (!advance(Phase::Open, Phase::Streaming)) return;
        _stream = std::move(stream);
        _form = form;
    }
    sendPiece(std::move(out));
}

/// Queues bytes of a streamed answer.
void HttpExchange::sendPiece(std::string piece) {
    {
        MutexLock lock(_stream->mutex);
        _stream->unsent += piece.size();
    }
    SharedFrame frame(std::move(piece));
    if (onLoop())
        _connection->sendPiece(*this, std::move(frame));
    else
        executor().post(loop(), [self = self(), frame = std::move(frame)]() mutable {
            self->_connection->sendPiece(*self, std::move(frame));
        });
}

bool HttpExchange::write(std::string_view bytes) {
    if (_phase.load(std::memory_order_acquire) != Phase::Streaming) return false;
    if (_form.bodyless) return true;
    if (_stream->remaining != kNoLength) {
        // More than was announced would be read as the next answer.
        bytes = bytes.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), _stream->remaining)));
        _stream->remaining -= bytes.size();
    }
    const bool mayWait = executor().currentLoop() == Executor::kNoLoop;
    while (!bytes.empty()) {
        if (mayWait && !waitForRoom()) return false;
        const std::string_view part = bytes.substr(0, kPieceBytes);
        bytes.remove_prefix(part.size());
        std::string piece;
        if (_form.chunked) {
            char size[16];
            const auto end = std::to_chars(size, size + sizeof size, part.size(), 16).ptr;
            piece.reserve(part.size() + 20);
            piece.append(size, end).append("\r\n").append(part).append("\r\n");
        } else {
            piece.assign(part);
        }
        sendPiece(std::move(piece));
    }
    return true;
}

/// Waits while too much is queued; false when the client has gone.
bool HttpExchange::waitForRoom() {
    const std::size_t limit = server().options.limits.streamBuffer;
    {
        MutexLock lock(_stream->mutex);
        if (_stream->unsent <= limit) return true;
    }
    const BlockingScope blocking(executor());
    MutexLock lock(_stream->mutex);
    while (_stream->unsent > limit && !_stream->over) _stream->drained.wait(_stream->mutex);
    return !_stream->over;
}

void HttpExchange::finish() {
    if (!advance(Phase::Streaming, Phase::Answered)) return;
    if (_form.chunked) {
        _head = SharedFrame(std::string("0\r\n\r\n"));
    } else if (!_form.bodyless && _stream->remaining != kNoLength && _stream->remaining > 0) {
        _form.close = true;  // shorter than announced: the end of the connection tells
    }
    deliver();
}

void HttpExchange::onAbort(AbortCallback callback) {
    const bool wanted = callback != nullptr;
    {
        MutexLock lock(_mutex);
        _abort.swap(callback);  // what was there before is destroyed without the lock
    }
    if (!wanted) return;
    if (_phase.load(std::memory_order_acquire) == Phase::Gone)
        executor().post(loop(), [self = self()] { self->gone(); });
    else if (_peerEnded)
        executor().post(loop(), [self = self()] { self->_connection->abandon(self->_serial); });
}

bool HttpExchange::awaitsAbort() const {
    MutexLock lock(_mutex);
    return _abort != nullptr;
}

void HttpExchange::gone() {
    if (!advance(Phase::Open, Phase::Gone) && !advance(Phase::Streaming, Phase::Gone) &&
        _phase.load(std::memory_order_acquire) != Phase::Gone)
        return;
    AbortCallback callback;
    {
        MutexLock lock(_mutex);
        callback.swap(_abort);
        if (_stream) {
            MutexLock streamLock(_stream->mutex);
            _stream->over = true;
            _stream->drained.notifyAll();
        }
    }
    neverSent();
    if (callback) callback();
}

bool HttpExchange::claim() { return advance(Phase::Open, Phase::Answered); }

void HttpExchange::onSent(std::function<void()> callback) {
    const bool wanted = callback != nullptr;
    {
        MutexLock lock(_mutex);
        _sent.swap(callback);
    }
    if (!wanted) return;
    const Phase phase = _phase.load(std::memory_order_acquire);
    if (phase == Phase::Gone)
        neverSent();
    else if (phase == Phase::Answered)  // before that answer() will look for the callback
        executor().post(loop(), [self = self()] { self->_connection->watchSent(self); });
}

bool HttpExchange::hasSentCallback() const {
    MutexLock lock(_mutex);
    return _sent != nullptr;
}

void HttpExchange::sent() {
    std::function<void()> callback;
    {
        MutexLock lock(_mutex);
        callback.swap(_sent);
    }
    if (callback) callback();
}

void HttpExchange::neverSent() {
    std::function<void()> callback;  // destroyed behind the lock
    MutexLock lock(_mutex);
    callback.swap(_sent);
}

void HttpExchange::streamDrained() {
    if (_stream->queued == 0) return;
    MutexLock lock(_stream->mutex);
    _stream->unsent -= std::exchange(_stream->queued, 0);
    _stream->drained.notifyAll();
}

std::shared_ptr<WebSocketChannel> HttpExchange::upgrade(std::size_t maxMessageBytes,
                                                        const HeaderList& headers) {
    poco_assert(_webSocket && onLoop());
    if (!advance(Phase::Open, Phase::Answered))
        return WebSocketConnection::lost(_connection->sharedServer(), loop());
    return _connection->upgrade(*this, maxMessageBytes, headers);
}

}  // namespace socketio
