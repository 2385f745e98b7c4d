#pragma once

#include <cstddef>
#include <memory>

#include "socketio/exchange/DetachedConnection.h"
#include "socketio/net/Connection.h"

#include "HttpServerState.h"

namespace socketio {

/// One side of a detached connection whose bytes are TLS's, which cannot leave the hub: a pair of
/// Unix sockets leads out in its place, and what comes on one side is sent on the other.
///
///     client == TLS == remote side -- local side == socket pair == Exchange::detach()'s callback
///
/// An end is passed on behind what came before it (close_notify, FIN, shutdown()), each way for
/// itself. When the app's end is closed the client still gets what was written to it; when the
/// client is lost the app still reads what came from there, and can send nothing more.
///
/// Owner:   its Connection. The sides know each other until one of them is closed.
/// Threads: confined to the loop of the connection, to which both sides belong. Nothing blocks.
/// Limits:  a side is not read while more than 256 KiB wait on the other, and is again when these
///          have gone: with one read more, 512 KiB each way. An app that has closed is read to the
///          end, which the kernel's buffer limits. A client that takes nothing for
///          HttpLimits::writeStall is lost; the app may take its time, as over plain TCP.
class DetachedRelay final : public HttpProtocol {
public:
    /// From `remote`'s loop: puts a relay on it and returns the end that leaves. `remoteEnded`: the
    /// client's onEnd() has come already. Without a descriptor, and nothing done, when descriptors
    /// or connections have run out.
    static DetachedConnection begin(const std::shared_ptr<HttpServerState>& server,
                                    Connection& remote, bool remoteEnded);

    enum class Side : bool { Remote, Local };
    DetachedRelay(std::shared_ptr<HttpServerState> server, Side side);

    // ConnectionProtocol
    void onOpen(Connection& connection) override;
    std::size_t onInput(char* bytes, std::size_t size) override;
    void onEnd() override;
    void onDrained() override;
    bool onOutputLost() override;
    void onClosed(const char* detail) override;

    // FrontEndConnection. What the app has sent by then still leaves.
    void shutDown() override;
    void cut() override;

private:
    void passEnd();
    Connection* otherConnection() const { return _other ? _other->_connection : nullptr; }

    const Side _side;
    Connection* _connection = nullptr;  // null before onOpen() and after onClosed()
    DetachedRelay* _other = nullptr;    // null when one of the two is closed
    Executor::LoopId _loop = Executor::kNoLoop;
    bool _ended = false;      // nothing more comes from there
    bool _endPassed = false;  // and all that came has been passed on
    bool _draining = false;   // it has closed: what is left is read without a pause
    bool _stopping = false;
};

}  // namespace socketio
