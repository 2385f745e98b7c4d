#include "socketio/protocol/SocketPacketDecoder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "socketio/base/Text.h"
#include "socketio/protocol/EnginePacket.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;
using Type = SocketPacket::Type;

constexpr SocketPacketLimits kDefaultLimits;

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

/// `key=val&key2=val2` as an object of strings; the values of a repeated key become an array.
Result<Value> decodeQuery(std::string_view query, std::size_t maxParameters) {
    Value result = Value::object();
    std::size_t parameters = 0;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view parameter = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (parameter.empty()) continue;
        if (++parameters > maxParameters)
            return {Code::TooMany, "too many query parameters", Limit::MaxQueryParameters};
        const std::size_t equals = std::min(parameter.find('='), parameter.size());
        const std::string key = percentDecode(parameter.substr(0, equals), true);
        std::string value =
            percentDecode(parameter.substr(std::min(equals + 1, parameter.size())), true);
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

DecodeError withLimit(DecodeError error) {
    if (error.code == Code::TooDeep) error.limit = Limit::MaxJsonDepth;
    return error;
}

Result<Value> decodeWith(const JsonInterface& json, std::string_view text) {
    try {
        return json.loads(text);
    } catch (...) {
        return {Code::BadJson, "the JSON codec refused the data"};
    }
}

/// The type digit and, of a packet with attachments, their number and a dash.
std::optional<DecodeError> takeType(std::string_view& rest, Type& type, std::size_t& attachments,
                                    std::size_t maxAttachments) {
    if (rest.empty()) return DecodeError{Code::Empty, "empty packet"};
    const char digit = rest.front();
    rest.remove_prefix(1);
    if (digit < '0' || digit > '6') return DecodeError{Code::UnknownType, "unknown packet type"};
    if (digit < '5') {
        type = static_cast<Type>(digit - '0');
        return std::nullopt;
    }
    type = digit == '5' ? Type::Event : Type::Ack;
    std::uint64_t count = 0;
    if (rest.empty() || !isDigit(rest.front()))
        return DecodeError{Code::Malformed, "no number of attachments"};
    if (!takeNumber(rest, 2, maxAttachments, count))
        return DecodeError{Code::TooMany, "too many attachments", Limit::MaxAttachments};
    if (count == 0) return DecodeError{Code::Malformed, "binary packet without attachments"};
    if (rest.empty() || rest.front() != '-')
        return DecodeError{Code::Malformed, "no dash behind the number of attachments"};
    rest.remove_prefix(1);
    attachments = static_cast<std::size_t>(count);
    return std::nullopt;
}

/// The namespace up to its comma, or to the end; `nsp` stays as it is when there is none.
std::optional<DecodeError> takeNamespace(std::string_view& rest, int revision, std::string& nsp,
                                         std::optional<std::string_view>& query,
                                         std::size_t maxBytes) {
    if (rest.empty() || rest.front() != '/') return std::nullopt;
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (revision < 5) {
        const std::size_t mark = name.find('?');
        if (mark != std::string_view::npos) query = name.substr(mark + 1);
        name = name.substr(0, mark);
    }
    if (name.size() > maxBytes)
        return DecodeError{Code::TooLarge, "namespace too long", Limit::MaxNamespaceBytes};
    if (!isValidUtf8(name)) return DecodeError{Code::BadUtf8, "namespace is not UTF-8"};
    nsp = name;
    return std::nullopt;
}

std::optional<DecodeError> checkEvent(const Value& data, std::size_t maxNameBytes) {
    if (!data.isArray() || data.empty())
        return DecodeError{Code::Malformed, "event without a name"};
    const Value& first = data.asArray().front();
    if (first.isInteger()) return std::nullopt;
    if (!first.isString()) return DecodeError{Code::Malformed, "event name is not a string"};
    const std::string& name = first.asString();
    if (isReservedEvent(name)) return DecodeError{Code::Reserved, "reserved event name"};
    if (name.size() > maxNameBytes)
        return DecodeError{Code::TooLarge, "event name too long", Limit::MaxEventBytes};
    return std::nullopt;
}

std::optional<DecodeError> checkData(const SocketPacket& packet, bool present, int revision,
                                     const SocketPacketLimits& limits) {
    const Value& data = packet.data;
    switch (packet.type) {
        case Type::Connect:
            if (present && !data.isObject())
                return DecodeError{Code::Malformed, "auth is not an object"};
            break;
        case Type::Disconnect:
            if (present) return DecodeError{Code::Malformed, "disconnect with data"};
            break;
        case Type::Event:
            return checkEvent(data, limits.maxEventBytes);
        case Type::Ack:
            if (!packet.id) return DecodeError{Code::Malformed, "acknowledgement without id"};
            if (!data.isArray())
                return DecodeError{Code::Malformed, "acknowledgement without an array"};
            break;
        case Type::ConnectError:
            if (revision >= 5 && !data.isString() && !data.isObject())
                return DecodeError{Code::Malformed, "connect error without message"};
            break;
    }
    return std::nullopt;
}

class PlaceFinder {
public:
    PlaceFinder(std::size_t count, AttachmentPlaces& places) : _count(count), _places(places) {}

    Result<bool> find(Value& value, std::size_t depth) {
        if (value.isArray()) {
            if (depth == 0) return {Code::TooDeep, "JSON nested too deep"};
            for (Value& item : value.makeArray())
                if (auto found = find(item, depth - 1); !found) return found;
            return true;
        }
        if (!value.isObject()) return true;
        if (depth == 0) return {Code::TooDeep, "JSON nested too deep"};
        if (const Value* mark = std::as_const(value).find("_placeholder");
            mark && mark->asBool(false))
            return addPlace(value);
        for (auto& member : value.makeObject())
            if (auto found = find(member.second, depth - 1); !found) return found;
        return true;
    }

private:
    Result<bool> addPlace(Value& value) {
        // JavaScript knows one kind of number: 0 and 0.0 are the same place.
        const Value& num = std::as_const(value)["num"];
        const double number = num.isNumber() ? num.asDouble() : -1;
        if (!(number >= 0 && number < static_cast<double>(_count)) || number != std::floor(number))
            return {Code::Malformed, "placeholder without a valid number"};
        Value*& place = _places[static_cast<std::size_t>(number)];
        if (place) return {Code::Malformed, "two placeholders for one attachment"};
        place = &value;
        return true;
    }

    const std::size_t _count;
    AttachmentPlaces& _places;
};

}  // namespace

Result<bool> findAttachmentPlaces(Value& data, std::size_t count, AttachmentPlaces& places) {
    places = {};
    return PlaceFinder(count, places).find(data, JsonCodec::kMaxDepth);
}

// The attachments go to their places as they come.
struct SocketPacketDecoder::Partial {
    SocketPacket packet;
    AttachmentPlaces places{};  // in `packet`
    std::size_t expected = 0;
    std::size_t received = 0;
    std::size_t bytes = 0;
};

void SocketPacketDecoder::PartialDeleter::operator()(Partial* partial) const { delete partial; }

SocketPacketDecoder::SocketPacketDecoder(int revision, std::size_t maxBytes,
                                         const JsonInterface* json,
                                         const SocketPacketLimits* limits)
    : _revision(revision),
      _maxBytes(maxBytes),
      _json(json),
      _limits(limits ? limits : &kDefaultLimits) {}

std::string_view SocketPacketDecoder::pendingNsp() const {
    return _partial ? std::string_view(_partial->packet.nsp) : std::string_view();
}

DecodeError SocketPacketDecoder::fail(DecodeError error) {
    _failed = true;
    _partial.reset();
    return error;
}

Result<std::optional<SocketPacket>> SocketPacketDecoder::text(std::string_view message) {
    // Read right into what is returned: moving a packet about costs as much as reading a small one.
    Result<std::optional<SocketPacket>> result{std::optional<SocketPacket>(std::in_place)};
    std::size_t attachments = 0;
    std::optional<DecodeError> error;
    if (_failed)
        error = DecodeError{Code::OutOfOrder, "packet after an error"};
    else if (_partial)
        error = DecodeError{Code::OutOfOrder, "text while attachments are outstanding"};
    else
        error = parse(message, **result, attachments);

    if (!error && attachments > 0) {
        _partial.reset(new Partial);
        _partial->packet = std::move(**result);
        _partial->expected = attachments;
        const Result<bool> found =
            findAttachmentPlaces(_partial->packet.data, attachments, _partial->places);
        if (!found) error = withLimit(found.error());
        result->reset();
    }
    if (error) result = fail(*error);
    return result;
}

std::optional<DecodeError> SocketPacketDecoder::parse(std::string_view rest, SocketPacket& packet,
                                                      std::size_t& attachments) const {
    std::optional<std::string_view> query;
    if (auto error = takeType(rest, packet.type, attachments, _limits->maxAttachments))
        return error;
    if (auto error = takeNamespace(rest, _revision, packet.nsp, query, _limits->maxNamespaceBytes))
        return error;
    const bool answers = packet.type == Type::Event || packet.type == Type::Ack;
    if (answers && !rest.empty() && isDigit(rest.front())) {
        std::uint64_t id = 0;
        if (!takeNumber(rest, 16, kMaxAckId, id))
            return DecodeError{Code::TooLarge, "ack id too large", Limit::MaxAckId};
        packet.id = id;
    }

    const bool present = !rest.empty();
    if (present) {
        Result<Value> decoded =
            _json ? decodeWith(*_json, rest) : JsonCodec::decode(rest, _limits->maxJsonDepth);
        if (!decoded) return withLimit(decoded.error());
        packet.data = std::move(*decoded);
    }
    if (auto error = checkData(packet, present, _revision, *_limits)) return error;
    if (query && packet.type == Type::Connect) {
        Result<Value> decoded = decodeQuery(*query, _limits->maxQueryParameters);
        if (!decoded) return decoded.error();
        packet.data = std::move(*decoded);
    }
    return std::nullopt;
}

Result<std::optional<SocketPacket>> SocketPacketDecoder::binary(std::string_view message) {
    if (_failed) return {Code::OutOfOrder, "packet after an error"};
    if (!_partial) return fail({Code::OutOfOrder, "attachment of no packet"});
    if (message.size() > _maxBytes - _partial->bytes)
        return fail({Code::TooLarge, "attachments too large", Limit::MaxAttachmentBytes});
    _partial->bytes += message.size();
    if (Value* place = _partial->places[_partial->received]) *place = Binary(std::string(message));
    if (++_partial->received < _partial->expected) return std::optional<SocketPacket>();

    const std::unique_ptr<Partial, PartialDeleter> whole = std::move(_partial);
    return std::optional<SocketPacket>(std::move(whole->packet));
}

}  // namespace socketio
