#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <Poco/Message.h>

#include "socketio/base/Clock.h"

namespace Poco {
class Logger;
}

namespace socketio {

/// A Poco::Logger for the library's own lines. What is logged never changes what the code does: a
/// channel that fails (a full disk, most likely) is not heard of.
///
/// Threads: thread-safe; a plain value, and the logger lives as long as the process.
class Log {
public:
    explicit Log(const char* name);
    explicit Log(Poco::Logger& logger) : _logger(&logger) {}

    void write(Poco::Message::Priority priority, const std::string& line) const noexcept;
    void critical(const std::string& line) const noexcept { write(Message::PRIO_CRITICAL, line); }
    void error(const std::string& line) const noexcept { write(Message::PRIO_ERROR, line); }
    void warning(const std::string& line) const noexcept { write(Message::PRIO_WARNING, line); }
    void information(const std::string& line) const noexcept {
        write(Message::PRIO_INFORMATION, line);
    }
    void debug(const std::string& line) const noexcept { write(Message::PRIO_DEBUG, line); }

    // Whether such lines are wanted, for those that cost something to make.
    bool information() const;
    bool debug() const;

private:
    using Message = Poco::Message;

    Poco::Logger* _logger;
};

/// The text as a part of one line: control bytes escaped, cut at `limit` bytes. For what a peer or
/// an exception says.
std::string escapedForLog(std::string_view text, std::size_t limit);

/// What the exception in flight says, of whatever type it is. Only inside of a catch block.
std::string exceptionText();

/// Lets one line through per interval, so that a peer cannot fill a disk, and counts the others.
///
/// Threads: thread-safe.
class LogThrottle {
public:
    explicit LogThrottle(Duration interval = std::chrono::seconds(1)) : _interval(interval) {}

    /// How many were left out since the last line, when this one may be written.
    std::optional<std::uint64_t> pass(TimePoint now);
    /// The same, as the end of the line: " (and 12 more)", or nothing.
    static std::string more(std::uint64_t leftOut);

private:
    const Duration _interval;
    std::atomic<std::int64_t> _quietUntil{INT64_MIN};
    std::atomic<std::uint64_t> _leftOut{0};
};

}  // namespace socketio
