// A server whose handlers never return, for ServerProgramTest: what run() makes of them.
//
//     blocking_server STOP_TIMEOUT_MS
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/Logger.h>

#include "socketio/socketio.h"

int main(int, char** argv) {
    // A signal that comes before run() waits for it.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    Poco::Logger::root().setChannel(Poco::AutoPtr<Poco::Channel>(new Poco::ConsoleChannel));

    socketio::Server sio;
    sio.on("block", [](socketio::Socket& socket) {
        socket.emit("blocked");
        for (;;) ::pause();
    });
    sio.on("disconnect", [](socketio::Socket&) { std::puts("disconnect handler"); });
    socketio::HttpServer server(socketio::Middleware(sio),
                                {.host = "127.0.0.1",
                                 .port = 0,
                                 .stopTimeout = std::chrono::milliseconds(std::atoi(argv[1])),
                                 .hub = {.maxWorkers = 4}});
    server.start();
    std::printf("serving on http://localhost:%d\n", int(server.port()));
    std::fflush(stdout);
    server.run();
    return 3;  // not reached while a handler blocks
}
