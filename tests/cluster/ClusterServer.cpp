// A server of a cluster, which does what its clients ask it to; it prints `listening on PORT` when
// it accepts connections, and ends at SIGTERM. peer_server.py is the same with python-socketio.
//
//     cluster-server --manager URL [--channel NAME] [--dialect json|legacy-json|pickle] [--port N]
//
// In the namespaces / and /chat; what is asked is done in the namespace of who asks:
//
//     from the client                  what the server does, then acknowledges with "done"
//     emit REQUEST                     emits; REQUEST is an object: event, args (an array), and if
//                                      wanted room and skip (a name or an array of them), local
//                                      (true: ignoreQueue), ask (true: what a client acknowledges
//                                      comes back as answer ARGS...)
//     enter SID ROOM, exit SID ROOM    any client's membership
//     close ROOM                       everybody leaves it
//     disconnect client SID            any client
//
//     from the client                  what it is acknowledged with
//     call REQUEST                     what the client answers: an array; REQUEST is an object:
//     sid,
//                                      event, args, timeout (in ms); an error is {error}
//     rooms                            the sorted names of its rooms
//     counters                         PubSubManager::Counters as an object
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Exception.h>

#include <socketio/managers/ManagerUrls.h>
#include <socketio/socketio.h>

namespace {

using socketio::Arguments;
using socketio::Names;
using socketio::Socket;
using socketio::Value;

Names names(const Value& value) {
    if (value.isString()) return value.asString();
    std::vector<std::string> all;
    for (const Value& each : value.asArray()) all.push_back(each.asString());
    return all;
}

Value counters(const socketio::ClientManager& manager) {
    const auto* const queue = dynamic_cast<const socketio::PubSubManager*>(&manager);
    if (!queue) return Value::object({});
    const auto counted = queue->counters();
    return Value::object({{"published", counted.published},
                          {"publishDropped", counted.publishDropped},
                          {"received", counted.received},
                          {"receiveDropped", counted.receiveDropped},
                          {"ignored", counted.ignored},
                          {"missed", counted.missed},
                          {"reconnects", counted.reconnects}});
}

void serve(socketio::Server& sio, const std::string& nsp) {
    const auto on = [&](const char* event, auto handler) { sio.on(event, handler, nsp); };
    constexpr const char* kDone = "done";

    on("emit", [=, &sio](Socket& socket, const Value& request) {
        socketio::EmitOptions options{.room = names(request["room"]),
                                      .skipSid = names(request["skip"]),
                                      .nsp = nsp,
                                      .ignoreQueue = request["local"] == true};
        if (request["ask"] == true)
            options.callback = [asking = socket.shared_from_this()](const Value::Array& answer) {
                asking->emit("answer", Arguments::fromArray(answer));
            };
        sio.emit(request["event"].asString(), Arguments::fromArray(request["args"].asArray()),
                 options);
        return kDone;
    });
    on("call", [=, &sio](Socket&, const Value& request) {
        try {
            return sio.call(
                request["event"].asString(), Arguments::fromArray(request["args"].asArray()),
                {.sid = request["sid"].asString(),
                 .nsp = nsp,
                 .timeout = std::chrono::milliseconds(request["timeout"].asInteger(20'000))});
        } catch (const Poco::Exception& e) {
            return Value::object({{"error", e.displayText()}});
        }
    });
    on("enter", [=, &sio](Socket&, const std::string& sid, const std::string& room) {
        sio.enterRoom(sid, room, nsp);
        return kDone;
    });
    on("exit", [=, &sio](Socket&, const std::string& sid, const std::string& room) {
        sio.leaveRoom(sid, room, nsp);
        return kDone;
    });
    on("close", [=, &sio](Socket&, const std::string& room) {
        sio.closeRoom(room, nsp);
        return kDone;
    });
    on("disconnect client", [=, &sio](Socket&, const std::string& sid) {
        sio.disconnect(sid, nsp);
        return kDone;
    });
    on("rooms", [](Socket& socket) {
        std::vector<std::string> rooms = socket.rooms();
        std::sort(rooms.begin(), rooms.end());
        return rooms;
    });
    on("counters", [&sio](Socket&) { return counters(sio.manager()); });
}

struct Options {
    std::string manager;
    std::string channel = "socketio";
    std::uint16_t port = 0;
    socketio::PubSubOptions queue;
};

Options read(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i], value = argv[i + 1];
        if (name == "--manager") options.manager = value;
        if (name == "--channel") options.channel = value;
        if (name == "--port") options.port = static_cast<std::uint16_t>(std::stoi(value));
        if (name == "--dialect")
            for (const auto& [known, dialect] : socketio::kQueueDialects)
                if (value == known) options.queue.dialect = dialect;
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = read(argc, argv);
        socketio::ServerOptions server;
        server.clientManager =
            socketio::createManager(options.manager, options.channel, false, options.queue);
        socketio::Server sio(server);
        serve(sio, "/");
        serve(sio, "/chat");
        socketio::HttpServer http(std::make_shared<socketio::Middleware>(sio),
                                  {.host = "127.0.0.1", .port = options.port});
        http.start();
        std::printf("listening on %u\n", static_cast<unsigned>(http.port()));
        std::fflush(stdout);
        http.run();
    } catch (const Poco::Exception& e) {
        std::fprintf(stderr, "%s\n", e.displayText().c_str());
        return 2;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
    return 0;
}
