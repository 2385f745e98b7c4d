#include "socketio/protocol/EnginePacket.h"

#include <array>
#include <cstddef>

#include "JsonText.h"
#include "Utf8.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// For 12 bits their two characters.
constexpr auto kPairs = [] {
    std::array<char, 4096 * 2> pairs{};
    for (std::size_t bits = 0; bits < 4096; ++bits) {
        pairs[bits * 2] = kAlphabet[bits >> 6];
        pairs[bits * 2 + 1] = kAlphabet[bits & 63];
    }
    return pairs;
}();

/// For a character its 6 bits, or this mark.
constexpr std::uint8_t kNoDigit = 0x80;
constexpr auto kDigits = [] {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(kNoDigit);
    for (std::uint8_t bits = 0; bits < 64; ++bits)
        digits[static_cast<unsigned char>(kAlphabet[bits])] = bits;
    return digits;
}();

}  // namespace

Result<EnginePacket::Type> EnginePacket::typeOf(std::string_view text) {
    if (text.empty()) return {Code::Empty, "empty packet"};
    const char digit = text.front();
    if (digit < '0' || digit > '6') return {Code::UnknownType, "unknown packet type"};
    return static_cast<Type>(digit);
}

Result<EnginePacket> EnginePacket::decode(std::string_view bytes, EngineRevision revision) {
    if (!bytes.empty() && bytes.front() == 'b') {
        bytes.remove_prefix(1);
        if (revision == EngineRevision::V3) {
            if (bytes.empty() || bytes.front() != static_cast<char>(Type::Message))
                return {Code::UnknownType, "only a message may be binary"};
            bytes.remove_prefix(1);
        }
        auto data = decodeBase64(bytes);
        if (!data.ok()) return data.error();
        return EnginePacket{Type::Message, true, std::move(*data)};
    }
    const auto type = typeOf(bytes);
    if (!type.ok()) return type.error();
    return EnginePacket{*type, false, std::string(bytes.substr(1))};
}

void appendBase64(std::string& out, std::string_view bytes) {
    const std::size_t before = out.size();
    out.resize(before + (bytes.size() + 2) / 3 * 4);
    char* to = out.data() + before;
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 3; left -= 3, from += 3, to += 4) {
        const std::size_t bits = std::size_t{from[0]} << 16 | std::size_t{from[1]} << 8 | from[2];
        const char* const first = &kPairs[(bits >> 12) * 2];
        const char* const second = &kPairs[(bits & 0xFFF) * 2];
        to[0] = first[0];
        to[1] = first[1];
        to[2] = second[0];
        to[3] = second[1];
    }
    if (left > 0) {
        const unsigned second = left == 2 ? from[1] : 0u;
        to[0] = kAlphabet[from[0] >> 2];
        to[1] = kAlphabet[(from[0] & 3u) << 4 | second >> 4];
        to[2] = left == 2 ? kAlphabet[(second & 15u) << 2] : '=';
        to[3] = '=';
    }
}

Result<std::string> decodeBase64(std::string_view text) {
    if (text.size() % 4 == 0 && text.ends_with('='))
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    const std::size_t rest = text.size() % 4;
    if (rest == 1) return {Code::BadBase64, "base64 of an impossible length"};

    std::string out;
    out.resize(text.size() / 4 * 3 + (rest > 0 ? rest - 1 : 0));
    const auto* from = reinterpret_cast<const unsigned char*>(text.data());
    char* to = out.data();
    unsigned wrong = 0;  // the mark of any character that was none, looked at once at the end
    for (std::size_t groups = text.size() / 4; groups > 0; --groups, from += 4, to += 3) {
        const unsigned a = kDigits[from[0]], b = kDigits[from[1]], c = kDigits[from[2]],
                       d = kDigits[from[3]];
        wrong |= a | b | c | d;
        const unsigned bits = a << 18 | b << 12 | c << 6 | d;
        to[0] = static_cast<char>(bits >> 16);
        to[1] = static_cast<char>(bits >> 8);
        to[2] = static_cast<char>(bits);
    }
    if (rest > 0) {
        const unsigned a = kDigits[from[0]], b = kDigits[from[1]];
        const unsigned c = rest == 3 ? kDigits[from[2]] : 0u;
        wrong |= a | b | c;
        const unsigned bits = a << 18 | b << 12 | c << 6;
        to[0] = static_cast<char>(bits >> 16);
        if (rest == 3) to[1] = static_cast<char>(bits >> 8);
        // Bits that carry no data: one value has one form.
        if (bits & (rest == 3 ? 0xFFu : 0xFFFFu)) wrong |= kNoDigit;
    }
    if (wrong & kNoDigit) return {Code::BadBase64, "not base64"};
    return out;
}

bool isValidUtf8(std::string_view text) {
    std::uint32_t state = 0;
    return feedUtf8(state, text) && state == 0;
}

bool appendWtf8(std::string& out, std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const char* run = at;
    bool whole = true;
    while (at != end) {
        const std::size_t length = isSurrogateAt(at, end) ? 3 : characterAt(at, end);
        if (length == 0) {
            out.append(run, at) += "\xEF\xBF\xBD";  // U+FFFD
            run = ++at;
            whole = false;
        }
        at += length;
    }
    out.append(run, end);
    return whole;
}

}  // namespace socketio
