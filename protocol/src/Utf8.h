#pragma once

#include <cstdint>
#include <string_view>

namespace socketio {

/// Checks UTF-8 (RFC 3629) that arrives in pieces: false at the first byte that cannot be part of
/// valid text. Begin with `state` 0; it is 0 again whenever the text so far is whole.
bool feedUtf8(std::uint32_t& state, std::string_view bytes);

}  // namespace socketio
