#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "HeldSession.h"
#include "WebSocketClient.h"

namespace socketio::test {

/// A session over WebSocket; over TLS when the loop speaks it.
class WebSocketSession final : public HeldSession, private WebSocketClientListener {
public:
    WebSocketSession(LoadLoop& loop, Listener& listener)
        : _listener(listener), _client(loop, *this, 0) {}

    void join(std::uint16_t port) override { _client.join(port); }
    bool connected() const override { return _client.connected(); }
    void send(std::string_view packet) override;
    void leave() override;
    void reset() override { _client.reset(); }

private:
    void onJoined(WebSocketClient&) override { _listener.onJoined(*this); }
    void onPacket(WebSocketClient&, std::string_view packet, std::string&) override {
        _listener.onPacket(*this, packet);
    }
    void onBinary(WebSocketClient&, std::string_view bytes, std::string&) override {
        _listener.onPacket(*this, bytes);
    }
    void onLost(WebSocketClient&) override { _listener.onEnded(*this); }

    Listener& _listener;
    WebSocketClient _client;
};

}  // namespace socketio::test
