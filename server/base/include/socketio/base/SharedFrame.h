#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace socketio {

/// Immutable bytes, encoded once and queued on any number of connections.
///
/// Owner:   shared by reference count; the last queue that lets go frees them.
/// Threads: thread-safe, as the bytes never change.
class SharedFrame {
public:
    SharedFrame() = default;

    /// The first `offset` bytes are left out: room that a header did not need.
    explicit SharedFrame(std::string bytes, std::size_t offset = 0)
        : _bytes(std::make_shared<const std::string>(std::move(bytes))), _offset(offset) {}

    /// Bytes that live in a larger object, which is kept as long as they are.
    explicit SharedFrame(std::shared_ptr<const std::string> bytes, std::size_t offset = 0)
        : _bytes(std::move(bytes)), _offset(offset) {}

    bool empty() const { return size() == 0; }
    std::size_t size() const { return _bytes ? _bytes->size() - _offset : 0; }
    std::string_view view() const {
        return _bytes ? std::string_view(*_bytes).substr(_offset) : std::string_view();
    }

private:
    std::shared_ptr<const std::string> _bytes;
    std::size_t _offset = 0;
};

}  // namespace socketio
