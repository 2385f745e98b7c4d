#include "PollingClient.h"

#include <algorithm>
#include <charconv>
#include <strings.h>
#include <utility>

namespace socketio {

namespace {

constexpr std::string_view kEvent = "420[\"echo\",\"0123456789abcdef0123456789abcdef\"]";
constexpr std::string_view kAcknowledgement = "430[\"0123456789abcdef0123456789abcdef\"]";

// The value of the header `name`, or nothing.
std::string_view headerValue(std::string_view head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
         at = head.find("\r\n", at + 2)) {
        std::string_view line = head.substr(at + 2);
        if (line.size() <= name.size() || line[name.size()] != ':' ||
            ::strncasecmp(line.data(), name.data(), name.size()) != 0)
            continue;
        line.remove_prefix(name.size() + 1);
        line = line.substr(0, line.find("\r\n"));
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        return line;
    }
    return {};
}

}  // namespace

PollingClient::PollingClient(LoadLoop& loop, PollingClientListener& listener, std::size_t index)
    : _listener(listener), _index(index), _get(loop, *this), _post(loop, *this) {}

void PollingClient::join(std::uint16_t port) {
    _host = "127.0.0.1:" + std::to_string(port);
    _target = "/socket.io/?EIO=4&transport=polling";
    _port = port;
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

void PollingClient::sendGet() {
    std::string request;
    request.reserve(256);
    request.append("GET ").append(_target).append(" HTTP/1.1\r\nHost: ").append(_host);
    request.append("\r\nAccept: */*\r\n\r\n");
    _get.request(std::move(request));
}

void PollingClient::sendPost(std::string_view body) {
    std::string request;
    request.reserve(384);
    request.append("POST ").append(_target).append(" HTTP/1.1\r\nHost: ").append(_host);
    request.append("\r\nAccept: */*\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: ");
    request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    _post.request(std::move(request));
}

void PollingClient::onAnswer(const Channel& channel, int status, std::string_view body) {
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

void PollingClient::Channel::request(std::string bytes) {
    _awaiting = true;
    if (_connected) return send(bytes);
    _request = std::move(bytes);
    open(_owner._port);
}

void PollingClient::Channel::onConnected() {
    _connected = true;
    send(_request);
}

std::size_t PollingClient::Channel::onBytes(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const std::string_view head = bytes.substr(0, end);
    const std::string_view lengthText = headerValue(head, "content-length");
    std::size_t length = 0;
    int status = 0;
    if (head.size() < 12 ||
        std::from_chars(lengthText.data(), lengthText.data() + lengthText.size(), length).ec !=
            std::errc() ||
        std::from_chars(head.data() + 9, head.data() + 12, status).ec != std::errc()) {
        _owner.fail("an answer without status or length");
        return bytes.size();
    }
    const std::size_t size = end + 4 + length;
    if (bytes.size() < size) return 0;
    _awaiting = false;
    const std::string_view connection = headerValue(head, "connection");
    if (connection.size() == 5 && ::strncasecmp(connection.data(), "close", 5) == 0) {
        _connected = false;
        reset();
    }
    _owner.onAnswer(*this, status, bytes.substr(end + 4, length));
    return bytes.size();
}

void PollingClient::Channel::onClosed() {
    _connected = false;
    if (_awaiting) _owner.fail("connection closed");
}

}  // namespace socketio
