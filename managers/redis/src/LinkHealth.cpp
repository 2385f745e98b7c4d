#include "LinkHealth.h"

#include <cmath>

namespace socketio {

LinkHealth::News LinkHealth::down(Link link, const std::string& why, TimePoint now) {
    _errors[static_cast<std::size_t>(link)] = why;
    if (!_outage) {
        _outage = true;
        _told = false;
        _begin = now;
    }
    if (now < _quietUntil) return {};
    _quietUntil = now + kQuiet;
    const std::string prefix = _told ? "still down after " + since(now) + ": " : std::string();
    _told = true;
    return {_address + ": " + prefix + why, true, false};
}

LinkHealth::News LinkHealth::up(Link link, TimePoint now) {
    _errors[static_cast<std::size_t>(link)].clear();
    if (!error().empty()) return {};
    News news;
    if (_outage) {
        news.reconnected = _worked;
        if (_told)
            news.line = _address + (_worked ? ": back after " : ": reached after ") + since(now);
    }
    _outage = false;
    _worked = true;
    return news;
}

std::string LinkHealth::error() const {
    for (const std::string& each : _errors)
        if (!each.empty()) return _address + ": " + each;
    return {};
}

std::string LinkHealth::since(TimePoint now) const {
    const double seconds = std::chrono::duration<double>(now - _begin).count();
    const auto tenths = static_cast<long long>(std::lround(seconds * 10));
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace socketio
