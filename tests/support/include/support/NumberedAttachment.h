#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace socketio::test {

/// The bytes that go along with a numbered message where it is sent with an attachment: 0 to 63 of
/// any value, told by its text, so that either side knows them.
inline std::string attachmentOf(std::string_view message) {
    std::uint64_t state = 0xcbf29ce484222325U;  // FNV-1a, then xorshift
    for (const char c : message) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    std::string bytes;
    for (std::size_t left = state % 64; left > 0; --left) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes += static_cast<char>(state);
    }
    return bytes;
}

/// What the checker is told in place of a message whose attachment was not the right one: it counts
/// it as corrupt.
inline std::string withAttachment(std::string text, std::string_view attachment) {
    if (attachment != attachmentOf(text)) text += " with another attachment";
    return text;
}

}  // namespace socketio::test
