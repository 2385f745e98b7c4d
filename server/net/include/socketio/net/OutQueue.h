#pragma once

#include <cstddef>
#include <vector>

#include "socketio/base/SharedFrame.h"

struct iovec;

namespace socketio {

/// Frames that wait for the kernel. Small ones are gathered into one buffer and large ones pointed
/// at, so that whatever is queued leaves in one system call.
///
/// Owner:   its Connection. Threads: confined to the loop.
/// Limits:  none of its own; the connection compares cost() with its limit.
class OutQueue {
public:
    void push(SharedFrame frame);
    bool empty() const { return _bytes == 0; }
    std::size_t bytes() const { return _bytes; }
    /// What it holds of memory, about: many tiny frames cost more than their bytes.
    std::size_t cost() const {
        return _bytes + (_bytes ? (_rest.size() - _restAt + 1) * kFrameOverhead : 0);
    }

    /// Entries that memory is kept for.
    std::size_t reserved() const { return _rest.capacity(); }

    /// Prepares one write: fills at most `maxParts` entries of `parts` and up to `scratchSize`
    /// bytes of `scratch`, which the parts may point into. Returns the number of parts.
    int gather(iovec* parts, int maxParts, char* scratch, std::size_t scratchSize) const;

    /// Drops `bytes` from the front: what the kernel has taken.
    void consume(std::size_t bytes);
    void clear();

private:
    static constexpr std::size_t kCopyBelow = 1024;
    static constexpr std::size_t kFrameOverhead = 128;

    SharedFrame _first;              // the usual queue of one needs no allocation
    std::vector<SharedFrame> _rest;  // after _first
    std::size_t _restAt = 0;
    std::size_t _offset = 0;  // of _first, taken already
    std::size_t _bytes = 0;
};

}  // namespace socketio
