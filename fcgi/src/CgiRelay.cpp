#include "CgiRelay.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "socketio/fcgi/FcgiRecord.h"

namespace socketio {

namespace {

using Type = FcgiRecord::Type;

constexpr std::uint16_t kId = 1;
/// Of the body, read ahead of a server that does not take it.
constexpr std::size_t kPieceBytes = 32 * 1024;

constexpr std::string_view kKnown[] = {
    "AUTH_TYPE",         "CONTENT_LENGTH", "CONTENT_TYPE", "DOCUMENT_ROOT",   "DOCUMENT_URI",
    "GATEWAY_INTERFACE", "HTTPS",          "PATH_INFO",    "PATH_TRANSLATED", "QUERY_STRING",
    "REMOTE_ADDR",       "REMOTE_HOST",    "REMOTE_IDENT", "REMOTE_PORT",     "REMOTE_USER",
    "REQUEST_METHOD",    "REQUEST_SCHEME", "REQUEST_URI",  "SCRIPT_FILENAME", "SCRIPT_NAME",
    "SERVER_ADDR",       "SERVER_NAME",    "SERVER_PORT",  "SERVER_PROTOCOL", "SERVER_SOFTWARE"};

bool belongsToRequest(std::string_view name) {
    return name.starts_with("HTTP_") || name.starts_with("SSL_") ||
           std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown);
}

bool writeAll(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return false;
            pollfd entry{descriptor, POLLOUT, 0};
            ::poll(&entry, 1, -1);
            continue;
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

int connectUnix(const std::string& path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        return descriptor;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
}

/// What is said to the server and what it says, at the same time.
class Conversation {
public:
    Conversation(int connection, int input, int output)
        : _connection(connection), _input(input), _output(output) {}

    CgiRelay::End run(const CgiRelay::Variables& variables);

private:
    bool turn();
    void readBody();
    void readAnswer();
    void take(std::string_view bytes);

    const int _connection, _input, _output;
    std::string _out;  // for the server, from _sent on
    std::size_t _sent = 0;
    std::uint64_t _bodyLeft = 0;
    bool _bodyEnded = false;
    FcgiRecordReader _reader;
    bool _began = false, _answered = false, _over = false;
};

CgiRelay::End Conversation::run(const CgiRelay::Variables& variables) {
    std::string pairs;
    for (const auto& [name, value] : variables) {
        appendFcgiPair(pairs, name, value);
        // A bad length is passed on, and refused where all others are.
        if (name == "CONTENT_LENGTH")
            std::from_chars(value.data(), value.data() + value.size(), _bodyLeft);
    }
    appendFcgiBeginRequest(_out, kId, FcgiRecord::kResponder, 0);
    appendFcgiStream(_out, Type::Params, kId, pairs);
    appendFcgiHeader(_out, Type::Params, kId, 0);
    while (!_over && turn()) {
    }
    if (_answered) return CgiRelay::End::Answered;
    return _began ? CgiRelay::End::Broken : CgiRelay::End::Unanswered;
}

/// Waits until something can be done and does it; false when there is nothing left to wait for.
bool Conversation::turn() {
    if (_sent == _out.size()) {
        _out.clear();
        _sent = 0;
        if (_bodyLeft == 0 && !_bodyEnded) {
            appendFcgiHeader(_out, Type::Stdin, kId, 0);
            _bodyEnded = true;
        }
    }
    const bool wantsBody = _bodyLeft > 0 && _out.size() - _sent < kPieceBytes;
    const auto interest = static_cast<short>(POLLIN | (_sent < _out.size() ? POLLOUT : 0));
    // A web server whose client goes away closes the pipe that the answer goes to.
    std::array<pollfd, 3> entries{
        {{_connection, interest, 0}, {_output, 0, 0}, {wantsBody ? _input : -1, POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0) return errno == EINTR;
    if (entries[1].revents & (POLLERR | POLLHUP | POLLNVAL)) return false;
    if (entries[2].revents) readBody();
    if (entries[0].revents & POLLOUT) {
        const ssize_t sent = ::send(_connection, _out.data() + _sent, _out.size() - _sent,
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) _sent += static_cast<std::size_t>(sent);
        // An error shows when the answer is read: a server may have refused the rest of a body.
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            _sent = _out.size();
            _bodyLeft = 0;
            _bodyEnded = true;
        }
    }
    if (entries[0].revents & (POLLIN | POLLHUP | POLLERR)) readAnswer();
    return true;
}

void Conversation::readBody() {
    char buffer[kPieceBytes];
    const ssize_t got =
        ::read(_input, buffer,
               static_cast<std::size_t>(std::min<std::uint64_t>(sizeof buffer, _bodyLeft)));
    if (got > 0) {
        _bodyLeft -= static_cast<std::uint64_t>(got);
        appendFcgiStream(_out, Type::Stdin, kId, {buffer, static_cast<std::size_t>(got)});
    } else if (got == 0 || errno != EINTR) {
        _bodyLeft = 0;  // shorter than announced: refused by the server
    }
}

void Conversation::readAnswer() {
    char buffer[64 * 1024];
    const ssize_t got = ::recv(_connection, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0)
        take({buffer, static_cast<std::size_t>(got)});
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        _over = true;
}

void Conversation::take(std::string_view bytes) {
    while (!_over) {
        switch (_reader.next(bytes)) {
            case FcgiRecordReader::Event::NeedMore:
                return;
            case FcgiRecordReader::Event::Record:
                break;
            case FcgiRecordReader::Event::Content:
                if (_reader.record().type == Type::Stdout) {
                    _began = true;
                    _over = !writeAll(_output, _reader.content());
                } else if (_reader.record().type == Type::Stderr) {
                    writeAll(STDERR_FILENO, _reader.content());
                }
                break;
            case FcgiRecordReader::Event::End:
                if (_reader.record().type != Type::EndRequest) break;
                _answered = _began;
                _over = true;
                break;
            case FcgiRecordReader::Event::Bad:
                _over = true;
                break;
        }
    }
}

}  // namespace

CgiRelay::Variables CgiRelay::requestVariables(const char* const* environment) {
    Variables variables;
    for (; *environment; ++environment) {
        const std::string_view entry(*environment);
        const std::size_t equals = entry.find('=');
        if (equals == entry.npos || !belongsToRequest(entry.substr(0, equals))) continue;
        variables.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return variables;
}

int CgiRelay::connect(const std::string& address, std::string& problem) {
    int descriptor = -1;
    const std::size_t colon = address.rfind(':');
    if (address.starts_with('/') || address.starts_with("unix:")) {
        descriptor = connectUnix(address.starts_with('/') ? address : address.substr(5));
        if (descriptor < 0) problem = std::strerror(errno);
        return descriptor;
    }
    if (colon == address.npos) {
        problem = "neither a path nor host:port";
        return -1;
    }
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error =
            ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found)) {
        problem = ::gai_strerror(error);
        return -1;
    }
    for (const addrinfo* at = found; at && descriptor < 0; at = at->ai_next) {
        descriptor = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (descriptor >= 0 && ::connect(descriptor, at->ai_addr, at->ai_addrlen) == 0) break;
        problem = std::strerror(errno);
        if (descriptor >= 0) ::close(descriptor);
        descriptor = -1;
    }
    ::freeaddrinfo(found);
    return descriptor;
}

CgiRelay::End CgiRelay::run(int connection, const Variables& variables, int input, int output) {
    std::signal(SIGPIPE, SIG_IGN);
    return Conversation(connection, input, output).run(variables);
}

}  // namespace socketio
