// Emits from a thread of its own: a clock that everybody sees, and a page that shows it without
// any client library, through an App of its own.
//
//     background_emitter [--port N]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <Poco/Exception.h>

#include <socketio/socketio.h>

using namespace std::chrono_literals;

/// What is not Socket.IO: one answer, from a worker.
class Status : public socketio::App {
public:
    explicit Status(socketio::Server& sio) : _sio(sio) {}
    void handle(const socketio::Exchange::Ptr& exchange) override {
        const auto watching = _sio.manager().getParticipants("/", "").size();
        exchange->respond(
            socketio::Response::text(200, std::to_string(watching) + " clients see the clock\n"));
    }

private:
    socketio::Server& _sio;
};

int main(int argc, char** argv) try {
    const bool hasPort = argc == 3 && std::string(argv[1]) == "--port";
    const auto port = static_cast<std::uint16_t>(hasPort ? std::atoi(argv[2]) : 5000);

    socketio::Server sio;
    const auto begin = std::chrono::steady_clock::now();
    const auto uptime = [begin] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };

    // Started before the server: it runs as soon as the server does, and ends with it.
    sio.startBackgroundTask([&] {
        while (sio.sleep(250ms)) sio.emit("tick", socketio::Value{{"seconds", uptime()}});
    });
    // A handler may start one, too; it keeps the sid and not the socket.
    sio.on("countdown", [&](socketio::Socket& socket, int from) {
        sio.startBackgroundTask([&sio, from, sid = socket.sid()] {
            for (int n = from; n >= 0; --n) {
                sio.emit("countdown", n, {.room = sid});
                if (!sio.sleep(100ms)) return;
            }
        });
    });

    socketio::HttpServer(socketio::Middleware(sio, Status(sio)),
                         {.host = "127.0.0.1", .port = port})
        .run();
    return 0;
} catch (const Poco::Exception& e) {
    std::fprintf(stderr, "%s\n", e.displayText().c_str());
    return 2;
}
