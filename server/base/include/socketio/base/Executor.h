#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "socketio/base/Clock.h"
#include "socketio/base/Task.h"
#include "socketio/base/Timers.h"

namespace socketio {

class LimitCounters;
class OutboundShare;
class Strand;

/// Where code runs: a few loops that must never block, and a pool of workers that may.
/// The hub implements it; tests use a manual one.
///
/// Threads: thread-safe, except timers().
class Executor {
public:
    using LoopId = std::uint32_t;
    static constexpr LoopId kNoLoop = ~LoopId{0};

    virtual ~Executor() = default;

    virtual LoopId loopCount() const = 0;

    /// The loop whose thread calls this, or kNoLoop on a worker or a thread of the application.
    virtual LoopId currentLoop() const = 0;

    /// Runs `task` on a loop, never inside this call. What one thread posts to one loop runs in
    /// the order of the posts. A full mailbox makes a thread that is no loop wait for its turn:
    /// `bytes` is what the task keeps alive, where that is much. After the hub has stopped the task
    /// is destroyed unrun.
    virtual void post(LoopId loop, Task task, std::size_t bytes = 0) = 0;

    /// The timers of a loop; only on that loop.
    virtual Timers& timers(LoopId loop) = 0;
    /// What the timers go by, and threads that wait.
    virtual const Clock& clock() const = 0;

    /// What of a loop's clients waits to be sent; only on that loop.
    virtual OutboundShare& outbound(LoopId loop) = 0;
    /// Where limits that were reached are counted.
    virtual LimitCounters& limits() = 0;

    /// Runs `task` on a worker, where it may block. False, and the task destroyed, when the queue
    /// of waiting work is full or the hub has stopped.
    [[nodiscard]] virtual bool runOnWorker(Task task) = 0;

    /// The same for what must not wait for handlers that do not return: false also when every
    /// worker that can be had may have one.
    [[nodiscard]] virtual bool runOnFreeWorker(Task task) { return runOnWorker(std::move(task)); }

    /// For Strand: has a worker call strand->run(). Strands are never refused.
    virtual void schedule(std::shared_ptr<Strand> strand) = 0;

    /// True when the calling thread leads a loop, and work of that name has held up a loop before:
    /// the task of a strand defers then (Strand::defer()).
    virtual bool belongsToWorker(std::string_view) { return false; }

    /// Names what the calling worker is about to run ("event chat message"), for the warning
    /// about a handler that does not return. The text is copied, at most 63 bytes of it.
    virtual void describeWork(std::string_view what) = 0;

    /// Around a blocking call of our own (call(), sleep(), a stop that is waited for): the pool may
    /// start another worker at once, and the watchdog does not count the time. Nothing on a thread
    /// that is not a worker.
    virtual void beginBlocking() = 0;
    virtual void endBlocking() = 0;
};

/// Marks a blocking call on a worker; see Executor::beginBlocking().
class BlockingScope {
public:
    explicit BlockingScope(Executor& executor) : _executor(executor) { _executor.beginBlocking(); }
    ~BlockingScope() { _executor.endBlocking(); }
    BlockingScope(const BlockingScope&) = delete;
    BlockingScope& operator=(const BlockingScope&) = delete;

private:
    Executor& _executor;
};

}  // namespace socketio
