#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "LatencyHistogram.h"
#include "WebSocketClient.h"

namespace socketio {

class Fleet;

/// What the clients of a fleet send and expect. Only one runs at a time.
class Traffic {
public:
    virtual ~Traffic() = default;
    virtual void begin(Fleet& fleet) = 0;
    virtual void onPacket(Fleet& fleet, WebSocketClient& client, std::string_view packet,
                          std::string& out) = 0;
    virtual void onBinary(Fleet&, WebSocketClient&, std::string_view, std::string&) { ++wrong; }
    /// Called after each turn of the loop.
    virtual void turnEnded(Fleet&) {}
    /// Messages under way; nothing new is sent once `stopping` is set.
    virtual std::size_t outstanding() const = 0;

    bool stopping = false;
    std::uint64_t messages = 0;  ///< Answered or delivered.
    std::uint64_t wrong = 0;     ///< Packets with other bytes than expected.
    LatencyHistogram latency;
};

/// The WebSocket clients of one server.
class Fleet final : public WebSocketClientListener {
public:
    Fleet(LoadLoop& loop, std::uint16_t port) : _loop(loop), _port(port) {}

    /// Adds `count` clients, `atOnce` of them connecting at a time; returns the number that joined
    /// before `deadline` (of LoadLoop::now()) or the first loss. Their times go into `latency`.
    std::size_t connect(std::size_t count, std::size_t atOnce, std::int64_t deadline,
                        LatencyHistogram* latency = nullptr);

    /// Who gets the packets from now on; nullptr: nobody.
    void setTraffic(Traffic* traffic) { _traffic = traffic; }

    void turn(int waitMilliseconds);

    WebSocketClient& client(std::size_t index) { return *_clients[index]; }
    std::size_t size() const { return _clients.size(); }
    std::size_t lost() const { return _lost; }

private:
    void onJoined(WebSocketClient& client) override;
    void onPacket(WebSocketClient& client, std::string_view packet, std::string& out) override;
    void onBinary(WebSocketClient& client, std::string_view bytes, std::string& out) override;
    void onLost(WebSocketClient& client) override;

    LoadLoop& _loop;
    const std::uint16_t _port;
    std::vector<std::unique_ptr<WebSocketClient>> _clients;
    Traffic* _traffic = nullptr;
    LatencyHistogram* _joinLatency = nullptr;
    std::size_t _joined = 0;
    std::size_t _lost = 0;
};

/// Each of the first `clients` clients keeps `inFlight` messages `echo` under way, acknowledged
/// with their argument.
class EchoTraffic : public Traffic {
public:
    EchoTraffic(std::size_t clients, std::size_t inFlight);

    void begin(Fleet& fleet) override;
    void onPacket(Fleet& fleet, WebSocketClient& client, std::string_view packet,
                  std::string& out) override;
    std::size_t outstanding() const override { return _outstanding; }

private:
    const std::size_t _inFlight;
    std::vector<std::string> _frames;   // by acknowledgement id
    std::vector<std::int64_t> _sentAt;  // by client and acknowledgement id
    std::size_t _outstanding = 0;
};

/// The first client keeps `inFlight` broadcasts under way; one is over when everybody has it.
class BroadcastTraffic final : public Traffic {
public:
    BroadcastTraffic(std::size_t clients, std::size_t inFlight);

    void begin(Fleet& fleet) override;
    void onPacket(Fleet& fleet, WebSocketClient& client, std::string_view packet,
                  std::string& out) override;
    void turnEnded(Fleet& fleet) override;
    std::size_t outstanding() const override { return _outstanding; }

private:
    struct Broadcast {
        std::int64_t sentAt = 0;
        std::size_t missing = 0;
    };

    void send(Fleet& fleet, std::size_t count);

    const std::size_t _inFlight;
    const std::string _frame;
    std::vector<std::uint64_t> _received;  // by client: broadcasts arrive in order
    std::vector<Broadcast> _recent;        // a ring, by broadcast number
    std::uint64_t _sent = 0;
    std::size_t _outstanding = 0;
    std::size_t _due = 0;
};

}  // namespace socketio
