#include "support/PacketClient.h"

#include <stdexcept>
#include <utility>

#include "support/EngineClient.h"

namespace socketio::test {

namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What JavaScript calls the length of a string.
std::size_t utf16Units(std::string_view text) {
    std::size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0) != 0x80) ++units;
        if (byte >= 0xF0) ++units;
    }
    return units;
}

std::string baseTarget(PacketClient::Way way) {
    const bool polling = way.transport == PacketClient::Transport::Polling;
    std::string target = "/socket.io/?EIO=" + std::to_string(way.revision) +
                         "&transport=" + (polling ? "polling" : "websocket");
    if (polling && way.revision == 3) target += "&b64=1";
    return target;
}

}  // namespace

std::string encodeBase64(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::string_view three = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8 | (j < three.size() ? static_cast<unsigned char>(three[j]) : 0);
        for (std::size_t j = 0; j < 4; ++j)
            text += j <= three.size() ? kAlphabet[bits >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

std::string decodeBase64Text(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=') break;
        const std::size_t digit = std::string_view(kAlphabet).find(c);
        if (digit == std::string_view::npos) throw std::runtime_error("no base64");
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        if ((count += 6) < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count);
    }
    return bytes;
}

std::string PacketClient::name(Way way) {
    return std::string(way.transport == Transport::Polling ? "polling" : "WebSocket") +
           ", revision " + std::to_string(way.revision);
}

PacketClient::PacketClient(std::uint16_t port, Way way, std::string_view query,
                           RawClient::Options options)
    : _way(way), _writer(port, options), _reader(port, options) {
    const std::string target = baseTarget(way) + std::string(query);
    if (polling()) {
        const RawResponse answer = _reader.get(target);
        if (answer.status != 200)
            throw std::runtime_error("handshake: " + std::to_string(answer.status) + " " +
                                     answer.body);
        for (const std::string& packet : packets(answer.body)) take(packet);
    } else {
        _reader.close();
        _writer.upgrade(target);
        take(_writer.readText());
    }
    if (_sid.empty()) throw std::runtime_error("no open packet");
}

PacketClient PacketClient::joined(std::uint16_t port, Way way, std::string_view nsp) {
    PacketClient client(port, way);
    std::string answer = client.connect();
    if (answer[0] == '0' && nsp != "/") answer = client.connect(nsp);
    if (answer[0] != '0') throw std::runtime_error("refused: " + answer);
    return client;
}

std::string PacketClient::target() const { return baseTarget(_way) + "&sid=" + _sid; }

std::string PacketClient::payload(int revision, const std::vector<std::string>& packets) {
    std::string text;
    for (const std::string& packet : packets) {
        if (revision == 3)
            text += std::to_string(utf16Units(packet)) + ":";
        else if (!text.empty())
            text += '\x1e';
        text += packet;
    }
    return text;
}

std::vector<std::string> PacketClient::packets(std::string_view payload) const {
    if (revision() == 4) return PollingClient::split(payload);
    std::vector<std::string> packets;
    while (!payload.empty()) {
        const std::size_t colon = payload.find(':');
        if (colon == payload.npos) throw std::runtime_error("no payload: " + std::string(payload));
        const std::size_t units = std::stoul(std::string(payload.substr(0, colon)));
        payload.remove_prefix(colon + 1);
        std::size_t size = 0;
        while (size < payload.size() &&
               (utf16Units(payload.substr(0, size)) < units || (payload[size] & 0xC0) == 0x80))
            ++size;
        if (utf16Units(payload.substr(0, size)) != units)
            throw std::runtime_error("wrong length in a payload");
        packets.emplace_back(payload.substr(0, size));
        payload.remove_prefix(size);
    }
    return packets;
}

std::string PacketClient::enginePacket(const Message& message) const {
    if (!message.binary) return "4" + message.data;
    return (revision() == 3 ? "b4" : "b") + encodeBase64(message.data);
}

std::string PacketClient::bytes(const std::vector<Message>& messages) const {
    std::string bytes;
    if (polling()) {
        std::vector<std::string> packets;
        for (const Message& message : messages) packets.push_back(enginePacket(message));
        return RawClient::requestBytes(
            "POST", target(), "Content-Type: text/plain;charset=UTF-8\r\n", payload(packets));
    }
    for (const Message& message : messages)
        if (!message.binary)
            bytes += RawClient::frame(RawFrame::Text, "4" + message.data);
        else
            bytes +=
                RawClient::frame(RawFrame::Binary, (revision() == 3 ? "\x04" : "") + message.data);
    return bytes;
}

void PacketClient::say(const std::vector<Message>& messages) {
    _writer.send(bytes(messages));
    if (!polling()) return;
    const RawResponse answer = _writer.readResponse("POST");
    if (answer.status != 200 || answer.body != "ok")
        throw std::runtime_error("post: " + std::to_string(answer.status) + " " + answer.body);
}

void PacketClient::sayEngine(std::string_view packet) {
    if (!polling()) return _writer.sendText(packet);
    const RawResponse answer = _writer.post(target(), payload({std::string(packet)}));
    if (answer.status != 200) throw std::runtime_error("post: " + std::to_string(answer.status));
}

void PacketClient::take(std::string_view packet) {
    if (packet.empty()) throw std::runtime_error("an empty packet");
    const std::string_view data = packet.substr(1);
    switch (packet[0]) {
        case '0':
            _sid = jsonString(data, "sid");
            break;
        case '1':
            _ending = 1;
            break;
        case '2':
            if (revision() == 3) throw std::runtime_error("a ping for a client of revision 3");
            sayEngine("3");
            break;
        case '3':
        case '6':
            break;
        case '4':
            _messages.emplace_back(data);
            break;
        case 'b':
            _messages.push_back("<" + decodeBase64Text(data.substr(revision() == 3 ? 1 : 0)) + ">");
            break;
        default:
            throw std::runtime_error("unknown packet: " + std::string(packet));
    }
}

bool PacketClient::receive() {
    if (_ending >= 0) return false;
    if (polling()) {
        const RawResponse answer = _reader.get(target());
        if (answer.status != 200)
            _ending = answer.status;
        else
            for (const std::string& packet : packets(answer.body)) take(packet);
        return true;
    }
    RawFrame frame;
    try {
        frame = _writer.readFrame();
    } catch (const std::runtime_error&) {
        // The end without a close frame; a deadline is a failure.
        if (!_writer.closedWithin(std::chrono::milliseconds(0))) throw;
        _ending = 0;
        return true;
    }
    if (frame.opcode == RawFrame::Close)
        _ending = frame.closeCode();
    else if (frame.opcode == RawFrame::Text)
        take(frame.payload);
    else if (frame.opcode == RawFrame::Binary && revision() == 3 && frame.payload[0] != 4)
        throw std::runtime_error("a binary frame without its type");
    else if (frame.opcode == RawFrame::Binary)
        _messages.push_back("<" + frame.payload.substr(revision() == 3 ? 1 : 0) + ">");
    return true;
}

std::string PacketClient::next() {
    while (_messages.empty())
        if (!receive())
            throw std::runtime_error("the session has ended: " + std::to_string(_ending));
    std::string message = std::move(_messages.front());
    _messages.pop_front();
    return message;
}

std::string PacketClient::connect(std::string_view nsp, std::string_view auth) {
    if (revision() == 3 && nsp == "/") return next();
    std::string packet = "0";
    if (nsp != "/") packet.append(nsp).append(",");
    say(packet.append(auth));
    return next();
}

bool PacketClient::quiet() {
    const std::string number = std::to_string(900'000 + ++_fences);
    say("2" + number + "[\"echo\"," + number + "]");
    return next() == "3" + number + "[" + number + "]";
}

std::vector<std::string> PacketClient::rest() {
    while (receive()) {
    }
    return {std::make_move_iterator(_messages.begin()), std::make_move_iterator(_messages.end())};
}

}  // namespace socketio::test
