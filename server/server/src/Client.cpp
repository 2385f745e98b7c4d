#include "Client.h"

#include <algorithm>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/engine/EngineServer.h"

#include "Acknowledgements.h"
#include "SocketHeld.h"

namespace socketio {

namespace {

constexpr std::uint64_t kNoAck = ~std::uint64_t{0};

// What a task on the strand counts besides the bytes that it came from: small events weigh more in
// memory than on the wire.
constexpr std::size_t kTaskBytes = 128;

constexpr std::size_t kNamespacesRemembered = 64;

// Calls `function`; what it throws ends in the log.
template <class Function>
bool guarded(ServerLog& log, std::string_view event, Function&& function) {
    const auto failed = [&](std::string_view what) {
        log.error(ServerLog::Kind::Handler, "the handler of the event " + ServerLog::quoted(event) +
                                                " failed: " + std::string(what));
        return false;
    };
    try {
        function();
        return true;
    } catch (const Poco::Exception& e) {
        return failed(e.displayText());
    } catch (const std::exception& e) {
        return failed(e.what());
    } catch (...) {
        return failed("an exception of an unknown type");
    }
}

Value errorData(const ConnectionRefused& refused, int protocol) {
    if (protocol == 4) return refused.hasData() ? refused.data() : Value(refused.message());
    Value data{{"message", refused.message()}};
    if (refused.hasData()) data.set("data", refused.data());
    return data;
}

// Official clients may use a number as the name of an event.
std::string eventName(Value& name) {
    if (name.isString()) return std::move(name.makeString());
    return JsonCodec::encode(name);
}

// Marks what the calling thread does, until it goes out of scope.
class RunningScope {
public:
    explicit RunningScope(const Client::Running& now)
        : _before(std::exchange(Client::running(), now)) {}
    ~RunningScope() { Client::running() = _before; }
    RunningScope(const RunningScope&) = delete;
    RunningScope& operator=(const RunningScope&) = delete;

private:
    Client::Running _before;
};

}  // namespace

Client::Running& Client::running() {
    thread_local Running running;
    return running;
}

// The tasks of a strand. The first one fits into a Task without an allocation.

struct Client::EventTask {
    SocketPtr socket;
    Value::Array data;
    std::uint64_t id;

    void operator()() { socket->_client->runEvent(socket, std::move(data), id); }
};

// An event whose handler runs beside those of the others.
struct Client::ApartEvent {
    SocketPtr socket;
    std::shared_ptr<const HandlerTable> handlers;
    Value::Array data;
    std::uint64_t id;
    std::size_t bytes;
};

struct Client::FinishTask {
    SocketPtr socket;
    DisconnectReason reason;
    std::unique_ptr<std::string> detail;

    void operator()() { socket->_client->finish(socket, reason, detail.get()); }
};

struct Client::AckTask {
    std::shared_ptr<Client> client;
    AckCallback callback;
    Value::Array values;

    void operator()() {
        const RunningScope scope({client.get(), nullptr, nullptr});
        client->_core->describe("acknowledgement");
        try {
            callback(values);
        } catch (const Poco::Exception& e) {
            failed(e.displayText());
        } catch (const std::exception& e) {
            failed(e.what());
        } catch (...) {
            failed("an exception of an unknown type");
        }
    }
    void failed(const std::string& what) const {
        client->_core->log().error(ServerLog::Kind::Acknowledgement,
                                   "the callback of an acknowledgement failed: " + what);
    }
};

Client::Client(std::shared_ptr<ServerCore> core, EngineSession::Ptr session)
    : _core(std::move(core)),
      _session(std::move(session)),
      _strand(std::make_shared<Strand>(_core->executor())),
      _decoder(_session->revision() == EngineRevision::V3 ? 4 : 5,
               _core->options().maxHttpBufferSize, _core->options().json.get()) {}

Client::~Client() = default;

void Client::open() {
    _connectTimer = std::make_unique<Timer>(
        [](void* self) { static_cast<Client*>(self)->violation("no namespace joined in time"); },
        this);
    _core->executor()
        .timers(_session->loop())
        .armAfter(*_connectTimer, _core->options().connectTimeout);
    // Clients of Engine.IO 3 are in the main namespace without asking for it.
    if (_session->revision() == EngineRevision::V3) connect("/", {});
}

void Client::post(Task task, std::size_t bytes) {
    _core->executor().post(_session->loop(), std::move(task), bytes);
}

void Client::postToStrand(Task task) { _strand->post(std::move(task)); }

// ---- from the client ----------------------------------------------------------------------------

void Client::onText(std::string_view text) {
    if (_closed) return;
    _packetBytes = text.size();
    take(_decoder.text(text), true);
}

void Client::onBinary(std::string_view bytes) {
    if (_closed) return;
    _packetBytes += bytes.size();
    take(_decoder.binary(bytes), false);
}

void Client::take(Result<std::optional<SocketPacket>> result, bool begins) {
    if (!result.ok()) {
        _core->log().debug(std::string("bad packet: ") + result.error().detail);
        return closeSession(CloseReason::ParseError, result.error().detail);
    }
    if (std::optional<SocketPacket>& packet = result.value()) {
        handle(std::move(*packet));
    } else if (const std::string_view nsp = _decoder.pendingNsp();
               !findSlot(nsp) && !hasLeft(nsp)) {
        // Its attachments are not waited for.
        violation("a packet for a namespace that was not joined");
    } else if (begins) {
        awaitAttachments();
    }
}

// Half a packet is not kept for ever. The timer stays armed when the packet is complete: a client
// that sends many of them costs no more than one that sends few.
void Client::awaitAttachments() {
    Timers& timers = _core->executor().timers(_session->loop());
    _halfSince = timers.now();
    if (!_halfTimer)
        _halfTimer = std::make_unique<Timer>(
            [](void* self) { static_cast<Client*>(self)->attachmentsOverdue(); }, this);
    if (!_halfTimer->armed()) timers.armAfter(*_halfTimer, halfTime());
}

void Client::attachmentsOverdue() {
    if (_decoder.pendingNsp().empty()) return;
    Timers& timers = _core->executor().timers(_session->loop());
    if (_paused) _halfSince = timers.now();  // we do not read
    if (timers.now() < _halfSince + halfTime())
        return timers.arm(*_halfTimer, _halfSince + halfTime());
    _core->log().debug("bad packet: its attachments did not come in time");
    closeSession(CloseReason::ParseError, "attachments outstanding");
}

Duration Client::halfTime() const {
    return _core->options().pingInterval + _core->options().pingTimeout;
}

void Client::handle(SocketPacket packet) {
    if (packet.type == SocketPacket::Type::Connect)
        return connect(std::move(packet.nsp), std::move(packet.data));

    SocketPtr* slot = findSlot(packet.nsp);
    if (!slot) {
        if (!hasLeft(packet.nsp)) violation("a packet for a namespace that was not joined");
        return;
    }
    switch (packet.type) {
        case SocketPacket::Type::Event:
            if (_core->options().asyncHandlers)
                return postApart(*slot, std::move(packet.data.makeArray()),
                                 packet.id.value_or(kNoAck));
            static_assert(sizeof(EventTask) <= 48);
            postInput(
                EventTask{*slot, std::move(packet.data.makeArray()), packet.id.value_or(kNoAck)});
            break;
        case SocketPacket::Type::Ack:
            _core->manager().triggerCallback(*slot, packet.id.value_or(0), packet.data.asArray());
            checkLoad(_strand->pending());
            break;
        case SocketPacket::Type::Disconnect: {
            const SocketPtr socket = *slot;
            retire(socket);
            closeSocket(socket, DisconnectReason::ClientNamespaceDisconnect, {});
            break;
        }
        default:
            violation("a packet that only servers send");
    }
}

Client::SocketPtr* Client::findSlot(std::string_view nsp) {
    for (SocketPtr& socket : _sockets)
        if (socket->nsp() == nsp) return &socket;
    return nullptr;
}

bool Client::hasLeft(std::string_view nsp) const {
    return std::find(_left.begin(), _left.end(), nsp) != _left.end();
}

void Client::connect(std::string nsp, Value auth) {
    if (findSlot(nsp)) return violation("a second CONNECT");
    if (!_core->joinable(nsp)) {
        const Value data{{"message", "Invalid namespace"}};
        return sendPacket(SocketPacket::Type::ConnectError, nsp, &data);
    }
    if (_sockets.size() >= _core->options().maxNamespacesPerClient) {
        const auto self = shared_from_this();  // sending may close the session
        const Value data = errorData(ConnectionRefused("Too many namespaces"), protocol());
        sendPacket(SocketPacket::Type::ConnectError, nsp, &data);
        return violation("too many namespaces");
    }
    std::erase(_left, nsp);
    std::string sid;
    if (_session->revision() == EngineRevision::V4)
        sid = generateId();
    else
        sid = nsp == "/" ? _session->sid() : nsp + '#' + _session->sid();
    const auto socket =
        std::make_shared<Socket>(shared_from_this(), std::move(sid), std::move(nsp));
    _sockets.push_back(socket);
    postInput([socket, auth = std::move(auth)]() mutable {
        socket->_client->runConnect(socket, std::move(auth));
    });
}

void Client::accept(const SocketPtr& socket) {
    if (socket->_state != Socket::State::Connecting) return;
    _connectTimer.reset();
    if (_session->revision() == EngineRevision::V4) {
        const Value data{{"sid", socket->sid()}};
        sendPacket(SocketPacket::Type::Connect, socket->nsp(), &data);
    } else {
        sendPacket(SocketPacket::Type::Connect, socket->nsp(), nullptr);
    }
    if (const auto held = std::move(socket->_held))
        for (const EngineMessage::Ptr& message : held->messages)
            if (!_session->send(message)) break;
    // Sending may have closed the session, and with it the socket.
    if (socket->_state == Socket::State::Connecting) socket->_state = Socket::State::Connected;
    if (!_core->options().keepEnviron &&
        std::none_of(_sockets.begin(), _sockets.end(), [](const SocketPtr& each) {
            return each->_state == Socket::State::Connecting;
        }))
        _session->dropEnviron();
    if (socket->_disconnectWanted) leave(socket, socket->_closeWanted);
}

void Client::refuse(const SocketPtr& socket, const Value& data) {
    if (socket->_state != Socket::State::Connecting) return;
    sendPacket(SocketPacket::Type::ConnectError, socket->nsp(), &data);
    if (socket->_state == Socket::State::Closed) return;
    const bool close = socket->_closeWanted;
    retire(socket);
    socket->_state = Socket::State::Closed;
    socket->_held.reset();
    dropAcks(*socket);
    if (close) closeSession(CloseReason::ForcedClose, "disconnect()");
}

void Client::disconnect(const SocketPtr& socket, bool close) {
    if (socket->_dropped.exchange(true) && !close) return;
    _core->manager().preDisconnect(socket->sid(), socket->nsp());
    post([socket, close] { socket->_client->leave(socket, close); });
}

void Client::leave(const SocketPtr& socket, bool close) {
    switch (socket->_state) {
        case Socket::State::Connecting:
            // Its connect handler has called it: the client hears of both, in this order.
            socket->_disconnectWanted = true;
            socket->_closeWanted |= close;
            return;
        case Socket::State::Connected:
            sendPacket(SocketPacket::Type::Disconnect, socket->nsp(), nullptr);
            if (socket->_state == Socket::State::Connected) {
                retire(socket);
                closeSocket(socket, DisconnectReason::ServerNamespaceDisconnect, {});
            }
            break;
        case Socket::State::Closed:
            break;
    }
    if (!close || _closed) return;
    while (!_sockets.empty()) {
        const SocketPtr other = _sockets.front();
        sendPacket(SocketPacket::Type::Disconnect, other->nsp(), nullptr);
        if (_closed) return;
        retire(other);
        closeSocket(other, DisconnectReason::ServerNamespaceDisconnect, {});
    }
    closeSession(CloseReason::ForcedClose, "disconnect()");
}

// Takes the socket off the list; its client may not know yet.
void Client::retire(const SocketPtr& socket) {
    if (_left.size() == kNamespacesRemembered) _left.erase(_left.begin());
    _left.push_back(socket->nsp());
    std::erase(_sockets, socket);
}

void Client::closeSocket(const SocketPtr& socket, DisconnectReason reason,
                         std::string_view detail) {
    socket->_state = Socket::State::Closed;
    socket->_held.reset();
    dropAcks(*socket);
    _strand->post(FinishTask{socket, reason,
                             detail.empty() ? nullptr : std::make_unique<std::string>(detail)});
}

void Client::closeSession(CloseReason reason, std::string_view detail) {
    if (_closed) return;
    const EngineSession::Ptr session = _session;  // it may let go of this object
    session->close(reason, detail);
}

void Client::violation(std::string_view detail) {
    _violated = true;
    closeSession(CloseReason::ForcedClose, detail);
}

void Client::onClose(CloseReason reason, std::string_view detail) {
    if (std::exchange(_closed, true)) return;
    _connectTimer.reset();
    _halfTimer.reset();
    const DisconnectReason why =
        _violated ? DisconnectReason::ForcedServerClose : toDisconnectReason(reason);
    const std::vector<SocketPtr> sockets = std::exchange(_sockets, {});
    for (const SocketPtr& socket : sockets) closeSocket(socket, why, detail);
    if (_core->log().debugs())
        _core->log().debug("session " + _session->sid() + " closed: " + std::string(toString(why)) +
                           ' ' + std::string(detail));
}

// ---- to the client ------------------------------------------------------------------------------

void Client::sendPacket(SocketPacket::Type type, const std::string& nsp, const Value* data) {
    std::string problem;
    if (const EngineMessage::Ptr message = _core->encode(type, nsp, std::nullopt, data, problem)) {
        _session->send(message);
    } else if (type == SocketPacket::Type::ConnectError) {
        // The data of a refusal is the application's: what has no wire form is left out.
        _core->log().error(ServerLog::Kind::Handler,
                           "the data of a refusal cannot be sent: " + problem);
        const Value plain = errorData(ConnectionRefused(), protocol());
        if (const EngineMessage::Ptr other =
                _core->encode(type, nsp, std::nullopt, &plain, problem))
            _session->send(other);
    }
}

void Client::queue(Socket& socket, const EngineMessage::Ptr& message) {
    switch (socket._state) {
        case Socket::State::Connected:
            _session->send(message);
            break;
        case Socket::State::Connecting:
            if (!socket._held) socket._held = std::make_unique<Socket::Held>();
            socket._held->bytes += message->bytes();
            // The limit is for what waits: one message alone may be larger.
            if (!socket._held->messages.empty() &&
                socket._held->bytes > _core->options().outboundLimit())
                return closeSession(CloseReason::TransportError, "outbound limit");
            socket._held->messages.push_back(message);
            break;
        case Socket::State::Closed:
            break;
    }
}

void Client::queueWithAck(Socket& socket, const EngineMessage::Ptr& message, TimePoint deadline) {
    queue(socket, message);
    if (socket._state == Socket::State::Closed) return;
    MutexLock lock(_mutex);
    Timer& timer = socket._acks->timer;
    if (!timer.armed() || timer.deadline() > deadline)
        _core->executor().timers(_session->loop()).arm(timer, deadline);
}

// ---- acknowledgements and sessions --------------------------------------------------------------

std::uint64_t Client::addAck(Socket& socket, const AckCallback& callback, TimePoint deadline) {
    MutexLock lock(_mutex);
    if (socket._acksClosed) return 0;
    if (!socket._acks)
        socket._acks = std::make_unique<Acknowledgements>(
            [](void* context) {
                auto* self = static_cast<Socket*>(context);
                self->_client->ackTimerFired(*self);
            },
            &socket);
    if (socket._acks->outstanding() >= _core->options().maxPendingAcks) return 0;
    return socket._acks->add(callback, deadline);
}

bool Client::acksFull(Socket& socket) {
    MutexLock lock(_mutex);
    return socket._acks && socket._acks->outstanding() >= _core->options().maxPendingAcks;
}

void Client::dropAck(Socket& socket, std::uint64_t id) {
    AckCallback dropped;  // destroyed after the lock is gone
    MutexLock lock(_mutex);
    if (socket._acks) dropped = socket._acks->take(id);
}

void Client::dropAcks(Socket& socket) {
    std::unique_ptr<Acknowledgements> dropped;  // destroyed after the lock is gone
    MutexLock lock(_mutex);
    socket._acksClosed = true;
    dropped = std::move(socket._acks);
}

void Client::ackTimerFired(Socket& socket) {
    std::vector<AckCallback> expired;  // destroyed after the lock is gone
    Timers& timers = _core->executor().timers(_session->loop());
    MutexLock lock(_mutex);
    if (!socket._acks) return;
    expired = socket._acks->takeExpired(timers.now());
    const TimePoint next = socket._acks->nextDeadline();
    if (next != TimePoint::max()) timers.arm(socket._acks->timer, next);
}

void Client::acknowledge(const SocketPtr& socket, std::uint64_t id, const Value::Array& values) {
    AckCallback callback;
    {
        MutexLock lock(_mutex);
        if (socket->_acks) callback = socket->_acks->take(id);
    }
    if (!callback) return _core->log().debug("an acknowledgement that nobody waits for");
    if (callback.target<CallCompletion>()) return callback(values);
    const bool here = _core->executor().currentLoop() == _session->loop();
    _strand->post(AckTask{shared_from_this(), std::move(callback), values},
                  kTaskBytes + (here ? _packetBytes : 0));
}

Value Client::session(const Socket& socket) const {
    MutexLock lock(_mutex);
    return socket._session ? *socket._session : Value();
}

void Client::saveSession(Socket& socket, Value value) {
    auto session = std::make_unique<Value>(std::move(value));  // the old one goes after the lock
    MutexLock lock(_mutex);
    socket._session.swap(session);
    lock.unlock();
}

// ---- back-pressure ------------------------------------------------------------------------------

void Client::postInput(Task task) {
    checkLoad(_strand->post(std::move(task), _packetBytes + kTaskBytes));
}

// Counted besides what the strand knows, until the handler has ended.
void Client::postApart(const SocketPtr& socket, Value::Array data, std::uint64_t id) {
    auto event = std::make_shared<ApartEvent>(
        ApartEvent{socket, {}, std::move(data), id, _packetBytes + kTaskBytes});
    postInput([event = std::move(event)] { event->socket->_client->runApart(event); });
}

bool Client::overLimit(const Strand::Load& load) const {
    const ServerOptions& options = _core->options();
    const std::size_t bytes = load.bytes + _apartBytes;
    // A handler that waits in call() needs what comes behind the events that wait for it; the one
    // that it handles is counted, and the answer may be as large.
    if (_calling > 0) return bytes > options.inboundBytes + 2 * options.maxHttpBufferSize;
    return bytes > options.inboundBytes || load.tasks + _apartTasks > options.inboundTasks;
}

bool Client::apartDrained() const {
    return _apartTasks <= _core->options().inboundTasks / 2 &&
           _apartBytes <= _core->options().inboundBytes / 2;
}

void Client::apartEnded(std::size_t bytes) {
    _apartBytes -= bytes;
    --_apartTasks;
    // In this order with awaitApart(): one of the two sees the other.
    if (_apartAwaited && apartDrained() && _apartAwaited.exchange(false))
        post([self = shared_from_this()] { self->resumeInput(); });
}

// True: the strand is empty enough, but handlers that run apart from it are not.
bool Client::awaitApart() {
    if (apartDrained()) return false;
    _apartAwaited = true;
    return !apartDrained() || !_apartAwaited.exchange(false);
}

void Client::checkLoad(Strand::Load load) {
    if (_paused || _closed || !overLimit(load)) return;
    _paused = true;
    _session->pauseInput(true);
    _apartAwaited = false;
    _strand->onDrained(_core->options().inboundTasks / 2, _core->options().inboundBytes / 2,
                       [weak = weak_from_this()] {
                           const auto self = weak.lock();
                           if (self && !self->awaitApart())
                               self->post([self] { self->resumeInput(); });
                       });
}

void Client::resumeInput() {
    if (!std::exchange(_paused, false) || _closed) return;
    _halfSince = _core->executor().timers(_session->loop()).now();
    _session->pauseInput(false);
}

Client::CallScope::CallScope() {
    if (!running().client) return;
    _client = running().client->shared_from_this();
    ++_client->_calling;
    _client->post([client = _client] {
        if (client->_paused && !client->overLimit(client->_strand->pending()))
            client->resumeInput();
    });
}

Client::CallScope::~CallScope() {
    if (_client) --_client->_calling;
}

// ---- handlers -----------------------------------------------------------------------------------

const HandlerTable& Client::handlers() {
    if (_handlersVersion != _core->handlersVersion()) _handlers = _core->handlers(_handlersVersion);
    return *_handlers;
}

std::string Client::peer() const {
    const std::shared_ptr<const Environ> environ = _session->environ();
    std::string name = environ ? std::string(environ->remoteAddress()) : std::string();
    if (name.empty()) name = "a client";
    return name;
}

void Client::runConnect(const SocketPtr& socket, Value auth) {
    if (socket->_state == Socket::State::Closed) return;
    ServerLog& log = _core->log();
    std::optional<ConnectionRefused> refused;
    {
        const std::shared_ptr<const Environ> environ = _session->environ();
        const RunningScope scope({this, socket.get(), environ.get()});
        IncomingEvent event{*socket, "connect", {}};
        if (!auth.isNull()) event.arguments.push_back(std::move(auth));
        _core->describe(event.name);
        const bool ran = guarded(log, event.name, [&] {
            try {
                _core->manager().connect(socket);
                const HandlerResult result = handlers().dispatch(socket->nsp(), event);
                if (result.refuses()) refused.emplace();
                if (result.kind() == HandlerResult::Kind::BadArguments) {
                    log.warning(ServerLog::Kind::Arguments, "the event \"connect\" of " +
                                                                ServerLog::quoted(socket->nsp()) +
                                                                " got a bad " + result.problem());
                    refused.emplace("Invalid authentication data");
                }
            } catch (const ConnectionRefused& e) {
                refused = e;
            }
        });
        if (!ran) refused.emplace("Internal error");
    }

    if (refused) {
        socket->_finished = true;
        _core->manager().disconnect(socket->sid(), socket->nsp());
        if (log.informs())
            log.information(ServerLog::Kind::Connection, peer() + " was refused in " +
                                                             ServerLog::quoted(socket->nsp()) +
                                                             ": " + refused->message());
        post([socket, data = errorData(*refused, protocol())] {
            socket->_client->refuse(socket, data);
        });
        return;
    }
    socket->_accepted = true;
    _core->socketOpened();
    if (log.informs()) {
        std::string line = peer() + " connected to " + ServerLog::quoted(socket->nsp()) + " (" +
                           std::string(socket->transport()) + ", protocol " +
                           std::to_string(protocol()) + ")";
        if (log.debugs()) line += " as " + socket->sid();
        log.information(ServerLog::Kind::Connection, line);
    }
    post([socket] { socket->_client->accept(socket); });
}

void Client::runEvent(const SocketPtr& socket, Value::Array data, std::uint64_t id) {
    if (!socket->_accepted || socket->_finished || socket->_dropped) return;
    const RunningScope scope({this, nullptr, nullptr});
    handleEvent(socket, handlers(), std::move(data), id);
}

void Client::runApart(const std::shared_ptr<ApartEvent>& event) {
    const Socket& socket = *event->socket;
    if (!socket._accepted || socket._finished || socket._dropped) return;
    handlers();
    event->handlers = _handlers;
    ++_apartTasks;
    _apartBytes += event->bytes;
    const auto run = [event] {
        Client& client = *event->socket->_client;
        {
            const RunningScope scope({&client, nullptr, nullptr});
            client.handleEvent(event->socket, *event->handlers, std::move(event->data), event->id);
        }
        client.apartEnded(event->bytes);
    };
    // No worker to be had: it runs here, and what comes behind it waits.
    if (!_core->executor().runOnWorker(run)) run();
}

void Client::handleEvent(const SocketPtr& socket, const HandlerTable& handlers, Value::Array data,
                         std::uint64_t id) {
    IncomingEvent event{*socket, eventName(data.front()), std::move(data), id != kNoAck};
    event.arguments.erase(event.arguments.begin());
    _core->describe(event.name);
    HandlerResult result;
    if (!guarded(_core->log(), event.name,
                 [&] { result = handlers.dispatch(socket->nsp(), event); }))
        return;
    if (result.kind() == HandlerResult::Kind::BadArguments)
        _core->log().warning(
            ServerLog::Kind::Arguments,
            "the event " + ServerLog::quoted(event.name) + " got a bad " + result.problem());
    if (event.wantsAck && result.handled())
        sendAck(socket, event.name, id, std::move(result).values());
}

void Client::sendAck(const SocketPtr& socket, const std::string& event, std::uint64_t id,
                     Value::Array values) {
    if (socket->_state == Socket::State::Closed) return;
    const Value data(std::move(values));
    std::string problem;
    if (EngineMessage::Ptr message =
            _core->encode(SocketPacket::Type::Ack, socket->nsp(), id, &data, problem)) {
        const std::size_t bytes = message->bytes();
        post([socket, message = std::move(message)] { socket->_client->queue(*socket, message); },
             bytes);
    } else {
        _core->log().error(ServerLog::Kind::Handler, "the acknowledgement of the event " +
                                                         ServerLog::quoted(event) +
                                                         " cannot be sent: " + problem);
    }
}

void Client::finish(const SocketPtr& socket, DisconnectReason reason, const std::string* detail) {
    if (std::exchange(socket->_finished, true) || !socket->_accepted) return;
    ClientManager& manager = _core->manager();
    {
        const RunningScope scope({this, nullptr, nullptr});
        IncomingEvent event{*socket, "disconnect", {}};
        event.reason = reason;
        _core->describe(event.name);
        guarded(_core->log(), event.name, [&] {
            manager.preDisconnect(socket->sid(), socket->nsp());
            handlers().dispatch(socket->nsp(), event);
        });
    }
    guarded(_core->log(), "disconnect", [&] { manager.disconnect(socket->sid(), socket->nsp()); });
    if (_core->log().informs()) {
        std::string line = peer() + " disconnected from " + ServerLog::quoted(socket->nsp()) +
                           ": " + std::string(toString(reason));
        if (detail) line += " (" + *detail + ")";
        if (_core->log().debugs()) line += ", " + socket->sid();
        _core->log().information(ServerLog::Kind::Connection, line);
    }
    _core->socketFinished();
}

}  // namespace socketio
