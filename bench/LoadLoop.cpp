#include "LoadLoop.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace socketio {

namespace {

// One source address has about 28,000 ports for connections to one server.
constexpr std::uint32_t kFirstSource = 0x7f000002;  // 127.0.0.2
constexpr unsigned kSources = 8;

}  // namespace

LoadLoop::LoadLoop() : _epoll(::epoll_create1(EPOLL_CLOEXEC)), _readBuffer(new char[kReadBytes]) {
    if (_epoll < 0) throw std::runtime_error("epoll_create1 failed");
}

LoadLoop::~LoadLoop() {
    SSL_CTX_free(_tls);
    ::close(_epoll);
}

void LoadLoop::useTls() {
    if (_tls) return;
    _tls = SSL_CTX_new(TLS_client_method());
    if (!_tls) throw std::runtime_error("SSL_CTX_new failed");
    SSL_CTX_set_mode(_tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void LoadLoop::turn(int waitMilliseconds) {
    std::array<epoll_event, 512> events;
    const int count =
        ::epoll_wait(_epoll, events.data(), static_cast<int>(events.size()), waitMilliseconds);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        static_cast<TcpClient*>(event.data.ptr)->ready(event.events);
    }
}

std::int64_t LoadLoop::now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

TcpClient::~TcpClient() { reset(); }

void TcpClient::open(std::uint16_t port) {
    reset();
    _fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (_fd < 0) throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(_fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(kFirstSource + _loop._nextSource++ % kSources);
    if (::bind(_fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string("bind: ") + std::strerror(errno));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(_fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS)
        throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    _connecting = true;
    watch(EPOLL_CTL_ADD, EPOLLOUT);
}

void TcpClient::reset() {
    if (_fd < 0) return;
    const linger abortive{1, 0};
    ::setsockopt(_fd, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive);
    ::close(_fd);
    _fd = -1;
    SSL_free(_ssl);
    _ssl = nullptr;
    _handshaking = false;
    _unread.clear();
    _unsent.clear();
}

void TcpClient::send(std::string_view bytes) {
    if (_fd < 0) return;
    if (_unsent.empty()) {
        const ssize_t sent = write(bytes);
        if (sent == static_cast<ssize_t>(bytes.size())) return;
        if (sent < 0 && errno != EAGAIN) return;  // the loop reports it
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        watch(EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    _unsent.append(bytes);
}

void TcpClient::ready(std::uint32_t events) {
    if (_fd < 0) return;  // reset by a callback of this turn
    if (_connecting) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(_fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return lost();
        _connecting = false;
        watch(EPOLL_CTL_MOD, EPOLLIN);
        return connected();
    }
    if (_handshaking) return connected();
    if ((events & EPOLLOUT) != 0 && !_unsent.empty()) {
        const ssize_t sent = write(_unsent);
        if (sent > 0) _unsent.erase(0, static_cast<std::size_t>(sent));
        if (_unsent.empty()) watch(EPOLL_CTL_MOD, EPOLLIN);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    char* const buffer = _loop._readBuffer.get();
    const std::size_t kept = _unread.size();
    if (kept >= LoadLoop::kReadBytes) return lost();  // no message of ours is that large
    if (kept > 0) std::memcpy(buffer, _unread.data(), kept);
    const ssize_t got = read(buffer + kept, LoadLoop::kReadBytes - kept);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return lost();
    const std::size_t size = kept + static_cast<std::size_t>(got);
    const std::size_t used = onBytes({buffer, size});
    if (_fd >= 0 && (used < size || kept > 0)) _unread.assign(buffer + used, size - used);
}

/// The TCP connection stands, or a step of the handshake has come.
void TcpClient::connected() {
    if (_loop._tls) {
        if (!_ssl) {
            _ssl = SSL_new(_loop._tls);
            if (!_ssl || SSL_set_fd(_ssl, _fd) != 1) throw std::runtime_error("SSL_new failed");
            _handshaking = true;
        }
        ERR_clear_error();
        const int result = SSL_connect(_ssl);
        if (result != 1) {
            if (SSL_get_error(_ssl, result) != SSL_ERROR_WANT_READ) lost();
            return;
        }
        _handshaking = false;
    }
    onConnected();
}

/// As send().
long TcpClient::write(std::string_view bytes) {
    if (!_ssl) return ::send(_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ERR_clear_error();
    const int sent = SSL_write(_ssl, bytes.data(), static_cast<int>(bytes.size()));
    errno = SSL_get_error(_ssl, sent) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
    return sent > 0 ? sent : -1;
}

/// As recv(), of all that is there.
long TcpClient::read(char* buffer, std::size_t size) {
    if (!_ssl) return ::recv(_fd, buffer, size, 0);
    ERR_clear_error();
    long total = 0;
    for (int got; size > 0; total += got, size -= static_cast<std::size_t>(got)) {
        got = SSL_read(_ssl, buffer + total, static_cast<int>(size));
        if (got > 0) continue;
        errno = SSL_get_error(_ssl, got) == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
        return total > 0 ? total : -1;
    }
    return total;
}

void TcpClient::watch(int operation, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = this;
    if (::epoll_ctl(_loop._epoll, operation, _fd, &event) != 0)
        throw std::runtime_error(std::string("epoll_ctl: ") + std::strerror(errno));
}

void TcpClient::lost() {
    reset();
    onClosed();
}

}  // namespace socketio
