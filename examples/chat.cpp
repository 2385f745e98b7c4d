// The smallest useful server: a page that talks to itself. Open it in two tabs.
//
//     chat [--port N]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <Poco/Exception.h>

#include <socketio/socketio.h>

struct Message {
    std::string user, text;
};
SOCKETIO_FIELDS(Message, user, text)  // Message <-> {"user":..., "text":...}

int main(int argc, char** argv) try {
    const bool hasPort = argc == 3 && std::string(argv[1]) == "--port";
    const auto port = static_cast<std::uint16_t>(hasPort ? std::atoi(argv[2]) : 5000);

    socketio::Server sio;

    sio.on("connect", [](socketio::Socket& socket, const socketio::Value& auth) {
        if (auth["token"] != "letmein") throw socketio::ConnectionRefused("bad token");
        socket.join("lobby");
    });
    sio.on("chat message", [&](socketio::Socket& socket, const Message& message) {
        sio.emit("chat message", message, {.room = "lobby", .skipSid = socket.sid()});
        return "delivered";  // becomes the acknowledgement
    });

    const socketio::Middleware app(sio, socketio::StaticFiles(EXAMPLES_FOLDER "/chat-page"));
    socketio::HttpServer(app, {.host = "127.0.0.1", .port = port}).run();
    return 0;
} catch (const Poco::Exception& e) {
    std::fprintf(stderr, "%s\n", e.displayText().c_str());
    return 2;
}
