#include "support/EngineClient.h"

#include <stdexcept>

namespace socketio::test {

namespace {

std::string connectPacket(std::string_view nsp, std::string_view auth) {
    std::string packet = "40";
    if (nsp != "/") packet.append(nsp).append(",");
    return packet.append(auth);
}

std::string webSocketTarget(std::string_view sid, std::string_view query) {
    std::string target = "/socket.io/?EIO=4&transport=websocket";
    if (!sid.empty()) target.append("&sid=").append(sid);
    return target.append(query);
}

}  // namespace

std::string jsonString(std::string_view json, std::string_view key) {
    const std::string start = "\"" + std::string(key) + "\":\"";
    const std::size_t at = json.find(start);
    if (at == json.npos) return {};
    const std::size_t begin = at + start.size();
    return std::string(json.substr(begin, json.find('"', begin) - begin));
}

PollingClient::PollingClient(std::uint16_t port, std::string_view query, RawClient::Options options)
    : _getter(port, options), _poster(port, options) {
    const RawResponse answer =
        _getter.get("/socket.io/?EIO=4&transport=polling" + std::string(query));
    if (answer.status != 200)
        throw std::runtime_error("handshake: " + std::to_string(answer.status) + " " + answer.body);
    const std::vector<std::string> packets = split(answer.body);
    _open = packets.at(0);
    _sid = jsonString(_open, "sid");
    _packets.assign(packets.begin() + 1, packets.end());
}

std::string PollingClient::target() const {
    return "/socket.io/?EIO=4&transport=polling&sid=" + _sid;
}

std::vector<std::string> PollingClient::split(std::string_view payload) {
    std::vector<std::string> packets;
    for (;;) {
        const std::size_t end = payload.find('\x1e');
        packets.emplace_back(payload.substr(0, end));
        if (end == payload.npos) return packets;
        payload.remove_prefix(end + 1);
    }
}

std::vector<std::string> PollingClient::poll() {
    startPoll();
    return readPoll();
}

std::vector<std::string> PollingClient::readPoll() {
    const RawResponse answer = _getter.readResponse();
    if (answer.status != 200)
        throw std::runtime_error("poll: " + std::to_string(answer.status) + " " + answer.body);
    return split(answer.body);
}

void PollingClient::post(std::string_view payload) {
    const RawResponse answer = rawPost(payload);
    if (answer.status != 200 || answer.body != "ok")
        throw std::runtime_error("post: " + std::to_string(answer.status) + " " + answer.body);
}

std::string PollingClient::next() {
    for (;;) {
        while (_packets.empty())
            for (std::string& packet : poll()) _packets.push_back(std::move(packet));
        std::string packet = std::move(_packets.front());
        _packets.pop_front();
        if (packet != "2") return packet;
        post("3");
    }
}

std::string PollingClient::connect(std::string_view nsp, std::string_view auth) {
    post(connectPacket(nsp, auth));
    return next();
}

WebSocketClient::WebSocketClient(std::uint16_t port, std::string_view sid, std::string_view query,
                                 RawClient::Options options)
    : _client(port, options), _sid(sid) {
    _client.upgrade(webSocketTarget(sid, query));
    if (!sid.empty()) return;
    _open = _client.readText();
    _sid = jsonString(_open, "sid");
}

std::string WebSocketClient::next() {
    for (;;) {
        RawFrame frame = _client.readFrame();
        if (frame.opcode == RawFrame::Close)
            throw std::runtime_error("closed with " + std::to_string(frame.closeCode()));
        if (frame.opcode == RawFrame::Text && frame.payload == "2") {
            send("3");
            continue;
        }
        return std::move(frame.payload);
    }
}

std::string WebSocketClient::connect(std::string_view nsp, std::string_view auth) {
    send(connectPacket(nsp, auth));
    return next();
}

}  // namespace socketio::test
