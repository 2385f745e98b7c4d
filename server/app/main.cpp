// poco-socketio, the server program: the chat demo on the standalone HTTP server.
//
// Exit status: 0 after SIGTERM or SIGINT; 2 when it cannot start, with one line on standard error
// that names what was wrong.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include "ChatDemo.h"
#include "Logging.h"
#include "Settings.h"

namespace {

using namespace socketio;

/// The address to open in a browser.
std::string url(const HttpServerOptions& options, std::uint16_t port) {
    const std::string& host = options.host;
    const bool local =
        host.empty() || host == "127.0.0.1" || host == "::1" || host == "0.0.0.0" || host == "::";
    const std::string shown = local                                 ? "localhost"
                              : host.find(':') != std::string::npos ? "[" + host + "]"
                                                                    : host;
    return "http://" + shown + ":" + std::to_string(port);
}

void serve(const app::Settings& settings) {
    Server server(settings.server);
    app::ChatDemo chat(server);
    std::shared_ptr<App> files;
    if (!settings.www.empty()) files = std::make_shared<StaticFiles>(settings.www);
    // A signal that comes before run() waits for it: an orderly end from the first moment on.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    HttpServer http(Middleware(server, files, settings.middleware), settings.http);
    http.start();
    std::printf("serving on %s\n", url(settings.http, http.port()).c_str());
    std::fflush(stdout);
    http.run();
}

int fail(const std::string& problem) {
    std::fprintf(stderr, "poco-socketio: %s\n", app::printable(problem).c_str());
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a log reader that goes away
    try {
        const app::Settings settings = app::Settings::read({argv + 1, argv + argc});
        if (settings.help) return std::fputs(app::Settings::helpText().c_str(), stdout) < 0;
        if (settings.version) return std::puts("poco-socketio " SOCKETIO_VERSION) < 0;
        const app::Logging logging(settings);
        serve(settings);
        return 0;
    } catch (const Poco::Exception& e) {
        return fail(e.displayText());
    } catch (const std::exception& e) {
        return fail(e.what());
    }
}
