#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <random>
#include <string>
#include <thread>

#include "socketio/base/Mutex.h"

namespace socketio::test {

/// A network between clients and a server: relays TCP connections and spoils them as it is told,
/// which the kernel of a test machine cannot always do itself (netem). What is lost here comes
/// late, as it does when TCP sends it again: it, and all behind it, waits for a retransmission
/// time.
///
/// Owner:   the test; outlives its connections. Threads: thread-safe; relays on one of its own.
class TcpGate {
public:
    using Duration = std::chrono::steady_clock::duration;
    struct Network {
        Duration delay{};                ///< Of everything, each way.
        Duration jitter{};               ///< Up to so much more or less.
        double loss = 0;                 ///< The share of segments that come late...
        Duration retransmission{};       ///< ...by this.
        std::size_t segment = 1'460;     ///< Bytes that are sent on at once.
        std::size_t bytesPerSecond = 0;  ///< Each way of a connection; 0: as they come.
        bool blackHole = false;          ///< Nothing passes, not even that a side has closed.
    };

    explicit TcpGate(std::uint16_t server);
    ~TcpGate();
    TcpGate(const TcpGate&) = delete;
    TcpGate& operator=(const TcpGate&) = delete;

    std::uint16_t port() const { return _port; }
    /// From now on, also on connections that there are.
    void become(const Network& network);
    /// Ends all connections there are.
    void resetAll() { _resetWanted = true; }
    /// Segments that came late because they were lost.
    std::uint64_t lost() const { return _lost; }

private:
    using TimePoint = std::chrono::steady_clock::time_point;

    struct Segment {
        TimePoint due;
        std::string bytes;
    };
    struct Way {
        int from = -1, to = -1;
        std::deque<Segment> segments;
        std::size_t waiting = 0;  // bytes
        TimePoint last{};         // due then; nothing overtakes
        bool ended = false, endPassed = false;
    };
    struct Pair {
        Way up, down;
    };

    void run();
    void accept();
    bool read(Way& way);
    bool write(Way& way);
    void close(Pair& pair, bool reset);

    const std::uint16_t _server;
    int _listening = -1;
    std::uint16_t _port = 0;
    Mutex _mutex;
    Network _wanted SOCKETIO_GUARDED_BY(_mutex);
    Network _network;  // the thread's
    std::list<Pair> _pairs;
    std::mt19937 _random{20261124};
    std::atomic<std::uint64_t> _lost{0};
    std::atomic<bool> _stopping{false}, _resetWanted{false};
    std::thread _thread;
};

}  // namespace socketio::test
