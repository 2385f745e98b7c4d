#pragma once

#include <chrono>
#include <string>

#include "socketio/managers/EmitOptions.h"

namespace socketio {

/// For call(): whom to ask, and how long to wait.
struct CallOptions {
    std::string sid = {};  ///< Required.
    std::string nsp = {};  ///< As in EmitOptions.
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
    bool ignoreQueue = false;
};

}  // namespace socketio
