#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "socketio/base/Executor.h"

namespace socketio::test {

/// Asks every 2 ms until `condition` holds, for at most `time`; returns whether it came to hold.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds time = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

/// Returns when every loop has looked at what was sent before the call.
inline void barrier(Executor& hub) {
    // Twice: the first task may run in a turn whose events were fetched before the bytes came.
    for (int round = 0; round < 2; ++round)
        for (Executor::LoopId loop = 0; loop < hub.loopCount(); ++loop) {
            std::promise<void> ran;
            hub.post(loop, [&ran] { ran.set_value(); });
            ran.get_future().wait();
        }
}

/// Closed until it is opened; handlers wait at it. It opens itself at the end of its scope.
class Gate {
public:
    ~Gate() { open(); }
    void wait() const {
        const std::shared_future<void> opened = _opened;  // may outlive the gate
        opened.wait();
    }
    void open() {
        if (!_isOpen.exchange(true)) _open.set_value();
    }

private:
    std::promise<void> _open;
    std::shared_future<void> _opened{_open.get_future()};
    std::atomic<bool> _isOpen{false};
};

}  // namespace socketio::test
