#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace socketio {

/// RFC 6455 frames in the server's role: we send unmasked, the peer must mask.
enum class WebSocketOpcode : std::uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10
};

inline constexpr std::size_t kMaxWebSocketHeaderBytes = 10;  // of a frame that we send

/// Writes the header of an unmasked final frame so that it ends at `end`; returns its length (2, 4
/// or 10). For frames that are built in place behind some headroom.
std::size_t writeWebSocketHeaderBefore(char* end, WebSocketOpcode opcode,
                                       std::uint64_t payloadBytes);

/// Appends one unmasked final frame.
void appendWebSocketFrame(std::string& out, WebSocketOpcode opcode, std::string_view payload);

/// Appends a close frame; code 0 makes an empty one.
void appendWebSocketClose(std::string& out, std::uint16_t code, std::string_view reason = {});

/// The value of Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2).
std::string webSocketAcceptKey(std::string_view key);
/// 16 bytes in base64.
bool isWebSocketKey(std::string_view key);

/// Reads the frames of a peer and gives whole messages.
///
/// Threads: confined. Memory: nothing while no message is half received.
/// Limits:  the payload of a message against maxMessageBytes before it is buffered (1009);
///          maxFragments frames per message (1009).
class WebSocketDecoder {
public:
    struct Limits {
        std::size_t maxMessageBytes = 1'000'000;
        std::size_t maxFragments = 1024;
    };

    enum class EventType : std::uint8_t {
        NeedMore,  ///< All input has been used as far as it goes.
        Text,      ///< A message, valid UTF-8.
        Binary,
        Ping,
        Pong,
        Close,  ///< `code` 1005 when the frame was empty, `data` the reason. Nothing follows.
        Error   ///< `code` is the close code to answer with. Nothing follows.
    };
    struct Event {
        EventType type = EventType::NeedMore;
        std::string_view data;  ///< Valid until the next call.
        std::uint16_t code = 0;
        const char* detail = "";
    };

    explicit WebSocketDecoder(const Limits& limits) : _limits(limits) {}

    /// Reads on in `[input, end)`, unmasking in place, and moves `input` past what was used. A
    /// message that lies whole in the input is returned as a view into it, without a copy. What is
    /// left when it returns NeedMore (a partial frame header at most, fewer than 14 bytes) has to
    /// be given again in front of the next bytes.
    Event next(char*& input, char* end);

    /// Bytes of a half received message that are kept.
    std::size_t bufferedBytes() const { return _message.capacity(); }

private:
    Event fail(std::uint16_t code, const char* detail);
    Event finishMessage(std::string_view payload);

    Limits _limits;
    std::string _message;          // of a fragmented or half received message
    std::uint64_t _remaining = 0;  // of the current frame's payload
    std::uint32_t _fragments = 0;
    std::uint32_t _utf8State = 0;
    std::uint8_t _mask[4] = {};
    std::uint8_t _maskAt = 0;
    std::uint8_t _opcode = 0;         // of the current frame
    std::uint8_t _messageOpcode = 0;  // of the message in progress; 0: none
    bool _inPayload = false;
    bool _final = false;
    bool _returned = false;  // _message was given out and is to be cleared
    bool _dead = false;
    std::uint8_t _controlSize = 0;
    char _control[125];
};

}  // namespace socketio
