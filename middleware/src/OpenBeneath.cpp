#include "OpenBeneath.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace socketio {

namespace {

// O_NONBLOCK: a pipe without a writer must not hang the worker.
constexpr int kRead = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// The name the kernel has for a descriptor, or "".
std::string nameOf(int fd) {
    char link[64], name[PATH_MAX];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = ::readlink(link, name, sizeof name);
    if (length <= 0 || length == static_cast<ssize_t>(sizeof name)) return {};
    return {name, static_cast<std::size_t>(length)};
}

}  // namespace

FileDescriptor openBeneath(const std::string& folder, const std::string& path) {
    const FileDescriptor root(::open(folder.c_str(), kFolder));
    if (!root.valid()) return FileDescriptor();
    open_how how{};
    how.flags = kRead;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    // EAGAIN: something was renamed while the path was resolved.
    for (int attempt = 0; attempt < 8; ++attempt) {
        const long fd = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
        if (fd >= 0) return FileDescriptor(static_cast<int>(fd));
        if (errno != EAGAIN && errno != EINTR) break;
    }
    if (errno == ENOSYS || errno == EPERM) return openBeneathByName(folder, path);
    return FileDescriptor();
}

FileDescriptor openBeneathByName(const std::string& folder, const std::string& path) {
    const FileDescriptor root(::open(folder.c_str(), kFolder));
    if (!root.valid()) return FileDescriptor();
    // O_PATH opens nothing yet: neither a device nor a file outside is touched before the check.
    const FileDescriptor place(::openat(root.get(), path.c_str(), O_PATH | O_CLOEXEC));
    if (!place.valid()) return FileDescriptor();
    std::string inside = nameOf(root.get());
    const std::string name = nameOf(place.get());
    const bool same = !inside.empty() && name == inside;
    if (!inside.ends_with('/')) inside += '/';
    if (inside.size() == 1 ? name.empty() : !same && !name.starts_with(inside)) {
        errno = EXDEV;
        return FileDescriptor();
    }
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", place.get());
    return FileDescriptor(::open(link, kRead));
}

}  // namespace socketio
