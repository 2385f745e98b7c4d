#include "socketio/net/FrontEnd.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"

#include "DefaultLog.h"

namespace socketio {

namespace {

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

extern "C" void socketioFrontEndSignal(int number) {
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
                "run() is active already in this process; use start() and stop()");
        signalCount = 0;
        struct sigaction action {};
        action.sa_handler = socketioFrontEndSignal;
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

}  // namespace

// -------------------------------------------------------------------------------------------------

FrontEndState::FrontEndState(std::shared_ptr<Hub> sharedHub)
    : hub(std::move(sharedHub)), _first(hub->loopCount()) {}

void FrontEndState::added(FrontEndConnection& connection, Executor::LoopId loop) {
    FrontEndConnection*& first = _first[loop];
    connection._next = first;
    if (first) first->_previous = &connection;
    first = &connection;
    ++_connections;
}

void FrontEndState::removed(FrontEndConnection& connection, Executor::LoopId loop) {
    (connection._previous ? connection._previous->_next : _first[loop]) = connection._next;
    if (connection._next) connection._next->_previous = connection._previous;
    connection._previous = connection._next = nullptr;
    if (--_connections > 0) return;
    MutexLock lock(_mutex);
    _emptied.notifyAll();
}

void FrontEndState::visitAll(const std::shared_ptr<FrontEndState>& state,
                             void (*visit)(FrontEndConnection&)) {
    for (Executor::LoopId loop = 0; loop < state->hub->loopCount(); ++loop)
        state->hub->post(loop, [state, loop, visit] {
            for (FrontEndConnection* at = state->_first[loop]; at;) {
                FrontEndConnection& connection = *at;
                at = at->_next;
                visit(connection);
            }
        });
}

bool FrontEndState::waitUntilEmpty(TimePoint deadline) {
    MutexLock lock(_mutex);
    while (_connections > 0)
        if (!hub->clock().waitUntil(_emptied, _mutex, deadline)) return _connections == 0;
    return true;
}

// -------------------------------------------------------------------------------------------------

struct FrontEnd::Impl {
    enum class Life { Fresh, Running, Stopping, Stopped };

    Log logger() const { return Log(log); }
    bool shutDown(std::chrono::milliseconds timeout);

    const char* const name;
    const char* const log;
    const std::shared_ptr<FrontEndState> state;
    const bool ownHub;
    const Steps steps;
    const Wakeup wakeup{};

    mutable Mutex mutex{};  // not held while the front end starts or stops
    Condition changed{};
    Life life SOCKETIO_GUARDED_BY(mutex) = Life::Fresh;
    bool clean SOCKETIO_GUARDED_BY(mutex) = true;  // what stop() returns
    Hub::Listener listener SOCKETIO_GUARDED_BY(mutex){};
};

FrontEnd::FrontEnd(const char* name, const char* log, std::shared_ptr<FrontEndState> state,
                   bool ownHub, Steps steps)
    : _impl(new Impl{name, log, std::move(state), ownHub, std::move(steps)}) {}

FrontEnd::~FrontEnd() = default;

void FrontEnd::start() {
    {
        MutexLock lock(_impl->mutex);
        if (_impl->life != Impl::Life::Fresh)
            throw Poco::IllegalStateException(std::string(_impl->name) +
                                              "::start(): started before");
    }
    ensureLogChannel();
    // The address first: when it is taken nothing has happened yet. Requests wait behind the gate
    // until the app is ready.
    const Hub::Listener listener = _impl->steps.listen();
    const std::shared_ptr<FrontEndState>& state = _impl->state;
    try {
        state->hub->start();
        _impl->steps.startApp();
    } catch (...) {
        state->hub->closeListener(listener.id);
        if (_impl->steps.doorClosed) _impl->steps.doorClosed();
        throw;
    }
    {
        MutexLock lock(_impl->mutex);
        _impl->listener = listener;
        _impl->life = Impl::Life::Running;
    }
    state->open.store(true, std::memory_order_release);
    FrontEndState::visitAll(state, [](FrontEndConnection& connection) { connection.admit(); });
    if (listener.id != 0)
        _impl->logger().information("listening on " + listener.address.toString());
}

bool FrontEnd::stop(std::chrono::milliseconds timeout) {
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

bool FrontEnd::Impl::shutDown(std::chrono::milliseconds timeout) {
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
    bool ended = steps.stopApp(appDeadline);
    state->stopping = true;
    state->hub->closeListener(id);
    if (steps.doorClosed) steps.doorClosed();
    FrontEndState::visitAll(state, [](FrontEndConnection& connection) { connection.shutDown(); });
    bool empty = state->waitUntilEmpty(answerDeadline);
    if (!empty) {
        logger().warning("connections were cut off: their requests took too long");
        FrontEndState::visitAll(state, [](FrontEndConnection& connection) { connection.cut(); });
        empty = state->waitUntilEmpty(end);
    }
    const bool hubEnded = ownHub ? state->hub->stop(end) : empty;
    // A handler or a background task may have come to its end since.
    if (!ended) ended = steps.stopApp(end);
    return hubEnded && ended;
}

void FrontEnd::run(std::chrono::milliseconds stopTimeout) {
    const SignalScope signals(_impl->wakeup);
    bool fresh;
    {
        MutexLock lock(_impl->mutex);
        fresh = _impl->life == Impl::Life::Fresh;
    }
    if (fresh) start();
    _impl->wakeup.wait();
    if (signalCount > 0) _impl->logger().information("stopping");
    if (stop(stopTimeout)) return;
    _impl->logger().warning("leaving although a handler has not ended");
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    ::_exit(0);
}

Poco::Net::SocketAddress FrontEnd::address() const {
    MutexLock lock(_impl->mutex);
    return _impl->listener.address;
}

}  // namespace socketio
