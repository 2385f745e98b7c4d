// The server that `bench` measures: in `/`, `echo` is acknowledged with its argument, and `bcast`
// emits `b` with the same argument to everyone, the sender included.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

#include <Poco/Exception.h>

#include <socketio/socketio.h>

namespace {

/// Reads `--port N`; false for anything else.
bool readPort(int argc, char** argv, std::uint16_t& port) {
    if (argc != 3 || std::string_view(argv[1]) != "--port") return false;
    const std::string_view text = argv[2];
    const char* const end = text.data() + text.size();
    const auto [tail, error] = std::from_chars(text.data(), end, port);
    return error == std::errc() && tail == end;
}

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    if (!readPort(argc, argv, port)) {
        std::fputs("usage: bench-server --port N\n", stderr);
        return 2;
    }
    try {
        socketio::ServerOptions options;
        options.keepEnviron = false;
        socketio::Server sio(options);
        sio.on("echo", [](socketio::Socket&, const socketio::Value& value) { return value; });
        sio.on("bcast",
               [&sio](socketio::Socket&, const socketio::Value& value) { sio.emit("b", value); });
        socketio::HttpServer(socketio::Middleware(sio), {.port = port}).run();
        return 0;
    } catch (const Poco::Exception& error) {
        std::fprintf(stderr, "bench-server: %s\n", error.displayText().c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench-server: %s\n", error.what());
    }
    return 2;
}
