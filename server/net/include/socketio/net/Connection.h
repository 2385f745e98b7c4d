#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/base/SharedFrame.h"
#include "socketio/base/Timers.h"
#include "socketio/net/OutQueue.h"

namespace socketio {

class Connection;
class LoopContext;

/// The addresses of a connection; text is made when asked for.
struct Endpoints {
    std::string peerAddress, localAddress;  ///< "127.0.0.1", "::1"; empty for a Unix socket.
    std::uint16_t peerPort = 0, localPort = 0;
};

/// What speaks on a connection: HTTP, WebSocket, FastCGI.
///
/// Owner:   its Connection, by shared_ptr; requests in progress may hold it longer.
/// Threads: confined to the loop of the connection.
class ConnectionProtocol {
public:
    virtual ~ConnectionProtocol() = default;

    /// The protocol now speaks on `connection`, which stays valid until onClosed().
    virtual void onOpen(Connection& connection) = 0;

    /// Bytes have come. Returns how many were used; the rest is given again in front of the next
    /// bytes, or after Connection::resumeInput(). The bytes may be changed in place.
    virtual std::size_t onInput(char* bytes, std::size_t size) = 0;

    /// The peer has closed its side (FIN); nothing more will come.
    virtual void onEnd() = 0;

    /// The deadline set by Connection::setDeadline() has come.
    virtual void onDeadline() {}

    /// All that was queued has been handed to the kernel.
    virtual void onDrained() {}

    /// The connection is gone: once and last. `detail` is static text for logs.
    virtual void onClosed(const char* detail) = 0;
};

/// One TCP or Unix stream.
///
/// Owner:   its LoopContext, until it is closed.
/// Threads: confined to its loop; others post there.
/// Limits:  Limits below. Input that the protocol leaves unused is kept up to maxPendingInput, then
///          reading stops; output beyond maxOutput closes the connection ("outbound limit"); output
///          that makes no progress for writeStall closes it, too ("write stall").
/// Errors:  calls on a connection that is closing do nothing.
class Connection {
public:
    struct Limits {
        std::size_t maxPendingInput = 65'536;
        std::size_t maxOutput = 4 * 1024 * 1024;
        std::chrono::milliseconds writeStall{30'000};
    };

    Connection(LoopContext& loop, int descriptor, std::shared_ptr<ConnectionProtocol> protocol,
               const Limits& limits);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Queues bytes; all that is queued in one turn of the loop leaves in one send.
    void send(SharedFrame frame);
    void send(std::string bytes) { send(SharedFrame(std::move(bytes))); }
    std::size_t queuedBytes() const { return _out.bytes(); }

    /// Sends what is queued, then FIN, then waits for the peer's FIN: up to 2 s, dropping up to
    /// 64 KiB of input, so that the peer can read the answer. Then closes.
    void closeAfterFlush();

    /// Closes at once; onClosed() is called from the loop, not inside this call.
    void abort(const char* detail);

    /// Stops or resumes reading.
    void pauseReading(bool paused);
    /// Gives the unused input to the protocol again, soon.
    void resumeInput();
    bool hasPendingInput() const { return !_input.empty(); }

    /// One deadline of the protocol's own.
    void setDeadline(TimePoint deadline);
    void clearDeadline() { _deadline.cancel(); }

    /// Hands the connection to another protocol, from inside onInput() or from its loop. Unused
    /// input goes to the new one. The old one's onClosed() is not called.
    void setProtocol(std::shared_ptr<ConnectionProtocol> protocol);
    void setMaxOutput(std::size_t bytes) { _limits.maxOutput = bytes; }

    LoopContext& loop() const { return _loop; }
    Endpoints endpoints() const;
    /// May be closed to make room when descriptors run out: a newcomer that has said nothing for
    /// 1 s (this has never been set to false), others when they have been idle for 5 s. So a crowd
    /// does not push out who is in the middle of a conversation or about to begin one.
    void setDisposable(bool disposable);

private:
    friend class LoopContext;
    enum class State : std::uint8_t { Open, Flushing, Lingering, Closed };

    void onReadable();
    void onWritable();
    void onHangUp();
    void flush();
    void deliver(char* bytes, std::size_t size);
    void finishFlushing();
    void updateInterest();
    bool isDisposable(TimePoint now) const;
    static void deadlineReached(void* self);
    static void stalled(void* self);

    LoopContext& _loop;
    std::shared_ptr<ConnectionProtocol> _protocol;
    OutQueue _out;
    std::string _input;  // left unused by the protocol
    Timer _deadline;
    Timer _stall;  // write stall, then linger
    Limits _limits;
    std::size_t _slot = 0;  // in the loop's table
    std::size_t _lingerBytes = 0;
    TimePoint _disposableSince = TimePoint::max();  // max: not disposable
    int _descriptor;
    State _state = State::Open;
    bool _readingPaused = false;
    bool _peerEnded = false;
    bool _wantWrite = false;
    bool _dirty = false;
    bool _watched = false;
    bool _resumeQueued = false;
    bool _needed = false;
    std::uint32_t _interest = 0;
    const char* _closeDetail = "";
};

}  // namespace socketio
