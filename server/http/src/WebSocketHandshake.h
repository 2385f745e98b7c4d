#pragma once

#include <string>
#include <string_view>

#include "socketio/exchange/Exchange.h"
#include "socketio/protocol/HttpHead.h"

namespace socketio {

// The handshake of a WebSocket (RFC 6455 §4.2). Threads: both functions are pure.

/// Judges a request for `Upgrade: websocket`: 101, or the status to refuse it with.
int judgeWebSocketHandshake(const HttpRequestHead& head);

/// The whole answer 101 to a Sec-WebSocket-Key, with the headers of the app. What makes the
/// handshake or frames a message (Upgrade, Connection, Content-Length, ...) is ours: such headers
/// of the app are left out.
std::string acceptWebSocketHandshake(std::string_view key, const HeaderList& headers);

}  // namespace socketio
