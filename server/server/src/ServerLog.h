#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <Poco/Logger.h>

#include "socketio/base/Clock.h"
#include "socketio/base/Log.h"
#include "socketio/base/Mutex.h"

namespace socketio {

/// The server's lines in the log: so long at most, and so many a second of each kind, so that
/// neither a peer nor a handler that always fails can fill a disk; what was left out is counted.
///
/// Threads: thread-safe.
class ServerLog {
public:
    enum class Kind : std::uint8_t {
        Connection,
        Handler,
        Arguments,
        Acknowledgement,
        Packet,
        Task
    };

    struct Limits {
        std::size_t lineBytes = 1000;
        std::size_t linesPerSecond = 100;  ///< Of packets, about which peers alone decide, a tenth.
    };

    /// `leftOut` counts the lines that were too many.
    ServerLog(Poco::Logger& logger, const Limits& limits, std::atomic<std::uint64_t>& leftOut)
        : _logger(logger), _log(logger), _limits(limits), _leftOut(leftOut) {}

    /// For what is limited elsewhere.
    const Log& log() const { return _log; }

    /// What a second is measured by; the machine's until it is set. It has to outlive this.
    void setClock(const Clock& clock) { _clock.store(&clock, std::memory_order_release); }

    void error(Kind kind, std::string_view line) { write(kind, Poco::Message::PRIO_ERROR, line); }
    void warning(Kind kind, std::string_view line) {
        write(kind, Poco::Message::PRIO_WARNING, line);
    }
    void information(Kind kind, std::string_view line) {
        write(kind, Poco::Message::PRIO_INFORMATION, line);
    }
    /// Not limited: whoever switches it on wants it all.
    void debug(std::string_view line);

    bool informs() const { return _logger.information(); }
    bool debugs() const { return _logger.debug(); }

    /// A name from a peer in quotes, control bytes escaped, cut at 64 bytes.
    static std::string quoted(std::string_view name);

private:
    struct Budget {
        TimePoint since{};
        std::size_t written = 0;
        std::size_t leftOut = 0;
    };

    void write(Kind kind, Poco::Message::Priority priority, std::string_view line);

    Poco::Logger& _logger;
    const Log _log;
    const Limits _limits;
    std::atomic<std::uint64_t>& _leftOut;
    std::atomic<const Clock*> _clock{&Clock::system()};
    Mutex _mutex;  // a leaf: nothing is written while it is held
    std::array<Budget, 6> _budgets SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace socketio
