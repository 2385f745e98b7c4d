// The program of README.md, started and stopped instead of run for ever.
#include <cstdio>
#include <string>

#include <socketio/socketio.h>

struct Message {
    std::string user, text;
};
SOCKETIO_FIELDS(Message, user, text)

int main() {
    socketio::Server sio;

    sio.on("connect", [](socketio::Socket& socket, const socketio::Value& auth) {
        if (auth["token"] != "letmein") throw socketio::ConnectionRefused("bad token");
        socket.join("lobby");
    });
    sio.on("chat message", [&](socketio::Socket& socket, const Message& message) {
        sio.emit("chat message", message, {.room = "lobby", .skipSid = socket.sid()});
        return "delivered";
    });

    socketio::HttpServer server(socketio::Middleware(sio, socketio::StaticFiles(".")), {.port = 0});
    server.start();
    const unsigned port = server.port();
    server.stop();
    std::printf("%s\n", port != 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
    return port != 0 ? 0 : 1;
}
