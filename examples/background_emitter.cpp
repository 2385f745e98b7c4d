// Emits from a thread of its own: a clock that everybody sees, and a page that shows it without
// any client library, through an App of its own.
//
//     background_emitter [--port N]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
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
    // What a client asks for gets no thread of its own, or clients would decide how many there are:
    // one task counts down for all of them. It keeps the sids and not the sockets.
    std::mutex mutex;
    std::map<std::string, int> countdowns;
    sio.on("countdown", [&](socketio::Socket& socket, int from) {
        const std::lock_guard lock(mutex);
        countdowns[socket.sid()] = std::clamp(from, 0, 100);
    });
    sio.on("disconnect", [&](socketio::Socket& socket) {
        const std::lock_guard lock(mutex);
        countdowns.erase(socket.sid());
    });
    sio.startBackgroundTask([&] {
        while (sio.sleep(100ms)) {
            std::map<std::string, int> now;
            {
                const std::lock_guard lock(mutex);
                now = countdowns;
                for (auto at = countdowns.begin(); at != countdowns.end();)
                    at = at->second-- == 0 ? countdowns.erase(at) : std::next(at);
            }
            for (const auto& [sid, n] : now) sio.emit("countdown", n, {.room = sid});
        }
    });

    socketio::HttpServer(socketio::Middleware(sio, Status(sio)),
                         {.host = "127.0.0.1", .port = port})
        .run();
    return 0;
} catch (const Poco::Exception& e) {
    std::fprintf(stderr, "%s\n", e.displayText().c_str());
    return 2;
}
