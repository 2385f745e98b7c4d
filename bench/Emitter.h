#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

#include <socketio/socketio.h>

namespace socketio {

/// Emits `m` at a steady rate to the rooms c0, c1... in turn, on a thread of its own: the time
/// (nanoseconds of CLOCK_MONOTONIC, which steady_clock is), a number that counts from 0, a text.
///
/// Threads: confined to the handlers of one client.
class Emitter {
public:
    explicit Emitter(Server& sio) : _sio(sio) {}
    ~Emitter() { stop(); }
    Emitter(const Emitter&) = delete;
    Emitter& operator=(const Emitter&) = delete;

    void start(std::int64_t rate, std::int64_t rooms) {
        _running = true;
        _task = _sio.startBackgroundTask([this, rate, rooms] { run(rate, rooms); });
    }

    /// Returns how many were emitted.
    std::int64_t stop() {
        _running = false;
        if (_task) _task->join();
        return _emitted;
    }

private:
    static std::int64_t now() {
        return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }

    void run(std::int64_t rate, std::int64_t rooms) {
        constexpr std::int64_t kSecond = 1'000'000'000;
        std::int64_t begin = now();
        _emitted = 0;
        while (_running && _sio.sleep(std::chrono::milliseconds(1))) {
            std::int64_t due = (now() - begin) * rate / kSecond;
            if (due - _emitted > rate / 10) {  // too slow by 100 ms: those are left out
                begin += (due - _emitted) * kSecond / rate;
                due = _emitted;
            }
            for (; _emitted < due; ++_emitted)
                _sio.emit("m", std::tuple{now(), _emitted, "0123456789abcdef0123456789abcdef"},
                          {.room = "c" + std::to_string(_emitted % rooms)});
        }
    }

    Server& _sio;
    std::shared_ptr<BackgroundTask> _task;
    std::atomic<bool> _running{false};
    std::int64_t _emitted = 0;  // the task's while it runs
};

}  // namespace socketio
