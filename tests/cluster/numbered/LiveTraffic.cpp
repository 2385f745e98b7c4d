#include "LiveTraffic.h"

#include <algorithm>

namespace socketio::test {

namespace {

constexpr std::size_t kServers = NumberedCluster::kServers;
constexpr const char* kRoom = "half";

}  // namespace

LiveTraffic::LiveTraffic(NumberedCluster& cluster, unsigned perSecondAndServer,
                         const std::vector<NumberedCluster::Receiver>& others)
    : _cluster(cluster),
      _all(cluster.receivers().size()),
      _first(cluster.messages().mark().size()) {
    std::vector<NumberedCluster::Receiver> all = cluster.receivers(), half;
    for (std::size_t server = 0; server < kServers; ++server)
        for (std::size_t i = 0; i < cluster.receivers(server).size(); i += 2) {
            half.push_back(cluster.receivers(server)[i]);
            cluster.node(server).sio().enterRoom(cluster.sidOf(half.back()), kRoom);
        }
    all.insert(all.end(), others.begin(), others.end());
    for (std::size_t server = 0; server < kServers; ++server)
        cluster.messages().addStream("to all of server " + std::to_string(server), all);
    for (std::size_t server = 0; server < kServers; ++server)
        cluster.messages().addStream("to the room of server " + std::to_string(server), half);
    for (std::size_t server = 0; server < kServers; ++server)
        _threads.emplace_back([this, server, perSecondAndServer] {
            send(server, Duration(std::chrono::seconds(1)) / perSecondAndServer);
        });
}

void LiveTraffic::send(std::size_t server, Duration interval) {
    NumberedCluster::Node& node = _cluster.node(server);
    TimePoint next = Clock::system().now();
    for (std::size_t i = 0; !_stopping; ++i) {
        const NumberedMessages::Stream stream = _first + server + (i % 2 == 0 ? 0 : kServers);
        const std::string text = _cluster.messages().attempt(stream);
        const TimePoint begin = Clock::system().now();
        node.emit(text, {.room = i % 2 == 0 ? Names() : Names(kRoom)});
        _times[server].push_back(Clock::system().now() - begin);
        std::this_thread::sleep_until(next += interval);
    }
}

void LiveTraffic::stop() {
    _stopping = true;
    for (std::thread& each : _threads) each.join();
    if (_threads.empty()) return;
    _threads.clear();
    for (const auto& each : _times) _sorted.insert(_sorted.end(), each.begin(), each.end());
    std::sort(_sorted.begin(), _sorted.end());
}

bool LiveTraffic::heard(Where where, Duration within, const NumberedMessages::Mark& since) {
    return _cluster.messages().waitUntilHeard(
        since,
        [&](NumberedMessages::Stream stream, NumberedCluster::Receiver receiver) {
            return stream >= _first && stream < _first + 2 * kServers && receiver < _all &&
                   isHome(stream, receiver) == (where == Where::AtHome);
        },
        Clock::system().now() + within);
}

std::uint64_t LiveTraffic::lostAtHome() const {
    return _cluster.messages().lost(
        [&](NumberedMessages::Stream stream, NumberedCluster::Receiver receiver) {
            return stream >= _first && stream < _first + 2 * kServers && receiver < _all &&
                   isHome(stream, receiver);
        });
}

std::uint64_t LiveTraffic::lostFromElsewhere(NumberedCluster::Receiver by, bool toAllOnly) const {
    return _cluster.messages().lost(
        [&](NumberedMessages::Stream stream, NumberedCluster::Receiver receiver) {
            return receiver == by && stream >= _first &&
                   stream < _first + (toAllOnly ? 1 : 2) * kServers && !isHome(stream, receiver);
        });
}

Duration LiveTraffic::longestEmit() const { return _sorted.back(); }

Duration LiveTraffic::usualEmit() const { return _sorted[_sorted.size() * 99 / 100]; }

}  // namespace socketio::test
