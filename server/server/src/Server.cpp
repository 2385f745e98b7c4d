#include "socketio/server/Server.h"

#include <utility>

#include "socketio/protocol/SocketPacket.h"

#include "Client.h"
#include "ServerCore.h"

namespace socketio {

Server::Server(ServerOptions options)
    : _core(std::make_shared<ServerCore>(*this, std::move(options))) {}

Server::~Server() { _core->detach(); }

void Server::addHandler(std::string_view event, HandlerPtr handler, std::string_view nsp) {
    _core->addHandler(event, std::move(handler), nsp);
}

void Server::registerNamespace(std::shared_ptr<Namespace> object) {
    _core->registerNamespace(std::move(object));
}

void Server::emit(std::string_view event, Arguments arguments, EmitOptions options) {
    _core->emit(event, std::move(arguments), std::move(options));
}

void Server::send(Arguments arguments, EmitOptions options) {
    emit("message", std::move(arguments), std::move(options));
}

Value Server::call(std::string_view event, Arguments arguments, CallOptions options) {
    return _core->call(event, std::move(arguments), options);
}

void Server::enterRoom(std::string_view sid, std::string_view room, std::string_view nsp) {
    manager().enterRoom(sid, namespaceName(nsp), room);
}

void Server::leaveRoom(std::string_view sid, std::string_view room, std::string_view nsp) {
    manager().leaveRoom(sid, namespaceName(nsp), room);
}

void Server::closeRoom(std::string_view room, std::string_view nsp) {
    manager().closeRoom(room, namespaceName(nsp));
}

std::vector<std::string> Server::rooms(std::string_view sid, std::string_view nsp) const {
    return manager().getRooms(sid, namespaceName(nsp));
}

void Server::disconnect(std::string_view sid, std::string_view nsp, bool ignoreQueue) {
    manager().disconnectSocket(sid, namespaceName(nsp), ignoreQueue);
}

std::string_view Server::transport(std::string_view sid, std::string_view nsp) const {
    return _core->find(sid, nsp)->transport();
}

std::shared_ptr<const Environ> Server::environ(std::string_view sid, std::string_view nsp) const {
    return _core->find(sid, nsp)->client().session().environ();
}

Value Server::getSession(std::string_view sid, std::string_view nsp) const {
    return _core->find(sid, nsp)->getSession();
}

void Server::saveSession(std::string_view sid, Value session, std::string_view nsp) {
    _core->find(sid, nsp)->saveSession(std::move(session));
}

std::shared_ptr<BackgroundTask> Server::startTask(Task task) {
    return _core->startTask(std::move(task));
}

bool Server::sleep(Duration time) { return _core->sleep(time); }

void Server::handleRequest(const Exchange::Ptr& exchange) { _core->handleRequest(exchange); }

std::shared_ptr<EngineListener> Server::openSession(const EngineSession::Ptr& session) {
    return _core->openSession(session);
}

void Server::start(Executor& executor) { _core->start(executor); }

bool Server::stop(TimePoint deadline) { return _core->stop(deadline); }

bool Server::hasSession(std::string_view sid) const { return _core->hasSession(sid); }

const ServerOptions& Server::options() const { return _core->options(); }

const ServerCounters& Server::counters() const { return _core->counters(); }

const EngineCounters& Server::engineCounters() const { return _core->engineCounters(); }

ClientManager& Server::manager() const { return _core->manager(); }

}  // namespace socketio
