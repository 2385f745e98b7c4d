#include "socketio/middleware/Middleware.h"

#include <string_view>

#include "socketio/server/Server.h"

#include "ClientFiles.h"
#include "PathPrefix.h"

namespace socketio {

Middleware::Middleware(Server& server, MiddlewareOptions options)
    : Middleware(server, std::shared_ptr<App>(), std::move(options)) {}

Middleware::Middleware(Server& server, std::shared_ptr<App> app, MiddlewareOptions options)
    : _server(&server),
      _app(std::move(app)),
      _options(std::move(options)),
      _prefix(pathPrefix(_options.path)) {
    if (!_options.clientFolder.empty())
        _clientFiles = std::make_shared<const ClientFiles>(_options.clientFolder);
}

void Middleware::start(Executor& executor) {
    _server->start(executor);
    if (_app) _app->start(executor);
}

bool Middleware::stop(TimePoint deadline) {
    const bool ended = _server->stop(deadline);
    return (!_app || _app->stop(deadline)) && ended;
}

void Middleware::begin(const Exchange::Ptr& exchange) {
    const std::string_view path = exchange->environ().path();
    const std::string_view prefix = _prefix;
    const bool ours = path.starts_with(prefix) ||
                      (!_options.addTrailingSlash && path == prefix.substr(0, prefix.size() - 1));
    if (!ours) {
        if (_app) return _app->begin(exchange);
        return exchange->respond(Response::notFound());
    }
    if (_clientFiles && path.size() > prefix.size() &&
        _clientFiles->serve(exchange, path.substr(prefix.size())))
        return;
    _server->handleRequest(exchange);
}

void Middleware::handle(const Exchange::Ptr& exchange) {
    // Called by a wrapper that took the request to a worker: routing belongs on the loop.
    exchange->executor().post(exchange->loop(), [this, exchange] { begin(exchange); });
}

}  // namespace socketio
