#include "socketio/base/Outbound.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace socketio {

namespace {

constexpr std::size_t kStep = 1024 * 1024;
constexpr std::size_t kLeastSteps = 16;  // that a limit is worth

}  // namespace

OutboundTotal::OutboundTotal(std::size_t limit, std::function<void()> exceeded)
    : _limit(std::min<std::size_t>(limit, std::numeric_limits<std::ptrdiff_t>::max())),
      _step(static_cast<std::ptrdiff_t>(
          limit == 0 ? kStep : std::clamp<std::size_t>(limit / kLeastSteps, 1, kStep))),
      _exceeded(std::move(exceeded)) {}

std::size_t OutboundTotal::bytes() const {
    // Loops that have told of an end before others have told of the beginning.
    return static_cast<std::size_t>(
        std::max<std::ptrdiff_t>(0, _bytes.load(std::memory_order_relaxed)));
}

void OutboundTotal::add(std::ptrdiff_t bytes) {
    _bytes.fetch_add(bytes, std::memory_order_relaxed);
    if (bytes > 0 && over() && !_relieving.exchange(true)) _exceeded();
}

void OutboundTotal::relieved(bool again) {
    _relieving.store(false);
    if (again && over() && !_relieving.exchange(true)) _exceeded();
}

void OutboundShare::change(OutboundQueue& queue, std::size_t bytes) {
    if (queue._bytes == 0) {
        _queues.push_back(&queue);
        queue._index = static_cast<std::uint32_t>(_queues.size() - 1);
    }
    _untold += static_cast<std::ptrdiff_t>(bytes) - static_cast<std::ptrdiff_t>(queue._bytes);
    queue._bytes = bytes;
    if (bytes == 0) {
        _queues[queue._index] = _queues.back();
        _queues[queue._index]->_index = queue._index;
        _queues.pop_back();
    }
    if (_untold >= _total._step || -_untold >= _total._step) flush();
}

void OutboundShare::flush() {
    if (const std::ptrdiff_t untold = std::exchange(_untold, 0)) _total.add(untold);
}

OutboundQueue* OutboundShare::findLargest() const {
    const auto largest =
        std::max_element(_queues.begin(), _queues.end(),
                         [](const auto* a, const auto* b) { return a->_bytes < b->_bytes; });
    return largest == _queues.end() ? nullptr : *largest;
}

std::size_t OutboundShare::largest() const {
    const OutboundQueue* const queue = findLargest();
    return queue ? queue->_bytes : 0;
}

void OutboundShare::endLargest(std::size_t least,
                               const std::function<void(std::size_t bytes)>& ended) {
    for (flush(); _total.over(); flush()) {
        OutboundQueue* const queue = findLargest();
        if (!queue || queue->_bytes < least) return;
        const std::size_t bytes = queue->_bytes;
        const auto end = queue->_end;
        void* const context = queue->_context;
        set(*queue, 0);  // it may be gone when it has ended
        ended(bytes);
        end(context);
    }
}

}  // namespace socketio
