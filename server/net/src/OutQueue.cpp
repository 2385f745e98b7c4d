#include "socketio/net/OutQueue.h"

#include <algorithm>
#include <cstring>
#include <sys/uio.h>
#include <utility>

namespace socketio {

namespace {

constexpr std::size_t kKeptFrames = 16;

}  // namespace

void OutQueue::push(SharedFrame frame) {
    const std::size_t size = frame.size();
    if (size == 0) return;
    if (_bytes == 0) {
        _first = std::move(frame);
        _offset = 0;
    } else {
        _rest.push_back(std::move(frame));
    }
    _bytes += size;
}

int OutQueue::gather(iovec* parts, int maxParts, char* scratch, std::size_t scratchSize) const {
    if (_bytes == 0) return 0;
    int count = 0;
    std::size_t copied = 0;
    const auto add = [&](std::string_view bytes) {
        char* const data = const_cast<char*>(bytes.data());  // iovec has no const
        if (bytes.size() < kCopyBelow && bytes.size() <= scratchSize - copied) {
            char* const to = scratch + copied;
            const bool joins =
                count > 0 &&
                static_cast<char*>(parts[count - 1].iov_base) + parts[count - 1].iov_len == to;
            if (!joins && count == maxParts) return false;
            std::memcpy(to, data, bytes.size());
            copied += bytes.size();
            if (joins)
                parts[count - 1].iov_len += bytes.size();
            else
                parts[count++] = {to, bytes.size()};
            return true;
        }
        if (count == maxParts) return false;
        parts[count++] = {data, bytes.size()};
        return true;
    };
    const std::string_view first = _first.view().substr(_offset);
    if (_restAt == _rest.size()) {  // one frame: nothing to gather
        parts[0] = {const_cast<char*>(first.data()), first.size()};
        return 1;
    }
    add(first);
    for (std::size_t i = _restAt; i < _rest.size(); ++i)
        if (!add(_rest[i].view())) break;
    return count;
}

void OutQueue::consume(std::size_t bytes) {
    bytes = std::min(bytes, _bytes);
    _bytes -= bytes;
    for (;;) {
        const std::size_t left = _first.size() - _offset;
        if (bytes < left) {
            _offset += bytes;
            return;
        }
        bytes -= left;
        _offset = 0;
        if (_restAt == _rest.size()) {
            clear();
            return;
        }
        _first = std::move(_rest[_restAt++]);
        // A queue that never runs dry gives back what it has sent, too.
        if (_restAt >= kKeptFrames && _restAt * 2 >= _rest.size()) {
            _rest.erase(_rest.begin(), _rest.begin() + static_cast<std::ptrdiff_t>(_restAt));
            _restAt = 0;
        }
        if (bytes == 0) return;
    }
}

void OutQueue::clear() {
    _first = SharedFrame();
    // An idle connection keeps no large buffer.
    if (_rest.capacity() > kKeptFrames)
        std::vector<SharedFrame>().swap(_rest);
    else
        _rest.clear();
    _restAt = _offset = _bytes = 0;
}

}  // namespace socketio
