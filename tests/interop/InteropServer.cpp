// The server that the official clients are tested against; it prints `listening on PORT` when it
// accepts connections, and ends at SIGTERM.
//
//     interop-server [--port N] [--fastcgi PORT] [--fastcgi PATH] [--route yes] [--client FOLDER]
//                    [--tls FOLDER] [--heartbeat MS]
//
// --fastcgi adds FastCGI on a port of the loopback or on a Unix socket, on the same hub; with
// --route its clients are told that they may upgrade. --client serves the browser client from
// there. --tls serves https and wss with cert.pem and key.pem from there. --heartbeat is the ping
// interval and the ping timeout. Paths other than those of
// Socket.IO show their request as JSON: its variables and its body.
//
// The namespaces /, /chat and /secret (with the token `letmein` alone; others are refused with
// "bad token" and data) speak what follows; /closed refuses everybody with "closed today".
// reference-server.js is the same in the official server.
//
//     from the client                    the answer
//     (connect)                          welcome {sid, nsp, token or null, eio: "3" or "4"}
//     echo ARGS...                       echo ARGS...
//     return ARGS...                     is acknowledged with ARGS
//     join ROOM, leave ROOM              is acknowledged with "joined", "left"
//     rooms                              is acknowledged with the sorted names of its rooms
//     to room ROOM MESSAGE               room message MESSAGE to the others in it; acknowledged
//     to all MESSAGE                     to all MESSAGE to everyone in the namespace
//     ask QUESTION                       question QUESTION; what that is acknowledged with comes
//                                        back as answered ARGS...
//     call QUESTION                      the same, but it comes back as the acknowledgement
//     send binary, send nested           binary BYTES, nested OBJECT
//     ask nested                         is acknowledged with OBJECT
//     burst N                            number 0 ... number N-1
//     transport                          is acknowledged with "polling" or "websocket"
//     kick                               is disconnected from the namespace
//     fastcgi requests                   is acknowledged with how many have come; in / alone
//     (disconnect)                       left {sid, reason} to everyone in the namespace
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <Poco/Exception.h>

#include <socketio/fcgi/FcgiServer.h>
#include <socketio/socketio.h>

namespace {

using socketio::Arguments;
using socketio::Binary;
using socketio::Socket;
using socketio::Value;

Binary allBytes() {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return Binary(std::move(bytes));
}

Value nested() {
    return Value::object({
        {"name", "nested"},
        {"parts", Value::array({Binary("\1\2\3"), Value::object({{"deep", Binary()}}), "text",
                                Value::array({allBytes()})})},
        {"none", nullptr},
    });
}

// Clients of Engine.IO 4 send what they authenticate themselves with; older ones have the query,
// which the oldest can give to the handshake only.
Value tokenOf(const socketio::Environ& environ, const Value& auth) {
    if (!auth["token"].isNull()) return auth["token"];
    std::string token = environ.queryParameter("token");
    return token.empty() ? Value() : Value(std::move(token));
}

void serve(socketio::Server& sio, const std::string& nsp, bool secret = false) {
    const auto on = [&](const char* event, auto handler) { sio.on(event, handler, nsp); };

    on("connect", [=](Socket& socket, const socketio::Environ& environ, const Value& auth) {
        const Value token = tokenOf(environ, auth);
        if (secret && token != "letmein")
            throw socketio::ConnectionRefused(
                "bad token", Value::object({{"code", 7}, {"hint", "say letmein"}}));
        socket.emit("welcome", {{"sid", socket.sid()},
                                {"nsp", nsp},
                                {"token", token},
                                {"eio", environ.queryParameter("EIO")}});
    });
    on("disconnect", [=, &sio](Socket& socket, socketio::DisconnectReason reason) {
        sio.emit("left", {{"sid", socket.sid()}, {"reason", toString(reason)}}, {.nsp = nsp});
    });

    on("echo", [](Socket& socket, const Value::Array& arguments) {
        socket.emit("echo", Arguments::fromArray(arguments));
    });
    on("return",
       [](Socket&, const Value::Array& arguments) { return Arguments::fromArray(arguments); });

    on("join", [](Socket& socket, const std::string& room) {
        socket.join(room);
        return "joined";
    });
    on("leave", [](Socket& socket, const std::string& room) {
        socket.leave(room);
        return "left";
    });
    on("rooms", [](Socket& socket) {
        std::vector<std::string> rooms = socket.rooms();
        std::sort(rooms.begin(), rooms.end());
        return rooms;
    });
    on("to room", [=, &sio](Socket& socket, const std::string& room, const Value& message) {
        sio.emit("room message", message, {.room = room, .skipSid = socket.sid(), .nsp = nsp});
    });
    on("to all",
       [=, &sio](Socket&, const Value& message) { sio.emit("to all", message, {.nsp = nsp}); });

    on("ask", [=, &sio](Socket& socket, const Value& question) {
        const std::string sid = socket.sid();
        socket.emit("question", question, [=, &sio](const Value::Array& answer) {
            sio.emit("answered", Arguments::fromArray(answer), {.room = sid, .nsp = nsp});
        });
    });
    on("call", [](Socket& socket, const Value& question) {
        Value answer = socket.call("question", question);
        return Arguments::fromArray(answer.isArray() ? answer.asArray() : Value::Array{answer});
    });

    on("send binary", [](Socket& socket) { socket.emit("binary", allBytes()); });
    on("send nested", [](Socket& socket) { socket.emit("nested", nested()); });
    on("ask nested", [](Socket&) { return nested(); });
    on("burst", [](Socket& socket, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) socket.emit("number", i);
    });
    on("transport", [](Socket& socket) { return socket.transport(); });
    on("kick", [](Socket& socket) { socket.disconnect(); });
}

/// Bytes that JSON cannot hold, and `%`, as percent escapes.
std::string shown(std::string_view bytes) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '%')
            out += c;
        else
            out.append(1, '%').append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
    return out;
}

/// Shows what it was asked.
struct Mirror : socketio::App {
    void handle(const socketio::Exchange::Ptr& exchange) override {
        Value variables = Value::object({});
        exchange->environ().forEach([&](std::string_view name, std::string_view value) {
            variables[std::string(name)] = shown(value);
        });
        exchange->respond(socketio::Response::json(
            200, socketio::JsonCodec::encode(
                     Value::object({{"environ", variables}, {"body", shown(exchange->body())}}))));
    }
};

struct Options {
    std::uint16_t port = 0;
    std::vector<socketio::FcgiServerOptions> fastcgi;
    bool route = false;
    std::string client;
    std::string tls;
    socketio::ServerOptions server;
};

Options read(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i], value = argv[i + 1];
        if (name == "--port") options.port = static_cast<std::uint16_t>(std::stoi(value));
        if (name == "--route") options.route = value == "yes";
        if (name == "--client") options.client = value;
        if (name == "--tls") options.tls = value;
        if (name == "--heartbeat")
            options.server.pingInterval = options.server.pingTimeout =
                std::chrono::milliseconds(std::stoi(value));
        if (name != "--fastcgi") continue;
        socketio::FcgiServerOptions& fcgi = options.fastcgi.emplace_back();
        if (value.starts_with('/'))
            fcgi.unixSocket = value;
        else
            fcgi.port = static_cast<std::uint16_t>(std::stoi(value));
        // The web server of a test may run as another user; the folder guards the socket.
        fcgi.unixMode = 0666;
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = read(argc, argv);
    try {
        socketio::Server sio(options.server);
        serve(sio, "/");
        serve(sio, "/chat");
        serve(sio, "/secret", true);
        sio.on(
            "connect", [](Socket&) { throw socketio::ConnectionRefused("closed today"); },
            "/closed");
        socketio::Hub hub;
        const auto app = std::make_shared<socketio::Middleware>(
            sio, std::make_shared<Mirror>(),
            socketio::MiddlewareOptions{.clientFolder = options.client});
        std::vector<std::unique_ptr<socketio::FcgiServer>> fastcgi;
        for (socketio::FcgiServerOptions fcgi : options.fastcgi) {
            fcgi.webSocketRoute = options.route;
            fastcgi.push_back(std::make_unique<socketio::FcgiServer>(hub, app, fcgi));
            fastcgi.back()->start();
        }
        sio.on("fastcgi requests", [&fastcgi](Socket&) {
            std::uint64_t all = 0;
            for (const auto& front : fastcgi) all += front->counters().requests;
            return all;
        });
        socketio::HttpServerOptions http{.host = "127.0.0.1", .port = options.port};
        if (!options.tls.empty())
            http.tls = socketio::TlsContext::load({.certificateFile = options.tls + "/cert.pem",
                                                   .privateKeyFile = options.tls + "/key.pem"});
        socketio::HttpServer server(hub, app, http);
        server.start();
        std::printf("listening on %u\n", static_cast<unsigned>(server.port()));
        std::fflush(stdout);
        server.run();
    } catch (const Poco::Exception& e) {
        std::fprintf(stderr, "%s\n", e.displayText().c_str());
        return 2;
    }
    return 0;
}
