#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Result.h"
#include "socketio/protocol/EnginePacket.h"

namespace socketio {

/// Several packets in one polling body.
/// See: Engine.IO protocol v4 "HTTP long-polling", v3 "Payload encoding".
///
///     v4           packets joined by 0x1E, binary as b<base64>
///     v3 text      <n>:<packet>..., n in UTF-16 code units, binary as b4<base64>
///     v3 binary    00|01 <digits of the length in bytes, one per byte> FF <packet>...
///
/// Threads: pure functions; what is given is borrowed for the call.
/// Errors:  a DecodeError at the first fault, for the whole body: an empty body, an empty packet,
///          text that is not UTF-8 included. Nothing is thrown.
/// Limits:  Limits below; the time is linear in the size of the body.
namespace EnginePayload {

struct Limits {
    std::size_t maxPackets = 1000;
    std::size_t maxPacketBytes = 1'000'000;  ///< Of the data of one packet, base64 decoded.
};

/// `octetStream`: the body came as application/octet-stream (v3 binary form; an error for v4).
Result<std::vector<EnginePacket>> decode(EngineRevision revision, bool octetStream,
                                         std::string_view body, const Limits& limits = {});

/// JSONP: the payload inside `d=<urlencoded>`; undoes the client's escaping of newlines. A form
/// without `d` or with a broken percent escape is an error.
Result<std::string> decodeJsonpForm(std::string_view body);

/// JSONP: `___eio[<digits of index>]("<payload as a JavaScript string>");` with U+2028 and U+2029
/// escaped.
std::string encodeJsonp(std::string_view index, std::string_view payload);

}  // namespace EnginePayload

/// Writes one polling body.
///
/// For v3 the binary form is chosen when binary is allowed and a binary packet is added; add() may
/// be called in any order, since the form is decided in body().
///
/// Owner:   whoever writes the body; the data of the packets is borrowed.
/// Threads: thread-compatible.
/// Limits:  none; who adds keeps to what the client reads.
class EnginePayloadWriter {
public:
    EnginePayloadWriter(EngineRevision revision, bool base64Only)
        : _revision(revision), _base64Only(base64Only) {}

    /// `data` without the type digit; borrowed until body() is called.
    void add(EnginePacket::Type type, std::string_view data, bool binary = false);

    std::size_t packets() const { return _packets.size(); }

    /// The body; `octetStream` tells its content type. Without packets: `0:` in v3, nothing in v4.
    std::string body(bool& octetStream) const;

private:
    struct Item {
        EnginePacket::Type type;
        bool binary;
        std::string_view data;
    };
    EngineRevision _revision;
    bool _base64Only;
    bool _anyBinary = false;
    std::vector<Item> _packets;
};

/// JavaScript's string length of valid UTF-8 text.
std::size_t utf16Length(std::string_view utf8);

}  // namespace socketio
