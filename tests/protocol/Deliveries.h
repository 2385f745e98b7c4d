#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace socketio {

using Pieces = std::vector<std::string_view>;

/// Calls `use(pieces, how)` for the ways in which `bytes` may arrive: whole, byte by byte, and cut
/// in two at every place (of long inputs: at each place near the ends, and at some between).
template <class Use>
void forEachDelivery(std::string_view bytes, Use use) {
    use(Pieces{bytes}, std::string("whole"));
    Pieces single;
    for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
    use(single, std::string("byte by byte"));
    const std::size_t dense = bytes.size() <= 1000 ? bytes.size() : 40;
    for (std::size_t cut = 1; cut < bytes.size();) {
        use(Pieces{bytes.substr(0, cut), bytes.substr(cut)}, "cut at " + std::to_string(cut));
        cut += cut < dense || bytes.size() - cut <= dense ? 1 : bytes.size() / 20;
    }
}

/// For messages of failed assertions.
inline std::string printable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes.substr(0, 200)) {
        if (c >= 0x20 && c < 0x7F) {
            out += c;
        } else {
            constexpr char kHex[] = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(c);
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    if (bytes.size() > 200) out += "... (" + std::to_string(bytes.size()) + " bytes)";
    return out;
}

}  // namespace socketio
