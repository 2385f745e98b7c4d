#pragma once

#include <atomic>
#include <cstdint>
#include <poll.h>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include "socketio/base/Mutex.h"

namespace socketio::test {

/// A TCP relay in front of a broker that makes trouble on demand.
///
/// Threads: thread-safe; the bytes go through a thread of its own.
class TcpGate {
public:
    explicit TcpGate(std::uint16_t target) : _target(target), _thread([this] { run(); }) {}
    ~TcpGate() {
        _ending = true;
        _thread.join();
    }
    TcpGate(const TcpGate&) = delete;
    TcpGate& operator=(const TcpGate&) = delete;

    std::uint16_t port() const { return _listener.address().port(); }

    /// From now on nothing passes, and nobody is told.
    void hold() { _held = true; }
    /// The same, but the client still hears the broker.
    void holdClient() { _clientHeld = true; }
    void pass() { _held = _clientHeld = false; }
    /// Ends the connections there are with a reset.
    void cut() SOCKETIO_EXCLUDES(_mutex) {
        MutexLock lock(_mutex);
        for (Pair& each : _pairs) {
            each.client.setLinger(true, 0);
            each.server.setLinger(true, 0);
        }
        _pairs.clear();
    }
    /// Says this to the clients as if the broker had.
    void inject(const std::string& bytes) SOCKETIO_EXCLUDES(_mutex) {
        MutexLock lock(_mutex);
        for (Pair& each : _pairs)
            each.client.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
    }
    /// The number of connections there have been.
    int accepted() const { return _accepted; }

private:
    struct Pair {
        Poco::Net::StreamSocket client, server;
    };

    void run() SOCKETIO_EXCLUDES(_mutex) {
        while (!_ending) {
            std::vector<pollfd> ready{{_listener.impl()->sockfd(), POLLIN, 0}};
            {
                MutexLock lock(_mutex);
                for (const Pair& each : _pairs)
                    for (const auto& side : {each.client, each.server})
                        ready.push_back(
                            {side.impl()->sockfd(), static_cast<short>(_held ? 0 : POLLIN), 0});
            }
            ::poll(ready.data(), ready.size(), 5);
            if (ready[0].revents != 0) accept();
            MutexLock lock(_mutex);
            if (_held) continue;
            for (std::size_t i = 0; i < _pairs.size();) {
                const bool open = (_clientHeld || relay(_pairs[i].client, _pairs[i].server)) &&
                                  relay(_pairs[i].server, _pairs[i].client);
                if (open)
                    ++i;
                else
                    _pairs.erase(_pairs.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
    }

    void accept() SOCKETIO_EXCLUDES(_mutex) {
        Pair pair;
        pair.client = _listener.acceptConnection();
        ++_accepted;
        try {
            pair.server.connect(Poco::Net::SocketAddress("127.0.0.1", _target));
        } catch (const Poco::Exception&) {
            return;
        }
        for (auto* side : {&pair.client, &pair.server}) side->setNoDelay(true);
        MutexLock lock(_mutex);
        _pairs.push_back(pair);
    }

    /// False when the connection has ended.
    static bool relay(Poco::Net::StreamSocket& from, Poco::Net::StreamSocket& to) {
        try {
            if (!from.poll(Poco::Timespan(0), Poco::Net::Socket::SELECT_READ)) return true;
            char buffer[16'384];
            const int got = from.receiveBytes(buffer, sizeof buffer);
            return got > 0 && to.sendBytes(buffer, got) == got;
        } catch (const Poco::Exception&) {
            return false;
        }
    }

    const std::uint16_t _target;
    Poco::Net::ServerSocket _listener{Poco::Net::SocketAddress("127.0.0.1", 0)};
    Mutex _mutex;
    std::vector<Pair> _pairs SOCKETIO_GUARDED_BY(_mutex);
    std::atomic<bool> _held{false}, _clientHeld{false}, _ending{false};
    std::atomic<int> _accepted{0};
    std::thread _thread;
};

}  // namespace socketio::test
