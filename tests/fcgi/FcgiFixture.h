#pragma once

#include <map>
#include <memory>
#include <string>

#include "socketio/fcgi/FcgiServer.h"

#include "../http/HttpFixture.h"
#include "support/FcgiClient.h"

namespace socketio::test {

/// Tells what it was asked: the variables in the order of their names, an empty line, the body.
inline Response described(const Exchange& exchange) {
    std::map<std::string, std::string> variables;
    exchange.environ().forEach(
        [&](std::string_view name, std::string_view value) { variables.emplace(name, value); });
    std::string text;
    for (const auto& [name, value] : variables)
        text.append(name).append("=").append(value).append("\n");
    return Response::text(200, text.append("\n").append(exchange.body()));
}

/// The value of a variable in such a text; "(absent)" without it.
inline std::string variable(const FcgiAnswer& answer, const std::string& name) {
    const std::string text = "\n" + answer.response.body;
    const std::size_t at = text.find("\n" + name + "=");
    if (at == text.npos || at > text.find("\n\n")) return "(absent)";
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
}

inline std::string body(const FcgiAnswer& answer) {
    const std::string& text = answer.response.body;
    const std::size_t end = text.find("\n\n");
    return end == text.npos ? text : text.substr(end + 2);
}

/// A server on a free port of the loopback whose app describes requests unless told otherwise.
/// Declare it behind what its app uses: it stops when it goes out of scope.
class FcgiFixture {
public:
    FcgiFixture() {
        options.port = 0;
        options.hub.ioThreads = 1;
        app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->respond(described(*exchange));
        };
    }

    void start() {
        server = std::make_unique<FcgiServer>(app, options);
        server->start();
    }
    std::uint16_t port() const { return server->address().port(); }
    FcgiClient client() const { return FcgiClient(port()); }
    const FcgiCounters& counters() const { return server->counters(); }
    std::uint64_t reached(Limit limit) const {
        return std::as_const(server->hub()).limits().count(limit);
    }

    const std::shared_ptr<FunctionApp> app = std::make_shared<FunctionApp>();
    FcgiServerOptions options;
    std::unique_ptr<FcgiServer> server;
};

}  // namespace socketio::test
