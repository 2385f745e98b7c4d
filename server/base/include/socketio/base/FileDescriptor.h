#pragma once

#include <unistd.h>
#include <utility>

namespace socketio {

/// A file descriptor, closed with the object; -1 is none.
///
/// Threads: confined to one at a time.
class FileDescriptor {
public:
    explicit FileDescriptor(int descriptor = -1) : _descriptor(descriptor) {}
    ~FileDescriptor() {
        if (_descriptor >= 0) ::close(_descriptor);
    }
    FileDescriptor(FileDescriptor&& from) noexcept : _descriptor(from.release()) {}
    FileDescriptor& operator=(FileDescriptor&& from) noexcept {
        FileDescriptor other(std::move(from));
        std::swap(_descriptor, other._descriptor);
        return *this;
    }

    int get() const { return _descriptor; }
    bool valid() const { return _descriptor >= 0; }
    /// The caller closes it from now on.
    int release() { return std::exchange(_descriptor, -1); }

private:
    int _descriptor;
};

}  // namespace socketio
