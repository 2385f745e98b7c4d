#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Result.h"
#include "socketio/protocol/JsonCodec.h"
#include "socketio/protocol/Value.h"

namespace socketio {

/// One Socket.IO packet, inside Engine.IO messages.
/// See: Socket.IO protocol revision 4 and 5, "Packet encoding".
///
///     <type>[<attachments>-][<nsp>,][<ack id>][<json>]      51-/chat,7["photo",{...}]
///
/// `data` is the array of an Event or Ack (an Event's first item is its name), the object of a
/// Connect or ConnectError, otherwise null. Events with attachments have the type Event here, too:
/// the wire type follows from the data.
struct SocketPacket {
    enum class Type : std::uint8_t { Connect = 0, Disconnect, Event, Ack, ConnectError };

    Type type = Type::Event;
    std::string nsp = "/";
    std::optional<std::uint64_t> id;
    Value data;
};

/// A packet in wire form: its text, and the attachments that follow it one message each.
struct EncodedSocketPacket {
    std::string text;  ///< Begins with `headroom` bytes of no meaning.
    std::vector<Binary> attachments;
    std::size_t idAt = 0;  ///< Where in `text` the ack id stands, or would stand.

    /// Puts an ack id into a packet that was encoded without one: of an event with many recipients
    /// only the ids differ.
    void setAckId(std::uint64_t id);
};

inline constexpr std::size_t kMaxAttachments = 10;            // official clients refuse more
inline constexpr std::uint64_t kMaxAckId = (1ull << 53) - 1;  // JavaScript's safe integers

/// Encodes an Event or Ack without a SocketPacket in between. `arguments` is the whole array.
/// `headroom` bytes are left free at the front for a frame header.
/// Errors: TooMany attachments, BadJson for NaN and infinity, TooDeep.
Result<EncodedSocketPacket> encodeSocketPacket(SocketPacket::Type type, std::string_view nsp,
                                               std::optional<std::uint64_t> id, const Value* data,
                                               std::size_t headroom = 0,
                                               const JsonInterface* json = nullptr);

Result<EncodedSocketPacket> encodeSocketPacket(const SocketPacket& packet, std::size_t headroom = 0,
                                               const JsonInterface* json = nullptr);

/// The name of a namespace as it is on the wire: empty is the main one, and a slash that is missing
/// is added. "*" stands for all and stays.
std::string namespaceName(std::string_view nsp);

/// Names that belong to the library: connect, connect_error, disconnect, disconnecting,
/// newListener, removeListener.
bool isReservedEvent(std::string_view name);

}  // namespace socketio
