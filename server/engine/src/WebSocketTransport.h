#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "socketio/base/SharedFrame.h"
#include "socketio/exchange/WebSocketChannel.h"

namespace socketio {

class EngineSessionImpl;

/// One WebSocket of a session: the one it speaks over, or the candidate of an upgrade. When the
/// connection lives on another loop than the session, what arrives is posted there, in order.
///
/// Owner:   the channel, as its listener, and the session. It holds both until the connection is
///          gone or has been closed by us.
/// Threads: confined to the session's loop, except what the channel calls.
class WebSocketTransport final : public WebSocketListener,
                                 public std::enable_shared_from_this<WebSocketTransport> {
public:
    WebSocketTransport(std::shared_ptr<EngineSessionImpl> session,
                       std::shared_ptr<WebSocketChannel> channel, bool base64);

    bool base64() const { return _base64; }
    /// On another loop than the session.
    bool foreign() const { return _foreign; }

    void send(SharedFrame frames) {
        if (_channel) _channel->send(std::move(frames));
    }
    /// What waits for the kernel; 0 for a foreign one, whose connection enforces its own limit.
    std::size_t queuedBytes() const { return _channel && !_foreign ? _channel->queuedBytes() : 0; }
    void pauseReading(bool paused) {
        if (_channel) _channel->pauseReading(paused);
    }
    /// Sends what is queued and a close frame; nothing is received any more. Code 0: an empty one.
    void close(std::uint16_t code = 0);
    void abort();
    /// Leaves the connection to its front end.
    void letGo() { _channel.reset(); }

    // WebSocketListener, on the channel's loop.
    void onMessage(bool binary, std::string_view data) override;
    void onClosed(std::uint16_t code, std::string_view detail) override;

private:
    enum class Stage : std::uint8_t { Fresh, Probed, Other };
    bool noteUpgrade(bool binary, std::string_view data);

    std::shared_ptr<EngineSessionImpl> _session;
    std::shared_ptr<WebSocketChannel> _channel;  // null once we have closed it
    const bool _base64;
    const bool _foreign;
    Stage _stage = Stage::Fresh;  // only of a foreign one, on the channel's loop
};

}  // namespace socketio
