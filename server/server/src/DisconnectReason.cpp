#include "socketio/server/DisconnectReason.h"

namespace socketio {

std::string_view toString(DisconnectReason reason) {
    switch (reason) {
        case DisconnectReason::TransportClose:
            return "transport close";
        case DisconnectReason::TransportError:
            return "transport error";
        case DisconnectReason::PingTimeout:
            return "ping timeout";
        case DisconnectReason::ParseError:
            return "parse error";
        case DisconnectReason::ForcedClose:
            return "forced close";
        case DisconnectReason::ServerShuttingDown:
            return "server shutting down";
        case DisconnectReason::ForcedServerClose:
            return "forced server close";
        case DisconnectReason::ClientNamespaceDisconnect:
            return "client namespace disconnect";
        case DisconnectReason::ServerNamespaceDisconnect:
            return "server namespace disconnect";
    }
    return "";
}

DisconnectReason toDisconnectReason(CloseReason reason) {
    switch (reason) {
        case CloseReason::TransportClose:
            return DisconnectReason::TransportClose;
        case CloseReason::TransportError:
            return DisconnectReason::TransportError;
        case CloseReason::PingTimeout:
            return DisconnectReason::PingTimeout;
        case CloseReason::ParseError:
            return DisconnectReason::ParseError;
        case CloseReason::ForcedClose:
            return DisconnectReason::ForcedClose;
        case CloseReason::ServerShuttingDown:
            return DisconnectReason::ServerShuttingDown;
    }
    return DisconnectReason::TransportClose;
}

}  // namespace socketio
