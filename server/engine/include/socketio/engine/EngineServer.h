#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "socketio/engine/EngineOptions.h"
#include "socketio/engine/EngineSession.h"
#include "socketio/exchange/Exchange.h"

namespace socketio {

class SessionTable;

/// Counters for logs, tests and monitoring; at most one line a second and kind is logged besides.
struct EngineCounters {
    std::atomic<std::uint64_t> foreignOrigins{0};  ///< Requests refused with 403.
    std::atomic<std::uint64_t> largeBodies{0};     ///< POSTs refused with 413.
    std::atomic<std::uint64_t> badPayloads{0};     ///< POSTs refused with 400 for their body.
    std::atomic<std::uint64_t> badPackets{0};      ///< Sessions ended for an Engine.IO packet.
    std::atomic<std::uint64_t> outboundLimit{0};   ///< Sessions ended: slow reader.
    std::atomic<std::uint64_t> internalErrors{0};  ///< Sessions ended: no memory, most likely.
};

/// The Engine.IO server: handshakes, long-polling, WebSocket, upgrades, heartbeats.
/// See: Engine.IO protocol, revisions 3 and 4.
///
/// Owner:   Server.
/// Threads: begin() on the loop of the exchange; sessions live on the loop that they were opened
///          on, and requests that arrive on another loop are forwarded there. The rest from any
///          thread.
class EngineServer {
public:
    /// Makes the listener of a new session, on its loop, before the session has sent anything.
    /// What the callback sends leaves with the handshake's answer, after the open packet.
    using OpenCallback = std::function<std::shared_ptr<EngineListener>(const EngineSession::Ptr&)>;

    EngineServer(EngineOptions options, OpenCallback onOpen);
    ~EngineServer();

    void start(Executor& executor);

    /// One request whose path belongs to the engine.
    void begin(const Exchange::Ptr& exchange);

    /// New sessions are refused with 503 from here on; those that are open go on until stop().
    void refuseNew();

    /// Closes every session with ServerShuttingDown, 1,000 per 200 ms, refuses new ones with 503;
    /// returns when none is left or `deadline` has come.
    void stop(TimePoint deadline);

    const EngineOptions& options() const { return _options; }
    std::size_t sessionCount() const;
    const EngineCounters& counters() const;
    /// The session with that sid, or null. [any]
    EngineSession::Ptr find(std::string_view sid) const;

private:
    friend class EngineSessionImpl;
    struct Impl;

    EngineOptions _options;
    std::unique_ptr<Impl> _impl;
};

/// A fresh id: 20 characters [A-Za-z0-9_-], 120 random bits from the kernel.
/// Throws Poco::SystemException when the kernel gives none.
std::string generateId();

}  // namespace socketio
