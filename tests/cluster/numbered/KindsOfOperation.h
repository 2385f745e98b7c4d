#pragma once

#include <cstddef>

#include "NumberedCluster.h"

namespace socketio::test {

/// Each sends about `count` numbered messages of one kind, a third of them from each server and all
/// at once, never more ahead of the slowest client than the queues hold. They return when all has
/// been sent. The audience of every message is known to the checker.
///
/// Errors: std::runtime_error when the clients do not keep up: something is lost.

void emitToRooms(NumberedCluster& cluster, std::size_t count);
void emitToAll(NumberedCluster& cluster, std::size_t count);
void emitToOne(NumberedCluster& cluster, std::size_t count);
void emitToAllButOne(NumberedCluster& cluster, std::size_t count);
/// With a callback, which is a receiver, too: every answer once, in order.
void emitWithCallback(NumberedCluster& cluster, std::size_t count);
/// One client enters the room, the one before it leaves, then a message. The sender's server is
/// told of both, wherever the client is.
void emitBetweenJoinAndLeave(NumberedCluster& cluster, std::size_t count);
/// The same, but the client's own server is told, and another one emits.
void emitAfterJoinElsewhere(NumberedCluster& cluster, std::size_t count);

}  // namespace socketio::test
