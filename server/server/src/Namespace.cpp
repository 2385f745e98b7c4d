#include "socketio/server/Namespace.h"

#include <utility>

#include <Poco/Exception.h>

#include "socketio/protocol/SocketPacket.h"
#include "socketio/server/Server.h"

namespace socketio {

Namespace::Namespace(std::string_view nsp) : _nsp(namespaceName(nsp)) {}

Server& Namespace::server() const {
    Server* const server = _server.load();
    if (!server)
        throw Poco::IllegalStateException("the namespace object for \"" + _nsp +
                                          "\" has not been registered");
    return *server;
}

HandlerResult Namespace::triggerEvent(IncomingEvent& event) {
    auto found = _handlers.find(event.name);
    if (found == _handlers.end() && event.name != "connect" && event.name != "disconnect")
        found = _handlers.find("*");
    return found == _handlers.end() ? HandlerResult::unhandled() : found->second->call(event);
}

void Namespace::add(std::string_view event, HandlerPtr handler) {
    _handlers.insert_or_assign(std::string(event), std::move(handler));
}

void Namespace::emit(std::string_view event, Arguments arguments, EmitOptions options) {
    if (options.nsp.empty()) options.nsp = _nsp;
    server().emit(event, std::move(arguments), std::move(options));
}

void Namespace::send(Arguments arguments, EmitOptions options) {
    emit("message", std::move(arguments), std::move(options));
}

Value Namespace::call(std::string_view event, Arguments arguments, CallOptions options) {
    if (options.nsp.empty()) options.nsp = _nsp;
    return server().call(event, std::move(arguments), std::move(options));
}

void Namespace::enterRoom(std::string_view sid, std::string_view room, std::string_view nsp) {
    server().enterRoom(sid, room, own(nsp));
}

void Namespace::leaveRoom(std::string_view sid, std::string_view room, std::string_view nsp) {
    server().leaveRoom(sid, room, own(nsp));
}

void Namespace::closeRoom(std::string_view room, std::string_view nsp) {
    server().closeRoom(room, own(nsp));
}

std::vector<std::string> Namespace::rooms(std::string_view sid, std::string_view nsp) const {
    return server().rooms(sid, own(nsp));
}

void Namespace::disconnect(std::string_view sid, std::string_view nsp) {
    server().disconnect(sid, own(nsp));
}

Value Namespace::getSession(std::string_view sid, std::string_view nsp) const {
    return server().getSession(sid, own(nsp));
}

void Namespace::saveSession(std::string_view sid, Value session, std::string_view nsp) {
    server().saveSession(sid, std::move(session), own(nsp));
}

}  // namespace socketio
