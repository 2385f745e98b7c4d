#include "socketio/http/HttpServer.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Net/NetException.h>

#include "HttpConnection.h"
#include "HttpServerState.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

/// An eventfd: stop() and the signal handler wake run() with it.
class Wakeup {
public:
    Wakeup() : _descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (_descriptor < 0) throw Poco::SystemException("eventfd", errno);
    }
    ~Wakeup() { ::close(_descriptor); }
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    void notify() const { notify(_descriptor); }
    static void notify(int descriptor) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);
    }
    void wait() const {
        pollfd entry{_descriptor, POLLIN, 0};
        while (::poll(&entry, 1, -1) < 0 && errno == EINTR) {
        }
    }
    int descriptor() const { return _descriptor; }

private:
    const int _descriptor;
};

std::atomic<int> signalled{-1};  // the eventfd of the run() in progress
std::atomic<int> signalCount{0};

extern "C" void socketioHttpServerSignal(int number) {
    const int saved = errno;
    if (signalCount.fetch_add(1) > 0) ::_exit(128 + number);  // whoever insists shall not wait
    Wakeup::notify(signalled.load());
    errno = saved;
}

/// SIGINT and SIGTERM wake run() as long as this lives.
class SignalScope {
public:
    explicit SignalScope(const Wakeup& wakeup) {
        int none = -1;
        if (!signalled.compare_exchange_strong(none, wakeup.descriptor()))
            throw Poco::IllegalStateException(
                "HttpServer::run() is active already in this process; use start() and stop()");
        signalCount = 0;
        struct sigaction action {};
        action.sa_handler = socketioHttpServerSignal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        ::sigaction(SIGINT, &action, &_interrupt);
        ::sigaction(SIGTERM, &action, &_terminate);
        // A Poco::Thread blocks SIGTERM; somebody has to take it.
        sigset_t both;
        sigemptyset(&both);
        sigaddset(&both, SIGINT);
        sigaddset(&both, SIGTERM);
        ::pthread_sigmask(SIG_UNBLOCK, &both, &_mask);
    }
    ~SignalScope() {
        ::pthread_sigmask(SIG_SETMASK, &_mask, nullptr);
        ::sigaction(SIGINT, &_interrupt, nullptr);
        ::sigaction(SIGTERM, &_terminate, nullptr);
        signalled = -1;
    }
    SignalScope(const SignalScope&) = delete;
    SignalScope& operator=(const SignalScope&) = delete;

private:
    struct sigaction _interrupt, _terminate;
    sigset_t _mask;
};

Poco::Logger& logger() { return Poco::Logger::get("socketio.http"); }

}  // namespace

struct HttpServer::Impl {
    enum class Life { Fresh, Running, Stopping, Stopped };

    Impl(std::shared_ptr<Hub> hub, bool hubIsOwn, std::shared_ptr<App> app,
         HttpServerOptions options)
        : state(std::make_shared<HttpServerState>(std::move(hub), std::move(app),
                                                  std::move(options))),
          ownHub(hubIsOwn) {
        if (!state->app) throw Poco::InvalidArgumentException("HttpServer: no app");
    }

    Hub::Listener listen(const Poco::Net::SocketAddress& address) const {
        const HttpLimits& limits = state->options.limits;
        Connection::Limits connection;
        // A head that is not complete must always fit.
        connection.maxPendingInput =
            std::max(limits.pipelinedBytes, limits.head.requestLine + limits.head.block);
        connection.maxOutput = state->outboundLimit(0);
        connection.writeStall = limits.writeStall;
        return state->hub->listen(address, connection, [server = state] {
            return std::make_shared<HttpConnection>(server);
        });
    }

    Hub::Listener listen() const {
        const HttpServerOptions& options = state->options;
        if (!options.host.empty()) {
            std::optional<Poco::Net::SocketAddress> address;
            try {
                address.emplace(options.host, options.port);
            } catch (const Poco::Exception& e) {
                throw Poco::Net::NetException(
                    "cannot listen on " + options.host + ":" + std::to_string(options.port),
                    e.displayText(), e.code());
            }
            return listen(*address);
        }
        try {
            return listen(Poco::Net::SocketAddress("::", options.port));
        } catch (const Poco::Net::NetException& e) {
            // A machine without IPv6.
            if (e.code() != EAFNOSUPPORT && e.code() != EADDRNOTAVAIL) throw;
        }
        return listen(Poco::Net::SocketAddress("0.0.0.0", options.port));
    }

    bool shutDown(std::chrono::milliseconds timeout);

    const std::shared_ptr<HttpServerState> state;
    const bool ownHub;
    const Wakeup wakeup;

    mutable Mutex mutex;  // not held while the server starts or stops
    Condition changed;
    Life life SOCKETIO_GUARDED_BY(mutex) = Life::Fresh;
    bool clean SOCKETIO_GUARDED_BY(mutex) = true;  // what stop() returns
    Hub::Listener listener SOCKETIO_GUARDED_BY(mutex);
};

HttpServer::HttpServer(std::shared_ptr<App> app, HttpServerOptions options) {
    auto hub = std::make_shared<Hub>(options.hub);
    _impl = std::make_unique<Impl>(std::move(hub), true, std::move(app), std::move(options));
}

HttpServer::HttpServer(Hub& hub, std::shared_ptr<App> app, HttpServerOptions options)
    : _impl(std::make_unique<Impl>(std::shared_ptr<Hub>(&hub, [](Hub*) {}), false, std::move(app),
                                   std::move(options))) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::start() {
    {
        MutexLock lock(_impl->mutex);
        if (_impl->life != Impl::Life::Fresh)
            throw Poco::IllegalStateException("HttpServer::start(): started before");
    }
    // The address first: when it is taken nothing has happened yet. Requests wait behind the gate
    // until the app is ready.
    const Hub::Listener listener = _impl->listen();
    const std::shared_ptr<HttpServerState>& state = _impl->state;
    try {
        state->hub->start();
        state->app->start(*state->hub);
    } catch (...) {
        state->hub->closeListener(listener.id);
        throw;
    }
    {
        MutexLock lock(_impl->mutex);
        _impl->listener = listener;
        _impl->life = Impl::Life::Running;
    }
    state->open.store(true, std::memory_order_release);
    HttpServerState::visitAll(state, [](HttpProtocol& protocol) { protocol.admit(); });
    logger().information("listening on " + listener.address.toString());
}

bool HttpServer::stop(std::chrono::milliseconds timeout) {
    {
        MutexLock lock(_impl->mutex);
        while (_impl->life == Impl::Life::Stopping) _impl->changed.wait(_impl->mutex);
        if (_impl->life == Impl::Life::Stopped) return _impl->clean;
        if (_impl->life == Impl::Life::Fresh) {
            _impl->life = Impl::Life::Stopped;
            return true;
        }
        _impl->life = Impl::Life::Stopping;
    }
    const bool clean = _impl->shutDown(timeout);
    MutexLock lock(_impl->mutex);
    _impl->clean = clean;
    _impl->life = Impl::Life::Stopped;
    _impl->changed.notifyAll();
    _impl->wakeup.notify();
    return clean;
}

bool HttpServer::Impl::shutDown(std::chrono::milliseconds timeout) {
    // Each step leaves time for the next one.
    const TimePoint now = state->hub->clock().now();
    const TimePoint appDeadline = now + timeout * 7 / 10, answerDeadline = now + timeout * 9 / 10,
                    end = now + timeout;
    std::uint64_t id;
    {
        MutexLock lock(mutex);
        id = listener.id;
    }
    // The app goes first, with the door still open: a client that polls fetches what is left for
    // it, over a new connection if it has none. The app itself takes nobody new any more.
    state->app->stop(appDeadline);
    state->stopping = true;
    state->hub->closeListener(id);
    HttpServerState::visitAll(state, [](HttpProtocol& protocol) { protocol.shutDown(); });
    bool empty = state->waitUntilEmpty(answerDeadline);
    if (!empty) {
        logger().warning("connections were cut off: their requests took too long");
        HttpServerState::visitAll(state, [](HttpProtocol& protocol) { protocol.cut(); });
        empty = state->waitUntilEmpty(end);
    }
    return ownHub ? state->hub->stop(end) : empty;
}

void HttpServer::run() {
    const SignalScope signals(_impl->wakeup);
    bool fresh;
    {
        MutexLock lock(_impl->mutex);
        fresh = _impl->life == Impl::Life::Fresh;
    }
    if (fresh) start();
    _impl->wakeup.wait();
    if (signalCount > 0) logger().information("stopping");
    if (stop(25s)) return;
    logger().warning("leaving although a handler has not ended");
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    ::_exit(0);
}

Poco::Net::SocketAddress HttpServer::address() const {
    MutexLock lock(_impl->mutex);
    return _impl->listener.address;
}

std::uint16_t HttpServer::port() const { return address().port(); }

Hub& HttpServer::hub() const { return *_impl->state->hub; }

const HttpCounters& HttpServer::counters() const { return _impl->state->counters; }

}  // namespace socketio
