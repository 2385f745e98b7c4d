#include "socketio/engine/EngineOptions.h"

#include <algorithm>

namespace socketio {

AllowedOrigins::AllowedOrigins(std::vector<std::string> origins)
    : mode(std::find(origins.begin(), origins.end(), "*") == origins.end() ? Mode::List
                                                                           : Mode::Any),
      list(std::move(origins)) {}

std::size_t EngineOptions::outboundLimit() const {
    constexpr std::size_t kLeast = 4 * 1024 * 1024;
    if (maxOutboundBytes != 0) return maxOutboundBytes;
    return std::max(kLeast, 4 * maxHttpBufferSize);
}

}  // namespace socketio
