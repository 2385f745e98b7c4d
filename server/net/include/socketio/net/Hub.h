#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <Poco/Net/SocketAddress.h>

#include "socketio/base/Executor.h"
#include "socketio/base/Limits.h"
#include "socketio/base/Log.h"
#include "socketio/net/AddressCounts.h"
#include "socketio/net/Connection.h"

namespace socketio {

class LoopContext;
class WorkerPool;

/// Which thread runs the handlers of connects, events, disconnects and acknowledgements. The code
/// of an App always has a worker.
enum class Dispatch {
    Adaptive,  ///< The loop's own thread as long as they return quickly, else a worker
               ///< (WorkerPool).
    Pool,      ///< A worker; the loops hand them over in batches.
    Inline,    ///< The loop's own thread, for handlers that never block: one that does holds up
               ///< every client of its loop. call(), sleep() and their like give up the loop.
};

struct HubOptions {
    Dispatch dispatch = Dispatch::Adaptive;
    unsigned ioThreads = 0;              ///< Loops. 0: cores - 1, at least 1.
    unsigned keptWorkers = 0;            ///< Workers kept running. 0: twice the cores.
    unsigned maxWorkers = 64;            ///< Grown to when work has waited for 10 ms.
    std::size_t maxQueuedWork = 10'000;  ///< Tasks of apps that wait for a worker.
    std::size_t maxConnections = 0;      ///< 0: RLIMIT_NOFILE - 1,000, at least half of it.
    int backlog = 4096;                  ///< Connections that the kernel keeps for us to accept.
    /// Bytes that wait for all clients together, to within 1 MiB per loop; then the clients with
    /// the largest queues are ended. 0: no limit.
    std::size_t maxOutbound = 512 * 1024 * 1024;
    std::chrono::milliseconds handlerWarning{30'000};  ///< Work that runs longer is logged once.
    /// What every deadline goes by: of connections, of the workers, and of threads that wait
    /// (stop(), call(), sleep()). Borrowed, and outlives the hub and the servers on it. A clock
    /// that jumps is noticed at a loop's next turn, at a post() at the latest.
    const Clock* clock = &Clock::system();
};

/// Counters for logs, tests and monitoring.
struct HubCounters {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> closed{0};
    std::atomic<std::uint64_t> acceptPauses{0};   ///< Descriptors or connections ran out.
    std::atomic<std::uint64_t> outboundLimit{0};  ///< Connections closed: slow reader.
    std::atomic<std::uint64_t> writeStalls{0};
    std::atomic<std::uint64_t> tlsHandshakes{0};  ///< That came to their good end.
    std::atomic<std::uint64_t> tlsFailures{0};    ///< Handshakes refused, given up or too slow.
    std::atomic<std::uint64_t> slowHandlers{0};   ///< Warnings of handlerWarning.
    std::atomic<std::uint64_t> refusedWork{0};    ///< The workers' queue was full.
    std::atomic<std::uint64_t> handovers{0};      ///< Loops taken from a handler that blocked.
    std::atomic<std::uint64_t> deferred{0};       ///< Events for a worker, as they have blocked.
    std::atomic<std::uint64_t> failures{0};       ///< Exceptions of our own: no memory, mostly.
    LogThrottle failureLines;                     ///< Of the lines that tell of them.
};

/// Where connections and code run: loops, a pool of workers, timers. A process has one.
///
/// Loops and workers are long-running Poco::Runnables on one Poco::ThreadPool.
///
/// Owner:   the application, or the front end that made it; outlives its front ends.
/// Threads: thread-safe; start() and stop() from one thread that is not of the hub.
class Hub : public Executor {
public:
    using ProtocolFactory = std::function<std::shared_ptr<ConnectionProtocol>()>;

    explicit Hub(const HubOptions& options = {});
    ~Hub() override;

    /// Starts the threads; nothing when they run. A hub that was stopped does not start again:
    /// Poco::IllegalStateException.
    void start();
    /// Ends everything: connections are closed, workers joined. Work that does not end by
    /// `deadline` (of HubOptions::clock) is named in the log and abandoned; false then, and the
    /// process has to leave by _exit() since threads still run.
    bool stop(TimePoint deadline);
    bool running() const;

    /// Listens and gives every accepted connection a protocol, made on its loop. Throws
    /// Poco::Net::NetException naming the address. Returns the bound address (port 0: the
    /// kernel's).
    struct Listener {
        std::uint64_t id = 0;
        Poco::Net::SocketAddress address;
    };
    Listener listen(const Poco::Net::SocketAddress& address, const Connection::Limits& limits,
                    ProtocolFactory factory);
    /// The same with a copy of a stream socket that listens already.
    Listener listenOn(int listening, const Connection::Limits& limits, ProtocolFactory factory);
    /// Takes over a connection that somebody else accepted, with the bytes that were read ahead;
    /// `endpoints`, if there are any, take the place of the socket's. False, and the descriptor
    /// left alone, when the hub does not run or has maxConnections.
    [[nodiscard]] bool adopt(int descriptor, std::string input,
                             std::unique_ptr<Endpoints> endpoints, const Connection::Limits& limits,
                             const ProtocolFactory& factory);
    /// Stops accepting; returns when no loop accepts any more. Open connections stay.
    void closeListener(std::uint64_t id);

    // Executor
    LoopId loopCount() const override;
    LoopId currentLoop() const override;
    void post(LoopId loop, Task task, std::size_t bytes = 0) override;
    Timers& timers(LoopId loop) override;
    const Clock& clock() const override;
    OutboundShare& outbound(LoopId loop) override;
    LimitCounters& limits() override { return _limits; }
    [[nodiscard]] bool runOnWorker(Task task) override;
    [[nodiscard]] bool runOnFreeWorker(Task task) override;
    void schedule(std::shared_ptr<Strand> strand) override;
    bool belongsToWorker(std::string_view what) override;
    void describeWork(std::string_view what) override;
    void beginBlocking() override;
    void endBlocking() override;

    std::size_t connectionCount() const;
    /// What waits for all clients, to within 1 MiB per loop.
    std::size_t outboundBytes() const;
    unsigned workerCount() const;
    HubCounters& counters() { return _counters; }
    const LimitCounters& limits() const { return _limits; }
    const HubOptions& options() const { return _options; }

private:
    friend class LoopContext;
    friend class Connection;
    struct Impl;

    LoopContext& loop(LoopId id);
    AddressCounts& addresses() { return _addresses; }
    Listener addListener(int descriptor, const Connection::Limits& limits, ProtocolFactory factory);

    HubOptions _options;
    HubCounters _counters;
    LimitCounters _limits;
    AddressCounts _addresses;  // of connections that are counted by address
    std::unique_ptr<Impl> _impl;
};

}  // namespace socketio
