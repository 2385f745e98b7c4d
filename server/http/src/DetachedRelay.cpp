#include "DetachedRelay.h"

#include <limits>
#include <string>
#include <sys/socket.h>
#include <utility>

#include "socketio/net/LoopContext.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostQueued = 256 * 1024;
/// The relay itself sees to what is queued; dropping the connection is no answer here.
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
/// A handler that works for long without reading holds up its client alone.
constexpr std::chrono::milliseconds kNoDeadline = 24h * 365;

}  // namespace

DetachedRelay::DetachedRelay(std::shared_ptr<HttpServerState> server, Side side)
    : HttpProtocol(std::move(server)), _side(side) {}

DetachedConnection DetachedRelay::begin(const std::shared_ptr<HttpServerState>& server,
                                        Connection& remote, bool remoteEnded) {
    Hub& hub = *server->hub;
    int ends[2];
    if (hub.connectionCount() >= hub.options().maxConnections ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return {};
    DetachedConnection leaving(ends[0]), staying(ends[1]);
    const Endpoints from = remote.endpoints();
    leaving.relayed = true;
    leaving.addresses = {.peer = from.peerAddress,
                         .local = from.localAddress,
                         .peerPort = from.peerPort,
                         .localPort = from.localPort,
                         .secure = true};

    const auto client = std::make_shared<DetachedRelay>(server, Side::Remote);
    const auto app = std::make_shared<DetachedRelay>(server, Side::Local);
    client->_other = app.get();
    app->_other = client.get();
    // Before anything can come on either.
    hub.counters().accepted.fetch_add(1, std::memory_order_relaxed);
    remote.loop().add(FileDescriptor(staying.release()),
                      {.maxOutput = kNoLimit, .writeStall = kNoDeadline}, app);
    remote.setMaxOutput(kNoLimit);
    remote.setProtocol(client);
    if (remoteEnded)
        hub.post(hub.currentLoop(), [client] {
            if (client->_connection) client->onEnd();
        });
    return leaving;
}

void DetachedRelay::onOpen(Connection& connection) {
    _connection = &connection;
    _loop = _server->hub->currentLoop();
    enlist(_loop);
    if (_server->stopping) shutDown();
}

std::size_t DetachedRelay::onInput(char* bytes, std::size_t size) {
    Connection* const to = otherConnection();
    if (!to) return size;
    to->send(std::string(bytes, size));
    if (to->queuedBytes() > kMostQueued && !_draining) _connection->pauseReading(true);
    if (_ended) passEnd();
    return size;
}

void DetachedRelay::onDrained() {
    if (Connection* const from = otherConnection()) from->pauseReading(false);
}

// -------------------------------------------------------------------------------------------------
// The end

void DetachedRelay::onEnd() {
    _ended = true;
    if (_stopping)
        cut();
    else if (!_connection->hasPendingInput())
        passEnd();  // otherwise behind that
}

void DetachedRelay::passEnd() {
    Connection* const to = otherConnection();
    if (!to || std::exchange(_endPassed, true)) return;
    if (!_other->_endPassed) {
        to->endOutput();
        return;
    }
    to->closeAfterFlush();
    _connection->closeAfterFlush();
}

/// The app has closed its end, or stopped to read it; what it has written shall reach the client,
/// and what comes from there goes nowhere.
bool DetachedRelay::onOutputLost() {
    if (_side == Side::Remote) return false;
    _draining = true;
    if (Connection* const from = otherConnection()) from->pauseReading(false);
    return true;
}

void DetachedRelay::onClosed(const char* /*detail*/) {
    if (std::exchange(_connection, nullptr)) delist(_loop);  // or else it could not be opened
    if (!_other) return;
    DetachedRelay& other = *std::exchange(_other, nullptr);
    other._other = nullptr;
    if (!other._connection) return;
    if (_side == Side::Remote) other._connection->stopInput();
    other._connection->closeAfterFlush();
}

void DetachedRelay::shutDown() {
    if (_side == Side::Remote || !_connection) return;  // the other one ends both
    _stopping = true;
    if (_ended)
        cut();
    else
        _connection->stopInput();
}

void DetachedRelay::cut() {
    if (_connection) _connection->abort("server shutting down");
}

}  // namespace socketio
