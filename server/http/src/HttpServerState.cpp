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
    : FrontEndState(std::move(sharedHub)),
      app(std::move(sharedApp)),
      options(std::move(serverOptions)) {}

std::size_t HttpServerState::outboundLimit(std::size_t maxMessageBytes) const {
    if (options.limits.outboundBytes > 0) return options.limits.outboundBytes;
    return std::max(kLeastOutbound, 4 * maxMessageBytes);
}

}  // namespace socketio
