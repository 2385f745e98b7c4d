#include "Utf8.h"

#include <cstring>

namespace socketio {

namespace {

// A state between two bytes of a character: how many bytes are missing, and the range of the next
// one. Only the first continuation byte has a range of its own; it is what refuses overlong forms,
// surrogates and code points above U+10FFFF.
constexpr std::uint32_t expecting(std::uint32_t missing, std::uint32_t low = 0x80,
                                  std::uint32_t high = 0xBF) {
    return missing | low << 8 | high << 16;
}

/// The state after a lead byte; 0 when there is no such lead byte.
std::uint32_t afterLead(unsigned char lead) {
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return expecting(1);
    if (lead == 0xE0) return expecting(2, 0xA0);
    if (lead == 0xED) return expecting(2, 0x80, 0x9F);
    if (lead < 0xF0) return expecting(2);
    if (lead == 0xF0) return expecting(3, 0x90);
    if (lead < 0xF4) return expecting(3);
    if (lead == 0xF4) return expecting(3, 0x80, 0x8F);
    return 0;
}

}  // namespace

bool feedUtf8(std::uint32_t& state, std::string_view bytes) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    const unsigned char* const end = at + bytes.size();
    std::uint32_t current = state;
    while (at != end) {
        if (current == 0) {
            while (end - at >= 16) {
                std::uint64_t words[2];
                std::memcpy(words, at, sizeof words);
                if ((words[0] | words[1]) & 0x8080808080808080u) break;
                at += 16;
            }
            while (at != end && *at < 0x80) ++at;
            if (at == end) break;
            current = afterLead(*at++);
            if (current == 0) return false;
            continue;
        }
        const std::uint32_t byte = *at++;
        if (byte < (current >> 8 & 0xFF) || byte > (current >> 16)) return false;
        const std::uint32_t missing = (current & 3) - 1;
        current = missing == 0 ? 0 : expecting(missing);
    }
    state = current;
    return true;
}

}  // namespace socketio
