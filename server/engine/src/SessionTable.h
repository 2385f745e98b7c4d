#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"

namespace socketio {

class EngineSessionImpl;

/// sid -> session. A closed session stays until its client has been told, or its time is over.
///
/// Owner:   EngineContext; it owns the sessions, by shared_ptr.
/// Threads: thread-safe; a sid is guarded by its shard.
class SessionTable {
public:
    using Ptr = std::shared_ptr<EngineSessionImpl>;

    /// False when there is a session with that sid already.
    bool insert(const Ptr& session);
    void remove(std::string_view sid);
    /// Lets all sessions go as they are, when no loop runs any more.
    void clear();
    /// Null when there is none.
    Ptr find(std::string_view sid) const;

    std::size_t size() const { return _size.load(std::memory_order_relaxed); }
    std::vector<Ptr> all() const;

    /// Blocks until the table is empty or `until` has come on the machine's clock; true when empty.
    bool waitEmpty(const Clock& clock, TimePoint until);

private:
    static std::string_view key(const Ptr& session);
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view sid) const {
            return std::hash<std::string_view>()(sid);
        }
        std::size_t operator()(const Ptr& session) const { return operator()(key(session)); }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Ptr& a, const Ptr& b) const { return key(a) == key(b); }
        bool operator()(std::string_view a, const Ptr& b) const { return a == key(b); }
        bool operator()(const Ptr& a, std::string_view b) const { return key(a) == b; }
    };
    struct Shard {
        mutable Mutex mutex;  // a leaf
        std::unordered_set<Ptr, Hash, Equal> sessions SOCKETIO_GUARDED_BY(mutex);
    };

    Shard& shard(std::string_view sid) { return _shards[Hash()(sid) % _shards.size()]; }
    const Shard& shard(std::string_view sid) const { return _shards[Hash()(sid) % _shards.size()]; }

    std::array<Shard, 16> _shards;
    std::atomic<std::size_t> _size{0};
    Mutex _emptyMutex;  // a leaf; orders the last removal and the waiting thread
    Condition _empty;
};

}  // namespace socketio
