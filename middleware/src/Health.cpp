#include "socketio/middleware/Health.h"

#include <string_view>

#include <Poco/Exception.h>

namespace socketio {

Health::Health(std::shared_ptr<App> app, HealthOptions options)
    : _app(std::move(app)), _options(std::move(options)) {
    if (!_app) throw Poco::InvalidArgumentException("Health: no app");
    for (const std::string& path : {_options.live, _options.ready})
        if (!path.empty() && path.front() != '/')
            throw Poco::InvalidArgumentException("Health: the path \"" + path +
                                                 "\" does not begin with /");
}

bool Health::stop(TimePoint deadline) {
    _ready = false;
    return _app->stop(deadline);
}

void Health::begin(const Exchange::Ptr& exchange) {
    const std::string_view path = exchange->environ().path();
    const bool live = !path.empty() && path == _options.live;
    if (!live && (path.empty() || path != _options.ready)) return _app->begin(exchange);
    const std::string_view method = exchange->environ().method();
    if (method != "GET" && method != "HEAD") {
        Response refusal = Response::text(405, "Method Not Allowed");
        refusal.headers.add("Allow", "GET, HEAD");
        return exchange->respond(std::move(refusal));
    }
    Response answer =
        live || _ready ? Response::text(200, "ok\n") : Response::text(503, "stopping\n");
    answer.headers.add("Cache-Control", "no-store");
    exchange->respond(std::move(answer));
}

void Health::handle(const Exchange::Ptr& exchange) {
    // Called by a wrapper that took the request to a worker: answers belong on the loop.
    exchange->executor().post(exchange->loop(), [this, exchange] { begin(exchange); });
}

}  // namespace socketio
