// A client's life: the namespaces that it joins and leaves, and what it is sent. What it sends is
// in ClientInput.cpp, its acknowledgements are in ClientAcks.cpp, its handlers in
// ClientHandlers.cpp.
#include "Client.h"

#include <algorithm>
#include <utility>

#include "socketio/base/insist.h"
#include "socketio/engine/EngineServer.h"

#include "ClientTasks.h"
#include "SocketHeld.h"

namespace socketio {

namespace {

constexpr std::size_t kNamespacesRemembered = 64;

}  // namespace

Client::Running& Client::running() {
    thread_local Running running;
    return running;
}

Client::Client(std::shared_ptr<ServerCore> core, EngineSession::Ptr session)
    : _core(std::move(core)),
      _session(std::move(session)),
      _strand(std::make_shared<Strand>(_core->executor())),
      _decoder(_session->revision() == EngineRevision::V3 ? 4 : 5,
               _core->options().maxHttpBufferSize, _core->options().json.get(),
               &_core->options().packetLimits),
      _apart(_core->options().asyncHandlers ? std::make_unique<Apart>() : nullptr) {}

Client::~Client() { uncount(); }

void Client::open() {
    _connectTimer = std::make_unique<Timer>(
        [](void* self) {
            static_cast<Client*>(self)->violation("no namespace joined in time",
                                                  Limit::ConnectTimeout);
        },
        this);
    armConnectTimer();
    // Clients of Engine.IO 3 are in the main namespace without asking for it.
    if (_session->revision() == EngineRevision::V3) connect("/", {});
}

void Client::armConnectTimer() {
    _core->executor()
        .timers(_session->loop())
        .armAfter(*_connectTimer, _core->options().connectTimeout);
}

void Client::post(Task task, std::size_t bytes) {
    _core->executor().post(_session->loop(), std::move(task), bytes);
}

void Client::failed() noexcept {
    try {
        _core->log().error(ServerLog::Kind::Connection,
                           peer() + " is disconnected: " + exceptionText());
    } catch (...) {
    }
    insist([this] {
        post([self = shared_from_this()] {
            self->closeSession(CloseReason::TransportError, "internal error");
        });
    });
}

void Client::afterInput(Task task) {
    _strand->post([self = shared_from_this(), held = std::move(task)]() mutable {
        self->afterApart(std::move(held));
    });
}

// ---- joining and leaving ------------------------------------------------------------------------

Value Client::refusal(const ConnectionRefused& refused) const {
    if (protocol() == 4) return refused.hasData() ? refused.data() : Value(refused.message());
    Value data{{"message", refused.message()}};
    if (refused.hasData()) data.set("data", refused.data());
    return data;
}

void Client::connect(std::string nsp, Value auth) {
    if (findSlot(nsp)) return violation("a second CONNECT");
    if (!_core->joinable(nsp)) {
        const Value data{{"message", "Invalid namespace"}};
        return sendPacket(SocketPacket::Type::ConnectError, nsp, &data);
    }
    if (_sockets.size() >= _core->options().maxNamespacesPerClient) {
        const auto self = shared_from_this();  // sending may close the session
        const Value data = refusal(ConnectionRefused("Too many namespaces"));
        sendPacket(SocketPacket::Type::ConnectError, nsp, &data);
        return violation("too many namespaces", Limit::MaxNamespacesPerClient);
    }
    // From here on it is we who are waited for.
    if (_connectTimer) _connectTimer->cancel();
    std::erase(_left, nsp);
    std::string sid;
    if (_session->revision() == EngineRevision::V4)
        sid = generateId();
    else
        sid = nsp == "/" ? _session->sid() : nsp + '#' + _session->sid();
    const auto socket =
        std::make_shared<Socket>(shared_from_this(), std::move(sid), std::move(nsp));
    _sockets.push_back(socket);
    const std::size_t bytes = memoryOf(auth);
    postInput(ConnectTask{socket, std::move(auth)}, bytes);
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
    if (close) return closeSession(CloseReason::ForcedClose, "disconnect()");
    if (_connectTimer && _sockets.empty()) armConnectTimer();
}

void Client::disconnect(const SocketPtr& socket, bool close) {
    const ExecutorGate::Pass pass(_core->gate());
    if (!pass) return;  // the server has been stopped
    if (socket->_dropped.exchange(true) && !close) return;
    // The sid of one that has gone may be another's: Engine.IO 3 has them computed.
    if (socket->_state != Socket::State::Closed)
        _core->manager().preDisconnect(socket->sid(), socket->nsp());
    post([socket, close] {
        socket->_client->guarded([&] { socket->_client->leave(socket, close); });
    });
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
    // Its end has to be heard of, or it would be left in its rooms.
    insist([&] { dropAcks(*socket); });
    insist([&] {
        _strand->post(FinishTask{socket, reason,
                                 detail.empty() ? nullptr : std::make_unique<std::string>(detail)});
    });
}

void Client::closeSession(CloseReason reason, std::string_view detail) {
    if (_closed) return;
    const EngineSession::Ptr session = _session;  // it may let go of this object
    session->close(reason, detail);
}

void Client::violation(std::string_view detail, std::optional<Limit> limit) {
    if (_closed) return;
    _violated = true;
    _core->counters().violations.fetch_add(1, std::memory_order_relaxed);
    const auto line = [&] { return peer() + ": " + std::string(detail); };
    if (limit)
        reached(*limit, line);
    else
        _core->log().warning(ServerLog::Kind::Packet, line());
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
    try {
        if (_core->log().debugs())
            _core->log().debug("session " + _session->sid() + " closed: " +
                               std::string(toString(why)) + ' ' + std::string(detail));
    } catch (...) {
    }
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
        const Value plain = refusal(ConnectionRefused());
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
            guarded([&] { hold(socket, message); });
            break;
        case Socket::State::Closed:
            break;
    }
}

/// Until its CONNECT has been answered.
void Client::hold(Socket& socket, const EngineMessage::Ptr& message) {
    if (!socket._held) socket._held = std::make_unique<Socket::Held>();
    socket._held->bytes += message->bytes();
    // The limit is for what waits: one message alone may be larger.
    if (!socket._held->messages.empty() && socket._held->bytes > _core->options().outboundLimit()) {
        reached(Limit::OutboundBytes,
                [this] { return peer() + ": too much was emitted to it before it was connected"; });
        return closeSession(CloseReason::TransportError, "outbound limit");
    }
    socket._held->messages.push_back(message);
}

void Client::queueWithAck(Socket& socket, const EngineMessage::Ptr& message, TimePoint deadline) {
    queue(socket, message);
    if (socket._state == Socket::State::Closed) return;
    MutexLock lock(_mutex);
    Timer& timer = socket._acks->timer;
    if (!timer.armed() || timer.deadline() > deadline)
        _core->executor().timers(_session->loop()).arm(timer, deadline);
}

}  // namespace socketio
