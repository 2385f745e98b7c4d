#include "WebSocketHandshake.h"

#include "socketio/base/Text.h"
#include "socketio/exchange/AnswerFields.h"
#include "socketio/protocol/WebSocketFrame.h"

namespace socketio {

namespace {

/// The one field of that name; nullptr when there is none or more than one.
const HttpRequestHead::Field* single(const HttpRequestHead& head, std::string_view name) {
    const HttpRequestHead::Field* found = nullptr;
    for (const HttpRequestHead::Field& field : head.fields) {
        if (!equalsIgnoreCase(field.name, name)) continue;
        if (found) return nullptr;
        found = &field;
    }
    return found;
}

}  // namespace

// RFC 6455 §4.2.1.
int judgeWebSocketHandshake(const HttpRequestHead& head) {
    const auto* const version = single(head, "Sec-WebSocket-Version");
    const auto* const key = single(head, "Sec-WebSocket-Key");
    const auto* const upgrade = single(head, "Upgrade");
    if (head.method != "GET") return 400;
    if (!version || version->value != "13") return 426;
    if (!key || !isWebSocketKey(key->value)) return 400;
    // Who offers a choice of protocols, or wants to close as well, does not mean it.
    if (!upgrade || !equalsIgnoreCase(upgrade->value, "websocket")) return 400;
    if (!head.upgrade || !head.keepAlive) return 400;
    if (head.chunked || head.contentLength.value_or(0) > 0) return 400;
    return 101;
}

// RFC 6455 §4.2.2.
std::string acceptWebSocketHandshake(std::string_view key, const HeaderList& headers) {
    std::string out;
    out.reserve(192);
    appendStatusLine(out, 101, reasonPhrase(101));
    appendField(out, "Upgrade", "websocket");
    appendField(out, "Connection", "Upgrade");
    appendField(out, "Sec-WebSocket-Accept", webSocketAcceptKey(key));
    for (const HeaderList::Field& field : headers) {
        bool ours = false;
        for (const std::string_view name :
             {"Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions",
              "Content-Length", "Transfer-Encoding"})
            ours = ours || equalsIgnoreCase(field.name, name);
        if (!ours) appendField(out, field.name, field.value);
    }
    out.append("\r\n");
    return out;
}

}  // namespace socketio
