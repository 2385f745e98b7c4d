// poco-socketio-cgi, a CGI program: hands its request to a server that listens for FastCGI, and its
// answer back, so that a host that knows nothing but CGI serves Socket.IO by long-polling.
//
//     POCO_SOCKETIO_FASTCGI=/run/chat.sock      the address: the path of a Unix socket, or
//     host:port poco-socketio-cgi ADDRESS                 the same; not heeded when the query has
//     no `=`, since
//                                               web servers make arguments of it then
//
// Exit status: 0 when an answer was given, a 502 or 503 of its own included.
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>

#include "CgiAnswer.h"
#include "CgiRelay.h"

namespace {

using namespace socketio;

std::string_view variable(const CgiRelay::Variables& variables, std::string_view name) {
    for (const auto& [known, value] : variables)
        if (known == name) return value;
    return {};
}

std::string_view fileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

int answer(int status, const std::string& why) {
    std::string out;
    Response response = Response::text(status, "poco-socketio-cgi: " + why + "\n");
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.headers.add("Cache-Control", "no-store");
    appendCgiAnswer(out, response, false);
    return ::write(STDOUT_FILENO, out.data(), out.size()) == static_cast<ssize_t>(out.size()) ? 0
                                                                                              : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CgiRelay::Variables variables = CgiRelay::requestVariables(environ);
    const std::string_view query = variable(variables, "QUERY_STRING");
    const bool argumentsOfQuery = !query.empty() && query.find('=') == query.npos;
    const char* const set = std::getenv("POCO_SOCKETIO_FASTCGI");
    const std::string address = set ? set : argc > 1 && !argumentsOfQuery ? argv[1] : "";
    if (address.empty())
        return answer(503,
                      "no server is configured: set POCO_SOCKETIO_FASTCGI to its FastCGI socket");

    // Called by its file name, as in /cgi-bin/poco-socketio-cgi/socket.io/, that is no part of the
    // path; called by another name (an alias /socket.io) it is.
    const std::string_view script = variable(variables, "SCRIPT_NAME");
    if (!script.empty() && fileName(script) == fileName(variable(variables, "SCRIPT_FILENAME")))
        std::erase_if(variables, [](const auto& known) { return known.first == "SCRIPT_NAME"; });

    std::string problem;
    const int connection = CgiRelay::connect(address, problem);
    if (connection < 0) return answer(503, "no server is behind this (" + problem + ")");
    switch (CgiRelay::run(connection, variables, STDIN_FILENO, STDOUT_FILENO)) {
        case CgiRelay::End::Answered:
            return 0;
        case CgiRelay::End::Unanswered:
            return answer(502, "the server went away");
        case CgiRelay::End::Broken:
            break;
    }
    return 1;
}
