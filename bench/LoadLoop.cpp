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

namespace socketio {

namespace {

// One source address has about 28,000 ports for connections to one server.
constexpr std::uint32_t kFirstSource = 0x7f000002;  // 127.0.0.2
constexpr unsigned kSources = 8;

}  // namespace

LoadLoop::LoadLoop() : _epoll(::epoll_create1(EPOLL_CLOEXEC)), _readBuffer(new char[kReadBytes]) {
    if (_epoll < 0) throw std::runtime_error("epoll_create1 failed");
}

LoadLoop::~LoadLoop() { ::close(_epoll); }

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
    _unread.clear();
    _unsent.clear();
}

void TcpClient::send(std::string_view bytes) {
    if (_fd < 0) return;
    if (_unsent.empty()) {
        const ssize_t sent = ::send(_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
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
        return onConnected();
    }
    if ((events & EPOLLOUT) != 0 && !_unsent.empty()) {
        const ssize_t sent = ::send(_fd, _unsent.data(), _unsent.size(), MSG_NOSIGNAL);
        if (sent > 0) _unsent.erase(0, static_cast<std::size_t>(sent));
        if (_unsent.empty()) watch(EPOLL_CTL_MOD, EPOLLIN);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    char* const buffer = _loop._readBuffer.get();
    const std::size_t kept = _unread.size();
    if (kept >= LoadLoop::kReadBytes) return lost();  // no message of ours is that large
    if (kept > 0) std::memcpy(buffer, _unread.data(), kept);
    const ssize_t got = ::recv(_fd, buffer + kept, LoadLoop::kReadBytes - kept, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return lost();
    const std::size_t size = kept + static_cast<std::size_t>(got);
    const std::size_t used = onBytes({buffer, size});
    if (_fd >= 0 && (used < size || kept > 0)) _unread.assign(buffer + used, size - used);
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
