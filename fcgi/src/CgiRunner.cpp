#include "socketio/fcgi/CgiRunner.h"

#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <Poco/Exception.h>

#include "CgiRelay.h"
#include "FcgiConnection.h"
#include "FcgiServerState.h"

namespace socketio {

// The app is served by a FastCGI connection that ends in this process: one way to read a request
// and to write its answer for all of them.
int CgiRunner::run() {
    using namespace std::chrono_literals;
    const CgiRelay::Variables variables = CgiRelay::requestVariables(::environ);
    FcgiServerOptions options;
    options.hub.ioThreads = 1;
    options.hub.keptWorkers = 1;
    for (const auto& [name, value] : variables)
        if (name == "SCRIPT_NAME") options.mount = value;
    while (options.mount.ends_with('/')) options.mount.pop_back();

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw Poco::SystemException("socketpair", errno);
    const auto hub = std::make_shared<Hub>(options.hub);
    const auto state = std::make_shared<FcgiServerState>(hub, _app, options);
    hub->start();
    auto end = CgiRelay::End::Unanswered;
    try {
        _app->start(*hub);
        state->open = true;
        if (!hub->adopt(ends[1], {}, nullptr, {},
                        [state] { return std::make_shared<FcgiConnection>(state); }))
            ::close(ends[1]);
        end = CgiRelay::run(ends[0], variables, STDIN_FILENO, STDOUT_FILENO);
        ::close(ends[0]);
        _app->stop(Clock::system().now() + 1s);
    } catch (...) {
        ::close(ends[0]);
        hub->stop(Clock::system().now() + 1s);
        throw;
    }
    hub->stop(Clock::system().now() + 1s);
    return end == CgiRelay::End::Answered ? 0 : 1;
}

}  // namespace socketio
