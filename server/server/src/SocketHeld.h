#pragma once

#include <cstddef>
#include <vector>

#include "socketio/server/Socket.h"

namespace socketio {

/// What was emitted to a socket before its CONNECT was answered.
struct Socket::Held {
    std::vector<EngineMessage::Ptr> messages;
    std::size_t bytes = 0;
};

}  // namespace socketio
