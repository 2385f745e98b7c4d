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
    const bool upgrade = noteUpgrade(binary, data);
    _session->executor().post(
        _session->loop(), [self = shared_from_this(), binary, upgrade, copy = std::string(data)] {
            // It may be dropped there, with the last reference to its session.
            const auto session = self->_session;
            session->webSocketMessage(*self, binary, copy);
            if (upgrade) session->upgradeHandled();
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
/// before the packet has reached the session. True: the session counts it until it has handled it.
bool WebSocketTransport::noteUpgrade(bool binary, std::string_view data) {
    if (_stage == Stage::Fresh && !binary && data == "2probe") {
        _stage = Stage::Probed;
        return false;
    }
    const bool upgrade = _stage == Stage::Probed && !binary && data == "5";
    _stage = Stage::Other;
    if (upgrade) _session->upgradeArrived();
    return upgrade;
}

}  // namespace socketio
