#include "PollingSession.h"

#include <algorithm>
#include <utility>

namespace socketio::test {

namespace {

constexpr char kSeparator = '\x1e';
constexpr std::string_view kTarget = "/socket.io/?EIO=4&transport=polling";

}  // namespace

PostOffice::PostOffice(const MakeChannel& make, std::uint16_t port, std::size_t channels) {
    for (std::size_t i = 0; i < channels; ++i) {
        _channels.emplace_back().requests = make(*this);
        _channels.back().requests->setPort(port);
    }
}

PostOffice::~PostOffice() = default;

void PostOffice::queue(PollingSession& session) {
    _waiting.push_back(&session);
    sendNext();
}

void PostOffice::forget(const PollingSession& session) {
    std::erase(_waiting, &session);
    for (Channel& each : _channels)
        if (each.session == &session) each.session = nullptr;
}

void PostOffice::sendNext() {
    // In turn, so that none is idle for so long that the server closes it.
    for (std::size_t i = 0; i < _channels.size() && !_waiting.empty(); ++i) {
        Channel& channel = _channels[_next];
        _next = (_next + 1) % _channels.size();
        if (channel.busy) continue;
        channel.session = _waiting.front();
        _waiting.pop_front();
        channel.busy = true;
        channel.requests->post(channel.session->target(), channel.session->takePayload());
    }
}

PostOffice::Channel& PostOffice::of(const RequestChannel& requests) {
    return *std::find_if(_channels.begin(), _channels.end(),
                         [&](const Channel& each) { return each.requests.get() == &requests; });
}

PollingSession* PostOffice::finished(Channel& channel) {
    channel.busy = false;
    return std::exchange(channel.session, nullptr);
}

void PostOffice::onAnswer(RequestChannel& channel, int status, std::string_view body) {
    if (PollingSession* const session = finished(of(channel)))
        session->onPosted(status == 200 && body == "ok");
    sendNext();
}

void PostOffice::onUnanswered(RequestChannel& channel, std::string_view) {
    if (PollingSession* const session = finished(of(channel))) session->onPosted(false);
    sendNext();
}

PollingSession::PollingSession(const MakeChannel& make, PostOffice& office,
                               HeldSession::Listener& listener)
    : _office(office), _listener(listener), _polls(make(*this)) {}

PollingSession::~PollingSession() { _office.forget(*this); }

void PollingSession::join(std::uint16_t port) {
    reset();
    _polls->setPort(port);
    _target = kTarget;
    _state = State::Opening;
    _polls->get(_target);
}

void PollingSession::send(std::string_view packet) { say("4" + std::string(packet)); }

void PollingSession::leave() {
    say("41");
    say("1");
}

void PollingSession::reset() {
    _polls->abandon();
    _office.forget(*this);
    _unposted.clear();
    _posting = false;
    _state = State::Idle;
}

void PollingSession::say(std::string_view enginePacket) {
    if (!_unposted.empty()) _unposted += kSeparator;
    _unposted += enginePacket;
    if (std::exchange(_posting, true)) return;
    _office.queue(*this);
}

std::string PollingSession::takePayload() { return std::exchange(_unposted, {}); }

void PollingSession::onPosted(bool good) {
    _posting = false;
    if (!good) return ended();
    if (_unposted.empty()) return;
    _posting = true;
    _office.queue(*this);
}

void PollingSession::onAnswer(RequestChannel&, int status, std::string_view body) {
    if (status != 200) return ended();
    for (std::string_view rest = body; !rest.empty() && _state != State::Idle;) {
        const std::size_t end = rest.find(kSeparator);
        onPacket(rest.substr(0, end));
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
    if (_state != State::Idle) _polls->get(_target);
}

void PollingSession::onPacket(std::string_view packet) {
    if (packet.starts_with('4') && _state == State::Joined)
        return _listener.onPacket(*this, packet.substr(1));
    if (packet == "2") return say("3");
    if (packet == "6") return;
    if (packet.starts_with("40") && _state == State::Joining) {
        _state = State::Joined;
        return _listener.onJoined(*this);
    }
    constexpr std::string_view kSid = "\"sid\":\"";
    const std::size_t sid = packet.find(kSid);
    if (!packet.starts_with('0') || _state != State::Opening || sid == packet.npos) return ended();
    const std::size_t from = sid + kSid.size();
    _target.append("&sid=").append(packet.substr(from, packet.find('"', from) - from));
    _state = State::Joining;
    say("40");
}

void PollingSession::onUnanswered(RequestChannel&, std::string_view) { ended(); }

void PollingSession::ended() {
    reset();
    _listener.onEnded(*this);
}

}  // namespace socketio::test
