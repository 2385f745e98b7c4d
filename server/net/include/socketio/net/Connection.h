#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/base/Executor.h"
#include "socketio/base/Limits.h"
#include "socketio/base/Outbound.h"
#include "socketio/base/SharedFrame.h"
#include "socketio/base/Timers.h"
#include "socketio/net/OutQueue.h"
#include "socketio/net/TlsTransport.h"

namespace socketio {

class Connection;
class LoopContext;

/// The addresses of a connection; text is made when asked for.
struct Endpoints {
    std::string peerAddress, localAddress;  ///< "127.0.0.1", "::1"; empty for a Unix socket.
    std::uint16_t peerPort = 0, localPort = 0;
    bool secureAtProxy = false;  ///< A proxy says that its client speaks TLS with it.
};

/// What a peer has to say before anything else, TLS included: a PROXY header.
///
/// Owner:   its Connection, until it has been read.
/// Threads: confined to the loop of the connection.
class ConnectionPreface {
public:
    enum class Status : std::uint8_t { Complete, Incomplete, Refused };

    virtual ~ConnectionPreface() = default;

    /// All that has come so far; Complete: its first `size` bytes are the preface, and `endpoints`
    /// may have been replaced by what it says. Incomplete: all of it belongs to the preface, and
    /// there may not be without end.
    virtual Status read(std::string_view bytes, std::size_t& size, Endpoints& endpoints) = 0;
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

    /// The handshake that Connection::startTls() announced has come to its good end.
    virtual void onSecured() {}

    /// What to tell, in the clear, a peer that speaks plain HTTP where TLS was expected.
    virtual std::string_view plainHttpAnswer() const { return {}; }

    /// The peer takes no more bytes: it has closed, or stopped to read (a Unix stream tells). What
    /// it sent before may not have been read, since reading is paused or the kernel still has it.
    /// True: that is read now, up to its end, whatever was paused, and output is dropped from here
    /// on. False: the connection closes at once.
    virtual bool onOutputLost() { return false; }

    /// The connection is gone: once and last. `detail` is static text for logs.
    virtual void onClosed(const char* detail) = 0;
};

/// One TCP or Unix stream.
///
/// Owner:   its LoopContext, until it is closed.
/// Threads: confined to its loop; others post there. moveTo() makes another object on another loop.
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
    std::size_t queuedBytes() const { return _out.bytes() + (_tls ? _tls->unsent.size() : 0); }
    /// What the limit is compared with: queued bytes, and the memory that their frames take.
    std::size_t queuedCost() const { return _out.cost(); }

    /// Sends what is queued, then FIN, then waits for the peer's FIN: up to 2 s, dropping up to
    /// 1 MiB of input, so that the peer can read the answer. Then closes.
    void closeAfterFlush();

    /// Sends what is queued, then tells the peer that nothing more comes (FIN; close_notify through
    /// TLS), and goes on reading. What is sent after this call is dropped.
    void endOutput();
    /// Takes nothing more from the peer than it has sent already: that is still read, then onEnd()
    /// follows. What the peer of a Unix stream sends from now on fails. Not through TLS.
    void stopInput();

    /// Closes at once; onClosed() is called from the loop, not inside this call.
    void abort(const char* detail);

    /// Stops or resumes reading.
    void pauseReading(bool paused);
    bool readingPaused() const { return _readingPaused; }
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
    /// Raises that limit, where it is lower, so that `bytes` fit behind what is queued.
    void makeRoom(std::size_t bytes) {
        _limits.maxOutput = std::max(_limits.maxOutput, _out.cost() + bytes);
    }

    /// Before anything has been read, and once: the connection speaks TLS, as the server, behind
    /// its preface if one is expected. The protocol sees and sends plain bytes as ever, the first
    /// ones after onSecured(). Closed when the handshake fails or outlasts `handshakeTime`.
    /// Throws Poco::Net::SSLException (no memory).
    void startTls(const TlsContext& context, std::chrono::milliseconds handshakeTime);
    /// What TLS agreed on; null on a plain connection.
    const TlsTransport* tls() const { return _tls.get(); }

    /// Hands the stream to `protocol` on the loop `target` of the same hub: descriptor, limits,
    /// what is queued and what is unused of the input become a new Connection there, which is open
    /// before anything runs that is posted there from here on. This object is over, and the old
    /// protocol's onClosed() is not called. Inside onInput() `unused` is the tail of the bytes
    /// given that is left for the new protocol. When the hub stops before, onOpen() is never
    /// called. False, and nothing done, when the connection is closing.
    [[nodiscard]] bool moveTo(Executor::LoopId target, std::shared_ptr<ConnectionProtocol> protocol,
                              std::optional<std::string_view> unused = {});

    /// When bytes last came from the peer.
    TimePoint lastInput() const { return _lastInput; }

    LoopContext& loop() const { return _loop; }
    /// What the preface said, or the socket's own.
    Endpoints endpoints() const;
    /// From inside onOpen(): nothing else is read until the preface is complete. One that is
    /// refused, or cut off, closes the connection ("bad preface").
    void expectPreface(std::unique_ptr<ConnectionPreface> preface);
    /// Before LoopContext::adopt(): bytes that were read ahead, and what takes the place of the
    /// socket's own addresses, if anything does.
    void preset(std::string input, std::unique_ptr<Endpoints> endpoints);

    /// Counts it among the connections that its peer's address has with this hub, as long as it is
    /// open. False when there are `most` already, which is counted and logged.
    [[nodiscard]] bool countAddress(std::size_t most);

    /// Lets go of the descriptor and of the input that the protocol has left unused; -1, and
    /// nothing done, while output is queued or when the bytes are not the protocol's own (TLS).
    /// onClosed("detached") is called from the loop.
    int detach(std::string& input);
    /// May be closed to make room when descriptors run out: a newcomer that has said nothing for
    /// 1 s (this has never been set to false), others when they have been idle for 5 s. So a crowd
    /// does not push out who is in the middle of a conversation or about to begin one.
    void setDisposable(bool disposable);

private:
    friend class LoopContext;
    enum class State : std::uint8_t { Open, Flushing, Lingering, Closed };

    /// The stream of `from` on another loop; nothing of it is watched or armed yet.
    Connection(LoopContext& loop, Connection& from, std::shared_ptr<ConnectionProtocol> protocol);

    void onReadable();
    void onWritable();
    void onHangUp();
    void readPreface();
    bool handshaking() const { return _tls && !_tls->established(); }
    void stepHandshake();
    void refuseHandshake();
    void readRecords();
    void receiveRecords(std::string_view records, std::size_t kept);
    void endInput();
    bool sendRecords(std::string_view records);
    bool writeRecords(bool& progress);
    bool encryptQueued(TlsBuffers& buffers);
    bool writePlain(bool& progress);
    /// Something that could be sent waits for the kernel.
    bool waitsForKernel() const {
        return _tls ? !_tls->unsent.empty() || (!_out.empty() && _tls->established())
                    : !_out.empty();
    }
    void flush();
    void flushSoon();  // with what else comes together in this turn
    void deliver(char* bytes, std::size_t size);
    void keepUnused(std::string_view bytes);
    void finishFlushing();
    bool keepInput();
    void updateInterest();
    bool isDisposable(TimePoint now) const;
    Endpoints socketEndpoints() const;
    /// What waits, for the share of the loop.
    void tellOutbound();
    void forgetOutbound();
    template <class What>
    void reached(Limit limit, const What& what);
    static void largestOutbound(void* self);
    static void deadlineReached(void* self);
    static void stalled(void* self);
    static void handshakeLate(void* self);

    LoopContext& _loop;
    std::shared_ptr<ConnectionProtocol> _protocol;
    OutQueue _out;
    OutboundQueue _outbound;  // what of that the kernel has not taken at once
    std::unique_ptr<TlsTransport> _tls;
    std::string _input;  // left unused by the protocol; of the preface while that is read
    std::unique_ptr<ConnectionPreface> _preface;  // not complete yet
    std::unique_ptr<Endpoints> _endpoints;        // where they are not the socket's
    Timer _deadline;
    Timer _stall;  // write stall, then linger
    Limits _limits;
    std::uint64_t _addressKey = 0;  // counted by it; 0: not counted
    std::uint32_t _slot = 0;        // in the loop's table
    std::uint32_t _lingerBytes = 0;
    TimePoint _disposableSince = TimePoint::max();  // max: not disposable
    TimePoint _lastInput{};
    int _descriptor;
    std::uint32_t _interest = 0;
    State _state = State::Open;
    bool _readingPaused = false;
    bool _peerEnded = false;
    bool _outputEnded = false;  // nothing is queued any more
    bool _endHeld = false;      // close_notify came along with input that was not to be read yet
    bool _wantWrite = false;
    bool _dirty = false;  // in the loop's list
    bool _later = false;  // the same
    bool _watched = false;
    bool _resumeQueued = false;
    bool _needed = false;
    bool _handshakeQueued = false;
    bool _handshakePaused = false;  // not read while others come first
    const char* _closeDetail = "";
};

}  // namespace socketio
