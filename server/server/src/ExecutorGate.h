#pragma once

#include <atomic>
#include <cstdint>

namespace socketio {

/// Lets threads in to the hub for as long as it is there: the application may keep sockets, and
/// emit to them from threads of its own, when the front ends and their hub are gone.
///
/// Owner:   ServerCore, which closes it at the end of stop().
/// Threads: thread-safe.
class ExecutorGate {
public:
    /// The hub stays while this is true and alive.
    class Pass {
    public:
        explicit Pass(ExecutorGate& gate) : _gate(gate.enter() ? &gate : nullptr) {}
        ~Pass() {
            if (_gate) _gate->leave();
        }
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;

        explicit operator bool() const { return _gate != nullptr; }

    private:
        ExecutorGate* const _gate;
    };

    bool closed() const { return (_state.load(std::memory_order_acquire) & kClosed) != 0; }

    /// Lets nobody in any more; returns when nobody is inside.
    void close() {
        std::uint32_t state = _state.fetch_or(kClosed) | kClosed;
        while (state != kClosed) {
            _state.wait(state);
            state = _state.load();
        }
    }

private:
    static constexpr std::uint32_t kClosed = 1u << 31;  // the other bits count who is inside

    bool enter() {
        if ((_state.fetch_add(1) & kClosed) == 0) return true;
        leave();
        return false;
    }
    void leave() {
        if (_state.fetch_sub(1) == (kClosed | 1)) _state.notify_all();
    }

    std::atomic<std::uint32_t> _state{0};
};

}  // namespace socketio
