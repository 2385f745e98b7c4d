#include "RespReader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "socketio/base/Text.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;

}  // namespace

Result<bool> RespReader::read(std::string_view& input, RedisReply& reply) {
    Result<bool> complete = false;
    while (complete.ok() && !*complete) {
        if (_bulkLeft > 0) {
            if (input.empty()) return false;
            complete = readBulk(input);
            continue;
        }
        const std::size_t end = input.find('\n');
        const std::string_view piece = input.substr(0, end == input.npos ? end : end + 1);
        if (_line.size() + piece.size() > kLineBytes) return {Code::TooLarge, "a line too long"};
        input.remove_prefix(piece.size());
        if (end == input.npos) {
            _line += piece;
            return false;
        }
        std::string kept;
        std::string_view line = piece;
        if (!_line.empty()) {
            kept = std::exchange(_line, {}).append(piece);
            line = kept;
        }
        // A type, and nothing of a line's end but at its end.
        if (line.size() < 3 || line.find('\r') != line.size() - 2)
            return {Code::Malformed, "a line that is none"};
        complete = readHead(line.substr(0, line.size() - 2));
    }
    if (complete.ok()) {
        reply = std::exchange(_reply, {});
        _kept = 0;
    }
    return complete;
}

Result<bool> RespReader::readHead(std::string_view line) {
    using Type = RedisReply::Type;
    RedisReply& current = item();
    const char type = line.front();
    line.remove_prefix(1);
    if (type == '+' || type == '-') {
        current.type = type == '+' ? Type::Text : Type::Error;
        current.text = line;
        return itemComplete();
    }
    if (type != ':' && type != '$' && (type != '*' || _itemsLeft > 0))
        return {Code::UnknownType, "a reply of unknown type"};
    const std::optional<std::int64_t> value = parseNumber<std::int64_t>(line);
    if (!value) return {Code::Malformed, "a number that is none"};
    if (type == ':') {
        current.type = Type::Integer;
        current.integer = *value;
        return itemComplete();
    }
    if (*value == -1) return itemComplete();  // of type Null
    if (*value < 0) return {Code::Malformed, "a negative length"};
    if (type == '$') {
        if (*value > kBulkBytes) return {Code::TooLarge, "a string too long"};
        current.type = Type::Bulk;
        current.text.reserve(std::min(static_cast<std::size_t>(*value), kLineBytes));
        _bulkLeft = static_cast<std::size_t>(*value) + 2;
        return false;
    }
    if (*value > kItems) return {Code::TooMany, "an array too long"};
    current.type = Type::Array;
    if (*value == 0) return true;
    _itemsLeft = *value;
    current.items.emplace_back();
    return false;
}

Result<bool> RespReader::readBulk(std::string_view& input) {
    if (_bulkLeft > 2) {
        const std::string_view piece = input.substr(0, _bulkLeft - 2);
        const std::size_t keep = std::min(piece.size(), _keepBytes - _kept);
        item().text += piece.substr(0, keep);
        _kept += keep;
        _bulkLeft -= piece.size();
        input.remove_prefix(piece.size());
        return false;
    }
    if (input.front() != (_bulkLeft == 2 ? '\r' : '\n'))
        return {Code::Malformed, "a string without an end"};
    input.remove_prefix(1);
    return --_bulkLeft == 0 && itemComplete();
}

bool RespReader::itemComplete() {
    if (_itemsLeft == 0 || --_itemsLeft == 0) return true;
    _reply.items.emplace_back();
    return false;
}

void appendRedisCommand(std::string& out, std::initializer_list<std::string_view> words) {
    out.append("*").append(std::to_string(words.size())).append("\r\n");
    for (const std::string_view word : words)
        out.append("$")
            .append(std::to_string(word.size()))
            .append("\r\n")
            .append(word)
            .append("\r\n");
}

}  // namespace socketio
