#pragma once

#include <atomic>
#include <fstream>
#include <string>
#include <unistd.h>

#include "socketio/base/Executor.h"

#include "support/Waiting.h"

namespace socketio::test {

/// A thread of which a test has to know that it waits. The kernel says so: one that is merely short
/// of a core, on a busy machine, is ready to run and does not count.
///
/// Threads: isThisOne() is for the watched one, the rest for others.
class WatchedThread {
public:
    void isThisOne() { _id = ::gettid(); }

    /// False before isThisOne().
    bool waits() const {
        std::ifstream file("/proc/self/task/" + std::to_string(_id) + "/stat");
        std::string line;  // <id> (<name>) <state> ..., and the name may hold anything
        std::getline(file, line);
        const std::size_t end = line.rfind(") ");
        return end != line.npos && line.substr(end + 2, 1) == "S";
    }

    /// Waits until it waits for what no loop brings: before a turn of every loop and behind it, and
    /// meanwhile progress() says the same.
    template <class Progress>
    bool comesToAStop(Executor& hub, Progress progress) const {
        return eventually([&] {
            const auto before = progress();
            if (!waits()) return false;
            barrier(hub);
            return waits() && progress() == before;
        });
    }

private:
    std::atomic<::pid_t> _id{0};
};

}  // namespace socketio::test
