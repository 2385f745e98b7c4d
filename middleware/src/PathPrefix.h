#pragma once

#include <string>
#include <string_view>

namespace socketio {

/// `socket.io`, `/socket.io`, `/socket.io/` -> `/socket.io/`; the empty path is every path: `/`.
inline std::string pathPrefix(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    return path.empty() ? "/" : "/" + std::string(path) + "/";
}

}  // namespace socketio
