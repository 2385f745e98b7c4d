#include "Pickle.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "socketio/protocol/EnginePacket.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;

enum Opcode : unsigned char {
    kMark = '(',
    kStop = '.',
    kNone = 'N',
    kNewTrue = 0x88,
    kNewFalse = 0x89,
    kBinInt = 'J',
    kBinInt1 = 'K',
    kBinInt2 = 'M',
    kLong1 = 0x8A,
    kLong4 = 0x8B,
    kBinFloat = 'G',
    kShortBinUnicode = 0x8C,
    kBinUnicode = 'X',
    kBinUnicode8 = 0x8D,
    kShortBinBytes = 'C',
    kBinBytes = 'B',
    kBinBytes8 = 0x8E,
    kByteArray8 = 0x96,
    kEmptyList = ']',
    kAppend = 'a',
    kAppends = 'e',
    kEmptyTuple = ')',
    kTuple1 = 0x85,
    kTuple2 = 0x86,
    kTuple3 = 0x87,
    kTupleOfMark = 't',
    kEmptyDict = '}',
    kSetItem = 's',
    kSetItems = 'u',
    kBinGet = 'h',
    kLongBinGet = 'j',
    kBinPut = 'q',
    kLongBinPut = 'r',
    kMemoize = 0x94,
    kFrame = 0x95,
    kProto = 0x80,
};

std::uint64_t littleEndian(std::string_view bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        number = number << 8 | static_cast<unsigned char>(bytes[i]);
    return number;
}

/// An object of the stream. They refer to one another as in Python, and are made Values at the end:
/// what is in the memo may still grow, and may contain itself.
struct Node {
    enum class Kind : std::uint8_t { Scalar, List, Tuple, Dict };

    Kind kind = Kind::Scalar;
    Value scalar;
    std::vector<Node*> items;  // of a Dict key, value, key, value...
};

class Unpickler {
public:
    explicit Unpickler(std::string_view bytes) : _left(bytes) {}

    bool read() {
        if (_left.empty() || static_cast<unsigned char>(_left.front()) != kProto)
            return fail(Code::Malformed, "not a pickle of protocol 2 or later");
        for (bool stopped = false; !stopped;) {
            std::string_view opcode;
            if (!take(1, opcode) || !step(static_cast<unsigned char>(opcode.front()), stopped))
                return false;
        }
        if (_stack.size() != 1 || !_marks.empty())
            return fail(Code::Malformed, "pickle with more or less than one object");
        return _left.empty() || fail(Code::Malformed, "bytes after the pickle");
    }

    bool convert(Value& out, std::vector<std::string>* tuples) {
        const Node& root = *_stack.front();
        if (!convert(root, out, Pickle::kMaxDepth)) return false;
        if (!tuples || root.kind != Node::Kind::Dict) return true;
        for (std::size_t i = 0; i < root.items.size(); i += 2)
            if (root.items[i + 1]->kind == Node::Kind::Tuple)
                tuples->push_back(out.asObject()[i / 2].first);
        return true;
    }

    DecodeError error;

private:
    bool fail(Code code, const char* detail) {
        error = {code, detail};
        return false;
    }

    bool take(std::uint64_t size, std::string_view& bytes) {
        if (size > _left.size()) return fail(Code::Malformed, "pickle ends early");
        bytes = _left.substr(0, static_cast<std::size_t>(size));
        _left.remove_prefix(bytes.size());
        return true;
    }
    bool takeNumber(std::size_t size, std::uint64_t& number) {
        std::string_view bytes;
        if (!take(size, bytes)) return false;
        number = littleEndian(bytes);
        return true;
    }
    /// Bytes behind their length of `lengthSize` bytes.
    bool takeSized(std::size_t lengthSize, std::string_view& bytes) {
        std::uint64_t length = 0;
        return takeNumber(lengthSize, length) && take(length, bytes);
    }

    bool step(unsigned char opcode, bool& stopped) {
        std::uint64_t number = 0;
        switch (opcode) {
            case kProto:
                if (!takeNumber(1, number)) return false;
                return number <= 5 || fail(Code::Malformed, "unknown pickle protocol");
            case kFrame:  // how far to read ahead, which we need not
                if (!takeNumber(8, number)) return false;
                return number <= _left.size() || fail(Code::Malformed, "pickle ends early");
            case kStop:
                stopped = true;
                return true;
            case kMark:
                if (_marks.size() >= Pickle::kMaxItems) return tooMany();
                _marks.push_back(_stack.size());
                return true;
            case kNone:
                return push(Value());
            case kNewTrue:
                return push(true);
            case kNewFalse:
                return push(false);
            case kBinInt1:
                return takeNumber(1, number) && push(number);
            case kBinInt2:
                return takeNumber(2, number) && push(number);
            case kBinInt:
                return takeNumber(4, number) &&
                       push(static_cast<std::int32_t>(static_cast<std::uint32_t>(number)));
            case kLong1:
                return pushLong(1);
            case kLong4:
                return pushLong(4);
            case kBinFloat:
                return pushFloat();
            case kShortBinUnicode:
                return pushText(1);
            case kBinUnicode:
                return pushText(4);
            case kBinUnicode8:
                return pushText(8);
            case kShortBinBytes:
                return pushBytes(1);
            case kBinBytes:
                return pushBytes(4);
            case kBinBytes8:
            case kByteArray8:
                return pushBytes(8);
            case kEmptyList:
                return push(Node::Kind::List);
            case kEmptyTuple:
                return push(Node::Kind::Tuple);
            case kEmptyDict:
                return push(Node::Kind::Dict);
            case kTuple1:
            case kTuple2:
            case kTuple3:
                return pushTuple(static_cast<std::size_t>(opcode - kTuple1 + 1));
            case kTupleOfMark:
                return takeMark(number) && pushTuple(static_cast<std::size_t>(number));
            case kAppend:
                return addTo(Node::Kind::List, 1);
            case kAppends:
                return takeMark(number) && addTo(Node::Kind::List, number);
            case kSetItem:
                return addTo(Node::Kind::Dict, 2);
            case kSetItems:
                return takeMark(number) && addTo(Node::Kind::Dict, number);
            case kMemoize:
                return memoize(_memo.size());
            case kBinPut:
                return takeNumber(1, number) && memoize(number);
            case kLongBinPut:
                return takeNumber(4, number) && memoize(number);
            case kBinGet:
                return takeNumber(1, number) && pushMemo(number);
            case kLongBinGet:
                return takeNumber(4, number) && pushMemo(number);
            default:
                return fail(Code::UnknownType, "pickle of something else than plain data");
        }
    }

    bool tooMany() { return fail(Code::TooMany, "pickle with too many items"); }

    bool pushNode(Node* node) {
        if (++_pushed > Pickle::kMaxItems) return tooMany();
        _stack.push_back(node);
        return true;
    }
    bool push(Value scalar) {
        _nodes.push_back({Node::Kind::Scalar, std::move(scalar), {}});
        return pushNode(&_nodes.back());
    }
    bool push(Node::Kind kind) {
        _nodes.push_back({kind, {}, {}});
        return pushNode(&_nodes.back());
    }

    bool pushText(std::size_t lengthSize) {
        std::string_view bytes;
        if (!takeSized(lengthSize, bytes)) return false;
        std::string text;
        if (!appendWtf8(text, bytes)) return fail(Code::BadUtf8, "text in a pickle is not UTF-8");
        return push(Value(std::move(text)));
    }
    bool pushBytes(std::size_t lengthSize) {
        std::string_view bytes;
        return takeSized(lengthSize, bytes) && push(Value(Binary(std::string(bytes))));
    }
    bool pushFloat() {
        std::string_view bytes;
        if (!take(8, bytes)) return false;
        std::uint64_t bits = 0;
        for (const char byte : bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
        const double number = std::bit_cast<double>(bits);
        if (!std::isfinite(number)) return fail(Code::Malformed, "a number that is none");
        return push(Value(number));
    }
    // Two's complement, as many bytes as it needs.
    bool pushLong(std::size_t lengthSize) {
        std::string_view bytes;
        if (!takeSized(lengthSize, bytes)) return false;
        // As JSON is read: what only an unsigned number can hold is a double.
        if (bytes.size() == 9 && bytes.back() == '\0')
            return push(Value(littleEndian(bytes.substr(0, 8))));
        if (bytes.size() > 8) return fail(Code::TooLarge, "integer of more than 64 bits");
        std::uint64_t number = littleEndian(bytes);
        if (!bytes.empty() && bytes.size() < 8 && static_cast<signed char>(bytes.back()) < 0)
            number |= ~std::uint64_t{0} << 8 * bytes.size();
        return push(Value(static_cast<std::int64_t>(number)));
    }

    /// How many items stand above the last mark.
    bool takeMark(std::uint64_t& count) {
        if (_marks.empty()) return fail(Code::Malformed, "pickle without a mark");
        count = _stack.size() - _marks.back();
        _marks.pop_back();
        return true;
    }
    // Nothing reaches below a mark that still stands.
    bool has(std::size_t count) {
        const std::size_t bottom = _marks.empty() ? 0 : _marks.back();
        return _stack.size() - bottom >= count ||
               fail(Code::Malformed, "pickle takes more than there is");
    }

    bool pushTuple(std::size_t count) {
        if (!has(count)) return false;
        const auto from = _stack.end() - static_cast<std::ptrdiff_t>(count);
        _nodes.push_back({Node::Kind::Tuple, {}, std::vector<Node*>(from, _stack.end())});
        _stack.erase(from, _stack.end());
        return pushNode(&_nodes.back());
    }
    bool addTo(Node::Kind kind, std::uint64_t count) {
        const auto items = static_cast<std::size_t>(count);
        if (!has(items + 1)) return false;
        Node& container = *_stack[_stack.size() - items - 1];
        if (container.kind != kind || (kind == Node::Kind::Dict && items % 2 != 0))
            return fail(Code::Malformed, "pickle adds to what takes no such items");
        const auto from = _stack.end() - static_cast<std::ptrdiff_t>(items);
        container.items.insert(container.items.end(), from, _stack.end());
        _stack.erase(from, _stack.end());
        return true;
    }

    bool memoize(std::uint64_t index) {
        if (!has(1)) return false;
        if (index >= Pickle::kMaxItems) return tooMany();
        if (index >= _memo.size()) _memo.resize(static_cast<std::size_t>(index) + 1);
        _memo[static_cast<std::size_t>(index)] = _stack.back();
        return true;
    }
    bool pushMemo(std::uint64_t index) {
        Node* const node = index < _memo.size() ? _memo[static_cast<std::size_t>(index)] : nullptr;
        return node ? pushNode(node) : fail(Code::Malformed, "pickle refers to nothing");
    }

    // ---- what was read, as Values

    bool count(std::size_t bytes) {
        _bytesOut += bytes + sizeof(Value);
        return _bytesOut <= Pickle::kMaxBytesOut || fail(Code::TooLarge, "pickle too large");
    }

    /// An object that contains itself ends at the depth.
    bool convert(const Node& node, Value& out, std::size_t depthLeft) {
        if (node.kind == Node::Kind::Scalar) {
            if (!count(node.scalar.asString().size() + node.scalar.asBinary().size())) return false;
            out = node.scalar;
            return true;
        }
        if (depthLeft == 0) return fail(Code::TooDeep, "pickle nested too deep");
        if (!count(0)) return false;
        if (node.kind == Node::Kind::Dict)
            return convertDict(node, out.makeObject(), depthLeft - 1);
        Value::Array& items = out.makeArray();
        for (const Node* item : node.items)
            if (!convert(*item, items.emplace_back(), depthLeft - 1)) return false;
        return true;
    }

    bool convertDict(const Node& node, Value::Object& members, std::size_t depthLeft) {
        members.reserve(node.items.size() / 2);
        for (std::size_t i = 0; i < node.items.size(); i += 2) {
            const Value& key = node.items[i]->scalar;
            if (!key.isString() && !key.isInteger())
                return fail(Code::Malformed, "key of a dict is no text");
            auto& [name, value] = members.emplace_back();
            name = key.isString() ? key.asString() : std::to_string(key.asInteger());
            if (!count(name.size()) || !convert(*node.items[i + 1], value, depthLeft)) return false;
        }
        // Python writes none twice. Sorted, as whoever wrote the keys may know the hash.
        std::vector<std::string_view> names;
        names.reserve(members.size());
        for (const Value::Member& member : members) names.push_back(member.first);
        std::sort(names.begin(), names.end());
        return std::adjacent_find(names.begin(), names.end()) == names.end() ||
               fail(Code::Malformed, "key of a dict stands twice");
    }

    std::string_view _left;
    std::deque<Node> _nodes;  // owns them all
    std::vector<Node*> _stack;
    std::vector<std::size_t> _marks;
    std::vector<Node*> _memo;
    std::size_t _pushed = 0;
    std::size_t _bytesOut = 0;
};

void putNumber(std::string& out, std::uint64_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(number >> 8 * i & 0xFF);
}

bool putValue(std::string& out, const Value& value, std::size_t depthLeft) {
    switch (value.type()) {
        case Value::Type::Null:
            out += 'N';
            return true;
        case Value::Type::Bool:
            out += static_cast<char>(value.asBool() ? kNewTrue : kNewFalse);
            return true;
        case Value::Type::Integer:
            Pickle::integer(out, value.asInteger());
            return true;
        case Value::Type::Double: {
            if (!std::isfinite(value.asDouble())) return false;
            const auto bits = std::bit_cast<std::uint64_t>(value.asDouble());
            out += 'G';
            for (int shift = 56; shift >= 0; shift -= 8)
                out += static_cast<char>(bits >> shift & 0xFF);
            return true;
        }
        case Value::Type::String:
            Pickle::text(out, value.asString());
            return true;
        case Value::Type::Binary: {
            const std::string& bytes = value.asBinary().bytes;
            if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) return false;
            out += bytes.size() < 256 ? 'C' : 'B';
            putNumber(out, bytes.size(), bytes.size() < 256 ? 1 : 4);
            out += bytes;
            return true;
        }
        case Value::Type::Array:
            if (depthLeft == 0) return false;
            out += ']';
            if (value.empty()) return true;
            out += '(';
            for (const Value& item : value.asArray())
                if (!putValue(out, item, depthLeft - 1)) return false;
            out += 'e';
            return true;
        case Value::Type::Object:
            if (depthLeft == 0) return false;
            if (value.empty()) {
                out += '}';
                return true;
            }
            out += Pickle::kDict;
            for (const auto& [key, member] : value.asObject()) {
                Pickle::text(out, key);
                if (!putValue(out, member, depthLeft - 1)) return false;
            }
            out += Pickle::kEndDict;
            return true;
    }
    return false;
}

}  // namespace

Result<Value> Pickle::decode(std::string_view bytes, std::vector<std::string>* tuples) {
    Unpickler unpickler(bytes);
    Result<Value> result{Value()};
    if (!unpickler.read() || !unpickler.convert(*result, tuples)) result = unpickler.error;
    return result;
}

void Pickle::text(std::string& out, std::string_view text) {
    out += 'X';
    const std::size_t lengthAt = out.size();
    out.append(4, '\0');
    appendWtf8(out, text);
    const std::size_t length = out.size() - lengthAt - 4;
    for (std::size_t i = 0; i < 4; ++i) out[lengthAt + i] = static_cast<char>(length >> 8 * i);
}

void Pickle::integer(std::string& out, std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    if (number >= 0 && number < 256) {
        out += 'K';
        putNumber(out, bits, 1);
    } else if (number == static_cast<std::int32_t>(number)) {
        out += 'J';
        putNumber(out, bits, 4);
    } else {
        out += static_cast<char>(kLong1);
        putNumber(out, 8, 1);
        putNumber(out, bits, 8);
    }
}

bool Pickle::value(std::string& out, const Value& value, std::size_t maxDepth) {
    const std::size_t size = out.size();
    if (putValue(out, value, maxDepth)) return true;
    out.resize(size);
    return false;
}

}  // namespace socketio
