#include "PayloadTraffic.h"

namespace socketio {

namespace {

constexpr std::string_view kAttachmentAnswer = "61-0[";  // servers differ in the spaces behind it

}  // namespace

PayloadTraffic::PayloadTraffic(std::size_t clients, std::size_t bytes, bool binary)
    : _binary(binary), _payload(bytes, 'x'), _sentAt(clients) {
    // No two kilobytes alike, so that lost or exchanged pieces show.
    for (std::size_t i = 0; i + 8 <= bytes; i += 64) {
        const std::string number = std::to_string(10'000'000 + i);
        _payload.replace(i, number.size(), number);
    }
    if (binary) {
        _frames = WebSocketClient::maskedFrame(R"(451-0["echo",{"_placeholder":true,"num":0}])") +
                  WebSocketClient::maskedFrame(_payload, true);
    } else {
        _frames = WebSocketClient::maskedFrame("420[\"echo\",\"" + _payload + "\"]");
        _answer = "30[\"" + _payload + "\"]";
    }
}

void PayloadTraffic::begin(Fleet& fleet) {
    for (std::size_t client = 0; client < fleet.size(); ++client) {
        _sentAt[client] = LoadLoop::now();
        ++_outstanding;
        fleet.client(client).send(_frames);
    }
}

void PayloadTraffic::onPacket(Fleet&, WebSocketClient& client, std::string_view packet,
                              std::string& out) {
    if (_binary ? packet.starts_with(kAttachmentAnswer) : packet == _answer) {
        if (!_binary) answered(client, out);
    } else {
        ++wrong;
    }
}

void PayloadTraffic::onBinary(Fleet&, WebSocketClient& client, std::string_view bytes,
                              std::string& out) {
    if (_binary && bytes == _payload)
        answered(client, out);
    else
        ++wrong;
}

void PayloadTraffic::answered(WebSocketClient& client, std::string& out) {
    const std::int64_t now = LoadLoop::now();
    std::int64_t& sentAt = _sentAt[client.index()];
    latency.add(now - sentAt);
    ++messages;
    if (stopping) {
        --_outstanding;
        return;
    }
    sentAt = now;
    out += _frames;
}

}  // namespace socketio
