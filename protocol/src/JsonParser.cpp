// JsonCodec: reading.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "socketio/protocol/JsonCodec.h"

#include "JsonText.h"
#include "RepeatedKeys.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;

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
        if (members.size() > 1) dropRepeatedKeys(members);
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

}  // namespace

Result<Value> JsonCodec::decode(std::string_view text, std::size_t maxDepth) {
    if (text.empty()) return {Code::Empty, "no JSON text"};
    Parser parser(text, std::min(maxDepth, kMaxDepth));
    Result<Value> result{Value()};
    if (!parser.parse(*result)) result = parser.error;
    return result;
}

}  // namespace socketio
