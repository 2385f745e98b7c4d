#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Limits.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Strand.h"
#include "socketio/base/Timers.h"
#include "socketio/engine/EngineSession.h"
#include "socketio/protocol/SocketPacketDecoder.h"
#include "socketio/server/Socket.h"

#include "Acknowledgements.h"
#include "HandlerTable.h"
#include "ServerCore.h"

namespace socketio {

/// One Engine.IO session as the Socket.IO layer sees it: its decoder, its sockets (one per
/// namespace) and the strand on which its handlers run.
///
/// Owner:   the session, until onClose() has returned; its sockets and tasks beyond that.
/// Threads: what comes from the session and what is marked [loop] is confined to the session's
///          loop, what is marked [strand] runs there, one at a time; the rest is thread-safe.
class Client final : public EngineListener, public std::enable_shared_from_this<Client> {
public:
    using SocketPtr = std::shared_ptr<Socket>;

    Client(std::shared_ptr<ServerCore> core, EngineSession::Ptr session);
    ~Client() override;

    void open();  // [loop] once

    void onText(std::string_view text) override;
    void onBinary(std::string_view bytes) override;
    void onClose(CloseReason reason, std::string_view detail) override;

    ServerCore& core() const { return *_core; }
    EngineSession& session() const { return *_session; }
    int protocol() const { return _session->revision() == EngineRevision::V3 ? 4 : 5; }
    void post(Task task, std::size_t bytes = 0);  ///< To the session's loop.
    /// Runs `task` when everything that has arrived so far has been handled, on whichever worker.
    void afterInput(Task task);

    /// Runs `work`, on any thread; what it throws (no memory, most likely) ends this client, and no
    /// other.
    template <class Work>
    void guarded(Work&& work) noexcept {
        try {
            work();
        } catch (...) {
            failed();
        }
    }
    void failed() noexcept;

    // ---- to the client [loop]
    void queue(Socket& socket, const EngineMessage::Ptr& message);
    void queueWithAck(Socket& socket, const EngineMessage::Ptr& message, TimePoint deadline);

    // ---- acknowledgements and sessions
    /// The id for one more callback; 0 when the socket has been closed or too many are outstanding.
    std::uint64_t addAck(Socket& socket, const AckCallback& callback, TimePoint deadline);
    bool acksFull(Socket& socket);
    /// Takes an id back that has not been sent.
    void cancelAck(Socket& socket, std::uint64_t id);
    void acknowledge(const SocketPtr& socket, std::uint64_t id, Value::Array values);
    Value session(const Socket& socket) const;
    void saveSession(Socket& socket, Value value);

    /// disconnect() was called for it.
    void disconnect(const SocketPtr& socket, bool close);

    /// What the calling thread does for a client just now.
    struct Running {
        Client* client = nullptr;            // a handler or a callback of this client
        const Socket* connecting = nullptr;  // the connect handler of this socket
        const Environ* environ = nullptr;    // what that handler was given
    };
    static Running& running();

    /// Around the wait in call(): the client whose handler waits is read on.
    class CallScope;

private:
    // Marks what the calling thread does.
    class RunningScope;
    struct EventTask;
    struct AckTask;
    struct ApartEvent;
    struct FinishTask;
    struct ConnectTask;

    // ---- from the client [loop]
    void take(Result<std::optional<SocketPacket>> result, bool begins);
    void awaitAttachments();
    void attachmentsOverdue();
    Duration halfTime() const;
    void handle(SocketPacket packet);
    void connect(std::string nsp, Value auth);
    void accept(const SocketPtr& socket);
    void refuse(const SocketPtr& socket, const Value& data);
    Value refusal(const ConnectionRefused& refused) const;  // [any] as the client is told
    void leave(const SocketPtr& socket, bool close);
    void retire(const SocketPtr& socket);
    void closeSocket(const SocketPtr& socket, DisconnectReason reason, std::string_view detail);
    void closeSession(CloseReason reason, std::string_view detail);
    void hold(Socket& socket, const EngineMessage::Ptr& message);
    void violation(std::string_view detail, std::optional<Limit> limit = {});
    void badPacket(std::string_view detail, std::optional<Limit> limit);
    template <class What>
    void reached(Limit limit, const What& what) const;  // [any]
    void armConnectTimer();
    void sendPacket(SocketPacket::Type type, const std::string& nsp, const Value* data);
    void ackTimerFired(Socket& socket);
    void dropAcks(Socket& socket);
    void forget(std::vector<PendingAck> callbacks);
    SocketPtr* findSlot(std::string_view nsp);
    bool hasLeft(std::string_view nsp) const;

    // ---- back-pressure [loop]
    void postInput(Task task, std::size_t bytes);
    void postApart(const SocketPtr& socket, Value::Array data, std::uint64_t id);
    void checkLoad(Strand::Load load);
    bool overLimit(const Strand::Load& load) const;
    void resumeInput();
    void count(const Strand::Load& load);
    void uncount();
    void awaitDrain(std::size_t tasks, std::size_t bytes);
    void drained();
    bool apartDrained() const;           // [any]
    bool awaitApart();                   // [any]
    void apartEnded(std::size_t bytes);  // [any]
    void afterApart(Task task);          // [any]
    void runAfterApart();                // [any]

    // ---- handlers [strand]
    void runConnect(const SocketPtr& socket, Value auth);
    bool belongsToWorker(const Value& event) const;
    void runEvent(const SocketPtr& socket, Value::Array data, std::uint64_t id);
    void runApart(const std::shared_ptr<ApartEvent>& event);
    void handleEvent(const SocketPtr& socket, const HandlerTable& handlers, Value::Array data,
                     std::uint64_t id);
    void finish(const SocketPtr& socket, DisconnectReason reason, const std::string* detail);
    void tellFinished(const SocketPtr& socket, DisconnectReason reason,
                      const std::string* detail) const;
    void sendAck(const SocketPtr& socket, const std::string& event, std::uint64_t id,
                 Value::Array values);
    const HandlerTable& handlers();

    std::string peer() const;

    const std::shared_ptr<ServerCore> _core;
    const EngineSession::Ptr _session;
    const std::shared_ptr<Strand> _strand;

    // [loop]
    SocketPacketDecoder _decoder;
    std::vector<SocketPtr> _sockets;  // connecting or connected
    std::vector<std::string> _left;   // namespaces left lately: packets may have crossed
    std::unique_ptr<Timer>
        _connectTimer;                  // until the first is joined; armed while none is asked for
    std::unique_ptr<Timer> _halfTimer;  // since the first packet with attachments
    TimePoint _halfSince{};             // of the packet whose attachments are outstanding
    Strand::Load _counted;              // of what waits, in the total of the server
    bool _paused = false;
    bool _violated = false;
    bool _closed = false;

    // [strand]
    std::shared_ptr<const HandlerTable> _handlers;
    std::uint64_t _handlersVersion = 0;

    std::atomic<int> _calling{0};  // handlers of this client that wait in call()

    /// The events that are on workers of their own.
    struct Apart {
        std::atomic<std::size_t> tasks{0}, bytes{0};
        std::atomic<bool> awaited{false};  // reading goes on when they have come down
        std::atomic<bool> endAwaited{false};
        std::vector<Task> after;  // _mutex; run when none is left
    };
    const std::unique_ptr<Apart> _apart;  // null without asyncHandlers
    Strand::Load apartLoad() const {
        return _apart ? Strand::Load{_apart->tasks, _apart->bytes} : Strand::Load{};
    }

    mutable Mutex _mutex;  // a leaf; acknowledgements and sessions of the sockets, Apart::after
};

class Client::CallScope {
public:
    CallScope();
    ~CallScope();
    CallScope(const CallScope&) = delete;
    CallScope& operator=(const CallScope&) = delete;

private:
    std::shared_ptr<Client> _client;  // null: the calling thread runs no handler
};

}  // namespace socketio
