#include "WebSocketClient.h"

#include <array>

namespace socketio {

namespace {

constexpr std::array<unsigned char, 4> kMask{0x37, 0xfa, 0x21, 0x3d};

}  // namespace

std::string WebSocketClient::maskedFrame(std::string_view payload, bool binary) {
    std::string frame(1, binary ? '\x82' : '\x81');
    const std::size_t size = payload.size();
    const int wide = size < 126 ? 0 : size < 65'536 ? 2 : 8;
    frame.push_back(static_cast<char>(0x80 | (wide == 0 ? size : wide == 2 ? 126 : 127)));
    for (int byte = wide - 1; byte >= 0; --byte)
        frame.push_back(static_cast<char>(size >> (8 * byte)));
    for (const unsigned char byte : kMask) frame.push_back(static_cast<char>(byte));
    for (std::size_t i = 0; i < size; ++i)
        frame.push_back(static_cast<char>(payload[i] ^ kMask[i % 4]));
    return frame;
}

void WebSocketClient::join(std::uint16_t port) {
    _port = port;
    _startedAt = LoadLoop::now();
    _state = State::Upgrading;
    open(port);
}

void WebSocketClient::onConnected() {
    send("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:" +
         std::to_string(_port) +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

std::size_t WebSocketClient::onBytes(std::string_view bytes) {
    std::size_t used = 0;
    if (_state == State::Upgrading) {
        const std::size_t end = bytes.find("\r\n\r\n");
        if (end == std::string_view::npos) return 0;
        if (!bytes.starts_with("HTTP/1.1 101 ")) {
            fail();
            return bytes.size();
        }
        used = end + 4;
        _state = State::Opening;
    }
    std::string& outgoing = _loop.scratch();
    outgoing.clear();
    while (bytes.size() - used >= 2) {
        const auto* const head = reinterpret_cast<const unsigned char*>(bytes.data()) + used;
        const std::size_t available = bytes.size() - used;
        std::size_t headSize = 2;
        std::size_t size = head[1];
        if (size == 126 || size == 127) {
            const std::size_t wide = size == 126 ? 2 : 8;
            headSize += wide;
            if (available < headSize) break;
            size = 0;
            for (std::size_t i = 0; i < wide; ++i) size = size << 8 | head[2 + i];
        }
        // Otherwise a close, a fragment or something masked: no server sends that for our messages.
        const bool text = head[0] == 0x81;
        if ((!text && head[0] != 0x82) || head[1] > 127) {
            fail();
            return bytes.size();
        }
        if (available < headSize + size) break;
        const std::string_view payload = bytes.substr(used + headSize, size);
        if (text)
            onText(payload, outgoing);
        else
            _listener.onBinary(*this, payload, outgoing);
        if (_state == State::Lost) return bytes.size();
        used += headSize + size;
    }
    if (!outgoing.empty()) send(outgoing);
    return used;
}

void WebSocketClient::onText(std::string_view text, std::string& out) {
    if (text.size() >= 2 && text[0] == '4') {
        if (_state == State::Joined) return _listener.onPacket(*this, text.substr(1), out);
        if (_state == State::Joining && text[1] == '0') {
            _state = State::Joined;
            return _listener.onJoined(*this);
        }
    } else if (text == "2") {
        out += maskedFrame("3");
        return;
    } else if (!text.empty() && text[0] == '0' && _state == State::Opening) {
        _state = State::Joining;
        out += maskedFrame("40");
        return;
    }
    fail();
}

void WebSocketClient::onClosed() {
    _state = State::Lost;
    _listener.onLost(*this);
}

void WebSocketClient::fail() {
    reset();
    onClosed();
}

}  // namespace socketio
