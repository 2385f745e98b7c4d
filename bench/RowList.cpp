#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "Rows.h"

namespace socketio {

namespace {

using Kind = BenchRow::Kind;
using Front = BenchRow::Front;

void addPayloads(std::vector<BenchRow>& rows) {
    const struct {
        const char* name;
        std::size_t bytes, clients;
    } sizes[] = {{"64 B", 64, 100},
                 {"1 KB", 1024, 100},
                 {"64 KB", 65'536, 20},
                 {"1 MB", 999'000, 4}};  // under the limit of a message, which is 1,000,000
    for (const bool binary : {false, true}) {
        for (const auto& [name, bytes, clients] : sizes) {
            const std::string form = binary ? "binary" : "text";
            std::string id = name;
            id.erase(id.find(' '), 1);
            rows.push_back({.name = "payload-" + id + "-" + form,
                            .title = "echo of " + std::string(name) + " " + form + ", " +
                                     std::to_string(clients) + " clients",
                            .kind = Kind::Echo,
                            .clients = clients,
                            .inFlight = 1,
                            .payload = bytes,
                            .binary = binary,
                            .mostRounds = 3});
        }
    }
}

void addClients(std::vector<BenchRow>& rows) {
    for (const auto& [clients, text] : {std::pair<std::size_t, const char*>{1, "1 client"},
                                        {10, "10 clients"},
                                        {100, "100 clients"},
                                        {1000, "1,000 clients"},
                                        {5000, "5,000 clients"},
                                        {10'000, "10,000 clients"},
                                        {19'000, "19,000 clients"}})
        rows.push_back({.name = "clients-" + std::to_string(clients),
                        .title = "echo, " + std::string(text),
                        .kind = Kind::Echo,
                        .clients = clients,
                        .inFlight = 1,
                        .mostRounds = 3});
}

std::vector<BenchRow> makeRows() {
    std::vector<BenchRow> rows{
        {.name = "echo-100-1",
         .title = "echo, 100 clients, 1 in flight",
         .kind = Kind::Echo,
         .clients = 100,
         .inFlight = 1,
         .quick = true},
        {.name = "echo-100-16",
         .title = "echo, 100 clients, 16 in flight",
         .kind = Kind::Echo,
         .clients = 100,
         .inFlight = 16,
         .quick = true},
        {.name = "echo-1000-1",
         .title = "echo, 1,000 clients, 1 in flight",
         .kind = Kind::Echo,
         .clients = 1000,
         .inFlight = 1,
         .quick = true},
        {.name = "echo-1000-16",
         .title = "echo, 1,000 clients, 16 in flight",
         .kind = Kind::Echo,
         .clients = 1000,
         .inFlight = 16},
        {.name = "blocked",
         .title = "echo, 1,000 clients; 4 more block",
         .kind = Kind::Echo,
         .clients = 1000,
         .inFlight = 1,
         .otherTitle = "  the same, those 4 silent",
         .blockers = 4,
         .quick = true},
        {.name = "broadcast-1",
         .title = "broadcast to 1,000, 1 in flight",
         .kind = Kind::Broadcast,
         .clients = 1000,
         .inFlight = 1,
         .quick = true},
        {.name = "broadcast-8",
         .title = "broadcast to 1,000, 8 in flight",
         .kind = Kind::Broadcast,
         .clients = 1000,
         .inFlight = 8,
         .quick = true},
        {.name = "tls-echo-100-1",
         .title = "echo over TLS, 100 clients",
         .kind = Kind::Echo,
         .clients = 100,
         .inFlight = 1,
         .tls = true},
        {.name = "connect", .title = "connect and join", .kind = Kind::Connect, .quick = true},
        {.name = "tls-connect",
         .title = "connect and join over TLS",
         .kind = Kind::Connect,
         .tls = true},
        {.name = "poll",
         .title = "long-poll cycle, 100 clients",
         .kind = Kind::Poll,
         .clients = 100,
         .quick = true},
        {.name = "nginx-poll-http",
         .title = "the same, nginx passes HTTP",
         .kind = Kind::Poll,
         .clients = 100,
         .front = Front::NginxHttp},
        {.name = "nginx-poll-fastcgi",
         .title = "the same, nginx passes FastCGI",
         .kind = Kind::Poll,
         .clients = 100,
         .front = Front::NginxFastCgi,
         .option = "--fastcgi"},
        {.name = "idle-10000",
         .title = "idle, 10,000 clients",
         .kind = Kind::Idle,
         .clients = 10'000,
         .quick = true},
        {.name = "idle-environ",
         .title = "the same, environs kept (default)",
         .kind = Kind::Idle,
         .clients = 10'000,
         .option = "--keep-environ"},
        {.name = "idle-19000",
         .title = "idle, 19,000 clients",
         .kind = Kind::Idle,
         .clients = 19'000},
        {.name = "tls-idle-5000",
         .title = "idle over TLS, 5,000 clients",
         .kind = Kind::Idle,
         .clients = 5000,
         .tls = true},
    };
    addPayloads(rows);
    addClients(rows);
    for (const auto& [name, title, broker] :
         {std::tuple{"cluster-redis", "10,000 emits/s, Redis: emitting",
                     MessageBroker::Kind::Redis},
          {"cluster-amqp", "10,000 emits/s, RabbitMQ: emitting", MessageBroker::Kind::Rabbit}})
        rows.push_back({.name = name,
                        .title = title,
                        .kind = Kind::Cluster,
                        .clients = 100,
                        .otherTitle = "  the other server",
                        .broker = broker});
    return rows;
}

}  // namespace

const std::vector<BenchRow>& benchRows() {
    static const std::vector<BenchRow> rows = makeRows();
    return rows;
}

}  // namespace socketio
