#include "socketio/protocol/SocketPacket.h"

#include <charconv>
#include <utility>

namespace socketio {

namespace {

constexpr std::string_view kReservedEvents[] = {"connect",       "connect_error", "disconnect",
                                                "disconnecting", "newListener",   "removeListener"};

void appendNumber(std::string& out, std::uint64_t number) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// About how long the text of `value` will be. It looks at `nodes` nodes and no more: enough for
/// small events to get all their room at once, and large ones grow as strings do.
std::size_t guessLength(const Value& value, int& nodes) {
    if (--nodes < 0) return 0;
    switch (value.type()) {
        case Value::Type::String:
            return value.asString().size() + 3;
        case Value::Type::Binary:
            return 32;  // of its placeholder
        case Value::Type::Array: {
            std::size_t sum = 3;
            for (const Value& item : value.asArray()) {
                if (nodes < 0) break;
                sum += guessLength(item, nodes);
            }
            return sum;
        }
        case Value::Type::Object: {
            std::size_t sum = 3;
            for (const auto& [key, member] : value.asObject()) {
                if (nodes < 0) break;
                sum += key.size() + 3 + guessLength(member, nodes);
            }
            return sum;
        }
        case Value::Type::Integer:
            return 12;
        case Value::Type::Double:
            return 24;
        default:
            return 6;
    }
}

/// A copy with placeholders for a JSON codec that knows nothing of attachments.
bool replaceBinary(Value& value, std::vector<Binary>& attachments, std::size_t depth) {
    if (value.isBinary()) {
        Value placeholder = {{"_placeholder", true},
                             {"num", static_cast<std::int64_t>(attachments.size())}};
        attachments.push_back(value.asBinary());
        value = std::move(placeholder);
        return true;
    }
    if (!value.isArray() && !value.isObject()) return true;
    if (depth == 0) return false;
    if (value.isArray()) {
        for (Value& item : value.makeArray())
            if (!replaceBinary(item, attachments, depth - 1)) return false;
    } else {
        for (auto& member : value.makeObject())
            if (!replaceBinary(member.second, attachments, depth - 1)) return false;
    }
    return true;
}

/// Appends the text of `value`; its binary parts go to `attachments`, or are refused without.
Result<bool> appendJson(std::string& out, const Value& value, std::vector<Binary>* attachments,
                        const JsonInterface* json) {
    if (!json) return JsonCodec::encodeTo(out, value, attachments);
    try {
        if (!value.containsBinary()) {
            out += json->dumps(value);
            return true;
        }
        if (!attachments)
            return {DecodeError::Code::BadJson, "binary data in a packet that cannot carry it"};
        Value copy = value;
        if (!replaceBinary(copy, *attachments, JsonCodec::kMaxDepth))
            return {DecodeError::Code::TooDeep, "JSON nested too deep"};
        out += json->dumps(copy);
        return true;
    } catch (...) {
        return {DecodeError::Code::BadJson, "the JSON codec refused the data"};
    }
}

}  // namespace

Result<EncodedSocketPacket> encodeSocketPacket(SocketPacket::Type type, std::string_view nsp,
                                               std::optional<std::uint64_t> id, const Value* data,
                                               std::size_t headroom, const JsonInterface* json) {
    constexpr std::size_t kPrefix = 28;  // type, attachments, comma, ack id
    const bool carriesBinary = type == SocketPacket::Type::Event || type == SocketPacket::Type::Ack;

    EncodedSocketPacket packet;
    std::string& text = packet.text;
    int nodes = 32;
    text.reserve(headroom + kPrefix + nsp.size() + (data ? guessLength(*data, nodes) : 0));
    text.assign(headroom, '\0');
    text += static_cast<char>('0' + static_cast<int>(type));
    if (nsp != "/") text.append(nsp) += ',';
    packet.idAt = text.size();
    if (id) appendNumber(text, *id);
    if (data) {
        const Result<bool> done =
            appendJson(text, *data, carriesBinary ? &packet.attachments : nullptr, json);
        if (!done) return done.error();
    }
    const std::size_t count = packet.attachments.size();
    if (count == 0) return packet;

    // Only now is it known that there are attachments. Moving the text along costs little beside
    // them, and packets without any are spared a look through their data beforehand.
    if (count > kMaxAttachments) return {DecodeError::Code::TooMany, "more than 10 attachments"};
    text[headroom] = type == SocketPacket::Type::Event ? '5' : '6';
    char head[4];
    char* const end = std::to_chars(head, head + sizeof head, count).ptr;
    *end = '-';
    const auto size = static_cast<std::size_t>(end + 1 - head);
    text.insert(headroom + 1, head, size);
    packet.idAt += size;
    return packet;
}

void EncodedSocketPacket::setAckId(std::uint64_t id) {
    char digits[20];
    char* const end = std::to_chars(digits, digits + sizeof digits, id).ptr;
    text.insert(idAt, digits, static_cast<std::size_t>(end - digits));
}

Result<EncodedSocketPacket> encodeSocketPacket(const SocketPacket& packet, std::size_t headroom,
                                               const JsonInterface* json) {
    return encodeSocketPacket(packet.type, packet.nsp, packet.id,
                              packet.data.isNull() ? nullptr : &packet.data, headroom, json);
}

std::string namespaceName(std::string_view nsp) {
    if (nsp.empty()) return "/";
    if (nsp.front() == '/' || nsp == "*") return std::string(nsp);
    return "/" + std::string(nsp);
}

bool isReservedEvent(std::string_view name) {
    switch (name.empty() ? '\0' : name.front()) {  // most names need no comparison
        case 'c':
        case 'd':
        case 'n':
        case 'r':
            for (const std::string_view reserved : kReservedEvents)
                if (name == reserved) return true;
            return false;
        default:
            return false;
    }
}

}  // namespace socketio
