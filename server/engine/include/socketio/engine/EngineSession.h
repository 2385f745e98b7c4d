#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/base/Executor.h"
#include "socketio/engine/EngineMessage.h"
#include "socketio/engine/EngineOptions.h"
#include "socketio/exchange/Exchange.h"

namespace socketio {

class EngineServer;

/// Why a session ended; the official server's words are in toString().
enum class CloseReason : std::uint8_t {
    TransportClose,  ///< "transport close": the peer closed
    TransportError,  ///< "transport error": overlapping polls, aborted poll, 1009, outbound limit
    PingTimeout,     ///< "ping timeout"
    ParseError,      ///< "parse error": bad bytes
    ForcedClose,     ///< "forced close": we closed it
    ServerShuttingDown  ///< "server shutting down"
};
std::string_view toString(CloseReason reason);

/// What a session tells its user (the Socket.IO layer).
///
/// Owner:   the session, until onClose() has returned.
/// Threads: called on the session's loop.
class EngineListener {
public:
    virtual ~EngineListener() = default;
    /// A message from the client, without its type digit; the bytes are borrowed for the call.
    virtual void onText(std::string_view text) = 0;
    virtual void onBinary(std::string_view bytes) = 0;
    /// All messages of one POST, or the one message of a WebSocket, have been given; a place to
    /// hand on what they made. A POST whose input was paused meanwhile is answered on resuming.
    virtual void onInputEnd() {}
    virtual void onUpgrade() {}
    /// Once and last. `detail` is for logs ("outbound limit").
    virtual void onClose(CloseReason reason, std::string_view detail) = 0;
};

/// One client, from handshake to close, over whichever transport it uses now.
///
/// Owner:   EngineServer's SessionTable, by shared_ptr; others keep it only while they use it or
///          after checking closed().
/// Threads: confined to its loop(), except the functions marked [any]; others post there.
/// Errors:  send() to a closed session returns false; nothing here throws.
/// Limits:  outboundLimit() bytes queued: the message that does not fit closes the session
///          (TransportError, "outbound limit").
class EngineSession : public std::enable_shared_from_this<EngineSession> {
public:
    using Ptr = std::shared_ptr<EngineSession>;
    virtual ~EngineSession() = default;

    const std::string& sid() const { return _sid; }        // [any]
    EngineRevision revision() const { return _revision; }  // [any]
    Executor::LoopId loop() const { return _loop; }        // [any]
    virtual bool onWebSocket() const = 0;                  // [any] an atomic
    virtual bool closed() const = 0;                       // [any] an atomic
    /// The environ of the handshake; null when it was dropped.
    virtual std::shared_ptr<const Environ> environ() const = 0;  // [any]
    virtual void dropEnviron() = 0;

    /// Queues a message for the current transport.
    virtual bool send(const EngineMessage::Ptr& message) = 0;

    /// The only way a session ends. Idempotent: the first reason wins, the listener hears it once,
    /// inside this call or later. What is queued is still sent if the transport takes it.
    virtual void close(CloseReason reason, std::string_view detail = {}) = 0;

    /// Back-pressure: while paused no WebSocket bytes are read, a POST is not answered, and the
    /// heartbeat deadline is suspended.
    virtual void pauseInput(bool paused) = 0;

    /// Bytes that wait for the transport.
    virtual std::size_t queuedBytes() const = 0;

protected:
    EngineSession(std::string sid, EngineRevision revision, Executor::LoopId loop)
        : _sid(std::move(sid)), _revision(revision), _loop(loop) {}

private:
    const std::string _sid;
    const EngineRevision _revision;
    const Executor::LoopId _loop;
};

}  // namespace socketio
