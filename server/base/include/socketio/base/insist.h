#pragma once

#include <chrono>
#include <thread>
#include <utility>

namespace socketio {

/// Does what has to be done even when memory is short, such as telling of the end of a client:
/// `work` is tried again when it throws, for a tenth of a second. False when that was not enough.
///
/// For a few hundred bytes at most: what is asked for a large message has failed before, and what
/// it held is free again. `work` leaves nothing behind when it throws, or may be done twice.
template <class Work>
bool insist(Work&& work) noexcept {
    for (int attempt = 0; attempt < 100; ++attempt) {
        try {
            work();
            return true;
        } catch (...) {
        }
        if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

}  // namespace socketio
