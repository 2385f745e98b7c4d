#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "socketio/protocol/EnginePacket.h"

namespace socketio {

/// What the query of a request asks of the engine. Parameters that are the application's own are
/// left alone; `t`, the cache buster, is one of them here.
///
/// Threads: a plain value.
struct EngineRequest {
    enum class Transport { Unknown, Polling, WebSocket };

    /// More than the parameters that it may have.
    bool tooMany = false;
    /// Empty unless EIO is exactly 3 or 4 (and not given twice with two values).
    std::optional<EngineRevision> revision;
    Transport transport = Transport::Unknown;
    bool hasSid = false;
    std::string sid;  ///< Empty, which no session has, when it was given twice.
    bool base64 = false;
    bool jsonp = false;
    std::string jsonpIndex;  ///< Empty unless it is 1 to 10 digits.

    static EngineRequest parse(std::string_view query, std::size_t maxParameters = 64);
};

}  // namespace socketio
