#include "Acceptor.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "socketio/base/Log.h"

#include "Failures.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr int kAcceptsPerTurn = 64;
constexpr std::size_t kDisposedAtOnce = 16;
constexpr Duration kShortestPause = 10ms;
constexpr Duration kLongestPause = 1s;

}  // namespace

Acceptor::Acceptor(LoopContext& loop, std::uint64_t id, int descriptor,
                   const Connection::Limits& limits, Hub::ProtocolFactory factory)
    : _loop(loop),
      _id(id),
      _descriptor(descriptor),
      _limits(limits),
      _factory(std::move(factory)),
      _retry([](void* self) { static_cast<Acceptor*>(self)->listen(); }, this) {}

Acceptor::~Acceptor() {
    _loop.unwatch(_descriptor);  // the application may go on to listen with its own copy
    ::close(_descriptor);
}

void Acceptor::listen() {
    _loop.watch(_descriptor, EPOLLIN, this, true, std::exchange(_watched, true));
}

/// Descriptors or connections have run out.
void Acceptor::makeRoom() {
    if (_loop.disposeIdle(kDisposedAtOnce) > 0) return;
    Hub& hub = _loop.hub();
    for (Executor::LoopId other = 0; other < hub.loopCount(); ++other) {
        if (other == _loop.id()) continue;
        hub.post(other, [] {
            if (LoopContext* const loop = LoopContext::current())
                loop->disposeIdle(kDisposedAtOnce);
        });
    }
    if (hub.loopCount() > 1 && !std::exchange(_othersAsked, true)) {
        wait(kShortestPause);
        return;
    }
    hub.counters().acceptPauses.fetch_add(1, std::memory_order_relaxed);
    hub.limits().reached(
        Limit::MaxConnections, Log("socketio.net"), _loop.timers().now(),
        "no more connections can be accepted for now; clients wait in the backlog");
    _pause = std::clamp(_pause * 2, kShortestPause, kLongestPause);
    wait(_pause);
}

void Acceptor::wait(Duration time) {
    _loop.watch(_descriptor, 0, this, true, true);
    _loop.timers().armAfter(_retry, time);
}

void Acceptor::onReadable() {
    Hub& hub = _loop.hub();
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        if (hub.connectionCount() >= hub.options().maxConnections) {
            // Only when a client is really waiting; epoll will tell.
            if (i > 0) return;
            makeRoom();
            return;
        }
        FileDescriptor descriptor(
            ::accept4(_descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!descriptor.valid()) {
            if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) return;
            // EMFILE, ENFILE, ENOBUFS, ENOMEM: it stays readable, so looking again would spin.
            makeRoom();
            return;
        }
        _othersAsked = false;
        if (_pause != Duration::zero()) {
            _pause = Duration::zero();
            Log("socketio.net").information("connections are accepted again");
        }
        hub.counters().accepted.fetch_add(1, std::memory_order_relaxed);
        try {
            pass(std::move(descriptor));
        } catch (...) {
            hub.counters().closed.fetch_add(1, std::memory_order_relaxed);
            reportFailure(hub.counters(), "a connection could not be accepted");
        }
    }
}

void Acceptor::pass(FileDescriptor descriptor) {
    Hub& hub = _loop.hub();
    LoopContext::prepare(descriptor.get());
    const Executor::LoopId target = _next;
    _next = (_next + 1) % hub.loopCount();
    if (target == _loop.id()) {
        _loop.add(std::move(descriptor), _limits, _factory());
        return;
    }
    // It is closed when the other loop has ended before it runs the task.
    hub.post(target,
             [descriptor = std::move(descriptor), limits = _limits, factory = _factory]() mutable {
                 if (LoopContext* const loop = LoopContext::current())
                     loop->add(std::move(descriptor), limits, factory());
             });
}

}  // namespace socketio
