#include "Rows.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

#include "BlockingTraffic.h"
#include "ClusterRow.h"
#include "Fleet.h"
#include "Goals.h"
#include "NginxFront.h"
#include "PayloadTraffic.h"
#include "PollingClient.h"
#include "RowEntry.h"
#include "ServerProcess.h"
#include "TestCertificate.h"

namespace socketio {

namespace {

constexpr std::size_t kConnectsAtOnce = 64;

/// Time and CPU between its construction and finish().
class Stopwatch {
public:
    explicit Stopwatch(const ServerProcess& server)
        : _server(server),
          _serverCpu(server.cpuNanoseconds()),
          _ownCpu(ownCpuNanoseconds()),
          _time(LoadLoop::now()) {}

    Sample finish(std::uint64_t messages, const LatencyHistogram& latency) const {
        const auto seconds = static_cast<double>(LoadLoop::now() - _time) / 1e9;
        const auto server = static_cast<double>(_server.cpuNanoseconds() - _serverCpu) / 1e3;
        const auto own = static_cast<double>(ownCpuNanoseconds() - _ownCpu) / 1e3;
        if (messages == 0) throw std::runtime_error("no message came back");
        const auto count = static_cast<double>(messages);
        return {count / seconds, server / count, own / count, latency.percentile(0.5),
                latency.percentile(0.99)};
    }

private:
    const ServerProcess& _server;
    const std::int64_t _serverCpu;
    const std::int64_t _ownCpu;
    const std::int64_t _time;
};

/// A contestant with one server.
struct ServerEntry : RowEntry {
    ServerProcess server;
    NginxFront nginx;
    std::uint16_t port = 0;  // where clients connect
    std::unique_ptr<Fleet> fleet;
    std::vector<Sample> samples;
    std::vector<Sample> otherSamples;  // without blockers
    BenchResult result;

    void stop() override {
        fleet.reset();
        nginx.stop();
        server.stop();
    }
};

void runUntil(Fleet& fleet, std::int64_t deadline) {
    while (LoadLoop::now() < deadline) fleet.turn(5);
}

std::unique_ptr<Traffic> trafficOf(const BenchRow& row, bool blocking) {
    if (blocking) return std::make_unique<BlockingTraffic>(row.clients, row.inFlight);
    if (row.payload > 0)
        return std::make_unique<PayloadTraffic>(row.clients, row.payload, row.binary);
    if (row.kind == BenchRow::Kind::Echo)
        return std::make_unique<EchoTraffic>(row.clients, row.inFlight);
    return std::make_unique<BroadcastTraffic>(row.clients, row.inFlight);
}

/// Sends traffic for as long as it lives.
class TrafficScope {
public:
    TrafficScope(Fleet& fleet, Traffic& traffic) : _fleet(fleet) {
        fleet.setTraffic(&traffic);
        traffic.begin(fleet);
    }
    ~TrafficScope() { _fleet.setTraffic(nullptr); }
    TrafficScope(const TrafficScope&) = delete;
    TrafficScope& operator=(const TrafficScope&) = delete;

private:
    Fleet& _fleet;
};

Sample messageWindow(const BenchRow& row, ServerEntry& entry, const BenchPlan& plan,
                     bool blocking) {
    Fleet& fleet = *entry.fleet;
    const std::unique_ptr<Traffic> traffic = trafficOf(row, blocking);
    const TrafficScope scope(fleet, *traffic);
    runUntil(fleet, in(plan.warmUpMilliseconds));
    traffic->messages = 0;
    traffic->latency.clear();
    const Stopwatch stopwatch(entry.server);
    runUntil(fleet, in(plan.windowMilliseconds));
    // A slow server may take longer for one message of each client.
    for (const std::int64_t end = in(10'000);
         traffic->messages < row.clients && fleet.lost() == 0 && LoadLoop::now() < end;)
        fleet.turn(5);
    const Sample sample = stopwatch.finish(traffic->messages, traffic->latency);

    traffic->stopping = true;
    const std::int64_t deadline = in(10'000);
    while (traffic->outstanding() > 0 && fleet.lost() == 0 && LoadLoop::now() < deadline)
        fleet.turn(5);
    if (traffic->wrong > 0) entry.fault(std::to_string(traffic->wrong) + " wrong packets");
    if (fleet.lost() > 0) throw std::runtime_error(std::to_string(fleet.lost()) + " clients lost");
    if (traffic->outstanding() > 0)
        throw std::runtime_error(std::to_string(traffic->outstanding()) +
                                 " messages still unanswered after 10 s");
    return sample;
}

void messageRound(const BenchRow& row, ServerEntry& entry, const BenchPlan& plan) {
    if (row.blockers > 0) entry.otherSamples.push_back(messageWindow(row, entry, plan, false));
    entry.samples.push_back(messageWindow(row, entry, plan, row.blockers > 0));
}

void connectRound(ServerEntry& entry, LoadLoop& loop, const BenchPlan& plan) {
    LatencyHistogram latency;
    {
        Fleet fleet(loop, entry.server.port());
        const Stopwatch stopwatch(entry.server);
        const std::size_t joined =
            fleet.connect(plan.connects, kConnectsAtOnce, in(plan.connectSeconds * 1000), &latency);
        entry.samples.push_back(stopwatch.finish(joined, latency));
        if (fleet.lost() > 0) entry.fault(std::to_string(fleet.lost()) + " clients refused");
        if (joined < plan.connects) entry.fault("only " + std::to_string(joined) + " connected");
    }
    entry.server.waitUntilQuiet(2000);
}

/// Clients that go from one cycle of long-polling to the next.
class PollingLoad final : public PollingClientListener {
public:
    PollingLoad(LoadLoop& loop, std::uint16_t port, std::size_t clients)
        : _loop(loop), _postedAt(clients) {
        for (std::size_t i = 0; i < clients; ++i) {
            _clients.push_back(std::make_unique<PollingClient>(loop, *this, i));
            _clients.back()->join(port);
        }
    }

    void run(std::int64_t deadline) {
        while (LoadLoop::now() < deadline && _failure.empty()) {
            _loop.turn(5);
            // A turn later than its poll, so that the poll is parked when the post arrives.
            for (const std::size_t index : std::exchange(_polled, {})) {
                _postedAt[index] = LoadLoop::now();
                _clients[index]->post();
            }
        }
        if (!_failure.empty()) throw std::runtime_error(_failure);
    }

    std::uint64_t cycles = 0;
    LatencyHistogram latency;

private:
    void onReady(PollingClient& client) override {
        std::int64_t& postedAt = _postedAt[client.index()];
        if (postedAt != 0) {
            latency.add(LoadLoop::now() - postedAt);
            ++cycles;
        }
        client.poll();
        _polled.push_back(client.index());
    }

    void onLost(PollingClient&, std::string_view why) override { _failure = why; }

    LoadLoop& _loop;
    std::vector<std::unique_ptr<PollingClient>> _clients;
    std::vector<std::int64_t> _postedAt;  // by client; 0 before its first cycle
    std::vector<std::size_t> _polled;     // clients whose post is due
    std::string _failure;
};

void pollRound(const BenchRow& row, ServerEntry& entry, LoadLoop& loop, const BenchPlan& plan) {
    {
        PollingLoad load(loop, entry.port, row.clients);
        load.run(in(plan.warmUpMilliseconds + 200));
        load.cycles = 0;
        load.latency.clear();
        const Stopwatch stopwatch(entry.server);
        load.run(in(plan.windowMilliseconds));
        entry.samples.push_back(stopwatch.finish(load.cycles, load.latency));
    }
    entry.server.waitUntilQuiet(2000);
}

/// Memory of so many clients, each of which must still answer at the end.
void idleRow(std::size_t clients, ServerEntry& entry, LoadLoop& loop, const BenchPlan& plan) {
    ServerProcess& server = entry.server;
    {
        Fleet first(loop, server.port());
        first.connect(1, 1, in(5000));  // what a server sets up once is not the clients' share
    }
    server.waitUntilQuiet(3000);
    const std::size_t before = server.residentBytes();

    Fleet fleet(loop, server.port());
    const std::size_t joined =
        fleet.connect(clients, kConnectsAtOnce, in(plan.connectSeconds * 1000));
    if (fleet.lost() > 0) entry.fault(std::to_string(fleet.lost()) + " clients refused");
    if (joined < clients)
        entry.fault("only " + std::to_string(joined) + " clients connected in the time given");
    if (joined < fleet.size()) runUntil(fleet, in(1000));  // those that are still connecting
    if (joined >= 19'000) runUntil(fleet, in(plan.heartbeatSeconds * 1000));
    runUntil(fleet, in(500));
    server.waitUntilQuiet(5000);
    const std::size_t after = server.residentBytes();

    EchoTraffic traffic(fleet.size(), 1);
    traffic.stopping = true;  // one message each
    const TrafficScope scope(fleet, traffic);
    const std::int64_t deadline = in(20'000);
    while (traffic.messages < joined && fleet.lost() == 0 && LoadLoop::now() < deadline)
        fleet.turn(5);
    if (traffic.messages < joined)
        entry.fault("only " + std::to_string(traffic.messages) + " clients answered at the end");
    entry.result.idleClients = std::min<std::size_t>(joined, traffic.messages);
    if (joined > 0 && after > before)
        entry.result.bytesPerClient =
            static_cast<double>(after - before) / static_cast<double>(joined);
}

}  // namespace

BenchPlan BenchPlan::quick() {
    BenchPlan plan;
    plan.rounds = 3;
    plan.warmUpMilliseconds = 150;
    plan.windowMilliseconds = 500;
    plan.connects = 1000;
    plan.connectSeconds = 20;
    plan.heartbeatSeconds = 1;
    return plan;
}

std::vector<BenchResult> measure(const BenchRow& row, const std::vector<Contestant>& contestants,
                                 const BenchPlan& plan) {
    using Kind = BenchRow::Kind;
    if (row.kind == Kind::Cluster) return measureCluster(row, contestants, plan);
    LoadLoop loop;
    std::unique_ptr<TestCertificate> certificate;
    if (row.tls) {
        loop.useTls();
        certificate = std::make_unique<TestCertificate>();
    }
    std::vector<std::unique_ptr<ServerEntry>> entries;
    const auto start = [&](ServerEntry& entry, const Contestant& contestant) {
        const bool ours = isOurs(contestant.name);
        std::vector<std::string> command = contestant.command;
        if (ours && !row.option.empty()) command.push_back(row.option);
        if (certificate) command.insert(command.end(), {"--tls", certificate->folder()});
        if (!contestant.portOption.empty()) command.push_back(contestant.portOption);
        entry.server.start(std::move(command));
        entry.result.startMilliseconds = entry.server.startMilliseconds();
        entry.port = entry.server.port();
        if (row.front == BenchRow::Front::None) return;
        const bool fastCgi = ours && row.front == BenchRow::Front::NginxFastCgi;
        entry.nginx.start(fastCgi ? NginxFront::Pass::FastCgi : NginxFront::Pass::Http, entry.port);
        entry.port = entry.nginx.port();
    };
    const std::size_t clients = row.clients + row.blockers;
    const auto prepare = [&](ServerEntry& entry, const Contestant& contestant) {
        start(entry, contestant);
        if (row.kind != Kind::Echo && row.kind != Kind::Broadcast) return;
        entry.fleet = std::make_unique<Fleet>(loop, entry.server.port());
        if (entry.fleet->connect(clients, kConnectsAtOnce, in(plan.connectSeconds * 1000)) <
            clients)
            throw std::runtime_error("clients could not connect");
    };
    const auto oneRound = [&](ServerEntry& entry) {
        if (row.kind == Kind::Connect)
            connectRound(entry, loop, plan);
        else if (row.kind == Kind::Poll)
            pollRound(row, entry, loop, plan);
        else
            messageRound(row, entry, plan);
    };
    const int rounds = std::min(plan.rounds, row.mostRounds);
    // Descriptors are the limit: with many clients the servers come one after the other.
    const bool inTurn = row.kind != Kind::Idle && clients * contestants.size() <= 15'000;
    for (const Contestant& contestant : contestants) {
        if (row.tls && contestant.name == "python") continue;
        if (row.kind != Kind::Idle && clients > contestant.mostTalking) continue;
        entries.push_back(std::make_unique<ServerEntry>());
        ServerEntry& entry = *entries.back();
        entry.result.row = row.name;
        entry.result.server = contestant.name;
        entry.attempt([&] {
            if (row.kind == Kind::Idle) {
                start(entry, contestant);
                const std::size_t held = std::min(row.clients, contestant.mostIdle);
                if (held < row.clients)
                    entry.fault("asked to hold " + std::to_string(held) + " only");
                idleRow(held, entry, loop, plan);
                entry.server.stop();
                return;
            }
            prepare(entry, contestant);
            if (inTurn) return;
            for (int round = 0; round < rounds; ++round) oneRound(entry);
            entry.stop();
        });
    }
    for (int round = 0; inTurn && round < rounds; ++round)
        for (const auto& entry : entries) entry->attempt([&] { oneRound(*entry); });

    std::vector<BenchResult> results;
    for (const auto& entry : entries) {
        entry->stop();
        setMedians(entry->result, entry->samples);
        entry->result.faults = std::move(entry->faults);
        results.push_back(entry->result);
    }
    for (const auto& entry : entries) {
        if (row.blockers == 0) break;
        BenchResult without;
        without.row = row.otherName();
        without.server = entry->result.server;
        setMedians(without, entry->otherSamples);
        results.push_back(std::move(without));
    }
    return results;
}

}  // namespace socketio
