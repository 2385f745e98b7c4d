#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "socketio/base/SharedFrame.h"
#include "socketio/exchange/WebSocketChannel.h"

namespace socketio {

class EngineSessionImpl;

/// One WebSocket of a session: the one it speaks over, or the candidate of an upgrade. Its channel
/// lives on the loop of the session.
///
/// Owner:   the channel, as its listener, and the session. It holds both until the connection is
///          gone or has been closed by us.
/// Threads: confined to the session's loop; made on any.
class WebSocketTransport final : public WebSocketListener,
                                 public std::enable_shared_from_this<WebSocketTransport> {
public:
    WebSocketTransport(std::shared_ptr<EngineSessionImpl> session,
                       std::shared_ptr<WebSocketChannel> channel, bool base64);

    bool base64() const { return _base64; }

    void send(SharedFrame frames) {
        if (_channel) _channel->send(std::move(frames));
    }
    /// What waits for the kernel.
    std::size_t queuedBytes() const { return _channel ? _channel->queuedBytes() : 0; }
    /// When bytes last came from the client.
    TimePoint lastReceived() const { return _channel ? _channel->lastReceived() : TimePoint(); }
    void pauseReading(bool paused) {
        if (_channel) _channel->pauseReading(paused);
    }
    /// Sends what is queued and a close frame; nothing is received any more. Code 0: an empty one.
    void close(std::uint16_t code = 0) noexcept;
    void abort() noexcept;
    /// Leaves the connection to its front end.
    void letGo() { _channel.reset(); }

    // WebSocketListener
    void onMessage(bool binary, std::string_view data) override;
    void onClosed(std::uint16_t code, std::string_view detail) override;

private:
    std::shared_ptr<EngineSessionImpl> _session;
    std::shared_ptr<WebSocketChannel> _channel;  // null once we have closed it
    const bool _base64;
};

}  // namespace socketio
