#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace socketio {

// Questions to eight bytes at a time: whatever a request brings is asked whether it holds one of
// the few bytes that it must not.
//
// Threads: pure functions.

constexpr std::uint64_t eachByte(unsigned char byte) { return 0x0101010101010101U * byte; }

/// Whether any of the eight bytes is below `bound`, which is 0x80 at most.
constexpr bool hasByteBelow(std::uint64_t word, unsigned char bound) {
    return ((word - eachByte(bound)) & ~word & eachByte(0x80)) != 0;
}
/// Whether any of the eight is above `bound`, which is below 0x80.
constexpr bool hasByteAbove(std::uint64_t word, unsigned char bound) {
    return (((word + eachByte(static_cast<unsigned char>(0x7f - bound))) | word) &
            eachByte(0x80)) != 0;
}
constexpr bool hasByte(std::uint64_t word, char byte) {
    return hasByteBelow(word ^ eachByte(static_cast<unsigned char>(byte)), 1);
}

/// Whether `test` is true of eight bytes of `text`; all of them are tried, some perhaps twice. Less
/// than eight are filled up with `a`.
template <class Test>
bool anyWord(std::string_view text, Test test) {
    std::uint64_t word = eachByte('a');
    if (text.size() < sizeof word) {
        if (text.empty()) return false;
        std::memcpy(&word, text.data(), text.size());
        return test(word);
    }
    const char* const last = text.data() + text.size() - sizeof word;
    for (const char* at = text.data(); at < last; at += sizeof word) {
        std::memcpy(&word, at, sizeof word);
        if (test(word)) return true;
    }
    std::memcpy(&word, last, sizeof word);
    return test(word);
}

}  // namespace socketio
