#include "LineWriter.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "ConfigFile.h"

namespace socketio::app {

namespace {

constexpr std::size_t kMostWaiting = 4 * 1024 * 1024;
constexpr auto kPatience = std::chrono::seconds(2);

bool isFile(const std::string& path) { return !path.empty() && path != "-"; }

std::uint64_t linesIn(std::string_view text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

LineWriter::LineWriter(std::string path, bool json) : _path(std::move(path)), _json(json) {
    _descriptor = open();
    if (_descriptor < 0) throw UsageError("cannot write to " + _path + ": " + std::strerror(errno));
    try {
        _thread.start(*this);
    } catch (...) {
        ::close(_descriptor);
        throw;
    }
}

LineWriter::~LineWriter() {
    if (!flush()) ::_exit(0);  // it hangs in write(): nobody reads, and the process is to end
    {
        MutexLock lock(_mutex);
        _ending = true;
        _changed.notifyAll();
    }
    _thread.join();
    ::close(_descriptor);
    MutexLock lock(_mutex);
    if (_next >= 0) ::close(_next);
}

bool LineWriter::flush() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    MutexLock lock(_mutex);
    while (!_waiting.empty() || _writing)
        if (!_changed.waitUntil(_mutex, deadline)) return _waiting.empty() && !_writing;
    return true;
}

int LineWriter::open() const {
    // A copy, so that all kinds are closed alike.
    if (!isFile(_path)) return ::fcntl(_path.empty() ? 2 : 1, F_DUPFD_CLOEXEC, 3);
    return ::open(_path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

bool LineWriter::reopen(std::string& problem) {
    const int descriptor = open();
    if (descriptor < 0) {
        problem = _path + ": " + std::strerror(errno);
        return false;
    }
    MutexLock lock(_mutex);
    const int before = std::exchange(_next, descriptor);
    _changed.notifyAll();
    lock.unlock();
    if (before >= 0) ::close(before);
    return true;
}

void LineWriter::write(std::string_view line) {
    MutexLock lock(_mutex);
    if (_waiting.size() + line.size() > kMostWaiting) {
        ++_dropped;
        ++_lost;
        return;
    }
    const bool wake = _waiting.empty();
    _waiting += line;
    if (wake) _changed.notifyAll();
}

std::uint64_t LineWriter::lost() const {
    MutexLock lock(_mutex);
    return _lost;
}

bool LineWriter::writeAll(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written > 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) {  // somebody made our terminal non-blocking
            pollfd ready{descriptor, POLLOUT, 0};
            ::poll(&ready, 1, 1000);
            continue;
        }
        MutexLock lock(_mutex);
        const std::uint64_t lines = linesIn(text);
        _dropped += lines;
        _lost += lines;
        return false;
    }
    return true;
}

void LineWriter::run() {
    std::string lines;
    for (;;) {
        std::uint64_t dropped;
        int next;
        {
            MutexLock lock(_mutex);
            while (_waiting.empty() && _next < 0 && !_ending) _changed.wait(_mutex);
            if (_waiting.empty() && _next < 0) return;
            _writing = true;
            lines.clear();
            lines.swap(_waiting);
            dropped = std::exchange(_dropped, 0);
            next = std::exchange(_next, -1);
        }
        if (next >= 0) {
            ::close(_descriptor);
            _descriptor = next;
        }
        if (dropped > 0) {
            const std::string count = std::to_string(dropped);
            lines += _json ? "{\"lostLines\":" + count + "}\n" : count + " lines were lost\n";
        }
        const bool written = writeAll(_descriptor, lines);
        MutexLock lock(_mutex);
        if (!written && dropped > 0) _dropped += dropped - 1;  // the line that counted them is lost
        _writing = false;
        _changed.notifyAll();
    }
}

}  // namespace socketio::app
