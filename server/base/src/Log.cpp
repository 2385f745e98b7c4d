#include "socketio/base/Log.h"

#include <algorithm>
#include <exception>

#include <Poco/Exception.h>
#include <Poco/Logger.h>

namespace socketio {

Log::Log(const char* name) : _logger(&Poco::Logger::get(name)) {}

void Log::write(Message::Priority priority, const std::string& line) const noexcept {
    try {
        if (_logger->is(priority)) _logger->log(Message(_logger->name(), line, priority));
    } catch (...) {  // there is nobody to tell
    }
}

bool Log::information() const { return _logger->information(); }
bool Log::debug() const { return _logger->debug(); }

std::string escapedForLog(std::string_view text, std::size_t limit) {
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

std::string exceptionText() {
    try {
        throw;
    } catch (const Poco::Exception& e) {
        return e.displayText();
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

std::optional<std::uint64_t> LogThrottle::pass(TimePoint now) {
    std::int64_t quietUntil = _quietUntil.load(std::memory_order_relaxed);
    const std::int64_t next = (now + _interval).time_since_epoch().count();
    if (now.time_since_epoch().count() < quietUntil ||
        !_quietUntil.compare_exchange_strong(quietUntil, next)) {
        _leftOut.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
    }
    return _leftOut.exchange(0);
}

std::string LogThrottle::more(std::uint64_t leftOut) {
    return leftOut == 0 ? std::string() : " (and " + std::to_string(leftOut) + " more)";
}

}  // namespace socketio
