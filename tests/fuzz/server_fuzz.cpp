// A whole server: loop, HTTP, WebSocket, Engine.IO, Socket.IO and handlers. An input is what one
// client sends on a connection, in pieces that end at FF FF. Beside it a healthy client says
// something after every input and must get its answer. The sockets are pairs of Unix ones.
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include <Poco/AutoPtr.h>
#include <Poco/Logger.h>
#include <Poco/NullChannel.h>

#include "socketio/base/FileDescriptor.h"
#include "socketio/socketio.h"

#include "Pieces.h"

namespace {

using namespace std::chrono_literals;
using socketio::fuzz::require;

constexpr int kDeadlineMs = 5000;
/// The polling sessions that inputs leave behind end with the server.
constexpr int kInputsPerServer = 2000;

/// The client's side of a connection.
class Client {
public:
    explicit Client(socketio::HttpServer& server) {
        int ends[2];
        require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
                "a pair of sockets");
        _socket = socketio::FileDescriptor(ends[0]);
        socketio::DetachedConnection connection(ends[1]);
        require(server.adopt(connection), "the server takes a connection");
    }

    /// Sends all of it, unless the server closes; reads meanwhile.
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(_socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else {
                if (errno != EAGAIN) return;
                wait(POLLIN | POLLOUT);
                receive();
            }
        }
    }
    bool receive() {
        char buffer[16 * 1024];
        const ssize_t got = ::recv(_socket.get(), buffer, sizeof buffer, 0);
        if (got > 0) input.append(buffer, static_cast<std::size_t>(got));
        return got > 0 || (got < 0 && errno == EAGAIN);
    }
    /// Ends what is sent, and reads until the server has closed.
    void finish() {
        ::shutdown(_socket.get(), SHUT_WR);
        do wait(POLLIN);
        while (receive());
    }
    /// Reads until `text` has come, and takes all up to its end.
    void await(std::string_view text) {
        while (input.find(text) == input.npos) {
            wait(POLLIN);
            require(receive(), "the healthy client stays connected");
        }
        input.erase(0, input.find(text) + text.size());
    }

    std::string input;

private:
    void wait(short events) {
        pollfd entry{_socket.get(), events, 0};
        require(::poll(&entry, 1, kDeadlineMs) == 1, "the server answers or closes in time");
    }

    socketio::FileDescriptor _socket;
};

std::string textFrame(std::string_view text) {  // short, masked with zeros
    std::string frame = "\x81";
    frame += static_cast<char>(0x80 | text.size());
    return frame.append(4, '\0').append(text);
}

class Served {
public:
    Served() : _http(socketio::Middleware(_sio), options()) {
        _sio.on("echo", [](socketio::Socket&, const socketio::Value& value) { return value; });
        _sio.on("say", [](socketio::Socket& socket, const socketio::Value& value) {
            socket.emit("said", value);
        });
        _http.start();
        _healthy = std::make_unique<Client>(_http);
        _healthy->send(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
            textFrame("40"));
        _healthy->await("40{\"sid\":\"");
    }
    /// Clients that nobody plays any more do not fetch what is left for them: a part of the
    /// timeout.
    ~Served() { require(_http.stop(2s), "the server stops"); }

    void input(std::string_view bytes) {
        {
            Client client(_http);
            while (!bytes.empty()) {
                const std::size_t end = std::min(bytes.find("\xFF\xFF"), bytes.size());
                client.send(bytes.substr(0, end));
                bytes.remove_prefix(std::min(end + 2, bytes.size()));
            }
            client.finish();
        }
        const std::string number = std::to_string(++_inputs);
        _healthy->send(textFrame("42" + number + "[\"echo\"," + number + "]"));
        _healthy->await("43" + number + "[" + number + "]");
    }
    bool worn() const { return _inputs >= kInputsPerServer; }

private:
    static socketio::HttpServerOptions options() {
        Poco::Logger::root().setChannel(Poco::AutoPtr<Poco::Channel>(new Poco::NullChannel));
        socketio::HttpServerOptions options;
        options.listen = false;
        options.hub.ioThreads = 1;
        return options;
    }
    static socketio::ServerOptions quiet() {
        socketio::ServerOptions options;
        options.pingInterval = 1h;  // the healthy client does not answer any
        options.maxHttpBufferSize = 10'000;
        return options;
    }

    socketio::Server _sio{quiet()};
    socketio::HttpServer _http;
    std::unique_ptr<Client> _healthy;
    int _inputs = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static std::unique_ptr<Served> served;
    if (!served || served->worn()) {
        served.reset();
        served = std::make_unique<Served>();
    }
    served->input(socketio::fuzz::view(data, size));
    return 0;
}
