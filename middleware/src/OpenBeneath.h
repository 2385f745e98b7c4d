#pragma once

#include <string>

namespace socketio {

/// A file descriptor with one owner.
class FileDescriptor {
public:
    explicit FileDescriptor(int fd = -1) : _fd(fd) {}
    ~FileDescriptor();
    FileDescriptor(FileDescriptor&& other) noexcept : _fd(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;

    bool valid() const { return _fd >= 0; }
    int get() const { return _fd; }
    int release();

private:
    int _fd;
};

/// Opens `path` for reading, relative to the folder and never outside of it: `..` and symbolic
/// links may not leave it. Devices and pipes do not block; the caller looks at what it got.
///
/// Uses openat2(RESOLVE_BENEATH) and, where the kernel or a sandbox does not have it,
/// openBeneathByName(). On failure the descriptor is not valid and errno says why: EXDEV for what
/// is outside.
/// Threads: thread-safe.
FileDescriptor openBeneath(const std::string& folder, const std::string& path);

/// The same by asking the kernel for the name of what was opened, before it can be read.
FileDescriptor openBeneathByName(const std::string& folder, const std::string& path);

}  // namespace socketio
