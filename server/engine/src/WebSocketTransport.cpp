#include "WebSocketTransport.h"

#include <string>

#include "EngineSessionImpl.h"

namespace socketio {

WebSocketTransport::WebSocketTransport(std::shared_ptr<EngineSessionImpl> session,
                                       std::shared_ptr<WebSocketChannel> channel, bool base64)
    : _session(std::move(session)),
      _channel(std::move(channel)),
      _base64(base64),
      _foreign(_channel->loop() != _session->loop()) {}

void WebSocketTransport::close(std::uint16_t code) {
    if (const auto channel = std::exchange(_channel, nullptr)) channel->close(code);
}

void WebSocketTransport::abort() {
    if (const auto channel = std::exchange(_channel, nullptr)) channel->abort();
}

void WebSocketTransport::onMessage(bool binary, std::string_view data) {
    if (!_foreign) {
        _session->webSocketMessage(*this, binary, data);
        return;
    }
    noteUpgrade(binary, data);
    _session->executor().post(_session->loop(),
                              [self = shared_from_this(), binary, copy = std::string(data)] {
                                  self->_session->webSocketMessage(*self, binary, copy);
                              });
}

void WebSocketTransport::onClosed(std::uint16_t code, std::string_view detail) {
    if (!_foreign) {
        const auto self = shared_from_this();
        _channel.reset();
        _session->webSocketClosed(*this, code, detail);
        return;
    }
    _session->executor().post(_session->loop(),
                              [self = shared_from_this(), code, copy = std::string(detail)] {
                                  self->_channel.reset();
                                  self->_session->webSocketClosed(*self, code, copy);
                              });
}

/// A poll that is sent after the upgrade packet must be refused, although another loop may see it
/// before the packet has reached the session.
void WebSocketTransport::noteUpgrade(bool binary, std::string_view data) {
    if (_stage == Stage::Fresh && !binary && data == "2probe") {
        _stage = Stage::Probed;
        return;
    }
    if (_stage == Stage::Probed && !binary && data == "5") _session->upgradeArrived();
    _stage = Stage::Other;
}

}  // namespace socketio
