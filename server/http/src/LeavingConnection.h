#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "socketio/exchange/Exchange.h"
#include "socketio/net/Connection.h"
#include "socketio/net/Hub.h"

namespace socketio {

/// Speaks on a connection that is about to leave the hub: waits until earlier answers have gone,
/// and gives the descriptor, with what was read ahead, to the callback of Exchange::detach().
///
/// Owner:   its Connection, and the task that it has posted.
/// Threads: confined to the loop of the connection, where the callback runs, too.
/// Errors:  when the connection is closed before, the callback is let go without a call.
class LeavingConnection final : public ConnectionProtocol,
                                public std::enable_shared_from_this<LeavingConnection> {
public:
    LeavingConnection(Hub& hub, Exchange::DetachCallback callback)
        : _hub(hub), _callback(std::move(callback)) {}

    // ConnectionProtocol
    void onOpen(Connection& connection) override;
    std::size_t onInput(char*, std::size_t) override { return 0; }
    void onEnd() override {}
    void onDrained() override { leave(); }
    void onClosed(const char* detail) override;

private:
    void leave();

    Hub& _hub;
    Exchange::DetachCallback _callback;
    Connection* _connection = nullptr;  // null before onOpen() and when it has left
};

}  // namespace socketio
