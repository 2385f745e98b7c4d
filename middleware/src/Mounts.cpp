#include "socketio/middleware/Mounts.h"

#include <algorithm>
#include <string_view>

#include <Poco/Exception.h>
#include <Poco/URI.h>

#include "socketio/exchange/ForwardingExchange.h"

namespace socketio {

namespace {

std::shared_ptr<const Environ> moved(const Environ& environ, std::string_view mount) {
    auto below = std::make_shared<Environ>(environ);
    std::string script(environ["SCRIPT_NAME"]);
    script += mount;
    const std::string rest(environ.path().substr(mount.size()));
    below->set("SCRIPT_NAME", script);
    below->set("PATH_INFO", rest);
    return below;
}

void redirectInto(const Exchange::Ptr& exchange, const std::string& mount) {
    const Environ& environ = exchange->environ();
    std::string location;
    Poco::URI::encode(std::string(environ["SCRIPT_NAME"]) + mount + "/", "?#", location);
    // `//host/` would lead to another host.
    while (location.starts_with("//")) location.erase(0, 1);
    if (!environ.query().empty()) location.append("?").append(environ.query());
    Response redirect = Response::text(301, "Moved Permanently");
    redirect.headers.add("Location", location);
    exchange->respond(std::move(redirect));
}

}  // namespace

Mounts::Mounts(std::vector<Mount> mounts, std::shared_ptr<App> otherwise)
    : _mounts(std::move(mounts)), _otherwise(std::move(otherwise)) {
    for (Mount& mount : _mounts) {
        std::string& path = mount.first;
        const std::string given = path;
        while (path.ends_with('/')) path.pop_back();
        if (!mount.second || !path.starts_with('/'))
            throw Poco::InvalidArgumentException("cannot mount at \"" + given +
                                                 "\": a path such as /docs is needed");
    }
    std::sort(_mounts.begin(), _mounts.end(), [](const Mount& a, const Mount& b) {
        return a.first.size() != b.first.size() ? a.first.size() > b.first.size()
                                                : a.first < b.first;
    });
    for (std::size_t i = 1; i < _mounts.size(); ++i)
        if (_mounts[i].first == _mounts[i - 1].first)
            throw Poco::InvalidArgumentException(_mounts[i].first + " is mounted twice");
}

void Mounts::start(Executor& executor) {
    for (const Mount& mount : _mounts) mount.second->start(executor);
    if (_otherwise) _otherwise->start(executor);
}

bool Mounts::stop(TimePoint deadline) {
    bool ended = true;
    for (const Mount& mount : _mounts) ended = mount.second->stop(deadline) && ended;
    if (_otherwise) ended = _otherwise->stop(deadline) && ended;
    return ended;
}

void Mounts::begin(const Exchange::Ptr& exchange) {
    const std::string_view path = exchange->environ().path();
    for (const Mount& mount : _mounts) {
        if (!path.starts_with(mount.first)) continue;
        const std::string_view rest = path.substr(mount.first.size());
        if (!rest.empty() && rest.front() != '/') continue;
        const std::string_view method = exchange->environ().method();
        if (rest.empty() && (method == "GET" || method == "HEAD"))
            return redirectInto(exchange, mount.first);
        return mount.second->begin(std::make_shared<ForwardingExchange>(
            exchange, moved(exchange->environ(), mount.first)));
    }
    if (_otherwise) return _otherwise->begin(exchange);
    exchange->respond(Response::notFound());
}

void Mounts::handle(const Exchange::Ptr& exchange) {
    // Called by a wrapper that took the request to a worker: routing belongs on the loop.
    exchange->executor().post(exchange->loop(), [this, exchange] { begin(exchange); });
}

}  // namespace socketio
