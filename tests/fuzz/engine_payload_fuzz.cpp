// Engine.IO packets and payloads. The first byte of an input says how the rest is read: bits 0 and
// 1 the form (v4, v3 text, v3 binary, a JSONP form), bit 2 small limits. What was read is written
// in every form and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/protocol/EnginePayload.h"

#include "Pieces.h"

namespace {

using socketio::EnginePacket;
using socketio::EnginePayloadWriter;
using socketio::EngineRevision;
using socketio::fuzz::require;
namespace EnginePayload = socketio::EnginePayload;

void readAgain(const std::vector<EnginePacket>& packets) {
    for (const EngineRevision revision : {EngineRevision::V3, EngineRevision::V4}) {
        // A separator inside a packet has no form in revision 4.
        bool separable = true;
        for (const EnginePacket& packet : packets)
            separable =
                separable && (packet.binary || packet.data.find('\x1e') == std::string::npos);
        if (revision == EngineRevision::V4 && !separable) continue;
        for (const bool base64Only : {false, true}) {
            EnginePayloadWriter writer(revision, base64Only);
            for (const EnginePacket& packet : packets)
                writer.add(packet.type, packet.data, packet.binary);
            bool octetStream = false;
            const std::string body = writer.body(octetStream);
            require(!octetStream || (revision == EngineRevision::V3 && !base64Only),
                    "the binary form only where it is allowed");
            const auto back = EnginePayload::decode(revision, octetStream, body);
            require(back.ok() && *back == packets, "packets survive");
            if (octetStream) continue;
            // And as a browser would post it in a form.
            std::string form = "d=";
            for (const char c : body) {
                static constexpr char kHex[] = "0123456789ABCDEF";
                const auto byte = static_cast<unsigned char>(c);
                form += {'%', kHex[byte >> 4], kHex[byte & 15]};
            }
            const auto posted = EnginePayload::decodeJsonpForm(form);
            require(posted.ok(), "a form is read");
            if (body.find("\\n") == std::string::npos)
                require(*posted == body, "a payload survives a form");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::uint8_t how = data[0];
    std::string_view body = socketio::fuzz::view(data + 1, size - 1);
    EnginePayload::Limits limits;
    if (how & 4) limits = {3, 8};

    const auto base64 = socketio::decodeBase64(body);
    if (base64.ok()) {
        std::string again;
        socketio::appendBase64(again, *base64);
        require(again.starts_with(body) || body.starts_with(again), "base64 survives");
        require(again.size() - body.size() <= 2, "only padding may be left out");
    }

    std::string posted;
    if ((how & 3) == 3) {
        auto form = EnginePayload::decodeJsonpForm(body);
        if (!form.ok()) return 0;
        require(form->size() <= body.size(), "a form does not grow");
        posted = std::move(*form);
        body = posted;
    }
    const EngineRevision revision =
        (how & 3) == 0 || (how & 3) == 3 ? EngineRevision::V4 : EngineRevision::V3;
    const auto packets = EnginePayload::decode(revision, (how & 3) == 2, body, limits);
    if (!packets.ok()) {
        require(*packets.error().detail != '\0', "an error has a reason");
        return 0;
    }
    require(!packets->empty() && packets->size() <= limits.maxPackets,
            "the number of packets is limited");
    for (const EnginePacket& packet : *packets) {
        require(packet.data.size() <= limits.maxPacketBytes, "the size of a packet is limited");
        require(packet.binary ? packet.type == EnginePacket::Type::Message
                              : socketio::isValidUtf8(packet.data),
                "packets are messages or UTF-8");
    }
    readAgain(*packets);
    const std::string jsonp = EnginePayload::encodeJsonp("0", body);
    require(jsonp.starts_with("___eio[0](\"") && jsonp.ends_with("\");"), "JSONP is a call");
    require(jsonp.find('\n') == std::string::npos, "JSONP is one line");
    return 0;
}
