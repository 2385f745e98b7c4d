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
#include "socketio/engine/EngineServer.h"
#include "socketio/managers/PacketSink.h"
#include "socketio/protocol/SocketPacket.h"
#include "socketio/server/BackgroundTask.h"
#include "socketio/server/Server.h"

#include "Call.h"
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

    Server& server() const { return _server; }
    const ServerOptions& options() const { return _options; }
    ClientManager& manager() const { return *_manager; }
    ServerLog& log() { return _log; }
    /// Only while there are sessions: they come after start().
    Executor& executor() const { return *_executor.load(std::memory_order_acquire); }

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
                     const Value::Array& arguments) override;
    void disconnect(const LocalSocketPtr& socket) override;

    // ---- sockets
    std::shared_ptr<Socket> find(std::string_view sid, std::string_view nsp) const;
    void socketOpened();
    void socketFinished();

    // ---- life
    std::shared_ptr<EngineListener> openSession(const EngineSession::Ptr& session);
    void handleRequest(const Exchange::Ptr& exchange);
    void start(Executor& executor);
    void stop(TimePoint deadline);
    /// For the destructor of Server: ends what runs apart from the hub, and lets go of the engine
    /// and the manager.
    void detach();
    std::shared_ptr<BackgroundTask> startTask(Task task);
    bool sleep(Duration time);

    /// Names the event that the calling worker is about to handle.
    void describe(std::string_view event) const;

private:
    void deliverToOne(const LocalSocketPtr& recipient, const Value& data,
                      const AckCallback& callback);
    EngineMessage::Ptr encodeEvent(const std::string& nsp, const Value& data) const;
    void deliverWithAcks(std::span<const LocalSocketPtr> recipients, const std::string& nsp,
                         const Value& data, const AckCallback& callback);
    template <class Emit>
    Value await(std::string_view event, Duration timeout, Emit&& emit);
    void launch(const std::shared_ptr<BackgroundTask>& task);
    bool beginStop();
    void drainStrands(TimePoint deadline);
    void endTasks(TimePoint deadline);

    Server& _server;
    const ServerOptions _options;
    const std::shared_ptr<ClientManager> _manager;
    ServerLog _log;
    std::atomic<Executor*> _executor{nullptr};
    std::unique_ptr<EngineServer> _engine;

    mutable Mutex _handlersMutex;  // a leaf
    std::shared_ptr<const HandlerTable> _handlers SOCKETIO_GUARDED_BY(_handlersMutex);
    std::atomic<std::uint64_t> _version{1};

    Mutex _startMutex;  // taken before _mutex
    Mutex _mutex;       // a leaf
    Condition _changed;
    std::atomic<bool> _stopping{false};  // set under _mutex
    std::atomic<bool> _stopped{false};   // the executor may be gone
    std::size_t _openSockets SOCKETIO_GUARDED_BY(_mutex) = 0;
    std::vector<std::shared_ptr<BackgroundTask>> _tasks SOCKETIO_GUARDED_BY(_mutex);
    bool _tasksStarted SOCKETIO_GUARDED_BY(_mutex) = false;
};

}  // namespace socketio
