#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace socketio::amqp {

/// Messages that were published on a channel and await the broker's confirmation. Their tags are
/// the numbers from 1 on.
///
/// Threads: confined to one.
class ConfirmWindow {
public:
    void published() {
        _open.push_back(true);
        ++_size;
    }

    /// The broker's basic.ack or basic.nack. How many messages it is about.
    std::size_t settle(std::uint64_t tag, bool multiple) {
        if (tag < _first || tag - _first >= _open.size()) return 0;
        const std::size_t last = static_cast<std::size_t>(tag - _first);
        std::size_t count = 0;
        for (std::size_t i = multiple ? 0 : last; i <= last; ++i)
            if (_open[i]) {
                _open[i] = false;
                ++count;
            }
        for (; !_open.empty() && !_open.front(); ++_first) _open.pop_front();
        _size -= count;
        return count;
    }

    std::size_t size() const { return _size; }

private:
    std::deque<bool> _open;  // from tag _first on: not confirmed yet
    std::uint64_t _first = 1;
    std::size_t _size = 0;
};

}  // namespace socketio::amqp
