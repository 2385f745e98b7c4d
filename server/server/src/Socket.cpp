#include "socketio/server/Socket.h"

#include <utility>

#include <Poco/Exception.h>

#include "Acknowledgements.h"
#include "Client.h"
#include "ServerCore.h"
#include "SocketHeld.h"

namespace socketio {

Socket::Socket(std::shared_ptr<Client> client, std::string sid, std::string nsp)
    : _client(std::move(client)), _sid(std::move(sid)), _nsp(std::move(nsp)) {}

Socket::~Socket() = default;

Server& Socket::server() const { return _client->core().server(); }

bool Socket::connected() const { return _state == State::Connected && !_dropped; }

std::string_view Socket::transport() const {
    return _client->session().onWebSocket() ? "websocket" : "polling";
}

int Socket::protocol() const { return _client->protocol(); }

const Environ& Socket::environ() const {
    static const Environ none;
    const Client::Running& running = Client::running();
    if (running.connecting == this && running.environ) return *running.environ;
    if (!_client->core().options().keepEnviron) return none;
    // The session keeps it, and this object keeps the session.
    const std::shared_ptr<const Environ> environ = _client->session().environ();
    return environ ? *environ : none;
}

void Socket::emit(std::string_view event, Arguments arguments, Callback callback) {
    _client->core().emitTo(*this, event, std::move(arguments), std::move(callback));
}

void Socket::send(Arguments arguments, Callback callback) {
    emit("message", std::move(arguments), std::move(callback));
}

Value Socket::call(std::string_view event, Arguments arguments, std::chrono::milliseconds timeout) {
    return _client->core().callTo(*this, event, std::move(arguments), timeout);
}

// With Engine.IO 3 the next socket of a client in a namespace has the sid of the one before.
bool Socket::replaced() const {
    if (protocol() != 4 || _state != State::Closed) return false;
    const LocalSocketPtr now = _client->core().manager().find(_sid, _nsp);
    return now && now.get() != this;
}

void Socket::join(std::string_view room) {
    if (replaced())
        throw Poco::NotFoundException("the socket " + _sid + " is not connected in " + _nsp +
                                      " any more");
    _client->core().manager().enterRoom(_sid, _nsp, room);
}

void Socket::leave(std::string_view room) {
    if (!replaced()) _client->core().manager().leaveRoom(_sid, _nsp, room);
}

std::vector<std::string> Socket::rooms() const {
    if (replaced()) return {};
    return _client->core().manager().getRooms(_sid, _nsp);
}

void Socket::disconnect(bool close) { _client->disconnect(shared_from_this(), close); }

Value Socket::getSession() const { return _client->session(*this); }

void Socket::saveSession(Value session) { _client->saveSession(*this, std::move(session)); }

}  // namespace socketio
