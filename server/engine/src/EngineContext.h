#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/base/Limits.h"
#include "socketio/base/Log.h"
#include "socketio/engine/EngineOptions.h"
#include "socketio/engine/EngineServer.h"
#include "socketio/exchange/Exchange.h"

#include "HandshakeRate.h"
#include "OriginPolicy.h"
#include "SessionTable.h"

namespace socketio {

/// The official error codes of HTTP answers.
enum class EngineError {
    TransportUnknown = 0,
    SessionUnknown = 1,
    BadHandshakeMethod = 2,
    BadRequest = 3,
    Forbidden = 4,
    UnsupportedVersion = 5
};

/// What clients do wrong, and what ends a session through our own fault, by its counter.
enum class EngineFault { ForeignOrigin, BodyTooLarge, BadPayload, BadPacket, Outbound, Internal };

/// What the sessions of one EngineServer share: settings, the table, and how HTTP is answered.
///
/// Owner:   EngineServer and each of its sessions, by shared_ptr: a session that a connection still
///          holds may outlive its server.
/// Threads: thread-safe.
class EngineContext {
public:
    /// Throws Poco::InvalidArgumentException that names a setting which cannot be.
    explicit EngineContext(const EngineOptions& settings);

    const EngineOptions options;
    const std::size_t outboundLimit;
    const Log logger;
    const OriginPolicy origins;
    SessionTable table;
    std::atomic<std::size_t> openSessions{0};
    std::atomic<bool> refusing{false};  // new sessions
    std::atomic<bool> stopping{false};
    EngineCounters counters;

    bool serves(std::string_view transport) const;

    /// Answers with the headers that every answer of the engine carries.
    void answer(const Exchange::Ptr& exchange, Response response) const;
    void refuse(const Exchange::Ptr& exchange, EngineError error, int status = 400) const;
    /// Without CORS headers, for the origin that is not allowed.
    void refuseOrigin(const Exchange::Ptr& exchange);
    /// The body of a poll, packed when the client takes it and it is worth it. `jsonp` is the index
    /// of the callback, or empty.
    void answerPoll(const Exchange::Ptr& exchange, std::string body, bool octetStream,
                    std::string_view jsonp, std::string_view setCookie) const;

    /// The Set-Cookie value of a new session.
    std::string cookie(std::string_view sid, bool secure) const;

    /// Counts, and logs at most one line per second and kind, which says how many it left out.
    /// `limit`: the limit that was reached, if that was it.
    void warn(EngineFault fault, std::optional<Limit> limit, Executor& executor,
              const std::string& text);
    /// Counts the limit that a request reached, and logs it as LimitCounters does.
    void reached(Limit limit, const Exchange::Ptr& exchange, const char* what) const;
    /// False when the request's address has opened enough sessions in this second, and it has been
    /// answered.
    bool admits(const Exchange::Ptr& exchange);

private:
    std::atomic<std::uint64_t>& counter(EngineFault fault);

    std::array<LogThrottle, 6> _throttles;
    HandshakeRate _handshakes;
};

}  // namespace socketio
