#include "LeavingConnection.h"

#include <string>
#include <utility>

namespace socketio {

void LeavingConnection::onOpen(Connection& connection) {
    _connection = &connection;
    connection.pauseReading(true);
    // Not at once: what came behind the request is still on its way to us.
    _hub.post(_hub.currentLoop(), [self = shared_from_this()] { self->leave(); });
}

void LeavingConnection::onClosed(const char* /*detail*/) {
    _connection = nullptr;
    _callback = nullptr;
}

void LeavingConnection::leave() {
    if (!_connection || _connection->queuedBytes() > 0) return;
    std::string input;
    DetachedConnection detached(std::exchange(_connection, nullptr)->detach(input));
    detached.input = std::move(input);
    const auto callback = std::exchange(_callback, nullptr);
    if (callback && detached.descriptor() >= 0) callback(std::move(detached));
}

}  // namespace socketio
