#include "KindsOfOperation.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "socketio/base/Clock.h"

namespace socketio::test {

namespace {

using Node = NumberedCluster::Node;
using Receiver = NumberedMessages::Receiver;
using Stream = NumberedMessages::Stream;
using Receivers = std::vector<Receiver>;

constexpr std::size_t kServers = NumberedCluster::kServers;
constexpr std::size_t kWindow = 1'000;  // of a stream; the queues hold 10,000 of a server

std::string from(std::size_t server) { return " of server " + std::to_string(server); }

void waitForRoom(NumberedCluster& cluster, Stream stream, std::size_t window) {
    const TimePoint deadline = Clock::system().now() + std::chrono::seconds(30);
    if (!cluster.messages().waitForRoom(stream, window, deadline))
        throw std::runtime_error("what was sent does not come: " +
                                 cluster.messages().verdict().text());
}

// Sends the next message when there is room for it.
void send(NumberedCluster& cluster, Node& node, Stream stream, EmitOptions options,
          std::size_t window = kWindow) {
    waitForRoom(cluster, stream, window);
    node.emit(cluster.messages().attempt(stream), std::move(options));
}

void sendTo(NumberedCluster& cluster, Node& node, Stream stream, const Receivers& audience,
            EmitOptions options) {
    waitForRoom(cluster, stream, kWindow);
    node.emit(cluster.messages().attempt(stream, audience), std::move(options));
}

// The first client of every server: always in the rooms that others enter and leave.
Receivers residents(const NumberedCluster& cluster) {
    Receivers residents;
    for (std::size_t server = 0; server < kServers; ++server)
        residents.push_back(cluster.receivers(server).front());
    return residents;
}

void enter(NumberedCluster& cluster, Receiver receiver, const std::string& room) {
    cluster.node(cluster.serverOf(receiver)).sio().enterRoom(cluster.sidOf(receiver), room);
}

void emitToOneOrAsk(NumberedCluster& cluster, std::size_t count, bool ask) {
    const Receivers all = cluster.receivers();
    NumberedMessages& messages = cluster.messages();
    std::vector<Stream> streams[kServers];  // by receiver
    Receiver answers[kServers];
    for (std::size_t server = 0; server < kServers; ++server) {
        answers[server] = messages.addReceiver("callbacks" + from(server));
        for (const Receiver each : all) {
            Receivers receivers{each};
            if (ask) receivers.push_back(answers[server]);
            streams[server].push_back(
                messages.addStream("to client " + std::to_string(each) + from(server), receivers));
        }
    }
    NumberedCluster::onEveryServer([&](std::size_t server) {
        for (std::size_t i = 0; i < count / kServers; ++i) {
            const Receiver receiver = all[i % all.size()];
            EmitOptions options{.room = cluster.sidOf(receiver)};
            if (ask)
                options.callback = [&messages, answer = answers[server]](const std::string& text) {
                    messages.received(answer, text);
                };
            send(cluster, cluster.node(server), streams[server][receiver], std::move(options), 100);
        }
    });
}

}  // namespace

void emitToRooms(NumberedCluster& cluster, std::size_t count) {
    constexpr std::size_t kRooms = 3;
    Receivers members[kRooms];  // one of them is in two
    for (const Receiver each : cluster.receivers())
        for (std::size_t room = 0; room < kRooms; ++room)
            if (each % kRooms == room || (each == 1 && room == 0)) {
                members[room].push_back(each);
                enter(cluster, each, "room " + std::to_string(room));
            }
    Stream streams[kServers][kRooms];
    for (std::size_t server = 0; server < kServers; ++server)
        for (std::size_t room = 0; room < kRooms; ++room)
            streams[server][room] = cluster.messages().addStream(
                "to room " + std::to_string(room) + from(server), members[room]);
    NumberedCluster::onEveryServer([&](std::size_t server) {
        for (std::size_t i = 0; i < count / kServers; ++i)
            send(cluster, cluster.node(server), streams[server][i % kRooms],
                 {.room = "room " + std::to_string(i % kRooms)});
    });
}

void emitToAll(NumberedCluster& cluster, std::size_t count) {
    Stream streams[kServers];
    for (std::size_t server = 0; server < kServers; ++server)
        streams[server] =
            cluster.messages().addStream("to all" + from(server), cluster.receivers());
    NumberedCluster::onEveryServer([&](std::size_t server) {
        for (std::size_t i = 0; i < count / kServers; ++i)
            send(cluster, cluster.node(server), streams[server], {});
    });
}

void emitToOne(NumberedCluster& cluster, std::size_t count) {
    emitToOneOrAsk(cluster, count, false);
}

void emitWithCallback(NumberedCluster& cluster, std::size_t count) {
    emitToOneOrAsk(cluster, count, true);
}

void emitToAllButOne(NumberedCluster& cluster, std::size_t count) {
    const Receivers all = cluster.receivers();
    Stream streams[kServers];
    for (std::size_t server = 0; server < kServers; ++server)
        streams[server] = cluster.messages().addStream("to all but one" + from(server), all);
    NumberedCluster::onEveryServer([&](std::size_t server) {
        for (std::size_t i = 0; i < count / kServers; ++i) {
            const Receiver left = all[i % all.size()];
            Receivers audience = all;
            std::erase(audience, left);
            sendTo(cluster, cluster.node(server), streams[server], audience,
                   {.skipSid = cluster.sidOf(left)});
        }
    });
}

void emitBetweenJoinAndLeave(NumberedCluster& cluster, std::size_t count) {
    const Receivers residing = residents(cluster);
    Receivers guests = cluster.receivers();
    std::erase_if(guests, [&](Receiver each) { return each == residing[cluster.serverOf(each)]; });
    Stream streams[kServers];
    for (std::size_t server = 0; server < kServers; ++server) {
        const std::string room = "hotel" + from(server);
        for (const Receiver each : residing) enter(cluster, each, room);
        streams[server] = cluster.messages().addStream("to the " + room, cluster.receivers());
    }
    NumberedCluster::onEveryServer([&](std::size_t server) {
        Node& node = cluster.node(server);
        const std::string room = "hotel" + from(server);
        for (std::size_t i = 0; i < count / kServers; ++i) {
            // Each server begins elsewhere.
            const Receiver guest = guests[(i + server * 5) % guests.size()];
            const Receiver before = guests[(i + server * 5 + guests.size() - 1) % guests.size()];
            node.sio().enterRoom(cluster.sidOf(guest), room);
            node.sio().leaveRoom(cluster.sidOf(before), room);
            Receivers audience = residing;
            audience.push_back(guest);
            sendTo(cluster, node, streams[server], audience, {.room = room});
        }
    });
}

void emitAfterJoinElsewhere(NumberedCluster& cluster, std::size_t count) {
    const Receivers residing = residents(cluster);
    Stream streams[kServers];
    for (std::size_t server = 0; server < kServers; ++server) {
        const std::string room = "inn" + from(server);
        for (const Receiver each : residing) enter(cluster, each, room);
        streams[server] = cluster.messages().addStream("to the " + room, cluster.receivers());
    }
    NumberedCluster::onEveryServer([&](std::size_t server) {
        Node& node = cluster.node(server);
        const std::string room = "inn" + from(server);
        const std::size_t elsewhere = (server + 1) % kServers;
        Receivers guests = cluster.receivers(elsewhere);
        guests.erase(guests.begin());
        for (std::size_t i = 0; i < count / kServers; ++i) {
            const Receiver guest = guests[i % guests.size()];
            Receivers audience = residing;
            audience.push_back(guest);
            // Who enters or leaves while a message is on its way may or may not hear it.
            waitForRoom(cluster, streams[server], 1);
            enter(cluster, guest, room);
            sendTo(cluster, node, streams[server], audience, {.room = room});
            waitForRoom(cluster, streams[server], 1);
            cluster.node(elsewhere).sio().leaveRoom(cluster.sidOf(guest), room);
            sendTo(cluster, node, streams[server], residing, {.room = room});
        }
    });
}

}  // namespace socketio::test
