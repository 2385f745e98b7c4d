#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "socketio/protocol/SocketPacket.h"

namespace socketio {

/// Puts Socket.IO packets together from the Engine.IO messages of one client, and refuses what
/// the official decoder refuses (and a little more).
///
/// After an error the decoder refuses everything: the session has to be closed.
///
/// Owner:   the client. Threads: confined to the client's loop.
/// Limits:  10 attachments, 1 to `maxBytes` of them in all, names of namespaces 255 bytes, of
///          events 1,024 bytes, ack ids up to 2^53-1, JSON depth 128. While nothing is pending it
///          holds no memory.
class SocketPacketDecoder {
public:
    /// `revision` is the Socket.IO protocol revision: 4 with Engine.IO 3, 5 with Engine.IO 4.
    SocketPacketDecoder(int revision, std::size_t maxBytes, const JsonInterface* json = nullptr)
        : _revision(revision), _maxBytes(maxBytes), _json(json) {}

    /// A packet, nothing while attachments are outstanding, or an error.
    Result<std::optional<SocketPacket>> text(std::string_view message);
    Result<std::optional<SocketPacket>> binary(std::string_view message);

    /// True while attachments are outstanding: their namespace may be checked before they come.
    bool pending() const { return _partial != nullptr; }

private:
    struct Partial;  // the packet whose attachments are outstanding
    struct PartialDeleter {
        void operator()(Partial*) const;
    };

    int _revision;
    std::size_t _maxBytes;
    const JsonInterface* _json;
    std::unique_ptr<Partial, PartialDeleter> _partial;
    bool _failed = false;
};

}  // namespace socketio
