#include "socketio/protocol/JsonCodec.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <system_error>

namespace socketio {

namespace {

using Code = DecodeError::Code;

// ---- text -------------------------------------------------------------------------------------

/// The first byte that a JSON string cannot hold as it is or that is not ASCII; `end` if none.
const char* skipPlain(const char* at, const char* end) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u, kHighBits = 0x8080808080808080u;
    while (end - at >= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
        // A borrow can only reach bytes above one that is marked itself, so the lowest is right.
        const std::uint64_t marks = (word | (word - kOnes * 0x20) | ((word ^ kOnes * '"') - kOnes) |
                                     ((word ^ kOnes * '\\') - kOnes)) &
                                    kHighBits;
        if (marks) return at + std::countr_zero(marks) / 8;
        at += 8;
    }
    while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\' &&
           static_cast<unsigned char>(*at) < 0x80)
        ++at;
    return at;
}

/// A surrogate as WTF-8 writes it: ED A0..BF 80..BF.
bool isSurrogateAt(const char* at, const char* end) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(at);
    return end - at >= 3 && bytes[0] == 0xED && bytes[1] >= 0xA0 && bytes[1] <= 0xBF &&
           (bytes[2] & 0xC0) == 0x80;
}

/// The length of the UTF-8 character at `at`; 0 when there is none (RFC 3629 §4).
std::size_t characterAt(const char* at, const char* end) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(at);
    const std::size_t left = static_cast<std::size_t>(end - at);
    const auto follows = [&](std::size_t i) { return (bytes[i] & 0xC0) == 0x80; };
    const unsigned char lead = bytes[0];
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return left >= 2 && follows(1) ? 2 : 0;
    if (lead < 0xF0) {
        if (left < 3 || !follows(1) || !follows(2)) return 0;
        if (lead == 0xE0 && bytes[1] < 0xA0) return 0;
        return lead == 0xED && bytes[1] >= 0xA0 ? 0 : 3;
    }
    if (lead > 0xF4 || left < 4 || !follows(1) || !follows(2) || !follows(3)) return 0;
    if (lead == 0xF0 && bytes[1] < 0x90) return 0;
    return lead == 0xF4 && bytes[1] >= 0x90 ? 0 : 4;
}

void appendCodePoint(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        const char bytes[] = {static_cast<char>(0xC0 | code >> 6),
                              static_cast<char>(0x80 | (code & 0x3F))};
        out.append(bytes, sizeof bytes);
    } else if (code < 0x10000) {
        const char bytes[] = {static_cast<char>(0xE0 | code >> 12),
                              static_cast<char>(0x80 | (code >> 6 & 0x3F)),
                              static_cast<char>(0x80 | (code & 0x3F))};
        out.append(bytes, sizeof bytes);
    } else {
        const char bytes[] = {
            static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
            static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
        out.append(bytes, sizeof bytes);
    }
}

// ---- repeated keys ----------------------------------------------------------------------------

/// SipHash-1-3 (Aumasson, Bernstein) with a key of this process: nobody outside can choose keys
/// that collide.
class KeyHash {
public:
    static const KeyHash& instance() {
        static const KeyHash hash;
        return hash;
    }

    std::uint64_t operator()(std::string_view text) const {
        State s{_k0 ^ 0x736f6d6570736575u, _k1 ^ 0x646f72616e646f6du, _k0 ^ 0x6c7967656e657261u,
                _k1 ^ 0x7465646279746573u};
        std::size_t at = 0;
        for (; text.size() - at >= 8; at += 8) {
            std::uint64_t word;
            std::memcpy(&word, text.data() + at, sizeof word);
            s.absorb(word);
        }
        std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
        for (std::size_t i = 0; at + i < text.size(); ++i)
            last |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i])) << 8 * i;
        s.absorb(last);
        s.v2 ^= 0xFF;
        for (int i = 0; i < 3; ++i) s.round();
        return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    }

private:
    struct State {
        std::uint64_t v0, v1, v2, v3;

        void round() {
            v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
            v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
            v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
            v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
        }
        void absorb(std::uint64_t word) {
            v3 ^= word;
            round();
            v0 ^= word;
        }
    };

    KeyHash() {
        std::random_device random;
        const auto word = [&random] {
            return static_cast<std::uint64_t>(random()) << 32 | random();
        };
        _k0 = word();
        _k1 = word();
    }

    std::uint64_t _k0, _k1;
};

constexpr std::size_t kFewMembers = 8;  // compared with each other, without a table

/// For each member the position of the first one with its key, by `visit(later, first)` where the
/// two differ, in order.
template <class Visitor>
void forEachRepeated(const Value::Object& members, Visitor&& visit) {
    const std::size_t count = members.size();
    if (count <= kFewMembers) {
        for (std::size_t later = 1; later < count; ++later)
            for (std::size_t first = 0; first < later; ++first)
                if (members[first].first == members[later].first) {
                    visit(later, first);
                    break;
                }
        return;
    }
    struct Slot {
        std::uint32_t hash = 0, position = 0;  // position + 1; 0: free
    };
    std::vector<Slot> slots(std::bit_ceil(count * 2));
    const std::size_t mask = slots.size() - 1;
    const KeyHash& hashOf = KeyHash::instance();
    for (std::size_t later = 0; later < count; ++later) {
        const std::string& key = members[later].first;
        const std::uint64_t hash = hashOf(key);
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
            Slot& slot = slots[at];
            if (slot.position == 0) {
                slot = {tag, static_cast<std::uint32_t>(later + 1)};
                break;
            }
            if (slot.hash == tag && members[slot.position - 1].first == key) {
                visit(later, slot.position - 1);
                break;
            }
        }
    }
}

/// The last value counts, at the first place.
void dropRepeated(Value::Object& members) {
    std::vector<std::size_t> dropped;
    forEachRepeated(members, [&](std::size_t later, std::size_t first) {
        members[first].second = std::move(members[later].second);
        dropped.push_back(later);
    });
    if (dropped.empty()) return;
    std::size_t kept = dropped.front(), next = 0;
    for (std::size_t at = kept; at < members.size(); ++at) {
        if (next < dropped.size() && dropped[next] == at) {
            ++next;
            continue;
        }
        members[kept++] = std::move(members[at]);
    }
    members.resize(kept);
}

// ---- reading ----------------------------------------------------------------------------------

class Parser {
public:
    Parser(std::string_view text, std::size_t maxDepth)
        : _at(text.data()), _end(text.data() + text.size()), _depthLeft(maxDepth) {}

    bool parse(Value& out) {
        skipSpace();
        if (!value(out)) return false;
        skipSpace();
        return _at == _end || fail(Code::BadJson, "text after the JSON value");
    }

    DecodeError error;

private:
    bool fail(Code code, const char* detail) {
        error = {code, detail};
        return false;
    }

    void skipSpace() {
        while (_at != _end && (*_at == ' ' || *_at == '\n' || *_at == '\r' || *_at == '\t')) ++_at;
    }

    bool value(Value& out) {
        if (_at == _end) return fail(Code::BadJson, "JSON text ends early");
        switch (*_at) {
            case '"':
                ++_at;
                return string(out.makeString());
            case '{':
                return enter() && object(out.makeObject());
            case '[':
                return enter() && array(out.makeArray());
            case 't':
                out = true;
                return word("true");
            case 'f':
                out = false;
                return word("false");
            case 'n':
                return word("null");
            default:
                return number(out);
        }
    }

    bool word(std::string_view expected) {
        if (!std::string_view(_at, static_cast<std::size_t>(_end - _at)).starts_with(expected))
            return fail(Code::BadJson, "not a JSON value");
        _at += expected.size();
        return true;
    }

    bool enter() {
        if (_depthLeft == 0) return fail(Code::TooDeep, "JSON nested too deep");
        --_depthLeft;
        ++_at;
        skipSpace();
        return true;
    }

    /// After a member or an item: true with `more` told, or an error.
    bool separator(char close, bool& more) {
        skipSpace();
        if (_at != _end && *_at == ',') {
            more = true;
            ++_at;
            skipSpace();
            return true;
        }
        more = false;
        return leave(close);
    }

    bool leave(char close) {
        if (_at == _end) return fail(Code::BadJson, "JSON text ends early");
        if (*_at != close) return fail(Code::BadJson, "comma or closing bracket expected");
        ++_at;
        ++_depthLeft;
        return true;
    }

    // Vectors start with room for two and double from there; nearly all events are that small.
    template <class Vector>
    static auto& grow(Vector& items) {
        if (items.capacity() == 0) items.reserve(2);
        return items.emplace_back();
    }

    bool array(Value::Array& items) {
        if (_at != _end && *_at == ']') return leave(']');
        for (bool more = true; more;)
            if (!value(grow(items)) || !separator(']', more)) return false;
        return true;
    }

    bool object(Value::Object& members) {
        if (_at != _end && *_at == '}') return leave('}');
        for (bool more = true; more;) {
            if (_at == _end || *_at != '"') return fail(Code::BadJson, "member name expected");
            ++_at;
            Value::Member& member = grow(members);
            if (!string(member.first)) return false;
            skipSpace();
            if (_at == _end || *_at != ':') return fail(Code::BadJson, "colon expected");
            ++_at;
            skipSpace();
            if (!value(member.second) || !separator('}', more)) return false;
        }
        if (members.size() > 1) dropRepeated(members);
        return true;
    }

    /// After the opening quote.
    bool string(std::string& out) {
        const char* run = _at;
        for (;;) {
            _at = skipPlain(_at, _end);
            if (_at == _end) return fail(Code::BadJson, "unterminated string");
            const auto byte = static_cast<unsigned char>(*_at);
            if (byte == '"') {
                out.append(run, _at++);
                return true;
            }
            if (byte == '\\') {
                out.append(run, _at++);
                if (!escape(out)) return false;
                run = _at;
            } else if (byte < 0x20) {
                return fail(Code::BadJson, "control character in a string");
            } else {
                const std::size_t length = characterAt(_at, _end);
                if (length == 0) return fail(Code::BadUtf8, "JSON text is not UTF-8");
                _at += length;
            }
        }
    }

    /// After the backslash.
    bool escape(std::string& out) {
        if (_at == _end) return fail(Code::BadJson, "unterminated string");
        switch (*_at++) {
            case '"':
                out += '"';
                return true;
            case '\\':
                out += '\\';
                return true;
            case '/':
                out += '/';
                return true;
            case 'b':
                out += '\b';
                return true;
            case 'f':
                out += '\f';
                return true;
            case 'n':
                out += '\n';
                return true;
            case 'r':
                out += '\r';
                return true;
            case 't':
                out += '\t';
                return true;
            case 'u':
                break;
            default:
                return fail(Code::BadJson, "unknown escape in a string");
        }
        std::uint32_t code = 0;
        if (!hex(code)) return false;
        if (code >= 0xD800 && code < 0xDC00 && _end - _at >= 6 && _at[0] == '\\' && _at[1] == 'u') {
            const char* const second = _at;
            _at += 2;
            std::uint32_t low = 0;
            if (!hex(low)) return false;
            if (low >= 0xDC00 && low < 0xE000)
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            else
                _at = second;  // the first is alone; the second is read again by itself
        }
        appendCodePoint(out, code);
        return true;
    }

    bool hex(std::uint32_t& code) {
        if (_end - _at < 4) return fail(Code::BadJson, "bad \\u escape");
        for (int i = 0; i < 4; ++i) {
            const char c = *_at++;
            std::uint32_t digit;
            if (c >= '0' && c <= '9')
                digit = static_cast<std::uint32_t>(c - '0');
            else if (c >= 'a' && c <= 'f')
                digit = static_cast<std::uint32_t>(c - 'a' + 10);
            else if (c >= 'A' && c <= 'F')
                digit = static_cast<std::uint32_t>(c - 'A' + 10);
            else
                return fail(Code::BadJson, "bad \\u escape");
            code = code << 4 | digit;
        }
        return true;
    }

    bool digits() {
        const char* const begin = _at;
        while (_at != _end && *_at >= '0' && *_at <= '9') ++_at;
        return _at != begin;
    }

    bool number(Value& out) {
        const char* const begin = _at;
        const bool negative = *_at == '-';
        if (negative) ++_at;
        const char* const whole = _at;
        if (!digits()) return fail(Code::BadJson, "not a JSON value");
        if (*whole == '0' && _at - whole > 1) return fail(Code::BadJson, "leading zero");
        const char* const wholeEnd = _at;
        if (_at == _end || (*_at != '.' && *_at != 'e' && *_at != 'E')) {
            if (wholeEnd - whole <= 18) {
                std::int64_t integer = 0;
                for (const char* digit = whole; digit != wholeEnd; ++digit)
                    integer = integer * 10 + (*digit - '0');
                out = negative ? -integer : integer;
                return true;
            }
            std::int64_t integer = 0;
            const auto read = std::from_chars(begin, wholeEnd, integer);
            if (read.ec == std::errc()) {
                out = integer;
                return true;
            }
        }
        if (_at != _end && *_at == '.') {
            ++_at;
            if (!digits()) return fail(Code::BadJson, "digits expected in a number");
        }
        if (_at != _end && (*_at == 'e' || *_at == 'E')) {
            ++_at;
            if (_at != _end && (*_at == '+' || *_at == '-')) ++_at;
            if (!digits()) return fail(Code::BadJson, "digits expected in a number");
        }
        double real = 0;
        const auto read = std::from_chars(begin, _at, real);
        if (read.ec == std::errc::result_out_of_range) {
            if (!isTiny(whole, _at)) return fail(Code::BadJson, "number beyond a double");
            real = negative ? -0.0 : 0.0;
        }
        out = real;
        return true;
    }

    /// Of a number out of range: is it too small (as opposed to too large)?
    static bool isTiny(const char* at, const char* end) {
        const char* const exponent =
            std::find_if(at, end, [](char c) { return c == 'e' || c == 'E'; });
        // Out of range by its exponent, unless there are so many digits that they decide.
        long long power = 0;
        if (exponent != end) {
            const char* from = exponent + 1;
            if (*from == '+') ++from;
            if (std::from_chars(from, end, power).ec != std::errc()) return *from == '-';
            constexpr long long kMany = 1'000'000'000'000'000;  // and no overflow below
            power = std::clamp(power, -kMany, kMany);
        }
        const char* const point = std::find(at, exponent, '.');
        if (*at != '0') return power + (point - at) < 0;
        const char* const first =
            point == exponent ? exponent
                              : std::find_if(point + 1, exponent, [](char c) { return c != '0'; });
        return power - (first - point) < 0;
    }

    const char* _at;
    const char* const _end;
    std::size_t _depthLeft;
};

// ---- writing ----------------------------------------------------------------------------------

/// Text on its way into a string, collected on the stack: appending to std::string piece by piece
/// would cost more than all the rest.
class Sink {
public:
    explicit Sink(std::string& out) : _out(out) {}

    void put(char c) {
        room(1);
        *_at++ = c;
    }
    void put(std::string_view text) {
        if (text.size() > sizeof _buffer / 2) {
            flush();
            _out += text;
            return;
        }
        room(text.size());
        std::memcpy(_at, text.data(), text.size());
        _at += text.size();
    }
    void integer(std::int64_t value) {
        constexpr std::ptrdiff_t kLongest = 20;  // -9223372036854775808
        room(kLongest);
        _at = std::to_chars(_at, _at + kLongest, value).ptr;
    }
    void flush() {
        _out.append(_buffer, _at);
        _at = _buffer;
    }

private:
    void room(std::size_t bytes) {
        if (static_cast<std::size_t>(_buffer + sizeof _buffer - _at) < bytes) flush();
    }

    std::string& _out;
    char* _at = _buffer;
    char _buffer[512];
};

/// As Number::toString of ECMAScript (§6.1.6.1.20) lays out the shortest digits.
void putDouble(Sink& out, double value) {
    if (value == std::trunc(value) && std::fabs(value) <= 0x1p53) {
        out.integer(static_cast<std::int64_t>(value));  // and -0 becomes 0
        return;
    }
    char text[32];  // -d.ddddddddddddddddde-ddd
    const char* const textEnd =
        std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    const char* at = text;
    if (*at == '-') out.put(*at++);
    const char* const mark = std::find(at, textEnd, 'e');
    char buffer[24];
    std::size_t length = 0;
    for (; at != mark; ++at)
        if (*at != '.') buffer[length++] = *at;
    const std::string_view digits(buffer, length);
    int exponent = 0;
    std::from_chars(mark + (mark[1] == '+' ? 2 : 1), textEnd, exponent);

    constexpr std::string_view kZeros = "000000000000000000000";  // 21
    const int count = static_cast<int>(length);
    const int point = exponent + 1;  // the decimal point stands after so many digits
    if (point >= count && point <= 21) {
        out.put(digits);
        out.put(kZeros.substr(0, static_cast<std::size_t>(point - count)));
    } else if (point > 0 && point <= 21) {
        out.put(digits.substr(0, static_cast<std::size_t>(point)));
        out.put('.');
        out.put(digits.substr(static_cast<std::size_t>(point)));
    } else if (point > -6 && point <= 0) {
        out.put("0.");
        out.put(kZeros.substr(0, static_cast<std::size_t>(-point)));
        out.put(digits);
    } else {
        out.put(digits.front());
        if (count > 1) {
            out.put('.');
            out.put(digits.substr(1));
        }
        out.put(exponent < 0 ? "e-" : "e+");
        out.integer(std::abs(exponent));
    }
}

void putUnicodeEscape(Sink& out, std::uint32_t unit) {
    static constexpr char kHex[] = "0123456789abcdef";
    const char escape[] = {
        '\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
        kHex[unit & 15]};
    out.put(std::string_view(escape, sizeof escape));
}

void putEscaped(Sink& out, unsigned char byte) {
    switch (byte) {
        case '"':
            return out.put("\\\"");
        case '\\':
            return out.put("\\\\");
        case '\b':
            return out.put("\\b");
        case '\f':
            return out.put("\\f");
        case '\n':
            return out.put("\\n");
        case '\r':
            return out.put("\\r");
        case '\t':
            return out.put("\\t");
        default:
            putUnicodeEscape(out, byte);
    }
}

void putString(Sink& out, std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const char* run = at;
    const auto putRun = [&] { out.put(std::string_view(run, static_cast<std::size_t>(at - run))); };
    out.put('"');
    for (;;) {
        at = skipPlain(at, end);
        if (at == end) break;
        const auto byte = static_cast<unsigned char>(*at);
        if (byte < 0x80) {
            putRun();
            putEscaped(out, byte);
            run = ++at;
        } else if (const std::size_t length = characterAt(at, end)) {
            at += length;
        } else if (isSurrogateAt(at, end)) {
            // A lone surrogate, as JSON.stringify writes it since ES2019.
            putRun();
            putUnicodeEscape(out, 0xD000u | (static_cast<unsigned char>(at[1]) & 0x3Fu) << 6 |
                                      (static_cast<unsigned char>(at[2]) & 0x3Fu));
            run = at += 3;
        } else {
            putRun();
            out.put("\xEF\xBF\xBD");  // U+FFFD: any other text frame would end the client
            run = ++at;
        }
    }
    putRun();
    out.put('"');
}

class Writer {
public:
    Writer(std::string& out, std::vector<Binary>* attachments)
        : _out(out), _attachments(attachments) {}

    bool write(const Value& value) {
        if (!write(value, JsonCodec::kMaxDepth)) return false;
        _out.flush();
        return true;
    }

    DecodeError error;

private:
    bool fail(Code code, const char* detail) {
        error = {code, detail};
        return false;
    }

    bool write(const Value& value, std::size_t depthLeft) {
        switch (value.type()) {
            case Value::Type::Null:
                _out.put("null");
                return true;
            case Value::Type::Bool:
                _out.put(value.asBool() ? "true" : "false");
                return true;
            case Value::Type::Integer:
                _out.integer(value.asInteger());
                return true;
            case Value::Type::Double:
                if (!std::isfinite(value.asDouble()))
                    return fail(Code::BadJson, "NaN and infinity have no JSON form");
                putDouble(_out, value.asDouble());
                return true;
            case Value::Type::String:
                putString(_out, value.asString());
                return true;
            case Value::Type::Binary:
                return enter(depthLeft) && placeholder(value.asBinary());
            case Value::Type::Array:
                return enter(depthLeft) && array(value.asArray(), depthLeft - 1);
            case Value::Type::Object:
                return enter(depthLeft) && object(value.asObject(), depthLeft - 1);
        }
        return false;
    }

    bool enter(std::size_t depthLeft) {
        return depthLeft > 0 || fail(Code::TooDeep, "value nested too deep");
    }

    bool array(const Value::Array& items, std::size_t depthLeft) {
        char before = '[';
        if (items.empty()) _out.put(before);
        for (const Value& item : items) {
            _out.put(before);
            before = ',';
            if (!write(item, depthLeft)) return false;
        }
        _out.put(']');
        return true;
    }

    bool object(const Value::Object& members, std::size_t depthLeft) {
        char before = '{';
        if (members.empty()) _out.put(before);
        for (const auto& [key, value] : members) {
            _out.put(before);
            before = ',';
            putString(_out, key);
            _out.put(':');
            if (!write(value, depthLeft)) return false;
        }
        _out.put('}');
        return true;
    }

    bool placeholder(const Binary& bytes) {
        if (!_attachments) return fail(Code::BadJson, "binary has no JSON form");
        _out.put("{\"_placeholder\":true,\"num\":");
        _out.integer(static_cast<std::int64_t>(_attachments->size()));
        _out.put('}');
        _attachments->push_back(bytes);
        return true;
    }

    Sink _out;
    std::vector<Binary>* const _attachments;
};

}  // namespace

Result<Value> JsonCodec::decode(std::string_view text, std::size_t maxDepth) {
    if (text.empty()) return {Code::Empty, "no JSON text"};
    Parser parser(text, std::min(maxDepth, kMaxDepth));
    Result<Value> result{Value()};
    if (!parser.parse(*result)) result = parser.error;
    return result;
}

Result<bool> JsonCodec::encodeTo(std::string& out, const Value& value,
                                 std::vector<Binary>* attachments) {
    const std::size_t size = out.size();
    const std::size_t attached = attachments ? attachments->size() : 0;
    Writer writer(out, attachments);
    if (writer.write(value)) return true;
    out.resize(size);
    if (attachments) attachments->resize(attached);
    return writer.error;
}

std::string JsonCodec::encode(const Value& value, std::string_view fallback) {
    std::string text;
    if (!encodeTo(text, value).ok()) text = fallback;
    return text;
}

void appendJsonString(std::string& out, std::string_view text) {
    Sink sink(out);
    putString(sink, text);
    sink.flush();
}

}  // namespace socketio
