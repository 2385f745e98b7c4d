// Namespaces as classes, rooms, acknowledgements in both directions.
//
//     namespaces_and_rooms [--port N]
//
//     /game    join(room) -> {"players": n}; move(x, y) goes to the others in the room;
//              ask() has the server ask the client something, and answers what it said
//     /admin   needs auth {"password": "secret"}; close(room), rooms() -> [...]
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <Poco/Exception.h>

#include <socketio/socketio.h>

using socketio::Socket;
using socketio::Value;

class Game : public socketio::Namespace {
public:
    Game() : Namespace("/game") {
        on("join", &Game::onJoin);
        on("move", &Game::onMove);
        on("ask", &Game::onAsk);
    }

    Value onJoin(Socket& socket, const std::string& room) {
        for (const std::string& old : socket.rooms())
            if (old != socket.sid()) socket.leave(old);
        socket.join(room);
        emit("joined", socket.sid(), {.room = room, .skipSid = socket.sid()});
        return {{"players", server().manager().getParticipants(nsp(), room).size()}};
    }
    void onMove(Socket& socket, double x, double y) {
        // A tuple is several arguments; a vector would be one.
        emit("moved", std::tuple(socket.sid(), x, y),
             {.room = socket.rooms(), .skipSid = socket.sid()});
    }
    Value onAsk(Socket& socket) { return socket.call("favourite colour?"); }
};

class Admin : public socketio::Namespace {
public:
    explicit Admin(Game& game) : Namespace("/admin"), _game(game) {
        on("connect", [](Socket&, const Value& auth) { return auth["password"] == "secret"; });
        on("close", [this](Socket&, const std::string& room) {
            _game.emit("closed", room, {.room = room});
            _game.closeRoom(room);
        });
        on("rooms", [this](Socket&, const std::string& sid) { return _game.rooms(sid); });
    }

private:
    Game& _game;
};

int main(int argc, char** argv) try {
    const bool hasPort = argc == 3 && std::string(argv[1]) == "--port";
    const auto port = static_cast<std::uint16_t>(hasPort ? std::atoi(argv[2]) : 5000);

    socketio::Server sio;
    const auto game = std::make_shared<Game>();
    sio.registerNamespace(game);
    sio.registerNamespace(std::make_shared<Admin>(*game));
    socketio::HttpServer(socketio::Middleware(sio), {.host = "127.0.0.1", .port = port}).run();
    return 0;
} catch (const Poco::Exception& e) {
    std::fprintf(stderr, "%s\n", e.displayText().c_str());
    return 2;
}
