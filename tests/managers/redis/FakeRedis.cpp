#include "FakeRedis.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>

#include "RespReader.h"

namespace socketio::test {

FakeRedis::FakeRedis(Answer answer)
    : _listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), _answer(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(_listener.get(), any, size) != 0 || ::listen(_listener.get(), 100) != 0 ||
        ::getsockname(_listener.get(), any, &size) != 0)
        throw std::runtime_error("no listener");
    _port = ntohs(address.sin_port);
    _thread = std::thread([this] { accept(); });
}

FakeRedis::~FakeRedis() {
    {
        const std::lock_guard lock(_mutex);
        _ending = true;
        for (const Connection& each : _connections) ::shutdown(each.socket.get(), SHUT_RDWR);
    }
    ::shutdown(_listener.get(), SHUT_RDWR);
    _thread.join();
    for (Connection& each : _connections) each.thread.join();
}

void FakeRedis::answer(Answer answer) {
    const std::lock_guard lock(_mutex);
    _answer = std::move(answer);
}

void FakeRedis::accept() {
    for (;;) {
        FileDescriptor socket(::accept4(_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::lock_guard lock(_mutex);
        if (_ending || !socket.valid()) return;
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection& connection = _connections.emplace_back();
        connection.socket = std::move(socket);
        connection.thread = std::thread([this, fd = connection.socket.get()] { serve(fd); });
    }
}

void FakeRedis::serve(int socket) {
    RespReader reader(1 << 20);
    bool subscribed = false;
    char buffer[4096];
    for (;;) {
        const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
        if (got <= 0) return;
        std::string_view input(buffer, static_cast<std::size_t>(got));
        for (;;) {
            RedisReply reply;
            const auto complete = reader.read(input, reply);
            if (!complete.ok()) throw std::runtime_error("this is no command");
            if (!*complete) break;
            std::string command;
            for (const RedisReply& each : reply.items)
                command += (command.empty() ? "" : " ") + each.text;
            if (subscribed) command = "subscribed " + command;
            const std::string answer = answerTo(command, subscribed);
            if (answer == kHangUp) {
                ::shutdown(socket, SHUT_RDWR);
                return;
            }
            for (std::string_view left = answer; !left.empty();) {
                const std::string_view piece = left.substr(0, pieceBytes);
                if (::send(socket, piece.data(), piece.size(), MSG_NOSIGNAL) <= 0) return;
                left.remove_prefix(piece.size());
            }
        }
    }
}

std::string FakeRedis::answerTo(const std::string& command, bool& subscribed) {
    commands.add(command);
    Answer wanted;
    {
        const std::lock_guard lock(_mutex);
        wanted = _answer;
    }
    if (wanted)
        if (const auto answer = wanted(command)) return *answer;
    if (command.find("SUBSCRIBE ") == 0) {
        subscribed = true;
        return "*3\r\n$9\r\nsubscribe\r\n$8\r\nsocketio\r\n:1\r\n";
    }
    if (command.find("PUBLISH ") == 0) return ":1\r\n";
    if (command == "subscribed PING") return "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
    return "+OK\r\n";
}

}  // namespace socketio::test
