#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "socketio/base/Clock.h"
#include "socketio/base/Executor.h"
#include "socketio/base/SharedFrame.h"

namespace socketio {

/// What a WebSocket connection tells its user.
///
/// Owner:   the channel, by shared_ptr, until onClosed() has been called.
/// Threads: called on the loop of the channel, never inside a call of the user into the channel.
class WebSocketListener {
public:
    virtual ~WebSocketListener() = default;

    /// A whole message; the bytes are borrowed for the call. Text is valid UTF-8.
    virtual void onMessage(bool binary, std::string_view data) = 0;

    /// The connection is gone, once and last. `code` is the close code (RFC 6455 §7.4): what the
    /// peer sent, 1005 when its close frame had none, 1006 when there was no close frame, or the
    /// code with which we refused its bytes (1002, 1007, 1008, 1009). `detail` is for logs.
    virtual void onClosed(std::uint16_t code, std::string_view detail) = 0;
};

/// How a connection goes on as a WebSocket.
struct WebSocketOptions {
    std::size_t maxMessageBytes = 1'000'000;  ///< A larger message is refused with 1009.
    /// Bytes queued for a peer that does not read; more closes the connection. 0: four messages,
    /// and at least 4 MiB, unless the front end has been told otherwise.
    std::size_t maxOutboundBytes = 0;
    /// The loop that the channel belongs to. The connection moves there when it lived on another
    /// one; kNoLoop: it stays where it is.
    Executor::LoopId loop = Executor::kNoLoop;
};

/// One WebSocket connection in the server's role (RFC 6455), after its handshake.
///
/// The channel answers pings and close frames by itself, checks masks, UTF-8 and limits, and puts
/// fragments together.
///
/// Owner:   its front end while the connection lives, and the user by shared_ptr.
/// Threads: thread-safe. On its own loop a call takes effect in this turn; from elsewhere it is
///          posted to the loop. Messages wait for setListener().
/// Limits:  maxMessageBytes and 1,024 fragments per message (close 1009), 100 control frames per
///          second (1008), bytes queued by the out-queue limit of the front end: the queue that
///          overflows closes the connection, onClosed(1006, "outbound limit").
/// Errors:  sending to a closed channel does nothing.
class WebSocketChannel {
public:
    virtual ~WebSocketChannel() = default;

    virtual Executor::LoopId loop() const = 0;
    virtual void setListener(std::shared_ptr<WebSocketListener> listener) = 0;

    /// Queues bytes that are whole frames already (see appendWebSocketFrame()); all that is queued
    /// in one turn of the loop leaves in one send.
    virtual void send(SharedFrame frames) = 0;

    /// Sends what is queued and a close frame (code 0: an empty one), then waits up to 5 s for
    /// the peer's.
    virtual void close(std::uint16_t code = 0, std::string_view reason = {}) = 0;

    /// Ends the TCP connection at once.
    virtual void abort() = 0;

    /// Stops or resumes reading, for back-pressure. While paused the peer's close is noticed only
    /// when the connection breaks.
    virtual void pauseReading(bool paused) = 0;

    /// Bytes queued and not yet taken by the kernel; on the channel's loop.
    virtual std::size_t queuedBytes() const = 0;

    /// When bytes last came from the peer, be it a part of a message; on the channel's loop.
    virtual TimePoint lastReceived() const = 0;
};

}  // namespace socketio
