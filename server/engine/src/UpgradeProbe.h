#pragma once

#include <memory>

#include "socketio/base/Timers.h"

#include "WebSocketTransport.h"

namespace socketio {

class EngineSessionImpl;

/// An upgrade in progress: the WebSocket that wants to become the transport of a polling session.
///
///     client                  server
///     2probe (WebSocket)  ->
///                         <-  3probe (WebSocket)
///                         <-  6 to the parked poll, so that the client can stop polling
///     5 (WebSocket)       ->  the WebSocket is the transport from here on
///
/// Whatever else comes, and silence for upgradeTimeout, ends the candidate alone.
/// Owner:   its session, while it lasts. Threads: confined to the session's loop.
class UpgradeProbe {
public:
    UpgradeProbe(EngineSessionImpl& session, std::shared_ptr<WebSocketTransport> candidate);

    bool isCandidate(const WebSocketTransport& transport) const {
        return _candidate.get() == &transport;
    }
    std::shared_ptr<WebSocketTransport> takeCandidate() { return std::move(_candidate); }
    WebSocketTransport& candidate() { return *_candidate; }

    /// The probe was answered: the client may have stopped polling.
    bool probed() const { return _probed; }

    enum class Step { Probe, Upgrade, Wrong };
    Step step(bool binary, std::string_view data);

    /// A poll is parked while the upgrade goes on: it is released before long.
    void releasePollSoon();

private:
    static void timedOut(void* self);
    static void releasePoll(void* self);

    EngineSessionImpl& _session;
    std::shared_ptr<WebSocketTransport> _candidate;
    Timer _timeout;
    Timer _release;
    bool _probed = false;
};

}  // namespace socketio
