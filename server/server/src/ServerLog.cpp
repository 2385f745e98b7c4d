#include "ServerLog.h"

#include <algorithm>
#include <utility>

namespace socketio {

std::string ServerLog::quoted(std::string_view name) { return '"' + escapedForLog(name, 64) + '"'; }

void ServerLog::debug(std::string_view line) {
    if (_logger.debug()) _log.debug(escapedForLog(line, _limits.lineBytes));
}

void ServerLog::write(Kind kind, Poco::Message::Priority priority, std::string_view line) {
    if (!_logger.is(priority)) return;
    const TimePoint now = _clock.load(std::memory_order_acquire)->now();
    std::size_t leftOut = 0;
    {
        MutexLock lock(_mutex);
        Budget& budget = _budgets[static_cast<std::size_t>(kind)];
        if (now - budget.since >= std::chrono::seconds(1)) {
            budget.since = now;
            budget.written = 0;
            leftOut = std::exchange(budget.leftOut, 0);
        }
        const std::size_t most = kind == Kind::Packet
                                     ? std::max<std::size_t>(1, _limits.linesPerSecond / 10)
                                     : _limits.linesPerSecond;
        if (budget.written >= most) {
            ++budget.leftOut;
            _leftOut.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        ++budget.written;
    }
    std::string text = escapedForLog(line, _limits.lineBytes);
    if (leftOut > 0)
        text += " (" + std::to_string(leftOut) + " similar lines before it were left out)";
    _log.write(priority, text);
}

}  // namespace socketio
