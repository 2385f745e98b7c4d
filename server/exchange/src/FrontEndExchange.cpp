#include "socketio/exchange/FrontEndExchange.h"

#include <algorithm>

#include "socketio/base/insist.h"

namespace socketio {

namespace {

/// Larger writes are cut, so that a single one cannot overrun the limit of the connection.
constexpr std::size_t kPieceBytes = 128 * 1024;

constexpr std::uint64_t kBodyReserve = 64 * 1024;

}  // namespace

FrontEndExchange::FrontEndExchange(Executor& executor, Executor::LoopId loop, Capabilities can,
                                   std::shared_ptr<ExchangeConnection> connection, Request request)
    : Exchange(executor, loop, can),
      _connection(std::move(connection)),
      _serial(request.serial),
      _streamBuffer(request.streamBuffer) {
    _environ = std::move(request.environ);
}

FrontEndExchange::~FrontEndExchange() {
    const Phase phase = _phase.load(std::memory_order_acquire);
    if (phase != Phase::Open && phase != Phase::Streaming) return;
    // Posted even on the loop: this may be in the middle of anything.
    insist([&] {
        executor().post(loop(), [connection = _connection, serial = _serial,
                                 started = phase == Phase::Streaming] {
            connection->dropped(serial, started);
        });
    });
}

void FrontEndExchange::reserveBody(std::uint64_t bytes) {
    _body.reserve(static_cast<std::size_t>(std::min(bytes, kBodyReserve)));
}

bool FrontEndExchange::advance(Phase from, Phase to) {
    return _phase.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

bool FrontEndExchange::finished() const {
    const Phase phase = _phase.load(std::memory_order_acquire);
    return phase == Phase::Answered || phase == Phase::Gone;
}

void FrontEndExchange::receiveBody(std::size_t limit, BodyCallback callback) {
    _connection->receiveBody(*this, limit, std::move(callback));
}

void FrontEndExchange::respond(Response response) {
    if (!advance(Phase::Open, Phase::Answered)) return;
    try {
        encodeAnswer(std::move(response), _head, _bodyFrame);
        if (!onLoop()) return deliver();
    } catch (...) {
        advance(Phase::Answered, Phase::Open);  // a smaller answer, or none, may follow
        throw;
    }
    deliver();
}

/// Has the loop send _head and _bodyFrame and take the answer as complete.
void FrontEndExchange::deliver() {
    if (onLoop())
        _connection->answer(*this);
    else
        executor().post(loop(), [self = self()] { self->_connection->answer(*self); });
}

void FrontEndExchange::start(int status, HeaderList headers) {
    // Two starts at once are a fault of the app, of which the second has to do no harm.
    if (!advance(Phase::Open, Phase::Starting)) return;
    StreamStart begun = encodeStart(status, headers);
    auto stream = std::make_unique<Stream>();
    stream->remaining = begun.length;
    stream->bodyless = begun.bodyless;
    {
        MutexLock lock(_mutex);
        _stream = std::move(stream);
        if (!advance(Phase::Starting, Phase::Streaming)) return;  // the client has gone
    }
    sendPiece(std::move(begun.head));
}

/// Queues bytes of a streamed answer.
void FrontEndExchange::sendPiece(std::string piece) {
    {
        MutexLock lock(_stream->mutex);
        _stream->unsent += piece.size() + kPieceCost;
    }
    SharedFrame frame(std::move(piece));
    if (onLoop())
        _connection->sendPiece(*this, std::move(frame));
    else
        executor().post(loop(), [self = self(), frame = std::move(frame)]() mutable {
            self->_connection->sendPiece(*self, std::move(frame));
        });
}

bool FrontEndExchange::write(std::string_view bytes) {
    if (_phase.load(std::memory_order_acquire) != Phase::Streaming) return false;
    if (_stream->bodyless) return true;
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
        sendPiece(encodePiece(part));
    }
    return true;
}

/// Waits while too much is queued; false when the client has gone.
bool FrontEndExchange::waitForRoom() {
    {
        MutexLock lock(_stream->mutex);
        if (_stream->unsent <= _streamBuffer) return true;
    }
    const BlockingScope blocking(executor());
    MutexLock lock(_stream->mutex);
    while (_stream->unsent > _streamBuffer && !_stream->over) _stream->drained.wait(_stream->mutex);
    return !_stream->over;
}

void FrontEndExchange::finish() {
    if (!advance(Phase::Streaming, Phase::Answered)) return;
    const bool whole =
        _stream->bodyless || _stream->remaining == kNoLength || _stream->remaining == 0;
    if (std::string end = encodeEnd(whole); !end.empty()) _head = SharedFrame(std::move(end));
    deliver();
}

void FrontEndExchange::whenWritable(Task task) {
    if (!_stream) return;
    Task replaced;  // destroyed without the lock
    {
        MutexLock lock(_stream->mutex);
        if (_stream->unsent > _streamBuffer && !_stream->over) {
            replaced = std::exchange(_stream->writable, std::move(task));
            return;
        }
    }
    runOnWorker(std::move(task));
}

void FrontEndExchange::runOnWorker(Task task) {
    if (!task) return;
    // Refused, it lets go of the answer, which breaks off.
    [[maybe_unused]] const bool taken = executor().runOnWorker(std::move(task));
}

void FrontEndExchange::onAbort(AbortCallback callback) {
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

bool FrontEndExchange::awaitsAbort() const {
    MutexLock lock(_mutex);
    return _abort != nullptr;
}

void FrontEndExchange::gone() {
    AbortCallback callback;
    Task writable;
    {
        MutexLock lock(_mutex);
        if (!advance(Phase::Open, Phase::Gone) && !advance(Phase::Starting, Phase::Gone) &&
            !advance(Phase::Streaming, Phase::Gone) &&
            _phase.load(std::memory_order_acquire) != Phase::Gone)
            return;
        callback.swap(_abort);
        if (_stream) {
            MutexLock streamLock(_stream->mutex);
            _stream->over = true;
            _stream->drained.notifyAll();
            writable = std::move(_stream->writable);
        }
    }
    runOnWorker(std::move(writable));
    neverSent();
    if (callback) callback();
}

bool FrontEndExchange::claim() { return advance(Phase::Open, Phase::Answered); }

void FrontEndExchange::onSent(std::function<void()> callback) {
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

bool FrontEndExchange::hasSentCallback() const {
    MutexLock lock(_mutex);
    return _sent != nullptr;
}

void FrontEndExchange::sent() {
    std::function<void()> callback;
    {
        MutexLock lock(_mutex);
        callback.swap(_sent);
    }
    if (callback) callback();
}

void FrontEndExchange::neverSent() {
    std::function<void()> callback;  // destroyed behind the lock
    MutexLock lock(_mutex);
    callback.swap(_sent);
}

void FrontEndExchange::streamDrained() {
    if (_stream->queued == 0) return;
    Task writable;
    {
        MutexLock lock(_stream->mutex);
        _stream->unsent -= std::exchange(_stream->queued, 0);
        _stream->drained.notifyAll();
        if (_stream->unsent <= _streamBuffer) writable = std::move(_stream->writable);
    }
    runOnWorker(std::move(writable));
}

}  // namespace socketio
