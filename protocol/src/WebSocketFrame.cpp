#include "socketio/protocol/WebSocketFrame.h"

#include <algorithm>
#include <cstring>

#include <Poco/SHA1Engine.h>

#include "socketio/protocol/EnginePacket.h"

#include "Utf8.h"

namespace socketio {

namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0F;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::size_t kMaxControlPayload = 125;

constexpr std::uint8_t kContinuation = static_cast<std::uint8_t>(WebSocketOpcode::Continuation);
constexpr std::uint8_t kText = static_cast<std::uint8_t>(WebSocketOpcode::Text);
constexpr std::uint8_t kBinary = static_cast<std::uint8_t>(WebSocketOpcode::Binary);
constexpr std::uint8_t kClose = static_cast<std::uint8_t>(WebSocketOpcode::Close);
constexpr std::uint8_t kPing = static_cast<std::uint8_t>(WebSocketOpcode::Ping);
constexpr std::uint8_t kPong = static_cast<std::uint8_t>(WebSocketOpcode::Pong);

constexpr std::uint16_t kNoStatus = 1005;
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kBadPayload = 1007;
constexpr std::uint16_t kTooBig = 1009;

bool isControl(std::uint8_t opcode) { return (opcode & 8) != 0; }

std::uint64_t readBigEndian(const char* at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
    return value;
}

void writeBigEndian(char* at, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = bytes; i-- > 0; value >>= 8) at[i] = static_cast<char>(value & 0xFF);
}

/// Undoes the mask, whose byte `phase` belongs to data[0].
void unmask(char* data, std::size_t size, const std::uint8_t (&mask)[4], std::size_t phase) {
    std::uint8_t turned[8];
    for (std::size_t i = 0; i < 8; ++i) turned[i] = mask[(phase + i) & 3];
    std::uint64_t key;
    std::memcpy(&key, turned, sizeof key);
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        std::uint64_t word;
        std::memcpy(&word, data + i, sizeof word);
        word ^= key;
        std::memcpy(data + i, &word, sizeof word);
    }
    for (; i < size; ++i) data[i] = static_cast<char>(data[i] ^ turned[i & 3]);
}

/// Codes that may stand in a close frame: RFC 6455 §7.4 and the registry it founded.
bool isCloseCode(std::uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

}  // namespace

std::size_t writeWebSocketHeaderBefore(char* end, WebSocketOpcode opcode,
                                       std::uint64_t payloadBytes) {
    const char first = static_cast<char>(kFinal | static_cast<std::uint8_t>(opcode));
    if (payloadBytes < 126) {
        end[-2] = first;
        end[-1] = static_cast<char>(payloadBytes);
        return 2;
    }
    if (payloadBytes <= 0xFFFF) {
        end[-4] = first;
        end[-3] = 126;
        writeBigEndian(end - 2, payloadBytes, 2);
        return 4;
    }
    end[-10] = first;
    end[-9] = 127;
    writeBigEndian(end - 8, payloadBytes, 8);
    return 10;
}

void appendWebSocketFrame(std::string& out, WebSocketOpcode opcode, std::string_view payload) {
    char header[kMaxWebSocketHeaderBytes];
    char* const end = header + sizeof header;
    const std::size_t size = writeWebSocketHeaderBefore(end, opcode, payload.size());
    out.append(end - size, size).append(payload);
}

void appendWebSocketClose(std::string& out, std::uint16_t code, std::string_view reason) {
    char payload[kMaxControlPayload];
    std::size_t size = 0;
    if (code != 0) {
        writeBigEndian(payload, code, 2);
        // A reason that is too long is cut, but not inside a character.
        std::size_t kept = std::min(reason.size(), sizeof payload - 2);
        if (kept < reason.size())
            while (kept > 0 && (reason[kept] & 0xC0) == 0x80) --kept;
        std::copy_n(reason.data(), kept, payload + 2);
        size = kept + 2;
    }
    appendWebSocketFrame(out, WebSocketOpcode::Close, {payload, size});
}

std::string webSocketAcceptKey(std::string_view key) {
    Poco::SHA1Engine sha1;
    sha1.update(key.data(), key.size());
    constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    sha1.update(kGuid.data(), kGuid.size());
    const Poco::DigestEngine::Digest& digest = sha1.digest();
    std::string accept;
    appendBase64(accept, {reinterpret_cast<const char*>(digest.data()), digest.size()});
    return accept;
}

bool isWebSocketKey(std::string_view key) {
    if (key.size() != 24 || !key.ends_with("==")) return false;
    return std::all_of(key.begin(), key.end() - 2, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    });
}

WebSocketDecoder::Event WebSocketDecoder::fail(std::uint16_t code, const char* detail,
                                               std::optional<Limit> limit) {
    _dead = true;
    _message = std::string();
    _control.reset();
    return {EventType::Error, {}, code, detail, limit};
}

WebSocketDecoder::Event WebSocketDecoder::next(char*& input, char* end) {
    // A large message must not keep its memory while its client is silent.
    if (_messageGiven) _message = std::string();
    if (_controlGiven) _control.reset();
    _messageGiven = _controlGiven = false;
    for (;;) {
        if (_dead) {
            input = end;
            return {};
        }
        if (!_inPayload) {
            const Event event = readHeader(input, end);
            if (event.type == EventType::Error) input = end;
            if (!_inPayload) return event;
        }
        const auto available = static_cast<std::uint64_t>(end - input);
        const auto size = static_cast<std::size_t>(std::min(_remaining, available));
        if (size == 0 && _remaining > 0) return {};
        char* const data = input;
        input += size;
        unmask(data, size, _mask, _maskAt);
        _remaining -= size;
        _maskAt = static_cast<std::uint8_t>((_maskAt + size) & 3);
        const Event event = isControl(_opcode) ? readControl({data, size}) : readData({data, size});
        if (event.type == EventType::Error) input = end;
        if (event.type != EventType::NeedMore) return event;
    }
}

/// Nothing but the checks of a header: NeedMore with _inPayload set when it was good and whole.
WebSocketDecoder::Event WebSocketDecoder::readHeader(char*& input, const char* end) {
    const auto available = static_cast<std::size_t>(end - input);
    if (available == 0) return {};

    // Each byte is judged as soon as it is there, so that the verdict on a header does not depend
    // on how it was cut.
    const auto first = static_cast<std::uint8_t>(input[0]);
    const std::uint8_t opcode = first & kOpcodeBits;
    const bool final = (first & kFinal) != 0;
    if (first & kReservedBits) return fail(kProtocolError, "reserved bit set");
    switch (opcode) {
        case kContinuation:
            if (_messageOpcode == 0) return fail(kProtocolError, "continuation of no message");
            break;
        case kText:
        case kBinary:
            if (_messageOpcode != 0) return fail(kProtocolError, "message inside a message");
            break;
        case kClose:
        case kPing:
        case kPong:
            if (!final) return fail(kProtocolError, "fragmented control frame");
            break;
        default:
            return fail(kProtocolError, "unknown opcode");
    }
    if (!isControl(opcode) && _fragments >= _limits.maxFragments)
        return fail(kTooBig, "too many fragments", Limit::WebSocketFragments);

    if (available < 2) return {};
    const auto second = static_cast<std::uint8_t>(input[1]);
    if (!(second & kMasked)) return fail(kProtocolError, "frame without mask");
    std::uint64_t length = second & ~kMasked & 0xFF;
    if (isControl(opcode) && length > kMaxControlPayload)
        return fail(kProtocolError, "control frame too long");

    const std::size_t lengthBytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (available < 2 + lengthBytes) return {};
    if (lengthBytes > 0) {
        length = readBigEndian(input + 2, lengthBytes);
        if (length >> 63) return fail(kProtocolError, "length with its highest bit set");
        if (length < (lengthBytes == 2 ? 126u : 0x10000u))
            return fail(kProtocolError, "length not in its shortest form");
    }
    if (!isControl(opcode) && length > _limits.maxMessageBytes - _message.size())
        return fail(kTooBig, "message too large", Limit::MaxHttpBufferSize);

    const std::size_t headerBytes = 2 + lengthBytes + sizeof _mask;
    if (available < headerBytes) return {};
    std::memcpy(_mask, input + 2 + lengthBytes, sizeof _mask);
    input += headerBytes;
    _opcode = opcode;
    _final = final;
    _remaining = length;
    _maskAt = 0;
    _inPayload = true;
    if (!isControl(opcode)) {
        ++_fragments;
        if (opcode != kContinuation) _messageOpcode = opcode;
    }
    return {};
}

WebSocketDecoder::Event WebSocketDecoder::readData(std::string_view piece) {
    const bool text = _messageOpcode == kText;
    if (text && !feedUtf8(_utf8State, piece)) return fail(kBadPayload, "text is not UTF-8");
    const bool whole = _remaining == 0 && _final;
    std::string_view message = piece;
    if (!whole || !_message.empty()) {
        // Grows with what comes: the announced length reserves nothing.
        _message.append(piece);
        message = _message;
    }
    if (_remaining > 0) return {};
    _inPayload = false;
    if (!_final) return {};

    if (text && _utf8State != 0) return fail(kBadPayload, "text ends inside a character");
    _messageGiven = !_message.empty();
    _messageOpcode = 0;
    _fragments = 0;
    return {text ? EventType::Text : EventType::Binary, message, 0, ""};
}

WebSocketDecoder::Event WebSocketDecoder::readControl(std::string_view piece) {
    std::string_view payload = piece;
    if (_remaining > 0 || _control) {
        if (!_control) _control = std::make_unique<std::string>();
        _control->append(piece);
        payload = *_control;
    }
    if (_remaining > 0) return {};
    _inPayload = false;
    _controlGiven = _control != nullptr;
    if (_opcode == kPing) return {EventType::Ping, payload, 0, ""};
    if (_opcode == kPong) return {EventType::Pong, payload, 0, ""};
    return readClose(payload);
}

WebSocketDecoder::Event WebSocketDecoder::readClose(std::string_view payload) {
    if (payload.size() == 1) return fail(kProtocolError, "close frame of one byte");
    std::uint16_t code = kNoStatus;
    if (!payload.empty()) {
        code = static_cast<std::uint16_t>(readBigEndian(payload.data(), 2));
        payload.remove_prefix(2);
        if (!isCloseCode(code)) return fail(kProtocolError, "bad close code");
        std::uint32_t state = 0;
        if (!feedUtf8(state, payload) || state != 0)
            return fail(kBadPayload, "close reason is not UTF-8");
    }
    _dead = true;
    _message = std::string();
    return {EventType::Close, payload, code, ""};
}

}  // namespace socketio
