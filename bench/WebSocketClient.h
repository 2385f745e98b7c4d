#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "LoadLoop.h"

namespace socketio {

class WebSocketClient;

/// Hears what happens to the clients of one fleet.
class WebSocketClientListener {
public:
    virtual ~WebSocketClientListener() = default;
    virtual void onJoined(WebSocketClient& client) = 0;
    /// A Socket.IO packet; frames appended to `out` are sent when all that was read is handled.
    virtual void onPacket(WebSocketClient& client, std::string_view packet, std::string& out) = 0;
    /// A binary message, likewise.
    virtual void onBinary(WebSocketClient& client, std::string_view bytes, std::string& out) = 0;
    /// The connection ended or was refused.
    virtual void onLost(WebSocketClient& client) = 0;
};

/// A Socket.IO client of protocol 5 that begins with WebSocket and joins the namespace `/`.
class WebSocketClient final : public TcpClient {
public:
    /// `index` is the client's number among those of its listener, which outlives it.
    WebSocketClient(LoadLoop& loop, WebSocketClientListener& listener, std::size_t index)
        : TcpClient(loop), _listener(listener), _index(index) {}

    void join(std::uint16_t port);

    std::size_t index() const { return _index; }
    bool joined() const { return _state == State::Joined; }
    std::int64_t startedAt() const { return _startedAt; }

    /// A frame as a client sends it.
    static std::string maskedFrame(std::string_view payload, bool binary = false);

private:
    enum class State : std::uint8_t { Idle, Upgrading, Opening, Joining, Joined, Lost };

    void onConnected() override;
    std::size_t onBytes(std::string_view bytes) override;
    void onClosed() override;
    void onText(std::string_view text, std::string& out);
    void fail();

    WebSocketClientListener& _listener;
    const std::size_t _index;
    std::int64_t _startedAt = 0;
    std::uint16_t _port = 0;
    State _state = State::Idle;
};

}  // namespace socketio
