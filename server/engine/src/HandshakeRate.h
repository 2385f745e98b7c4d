#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"

namespace socketio {

/// How many sessions each address, by addressKey(), has opened in this second.
///
/// Owner:   EngineContext. Threads: thread-safe.
/// Limits:  an entry per address that opened one in this second.
class HandshakeRate {
public:
    /// False when there were `most` in this second.
    bool take(std::uint64_t key, std::size_t most, TimePoint now) {
        Shard& shard = _shards[key % _shards.size()];
        MutexLock lock(shard.mutex);
        if (now - shard.since >= std::chrono::seconds(1)) {
            shard.since = now;
            shard.counts.clear();
        }
        std::size_t& count = shard.counts[key];
        if (count >= most) return false;
        ++count;
        return true;
    }

private:
    struct Shard {
        Mutex mutex;  // a leaf
        TimePoint since SOCKETIO_GUARDED_BY(mutex){};
        std::unordered_map<std::uint64_t, std::size_t> counts SOCKETIO_GUARDED_BY(mutex);
    };
    std::array<Shard, 16> _shards;
};

}  // namespace socketio
