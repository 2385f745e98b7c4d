#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/base/Limit.h"

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

/// Appends a close frame; code 0 makes an empty one. A reason beyond 123 bytes is cut.
void appendWebSocketClose(std::string& out, std::uint16_t code, std::string_view reason = {});

/// The value of Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2).
std::string webSocketAcceptKey(std::string_view key);
/// 16 bytes in base64.
bool isWebSocketKey(std::string_view key);

/// Reads the frames of a peer and gives whole messages. What it finds does not depend on how the
/// bytes were cut, and a fault is found at the first byte that shows it.
///
/// Threads: confined.
/// Memory:  nothing while no message is half received; otherwise at most twice what has arrived of
///          it, whatever its header announced.
/// Errors:  1002 reserved bits, unknown opcodes, no mask, lengths not in their shortest form,
///          control frames too long or fragmented, fragments out of order, bad close codes;
///          1007 bytes that are not UTF-8; 1009 the limits.
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
        std::optional<Limit> limit{};  ///< Of an Error: the limit that it went over.
    };

    explicit WebSocketDecoder(const Limits& limits) : _limits(limits) {}

    /// Reads on in `[input, end)`, unmasking in place, and moves `input` past what was used. A
    /// message that lies whole in the input is returned as a view into it, without a copy. What is
    /// left when it returns NeedMore (a partial frame header at most, fewer than 14 bytes) has to
    /// be given again in front of the next bytes. After Close or Error all input is used up and
    /// nothing but NeedMore comes.
    Event next(char*& input, char* end);

    /// Bytes that a half received message occupies.
    std::size_t bufferedBytes() const { return _message.empty() ? 0 : _message.capacity(); }

private:
    Event fail(std::uint16_t code, const char* detail, std::optional<Limit> limit = {});
    Event readHeader(char*& input, const char* end);
    Event readData(std::string_view piece);
    Event readControl(std::string_view piece);
    Event readClose(std::string_view payload);

    Limits _limits;
    std::string _message;                   // of a fragmented or half received message
    std::unique_ptr<std::string> _control;  // of a half received control frame
    std::uint64_t _remaining = 0;           // of the current frame's payload
    std::uint32_t _fragments = 0;           // of the message in progress
    std::uint32_t _utf8State = 0;
    std::uint8_t _mask[4] = {};
    std::uint8_t _maskAt = 0;
    std::uint8_t _opcode = 0;         // of the current frame
    std::uint8_t _messageOpcode = 0;  // of the message in progress; 0: none
    bool _inPayload = false;
    bool _final = false;
    bool _messageGiven = false;  // _message was given out and is to be cleared
    bool _controlGiven = false;
    bool _dead = false;
};

}  // namespace socketio
