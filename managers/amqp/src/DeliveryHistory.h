#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

namespace socketio::amqp {

/// Tells messages that the broker repeats from new ones. After a lost connection it sends again,
/// marked as redelivered, whatever it had sent and not seen the ack of: what never reached us, but
/// also what did. Messages have no ids, so those whose acks may be lost are remembered by a hash.
///
/// Threads: confined to one.
/// Limits:  those it is made with; the broker never awaits more acks than it prefetches.
class DeliveryHistory {
public:
    explicit DeliveryHistory(std::size_t prefetch) : _limit(prefetch) {}

    /// A message came. False when it is a repetition.
    bool isNew(std::uint64_t tag, bool redelivered, std::string_view body) {
        const std::size_t hash = std::hash<std::string_view>()(body);
        _unsettled.push_back({tag, hash});
        if (_unsettled.size() > _limit) _unsettled.pop_front();
        if (!redelivered) _mayRepeat.clear();  // repetitions come first
        // They come in the order of old: whatever was skipped will not come.
        const auto found = std::find(_mayRepeat.begin(), _mayRepeat.end(), hash);
        if (found == _mayRepeat.end()) return true;
        _mayRepeat.erase(_mayRepeat.begin(), found + 1);
        return false;
    }

    /// The broker has seen the acks up to this tag.
    void settled(std::uint64_t tag) {
        while (!_unsettled.empty() && _unsettled.front().tag <= tag) _unsettled.pop_front();
    }

    void connectionLost() {
        // What had not been repeated yet comes after what was.
        for (auto each = _unsettled.rbegin(); each != _unsettled.rend(); ++each)
            _mayRepeat.push_front(each->hash);
        _unsettled.clear();
        if (_mayRepeat.size() > 2 * _limit) _mayRepeat.resize(2 * _limit);
    }

private:
    struct Delivery {
        std::uint64_t tag;
        std::size_t hash;
    };

    const std::size_t _limit;
    std::deque<Delivery> _unsettled;
    std::deque<std::size_t> _mayRepeat;
};

}  // namespace socketio::amqp
