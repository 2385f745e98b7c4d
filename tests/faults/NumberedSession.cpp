#include "NumberedSession.h"

#include <stdexcept>
#include <utility>

#include <zlib.h>

#include "support/EngineClient.h"
#include "support/NumberedAttachment.h"
#include "support/PacketClient.h"

namespace socketio::test {

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("NumberedSession: " + what);
}

// gzip or zlib.
std::string inflated(std::string_view packed) {
    z_stream stream{};
    if (::inflateInit2(&stream, 15 + 32) != Z_OK) fail("inflateInit2");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    std::string plain;
    int result = Z_OK;
    while (result == Z_OK) {
        char buffer[16'384];
        stream.next_out = reinterpret_cast<Bytef*>(buffer);
        stream.avail_out = sizeof buffer;
        result = ::inflate(&stream, Z_NO_FLUSH);
        plain.append(buffer, sizeof buffer - stream.avail_out);
    }
    ::inflateEnd(&stream);
    if (result != Z_STREAM_END || stream.avail_in != 0) fail("a body that is badly compressed");
    return plain;
}

constexpr bool kGet = false, kPost = true;

}  // namespace

NumberedSession::NumberedSession(std::uint16_t port, Way way, NumberedMessages& messages,
                                 NumberedMessages::Receiver receiver, std::string_view auth)
    : _port(port), _way(std::move(way)), _messages(messages), _receiver(receiver) {
    const std::string connect = "40" + std::string(auth);
    open(kGet);
    if (_way.transport == Transport::WebSocket) {
        _connections[kGet]->upgrade("/socket.io/?EIO=4&transport=websocket");
        _connections[kGet]->readText();
        _connections[kGet]->sendText(connect);
        handle(_connections[kGet]->readText());
    } else {
        open(kPost);
        _target = "/socket.io/?EIO=4&transport=polling";
        const RawResponse answer = request(kGet, {});
        if (answer.status != 200) fail("handshake: " + std::to_string(answer.status));
        _target += "&sid=" + jsonString(answer.body, "sid");
        post(connect);
        while (_sid.empty())
            if (!receive()) fail("it ended before it began");
    }
    if (_sid.empty()) fail("not connected");
}

NumberedSession::~NumberedSession() = default;

void NumberedSession::open(bool post) {
    if (_way.transport == Transport::FastCgi)
        _requests[post] = std::make_unique<FcgiClient>(_port, _way.connection);
    else
        _connections[post] = std::make_unique<RawClient>(_port, _way.connection);
}

RawResponse NumberedSession::request(bool post, std::string_view body) {
    const char* const method = post ? "POST" : "GET";
    const bool packed = !post && !_way.encoding.empty();
    RawResponse answer;
    if (_way.transport == Transport::FastCgi) {
        FcgiParams more;
        if (packed) more.emplace_back("HTTP_ACCEPT_ENCODING", _way.encoding);
        answer = _requests[post]->call(method, _target, body, more).response;
    } else {
        RawClient& client = *_connections[post];
        client.request(method, _target,
                       packed ? "Accept-Encoding: " + _way.encoding + "\r\n" : std::string(), body);
        answer = client.readResponse(method);
        // A connection serves so many requests and no more.
        if (answer.header("Connection") == "close") open(post);
    }
    return answer;
}

void NumberedSession::post(std::string_view payload) {
    MutexLock lock(_posting);
    const RawResponse answer = request(kPost, payload);
    if (answer.status != 200 || answer.body != "ok")
        fail("POST: " + std::to_string(answer.status) + " " + answer.body);
}

void NumberedSession::send(const std::vector<std::string>& texts) {
    std::string payload;
    for (const std::string& text : texts) {
        const std::string data = "[\"n\",\"" + text + "\"";
        const std::string packet =
            _way.binary ? "451-" + data + ",{\"_placeholder\":true,\"num\":0}]" : "42" + data + "]";
        if (_way.transport == Transport::WebSocket) {
            payload += RawClient::frame(RawFrame::Text, packet);
            if (_way.binary) payload += RawClient::frame(RawFrame::Binary, attachmentOf(text));
            continue;
        }
        if (!payload.empty()) payload += '\x1e';
        payload += packet;
        if (_way.binary)
            payload +=
                "\x1e"
                "b" +
                encodeBase64(attachmentOf(text));
    }
    if (_way.transport == Transport::WebSocket)
        _connections[kGet]->send(payload);
    else
        post(payload);
}

void NumberedSession::close() {
    if (_way.transport != Transport::WebSocket && !_closed) post("1");
    for (const bool each : {kGet, kPost}) {
        _connections[each].reset();
        _requests[each].reset();
    }
}

bool NumberedSession::receive() {
    if (_way.transport == Transport::WebSocket) {
        const RawFrame frame = _connections[kGet]->readFrame();
        if (frame.opcode == RawFrame::Text)
            handle(frame.payload);
        else if (frame.opcode == RawFrame::Binary)
            handleAttachment(frame.payload);
        else
            _closed = true;
    } else {
        const RawResponse answer = request(kGet, {});
        if (answer.status != 200)
            fail("poll: " + std::to_string(answer.status) + " " + answer.body);
        const std::string encoding = answer.header("Content-Encoding");
        const std::string body = encoding.empty() ? answer.body : inflated(answer.body);
        if (body.find("\"n\"") != body.npos) {
            ++_answers;
            if (!encoding.empty()) ++_compressed;
        }
        handlePayload(body);
    }
    return !_closed && !_bye;
}

void NumberedSession::answerPings() {
    while (_connections[kGet]->readable(std::chrono::milliseconds(0)))
        if (!receive()) fail("the session ended");
}

void NumberedSession::handlePayload(std::string_view payload) {
    for (const std::string& packet : PollingClient::split(payload))
        if (packet.starts_with('b'))
            handleAttachment(decodeBase64Text(std::string_view(packet).substr(1)));
        else
            handle(packet);
}

// 40{"sid":...}   42["n","..."]   451-["n","...",{...}]   42["bye"]   1, 2, 6
void NumberedSession::handle(std::string_view packet) {
    constexpr std::string_view kMessage = "42[\"n\",\"", kBinary = "451-[\"n\",\"";
    if (packet.starts_with(kMessage)) {
        packet.remove_prefix(kMessage.size());
        _messages.received(_receiver, packet.substr(0, packet.rfind('"')));
    } else if (packet.starts_with(kBinary)) {
        packet.remove_prefix(kBinary.size());
        if (_text) fail("an attachment is missing");
        _text = packet.substr(0, packet.find('"'));
    } else if (packet == "2") {
        if (_way.transport == Transport::WebSocket)
            _connections[kGet]->sendText("3");
        else
            post("3");
    } else if (packet == "1") {
        _closed = true;
    } else if (packet.starts_with("40{")) {
        _sid = jsonString(packet, "sid");
    } else if (packet.starts_with("44")) {
        fail("refused: " + std::string(packet));
    } else if (packet == "42[\"bye\"]") {
        _bye = true;
    }
}

void NumberedSession::handleAttachment(std::string_view bytes) {
    if (!_text) fail("an attachment of nothing");
    _messages.received(_receiver, withAttachment(*std::exchange(_text, std::nullopt), bytes));
}

}  // namespace socketio::test
