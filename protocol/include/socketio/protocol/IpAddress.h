#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace socketio {

/// An IPv4 or IPv6 address. One that came as IPv6 with an IPv4 address inside (`::ffff:1.2.3.4`)
/// is that IPv4 address. No ports, no zones, no names.
///
/// Threads: a plain value.
struct IpAddress {
    using Bytes = std::array<std::uint8_t, 16>;

    /// Network order; IPv4 in its mapped form.
    Bytes bytes{};

    static std::optional<IpAddress> parse(std::string_view text);
    static IpAddress fromV4(const void* fourBytes);
    static IpAddress fromV6(const void* sixteenBytes);

    bool isV4() const;
    /// `1.2.3.4`, `2001:db8::1`.
    std::string text() const;

    bool operator==(const IpAddress&) const = default;
};

}  // namespace socketio
