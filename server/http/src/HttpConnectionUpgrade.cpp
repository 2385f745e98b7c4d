// How a connection stops to speak HTTP: it becomes a WebSocket, or leaves the hub.
#include <memory>
#include <optional>
#include <utility>

#include "DetachedRelay.h"
#include "HttpConnection.h"
#include "HttpExchange.h"
#include "LeavingConnection.h"
#include "WebSocketConnection.h"
#include "WebSocketHandshake.h"

namespace socketio {

std::shared_ptr<WebSocketConnection> HttpConnection::upgrade(HttpExchange& exchange,
                                                             const WebSocketOptions& options,
                                                             const HeaderList& headers) {
    const Executor::LoopId target = options.loop == Executor::kNoLoop ? _loop : options.loop;
    if (!current(exchange.serial())) return WebSocketConnection::lost(_server, target);
    try {
        return becomeWebSocket(exchange, options, target, headers);
    } catch (...) {
        // Nobody else answers the request, and the connection may have the other protocol by now.
        if (Connection* const connection = std::exchange(_connection, nullptr)) {
            _answered = true;
            _state = State::Closing;
            _unsent.neverSent();
            delist(_loop);
            connection->abort("internal error");
        }
        throw;
    }
}

std::shared_ptr<WebSocketConnection> HttpConnection::becomeWebSocket(
    HttpExchange& exchange, const WebSocketOptions& options, Executor::LoopId target,
    const HeaderList& headers) {
    const auto self = shared_from_this();
    queue(SharedFrame(
        acceptWebSocketHandshake(exchange.environ().get("HTTP_SEC_WEBSOCKET_KEY"), headers)));

    _answered = true;
    exchange.setDelivered();
    _state = State::Upgraded;
    _connection->setMaxOutput(options.maxOutboundBytes > 0
                                  ? options.maxOutboundBytes
                                  : _server->outboundLimit(options.maxMessageBytes));
    auto channel = std::make_shared<WebSocketConnection>(_server, target, options.maxMessageBytes);
    std::optional<std::string_view> unused;
    if (_inInput) unused = _behind;
    if (!_connection->moveTo(target, channel, unused))
        return WebSocketConnection::lost(_server, target);  // onClosed() follows
    _connection = nullptr;
    delist(_loop);
    _server->counters.upgrades.fetch_add(1, std::memory_order_relaxed);
    if (_peerEnded) _server->hub->post(target, [channel] { channel->onEnd(); });
    return channel;
}

void HttpConnection::detach(HttpExchange& exchange, Exchange::DetachCallback callback) {
    if (!current(exchange.serial())) return;
    const auto self = shared_from_this();
    _answered = true;
    exchange.setDelivered();
    if (_connection->tls()) {
        DetachedConnection end = DetachedRelay::begin(_server, *_connection, _peerEnded);
        if (end.descriptor() < 0) {
            refuse(503, "no room for a detached connection");
            return;
        }
        // What comes through the relay queues behind earlier answers.
        _server->hub->post(_loop, [callback = std::move(callback), end = std::move(end)]() mutable {
            callback(std::move(end));
        });
    } else {
        _connection->setProtocol(
            std::make_shared<LeavingConnection>(*_server->hub, std::move(callback)));
    }
    _state = State::Upgraded;
    _connection = nullptr;
    _unsent.neverSent();
    delist(_loop);
}

}  // namespace socketio
