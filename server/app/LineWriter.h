#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <Poco/Runnable.h>
#include <Poco/Thread.h>

#include "socketio/base/Mutex.h"

namespace socketio::app {

/// Lines for a file, written by a thread of its own, many in one write: neither a slow disk nor a
/// terminal that stands still stops who logs.
///
/// Owner:   main().
/// Threads: thread-safe.
/// Limits:  4 MiB wait; lines beyond are dropped. Lines that were dropped, or that the file did not
///          take (a full disk), are counted, and a line says how many as soon as lines go through
///          again.
/// Errors:  the constructor throws UsageError when the file cannot be opened; later errors lose
///          lines and nothing else.
class LineWriter : private Poco::Runnable {
public:
    /// `path` is appended to, and made with permissions 0640; "-" is standard output and ""
    /// standard error. `json`: the line about lost lines is JSON.
    explicit LineWriter(std::string path, bool json = false);
    /// Writes what waits; gives up after 2 s when nobody takes it.
    ~LineWriter() override;
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    /// Never blocks for the file. `line` ends with its line feed.
    void write(std::string_view line);
    /// Opens the file anew, as after its rotation: what comes from now on goes there. When that
    /// fails, the old one stays in use; false then, and why in `problem`.
    bool reopen(std::string& problem);

    /// Waits until what was given to write() is in the file, at most 2 s; false when it is not.
    bool flush();

    const std::string& path() const { return _path; }
    std::uint64_t lost() const;

private:
    void run() override;
    int open() const;
    bool writeAll(int descriptor, std::string_view text);

    const std::string _path;
    const bool _json;
    Poco::Thread _thread;

    mutable Mutex _mutex;  // a leaf: nothing is written under it
    Condition _changed;
    std::string _waiting SOCKETIO_GUARDED_BY(_mutex);
    std::uint64_t _dropped SOCKETIO_GUARDED_BY(_mutex) = 0;  // not told yet
    std::uint64_t _lost SOCKETIO_GUARDED_BY(_mutex) = 0;     // in all
    int _next SOCKETIO_GUARDED_BY(_mutex) = -1;              // to take the place of _descriptor
    bool _writing SOCKETIO_GUARDED_BY(_mutex) = false;
    bool _ending SOCKETIO_GUARDED_BY(_mutex) = false;
    int _descriptor;  // the thread's
};

}  // namespace socketio::app
