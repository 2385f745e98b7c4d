#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Log.h"
#include "socketio/managers/MemoryManager.h"

namespace socketio {

/// The form in which messages are written to the queue. All of them are read, whatever is written.
enum class QueueDialect {
    Json,        ///< python-socketio 5.15.1 and later: the arguments always as a list
    LegacyJson,  ///< python-socketio 5.14.0 to 5.15.0: one argument bare
    Pickle       ///< python-socketio up to 5.13, such as Debian 12's 5.7.2
};

/// The names that options give them.
inline constexpr std::array<std::pair<std::string_view, QueueDialect>, 3> kQueueDialects{
    {{"json", QueueDialect::Json},
     {"legacy-json", QueueDialect::LegacyJson},
     {"pickle", QueueDialect::Pickle}}};

struct PubSubOptions {
    QueueDialect dialect = QueueDialect::Json;
    bool readPickle = true;  ///< By a decoder of plain data, which runs nothing.
    // Messages that wait for the broker; what does not fit, or waited too long, is dropped and
    // counted.
    std::size_t publishMessages = 10'000;
    std::size_t publishBytes = 16 * 1024 * 1024;
    std::chrono::milliseconds publishAge{10'000};
    // Messages that came and wait to be applied, up to 64 in hand not counted; what does not fit is
    // dropped and counted.
    std::size_t receiveMessages = 100'000;
    std::size_t receiveBytes = 64 * 1024 * 1024;
    std::size_t messageBytes = 16 * 1024 * 1024;  ///< A larger one is dropped and counted.
    std::size_t pendingCallbacks = 10'000;        ///< Of emits to other servers.
    const Clock* clock = &Clock::system();        ///< Of callbacks and of the log; borrowed.
};

/// Servers, and processes that only emit, as one, over a channel that all of them hear: what
/// python-socketio calls PubSubManager, and on the wire what python-socketio writes and reads.
///
/// What concerns local clients is applied at once; everything that others may have to apply is
/// published, and what comes back from there by the own host id is skipped. Rooms are kept by the
/// server that has the client, so getRooms() and getParticipants() tell of local clients only.
///
/// A backend derives from it and supplies publish(), start() and stop(). It calls receive() for
/// every payload that it hears.
///
/// Delivery: at most once, in order per publishing server. Every message of ours carries a running
/// number, so that each receiver counts what it missed (Counters::missed); python-socketio
/// ignores the number.
///
/// Callbacks: an emit to a client or a room of other servers calls back once, for the first answer;
/// for a client of this server as MemoryManager does. An answer is waited for as long as
/// EmitTarget::ackTimeout says.
///
/// Owner:   Server, by shared_ptr; a program that only emits has one without a server.
/// Threads: thread-safe. Nothing here waits for the broker. What comes from the channel is applied
///          by a thread of its own, never by the one that listens.
/// Errors:  what comes from the channel and cannot be understood is counted and ignored, with at
///          most one line in the log per 10 s.
class PubSubManager : public MemoryManager {
public:
    struct Counters {
        std::uint64_t published = 0;       ///< Given to the broker.
        std::uint64_t publishDropped = 0;  ///< Queue full, too old, or the connection broke.
        std::uint64_t received = 0;        ///< Own ones not counted.
        std::uint64_t receiveDropped = 0;  ///< They came faster than they could be applied.
        std::uint64_t ignored = 0;         ///< Not understood, too large, or come before.
        /// Gaps in the numbers of other servers' messages, what was dropped here included.
        std::uint64_t missed = 0;
        std::uint64_t reconnects = 0;
    };

    explicit PubSubManager(std::string channel = "socketio", bool writeOnly = false,
                           PubSubOptions options = {});
    /// The backend has called shutdown() in its own destructor.
    ~PubSubManager() override;

    const std::string& channel() const;
    bool writeOnly() const;
    /// 32 hexadecimal digits, new for each object.
    const std::string& hostId() const;
    Counters counters() const;

    /// Waits until all that was emitted has been given to the broker. False when `timeout` came
    /// first, or when something was dropped since the object was made; lastError() says why.
    bool flush(Duration timeout);
    /// What the broker or the connection to it said last, without credentials; "" while all is
    /// well.
    std::string lastError() const;

    // ClientManager
    void initialize() override;
    void shutdown() override;
    void enterRoom(std::string_view sid, std::string_view nsp, std::string_view room) override;
    void leaveRoom(std::string_view sid, std::string_view nsp, std::string_view room) override;
    void closeRoom(std::string_view room, std::string_view nsp) override;
    void emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                const AckCallback& callback = {}) override;
    void disconnectSocket(std::string_view sid, std::string_view nsp,
                          bool ignoreQueue = false) override;

protected:
    const PubSubOptions& options() const;

    // For the backend to supply.

    /// Begins to publish and, unless writeOnly(), to listen, on threads of its own. Called once,
    /// by initialize() or the first emit. Does not wait for the broker, which may be down.
    virtual void start() = 0;
    /// Ends both within a second or so; the queue may still hold messages, which are lost. Called
    /// once, only after start().
    virtual void stop() = 0;
    /// Queues a payload. Never blocks. False when it was dropped, which is counted for the backend.
    /// Called in the order in which the messages are to go out, by one thread at a time.
    virtual bool publish(std::string payload) = 0;
    /// As flush().
    virtual bool flushQueue(TimePoint deadline) = 0;

    // For the backend to call.

    /// Payloads came over the channel: those that came together, in their order. Never blocks for
    /// long.
    void receive(std::vector<std::string> payloads);
    void countPublished(std::size_t messages);
    void countDropped(std::size_t messages);
    void countReconnect();
    /// "" when the connection works.
    void setLastError(std::string error);
    const Log& log() const;

private:
    class Impl;
    const std::shared_ptr<Impl> _impl;  // callbacks that clients still owe hold it weakly
};

}  // namespace socketio
