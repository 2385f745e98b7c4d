#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace socketio::test {

/// A program of ours as a child process, with what it writes. It never outlives the object.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error when something does not happen in time; ends the test.
class ChildProgram {
public:
    /// `input` becomes its descriptor 0; -1: /dev/null.
    explicit ChildProgram(const std::vector<std::string>& command, int input = -1);
    ~ChildProgram();
    ChildProgram(const ChildProgram&) = delete;
    ChildProgram& operator=(const ChildProgram&) = delete;

    /// Waits until it has written `text`.
    void waitForOutput(const std::string& text) { waitFor(_output, text); }
    void waitForError(const std::string& text) { waitFor(_error, text); }
    /// The port of the line "serving on SCHEME://localhost:PORT".
    std::uint16_t waitForPort(const std::string& scheme = "http");
    /// Waits for its end: the exit status, or 1000 and the number of the signal that ended it.
    int wait();
    void signal(int number);
    pid_t pid() const { return _pid; }

    const std::string& output() const { return _output.text; }
    const std::string& error() const { return _error.text; }

private:
    struct Stream {
        int fd = -1;
        std::string text;
    };
    using TimePoint = std::chrono::steady_clock::time_point;

    void waitFor(Stream& stream, const std::string& text);
    bool read(TimePoint end);  // false when nothing more comes

    pid_t _pid = -1;
    Stream _output, _error;
};

/// A port that nobody listens on, for a program that cannot say which one it got.
std::uint16_t freePort();

}  // namespace socketio::test
