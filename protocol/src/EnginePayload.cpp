#include "socketio/protocol/EnginePayload.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

#include "socketio/base/Text.h"
#include "socketio/protocol/JsonCodec.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;
using Packets = std::vector<EnginePacket>;

constexpr char kSeparator = '\x1e';
constexpr char kLengthEnd = '\xff';
constexpr std::size_t kMaxLengthDigits = 10;
constexpr char kBinaryMessage = 4;  // EnginePacket::Type::Message as a number

/// Collects the packets of one body within its limits.
class Collector {
public:
    Collector(EngineRevision revision, const EnginePayload::Limits& limits)
        : _revision(revision), _limits(limits) {}

    /// `packet` in text form.
    bool text(std::string_view packet) {
        if (!room()) return false;
        const bool base64 = packet.starts_with('b');
        // Before anything is decoded or copied.
        const std::size_t bytes =
            base64 ? packet.size() / 4 * 3 : packet.size() - (packet.empty() ? 0 : 1);
        if (bytes > _limits.maxPacketBytes + (base64 ? 3 : 0)) return tooLarge();
        auto decoded = EnginePacket::decode(packet, _revision);
        if (!decoded.ok()) return fail(decoded.error());
        if (decoded->data.size() > _limits.maxPacketBytes) return tooLarge();
        packets.push_back(std::move(*decoded));
        return true;
    }

    bool binary(std::string_view data) {
        if (!room()) return false;
        if (data.size() > _limits.maxPacketBytes) return tooLarge();
        packets.push_back({EnginePacket::Type::Message, true, std::string(data)});
        return true;
    }

    bool fail(DecodeError why) {
        error = why;
        return false;
    }
    bool fail(Code code, const char* detail) { return fail(DecodeError{code, detail}); }
    bool fail(Code code, const char* detail, Limit limit) {
        return fail(DecodeError{code, detail, limit});
    }

    Packets packets;
    DecodeError error;

private:
    bool room() {
        return packets.size() < _limits.maxPackets ||
               fail(Code::TooMany, "too many packets", Limit::MaxPacketsPerPayload);
    }
    bool tooLarge() { return fail(Code::TooLarge, "packet too large", Limit::MaxHttpBufferSize); }

    const EngineRevision _revision;
    const EnginePayload::Limits& _limits;
};

bool decodeV4(std::string_view body, Collector& out) {
    for (;;) {
        const std::size_t end = body.find(kSeparator);
        if (!out.text(body.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        body.remove_prefix(end + 1);
    }
}

/// How many bytes of valid UTF-8 make `units` UTF-16 code units; nothing when the text is too
/// short or a character lies across.
std::optional<std::size_t> bytesOfUnits(std::string_view text, std::size_t units) {
    std::size_t at = 0;
    while (units > 0) {
        std::uint64_t word;
        while (units >= 8 && text.size() - at >= 8) {
            std::memcpy(&word, text.data() + at, sizeof word);
            if (word & 0x8080808080808080u) break;
            at += 8;
            units -= 8;
        }
        if (units == 0) break;
        if (at >= text.size()) return std::nullopt;
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t needed = lead >= 0xF0 ? 2 : 1;
        if (needed > units) return std::nullopt;
        units -= needed;
        at += lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    }
    return at;
}

bool decodeV3Text(std::string_view body, Collector& out) {
    while (!body.empty()) {
        const std::size_t colon = body.substr(0, kMaxLengthDigits + 1).find(':');
        std::size_t units = 0;
        if (colon == std::string_view::npos || colon == 0)
            return out.fail(Code::Malformed, "length of a packet expected");
        const char* const digits = body.data();
        const auto read = std::from_chars(digits, digits + colon, units);
        if (read.ec != std::errc() || read.ptr != digits + colon)
            return out.fail(Code::Malformed, "length of a packet expected");
        body.remove_prefix(colon + 1);
        const auto bytes = bytesOfUnits(body, units);
        if (!bytes) return out.fail(Code::Malformed, "packet shorter than its length");
        if (!out.text(body.substr(0, *bytes))) return false;
        body.remove_prefix(*bytes);
    }
    return true;
}

bool decodeV3Binary(std::string_view body, Collector& out) {
    while (!body.empty()) {
        const char kind = body.front();
        if (kind != 0 && kind != 1)
            return out.fail(Code::Malformed, "packet is neither text nor binary");
        body.remove_prefix(1);
        const std::size_t end = body.substr(0, kMaxLengthDigits + 1).find(kLengthEnd);
        if (end == std::string_view::npos || end == 0)
            return out.fail(Code::Malformed, "length of a packet expected");
        std::size_t bytes = 0;
        for (const char digit : body.substr(0, end)) {
            if (digit < 0 || digit > 9)
                return out.fail(Code::Malformed, "length of a packet expected");
            bytes = bytes * 10 + static_cast<std::size_t>(digit);
        }
        body.remove_prefix(end + 1);
        if (bytes > body.size()) return out.fail(Code::Malformed, "packet shorter than its length");
        std::string_view packet = body.substr(0, bytes);
        body.remove_prefix(bytes);
        if (kind == 0) {
            if (!isValidUtf8(packet)) return out.fail(Code::BadUtf8, "packet is not UTF-8");
            if (!out.text(packet)) return false;
            continue;
        }
        if (packet.empty()) return out.fail(Code::Empty, "empty packet");
        if (packet.front() != kBinaryMessage)
            return out.fail(Code::UnknownType, "only a message may be binary");
        packet.remove_prefix(1);
        if (!out.binary(packet)) return false;
    }
    return true;
}

/// application/x-www-form-urlencoded; nothing for a broken escape.
std::optional<std::string> formDecode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%') {
            if (text.size() - at < 3) return std::nullopt;
            const auto high = hexDigit(text[at + 1]), low = hexDigit(text[at + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high << 4 | low);
            at += 2;
        } else {
            out += text[at] == '+' ? ' ' : text[at];
        }
    }
    return out;
}

/// The client writes a newline as \n, since forms turn it into CR LF, and what was \n as \\n.
void unescapeNewlines(std::string& text) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view rest = std::string_view(text).substr(at);
        if (rest.starts_with("\\\\n")) {
            text[kept++] = '\\';
            text[kept++] = 'n';
            at += 2;
        } else if (rest.starts_with("\\n")) {
            text[kept++] = '\n';
            at += 1;
        } else {
            text[kept++] = text[at];
        }
    }
    text.resize(kept);
}

std::size_t base64Size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

void appendNumber(std::string& out, std::size_t value) {
    char buffer[20];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void appendV3Head(std::string& out, char kind, std::size_t length) {
    out += kind;
    const std::size_t at = out.size();
    appendNumber(out, length);
    for (std::size_t i = at; i < out.size(); ++i) out[i] = static_cast<char>(out[i] - '0');
    out += kLengthEnd;
}

}  // namespace

Result<Packets> EnginePayload::decode(EngineRevision revision, bool octetStream,
                                      std::string_view body, const Limits& limits) {
    if (body.empty()) return {Code::Empty, "empty payload"};
    if (octetStream && revision != EngineRevision::V3)
        return {Code::Malformed, "binary payload in revision 4"};
    if (!octetStream && !isValidUtf8(body)) return {Code::BadUtf8, "payload is not UTF-8"};
    Collector out(revision, limits);
    const bool good = octetStream                      ? decodeV3Binary(body, out)
                      : revision == EngineRevision::V3 ? decodeV3Text(body, out)
                                                       : decodeV4(body, out);
    if (!good) return out.error;
    return std::move(out.packets);
}

Result<std::string> EnginePayload::decodeJsonpForm(std::string_view body) {
    for (;;) {
        const std::size_t end = body.find('&');
        if (const std::string_view pair = body.substr(0, end); pair.starts_with("d=")) {
            auto payload = formDecode(pair.substr(2));
            if (!payload) return {Code::Malformed, "broken percent escape"};
            unescapeNewlines(*payload);
            return std::move(*payload);
        }
        if (end == std::string_view::npos) return {Code::Malformed, "form without d"};
        body.remove_prefix(end + 1);
    }
}

std::string EnginePayload::encodeJsonp(std::string_view index, std::string_view payload) {
    std::string out = "___eio[";
    out.reserve(payload.size() + payload.size() / 4 + 32);
    for (const char c : index)
        if (c >= '0' && c <= '9') out += c;  // anything else would be script in the page
    out += "](";
    std::string literal;
    appendJsonString(literal, payload);
    // Line ends to JavaScript before ES2019, though not to JSON.
    for (std::string_view rest = literal;;) {
        const std::size_t at = rest.find("\xE2\x80");
        if (at == std::string_view::npos || rest.size() - at < 3) {
            out += rest;
            break;
        }
        const char last = rest[at + 2];
        out += rest.substr(0, at);
        if (last == '\xA8')
            out += "\\u2028";
        else if (last == '\xA9')
            out += "\\u2029";
        else
            out += rest.substr(at, 3);
        rest.remove_prefix(at + 3);
    }
    out += ");";
    return out;
}

void EnginePayloadWriter::add(EnginePacket::Type type, std::string_view data, bool binary) {
    _packets.push_back({type, binary, data});
    _anyBinary = _anyBinary || binary;
}

std::string EnginePayloadWriter::body(bool& octetStream) const {
    octetStream = _revision == EngineRevision::V3 && _anyBinary && !_base64Only;
    std::string out;
    std::size_t size = 0;
    for (const Item& packet : _packets)
        size +=
            (packet.binary && !octetStream ? base64Size(packet.data.size()) : packet.data.size()) +
            16;
    out.reserve(size);

    if (_revision == EngineRevision::V4) {
        for (const Item& packet : _packets) {
            if (!out.empty()) out += kSeparator;
            if (packet.binary) {
                out += 'b';
                appendBase64(out, packet.data);
            } else {
                out += static_cast<char>(packet.type);
                out += packet.data;
            }
        }
        return out;
    }

    if (_packets.empty()) return "0:";
    for (const Item& packet : _packets) {
        if (octetStream) {
            appendV3Head(out, packet.binary ? 1 : 0, packet.data.size() + 1);
            out += packet.binary ? kBinaryMessage : static_cast<char>(packet.type);
            out += packet.data;
        } else if (packet.binary) {
            appendNumber(out, base64Size(packet.data.size()) + 2);
            out += ":b4";
            appendBase64(out, packet.data);
        } else {
            appendNumber(out, utf16Length(packet.data) + 1);
            out += ':';
            out += static_cast<char>(packet.type);
            out += packet.data;
        }
    }
    return out;
}

std::size_t utf16Length(std::string_view utf8) {
    // Every byte that begins a character is one unit, and one more above U+FFFF.
    std::size_t units = 0;
    for (const char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        units += static_cast<std::size_t>((byte & 0xC0) != 0x80) +
                 static_cast<std::size_t>(byte >= 0xF0);
    }
    return units;
}

}  // namespace socketio
