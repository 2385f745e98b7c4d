#include "Fleet.h"

#include <algorithm>
#include <charconv>

namespace socketio {

namespace {

constexpr std::string_view kEchoArguments = "[\"0123456789abcdef0123456789abcdef\"]";
constexpr std::string_view kEchoEvent = "[\"echo\",\"0123456789abcdef0123456789abcdef\"]";
constexpr std::string_view kBroadcastEvent = "42[\"bcast\",\"0123456789abcdef0123456789abcdef\"]";
constexpr std::string_view kBroadcastPacket = "2[\"b\",\"0123456789abcdef0123456789abcdef\"]";

}  // namespace

std::size_t Fleet::connect(std::size_t count, std::size_t atOnce, std::int64_t deadline,
                           LatencyHistogram* latency) {
    _joinLatency = latency;
    const std::size_t before = _joined;
    const std::size_t target = before + count;
    while (_joined < target && _lost == 0 && LoadLoop::now() < deadline) {
        while (_clients.size() < target && _clients.size() - _joined < atOnce) {
            _clients.push_back(std::make_unique<WebSocketClient>(_loop, *this, _clients.size()));
            _clients.back()->join(_port);
        }
        turn(10);
    }
    _joinLatency = nullptr;
    return _joined - before;
}

void Fleet::turn(int waitMilliseconds) {
    _loop.turn(waitMilliseconds);
    if (_traffic != nullptr) _traffic->turnEnded(*this);
}

void Fleet::onJoined(WebSocketClient& client) {
    ++_joined;
    if (_joinLatency != nullptr) _joinLatency->add(LoadLoop::now() - client.startedAt());
}

void Fleet::onPacket(WebSocketClient& client, std::string_view packet, std::string& out) {
    if (_traffic != nullptr) _traffic->onPacket(*this, client, packet, out);
}

void Fleet::onBinary(WebSocketClient& client, std::string_view bytes, std::string& out) {
    if (_traffic != nullptr) _traffic->onBinary(*this, client, bytes, out);
}

void Fleet::onLost(WebSocketClient&) { ++_lost; }

EchoTraffic::EchoTraffic(std::size_t clients, std::size_t inFlight)
    : _inFlight(inFlight), _sentAt(clients * inFlight) {
    for (std::size_t id = 0; id < inFlight; ++id) {
        std::string text = "42" + std::to_string(id);
        text += kEchoEvent;
        _frames.push_back(WebSocketClient::maskedFrame(text));
    }
}

void EchoTraffic::begin(Fleet& fleet) {
    std::string all;
    for (const std::string& frame : _frames) all += frame;
    for (std::size_t client = 0; client * _inFlight < _sentAt.size(); ++client) {
        const std::int64_t now = LoadLoop::now();
        std::fill_n(_sentAt.begin() + static_cast<std::ptrdiff_t>(client * _inFlight), _inFlight,
                    now);
        _outstanding += _inFlight;
        fleet.client(client).send(all);
    }
}

void EchoTraffic::onPacket(Fleet&, WebSocketClient& client, std::string_view packet,
                           std::string& out) {
    std::size_t id = _inFlight;
    const char* const end = packet.data() + packet.size();
    const auto [tail, error] = std::from_chars(packet.data() + 1, end, id);
    if (packet[0] != '3' || error != std::errc() || id >= _inFlight ||
        std::string_view(tail, static_cast<std::size_t>(end - tail)) != kEchoArguments) {
        ++wrong;
        return;
    }
    const std::int64_t now = LoadLoop::now();
    std::int64_t& sentAt = _sentAt[client.index() * _inFlight + id];
    latency.add(now - sentAt);
    ++messages;
    if (stopping) {
        --_outstanding;
        return;
    }
    sentAt = now;
    out += _frames[id];
}

BroadcastTraffic::BroadcastTraffic(std::size_t clients, std::size_t inFlight)
    : _inFlight(inFlight),
      _frame(WebSocketClient::maskedFrame(kBroadcastEvent)),
      _received(clients),
      _recent(2 * inFlight) {}

void BroadcastTraffic::begin(Fleet& fleet) { send(fleet, _inFlight); }

void BroadcastTraffic::send(Fleet& fleet, std::size_t count) {
    std::string frames;
    const std::int64_t now = LoadLoop::now();
    for (std::size_t i = 0; i < count; ++i) {
        _recent[_sent++ % _recent.size()] = {now, fleet.size()};
        frames += _frame;
    }
    _outstanding += count;
    fleet.client(0).send(frames);
}

void BroadcastTraffic::onPacket(Fleet&, WebSocketClient& client, std::string_view packet,
                                std::string&) {
    std::uint64_t& received = _received[client.index()];
    if (packet != kBroadcastPacket || received == _sent) {
        ++wrong;
        return;
    }
    Broadcast& broadcast = _recent[received++ % _recent.size()];
    latency.add(LoadLoop::now() - broadcast.sentAt);
    ++messages;
    if (--broadcast.missing > 0) return;
    --_outstanding;
    if (!stopping) ++_due;
}

void BroadcastTraffic::turnEnded(Fleet& fleet) {
    if (_due > 0) send(fleet, _due);
    _due = 0;
}

}  // namespace socketio
