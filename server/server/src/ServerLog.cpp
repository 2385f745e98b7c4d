#include "ServerLog.h"

#include <utility>

namespace socketio {

namespace {

constexpr std::size_t kMaxLine = 1000;

}  // namespace

std::string ServerLog::quoted(std::string_view name) { return '"' + escapedForLog(name, 64) + '"'; }

void ServerLog::debug(std::string_view line) {
    if (_logger.debug()) _log.debug(escapedForLog(line, kMaxLine));
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
        if (budget.written >= (kind == Kind::Packet ? kPacketLinesPerSecond : kLinesPerSecond)) {
            ++budget.leftOut;
            return;
        }
        ++budget.written;
    }
    std::string text = escapedForLog(line, kMaxLine);
    if (leftOut > 0)
        text += " (" + std::to_string(leftOut) + " similar lines before it were left out)";
    _log.write(priority, text);
}

}  // namespace socketio
