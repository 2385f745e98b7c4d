// The server that `bench` measures: in `/`, `echo` is acknowledged with its argument, and `bcast`
// emits `b` with the same argument to everyone, the sender included. `block` sleeps for so many
// milliseconds and is acknowledged with them. `join` enters a room; between
// `start` with a rate and a number of rooms and `stop` an Emitter runs.

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <Poco/Exception.h>

#include <socketio/fcgi/FcgiServer.h>
#include <socketio/managers/ManagerUrls.h>
#include <socketio/socketio.h>

#include "Emitter.h"

namespace {

struct Options {
    std::uint16_t port = 0;
    bool keepEnviron = false;  // of the handshake: an application that does not need it drops it
    bool fastCgi = false;      // instead of HTTP
    std::string tls{};         // a folder with cert.pem and key.pem: HTTPS
    std::string manager{"memory://"};
    socketio::HubOptions hub{};
};

bool chooseDispatch(std::string_view mode, socketio::Dispatch& dispatch) {
    for (const auto& [name, value] : {std::pair{"adaptive", socketio::Dispatch::Adaptive},
                                      {"pool", socketio::Dispatch::Pool},
                                      {"inline", socketio::Dispatch::Inline}}) {
        if (mode != name) continue;
        dispatch = value;
        return true;
    }
    return false;
}

bool parse(int argc, char** argv, Options& options) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--keep-environ") {
            options.keepEnviron = true;
        } else if (arguments[i] == "--fastcgi") {
            options.fastCgi = true;
        } else if (arguments[i] == "--tls" && i + 1 < arguments.size()) {
            options.tls = arguments[++i];
        } else if (arguments[i] == "--manager" && i + 1 < arguments.size()) {
            options.manager = arguments[++i];
        } else if (arguments[i] == "--dispatch" && i + 1 < arguments.size()) {
            if (!chooseDispatch(arguments[++i], options.hub.dispatch)) return false;
        } else if (arguments[i] == "--port" && i + 1 < arguments.size()) {
            const std::string_view text = arguments[++i];
            const char* const end = text.data() + text.size();
            const auto [tail, error] = std::from_chars(text.data(), end, options.port);
            if (error != std::errc() || tail != end) return false;
        } else {
            return false;
        }
    }
    return options.port != 0;
}

void serve(const Options& options) {
    socketio::ServerOptions serverOptions;
    serverOptions.keepEnviron = options.keepEnviron;
    serverOptions.clientManager = socketio::createManager(options.manager);
    socketio::Server sio(serverOptions);
    sio.on("echo", [](socketio::Socket&, const socketio::Value& value) { return value; });
    sio.on("bcast",
           [&sio](socketio::Socket&, const socketio::Value& value) { sio.emit("b", value); });
    sio.on("block", [](socketio::Socket&, std::int64_t milliseconds) {
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
        return milliseconds;
    });
    socketio::Emitter emitter(sio);
    sio.on("join", [](socketio::Socket& socket, const std::string& room) {
        socket.join(room);
        return room;
    });
    sio.on("start", [&](socketio::Socket&, std::int64_t rate, std::int64_t rooms) {
        emitter.start(rate, rooms);
    });
    sio.on("stop", [&](socketio::Socket&) { return emitter.stop(); });
    if (options.fastCgi) {
        socketio::FcgiServer(socketio::Middleware(sio), {.port = options.port, .hub = options.hub})
            .run();
        return;
    }
    socketio::HttpServerOptions http{.port = options.port, .hub = options.hub};
    if (!options.tls.empty())
        http.tls = socketio::TlsContext::load({.certificateFile = options.tls + "/cert.pem",
                                               .privateKeyFile = options.tls + "/key.pem"});
    socketio::HttpServer(socketio::Middleware(sio), http).run();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fputs(
            "usage: bench-server [--fastcgi] [--tls FOLDER] [--keep-environ] [--manager URL] "
            "[--dispatch pool|adaptive|inline] --port N\n",
            stderr);
        return 2;
    }
    try {
        serve(options);
        return 0;
    } catch (const Poco::Exception& error) {
        std::fprintf(stderr, "bench-server: %s\n", error.displayText().c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench-server: %s\n", error.what());
    }
    return 2;
}
