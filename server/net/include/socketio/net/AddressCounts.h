#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "socketio/base/Mutex.h"

namespace socketio {

/// How many connections each address has open, by addressKey().
///
/// Owner:   Hub. Threads: thread-safe. Limits: an entry per address that has a connection.
class AddressCounts {
public:
    /// One more, unless there are `most`.
    bool take(std::uint64_t key, std::size_t most) {
        Shard& shard = _shards[key % _shards.size()];
        MutexLock lock(shard.mutex);
        std::size_t& count = shard.counts[key];
        if (count >= most) {
            if (count == 0) shard.counts.erase(key);
            return false;
        }
        ++count;
        return true;
    }
    void giveBack(std::uint64_t key) {
        Shard& shard = _shards[key % _shards.size()];
        MutexLock lock(shard.mutex);
        const auto found = shard.counts.find(key);
        if (found != shard.counts.end() && --found->second == 0) shard.counts.erase(found);
    }

private:
    struct Shard {
        Mutex mutex;  // a leaf
        std::unordered_map<std::uint64_t, std::size_t> counts SOCKETIO_GUARDED_BY(mutex);
    };
    std::array<Shard, 16> _shards;
};

}  // namespace socketio
