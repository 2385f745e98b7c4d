#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/Strand.h"
#include "socketio/engine/EngineServer.h"
#include "socketio/managers/PacketSink.h"
#include "socketio/protocol/SocketPacket.h"
#include "socketio/server/BackgroundTask.h"
#include "socketio/server/Server.h"

#include "Call.h"
#include "ExecutorGate.h"
#include "HandlerTable.h"
#include "ServerLog.h"

namespace socketio {

/// What the clients of a Server share: its options, handlers, manager and engine, and the way from
/// an emit to the loops.
///
/// Owner:   Server, and every client.
/// Threads: thread-safe.
class ServerCore final : public PacketSink, public std::enable_shared_from_this<ServerCore> {
public:
    ServerCore(Server& server, ServerOptions options);
    ~ServerCore() override;

    /// Throws Poco::IllegalStateException when the Server is gone.
    Server& server() const;
    const ServerOptions& options() const { return _options; }
    ClientManager& manager() const { return *_manager; }
    ServerLog& log() { return _log; }
    ServerCounters& counters() { return _counters; }
    const EngineCounters& engineCounters() const { return _engine->counters(); }
    /// Only while there are sessions: they come after start(). On threads that are not the hub's
    /// own, only with a pass.
    Executor& executor() const { return *_executor.load(std::memory_order_acquire); }
    /// What threads wait by: the executor's, which outlives it, or the machine's before the start.
    const Clock& clock() const { return *_clock.load(std::memory_order_acquire); }
    ExecutorGate& gate() { return _gate; }

    // ---- handlers
    void addHandler(std::string_view event, HandlerPtr handler, std::string_view nsp);
    void registerNamespace(std::shared_ptr<Namespace> object);
    bool joinable(std::string_view nsp) const;
    /// Changes with every registration; what a client has at hand is good while it stays the same.
    std::uint64_t handlersVersion() const { return _version.load(std::memory_order_acquire); }
    std::shared_ptr<const HandlerTable> handlers(std::uint64_t& version) const;

    // ---- emitting
    void emit(std::string_view event, Arguments arguments, EmitOptions options);
    void emitTo(Socket& socket, std::string_view event, Arguments arguments, Callback callback);
    Value call(std::string_view event, Arguments arguments, const CallOptions& options);
    Value callTo(Socket& socket, std::string_view event, Arguments arguments, Duration timeout);

    /// The wire form; null, and `problem` filled, for data that has none.
    EngineMessage::Ptr encode(SocketPacket::Type type, const std::string& nsp,
                              std::optional<std::uint64_t> id, const Value* data,
                              std::string& problem) const;

    // ---- PacketSink
    void deliver(std::vector<LocalSocketPtr> recipients, const std::string& nsp, const Value& data,
                 const AckCallback& callback) override;
    void acknowledge(const LocalSocketPtr& socket, std::uint64_t id,
                     Value::Array arguments) override;
    void runCallback(AckCallback callback, std::optional<Value::Array> arguments) override;
    void disconnect(const LocalSocketPtr& socket) override;

    // ---- what waits for handlers, as far as clients have said so (those of which much waits)
    void inboundChanged(std::ptrdiff_t tasks, std::ptrdiff_t bytes) {
        _inboundTasks.fetch_add(static_cast<std::size_t>(tasks), std::memory_order_relaxed);
        _inboundBytes.fetch_add(static_cast<std::size_t>(bytes), std::memory_order_relaxed);
    }
    bool crowded() const {
        return _inboundTasks.load(std::memory_order_relaxed) > _options.totalInboundTasks ||
               _inboundBytes.load(std::memory_order_relaxed) > _options.totalInboundBytes;
    }

    // ---- sockets
    std::shared_ptr<Socket> find(std::string_view sid, std::string_view nsp) const;
    void socketOpened();
    void socketFinished();

    // ---- life
    std::shared_ptr<EngineListener> openSession(const EngineSession::Ptr& session);
    void handleRequest(const Exchange::Ptr& exchange);
    void start(Executor& executor);
    bool stop(TimePoint deadline);
    bool hasSession(std::string_view sid) const;
    /// For the destructor of Server: ends what runs apart from the hub, and lets go of the engine
    /// and the manager.
    void detach();
    std::shared_ptr<BackgroundTask> startTask(Task task);
    bool sleep(Duration time);

    /// Names the event that the calling worker is about to handle.
    void describe(std::string_view event) const;
    /// Executor::belongsToWorker() of the handlers of that event.
    bool belongsToWorker(std::string_view event) const;

private:
    struct CallbackTask;

    void deliverToOne(const LocalSocketPtr& recipient, const Value& data,
                      const AckCallback& callback);
    EncodedSocketPacket encodeEvent(const std::string& nsp, const Value& data) const;
    void deliverWithAcks(std::span<const LocalSocketPtr> recipients, const std::string& nsp,
                         const Value& data, const AckCallback& callback);
    class Blocking;
    template <class Emit>
    Value await(std::string_view event, Duration timeout, Emit&& emit);
    void launch(const std::shared_ptr<BackgroundTask>& task);
    bool beginStop();
    void drainStrands(TimePoint deadline);
    bool endTasks(TimePoint deadline);
    bool endWork(TimePoint deadline);
    std::size_t waitForSockets(TimePoint deadline);

    std::atomic<Server*> _server;  // null when it is gone
    const ServerOptions _options;
    const std::shared_ptr<ClientManager> _manager;
    ServerCounters _counters;
    ServerLog _log;
    std::atomic<Executor*> _executor{nullptr};
    std::atomic<const Clock*> _clock{&Clock::system()};
    ExecutorGate _gate;  // closed: the executor may be gone
    std::unique_ptr<EngineServer> _engine;
    /// For callbacks answered through other servers; once there is an executor.
    std::shared_ptr<Strand> _callbacks;

    mutable Mutex _handlersMutex;  // a leaf
    std::shared_ptr<const HandlerTable> _handlers SOCKETIO_GUARDED_BY(_handlersMutex);
    std::atomic<std::uint64_t> _version{1};

    std::atomic<std::size_t> _inboundTasks{0};
    std::atomic<std::size_t> _inboundBytes{0};

    Mutex _startMutex;  // taken before _mutex
    Mutex _mutex;       // a leaf
    Condition _changed;
    std::atomic<bool> _stopping{false};  // set under _mutex
    std::size_t _openSockets SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::vector<std::shared_ptr<BackgroundTask>> _tasks SOCKETIO_GUARDED_BY(_mutex);
    bool _tasksStarted SOCKETIO_GUARDED_BY(_mutex) = false;
};

}  // namespace socketio
