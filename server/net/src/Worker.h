#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include <Poco/Runnable.h>

#include "socketio/base/Clock.h"
#include "socketio/base/Log.h"
#include "socketio/base/Mutex.h"
#include "socketio/net/WorkerPool.h"

namespace socketio {

constexpr Duration kStuckAfter = std::chrono::milliseconds(2);  // a task that runs longer: blocked

/// A thread of a WorkerPool, and what it does just now.
///
/// Owner:   WorkerPool. Threads: what is not atomic is guarded by the pool's mutex, except where it
///          says otherwise.
class WorkerPool::Worker : public Poco::Runnable {
public:
    explicit Worker(WorkerPool& owner) : pool(owner) {}
    void run() override { pool.work(*this); }

    static thread_local Worker* current;

    WorkerPool& pool;
    bool busy = false;
    bool blocked = false;  // inside a BlockingScope, or taken for blocked by the watchdog
    bool inScope = false;
    bool warned = false;
    bool finished = false;
    TimePoint since{};
    Mutex labelMutex;  // a leaf
    char label[64] SOCKETIO_GUARDED_BY(labelMutex) = {};
    std::size_t labelSize SOCKETIO_GUARDED_BY(labelMutex) = 0;
    std::atomic<std::uint64_t> steps{0};  // tasks begun: the watchdog sees that time goes on

    // Of a leader.
    Loop* loop = nullptr;
    /// Only the one who changes InHandler to something else decides what comes next.
    enum class Lead : std::uint8_t { Outside, InHandler, Deposed };
    std::atomic<Lead> lead{Lead::Outside};
    std::atomic<History*> lap{nullptr};  // of the handler that it is in
    TimePoint lapBegan{};                // its own alone

    std::string describe() {
        MutexLock lock(labelMutex);
        return labelSize ? escapedForLog({label, labelSize}, sizeof label) : std::string("a task");
    }
};

}  // namespace socketio
