#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/base/Mutex.h"
#include "socketio/base/Timers.h"
#include "socketio/engine/EngineServer.h"
#include "socketio/engine/EngineSession.h"

#include "EngineContext.h"
#include "PollingTransport.h"
#include "UpgradeProbe.h"
#include "WebSocketTransport.h"

namespace socketio {

/// What a session is: its life, its heartbeat, what its packets do, and which transport it uses.
///
///     Open -> Closed              the peer ended it or broke a rule, or all could be said at once
///     Open -> Lingering -> Closed we ended it, and the client has to poll once more to hear of it
///
/// Code:    EngineSessionImpl.cpp opens and sends; the rest is in EngineSessionPolling.cpp,
///          -Input, -Upgrade, -Heartbeat and -Close.
/// Owner:   SessionTable, and its WebSocketTransport while a connection lives. Timers keep a bare
///          pointer and are cancelled when it is closed.
/// Threads: confined to its loop, except what is marked [any].
class EngineSessionImpl final : public EngineSession {
public:
    using Ptr = std::shared_ptr<EngineSessionImpl>;
    using OpenCallback = EngineServer::OpenCallback;

    EngineSessionImpl(std::shared_ptr<EngineContext> context, std::string sid,
                      EngineRevision revision, Executor& executor, Executor::LoopId loop,
                      std::shared_ptr<const Environ> environ);
    ~EngineSessionImpl() override;

    // EngineSession
    bool onWebSocket() const override { return _onWebSocket.load(std::memory_order_acquire); }
    bool closed() const override { return _closed.load(std::memory_order_acquire); }
    std::shared_ptr<const Environ> environ() const override;
    void dropEnviron() override;
    bool send(const EngineMessage::Ptr& message) override;
    void close(CloseReason reason, std::string_view detail) override;
    void pauseInput(bool paused) override;
    std::size_t queuedBytes() const override;

    // From EngineServer.
    /// Calls `onOpen` and answers the handshake with the open packet and what the callback sent.
    /// False when the callback failed: the session is gone and the exchange not answered.
    bool openPolling(const Exchange::Ptr& exchange, const std::string& jsonpIndex, bool base64,
                     const OpenCallback& onOpen);
    bool openWebSocket(std::shared_ptr<WebSocketTransport> transport, const OpenCallback& onOpen);
    void poll(const Exchange::Ptr& exchange, const std::string& jsonpIndex);
    void pollAborted();
    /// The head of a POST; false when it was refused and answered.
    bool postHead(const Exchange::Ptr& exchange);
    void postBody(const Exchange::Ptr& exchange, Exchange::BodyStatus status, bool jsonp);
    void postAborted(const std::weak_ptr<Exchange>& post);
    void startUpgrade(std::shared_ptr<WebSocketTransport> candidate);
    /// The client may say at any moment that it goes on over a WebSocket.
    bool upgrading() const { return _probe != nullptr && _probe->probed(); }
    /// Ends it without telling the client any more: stop() has run out of time.
    void drop(CloseReason reason);
    /// Lets go of everything that may hold the session: its server goes, and no loop runs.
    void abandon();

    // From its WebSocketTransport.
    void webSocketMessage(WebSocketTransport& transport, bool binary, std::string_view data);
    void webSocketClosed(WebSocketTransport& transport, std::uint16_t code,
                         std::string_view detail);

    // From its UpgradeProbe.
    void upgradeTimedOut();
    void releasePoll();

    /// Runs `work`; what it throws (no memory, most likely) ends this session, and no other.
    template <class Work>
    void guarded(Work&& work) noexcept {
        try {
            work();
        } catch (...) {
            fail();
        }
    }

    /// What waits for its polls is the largest, and there is too much for all.
    void largestOutbound();

    Executor& executor() const { return _executor; }  // [any]
    Timers& timers() const { return _executor.timers(loop()); }
    EngineContext& context() const { return *_context; }                // [any]
    const EngineOptions& options() const { return _context->options; }  // [any]
    std::weak_ptr<EngineSessionImpl> weak() { return self(); }

private:
    using Type = EnginePacket::Type;
    enum class State : std::uint8_t { Open, Lingering, Closed };
    struct Opening;  // the call of OpenCallback, on the stack
    class Dispatch;  // packets are being handed to the listener

    Ptr self() { return std::static_pointer_cast<EngineSessionImpl>(shared_from_this()); }
    std::string openPacket(bool upgrade) const;
    bool callOpen(const OpenCallback& onOpen);

    // Packets from the client. False: the session is not open any more.
    bool receive(Type type, bool binary, std::string_view data);
    bool receiveFrame(bool binary, std::string_view data);
    void takePoll(const Exchange::Ptr& exchange, const std::string& jsonpIndex);
    void takePost(const Exchange::Ptr& exchange, Exchange::BodyStatus status, bool jsonp);
    void receivePost(const Exchange::Ptr& exchange, bool jsonp);
    bool receivePayload(const Exchange::Ptr& exchange, bool jsonp);
    bool wrong(CloseReason reason, const char* detail);
    std::string who() const;
    void reached(Limit limit, const char* what);

    // The heartbeat.
    TimePoint now() const { return timers().now(); }
    void startHeartbeat();
    void alive();
    bool waitsForPong() const;
    TimePoint respite(bool stoodStill) const;
    Duration patience() const { return options().pingInterval + options().pingTimeout; }
    TimePoint lastHeard() const;
    bool watched() const { return options().monitorClients && !_paused; }
    void sendHeartbeat();
    TimePoint nextWake() const;
    void armTimer();
    static void timerFired(void* self);
    static void beat(const Ptr& session);

    void sendControl(Type type);
    void flushSoon();
    void flush();

    void upgrade();
    void dropProbe() noexcept;

    void closePolling(CloseReason reason);
    void closeWebSocket(CloseReason reason, std::string_view detail);
    /// Lingering: answers the parked poll with what is left and the close packet.
    void deliverLast();
    void sayGoodbye(CloseReason reason, std::string_view detail);
    void finish();
    void fail() noexcept;
    void tellListener(CloseReason reason, std::string_view detail);

    const std::shared_ptr<EngineContext> _context;
    Executor& _executor;
    std::shared_ptr<EngineListener> _listener;
    std::shared_ptr<WebSocketTransport> _webSocket;  // null while polling
    std::unique_ptr<PollingTransport> _polling;      // null on a WebSocket
    std::unique_ptr<UpgradeProbe> _probe;
    Opening* _opening = nullptr;
    Timer _timer;           // the heartbeat, then the lingering
    TimePoint _deadline{};  // of a sign of life
    TimePoint _nextPing{};  // v3: of the next pong while reading is paused
    TimePoint _pingSent{};  // v4
    TimePoint _lastPost{};  // when one came last
    TimePoint _pausedSince{};
    static Mutex& environMutex(const EngineSessionImpl* session);
    std::shared_ptr<const Environ> _environ;  // environMutex()
    std::uint16_t _dispatching = 0;
    State _state = State::Open;
    CloseReason _reason = CloseReason::ForcedClose;
    bool _paused = false;
    bool _pingOutstanding = false;
    std::atomic<bool> _closed{false};
    std::atomic<bool> _onWebSocket{false};
};

}  // namespace socketio
