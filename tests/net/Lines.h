#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace socketio::test {

/// Of `size` bytes of input, of which `used` have been taken: takes the next line, its end
/// included. False when no whole one is left.
inline bool takeLine(const char* bytes, std::size_t size, std::size_t& used, std::string& line) {
    const std::string_view rest(bytes + used, size - used);
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) return false;
    line = rest.substr(0, end + 1);
    used += line.size();
    return true;
}

}  // namespace socketio::test
