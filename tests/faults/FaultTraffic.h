#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "FaultServer.h"
#include "NumberedSession.h"
#include "support/NumberedClients.h"

namespace socketio::test {

/// Healthy clients beside a fault, over WebSocket and over polling, with numbered messages both
/// ways at a steady pace: to all, to each alone, and from each. Nothing of it may be lost, doubled,
/// swapped or changed, and no session may end.
///
/// Owner:   the test; within the life of its server.
/// Threads: one at a time; it has some of its own.
class FaultTraffic {
public:
    struct Options {
        std::size_t webSockets = 6, pollers = 2;
        std::chrono::microseconds interval{2'000};  ///< Between two messages each way.
        std::uint16_t port = 0;                     ///< 0: the server's own.
        std::size_t window = 100;                   ///< Messages that a stream is ahead, at most.
    };

    explicit FaultTraffic(FaultServer& server) : FaultTraffic(server, Options()) {}
    FaultTraffic(FaultServer& server, const Options& options);
    ~FaultTraffic();
    FaultTraffic(const FaultTraffic&) = delete;
    FaultTraffic& operator=(const FaultTraffic&) = delete;

    enum class Which { Down, BothWays };
    /// Waits until everybody has heard something that was sent after the call; false when that
    /// takes longer.
    bool goesOn(Which which = Which::BothWays,
                std::chrono::milliseconds within = std::chrono::seconds(20));
    /// Waits until all has come, and ends. What went wrong; empty when nothing did.
    std::string stop();
    /// The same where sessions may have ended: what they have heard must be a prefix.
    std::string stopWhereSomeHaveLeft();
    /// Sessions that live.
    std::size_t open() const;
    NumberedMessages& messages() { return _messages; }

private:
    using Stream = NumberedMessages::Stream;
    using Receiver = NumberedMessages::Receiver;

    void sendDown();
    void sendUp();
    void poll(std::size_t poller);
    void report(const std::string& problem);
    void join();
    std::string finish(bool mayLeave);
    const std::string& sidOf(std::size_t client) const;

    FaultServer& _server;
    const Options _options;
    NumberedMessages _messages{"run"};
    NumberedClients _clients{_messages};
    std::vector<NumberedClients::Client*> _webSockets;
    std::vector<std::unique_ptr<NumberedSession>> _pollers;
    std::vector<Stream> _down, _up;  // the first of _down is to all; by client
    std::atomic<bool> _stopping{false}, _leaving{false};
    std::atomic<std::size_t> _pollersGone{0};
    Mutex _mutex;
    std::string _problem SOCKETIO_GUARDED_BY(_mutex);
    std::vector<std::thread> _senders, _readers;
};

}  // namespace socketio::test
