#include "ServerLog.h"

#include <utility>

namespace socketio {

namespace {

constexpr std::size_t kMaxLine = 1000;

// One line stays one line, whatever a peer or an exception's text holds.
std::string escaped(std::string_view text, std::size_t limit) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(std::min(text.size(), limit));
    for (const char c : text) {
        if (out.size() >= limit) {
            out += "...";
            break;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string ServerLog::quoted(std::string_view name) { return '"' + escaped(name, 64) + '"'; }

void ServerLog::debug(std::string_view line) {
    if (_logger.debug()) _logger.debug(escaped(line, kMaxLine));
}

void ServerLog::write(Kind kind, Poco::Message::Priority priority, std::string_view line) {
    if (!_logger.is(priority)) return;
    const TimePoint now = Clock::system().now();
    std::size_t leftOut = 0;
    {
        MutexLock lock(_mutex);
        Budget& budget = _budgets[static_cast<std::size_t>(kind)];
        if (now - budget.since >= std::chrono::seconds(1)) {
            budget.since = now;
            budget.written = 0;
            leftOut = std::exchange(budget.leftOut, 0);
        }
        if (budget.written >= kLinesPerSecond) {
            ++budget.leftOut;
            return;
        }
        ++budget.written;
    }
    std::string text = escaped(line, kMaxLine);
    if (leftOut > 0)
        text += " (" + std::to_string(leftOut) + " similar lines before it were left out)";
    _logger.log(Poco::Message(_logger.name(), text, priority));
}

}  // namespace socketio
