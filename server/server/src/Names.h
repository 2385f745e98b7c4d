#pragma once

#include <string>
#include <string_view>

namespace socketio {

/// The name of a namespace as it is on the wire: empty is the main one, and a slash that is missing
/// is added. "*" stands for all and stays.
inline std::string namespaceName(std::string_view nsp) {
    if (nsp.empty()) return "/";
    if (nsp.front() == '/' || nsp == "*") return std::string(nsp);
    return "/" + std::string(nsp);
}

}  // namespace socketio
