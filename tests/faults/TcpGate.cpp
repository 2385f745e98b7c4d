#include "TcpGate.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMostWaiting = 262'144;  // of a way; then it is not read

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

TcpGate::TcpGate(std::uint16_t server) : _server(server) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    _listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (_listening < 0 || ::bind(_listening, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(_listening, 1024) != 0 ||
        ::getsockname(_listening, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error(std::string("the gate: ") + std::strerror(errno));
    _port = ntohs(address.sin_port);
    _thread = std::thread([this] { run(); });
}

TcpGate::~TcpGate() {
    _stopping = true;
    _thread.join();
    for (Pair& each : _pairs) close(each, true);
    ::close(_listening);
}

void TcpGate::become(const Network& network) {
    MutexLock lock(_mutex);
    _wanted = network;
}

void TcpGate::run() {
    std::vector<pollfd> entries;
    while (!_stopping) {
        {
            MutexLock lock(_mutex);
            _network = _wanted;
        }
        if (_resetWanted.exchange(false)) {
            for (Pair& each : _pairs) close(each, true);
            _pairs.clear();
        }
        entries.assign(1, {_listening, POLLIN, 0});
        bool timed = false;
        for (const Pair& pair : _pairs)
            for (const Way* const way : {&pair.up, &pair.down}) {
                timed = timed || way->waiting > 0;
                if (!_network.blackHole && !way->ended && way->waiting < kMostWaiting)
                    entries.push_back({way->from, POLLIN, 0});
            }
        // Its clock ticks every millisecond.
        ::poll(entries.data(), entries.size(), timed ? 1 : 5);
        if (entries[0].revents != 0) accept();
        if (_network.blackHole) continue;
        for (auto pair = _pairs.begin(); pair != _pairs.end();) {
            bool good = true;
            for (Way* const way : {&pair->up, &pair->down})
                good = good && read(*way) && write(*way);
            const bool over = pair->up.endPassed && pair->down.endPassed;
            if (!good || over) {
                close(*pair, !good);
                pair = _pairs.erase(pair);
            } else {
                ++pair;
            }
        }
    }
}

void TcpGate::accept() {
    const int client = ::accept4(_listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(_server);
    if (server < 0 ||
        ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(client);
        if (server >= 0) ::close(server);
        return;
    }
    const int on = 1;
    for (const int each : {client, server})
        ::setsockopt(each, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Pair& pair = _pairs.emplace_back();
    pair.up.from = pair.down.to = client;
    pair.up.to = pair.down.from = server;
}

// False when the connection is broken.
bool TcpGate::read(Way& way) {
    char buffer[16'384];
    while (!way.ended && way.waiting < kMostWaiting) {
        const ssize_t size = ::recv(way.from, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        if (size == 0) {
            way.ended = true;
            break;
        }
        const auto count = static_cast<std::size_t>(size);
        way.waiting += count;
        for (std::size_t at = 0; at < count; at += _network.segment) {
            const std::size_t length = std::min(_network.segment, count - at);
            const TimePoint now = std::chrono::steady_clock::now();
            std::uniform_real_distribution<double> any(-1, 1), share(0, 1);
            TimePoint due = now + _network.delay +
                            std::chrono::duration_cast<Duration>(_network.jitter * any(_random));
            if (_network.loss > 0 && share(_random) < _network.loss) {
                ++_lost;
                due += _network.retransmission;
            }
            due = std::max(due, way.last);
            if (_network.bytesPerSecond > 0)
                due += std::chrono::nanoseconds(1'000'000'000 * length / _network.bytesPerSecond);
            way.last = due;
            way.segments.push_back({due, std::string(buffer + at, length)});
        }
    }
    return true;
}

bool TcpGate::write(Way& way) {
    const TimePoint now = std::chrono::steady_clock::now();
    while (!way.segments.empty() && way.segments.front().due <= now) {
        std::string& bytes = way.segments.front().bytes;
        const ssize_t size =
            ::send(way.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        way.waiting -= static_cast<std::size_t>(size);
        bytes.erase(0, static_cast<std::size_t>(size));
        if (!bytes.empty()) return true;
        way.segments.pop_front();
    }
    if (way.ended && way.segments.empty() && !way.endPassed) {
        way.endPassed = true;
        ::shutdown(way.to, SHUT_WR);
    }
    return true;
}

void TcpGate::close(Pair& pair, bool reset) {
    const linger hard{1, 0};
    for (const int each : {pair.up.from, pair.up.to}) {
        if (reset) ::setsockopt(each, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        ::close(each);
    }
}

}  // namespace socketio::test
