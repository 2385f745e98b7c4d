#include "PollingClient.h"

namespace socketio {

namespace {

constexpr std::string_view kEvent = "420[\"echo\",\"0123456789abcdef0123456789abcdef\"]";
constexpr std::string_view kAcknowledgement = "430[\"0123456789abcdef0123456789abcdef\"]";

}  // namespace

PollingClient::PollingClient(LoadLoop& loop, PollingClientListener& listener, std::size_t index)
    : _listener(listener), _index(index), _get(loop, *this), _post(loop, *this) {}

void PollingClient::join(std::uint16_t port) {
    _target = "/socket.io/?EIO=4&transport=polling";
    _get.setPort(port);
    _post.setPort(port);
    _state = State::Opening;
    sendGet();
}

void PollingClient::poll() {
    _pollOpen = true;
    sendGet();
}

void PollingClient::post() {
    _postOpen = true;
    if (_pongDue) {
        _pongDue = false;
        sendPost("3\x1e" + std::string(kEvent));
    } else {
        sendPost(kEvent);
    }
}

void PollingClient::onAnswer(RequestChannel& channel, int status, std::string_view body) {
    if (status != 200) return fail("HTTP status " + std::to_string(status));
    switch (_state) {
        case State::Opening: {
            constexpr std::string_view kSid = "\"sid\":\"";
            const std::size_t at = body.find(kSid);
            if (at == std::string_view::npos) return fail("no sid in the handshake");
            const std::size_t from = at + kSid.size();
            _target.append("&sid=").append(body.substr(from, body.find('"', from) - from));
            _state = State::Joining;
            return sendPost("40");
        }
        case State::Joining:
            _state = State::Welcome;
            return sendGet();
        case State::Welcome:
            if (!body.starts_with("40")) return fail("not joined");
            _state = State::Ready;
            return _listener.onReady(*this);
        case State::Ready:
            break;
        default:
            return;
    }
    if (&channel == &_post) {
        _postOpen = false;
        return answered();
    }
    bool acknowledged = false;
    for (std::string_view rest = body; !rest.empty();) {
        const std::size_t end = rest.find('\x1e');
        const std::string_view packet = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (packet == kAcknowledgement) {
            acknowledged = true;
        } else if (packet == "2") {
            _pongDue = true;
        } else if (packet != "6") {
            return fail("unexpected packet");
        }
    }
    if (!acknowledged) return sendGet();
    _pollOpen = false;
    answered();
}

void PollingClient::answered() {
    if (!_pollOpen && !_postOpen) _listener.onReady(*this);
}

void PollingClient::fail(std::string_view why) {
    if (_state == State::Lost) return;
    _state = State::Lost;
    _get.reset();
    _post.reset();
    _listener.onLost(*this, why);
}

}  // namespace socketio
