#pragma once

#include <cstdint>
#include <string_view>

#include "socketio/engine/EngineSession.h"

namespace socketio {

/// Why a socket was disconnected; toString() gives the official server's words.
enum class DisconnectReason : std::uint8_t {
    TransportClose,             ///< "transport close": the connection ended
    TransportError,             ///< "transport error": the connection broke, or a limit was passed
    PingTimeout,                ///< "ping timeout"
    ParseError,                 ///< "parse error": the client sent bytes that are no packet
    ForcedClose,                ///< "forced close": the engine closed the session
    ServerShuttingDown,         ///< "server shutting down"
    ForcedServerClose,          ///< "forced server close": a packet that was out of order
    ClientNamespaceDisconnect,  ///< "client namespace disconnect": the client left
    ServerNamespaceDisconnect,  ///< "server namespace disconnect": disconnect() was called
};

std::string_view toString(DisconnectReason reason);
DisconnectReason toDisconnectReason(CloseReason reason);

}  // namespace socketio
