#include "socketio/net/Hub.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/ThreadPool.h>

#include "socketio/base/Log.h"
#include "socketio/base/Outbound.h"
#include "socketio/net/LoopContext.h"
#include "socketio/net/WorkerPool.h"

#include "Acceptor.h"

namespace socketio {

namespace {

/// Raises the soft limit of descriptors to the hard one; the limit then.
std::size_t raiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        rlimit raised{limit.rlim_max, limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1'000'000));
}

HubOptions completed(HubOptions options) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    if (options.ioThreads == 0) options.ioThreads = std::max(1u, cores - 1);
    if (options.maxWorkers == 0) options.maxWorkers = 1;
    if (!options.clock) options.clock = &Clock::system();
    const std::size_t descriptors = raiseDescriptorLimit();
    if (options.maxConnections == 0)
        options.maxConnections =
            std::max(descriptors > 1000 ? descriptors - 1000 : 0, descriptors / 2);
    return options;
}

[[noreturn]] void refuseListen(const Poco::Net::SocketAddress& address, int error) {
    throw Poco::Net::NetException("cannot listen on " + address.toString(), std::strerror(error),
                                  error);
}

}  // namespace

struct Hub::Impl {
    Impl(Hub& hub, const HubOptions& options)
        : threads(static_cast<int>(options.ioThreads) + 2,
                  static_cast<int>(2 * options.ioThreads + options.maxWorkers) + 2),
          workers(threads, options, hub._counters, options.ioThreads),
          outbound(options.maxOutbound, [this, &hub] { relieveOutbound(hub); }) {
        for (unsigned i = 0; i < options.ioThreads; ++i) {
            shares.push_back(std::make_unique<OutboundShare>(outbound));
            loops.push_back(std::make_unique<LoopContext>(hub, i, workers));
        }
    }

    void relieveOutbound(Hub& hub);
    void endLargestOn(Hub& hub, LoopId loop, std::size_t bytes);

    Poco::ThreadPool threads;
    WorkerPool workers;
    OutboundTotal outbound;
    std::vector<std::unique_ptr<OutboundShare>> shares;  // of the loops
    std::vector<std::unique_ptr<LoopContext>> loops;
    std::atomic<std::uint64_t> nextListener{1};
    std::atomic<std::uint64_t> nextAdopted{0};
    std::atomic<bool> running{false};
    std::atomic<bool> ended{false};  // stopped, for good
    bool abandoned = false;
};

Hub::Hub(const HubOptions& options)
    : _options(completed(options)), _impl(std::make_unique<Impl>(*this, _options)) {}

Hub::~Hub() {
    stop(clock().now() + std::chrono::seconds(30));
    // Abandoned threads still use what they run on; the process is about to leave anyway.
    if (_impl->abandoned) (void)_impl.release();
}

void Hub::start() {
    if (_impl->ended) throw Poco::IllegalStateException("Hub::start(): stopped before");
    if (_impl->running.exchange(true)) return;
    try {
        _impl->workers.start();
        for (const auto& loop : _impl->loops) _impl->workers.lead(*loop);
    } catch (...) {  // a thread that cannot be created
        stop(clock().now());
        throw;
    }
}

bool Hub::stop(TimePoint deadline) {
    if (!_impl->running.exchange(false)) return !_impl->abandoned;
    // Workers first: what they still emit needs the loops.
    const bool clean = _impl->workers.stop(deadline);
    for (const auto& loop : _impl->loops) loop->stop();
    _impl->workers.waitForLoops();
    _impl->ended = true;
    if (clean)
        _impl->threads.joinAll();
    else
        _impl->abandoned = true;
    return clean;
}

bool Hub::running() const { return _impl->running; }

Hub::Listener Hub::listen(const Poco::Net::SocketAddress& address, const Connection::Limits& limits,
                          ProtocolFactory factory) {
    const int descriptor = ::socket(address.af(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) refuseListen(address, errno);
    const int on = 1, off = 0;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.af() == AF_INET6)  // the IPv6 wildcard takes IPv4 clients, too
        ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(descriptor, address.addr(), address.length()) != 0 ||
        ::listen(descriptor, _options.backlog) != 0) {
        const int error = errno;
        ::close(descriptor);
        refuseListen(address, error);
    }
    return addListener(descriptor, limits, std::move(factory));
}

Hub::Listener Hub::listenOn(int listening, const Connection::Limits& limits,
                            ProtocolFactory factory) {
    const int descriptor = ::fcntl(listening, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0 || ::fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 ||
        ::listen(descriptor, _options.backlog) != 0) {
        const int error = errno;
        if (descriptor >= 0) ::close(descriptor);
        throw Poco::Net::NetException("cannot listen on the given socket", std::strerror(error),
                                      error);
    }
    return addListener(descriptor, limits, std::move(factory));
}

bool Hub::adopt(int descriptor, std::string input, std::unique_ptr<Endpoints> endpoints,
                const Connection::Limits& limits, const ProtocolFactory& factory) {
    if (!running() || connectionCount() >= _options.maxConnections) return false;
    LoopContext::prepare(descriptor);
    _counters.accepted.fetch_add(1, std::memory_order_relaxed);
    LoopContext& loop = *_impl->loops[_impl->nextAdopted++ % _impl->loops.size()];
    auto connection = std::make_unique<Connection>(loop, descriptor, factory(), limits);
    connection->preset(std::move(input), std::move(endpoints));
    loop.post([&loop, connection = std::move(connection)]() mutable {
        loop.adopt(std::move(connection));
    });
    return true;
}

Hub::Listener Hub::addListener(int descriptor, const Connection::Limits& limits,
                               ProtocolFactory factory) {
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &length);

    Listener listener{_impl->nextListener++,
                      Poco::Net::SocketAddress(reinterpret_cast<sockaddr*>(&bound), length)};
    LoopContext& loop = *_impl->loops[listener.id % _impl->loops.size()];
    auto acceptor =
        std::make_unique<Acceptor>(loop, listener.id, descriptor, limits, std::move(factory));
    loop.post([&loop, acceptor = std::move(acceptor)]() mutable {
        loop.addAcceptor(std::move(acceptor));
    });
    return listener;
}

void Hub::closeListener(std::uint64_t id) {
    LoopContext& loop = *_impl->loops[id % _impl->loops.size()];
    if (!running() || LoopContext::current() == &loop) {
        loop.removeAcceptor(id);
        return;
    }
    // The task's end tells, run or not.
    struct Signal {
        Mutex mutex;
        Condition condition;
        bool done SOCKETIO_GUARDED_BY(mutex) = false;
    };
    const auto signal = std::make_shared<Signal>();
    std::shared_ptr<void> finished(nullptr, [signal](void*) {
        MutexLock lock(signal->mutex);
        signal->done = true;
        signal->condition.notifyAll();
    });
    loop.post([&loop, id, held = std::move(finished)] { loop.removeAcceptor(id); });
    MutexLock lock(signal->mutex);
    while (!signal->done) signal->condition.wait(signal->mutex);
}

Executor::LoopId Hub::loopCount() const { return static_cast<LoopId>(_impl->loops.size()); }

Executor::LoopId Hub::currentLoop() const {
    LoopContext* const loop = LoopContext::current();
    return loop && &loop->hub() == this ? loop->id() : kNoLoop;
}

LoopContext& Hub::loop(LoopId id) { return *_impl->loops[id]; }

void Hub::post(LoopId loop, Task task, std::size_t bytes) {
    _impl->loops[loop]->post(std::move(task), bytes);
}

Timers& Hub::timers(LoopId loop) { return _impl->loops[loop]->timers(); }

const Clock& Hub::clock() const { return *_options.clock; }

OutboundShare& Hub::outbound(LoopId loop) { return *_impl->shares[loop]; }

std::size_t Hub::outboundBytes() const { return _impl->outbound.bytes(); }

/// There is too much output in all: the loop that has the largest queue ends it. Each round ends
/// those that are at least half as large, so that few rounds are needed however small they are.
void Hub::Impl::relieveOutbound(Hub& hub) {
    struct Round {
        Mutex mutex;
        std::size_t awaited SOCKETIO_GUARDED_BY(mutex) = 0;
        std::size_t bytes SOCKETIO_GUARDED_BY(mutex) = 0;
        LoopId loop SOCKETIO_GUARDED_BY(mutex) = 0;
    };
    const auto round = std::make_shared<Round>();
    {
        MutexLock lock(round->mutex);
        round->awaited = loops.size();
    }
    for (LoopId id = 0; id < loops.size(); ++id)
        hub.post(id, [this, &hub, id, round] {
            shares[id]->flush();
            const std::size_t bytes = shares[id]->largest();
            MutexLock lock(round->mutex);
            if (bytes > round->bytes) {
                round->bytes = bytes;
                round->loop = id;
            }
            if (--round->awaited == 0) endLargestOn(hub, round->loop, round->bytes);
        });
}

void Hub::Impl::endLargestOn(Hub& hub, LoopId loop, std::size_t bytes) {
    if (bytes == 0) {
        outbound.relieved(false);
        return;
    }
    hub.post(loop, [this, &hub, loop, bytes] {
        shares[loop]->endLargest(bytes / 2, [&hub](std::size_t size) {
            hub.limits().reached(
                Limit::MaxOutbound, Log("socketio.net"), hub.clock().now(), [size] {
                    return "too much waits for clients that do not read: the one with " +
                           std::to_string(size) + " bytes was ended";
                });
        });
        outbound.relieved(true);
    });
}

bool Hub::runOnWorker(Task task) {
    if (!running()) return false;
    if (_impl->workers.submit(std::move(task))) return true;
    if (running())
        _limits.reached(Limit::MaxQueuedWork, Log("socketio.net"), clock().now(),
                        "requests are refused: all workers are busy and the queue is full");
    return false;
}

bool Hub::runOnFreeWorker(Task task) {
    return running() && _impl->workers.submitIfFree(std::move(task));
}

void Hub::schedule(std::shared_ptr<Strand> strand) {
    // From a loop the strands of one turn go to the workers in one batch.
    if (LoopContext* const loop = LoopContext::current(); loop && &loop->hub() == this)
        loop->schedule(std::move(strand));
    else
        _impl->workers.schedule(std::move(strand));
}

bool Hub::belongsToWorker(std::string_view what) { return _impl->workers.isToDefer(what); }
void Hub::describeWork(std::string_view what) { _impl->workers.describe(what); }
void Hub::beginBlocking() { _impl->workers.beginBlocking(); }
void Hub::endBlocking() { _impl->workers.endBlocking(); }

std::size_t Hub::connectionCount() const {
    std::size_t count = 0;
    for (const auto& loop : _impl->loops) count += loop->connectionCount();
    return count;
}

unsigned Hub::workerCount() const { return _impl->workers.workers(); }

}  // namespace socketio
