// JsonCodec: writing.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "socketio/protocol/JsonCodec.h"

#include "JsonText.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;

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

/// Of the UTF-8 character of `length` bytes at `at`; above U+FFFF in two.
void putUnicodeEscapes(Sink& out, const char* at, std::size_t length) {
    static constexpr unsigned char kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    std::uint32_t code = static_cast<unsigned char>(*at) & kLeadBits[length];
    for (std::size_t i = 1; i < length; ++i)
        code = code << 6 | (static_cast<unsigned char>(at[i]) & 0x3Fu);
    if (code < 0x10000) return putUnicodeEscape(out, code);
    putUnicodeEscape(out, 0xD800u + ((code - 0x10000) >> 10));
    putUnicodeEscape(out, 0xDC00u + (code & 0x3FFu));
}

template <JsonStyle style>
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
            if constexpr (style == JsonStyle::Python) {
                putRun();
                putUnicodeEscapes(out, at, length);
                run = at + length;
            }
            at += length;
        } else if (isSurrogateAt(at, end)) {
            // A lone surrogate, as JSON.stringify writes it since ES2019.
            putRun();
            putUnicodeEscape(out, 0xD000u | (static_cast<unsigned char>(at[1]) & 0x3Fu) << 6 |
                                      (static_cast<unsigned char>(at[2]) & 0x3Fu));
            run = at += 3;
        } else {
            putRun();
            // U+FFFD: any other text frame would end the client.
            out.put(style == JsonStyle::Python ? "\\ufffd" : "\xEF\xBF\xBD");
            run = ++at;
        }
    }
    putRun();
    out.put('"');
}

template <JsonStyle style>
class Writer {
public:
    Writer(std::string& out, std::vector<Binary>* attachments)
        : _out(out), _attachments(attachments) {}

    Result<bool> writeAll(const Value& value, std::size_t maxDepth) {
        if (!write(value, std::min(maxDepth, JsonCodec::kMaxDepth))) return _error;
        _out.flush();
        return true;
    }

private:
    static constexpr bool kPython = style == JsonStyle::Python;

    bool fail(Code code, const char* detail) {
        _error = {code, detail};
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
                putString<style>(_out, value.asString());
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
            next(before);
            if (!write(item, depthLeft)) return false;
        }
        _out.put(']');
        return true;
    }

    bool object(const Value::Object& members, std::size_t depthLeft) {
        char before = '{';
        if (members.empty()) _out.put(before);
        for (const auto& [key, value] : members) {
            next(before);
            putString<style>(_out, key);
            _out.put(':');
            if constexpr (kPython) _out.put(' ');
            if (!write(value, depthLeft)) return false;
        }
        _out.put('}');
        return true;
    }

    // What stands before an item: the bracket first, then commas.
    void next(char& before) {
        _out.put(before);
        if (kPython && before == ',') _out.put(' ');
        before = ',';
    }

    bool placeholder(const Binary& bytes) {
        if (!_attachments) return fail(Code::BadJson, "binary has no JSON form");
        _out.put(kPython ? "{\"_placeholder\": true, \"num\": "
                         : "{\"_placeholder\":true,\"num\":");
        _out.integer(static_cast<std::int64_t>(_attachments->size()));
        _out.put('}');
        _attachments->push_back(bytes);
        return true;
    }

    Sink _out;
    std::vector<Binary>* const _attachments;
    DecodeError _error;
};

}  // namespace

Result<bool> JsonCodec::encodeTo(std::string& out, const Value& value,
                                 std::vector<Binary>* attachments, JsonStyle style,
                                 std::size_t maxDepth) {
    const std::size_t size = out.size();
    const std::size_t attached = attachments ? attachments->size() : 0;
    Result<bool> done =
        style == JsonStyle::Python
            ? Writer<JsonStyle::Python>(out, attachments).writeAll(value, maxDepth)
            : Writer<JsonStyle::JavaScript>(out, attachments).writeAll(value, maxDepth);
    if (!done) {
        out.resize(size);
        if (attachments) attachments->resize(attached);
    }
    return done;
}

std::string JsonCodec::encode(const Value& value, std::string_view fallback) {
    std::string text;
    if (!encodeTo(text, value).ok()) text = fallback;
    return text;
}

void appendJsonString(std::string& out, std::string_view text, JsonStyle style) {
    Sink sink(out);
    if (style == JsonStyle::Python)
        putString<JsonStyle::Python>(sink, text);
    else
        putString<JsonStyle::JavaScript>(sink, text);
    sink.flush();
}

}  // namespace socketio
