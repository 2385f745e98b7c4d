#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/protocol/SocketPacket.h"

namespace socketio {

/// In some data the placeholders of its attachments, by number; null where there is none.
using AttachmentPlaces = std::array<Value*, kMaxAttachments>;

/// Finds the placeholders for `count` attachments, at most kMaxAttachments. Refused: a number that
/// is none, is out of range, or stands twice; nesting beyond JsonCodec::kMaxDepth.
Result<bool> findAttachmentPlaces(Value& data, std::size_t count, AttachmentPlaces& places);

/// What a packet of a client may hold; more ends its session.
struct SocketPacketLimits {
    std::size_t maxAttachments = 10;  ///< At most kMaxAttachments.
    std::size_t maxNamespaceBytes = 255;
    std::size_t maxEventBytes = 1024;     ///< Of an event's name.
    std::size_t maxQueryParameters = 64;  ///< Of a namespace's query, revision 4.
    std::size_t maxJsonDepth = 128;       ///< At most JsonCodec::kMaxDepth.
};

/// Puts Socket.IO packets together from the Engine.IO messages of one client, and refuses what
/// the official decoder refuses (and a little more).
///
/// After an error the decoder refuses everything: the session has to be closed.
///
/// Where the protocol leaves a choice:
///   event names   a string, or an integer as the official decoder allows, left in `data` as it is
///   ack ids       only Events and Acks have one; an Ack without is refused
///   placeholders  mean something in packets with attachments only; each number of 0 to n-1 at
///                 most once, and an attachment that no placeholder names is dropped
///   revision 4    the query of a namespace is cut off; in a Connect it becomes `data`, an object
///                 of strings (arrays for repeated keys). A ConnectError may hold any JSON
///
/// Owner:   the client. Threads: confined to the client's loop.
/// Limits:  SocketPacketLimits, attachments of `maxBytes` in all, ack ids up to 2^53-1. While
///          nothing is pending it holds no memory.
class SocketPacketDecoder {
public:
    /// `revision` is the Socket.IO protocol revision: 4 with Engine.IO 3, 5 with Engine.IO 4.
    /// `json` and `limits` are borrowed; without them JsonCodec, and the default ones.
    SocketPacketDecoder(int revision, std::size_t maxBytes, const JsonInterface* json = nullptr,
                        const SocketPacketLimits* limits = nullptr);

    /// A packet, nothing while attachments are outstanding, or an error.
    Result<std::optional<SocketPacket>> text(std::string_view message);
    Result<std::optional<SocketPacket>> binary(std::string_view message);

    /// True while attachments are outstanding.
    bool pending() const { return _partial != nullptr; }
    /// The namespace of the packet whose attachments are outstanding, so that one that was never
    /// joined can be refused before they come; otherwise empty.
    std::string_view pendingNsp() const;

private:
    struct Partial;  // the packet whose attachments are outstanding
    struct PartialDeleter {
        void operator()(Partial*) const;
    };

    std::optional<DecodeError> parse(std::string_view rest, SocketPacket& packet,
                                     std::size_t& attachments) const;
    DecodeError fail(DecodeError error);

    int _revision;
    std::size_t _maxBytes;
    const JsonInterface* _json;
    const SocketPacketLimits* _limits;
    std::unique_ptr<Partial, PartialDeleter> _partial;
    bool _failed = false;
};

}  // namespace socketio
