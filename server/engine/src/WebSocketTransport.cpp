#include "WebSocketTransport.h"

#include <Poco/Bugcheck.h>

#include "socketio/base/insist.h"

#include "EngineSessionImpl.h"

namespace socketio {

WebSocketTransport::WebSocketTransport(std::shared_ptr<EngineSessionImpl> session,
                                       std::shared_ptr<WebSocketChannel> channel, bool base64)
    : _session(std::move(session)), _channel(std::move(channel)), _base64(base64) {
    poco_assert(_channel->loop() == _session->loop());
}

void WebSocketTransport::close(std::uint16_t code) noexcept {
    const auto channel = std::exchange(_channel, nullptr);
    if (!channel) return;
    try {
        channel->close(code);
    } catch (...) {
        insist([&] { channel->abort(); });
    }
}

void WebSocketTransport::abort() noexcept {
    if (const auto channel = std::exchange(_channel, nullptr)) insist([&] { channel->abort(); });
}

void WebSocketTransport::onMessage(bool binary, std::string_view data) {
    _session->webSocketMessage(*this, binary, data);
}

void WebSocketTransport::onClosed(std::uint16_t code, std::string_view detail) {
    const auto self = shared_from_this();
    _channel.reset();
    _session->webSocketClosed(*this, code, detail);
}

}  // namespace socketio
