#include "LibraryWatch.h"

#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

#include "ConfigFile.h"

namespace socketio::app {

LibraryWatch::LibraryWatch(const std::vector<std::string>& files)
    : _descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (_descriptor < 0)
        throw UsageError(std::string("--reload: inotify: ") + std::strerror(errno));
    for (const std::string& file : files) {
        // The folder: linkers remove a file and make another one.
        const std::size_t slash = file.rfind('/');
        const std::string folder = slash == file.npos ? "." : file.substr(0, slash + 1);
        const int watch = ::inotify_add_watch(_descriptor, folder.c_str(),
                                              IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
        if (watch < 0) {
            const int error = errno;
            ::close(_descriptor);
            throw UsageError("--reload: cannot watch " + folder + ": " + std::strerror(error));
        }
        _names[watch].insert(slash == file.npos ? file : file.substr(slash + 1));
    }
}

LibraryWatch::~LibraryWatch() { ::close(_descriptor); }

bool LibraryWatch::changed() {
    bool any = false;
    alignas(inotify_event) char buffer[16384];
    for (;;) {
        const ssize_t got = ::read(_descriptor, buffer, sizeof buffer);
        if (got <= 0) return any;
        for (ssize_t at = 0; at < got;) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
            at += static_cast<ssize_t>(sizeof event + event.len);
            if (event.mask & IN_Q_OVERFLOW) any = true;
            const auto names = _names.find(event.wd);
            if (names != _names.end() && event.len > 0 && names->second.count(event.name))
                any = true;
        }
    }
}

}  // namespace socketio::app
