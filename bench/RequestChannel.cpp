#include "RequestChannel.h"

#include <utility>

namespace socketio {

void RequestChannel::send(std::string_view method, std::string_view target, std::string_view body) {
    std::string bytes = requestBytes(method, target, body);
    _awaiting = true;
    if (_connected) return TcpClient::send(bytes);
    _request = std::move(bytes);
    open(_port);
}

void RequestChannel::abandon() {
    reset();
    _connected = _awaiting = false;
}

void RequestChannel::onConnected() {
    _connected = true;
    TcpClient::send(_request);
}

std::size_t RequestChannel::onBytes(std::string_view bytes) {
    const Answer answer = parse(bytes);
    if (answer.size == 0) return 0;
    _awaiting = false;
    if (answer.closes || answer.status == 0) {
        _connected = false;
        reset();
    }
    if (answer.status == 0)
        _listener.onUnanswered(*this, "an answer without status or length");
    else
        _listener.onAnswer(*this, answer.status, answer.body);
    return bytes.size();
}

void RequestChannel::onClosed() {
    _connected = false;
    if (!std::exchange(_awaiting, false)) return;
    _listener.onUnanswered(*this, "connection closed");
}

}  // namespace socketio
