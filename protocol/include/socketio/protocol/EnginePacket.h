#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "socketio/base/Result.h"

namespace socketio {

/// The revisions of the Engine.IO protocol that one port serves.
enum class EngineRevision : std::uint8_t { V3 = 3, V4 = 4 };

/// One Engine.IO packet, the unit a transport carries.
/// See: Engine.IO protocol v3 and v4, "Packet encoding".
///
///     text     <type digit><data>    4hello    the message "hello"
///     binary   b<base64>             bAQID     a binary message in a v4 payload
///              b4<base64>            b4AQID    the same in a v3 text payload
///
/// Threads: a plain value; share it between threads only as const.
/// Errors:  decoding reports bad input as a DecodeError and never throws for it.
struct EnginePacket {
    enum class Type : char {
        Open = '0',
        Close = '1',
        Ping = '2',
        Pong = '3',
        Message = '4',
        Upgrade = '5',
        Noop = '6'
    };
    Type type = Type::Noop;
    bool binary = false;  ///< Only a Message may be binary.
    std::string data;

    /// The type of a text frame or packet by its first character.
    static Result<Type> typeOf(std::string_view text);

    /// Reads exactly one packet in text form (`4hello`; `bAQID` in v4, `b4AQID` in v3); `bytes` is
    /// borrowed for the call. Whether it is UTF-8 is checked where it came from: in
    /// EnginePayload::decode() and by the WebSocket frames.
    static Result<EnginePacket> decode(std::string_view bytes,
                                       EngineRevision revision = EngineRevision::V4);

    bool operator==(const EnginePacket&) const = default;
};

/// Standard base64 with padding.
void appendBase64(std::string& out, std::string_view bytes);
/// Strict: the standard alphabet, no white space, unused bits 0. Missing padding is accepted, since
/// clients of revision 3 leave it out; wrong padding is not.
Result<std::string> decodeBase64(std::string_view text);

/// True for valid UTF-8 (RFC 3629).
bool isValidUtf8(std::string_view text);

/// Appends `text` with U+FFFD for every byte that belongs to no character. Surrogates pass as the
/// three bytes that WTF-8, and Python's `surrogatepass`, gives them. False when it replaced one.
bool appendWtf8(std::string& out, std::string_view text);

}  // namespace socketio
