#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace socketio {

/// What waits for one client: the output of a connection, or what a polling client has yet to
/// fetch. Known to the share of its loop while it is not empty.
///
/// Owner:   what holds the queue; it sets it to 0 before it goes, unless its loop has ended.
/// Threads: confined to its loop.
class OutboundQueue {
public:
    using End = void (*)(void* context);

    /// `end` ends the client, at once, when it has the largest queue and there is too much in all.
    OutboundQueue(End end, void* context) : _end(end), _context(context) {}
    OutboundQueue(const OutboundQueue&) = delete;
    OutboundQueue& operator=(const OutboundQueue&) = delete;

    std::size_t bytes() const { return _bytes; }

private:
    friend class OutboundShare;
    const End _end;
    void* const _context;
    std::size_t _bytes = 0;
    std::uint32_t _index = 0;
};

/// What waits for the clients of all loops together, to within a step per loop.
///
/// Owner:   the executor. Threads: thread-safe.
class OutboundTotal {
public:
    /// `exceeded` is called on a loop when there is more than `limit`, and not again before
    /// relieved(). 0: no limit.
    OutboundTotal(std::size_t limit, std::function<void()> exceeded);

    bool over() const {
        return _limit > 0 &&
               _bytes.load(std::memory_order_relaxed) > static_cast<std::ptrdiff_t>(_limit);
    }
    std::size_t bytes() const;
    /// `exceeded` has done what could be done; `again`: it is called again when that was not
    /// enough.
    void relieved(bool again);

private:
    friend class OutboundShare;
    void add(std::ptrdiff_t bytes);

    const std::size_t _limit;
    const std::ptrdiff_t _step;
    const std::function<void()> _exceeded;
    std::atomic<std::ptrdiff_t> _bytes{0};
    std::atomic<bool> _relieving{false};
};

/// The clients of one loop for which something waits. The total hears of changes by steps of 1 MiB
/// (less for small limits), so that loops do not meet at one counter with every message.
///
/// Owner:   the executor. Threads: confined to its loop.
class OutboundShare {
public:
    explicit OutboundShare(OutboundTotal& total) : _total(total) {}

    void set(OutboundQueue& queue, std::size_t bytes) {
        if (queue._bytes != bytes) change(queue, bytes);
    }
    /// Tells the total everything.
    void flush();
    /// Of the largest queue.
    std::size_t largest() const;
    /// Ends the largest, one after the other, while there is too much and they have at least
    /// `least` bytes; `ended` hears of each before it ends.
    void endLargest(std::size_t least, const std::function<void(std::size_t bytes)>& ended);

private:
    void change(OutboundQueue& queue, std::size_t bytes);
    OutboundQueue* findLargest() const;

    OutboundTotal& _total;
    std::ptrdiff_t _untold = 0;
    std::vector<OutboundQueue*> _queues;  // those that are not empty
};

}  // namespace socketio
