#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socketio {

/// The request of a CGI program, handed over a FastCGI connection, and its answer, copied back.
///
/// Threads: one; blocks.
/// Errors:  none is thrown: connect() and run() tell.
class CgiRelay {
public:
    using Variables = std::vector<std::pair<std::string, std::string>>;

    enum class End {
        Answered,
        Unanswered,  ///< The server went away before it answered; nothing was written.
        Broken       ///< The server or the client went away in the middle of the answer.
    };

    /// The variables of the process that belong to the request: those of CGI and HTTP_*, none of
    /// its surroundings (PATH, secrets of the web server).
    static Variables requestVariables(const char* const* environment);

    /// A descriptor; -1, and `problem` says why, when nobody listens on `address`: the path of a
    /// Unix socket (`/run/chat.sock`, `unix:/run/chat.sock`) or `host:port`.
    static int connect(const std::string& address, std::string& problem);

    /// Relays one request over `connection`, with the body from `input` and the answer to `output`.
    static End run(int connection, const Variables& variables, int input, int output);
};

}  // namespace socketio
