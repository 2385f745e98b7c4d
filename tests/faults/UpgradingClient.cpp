#include "UpgradingClient.h"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

#include "support/EngineClient.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr auto kTime = 20s;  // for what should take a moment

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("UpgradingClient: " + what);
}

RawClient::Options patient() { return {.deadline = kTime}; }

/// UTF-16 code units that begin with this byte of UTF-8: lengths of revision 3 count those.
std::size_t unitsOf(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
}

std::size_t utf16Length(std::string_view text) {
    std::size_t units = 0;
    for (const char each : text) units += unitsOf(each);
    return units;
}

std::string event(const std::string& text) { return "42[\"n\",\"" + text + "\"]"; }

}  // namespace

UpgradingClient::UpgradingClient(FaultServer& server, NumberedMessages& messages,
                                 NumberedMessages::Receiver serverSide, unsigned seed,
                                 std::chrono::microseconds interval, int revision)
    : _server(server),
      _messages(messages),
      _receiver(messages.addReceiver("client " + std::to_string(seed))),
      _down(messages.addStream("to client " + std::to_string(seed), {_receiver})),
      _up(messages.addStream("from client " + std::to_string(seed), {serverSide})),
      _random(seed),
      _interval(interval),
      _revision(revision),
      _getter(server.port(), patient()),
      _poster(server.port(), patient()) {}

void UpgradingClient::open() {
    _target = "/socket.io/?EIO=" + std::to_string(_revision) + "&transport=polling";
    const std::vector<std::string> opening = split(_getter.get(_target).body);
    const std::string session = jsonString(opening.at(0), "sid");
    _target += "&sid=" + session;
    // Clients of revision 3 are connected unasked, under the name of the session.
    if (_revision == 4) post("40");
    startPoll();
    for (const std::string& packet : opening) handle(packet);
    while (_sid.empty()) takePoll();
    // Both are heard at all, however short the pauses are.
    emit();
    say();
    pause();
}

bool UpgradingClient::isCut(Cut here, Cut wanted, bool hard) {
    if (here != wanted) return false;
    if (hard) webSocket().reset();
    _webSocket.reset();
    return true;
}

bool UpgradingClient::upgrade(Cut cut, bool hard) {
    _webSocket = std::make_unique<RawClient>(_server.port(), patient());
    if (isCut(Cut::Connected, cut, hard)) return true;
    std::string request =
        RawClient::upgradeRequest("/socket.io/?EIO=" + std::to_string(_revision) +
                                  "&transport=websocket" + _target.substr(_target.find("&sid=")));
    if (cut == Cut::HalfOfHandshake) request.resize(request.size() / 2);
    sendInPieces(request);
    if (isCut(Cut::HalfOfHandshake, cut, hard)) return true;
    while (!webSocket().readable(0ms)) listen(std::chrono::steady_clock::now() + 1ms);
    if (webSocket().readResponse().status != 101) fail("the handshake of the WebSocket");
    pause();
    if (isCut(Cut::Handshake, cut, hard)) return true;

    std::string probe = RawClient::frame(RawFrame::Text, "2probe");
    if (cut == Cut::HalfOfProbe) probe.resize(probe.size() / 2);
    try {
        sendInPieces(probe);
    } catch (const std::runtime_error&) {
        _closed = true;
    }
    if (isCut(Cut::HalfOfProbe, cut, hard) || isCut(Cut::Probe, cut, hard)) return true;
    _probeAnswered = false;
    while (!_probeAnswered && !_closed) {
        if (webSocket().readable(0ms))
            takeFrame();
        else
            listen(std::chrono::steady_clock::now() + 1ms);
    }
    if (std::exchange(_closed, false)) {
        _webSocket.reset();
        return false;
    }
    if (isCut(Cut::ProbeAnswered, cut, hard)) return true;

    // It polls no more, and what it says waits for the new transport.
    _mayPoll = _mayPost = false;
    while (_polls) takePoll();
    pause();
    std::string upgrade = RawClient::frame(RawFrame::Text, "5");
    if (cut == Cut::HalfOfUpgrade) upgrade.resize(upgrade.size() / 2);
    if (cut == Cut::PollReleased || cut == Cut::HalfOfUpgrade) {
        if (cut == Cut::HalfOfUpgrade) webSocket().send(upgrade);
        isCut(cut, cut, hard);
        // It goes back to where it was.
        _mayPoll = _mayPost = true;
        for (const std::string& each : std::exchange(_held, {})) post(event(each));
        startPoll();
        return true;
    }
    _upgraded = true;
    if (endsSession(cut)) {
        // Nobody knows how much of it arrives.
        if (cut == Cut::FirstMessage) {
            _held.push_back(_messages.attempt(_up));
            for (const std::string& each : _held)
                upgrade += RawClient::frame(RawFrame::Text, event(each));
        }
        webSocket().send(upgrade);
        _messages.ended(_up);
        _messages.ended(_down);
        _messages.left(_receiver);
        isCut(cut, cut, hard);
        return true;
    }
    for (const std::string& each : std::exchange(_held, {}))
        upgrade += RawClient::frame(RawFrame::Text, event(each));
    sendInPieces(upgrade);
    _mayPost = true;
    return true;
}

void UpgradingClient::finish() {
    emit();
    say();
    pause();
    _server.command("tell " + _sid + " bye");
    const std::string echo = "420[\"echo\"]";
    if (_upgraded)
        webSocket().sendText(echo);
    else
        post(echo);
    const TimePoint end = std::chrono::steady_clock::now() + kTime;
    while (!_bye || !_echoed) {
        if (std::chrono::steady_clock::now() > end) fail("the end does not come");
        listen(std::chrono::steady_clock::now() + 10ms);
        if (_closed) fail("the session has ended");
    }
    if (!_upgraded) post("1");
}

void UpgradingClient::pause() {
    const TimePoint end =
        std::chrono::steady_clock::now() + std::chrono::microseconds(_random() % 50'000);
    for (TimePoint next = std::chrono::steady_clock::now(); next < end; next += _interval) {
        emit();
        say();
        listen(std::min(next + _interval, end));
    }
}

void UpgradingClient::emit() { _server.emit(_sid, _messages.attempt(_down)); }

void UpgradingClient::say() {
    std::string text = _messages.attempt(_up);
    if (!_mayPost)
        _held.push_back(std::move(text));
    else if (_upgraded)
        sendInPieces(RawClient::frame(RawFrame::Text, event(text)));
    else
        post(event(text));
}

void UpgradingClient::listen(TimePoint until) {
    while (!_closed) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) return;
        if (_upgraded) {
            if (webSocket().readable(left)) takeFrame();
        } else if (_polls) {
            if (_getter.readable(left)) takePoll();
        } else {
            std::this_thread::sleep_until(until);  // the pause itself
        }
    }
}

void UpgradingClient::startPoll() {
    _getter.request("GET", _target);
    _polls = true;
}

void UpgradingClient::takePoll() {
    const RawResponse answer = _getter.readResponse();
    if (answer.status != 200) fail("poll: " + std::to_string(answer.status) + " " + answer.body);
    _polls = false;
    for (const std::string& packet : split(answer.body)) handle(packet);
    if (_mayPoll && !_closed) startPoll();
}

void UpgradingClient::takeFrame() {
    const RawFrame frame = webSocket().readFrame();
    if (frame.opcode == RawFrame::Text)
        handle(frame.payload);
    else
        _closed = true;
}

void UpgradingClient::handle(std::string_view packet) {
    constexpr std::string_view kMessage = "42[\"n\",\"";
    if (packet.starts_with(kMessage)) {
        packet.remove_prefix(kMessage.size());
        _messages.received(_receiver, packet.substr(0, packet.rfind('"')));
    } else if (packet == "3probe") {
        _probeAnswered = true;
    } else if (packet == "2") {
        if (_upgraded)
            webSocket().sendText("3");
        else if (_mayPost)
            post("3");
    } else if (packet == "1") {
        _closed = true;
    } else if (packet.starts_with("40{")) {
        _sid = jsonString(packet, "sid");
    } else if (packet == "40") {
        _sid = _target.substr(_target.find("&sid=") + 5);
    } else if (packet == "42[\"bye\"]") {
        _bye = true;
    } else if (packet == "430[]") {
        _echoed = true;
    }
}

/// Revision 3: `<length>:<packet>` each.
std::vector<std::string> UpgradingClient::split(std::string_view payload) const {
    if (_revision == 4) return PollingClient::split(payload);
    std::vector<std::string> packets;
    while (!payload.empty()) {
        const std::size_t colon = payload.find(':');
        if (colon == payload.npos) fail("a payload of another revision");
        const std::size_t units = std::stoul(std::string(payload.substr(0, colon)));
        payload.remove_prefix(colon + 1);
        std::size_t size = 0;
        for (std::size_t seen = 0; size < payload.size(); ++size)
            if ((seen += unitsOf(payload[size])) > units) break;
        packets.emplace_back(payload.substr(0, size));
        payload.remove_prefix(size);
    }
    return packets;
}

void UpgradingClient::post(const std::string& payload) {
    const RawResponse answer = _poster.post(
        _target, _revision == 3 ? std::to_string(utf16Length(payload)) + ":" + payload : payload);
    if (answer.body != "ok") fail("POST: " + std::to_string(answer.status) + " " + answer.body);
}

// In one to four, some of them with a moment in between.
void UpgradingClient::sendInPieces(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t size = _random() % 4 == 0 ? bytes.size() : 1 + _random() % bytes.size();
        webSocket().send(bytes.substr(0, size));
        bytes.remove_prefix(size);
        if (!bytes.empty() && _random() % 8 == 0 && !_upgraded)
            listen(std::chrono::steady_clock::now() + std::chrono::microseconds(_random() % 2'000));
    }
}

}  // namespace socketio::test
