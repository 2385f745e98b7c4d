#include "WebSocketSession.h"

namespace socketio::test {

void WebSocketSession::send(std::string_view packet) {
    _client.send(WebSocketClient::maskedFrame("4" + std::string(packet)));
}

void WebSocketSession::leave() {
    // An empty close frame behind the packet; the answer to it ends the client.
    _client.send(WebSocketClient::maskedFrame("41") + std::string("\x88\x80\0\0\0\0", 6));
}

}  // namespace socketio::test
