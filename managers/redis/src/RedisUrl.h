#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace socketio {

/// Where a Redis is and how to get in; the forms are in RedisManager.h.
///
/// Threads: a plain value.
struct RedisUrl {
    std::string host = "localhost";  ///< A name, or an address without brackets.
    std::uint16_t port = 6379;
    std::string path{};  ///< Of a Unix socket; empty: TCP.
    std::string user{}, password{};
    unsigned database = 0;

    bool tls = false;
    bool verify = true;         ///< The server's certificate.
    bool checkHostname = true;  ///< That it is for `host`.
    std::string caFile{}, certificateFile{}, keyFile{};

    /// Poco::SyntaxException says what is wrong, and nothing that might be the password.
    static RedisUrl parse(std::string_view url);

    /// For logs and errors: `localhost:6379`, `[::1]:6379` or the path.
    std::string address() const;
};

}  // namespace socketio
