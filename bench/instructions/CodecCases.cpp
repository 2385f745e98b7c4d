// Bytes to values and back, without a session.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <socketio/protocol/EnginePayload.h>
#include <socketio/protocol/HttpHead.h>
#include <socketio/protocol/JsonCodec.h>
#include <socketio/protocol/SocketPacketDecoder.h>
#include <socketio/protocol/WebSocketFrame.h>

#include "Case.h"
#include "QueueMessage.h"
#include "RespReader.h"

namespace socketio {

namespace {

constexpr std::string_view kBrowserHead =
    "GET /socket.io/?EIO=4&transport=polling&t=OabcDEF&sid=abcdefghijklmnopqrst HTTP/1.1\r\n"
    "Host: chat.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://chat.example.org/rooms/general\r\n"
    "Origin: https://chat.example.org\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Connection: keep-alive\r\n"
    "Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n\r\n";

/// An event as a chat sends it, about 1 KB: strings, numbers, a list, nested objects.
std::string chatEvent() {
    std::string text =
        R"(["chat message",{"room":"general","from":{"id":41273,"name":"Zoë",)"
        R"("away":false},"text":"Shall we meet at the café?\nIt opens at \"nine\".",)"
        R"("at":1700000000123,"score":0.875,"reply":null,"seen":[)";
    for (int i = 0; i < 40; ++i) text += std::to_string(41000 + i * 7) + ",";
    text.back() = ']';
    text += R"(,"links":[)";
    for (int i = 0; i < 6; ++i)
        text += R"({"title":"Page )" + std::to_string(i) +
                R"(","url":"https://example.org/a/page?with=query"},)";
    text.back() = ']';
    return text + "}]";
}

QueueMessage queueMessage() {
    QueueMessage message;
    message.nsp = "/";
    message.rooms = {"general"};
    message.data = *JsonCodec::decode(kEchoEvent);
    return message;
}

constexpr std::string_view kSender = "0123456789abcdef0123456789abcdef";

std::string encodedQueueMessage(const QueueMessage& message, std::uint64_t sequence) {
    std::string text = *message.encode(QueueDialect::Json, message.data);
    QueueMessage::finish(text, QueueDialect::Json, message.method, sequence, kSender);
    return text;
}

void decodeJson(std::uint64_t operations) {
    const std::string text = chatEvent();
    for (std::uint64_t i = 0; i < operations; ++i)
        require(JsonCodec::decode(text).ok(), "JSON that is read");
}

void encodeJson(std::uint64_t operations) {
    const Value value = *JsonCodec::decode(chatEvent());
    for (std::uint64_t i = 0; i < operations; ++i) {
        std::string text;
        require(JsonCodec::encodeTo(text, value).ok(), "JSON that is written");
    }
}

void decodeFrames(std::uint64_t operations, std::size_t size) {
    const std::string frame = maskedFrame(std::string(size, 'x'));
    WebSocketDecoder decoder({});
    std::string input;
    for (std::uint64_t i = 0; i < operations; ++i) {
        input = frame;
        char* at = input.data();
        const auto event = decoder.next(at, at + input.size());
        require(event.type == WebSocketDecoder::EventType::Text && event.data.size() == size,
                "a frame");
    }
}

void decodeAttachment(std::uint64_t operations) {
    const std::string text = R"(51-["upload",{"_placeholder":true,"num":0}])";
    const std::string bytes(1024, '\x7f');
    SocketPacketDecoder decoder(5, 1'000'000);
    for (std::uint64_t i = 0; i < operations; ++i) {
        require(decoder.text(text).ok(), "a packet");
        const auto packet = decoder.binary(bytes);
        require(packet.ok() && packet->has_value(), "an attachment");
    }
}

void parseHead(std::uint64_t operations) {
    HttpRequestHead head;
    for (std::uint64_t i = 0; i < operations; ++i) {
        std::size_t size = 0;
        std::size_t scanned = 0;
        require(head.parse(kBrowserHead, size, scanned, {}) == HttpRequestHead::Status::Complete,
                "a head");
    }
}

void decodePayload(std::uint64_t operations) {
    std::string body = "42" + std::string(kEchoEvent);
    for (int i = 0; i < 3; ++i) body += "\x1e" + body.substr(0, 45);
    for (std::uint64_t i = 0; i < operations; ++i)
        require(EnginePayload::decode(EngineRevision::V4, false, body)->size() == 4, "a payload");
}

void publish(std::uint64_t operations) {
    const QueueMessage message = queueMessage();
    std::string command;
    for (std::uint64_t i = 0; i < operations; ++i) {
        command.clear();
        appendRedisCommand(command, {"PUBLISH", "socketio", encodedQueueMessage(message, i)});
        require(command.size() > 100, "a command");
    }
}

void listen(std::uint64_t operations) {
    const std::string text = encodedQueueMessage(queueMessage(), 1);
    std::string bytes;
    appendRedisCommand(bytes, {"message", "socketio", text});
    RespReader reader(1'000'000);
    for (std::uint64_t i = 0; i < operations; ++i) {
        std::string_view input = bytes;
        RedisReply reply;
        require(*reader.read(input, reply), "a reply");
        require(QueueMessage::decode(reply.items[2].text).ok(), "a message");
    }
}

}  // namespace

std::vector<Case> codecCases() {
    return {
        {"json-decode", "JSON of an event of 1 KB, read", 1000, decodeJson},
        {"json-encode", "the same, written", 1000, encodeJson},
        {"frame-decode-64", "WebSocket frame of 64 bytes", 20'000,
         [](std::uint64_t n) { decodeFrames(n, 64); }},
        {"frame-decode-64k", "WebSocket frame of 64 KiB", 200,
         [](std::uint64_t n) { decodeFrames(n, 65'536); }},
        {"attachment", "event with an attachment of 1 KB", 4000, decodeAttachment},
        {"http-head", "head of a browser's request", 4000, parseHead},
        {"payload-decode", "POST body of 4 events", 4000, decodePayload},
        {"queue-publish", "emit for Redis, written", 4000, publish},
        {"queue-listen", "the same from Redis, read", 4000, listen},
    };
}

}  // namespace socketio
