#include "ClusterRow.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "Fleet.h"
#include "MessageBroker.h"
#include "RowEntry.h"
#include "Sample.h"
#include "ServerProcess.h"

namespace socketio {

namespace {

constexpr std::string_view kText = "\"0123456789abcdef0123456789abcdef\"]";
constexpr std::string_view kJoinAnswer = "30[";
constexpr std::string_view kStopAnswer = "31[";

std::string stopFrame() { return WebSocketClient::maskedFrame("421[\"stop\"]"); }

std::string startFrame(int rate, std::size_t rooms) {
    return WebSocketClient::maskedFrame("42[\"start\"," + std::to_string(rate) + "," +
                                        std::to_string(rooms) + "]");
}

/// Reads a number from the front of `text`, and `end` behind it.
bool take(std::string_view& text, std::int64_t& number, char end) {
    const auto [tail, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || tail == text.data() + text.size() || *tail != end) return false;
    text.remove_prefix(static_cast<std::size_t>(tail - text.data()) + 1);
    return true;
}

/// What the clients of one of `servers` servers get: client i, in the room c<i * servers + server>,
/// every message whose number is that modulo the number of all clients.
class ReceiptTraffic final : public Traffic {
public:
    ReceiptTraffic(std::size_t server, std::size_t servers, std::size_t clients)
        : _server(server), _servers(servers), _clients(clients), _next(clients / servers) {
        restart();
    }

    /// Every client joins its room.
    void begin(Fleet& fleet) override {
        for (std::size_t i = 0; i < fleet.size(); ++i)
            fleet.client(i).send(
                WebSocketClient::maskedFrame("420[\"join\",\"c" + std::to_string(room(i)) + "\"]"));
    }

    void onPacket(Fleet&, WebSocketClient& client, std::string_view packet, std::string&) override {
        const std::int64_t now = LoadLoop::now();
        if (packet.starts_with(kJoinAnswer)) {
            ++joined;
            return;
        }
        if (packet.starts_with(kStopAnswer)) {
            packet.remove_prefix(kStopAnswer.size());
            if (!take(packet, emitted, ']')) ++wrong;
            return;
        }
        std::int64_t sentAt = 0;
        std::int64_t number = 0;
        constexpr std::string_view kBegin = "2[\"m\",";
        std::int64_t& next = _next[client.index()];
        if (!packet.starts_with(kBegin) || (packet.remove_prefix(kBegin.size()), false) ||
            !take(packet, sentAt, ',') || !take(packet, number, ',') || packet != kText ||
            number < next || (number - next) % static_cast<std::int64_t>(_clients) != 0) {
            ++wrong;
            return;
        }
        next = number + static_cast<std::int64_t>(_clients);
        ++messages;
        ++received;
        latency.add(now - sentAt);
    }

    std::size_t outstanding() const override { return 0; }

    /// Before the messages begin with number 0 again.
    void restart() {
        for (std::size_t i = 0; i < _next.size(); ++i)
            _next[i] = static_cast<std::int64_t>(room(i));
        received = 0;
        emitted = -1;
    }
    std::size_t expected() const { return _next.size(); }

    std::size_t joined = 0;
    std::int64_t received = 0;  ///< Since restart().
    std::int64_t emitted = -1;  ///< What the emitting server answered to `stop`.

private:
    std::size_t room(std::size_t client) const { return client * _servers + _server; }

    const std::size_t _server, _servers, _clients;
    std::vector<std::int64_t> _next;  // by client: the number of its next message
};

/// One contestant's broker, servers and clients.
class Cluster {
public:
    Cluster(LoadLoop& loop, const BenchRow& row, const Contestant& contestant, int rate)
        : _rate(rate), _clients(row.clients) {
        _broker.start(row.broker);
        for (std::size_t i = 0; i < kServers; ++i) {
            std::vector<std::string> command = contestant.command;
            command.insert(command.end(), {"--manager", _broker.url()});
            if (!contestant.portOption.empty()) command.push_back(contestant.portOption);
            Node& node = _nodes[i];
            node.server.start(std::move(command));
            node.traffic = std::make_unique<ReceiptTraffic>(i, kServers, _clients);
            node.fleet = std::make_unique<Fleet>(loop, node.server.port());
            const std::size_t count = node.traffic->expected();
            if (node.fleet->connect(count, count, in(30'000)) < count)
                throw std::runtime_error("clients could not connect");
            node.fleet->setTraffic(node.traffic.get());
            node.traffic->begin(*node.fleet);
            if (!turnUntil([&] { return node.traffic->joined == count; }, 10'000))
                throw std::runtime_error("clients could not join their rooms");
        }
        awaitSubscription();
    }
    ~Cluster() {
        for (Node& node : _nodes)
            if (node.fleet) node.fleet->setTraffic(nullptr);
    }
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    static constexpr std::size_t kServers = 2;
    using Samples = std::array<Sample, kServers>;

    double startMilliseconds(std::size_t node) const {
        return _nodes[node].server.startMilliseconds();
    }

    /// Of the emitting server and the other one. What went wrong without being the end is told to
    /// `fault`.
    Samples round(const BenchPlan& plan, const std::function<void(std::string)>& fault) {
        start(_rate);
        turnUntil([] { return false; }, plan.warmUpMilliseconds);
        std::array<std::int64_t, kServers> cpu{};
        for (std::size_t i = 0; i < kServers; ++i) {
            _nodes[i].traffic->messages = 0;
            _nodes[i].traffic->latency.clear();
            cpu[i] = _nodes[i].server.cpuNanoseconds();
        }
        const std::int64_t own = ownCpuNanoseconds();
        const std::int64_t begin = LoadLoop::now();
        turnUntil([] { return false; }, plan.windowMilliseconds);
        const auto seconds = static_cast<double>(LoadLoop::now() - begin) / 1e9;
        const auto generator = static_cast<double>(ownCpuNanoseconds() - own) / 1e3;
        std::uint64_t messages = 0;
        for (const Node& node : _nodes) messages += node.traffic->messages;
        if (messages == 0) throw std::runtime_error("no message came");
        const auto count = static_cast<double>(messages);
        Samples samples;
        for (std::size_t i = 0; i < kServers; ++i) {
            const Node& node = _nodes[i];
            const auto used = static_cast<double>(node.server.cpuNanoseconds() - cpu[i]) / 1e3;
            samples[i] = {count / seconds, used / count, generator / count,
                          node.traffic->latency.percentile(0.5),
                          node.traffic->latency.percentile(0.99)};
        }
        stop();
        const std::int64_t emitted = _nodes[0].traffic->emitted;
        if (!turnUntil([&] { return received() == emitted; }, 10'000))
            fault(std::to_string(emitted - received()) + " messages lost");
        for (const Node& node : _nodes)
            if (node.traffic->wrong > 0)
                fault(std::to_string(node.traffic->wrong) + " wrong packets");
        return samples;
    }

private:
    struct Node {
        ServerProcess server;
        std::unique_ptr<ReceiptTraffic> traffic;
        std::unique_ptr<Fleet> fleet;
    };

    template <class Condition>
    bool turnUntil(Condition&& condition, int milliseconds) {
        const std::int64_t deadline = in(milliseconds);
        while (!condition() && LoadLoop::now() < deadline) {
            _nodes[0].fleet->turn(5);  // the loop of both fleets
            for (const Node& node : _nodes)
                if (node.fleet && node.fleet->lost() > 0)
                    throw std::runtime_error(std::to_string(node.fleet->lost()) + " clients lost");
        }
        return condition();
    }

    std::int64_t received() const {
        std::int64_t sum = 0;
        for (const Node& node : _nodes) sum += node.traffic->received;
        return sum;
    }

    void start(int rate) {
        for (const Node& node : _nodes) node.traffic->restart();
        _nodes[0].fleet->client(0).send(startFrame(rate, _clients));
    }

    void stop() {
        _nodes[0].fleet->client(0).send(stopFrame());
        if (!turnUntil([&] { return _nodes[0].traffic->emitted >= 0; }, 10'000))
            throw std::runtime_error("the server did not stop emitting");
    }

    /// A server that has just started may not yet hear the broker: waits until it does.
    void awaitSubscription() {
        start(200);
        const bool heard = turnUntil([&] { return _nodes[1].traffic->received > 0; }, 20'000);
        stop();
        turnUntil([] { return false; }, 300);
        if (!heard) throw std::runtime_error("the other server hears nothing from the broker");
    }

    const int _rate;
    const std::size_t _clients;
    MessageBroker _broker;
    std::array<Node, kServers> _nodes;
};

/// A contestant with a cluster.
struct ClusterEntry : RowEntry {
    std::unique_ptr<Cluster> cluster;
    std::array<std::vector<Sample>, Cluster::kServers> samples;
    std::array<BenchResult, Cluster::kServers> results;

    void stop() override { cluster.reset(); }
};

}  // namespace

std::vector<BenchResult> measureCluster(const BenchRow& row,
                                        const std::vector<Contestant>& contestants,
                                        const BenchPlan& plan) {
    constexpr int kRate = 10'000;
    LoadLoop loop;
    std::vector<std::unique_ptr<ClusterEntry>> entries;
    for (const Contestant& contestant : contestants) {
        // There is no official adapter of socket.io for RabbitMQ.
        if (contestant.name == "node" && row.broker == MessageBroker::Kind::Rabbit) continue;
        entries.push_back(std::make_unique<ClusterEntry>());
        ClusterEntry& entry = *entries.back();
        for (std::size_t i = 0; i < Cluster::kServers; ++i) {
            entry.results[i].row = i == 0 ? row.name : row.otherName();
            entry.results[i].server = contestant.name;
        }
        entry.attempt([&] {
            const int rate = std::min(kRate, contestant.mostEmits);
            if (rate < kRate) entry.fault("asked for " + std::to_string(rate) + " emits/s only");
            entry.cluster = std::make_unique<Cluster>(loop, row, contestant, rate);
            for (std::size_t i = 0; i < Cluster::kServers; ++i)
                entry.results[i].startMilliseconds = entry.cluster->startMilliseconds(i);
        });
    }
    for (int round = 0; round < plan.rounds; ++round) {
        for (const auto& entry : entries) {
            entry->attempt([&] {
                const auto samples = entry->cluster->round(
                    plan, [&](std::string what) { entry->fault(std::move(what)); });
                for (std::size_t i = 0; i < Cluster::kServers; ++i)
                    entry->samples[i].push_back(samples[i]);
            });
        }
    }
    for (const auto& entry : entries) {
        entry->stop();
        entry->results[0].faults = std::move(entry->faults);
    }
    std::vector<BenchResult> results;
    for (std::size_t i = 0; i < Cluster::kServers; ++i) {
        for (const auto& entry : entries) {
            setMedians(entry->results[i], entry->samples[i]);
            results.push_back(std::move(entry->results[i]));
        }
    }
    return results;
}

}  // namespace socketio
