#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace socketio {

/// Who counts as one client among addresses: an IPv4 address (also one that IPv6 maps), or the
/// first 64 bits of an IPv6 address, since whoever has one has all of those. Never 0; nothing for a
/// text that is no address, such as the empty one of a Unix socket.
std::optional<std::uint64_t> addressKey(std::string_view address);

}  // namespace socketio
