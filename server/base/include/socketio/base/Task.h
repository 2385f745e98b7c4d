#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace socketio {

/// A move-only `void()` callable. What fits into 48 bytes is kept without an allocation, which is
/// why the mailbox and the strands use it and not std::function.
///
/// Owner:   whoever holds it; it owns the function and what that has captured. Running it does not
///          use it up.
/// Threads: thread-compatible; made on one thread, it may run and be destroyed on another.
/// Errors:  what the function throws passes through. An empty one must not be called.
class Task {
public:
    Task() = default;

    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Task> &&
             std::is_invocable_v<std::remove_cvref_t<F>&>) Task(F&& function) {
        using Function = std::remove_cvref_t<F>;
        if constexpr (fits<Function>) {
            new (_storage) Function(std::forward<F>(function));
            _operations = &inlineOperations<Function>;
        } else {
            *reinterpret_cast<Function**>(_storage) = new Function(std::forward<F>(function));
            _operations = &heapOperations<Function>;
        }
    }

    Task(Task&& other) noexcept { take(other); }
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    ~Task() { reset(); }

    explicit operator bool() const { return _operations != nullptr; }
    void operator()() { _operations->call(_storage); }

private:
    static constexpr std::size_t kInlineBytes = 48;

    struct Operations {
        void (*call)(void*);
        void (*move)(void* from, void* to);  // and destroys `from`
        void (*destroy)(void*);
    };

    template <class F>
    static constexpr bool fits =
        sizeof(F) <= kInlineBytes &&
        alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

    template <class F>
    static constexpr Operations inlineOperations = {
        [](void* self) { (*static_cast<F*>(self))(); },
        [](void* from, void* to) {
            new (to) F(std::move(*static_cast<F*>(from)));
            static_cast<F*>(from)->~F();
        },
        [](void* self) { static_cast<F*>(self)->~F(); }};

    template <class F>
    static constexpr Operations heapOperations = {
        [](void* self) { (**static_cast<F**>(self))(); },
        [](void* from, void* to) { *static_cast<F**>(to) = *static_cast<F**>(from); },
        [](void* self) { delete *static_cast<F**>(self); }};

    void take(Task& other) {
        _operations = other._operations;
        if (_operations) _operations->move(other._storage, _storage);
        other._operations = nullptr;
    }
    void reset() {
        if (_operations) _operations->destroy(_storage);
        _operations = nullptr;
    }

    const Operations* _operations = nullptr;
    alignas(std::max_align_t) unsigned char _storage[kInlineBytes];
};

}  // namespace socketio
