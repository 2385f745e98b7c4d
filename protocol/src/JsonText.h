#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// What reading and writing JSON strings share.
namespace socketio {

/// The first byte that a JSON string cannot hold as it is or that is not ASCII; `end` if none.
inline const char* skipPlain(const char* at, const char* end) {
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
inline bool isSurrogateAt(const char* at, const char* end) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(at);
    return end - at >= 3 && bytes[0] == 0xED && bytes[1] >= 0xA0 && bytes[1] <= 0xBF &&
           (bytes[2] & 0xC0) == 0x80;
}

/// The length of the UTF-8 character at `at`; 0 when there is none (RFC 3629 §4).
inline std::size_t characterAt(const char* at, const char* end) {
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

}  // namespace socketio
