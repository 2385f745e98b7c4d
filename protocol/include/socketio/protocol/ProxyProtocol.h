#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace socketio {

/// The header with which a proxy introduces the client of a connection, version 1 and 2.
/// See: HAProxy, "The PROXY protocol".
///
///     PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n      version 1, at most 107 bytes
///     \r\n\r\n\0\r\nQUIT\n 21 11 00 0C ...                 version 2, binary
///
/// Read strictly: single spaces, ports without leading zeros, addresses of the family that is
/// named, every length agreeing with what it covers. UDP is refused, since this is a stream.
///
/// Limits: kMaxBytes, although version 2 could announce 65,551.
struct ProxyHeader {
    enum class Status : std::uint8_t { Complete, Incomplete, Bad };
    static constexpr std::size_t kMaxBytes = 4096;

    /// False for a connection of the proxy's own (LOCAL), and where it does not tell the client
    /// (UNKNOWN, UNSPEC, a Unix socket): the addresses of the connection itself hold.
    bool proxied = false;
    bool secure = false;  ///< The client speaks TLS with the proxy (version 2, PP2_TYPE_SSL).
    std::string sourceAddress, destinationAddress;  ///< An IPv4 address in IPv6 comes as IPv4.
    std::uint16_t sourcePort = 0, destinationPort = 0;

    const char* error = "";  ///< For Bad: why, as static text.

    /// Reads the header at the front of `bytes`; Complete: it was `size` bytes. Incomplete: all of
    /// `bytes` is the beginning of a header. What cannot become one is Bad at once.
    Status parse(std::string_view bytes, std::size_t& size);

private:
    Status parseText(std::string_view bytes, std::size_t& size);
    Status parseBinary(std::string_view bytes, std::size_t& size);
    bool readExtensions(std::string_view bytes);
    Status bad(const char* why);
};

}  // namespace socketio
