#include "HttpServerState.h"

#include <algorithm>
#include <utility>

namespace socketio {

namespace {

constexpr std::size_t kLeastOutbound = 4 * 1024 * 1024;

}  // namespace

HttpProtocol::HttpProtocol(std::shared_ptr<HttpServerState> server) : _server(std::move(server)) {}

void HttpProtocol::enlist(Executor::LoopId loop) { _server->added(*this, loop); }
void HttpProtocol::delist(Executor::LoopId loop) { _server->removed(*this, loop); }

HttpServerState::HttpServerState(std::shared_ptr<Hub> sharedHub, std::shared_ptr<App> sharedApp,
                                 HttpServerOptions serverOptions)
    : hub(std::move(sharedHub)),
      app(std::move(sharedApp)),
      options(std::move(serverOptions)),
      _first(hub->loopCount()) {}

std::size_t HttpServerState::outboundLimit(std::size_t maxMessageBytes) const {
    if (options.limits.outboundBytes > 0) return options.limits.outboundBytes;
    return std::max(kLeastOutbound, 4 * maxMessageBytes);
}

void HttpServerState::added(HttpProtocol& protocol, Executor::LoopId loop) {
    HttpProtocol*& first = _first[loop];
    protocol._next = first;
    if (first) first->_previous = &protocol;
    first = &protocol;
    ++_connections;
}

void HttpServerState::removed(HttpProtocol& protocol, Executor::LoopId loop) {
    (protocol._previous ? protocol._previous->_next : _first[loop]) = protocol._next;
    if (protocol._next) protocol._next->_previous = protocol._previous;
    protocol._previous = protocol._next = nullptr;
    if (--_connections > 0) return;
    MutexLock lock(_mutex);
    _emptied.notifyAll();
}

void HttpServerState::visitAll(const std::shared_ptr<HttpServerState>& state,
                               void (*visit)(HttpProtocol&)) {
    for (Executor::LoopId loop = 0; loop < state->hub->loopCount(); ++loop)
        state->hub->post(loop, [state, loop, visit] {
            for (HttpProtocol* at = state->_first[loop]; at;) {
                HttpProtocol& protocol = *at;
                at = at->_next;
                visit(protocol);
            }
        });
}

bool HttpServerState::waitUntilEmpty(TimePoint deadline) {
    MutexLock lock(_mutex);
    while (_connections > 0)
        if (!_emptied.waitUntil(_mutex, deadline)) return _connections == 0;
    return true;
}

}  // namespace socketio
