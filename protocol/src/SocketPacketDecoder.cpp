#include "socketio/protocol/SocketPacketDecoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "socketio/protocol/EnginePacket.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;
using Type = SocketPacket::Type;

constexpr std::size_t kMaxNamespaceBytes = 255;
constexpr std::size_t kMaxEventNameBytes = 1024;
constexpr std::size_t kMaxQueryParameters = 64;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Digits at the front of `text`, which they are taken from. False above `most`, which `maxDigits`
/// digits have to be able to hold.
bool takeNumber(std::string_view& text, std::size_t maxDigits, std::uint64_t most,
                std::uint64_t& number) {
    std::size_t digits = 0;
    number = 0;
    for (; digits < text.size() && isDigit(text[digits]); ++digits) {
        if (digits == maxDigits) return false;
        number = number * 10 + static_cast<std::uint64_t>(text[digits] - '0');
    }
    text.remove_prefix(digits);
    return number <= most;
}

int hexDigit(char c) {
    if (isDigit(c)) return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Undoes a form's encoding; a bad escape stands for itself, as it does for Node.js.
std::string decodeParameter(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
            continue;
        }
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hexDigit(text[i + 1]);
            const int low = hexDigit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high << 4 | low);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

/// `key=val&key2=val2` as an object of strings; the values of a repeated key become an array.
Result<Value> decodeQuery(std::string_view query) {
    Value result = Value::object();
    std::size_t parameters = 0;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view parameter = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (parameter.empty()) continue;
        if (++parameters > kMaxQueryParameters) return {Code::TooMany, "too many query parameters"};
        const std::size_t equals = std::min(parameter.find('='), parameter.size());
        const std::string key = decodeParameter(parameter.substr(0, equals));
        std::string value =
            decodeParameter(parameter.substr(std::min(equals + 1, parameter.size())));
        // Escapes may have spelled anything.
        if (!isValidUtf8(key) || !isValidUtf8(value))
            return {Code::BadUtf8, "query of a namespace is not UTF-8"};
        if (!result.has(key)) {
            result.set(key, std::move(value));
            continue;
        }
        Value& present = result[key];
        if (!present.isArray()) present = Value::array({std::move(present)});
        present.push(std::move(value));
    }
    return result;
}

Result<Value> decodeJson(std::string_view text, const JsonInterface* json) {
    if (!json) return JsonCodec::decode(text);
    try {
        return json->loads(text);
    } catch (...) {
        return {Code::BadJson, "the JSON codec refused the data"};
    }
}

/// Why an event's array must not come from a client; nullptr when it may.
const char* checkEvent(const Value& data, Code& code) {
    code = Code::Malformed;
    if (!data.isArray() || data.empty()) return "event without a name";
    const Value& name = data.asArray().front();
    if (name.isInteger()) return nullptr;
    if (!name.isString()) return "event name is not a string";
    if (isReservedEvent(name.asString())) {
        code = Code::Reserved;
        return "reserved event name";
    }
    if (name.asString().size() > kMaxEventNameBytes) {
        code = Code::TooLarge;
        return "event name too long";
    }
    return nullptr;
}

}  // namespace

struct SocketPacketDecoder::Partial {
    SocketPacket packet;
    std::array<Value*, kMaxAttachments> places{};  // in `packet`, by number; may be missing
    std::size_t expected = 0;
    std::size_t received = 0;
    std::size_t bytes = 0;

    /// Finds the placeholders, so that each attachment goes to its place when it comes. Refused:
    /// a number that is none, is out of range, or stands twice.
    Result<bool> findPlaces(Value& value, std::size_t depth) {
        if (value.isArray()) {
            if (depth == 0) return {Code::TooDeep, "JSON nested too deep"};
            for (Value& item : value.makeArray())
                if (auto found = findPlaces(item, depth - 1); !found) return found;
            return true;
        }
        if (!value.isObject()) return true;
        if (depth == 0) return {Code::TooDeep, "JSON nested too deep"};
        if (const Value* mark = value.find("_placeholder"); mark && mark->asBool(false))
            return addPlace(value);
        for (auto& member : value.makeObject())
            if (auto found = findPlaces(member.second, depth - 1); !found) return found;
        return true;
    }

    Result<bool> addPlace(Value& value) {
        // JavaScript knows one kind of number: 0 and 0.0 are the same place.
        const Value& num = std::as_const(value)["num"];
        const double number = num.isNumber() ? num.asDouble() : -1;
        if (!(number >= 0 && number < static_cast<double>(expected)) ||
            number != std::floor(number))
            return {Code::Malformed, "placeholder without a valid number"};
        Value*& place = places[static_cast<std::size_t>(number)];
        if (place) return {Code::Malformed, "two placeholders for one attachment"};
        place = &value;
        return true;
    }
};

void SocketPacketDecoder::PartialDeleter::operator()(Partial* partial) const { delete partial; }

std::string_view SocketPacketDecoder::pendingNsp() const {
    return _partial ? std::string_view(_partial->packet.nsp) : std::string_view();
}

DecodeError SocketPacketDecoder::fail(DecodeError error) {
    _failed = true;
    _partial.reset();
    return error;
}

Result<std::optional<SocketPacket>> SocketPacketDecoder::text(std::string_view message) {
    if (_failed) return {Code::OutOfOrder, "packet after an error"};
    if (_partial) return fail({Code::OutOfOrder, "text while attachments are outstanding"});

    std::size_t attachments = 0;
    Result<SocketPacket> packet = parse(message, attachments);
    if (!packet) return fail(packet.error());
    if (attachments == 0) return std::optional<SocketPacket>(std::move(*packet));

    std::unique_ptr<Partial, PartialDeleter> partial(new Partial);
    partial->packet = std::move(*packet);
    partial->expected = attachments;
    const Result<bool> found = partial->findPlaces(partial->packet.data, JsonCodec::kMaxDepth);
    if (!found) return fail(found.error());
    _partial = std::move(partial);
    return std::optional<SocketPacket>();
}

Result<SocketPacket> SocketPacketDecoder::parse(std::string_view rest,
                                                std::size_t& attachments) const {
    SocketPacket packet;
    if (rest.empty()) return {Code::Empty, "empty packet"};
    const char digit = rest.front();
    rest.remove_prefix(1);
    if (digit < '0' || digit > '6') return {Code::UnknownType, "unknown packet type"};
    const bool binary = digit >= '5';
    packet.type =
        static_cast<Type>(binary ? digit - '5' + static_cast<int>(Type::Event) : digit - '0');
    if (binary) {
        std::uint64_t count = 0;
        if (rest.empty() || !isDigit(rest.front()))
            return {Code::Malformed, "no number of attachments"};
        if (!takeNumber(rest, 2, kMaxAttachments, count))
            return {Code::TooMany, "too many attachments"};
        if (count == 0) return {Code::Malformed, "binary packet without attachments"};
        if (rest.empty() || rest.front() != '-')
            return {Code::Malformed, "no dash behind the number of attachments"};
        rest.remove_prefix(1);
        attachments = static_cast<std::size_t>(count);
    }

    bool queried = false;
    if (!rest.empty() && rest.front() == '/') {
        const std::size_t end = std::min(rest.find(','), rest.size());
        std::string_view nsp = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (_revision < 5) {
            const std::size_t mark = nsp.find('?');
            queried = mark != std::string_view::npos && packet.type == Type::Connect;
            if (queried) {
                Result<Value> query = decodeQuery(nsp.substr(mark + 1));
                if (!query) return query.error();
                packet.data = std::move(*query);
            }
            nsp = nsp.substr(0, mark);
        }
        if (nsp.size() > kMaxNamespaceBytes) return {Code::TooLarge, "namespace too long"};
        packet.nsp = nsp;
    }

    const bool answers = packet.type == Type::Event || packet.type == Type::Ack;
    if (answers && !rest.empty() && isDigit(rest.front())) {
        std::uint64_t id = 0;
        if (!takeNumber(rest, 16, kMaxAckId, id)) return {Code::TooLarge, "ack id too large"};
        packet.id = id;
    }

    Value data;
    const bool present = !rest.empty();
    if (present) {
        Result<Value> decoded = decodeJson(rest, _json);
        if (!decoded) return decoded.error();
        data = std::move(*decoded);
    }
    switch (packet.type) {
        case Type::Connect:
            if (present && !data.isObject()) return {Code::Malformed, "auth is not an object"};
            break;
        case Type::Disconnect:
            if (present) return {Code::Malformed, "disconnect with data"};
            break;
        case Type::Event: {
            Code code;
            if (const char* why = checkEvent(data, code)) return {code, why};
            break;
        }
        case Type::Ack:
            if (!packet.id) return {Code::Malformed, "acknowledgement without id"};
            if (!data.isArray()) return {Code::Malformed, "acknowledgement without an array"};
            break;
        case Type::ConnectError:
            if (_revision >= 5 && !data.isString() && !data.isObject())
                return {Code::Malformed, "connect error without message"};
            break;
    }
    if (!queried) packet.data = std::move(data);
    return packet;
}

Result<std::optional<SocketPacket>> SocketPacketDecoder::binary(std::string_view message) {
    if (_failed) return {Code::OutOfOrder, "packet after an error"};
    if (!_partial) return fail({Code::OutOfOrder, "attachment of no packet"});
    if (message.size() > _maxBytes - _partial->bytes)
        return fail({Code::TooLarge, "attachments too large"});
    _partial->bytes += message.size();
    if (Value* place = _partial->places[_partial->received]) *place = Binary(std::string(message));
    if (++_partial->received < _partial->expected) return std::optional<SocketPacket>();

    const std::unique_ptr<Partial, PartialDeleter> whole = std::move(_partial);
    return std::optional<SocketPacket>(std::move(whole->packet));
}

}  // namespace socketio
