#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include "socketio/exchange/App.h"

namespace socketio {

/// Runs an App as a CGI program (RFC 3875): the one request that the environment and standard input
/// describe, its answer on standard output.
///
///     int main() { return socketio::CgiRunner(socketio::StaticFiles("/srv/www")).run(); }
///
/// For apps that live no longer than a request. The sessions of a Server do: put those behind
/// poco-socketio-cgi, which hands requests to a server that runs.
///
/// SCRIPT_NAME is kept, the app sees PATH_INFO; what else is made of the variables, FcgiServer
/// says. Owner:  the application. Threads: run() once, from main(); it makes a hub for the time.
/// Errors: run() throws what App::start() throws.
class CgiRunner {
public:
    explicit CgiRunner(std::shared_ptr<App> app) : _app(std::move(app)) {}
    template <std::derived_from<App> A>
    explicit CgiRunner(A app) : _app(std::make_shared<A>(std::move(app))) {}

    /// The exit status: 0 when the request was answered, whatever with.
    int run();

private:
    const std::shared_ptr<App> _app;
};

}  // namespace socketio
