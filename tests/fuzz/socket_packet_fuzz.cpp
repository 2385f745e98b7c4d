// Socket.IO packets and their reassembly. An input is what one client sends: its first byte is the
// revision of the protocol ('4', anything else 5), then messages separated by 0x1E, of which those
// that begin with 'b' are binary. What was read is written and read again.
#include <optional>
#include <string>

#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/SocketPacketDecoder.h"

#include "Pieces.h"
#include "Values.h"

namespace {

using socketio::Binary;
using socketio::SocketPacket;
using socketio::SocketPacketDecoder;
using socketio::Value;
using socketio::fuzz::Attachments;
using socketio::fuzz::attachmentsIn;
using socketio::fuzz::require;
using Type = SocketPacket::Type;

constexpr std::size_t kMaxBytes = 4096;

void checkLimits(const SocketPacket& packet) {
    require(packet.nsp.starts_with('/') && packet.nsp.size() <= 255, "a namespace");
    require(!packet.id || *packet.id <= socketio::kMaxAckId, "a safe ack id");
    const Attachments attachments = attachmentsIn(packet.data);
    require(attachments.count <= socketio::kMaxAttachments, "10 attachments");
    require(attachments.bytes <= kMaxBytes, "bytes of attachments");
    if (packet.type == Type::Ack) require(packet.id && packet.data.isArray(), "an ack");
    if (packet.type != Type::Event) return;
    const Value& name = packet.data[0];
    require(name.isInteger() || (name.isString() && name.asString().size() <= 1024 &&
                                 !socketio::isReservedEvent(name.asString())),
            "an event name");
}

void checkRoundTrip(const SocketPacket& packet, int revision) {
    const auto encoded = encodeSocketPacket(packet, 5);
    require(encoded.ok(), "what was read can be written");
    const std::string_view text = std::string_view(encoded->text).substr(5);
    require(socketio::isValidUtf8(text), "text is UTF-8");
    SocketPacketDecoder decoder(revision, kMaxBytes);
    auto decoded = decoder.text(text);
    for (const Binary& attachment : encoded->attachments) {
        require(decoded.ok() && !*decoded && decoder.pending(), "attachments are waited for");
        decoded = decoder.binary(attachment.view());
    }
    require(decoded.ok() && *decoded && !decoder.pending(), "what was written can be read");
    const SocketPacket& again = **decoded;
    require(again.type == packet.type && again.nsp == packet.nsp && again.id == packet.id &&
                again.data == packet.data,
            "the same packet again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const int revision = data[0] == '4' ? 4 : 5;
    std::string_view rest = socketio::fuzz::view(data + 1, size - 1);
    SocketPacketDecoder decoder(revision, kMaxBytes);
    bool failed = false;
    for (;;) {
        const std::size_t end = std::min(rest.find('\x1E'), rest.size());
        const std::string_view message = rest.substr(0, end);
        const bool binary = message.starts_with('b');
        const auto packet = binary ? decoder.binary(message.substr(1)) : decoder.text(message);
        require(!(failed && packet.ok()), "nothing is accepted after an error");
        failed = !packet.ok();
        require(!(failed && decoder.pending()), "an error frees what was pending");
        require(failed || packet->has_value() != decoder.pending(), "a packet, or one pending");
        if (packet.ok() && *packet) {
            checkLimits(**packet);
            checkRoundTrip(**packet, revision);
        }
        if (end == rest.size()) break;
        rest.remove_prefix(end + 1);
    }
    return 0;
}
