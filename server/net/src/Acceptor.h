#pragma once

#include <cstdint>

#include "socketio/base/FileDescriptor.h"
#include "socketio/net/Hub.h"
#include "socketio/net/LoopContext.h"

namespace socketio {

/// A listening socket on a loop; accepted connections go to the hub's loops in turn.
///
/// When descriptors or connections have run out it closes idle keep-alive connections, and when
/// there are none it pauses, 10 ms at first, up to 1 s, leaving clients in the backlog.
///
/// Owner:   its LoopContext. Threads: confined to it.
class Acceptor {
public:
    Acceptor(LoopContext& loop, std::uint64_t id, int descriptor, const Connection::Limits& limits,
             Hub::ProtocolFactory factory);
    ~Acceptor();

    void onReadable();
    std::uint64_t id() const { return _id; }
    void listen();

private:
    void pass(FileDescriptor descriptor);
    void makeRoom();
    void wait(Duration time);

    LoopContext& _loop;
    const std::uint64_t _id;
    const int _descriptor;
    const Connection::Limits _limits;
    const Hub::ProtocolFactory _factory;
    Timer _retry;
    Duration _pause{};          // zero: not paused
    bool _othersAsked = false;  // to close idle connections; it is seen later what that gave
    bool _watched = false;
    Executor::LoopId _next = 0;
};

}  // namespace socketio
