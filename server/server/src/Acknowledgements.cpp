#include "Acknowledgements.h"

#include <algorithm>
#include <utility>

namespace socketio {

std::uint64_t Acknowledgements::add(PendingAck callback, TimePoint deadline) {
    _entries.push_back({++_lastId, std::move(callback), deadline});
    ++_outstanding;
    return _lastId;
}

PendingAck Acknowledgements::take(std::uint64_t id) {
    const auto entry =
        std::lower_bound(_entries.begin(), _entries.end(), id,
                         [](const Entry& e, std::uint64_t key) { return e.id < key; });
    if (entry == _entries.end() || entry->id != id || !entry->callback) return {};
    PendingAck callback = std::move(entry->callback);
    --_outstanding;
    tidy();
    return callback;
}

std::vector<PendingAck> Acknowledgements::takeExpired(TimePoint now) {
    std::vector<PendingAck> expired;
    for (Entry& entry : _entries) {
        if (!entry.callback || entry.deadline > now) continue;
        expired.push_back(std::move(entry.callback));
        --_outstanding;
    }
    tidy();
    return expired;
}

std::vector<PendingAck> Acknowledgements::takeAll() { return takeExpired(TimePoint::max()); }

TimePoint Acknowledgements::nextDeadline() const {
    TimePoint next = TimePoint::max();
    for (const Entry& entry : _entries)
        if (entry.callback) next = std::min(next, entry.deadline);
    return next;
}

void Acknowledgements::tidy() {
    constexpr std::size_t kFew = 4;
    if (_entries.size() <= 2 * _outstanding + kFew && _outstanding > 0) return;
    std::erase_if(_entries, [](const Entry& entry) { return !entry.callback; });
    if (_entries.empty() && _entries.capacity() > kFew) std::vector<Entry>().swap(_entries);
}

}  // namespace socketio
