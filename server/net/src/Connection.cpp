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

#include "socketio/net/LoopContext.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLingerTime = 2s;
constexpr std::size_t kLingerBytes = 65'536;
constexpr int kPartsPerSend = 64;

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
      _deadline(deadlineReached, this),
      _stall(stalled, this),
      _limits(limits),
      _descriptor(descriptor) {
    // What is left unused has to fit into the read buffer, with room for more.
    _limits.maxPendingInput = std::min(_limits.maxPendingInput, LoopContext::kReadBufferBytes / 2);
}

Connection::~Connection() {
    if (_descriptor >= 0) ::close(_descriptor);
}

Endpoints Connection::endpoints() const {
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

void Connection::updateInterest() {
    if (_state == State::Closed) return;
    std::uint32_t wanted = 0;
    switch (_state) {
        case State::Open:
            if (!_readingPaused && !_peerEnded && _input.size() < _limits.maxPendingInput)
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
    if (_state != State::Open || frame.empty()) return;
    if (!_out.empty() && _out.cost() + frame.size() > _limits.maxOutput) {
        // The kernel may take what has come together in this turn.
        if (!_wantWrite) flush();
        if (_state != State::Open) return;
        if (!_out.empty() && _out.cost() + frame.size() > _limits.maxOutput) {
            _loop.hub().counters().outboundLimit.fetch_add(1, std::memory_order_relaxed);
            abort("outbound limit");
            return;
        }
    }
    _out.push(std::move(frame));
    if (!_dirty && !_wantWrite) {
        _dirty = true;
        _loop.markDirty(*this);
    }
}

void Connection::flush() {
    if (_state != State::Open && _state != State::Flushing) return;
    bool progress = false;
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
            abort("write failed");
            return;
        }
        progress = true;
        _out.consume(static_cast<std::size_t>(sent));
    }
    if (_out.empty()) {
        if (_wantWrite) {
            _wantWrite = false;
            _stall.cancel();
            updateInterest();
        }
        if (progress) _protocol->onDrained();
        if (_state == State::Flushing && _out.empty()) finishFlushing();
        return;
    }
    if (!_wantWrite || progress) _loop.timers().armAfter(_stall, _limits.writeStall);
    if (!_wantWrite) {
        _wantWrite = true;
        updateInterest();
    }
}

void Connection::closeAfterFlush() {
    if (_state != State::Open) return;
    _state = State::Flushing;
    _deadline.cancel();
    std::string().swap(_input);
    updateInterest();
    if (!_dirty) {
        _dirty = true;  // flush() goes on to the end even with nothing queued
        _loop.markDirty(*this);
    }
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
    ::close(_descriptor);  // takes it out of epoll, too
    _descriptor = -1;
    _loop.bury(*this);
}

void Connection::onReadable() {
    if (_state == State::Closed) return;
    char* const buffer = _loop.readBuffer();
    if (_state == State::Lingering) {
        const ssize_t got = ::recv(_descriptor, buffer, LoopContext::kReadBufferBytes, 0);
        if (got > 0) _lingerBytes += static_cast<std::size_t>(got);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
            _lingerBytes > kLingerBytes)
            abort("closed");
        return;
    }
    if (_state != State::Open || _readingPaused) return;
    const std::size_t kept = _input.size();
    if (kept >= _limits.maxPendingInput) return;  // an event from before reading stopped
    std::memcpy(buffer, _input.data(), kept);
    const ssize_t got = ::recv(_descriptor, buffer + kept, LoopContext::kReadBufferBytes - kept, 0);
    if (got > 0) {
        deliver(buffer, kept + static_cast<std::size_t>(got));
    } else if (got == 0) {
        _peerEnded = true;
        updateInterest();
        _protocol->onEnd();
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        abort("connection lost");
    }
}

// Without bytes: what is pending is given again. The protocol sees the loop's read buffer, so that
// it may work in place and nothing is copied unless it leaves something over.
void Connection::deliver(char* bytes, std::size_t size) {
    if (_state != State::Open) return;
    if (!bytes) {
        if (_input.empty() || _readingPaused) return;
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
        _input.assign(bytes + used, size - used);
    else if (_input.capacity() > std::string().capacity())
        std::string().swap(_input);
    else
        _input.clear();
    updateInterest();
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
    connection.abort("write stall");
}

}  // namespace socketio
