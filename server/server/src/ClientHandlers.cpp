// What runs on a client's strand: the handlers of the application.
#include <utility>

#include "socketio/base/Log.h"

#include "Client.h"
#include "ClientTasks.h"

namespace socketio {

namespace {

// Calls `function`; what it throws ends in the log.
template <class Function>
bool runHandler(ServerLog& log, std::string_view event, Function&& function) {
    try {
        function();
        return true;
    } catch (...) {
        try {
            log.error(ServerLog::Kind::Handler, "the handler of the event " +
                                                    ServerLog::quoted(event) +
                                                    " failed: " + exceptionText());
        } catch (...) {  // no memory, even for a line
        }
        return false;
    }
}

// Official clients may use a number as the name of an event.
std::string eventName(Value& name) {
    if (name.isString()) return std::move(name.makeString());
    return JsonCodec::encode(name);
}

}  // namespace

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
        const bool ran = runHandler(log, event.name, [&] {
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
        post([socket, data = refusal(*refused)] {
            socket->_client->guarded([&] { socket->_client->refuse(socket, data); });
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
    post([socket] { socket->_client->guarded([&] { socket->_client->accept(socket); }); });
}

bool Client::belongsToWorker(const Value& event) const {
    return event.isString() && _core->belongsToWorker(event.asString());
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
    ++_apart->tasks;
    _apart->bytes += event->bytes;
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
    if (!runHandler(_core->log(), event.name,
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
    guarded([&] {
        const RunningScope scope({this, nullptr, nullptr});
        IncomingEvent event{*socket, "disconnect", {}};
        event.reason = reason;
        _core->describe(event.name);
        runHandler(_core->log(), event.name, [&] {
            manager.preDisconnect(socket->sid(), socket->nsp());
            handlers().dispatch(socket->nsp(), event);
        });
    });
    runHandler(_core->log(), "disconnect",
               [&] { manager.disconnect(socket->sid(), socket->nsp()); });
    guarded([&] { tellFinished(socket, reason, detail); });
    _core->socketFinished();
}

void Client::tellFinished(const SocketPtr& socket, DisconnectReason reason,
                          const std::string* detail) const {
    if (_core->log().informs()) {
        std::string line = peer() + " disconnected from " + ServerLog::quoted(socket->nsp()) +
                           ": " + std::string(toString(reason));
        if (detail) line += " (" + *detail + ")";
        if (_core->log().debugs()) line += ", " + socket->sid();
        _core->log().information(ServerLog::Kind::Connection, line);
    }
}

}  // namespace socketio
