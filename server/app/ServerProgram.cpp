#include "ServerProgram.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Logger.h>

#include "socketio/base/Log.h"
#include "socketio/fcgi/FcgiServer.h"
#include "socketio/middleware/AccessLog.h"
#include "socketio/middleware/Health.h"
#include "socketio/middleware/StaticFiles.h"

#include "CurrentApp.h"
#include "Deployment.h"
#include "LibraryWatch.h"
#include "Logging.h"

namespace socketio::app {

namespace {

using namespace std::chrono_literals;

// Writers close a library in pieces: it is read when nothing more has come for so long.
constexpr auto kSettled = 150ms;
// For the clients of a library that is replaced; a developer waits.
constexpr auto kReplaceTimeout = 3s;
constexpr auto kBuryPause = 500ms;

Poco::Logger& programLog() { return Poco::Logger::get("poco-socketio"); }

sigset_t waitedFor() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
    return signals;
}

/// The signals as something to poll.
class Signals {
public:
    Signals() {
        const sigset_t signals = waitedFor();
        _descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (_descriptor < 0) throw Poco::SystemException("signalfd", errno);
    }
    ~Signals() { ::close(_descriptor); }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    int descriptor() const { return _descriptor; }
    /// The next one; 0 when there is none.
    int take() {
        signalfd_siginfo information{};
        if (::read(_descriptor, &information, sizeof information) !=
            static_cast<ssize_t>(sizeof information))
            return 0;
        return static_cast<int>(information.ssi_signo);
    }
    /// From now on a signal ends the process: whoever insists shall not wait.
    static void letThrough() {
        const sigset_t signals = waitedFor();
        ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    }

private:
    int _descriptor;
};

/// The file that holds the process id, as long as this lives.
class PidFile {
public:
    PidFile(const std::string& path, const std::string& origin) : _path(path) {
        if (_path.empty()) return;
        const int descriptor =
            ::open(_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        const std::string text = std::to_string(::getpid()) + "\n";
        const bool good = descriptor >= 0 && ::write(descriptor, text.data(), text.size()) ==
                                                 static_cast<ssize_t>(text.size());
        const int error = errno;
        if (descriptor >= 0) ::close(descriptor);
        if (!good)
            throw UsageError(origin + ": cannot write " + _path + ": " + std::strerror(error));
    }
    ~PidFile() {
        if (!_path.empty()) ::unlink(_path.c_str());
    }
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

private:
    const std::string _path;
};

/// The address to open in a browser.
std::string url(const char* scheme, const std::string& host, std::uint16_t port) {
    const bool local =
        host.empty() || host == "127.0.0.1" || host == "::1" || host == "0.0.0.0" || host == "::";
    const std::string shown = local                                 ? "localhost"
                              : host.find(':') != std::string::npos ? "[" + host + "]"
                                                                    : host;
    return std::string(scheme) + "://" + shown + ":" + std::to_string(port);
}

/// A front end of either kind.
struct FrontEnd {
    std::unique_ptr<HttpServer> http;
    std::unique_ptr<FcgiServer> fcgi;
    std::string what;  // "http://localhost:5000"

    void stop(std::chrono::milliseconds timeout) const {
        if (http) http->stop(timeout);
        if (fcgi) fcgi->stop(timeout);
    }
};

HttpServerOptions optionsOf(const Settings& settings, const Listener& listener,
                            const std::shared_ptr<TlsContext>& tls) {
    HttpServerOptions options = settings.http;
    options.host = listener.host;
    options.port = listener.port;
    options.proxyProtocol = listener.proxyProtocol;
    if (listener.kind == Listener::Kind::Https) options.tls = tls;
    return options;
}

FcgiServerOptions optionsOf(const Settings& settings, const Listener& listener) {
    FcgiServerOptions options;
    options.host = listener.host;
    options.port = listener.port;
    options.allowPublic = listener.allowPublic;
    options.unixSocket = listener.unixSocket;
    options.unixMode = listener.unixMode;
    options.inherited = listener.inherited;
    options.mount = listener.mount;
    options.webSocketRoute = listener.webSocketRoute;
    options.trustedProxies = settings.http.trustedProxies;
    options.limits = settings.fcgi;
    return options;
}

std::shared_ptr<TlsContext> tlsOf(const Settings& settings) {
    const bool needed = std::any_of(
        settings.listeners.begin(), settings.listeners.end(),
        [](const Listener& listener) { return listener.kind == Listener::Kind::Https; });
    if (!needed) return nullptr;
    try {
        return TlsContext::load(settings.tls);
    } catch (const Poco::Exception& e) {
        throw UsageError(settings.origin("tls.certificate") + ": " + e.displayText());
    }
}

}  // namespace

int fail(const std::string& problem) {
    std::fprintf(stderr, "poco-socketio: %s\n", printable(problem).c_str());
    return 2;
}

/// Everything that runs. Destroyed from the last to the first; the hub has been stopped by then.
struct ServerProgram::Serving {
    Serving(const Settings& given, Logging& logging)
        : settings(given),
          log(logging),
          tls(tlsOf(settings)),
          hub(settings.http.hub),
          current(std::make_shared<CurrentApp>(std::make_shared<Deployment>(settings),
                                               settings.reload)) {
        AccessLogOptions access = settings.access;
        if (const auto& lines = log.access())
            access.write = [lines](std::string_view text) { lines->write(text); };
        access.debug = &Poco::Logger::get("socketio.request");
        health = std::make_shared<Health>(std::make_shared<AccessLog>(current, std::move(access)),
                                          settings.health);
        if (settings.reload) watch.emplace(settings.applications);
    }

    ~Serving() {
        // After a failure at the start; otherwise it has been done.
        for (const FrontEnd& front : fronts) front.stop(1s);
        fronts.clear();
        hub.stop(Clock::system().now() + 1s);
    }

    void open() {
        for (const Listener& listener : settings.listeners) {
            FrontEnd front;
            try {
                if (listener.kind == Listener::Kind::FastCgi) {
                    front.fcgi =
                        std::make_unique<FcgiServer>(hub, health, optionsOf(settings, listener));
                    front.fcgi->start();
                    front.what =
                        "FastCGI on " +
                        (listener.inherited ? "standard input" : front.fcgi->address().toString());
                } else {
                    const bool secure = listener.kind == Listener::Kind::Https;
                    front.http = std::make_unique<HttpServer>(hub, health,
                                                              optionsOf(settings, listener, tls));
                    front.http->start();
                    front.what = url(secure ? "https" : "http", listener.host, front.http->port());
                }
            } catch (const Poco::Exception& e) {
                throw UsageError((listener.where.empty() ? "" : listener.where + ": ") +
                                 e.displayText());
            }
            fronts.push_back(std::move(front));
        }
    }

    void say() const {
        for (const FrontEnd& front : fronts) std::printf("serving on %s\n", front.what.c_str());
        std::fflush(stdout);
    }

    /// Certificates and log files anew.
    void refresh() {
        log.reopen();
        try {
            if (tls) tls->reload();
            programLog().notice("log files and certificates are read anew");
        } catch (const Poco::Exception& e) {
            programLog().error("the certificates stay as they are: " + e.displayText());
        }
    }

    /// The applications have been rebuilt.
    void replace() {
        try {
            auto next = std::make_shared<Deployment>(settings);
            current->replace(std::move(next), kReplaceTimeout);
            programLog().notice("the application was reloaded");
        } catch (...) {
            programLog().error("not reloaded, the one before stays: " + exceptionText());
        }
    }

    /// False when code of the application still runs.
    bool run();
    int wait(std::optional<TimePoint> until);
    bool stop();

    const Settings& settings;
    Logging& log;
    Signals signals;
    const std::shared_ptr<TlsContext> tls;
    Hub hub;
    const std::shared_ptr<CurrentApp> current;
    std::shared_ptr<Health> health;
    std::vector<FrontEnd> fronts;
    std::optional<LibraryWatch> watch;
    std::optional<TimePoint> replaceAt, buryAt;
};

/// Waits for SIGINT or SIGTERM and does meanwhile what is to be done; 0 when `until` has come.
int ServerProgram::Serving::wait(std::optional<TimePoint> until) {
    for (;;) {
        const TimePoint now = Clock::system().now();
        if (until && now >= *until) return 0;
        if (replaceAt && now >= *replaceAt) {
            replaceAt.reset();
            replace();
            buryAt = Clock::system().now();
        }
        if (buryAt && now >= *buryAt) {
            buryAt.reset();
            if (current->bury()) buryAt = now + kBuryPause;
        }
        std::optional<TimePoint> next = until;
        for (const auto& other : {replaceAt, buryAt})
            if (other && (!next || *other < *next)) next = other;
        int timeout = -1;
        if (next)
            timeout = static_cast<int>(std::clamp<long long>(
                std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::system().now()).count(),
                0, 60'000));
        pollfd ready[2] = {{signals.descriptor(), POLLIN, 0},
                           {watch ? watch->descriptor() : -1, POLLIN, 0}};
        if (::poll(ready, 2, timeout) < 0 && errno != EINTR)
            throw Poco::SystemException("poll", errno);
        if (watch && watch->changed()) replaceAt = Clock::system().now() + kSettled;
        while (const int number = signals.take()) {
            if (number != SIGHUP) return number;
            refresh();
        }
    }
}

bool ServerProgram::Serving::run() {
    const int number = wait(std::nullopt);
    health->setReady(false);
    if (number == SIGTERM && settings.drainDelay > 0ms) {
        programLog().notice("draining");
        wait(Clock::system().now() + settings.drainDelay);
    }
    programLog().notice("stopping");
    Signals::letThrough();
    if (stop()) return true;
    programLog().warning("leaving although a handler has not ended");
    return false;
}

/// False when code of the application still runs.
bool ServerProgram::Serving::stop() {
    const TimePoint begin = Clock::system().now();
    const TimePoint end = begin + settings.http.stopTimeout;
    // The app first, with all doors open: clients that poll fetch what is left for them.
    bool ended = health->stop(begin + settings.http.stopTimeout * 7 / 10);
    for (std::size_t i = 0; i < fronts.size(); ++i) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::system().now());
        fronts[i].stop(std::max<std::chrono::milliseconds>(
            left * 9 / 10 / static_cast<int>(fronts.size() - i), 0ms));
    }
    const bool joined = hub.stop(std::max(end, Clock::system().now() + 100ms));
    // A handler or a background task may have come to its end since.
    if (!ended) ended = health->stop(end);
    return joined && ended;
}

ServerProgram::ServerProgram(const Settings& settings, std::function<void()> onServing)
    : _settings(settings), _onServing(std::move(onServing)) {}

ServerProgram::~ServerProgram() = default;

void ServerProgram::holdSignals() {
    const sigset_t signals = waitedFor();
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // a log reader that goes away
    std::signal(SIGUSR1, SIG_IGN);  // what other servers take for "open the logs anew"
    std::signal(SIGUSR2, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a log that may not grow: write() says so
}

void ServerProgram::initialize(Application& self) {
    ServerApplication::initialize(self);
    // For applications that ask Poco::Util::Application::instance().
    for (const auto& [key, value] : _settings.applicationSettings)
        config().setString("app." + key, value);
}

int ServerProgram::main(const std::vector<std::string>&) {
    try {
        serve();
        return EXIT_OK;
    } catch (const Poco::Exception& e) {
        return fail(e.displayText());
    } catch (const std::exception& e) {
        return fail(e.what());
    }
}

void ServerProgram::serve() {
    Logging log(_settings);
    auto serving = std::make_unique<Serving>(_settings, log);
    serving->open();
    std::optional<PidFile> pidFile;
    pidFile.emplace(_settings.pidFile, _settings.origin("server.pidFile"));
    serving->say();
    if (_onServing) {
        _onServing();
        log.reopen();  // what went to the terminal goes where that has gone
    }
    if (serving->run()) return;
    // Threads of handlers or background tasks still use all of it.
    (void)serving.release();
    pidFile.reset();
    log.flush();
    std::fflush(nullptr);
    ::_exit(EXIT_OK);
}

std::vector<std::string> ServerProgram::problems(const Settings& settings) {
    std::vector<std::string> found;
    const auto attempt = [&found](const std::string& where, auto&& step) {
        try {
            step();
        } catch (const UsageError& e) {
            found.push_back(e.what());
        } catch (const Poco::Exception& e) {
            found.push_back((where.empty() ? "" : where + ": ") + e.displayText());
        }
    };
    // Without a certificate that has been said already.
    if (!settings.tls.certificateFile.empty()) attempt("", [&] { (void)tlsOf(settings); });
    std::optional<Server> server;
    attempt("", [&] { server.emplace(settings.server); });
    if (server)
        attempt(settings.origin("server.client"),
                [&] { const Middleware middleware(*server, settings.middleware); });
    if (!settings.www.empty())
        attempt(settings.origin("server.www"), [&] { const StaticFiles files(settings.www); });
    for (const FolderMount& mount : settings.mounts)
        attempt(mount.where, [&] { const StaticFiles files(mount.folder); });
    for (const std::string& library : settings.applications)
        if (::access(library.c_str(), R_OK) != 0)
            found.push_back(settings.origin("server.app") + ": cannot load " + library + ": " +
                            std::strerror(errno));
    return found;
}

}  // namespace socketio::app
