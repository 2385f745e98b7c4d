#include "socketio/engine/EngineMessage.h"

#include <utility>

#include <Poco/Bugcheck.h>

#include "socketio/protocol/WebSocketFrame.h"

namespace socketio {

namespace {

constexpr char kTextType = static_cast<char>(EnginePacket::Type::Message);
constexpr char kBinaryTypeV3 = 4;

/// Appends a binary message as one frame of its own.
void appendBinaryFrame(std::string& out, EngineRevision revision, bool base64,
                       std::string_view bytes) {
    std::string payload;
    if (base64) {
        payload = revision == EngineRevision::V3 ? "b4" : "b";
        appendBase64(payload, bytes);
        appendWebSocketFrame(out, WebSocketOpcode::Text, payload);
    } else if (revision == EngineRevision::V3) {
        payload.reserve(bytes.size() + 1);
        payload.push_back(kBinaryTypeV3);
        payload.append(bytes);
        appendWebSocketFrame(out, WebSocketOpcode::Binary, payload);
    } else {
        appendWebSocketFrame(out, WebSocketOpcode::Binary, bytes);
    }
}

}  // namespace

EngineMessage::Ptr EngineMessage::create(std::string text, std::vector<Binary> attachments) {
    poco_assert(text.size() >= kHeadroom);
    constexpr std::size_t kTypeAt = kHeadroom - 1;
    text[kTypeAt] = kTextType;
    const std::size_t header = writeWebSocketHeaderBefore(
        text.data() + kTypeAt, WebSocketOpcode::Text, text.size() - kTypeAt);

    auto message = std::make_shared<EngineMessage>();
    message->_hasText = true;
    message->_text = std::move(text);
    message->_frameAt = static_cast<std::uint32_t>(kTypeAt - header);
    message->_bytes = message->textFrame().size();
    if (!attachments.empty()) {
        for (const Binary& attachment : attachments)
            message->_bytes += attachment.bytes.size() + kMaxWebSocketHeaderBytes;
        message->_parts = std::make_unique<Parts>();
        message->_parts->attachments = std::move(attachments);
    }
    return message;
}

EngineMessage::Ptr EngineMessage::fromText(std::string_view text) {
    std::string bytes;
    bytes.reserve(kHeadroom + text.size());
    bytes.append(kHeadroom, '\0').append(text);
    return create(std::move(bytes));
}

EngineMessage::Ptr EngineMessage::fromBinary(std::string_view bytes) {
    auto message = std::make_shared<EngineMessage>();
    message->_parts = std::make_unique<Parts>();
    message->_parts->attachments.emplace_back(std::string(bytes));
    message->_bytes = bytes.size() + kMaxWebSocketHeaderBytes;
    return message;
}

SharedFrame EngineMessage::webSocketFrames(EngineRevision revision, bool base64) const {
    if (!_parts)
        return SharedFrame(std::shared_ptr<const std::string>(shared_from_this(), &_text),
                           _frameAt);
    if (base64) return SharedFrame(encodeFrames(revision, true, 0));
    MutexLock lock(_parts->mutex);
    SharedFrame& frames = revision == EngineRevision::V3 ? _parts->framesV3 : _parts->framesV4;
    if (frames.empty()) frames = SharedFrame(encodeFrames(revision, false, 0));
    return frames;
}

SharedFrame EngineMessage::webSocketFramesFrom(std::size_t index, EngineRevision revision,
                                               bool base64) const {
    if (index == 0) return webSocketFrames(revision, base64);
    return SharedFrame(encodeFrames(revision, base64, index));
}

std::string EngineMessage::encodeFrames(EngineRevision revision, bool base64,
                                        std::size_t index) const {
    std::string out;
    out.reserve(_bytes + attachments().size());
    if (_hasText && index == 0) out.append(textFrame());
    const std::size_t first = _hasText ? (index == 0 ? 0 : index - 1) : index;
    for (std::size_t i = first; i < attachments().size(); ++i)
        appendBinaryFrame(out, revision, base64, attachments()[i].bytes);
    return out;
}

void EngineMessage::addTo(EnginePayloadWriter& writer, std::size_t index) const {
    if (_hasText) {
        if (index == 0) {
            writer.add(EnginePacket::Type::Message, text());
            return;
        }
        --index;
    }
    writer.add(EnginePacket::Type::Message, attachments()[index].bytes, true);
}

std::string_view EngineMessage::text() const {
    return _hasText ? std::string_view(_text).substr(kHeadroom) : std::string_view();
}

const std::vector<Binary>& EngineMessage::attachments() const {
    static const std::vector<Binary> none;
    return _parts ? _parts->attachments : none;
}

}  // namespace socketio
