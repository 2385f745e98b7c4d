#include "SessionTable.h"

#include "EngineSessionImpl.h"

namespace socketio {

std::string_view SessionTable::key(const Ptr& session) { return session->sid(); }

bool SessionTable::insert(const Ptr& session) {
    Shard& own = shard(session->sid());
    MutexLock lock(own.mutex);
    if (!own.sessions.insert(session).second) return false;
    _size.fetch_add(1);
    return true;
}

void SessionTable::remove(std::string_view sid) {
    Ptr removed;  // freed after the lock
    {
        Shard& own = shard(sid);
        MutexLock lock(own.mutex);
        const auto found = own.sessions.find(sid);
        if (found == own.sessions.end()) return;
        removed = *found;
        own.sessions.erase(found);
    }
    if (_size.fetch_sub(1) != 1) return;
    MutexLock lock(_emptyMutex);
    _empty.notifyAll();
}

void SessionTable::clear() {
    for (Shard& each : _shards) {
        std::unordered_set<Ptr, Hash, Equal> sessions;  // freed after the lock
        MutexLock lock(each.mutex);
        sessions.swap(each.sessions);
        _size.fetch_sub(sessions.size());
        lock.unlock();
        for (const Ptr& session : sessions) session->abandon();
    }
}

SessionTable::Ptr SessionTable::find(std::string_view sid) const {
    const Shard& own = shard(sid);
    MutexLock lock(own.mutex);
    const auto found = own.sessions.find(sid);
    return found == own.sessions.end() ? nullptr : *found;
}

std::vector<SessionTable::Ptr> SessionTable::all() const {
    std::vector<Ptr> sessions;
    sessions.reserve(size());
    for (const Shard& each : _shards) {
        MutexLock lock(each.mutex);
        sessions.insert(sessions.end(), each.sessions.begin(), each.sessions.end());
    }
    return sessions;
}

bool SessionTable::waitEmpty(const Clock& clock, TimePoint until) {
    MutexLock lock(_emptyMutex);
    while (_size.load() != 0)
        if (!clock.waitUntil(_empty, _emptyMutex, until)) return _size.load() == 0;
    return true;
}

}  // namespace socketio
