#include "socketio/net/Connection.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

#include "socketio/base/AddressKey.h"
#include "socketio/base/Log.h"
#include "socketio/net/LoopContext.h"
#include "socketio/net/TlsContext.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLingerTime = 2s;
// As much as a proxy may be in the middle of sending: it takes a reset for a failed server, and the
// answer is lost (nginx: 502).
constexpr std::size_t kLingerBytes = 1024 * 1024;
constexpr int kPartsPerSend = 64;

/// Encrypted for one send: what the kernel does not take is kept beside the queue.
constexpr std::size_t kEncryptBytes = 64 * 1024;
/// What a TLS peer may have us say (alerts, key updates) without reading it.
constexpr std::size_t kUnsentRecords = 256 * 1024;

const Log& logger() {
    static const Log log("socketio.net");
    return log;
}

void describe(const sockaddr_storage& storage, std::string& address, std::uint16_t& port) {
    char text[INET6_ADDRSTRLEN] = {};
    if (storage.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
        port = ntohs(in.sin_port);
    } else if (storage.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
        if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr))  // an IPv4 client of a dual-stack listener
            ::inet_ntop(AF_INET, &in.sin6_addr.s6_addr[12], text, sizeof text);
        else
            ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
        port = ntohs(in.sin6_port);
    }
    address = text;
}

}  // namespace

Connection::Connection(LoopContext& loop, int descriptor,
                       std::shared_ptr<ConnectionProtocol> protocol, const Limits& limits)
    : _loop(loop),
      _protocol(std::move(protocol)),
      _outbound(largestOutbound, this),
      _deadline(deadlineReached, this),
      _stall(stalled, this),
      _limits(limits),
      _descriptor(descriptor) {
    // What is left unused has to fit into the read buffer, with room for more.
    _limits.maxPendingInput = std::min(_limits.maxPendingInput, LoopContext::kReadBufferBytes / 2);
}

Connection::Connection(LoopContext& loop, Connection& from,
                       std::shared_ptr<ConnectionProtocol> protocol)
    : _loop(loop),
      _protocol(std::move(protocol)),
      _out(std::move(from._out)),
      _outbound(largestOutbound, this),
      _tls(std::move(from._tls)),
      _input(std::move(from._input)),
      _endpoints(std::move(from._endpoints)),
      _deadline(deadlineReached, this),
      _stall(stalled, this),
      _limits(from._limits),
      _addressKey(std::exchange(from._addressKey, 0)),
      _lastInput(from._lastInput),
      _descriptor(std::exchange(from._descriptor, -1)),
      _readingPaused(from._readingPaused),
      _peerEnded(from._peerEnded),
      _outputEnded(from._outputEnded),
      _endHeld(from._endHeld),
      _needed(true) {}

Connection::~Connection() {
    if (_descriptor >= 0) ::close(_descriptor);
    if (_addressKey != 0) _loop.hub().addresses().giveBack(_addressKey);
}

bool Connection::countAddress(std::size_t most) {
    const std::string address = endpoints().peerAddress;
    const auto key = addressKey(address);
    if (!key || _addressKey != 0) return true;
    if (!_loop.hub().addresses().take(*key, most)) {
        reached(Limit::ConnectionsPerAddress,
                [&] { return "a connection was refused: " + address + " has enough of them"; });
        return false;
    }
    _addressKey = *key;
    return true;
}

template <class What>
void Connection::reached(Limit limit, const What& what) {
    _loop.hub().limits().reached(limit, logger(), _loop.timers().now(), what);
}

// The share of the loop hears of what the kernel has not taken at once, and of no other message.
void Connection::tellOutbound() {
    const std::size_t bytes = _out.cost() + (_tls ? _tls->unsent.size() : 0);
    if (bytes != _outbound.bytes()) _loop.hub().outbound(_loop.id()).set(_outbound, bytes);
}

void Connection::forgetOutbound() {
    if (_outbound.bytes() != 0) _loop.hub().outbound(_loop.id()).set(_outbound, 0);
}

void Connection::largestOutbound(void* self) {
    static_cast<Connection*>(self)->abort("outbound limit");
}

Endpoints Connection::endpoints() const { return _endpoints ? *_endpoints : socketEndpoints(); }

void Connection::preset(std::string input, std::unique_ptr<Endpoints> endpoints) {
    _input = std::move(input);
    _endpoints = std::move(endpoints);
}

Endpoints Connection::socketEndpoints() const {
    Endpoints endpoints;
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    if (::getpeername(_descriptor, reinterpret_cast<sockaddr*>(&storage), &length) == 0)
        describe(storage, endpoints.peerAddress, endpoints.peerPort);
    length = sizeof storage;
    storage = {};
    if (::getsockname(_descriptor, reinterpret_cast<sockaddr*>(&storage), &length) == 0)
        describe(storage, endpoints.localAddress, endpoints.localPort);
    return endpoints;
}

void Connection::expectPreface(std::unique_ptr<ConnectionPreface> preface) {
    _preface = std::move(preface);
}

// Looks before it takes, so that not a byte behind the preface is read: whatever reads those (TLS,
// the protocol) finds them in the socket.
void Connection::readPreface() {
    char* const buffer = _loop.readBuffer();
    const std::size_t kept = _input.size();
    std::memcpy(buffer, _input.data(), kept);
    const std::size_t room = LoopContext::kReadBufferBytes - kept;
    const ssize_t seen = ::recv(_descriptor, buffer + kept, room, MSG_PEEK);
    if (seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    std::size_t size = 0;
    Endpoints endpoints = socketEndpoints();
    auto status = ConnectionPreface::Status::Refused;
    if (seen > 0)
        status = _preface->read({buffer, kept + static_cast<std::size_t>(seen)}, size, endpoints);
    if (status == ConnectionPreface::Status::Refused) {
        abort("bad preface");
        return;
    }
    const bool complete = status == ConnectionPreface::Status::Complete;
    const std::size_t taken = complete ? size - kept : static_cast<std::size_t>(seen);
    if (::recv(_descriptor, buffer + kept, taken, 0) != static_cast<ssize_t>(taken)) {
        abort("connection lost");
        return;
    }
    if (!complete) {
        _input.assign(buffer, kept + taken);
        return;
    }
    std::string().swap(_input);
    _preface.reset();
    _endpoints = std::make_unique<Endpoints>(std::move(endpoints));
}

int Connection::detach(std::string& input) {
    if (_state != State::Open || !_out.empty() || _tls) return -1;
    _loop.unwatch(_descriptor);
    input = std::move(_input);
    _state = State::Closed;
    _closeDetail = "detached";
    _deadline.cancel();
    _stall.cancel();
    _loop.bury(*this);
    return std::exchange(_descriptor, -1);
}

void Connection::updateInterest() {
    if (_state == State::Closed) return;
    std::uint32_t wanted = 0;
    switch (_state) {
        case State::Open:
            if (!_readingPaused && !_peerEnded && !_handshakePaused &&
                _input.size() < _limits.maxPendingInput)
                wanted |= EPOLLIN;
            break;
        case State::Lingering:
            wanted |= EPOLLIN;
            break;
        case State::Flushing:
        case State::Closed:
            break;
    }
    if (_wantWrite) wanted |= EPOLLOUT;
    if (wanted == _interest && _watched) return;
    _loop.watch(_descriptor, wanted, this, false, _watched);
    _watched = true;
    _interest = wanted;
}

void Connection::send(SharedFrame frame) {
    if (_state != State::Open || _outputEnded || frame.empty()) return;
    if (!_out.empty() && _out.cost() + frame.size() > _limits.maxOutput) {
        // The kernel may take what has come together in this turn.
        if (!_wantWrite) flush();
        if (_state != State::Open) return;
        if (!_out.empty() && _out.cost() + frame.size() > _limits.maxOutput) {
            _loop.hub().counters().outboundLimit.fetch_add(1, std::memory_order_relaxed);
            reached(Limit::OutboundBytes, [this] {
                return endpoints().peerAddress + " was closed: " + std::to_string(queuedBytes()) +
                       " bytes wait for a client that does not read";
            });
            abort("outbound limit");
            return;
        }
    }
    try {
        _out.push(std::move(frame));
        if (_wantWrite)
            tellOutbound();
        else
            flushSoon();
    } catch (...) {
        // Without it there would be a gap.
        abort("internal error");
        throw;
    }
}

void Connection::flushSoon() {
    if (std::exchange(_dirty, true)) return;
    _loop.markDirty(*this);
}

void Connection::flush() {
    if (_state != State::Open && _state != State::Flushing) return;
    bool progress = false;
    if (!(_tls ? writeRecords(progress) : writePlain(progress))) return;
    if (!waitsForKernel()) {
        forgetOutbound();
        if (_wantWrite) {
            _wantWrite = false;
            _stall.cancel();
            updateInterest();
        }
        if (_outputEnded && !_tls && _state == State::Open) ::shutdown(_descriptor, SHUT_WR);
        if (progress) _protocol->onDrained();
        if (_state == State::Flushing && !waitsForKernel()) finishFlushing();
        return;
    }
    tellOutbound();
    if (!_wantWrite || progress) _loop.timers().armAfter(_stall, _limits.writeStall);
    if (!_wantWrite) {
        _wantWrite = true;
        updateInterest();
    }
}

/// False when the connection is over.
bool Connection::writePlain(bool& progress) {
    while (!_out.empty()) {
        iovec parts[kPartsPerSend];
        const int count =
            _out.gather(parts, kPartsPerSend, _loop.scratch(), LoopContext::kScratchBytes);
        ssize_t sent;
        if (count == 1) {
            sent = ::send(_descriptor, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = parts;
            message.msg_iovlen = static_cast<std::size_t>(count);
            sent = ::sendmsg(_descriptor, &message, MSG_NOSIGNAL);
        }
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) break;
            if (errno == EPIPE && keepInput()) return true;
            abort("write failed");
            return false;
        }
        progress = true;
        _out.consume(static_cast<std::size_t>(sent));
    }
    return true;
}

void Connection::closeAfterFlush() {
    if (_state != State::Open) return;
    if (handshaking()) {  // nothing can be said
        abort("closed");
        return;
    }
    _state = State::Flushing;
    _deadline.cancel();
    std::string().swap(_input);
    updateInterest();
    flushSoon();  // which goes on to the end even with nothing queued
}

void Connection::endOutput() {
    if (_state != State::Open || std::exchange(_outputEnded, true)) return;
    flushSoon();
}

void Connection::stopInput() {
    if (_state == State::Open && !_tls) ::shutdown(_descriptor, SHUT_RD);
}

/// The peer takes nothing more. True when the protocol wants what it has sent all the same.
bool Connection::keepInput() {
    if (_state != State::Open || _peerEnded || !_protocol->onOutputLost()) return false;
    _outputEnded = true;
    _out.clear();
    forgetOutbound();
    _stall.cancel();
    _wantWrite = false;
    if (std::exchange(_readingPaused, false)) resumeInput();
    updateInterest();
    return true;
}

void Connection::finishFlushing() {
    if (_peerEnded || ::shutdown(_descriptor, SHUT_WR) != 0) {
        abort("closed");
        return;
    }
    _state = State::Lingering;
    _lingerBytes = 0;
    _loop.timers().armAfter(_stall, kLingerTime);
    updateInterest();
}

void Connection::abort(const char* detail) {
    if (_state == State::Closed) return;
    _state = State::Closed;
    _closeDetail = detail;
    _deadline.cancel();
    _stall.cancel();
    _out.clear();
    forgetOutbound();
    // Closing takes it out of epoll only when nobody else has it: not a copy, nor a child process.
    if (_watched) _loop.unwatch(_descriptor);
    ::close(_descriptor);
    _descriptor = -1;
    _loop.bury(*this);
}

void Connection::onReadable() {
    if (_state == State::Closed) return;
    char* const buffer = _loop.readBuffer();
    if (_state == State::Lingering) {
        const ssize_t got = ::recv(_descriptor, buffer, LoopContext::kReadBufferBytes, 0);
        if (got > 0) _lingerBytes += static_cast<std::uint32_t>(got);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
            _lingerBytes > kLingerBytes)
            abort("closed");
        return;
    }
    if (_state != State::Open || _readingPaused) return;
    if (_preface) {
        readPreface();
        return;  // what follows is in the socket, and epoll will tell
    }
    if (_tls) {
        if (_tls->established())
            readRecords();
        else
            _loop.queueHandshake(*this);
        return;
    }
    const std::size_t kept = _input.size();
    if (kept >= _limits.maxPendingInput) return;  // an event from before reading stopped
    std::memcpy(buffer, _input.data(), kept);
    const ssize_t got = ::recv(_descriptor, buffer + kept, LoopContext::kReadBufferBytes - kept, 0);
    if (got > 0) {
        _lastInput = _loop.turnTime();
        deliver(buffer, kept + static_cast<std::size_t>(got));
    } else if (got == 0) {
        endInput();
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        abort("connection lost");
    }
}

void Connection::endInput() {
    _endHeld = false;
    _peerEnded = true;
    updateInterest();
    _protocol->onEnd();
}

// Without bytes: what is pending is given again. The protocol sees the loop's read buffer, so that
// it may work in place and nothing is copied unless it leaves something over.
void Connection::deliver(char* bytes, std::size_t size) {
    if (_state != State::Open) return;
    if (!bytes) {
        if (_readingPaused || _preface) return;
        if (_input.empty()) {
            if (_endHeld) endInput();
            return;
        }
        bytes = _loop.readBuffer();
        size = std::min(_input.size(), LoopContext::kReadBufferBytes);
        std::memcpy(bytes, _input.data(), size);
    }
    std::size_t used = 0;
    for (;;) {
        const ConnectionProtocol* const speaking = _protocol.get();
        const std::shared_ptr<ConnectionProtocol> held = _protocol;  // may be replaced inside
        used += held->onInput(bytes + used, size - used);
        if (_state != State::Open) return;
        if (_protocol.get() == speaking || used >= size) break;
    }
    if (used < size)
        keepUnused({bytes + used, size - used});
    else if (_input.capacity() > std::string().capacity())
        std::string().swap(_input);
    else
        _input.clear();
    updateInterest();
    if (_endHeld && !_readingPaused) endInput();
}

void Connection::keepUnused(std::string_view bytes) {
    _input.assign(bytes);
    if (_input.size() >= _limits.maxPendingInput && !_readingPaused && (_interest & EPOLLIN))
        reached(Limit::PipelinedBytes, [this] {
            return endpoints().peerAddress + " is not read: " + std::to_string(_input.size()) +
                   " bytes wait behind its request";
        });
}

// -------------------------------------------------------------------------------------------------
// TLS

void Connection::startTls(const TlsContext& context, std::chrono::milliseconds handshakeTime) {
    if (_tls || _state != State::Open) return;
    _tls = std::make_unique<TlsTransport>(context, handshakeLate, this);
    _loop.timers().armAfter(_tls->handshakeTimer(), handshakeTime);
}

void Connection::handshakeLate(void* self) {
    auto& connection = *static_cast<Connection*>(self);
    connection._loop.hub().counters().tlsFailures.fetch_add(1, std::memory_order_relaxed);
    connection.reached(Limit::HandshakeTime, [&connection] {
        return connection.endpoints().peerAddress + " was closed: its TLS handshake was too slow";
    });
    connection.abort("TLS handshake too slow");
}

// One step: public-key work, up to a millisecond. The loop calls it when its turn has come.
void Connection::stepHandshake() {
    if (_state != State::Open || _readingPaused || !handshaking()) return;
    TlsBuffers& buffers = _loop.tlsBuffers();
    const ssize_t got = ::recv(_descriptor, buffers.input.get(), TlsBuffers::kInputBytes, 0);
    HubCounters& counters = _loop.hub().counters();
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        updateInterest();
        return;
    }
    if (got <= 0) {
        counters.tlsFailures.fetch_add(1, std::memory_order_relaxed);
        abort("connection lost");
        return;
    }
    _lastInput = _loop.turnTime();
    std::string_view records(buffers.input.get(), static_cast<std::size_t>(got));
    buffers.output.clear();
    const TlsTransport::Status status = _tls->handshake(buffers, records);
    if (status == TlsTransport::Status::Failed) {
        refuseHandshake();
        return;
    }
    if (!sendRecords(buffers.output)) return;
    if (status == TlsTransport::Status::Established) {
        counters.tlsHandshakes.fetch_add(1, std::memory_order_relaxed);
        _protocol->onSecured();
        if (!_out.empty() && !_wantWrite) flushSoon();
        if (!records.empty()) receiveRecords(records, 0);  // its first request came along
    }
    if (_state == State::Open) updateInterest();
}

// The alert, or the answer to who speaks plain HTTP, shall reach the peer: the connection lingers.
void Connection::refuseHandshake() {
    _loop.hub().counters().tlsFailures.fetch_add(1, std::memory_order_relaxed);
    if (logger().debug())
        logger().debug("TLS handshake with " + endpoints().peerAddress +
                       " failed: " + _tls->failure());
    std::string& output = _loop.tlsBuffers().output;
    if (_tls->metPlainHttp()) output.assign(_protocol->plainHttpAnswer());
    _tls->handshakeTimer().cancel();
    _deadline.cancel();
    _out.clear();
    forgetOutbound();
    // What does not fit into the kernel's empty buffer is not worth waiting for.
    if (!output.empty() && _tls->unsent.empty()) {
        [[maybe_unused]] const ssize_t sent =
            ::send(_descriptor, output.data(), output.size(), MSG_NOSIGNAL);
    }
    _wantWrite = false;
    finishFlushing();
}

void Connection::readRecords() {
    TlsBuffers& buffers = _loop.tlsBuffers();
    const std::size_t kept = _input.size();
    if (kept >= _limits.maxPendingInput) return;  // an event from before reading stopped
    const ssize_t got = ::recv(_descriptor, buffers.input.get(), TlsBuffers::kInputBytes, 0);
    if (got > 0) {
        _lastInput = _loop.turnTime();
        receiveRecords({buffers.input.get(), static_cast<std::size_t>(got)}, kept);
    } else if (got == 0) {
        endInput();
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        abort("connection lost");
    }
}

/// Decrypts to where plain bytes are received, behind `kept` bytes that were left over, and goes on
/// as if they had been.
void Connection::receiveRecords(std::string_view records, std::size_t kept) {
    // What was kept and one recv always fit, with the rest of a record that came in parts.
    static_assert(LoopContext::kReadBufferBytes / 2 >=
                  TlsBuffers::kInputBytes + TlsBuffers::kRecordBytes);
    TlsBuffers& buffers = _loop.tlsBuffers();
    char* const plain = _loop.readBuffer();
    buffers.output.clear();
    std::size_t size = 0;
    const TlsTransport::Status status =
        _tls->decrypt(buffers, records, plain + kept, LoopContext::kReadBufferBytes - kept, size);
    if (!sendRecords(buffers.output)) return;
    if (size > 0) {
        std::memcpy(plain, _input.data(), kept);
        deliver(plain, kept + size);
        if (_state != State::Open) return;
    }
    if (status == TlsTransport::Status::Ended) {
        _endHeld = true;
        if (!_readingPaused) endInput();
    } else if (status == TlsTransport::Status::Failed) {
        abort(_tls->failure());
    }
}

/// Sends at once what TLS has to say by itself. False when the connection is over.
bool Connection::sendRecords(std::string_view records) {
    if (records.empty()) return true;
    std::string& unsent = _tls->unsent;
    if (unsent.empty()) {
        ssize_t sent;
        do sent = ::send(_descriptor, records.data(), records.size(), MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            abort("write failed");
            return false;
        }
        if (sent > 0) records.remove_prefix(static_cast<std::size_t>(sent));
        if (records.empty()) return true;
    }
    if (unsent.size() + records.size() > kUnsentRecords) {
        abort("TLS records pile up");
        return false;
    }
    unsent.append(records);
    if (!_wantWrite) {
        _wantWrite = true;
        _loop.timers().armAfter(_stall, _limits.writeStall);
        updateInterest();
    }
    return true;
}

/// As writePlain(): one send for what has come together, up to kEncryptBytes at a time.
bool Connection::writeRecords(bool& progress) {
    std::string& unsent = _tls->unsent;
    for (;;) {
        TlsBuffers& buffers = _loop.tlsBuffers();
        std::string_view records = unsent;
        if (unsent.empty()) {
            if (!_tls->established()) return true;
            buffers.output.clear();
            if (!_out.empty() && !encryptQueued(buffers)) {
                abort(_tls->failure());
                return false;
            }
            if (_out.empty() && (_outputEnded || _state == State::Flushing)) _tls->close(buffers);
            records = buffers.output;
            if (records.empty()) return true;
        }
        ssize_t sent;
        do sent = ::send(_descriptor, records.data(), records.size(), MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                abort("write failed");
                return false;
            }
            sent = 0;
        }
        progress = progress || sent > 0;
        const auto size = static_cast<std::size_t>(sent);
        if (size < records.size()) {
            if (unsent.empty())
                unsent.assign(records.substr(size));
            else
                unsent.erase(0, size);
            return true;
        }
        std::string().swap(unsent);
    }
}

/// Takes up to kEncryptBytes from the queue; small frames share a record.
bool Connection::encryptQueued(TlsBuffers& buffers) {
    iovec parts[kPartsPerSend];
    const int count = _out.gather(parts, kPartsPerSend, _loop.scratch(), kEncryptBytes);
    std::size_t taken = 0, filled = 0;
    char* const record = buffers.record.get();
    for (int i = 0; i < count && taken < kEncryptBytes; ++i) {
        std::string_view part(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        part = part.substr(0, kEncryptBytes - taken);
        taken += part.size();
        while (!part.empty()) {
            const bool last = i + 1 == count || taken == kEncryptBytes;
            if (filled == 0 && (last || part.size() >= TlsBuffers::kRecordBytes)) {
                const std::size_t size =
                    last ? part.size() : part.size() - part.size() % TlsBuffers::kRecordBytes;
                if (!_tls->encrypt(buffers, part.substr(0, size))) return false;
                part.remove_prefix(size);
                continue;
            }
            const std::size_t size = std::min(part.size(), TlsBuffers::kRecordBytes - filled);
            std::memcpy(record + filled, part.data(), size);
            filled += size;
            part.remove_prefix(size);
            if (filled == TlsBuffers::kRecordBytes) {
                if (!_tls->encrypt(buffers, {record, filled})) return false;
                filled = 0;
            }
        }
    }
    if (filled > 0 && !_tls->encrypt(buffers, {record, filled})) return false;
    _out.consume(taken);
    return true;
}

void Connection::onWritable() {
    if (_state == State::Open || _state == State::Flushing) flush();
}

void Connection::onHangUp() {
    if (_state == State::Closed) return;
    const bool reading = !_readingPaused && !_peerEnded && _input.size() < _limits.maxPendingInput;
    if (_state == State::Open && reading) {
        onReadable();  // data may have come before the error; recv tells which error
        return;
    }
    if (keepInput()) return;
    abort(_state == State::Open ? "connection lost" : "closed");
}

void Connection::pauseReading(bool paused) {
    if (_readingPaused == paused || _state == State::Closed) return;
    _readingPaused = paused;
    updateInterest();
    if (!paused) resumeInput();
}

void Connection::resumeInput() {
    if (_state != State::Open || _resumeQueued) return;
    _resumeQueued = true;
    _loop.resume(*this);
}

void Connection::setDisposable(bool disposable) {
    _needed = _needed || !disposable;
    _disposableSince = disposable ? _loop.timers().now() : TimePoint::max();
}

bool Connection::isDisposable(TimePoint now) const {
    constexpr Duration kSilent = 1s, kIdle = 5s;
    return _state == State::Open && _disposableSince <= now - (_needed ? kIdle : kSilent);
}

void Connection::setDeadline(TimePoint deadline) {
    if (_state == State::Open) _loop.timers().arm(_deadline, deadline);
}

void Connection::setProtocol(std::shared_ptr<ConnectionProtocol> protocol) {
    _deadline.cancel();
    _protocol = std::move(protocol);
    _protocol->onOpen(*this);
    resumeInput();
}

bool Connection::moveTo(Executor::LoopId target, std::shared_ptr<ConnectionProtocol> protocol,
                        std::optional<std::string_view> unused) {
    if (_state != State::Open) return false;
    if (target == _loop.id()) {
        setProtocol(std::move(protocol));
        return true;
    }
    _loop.unwatch(_descriptor);
    forgetOutbound();
    if (unused) _input.assign(*unused);
    LoopContext& to = _loop.hub().loop(target);
    std::unique_ptr<Connection> moved(new Connection(to, *this, std::move(protocol)));
    // What is left here is an empty shell, which may still be on the stack.
    _state = State::Closed;
    _deadline.cancel();
    _stall.cancel();
    _protocol.reset();
    _loop.bury(*this);
    const std::size_t bytes = moved->_out.bytes() + moved->_input.size();
    to.post([&to, moved = std::move(moved)]() mutable { to.adopt(std::move(moved)); }, bytes);
    return true;
}

void Connection::deadlineReached(void* self) {
    static_cast<Connection*>(self)->_protocol->onDeadline();
}

void Connection::stalled(void* self) {
    auto& connection = *static_cast<Connection*>(self);
    if (connection._state == State::Lingering) {
        connection.abort("closed");
        return;
    }
    connection._loop.hub().counters().writeStalls.fetch_add(1, std::memory_order_relaxed);
    connection.reached(Limit::WriteStall, [&connection] {
        return connection.endpoints().peerAddress + " was closed: it takes nothing of the " +
               std::to_string(connection.queuedBytes()) + " bytes that wait for it";
    });
    connection.abort("write stall");
}

}  // namespace socketio
