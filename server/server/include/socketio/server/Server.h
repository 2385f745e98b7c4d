#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/engine/EngineServer.h"
#include "socketio/engine/EngineSession.h"
#include "socketio/exchange/Exchange.h"
#include "socketio/protocol/Convert.h"
#include "socketio/protocol/Fields.h"
#include "socketio/server/BackgroundTask.h"
#include "socketio/server/ConnectionRefused.h"
#include "socketio/server/DisconnectReason.h"
#include "socketio/server/EmitOptions.h"
#include "socketio/server/Handler.h"
#include "socketio/server/Namespace.h"
#include "socketio/server/ServerOptions.h"
#include "socketio/server/Socket.h"

namespace socketio {

class ServerCore;

/// Counters for logs, tests and monitoring; what peers cause is logged besides, ten lines a second
/// at most.
struct ServerCounters {
    std::atomic<std::uint64_t> badPackets{0};    ///< Sessions ended for a packet that is none.
    std::atomic<std::uint64_t> violations{0};    ///< Sessions ended for a packet out of place.
    std::atomic<std::uint64_t> inputPauses{0};   ///< Clients not read: their handlers are behind.
    std::atomic<std::uint64_t> ackOverflows{0};  ///< Emits refused: maxPendingAcks.
    std::atomic<std::uint64_t> logLines{0};      ///< Left out: logLinesPerSecond.
};

/// The Socket.IO server: handlers, emits, rooms, sessions. What python-socketio's Server is.
/// See: Socket.IO protocol, revisions 4 and 5.
///
///     socketio::Server sio;
///     sio.on("chat message", [&](socketio::Socket& socket, const std::string& text) {
///         sio.emit("chat message", text, {.skipSid = socket.sid()});
///         return "delivered";  // the acknowledgement
///     });
///
/// A front end reaches it through Middleware, which starts and stops it.
///
/// Owner:   the application; it outlives the front ends.
/// Threads: thread-safe. Handlers of one client run one at a time, in the order of arrival, on the
///          workers of the hub; they may block and may emit. Emitting never waits for a client.
/// Errors:  mistakes at set-up and at emit are Poco exceptions that name the wrong value; unknown
///          rooms, sids and namespaces are no-ops where python-socketio has them so. What a handler
///          throws is logged with the event's name, and the client stays.
/// Limits:  those of ServerOptions.
class Server {
public:
    /// Throws Poco::InvalidArgumentException naming an option that cannot be.
    explicit Server(ServerOptions options = {});
    /// Waits up to 5 s for background tasks, those that stop() has left included: one that runs
    /// longer uses a Server that is gone. Clients are said goodbye by stop() alone.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Registers a handler; a later one for the same event replaces it. At any time.
    ///
    ///     "connect"     (Socket&, const Environ&, const Value& auth)    false refuses the client
    ///     "disconnect"  (Socket&, DisconnectReason)
    ///     "*"           (Socket&, const std::string& event, arguments...)
    ///     others        (Socket&, arguments...)          what it returns is the acknowledgement
    ///
    /// Any trailing part may be left out, the first parameter may be `const std::string& sid`. See
    /// Handler.h for arguments. nsp "*": every namespace; order: the event in the namespace, "*" in
    /// the namespace, the event in "*", "*" in "*", then the Namespace classes.
    template <class F>
    void on(std::string_view event, F&& handler, std::string_view nsp = "/") {
        addHandler(event, makeHandler(event, std::forward<F>(handler)), nsp);
    }

    /// One per namespace; a later one replaces it.
    /// Throws Poco::InvalidArgumentException for null, Poco::IllegalStateException for an object
    /// that belongs to another server.
    void registerNamespace(std::shared_ptr<Namespace> object);

    /// Emits an event. Throws Poco::InvalidArgumentException for a reserved name and for data that
    /// has no wire form (NaN, more than 10 attachments), Poco::PoolOverflowException when a
    /// recipient has maxPendingAcks callbacks outstanding. Before start() it reaches nobody.
    void emit(std::string_view event, Arguments arguments = {}, EmitOptions options = {});
    /// Emits the event "message".
    void send(Arguments arguments, EmitOptions options = {});

    /// Emits to one client and waits for its acknowledgement: null when it holds nothing, the value
    /// when it is one, otherwise an array. Works in handlers, also of the same client: the client
    /// of the handler is read on meanwhile, until inboundBytes + 2 * maxHttpBufferSize bytes wait
    /// for handlers, however many packets that are. An answer behind so much is not seen in time.
    /// Throws Poco::TimeoutException; Poco::IOException when there is no such client or it goes
    /// away, of which a PubSubManager knows for clients of this server only;
    /// Poco::IllegalStateException in the connect handler of that very socket; and what emit()
    /// throws.
    Value call(std::string_view event, Arguments arguments, CallOptions options);

    /// Throws Poco::NotFoundException when `sid` is not connected here, and the manager knows of no
    /// other servers.
    void enterRoom(std::string_view sid, std::string_view room, std::string_view nsp = "/");
    void leaveRoom(std::string_view sid, std::string_view room, std::string_view nsp = "/");
    /// Everybody leaves the room.
    void closeRoom(std::string_view room, std::string_view nsp = "/");
    /// The socket's own room included; empty for an unknown sid.
    std::vector<std::string> rooms(std::string_view sid, std::string_view nsp = "/") const;

    /// Disconnects one socket from its namespace; the session and its other namespaces stay.
    void disconnect(std::string_view sid, std::string_view nsp = "/", bool ignoreQueue = false);

    // These throw Poco::NotFoundException for a sid that is not connected here.

    /// "polling" or "websocket".
    std::string_view transport(std::string_view sid, std::string_view nsp = "/") const;
    /// The request of the handshake; null when keepEnviron is off.
    std::shared_ptr<const Environ> environ(std::string_view sid, std::string_view nsp = "/") const;
    /// What the application keeps with a socket; null at first, gone when it disconnects.
    Value getSession(std::string_view sid, std::string_view nsp = "/") const;
    void saveSession(std::string_view sid, Value session, std::string_view nsp = "/");

    /// Runs `function(arguments...)` on a thread of its own; before start(), as soon as the server
    /// starts. A long-running one looks at what sleep() returns.
    template <class F, class... A>
    std::shared_ptr<BackgroundTask> startBackgroundTask(F&& function, A&&... arguments) {
        return startTask([call = std::decay_t<F>(std::forward<F>(function)),
                          values = std::tuple<std::decay_t<A>...>(
                              std::forward<A>(arguments)...)]() mutable {
            std::apply([&call](auto&... each) { std::invoke(call, std::move(each)...); }, values);
        });
    }
    /// False when the server stops before the time is over. When it stops already, a call takes
    /// up to 20 ms, so that a loop that does not look at this does not spin. Zero: lets others run.
    bool sleep(Duration time = Duration::zero());

    /// A request whose path belongs to Socket.IO. Off the exchange's loop it goes there first.
    void handleRequest(const Exchange::Ptr& exchange);

    /// What handleRequest() leads to: the listener for a session that has just been opened, on its
    /// loop. For engines other than the built-in one.
    std::shared_ptr<EngineListener> openSession(const EngineSession::Ptr& session);

    /// Attaches to a hub; again for the same one does nothing.
    /// Throws Poco::IllegalStateException for a second hub.
    void start(Executor& executor);
    /// Lets handlers finish what has arrived, disconnects everybody ("server shutting down") and
    /// ends background tasks; returns when that is done or `deadline` has come. False when handlers
    /// or background tasks still run; a further call waits for those.
    bool stop(TimePoint deadline);

    /// True when the Engine.IO session `sid` (the `sid` of a request's query) is here and open.
    bool hasSession(std::string_view sid) const;

    const ServerOptions& options() const;
    const ServerCounters& counters() const;
    const EngineCounters& engineCounters() const;
    ClientManager& manager() const;

private:
    friend class Socket;

    void addHandler(std::string_view event, HandlerPtr handler, std::string_view nsp);
    std::shared_ptr<BackgroundTask> startTask(Task task);

    std::shared_ptr<ServerCore> _core;
};

}  // namespace socketio
