#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "socketio/base/Mutex.h"
#include "socketio/http/HttpServer.h"

namespace socketio {

struct HttpServerState;

/// A connection of the server, whatever it speaks: in the list of its loop, so that stop() finds
/// it.
///
/// Owner: its Connection. Threads: confined to its loop.
class HttpProtocol : public ConnectionProtocol {
public:
    explicit HttpProtocol(std::shared_ptr<HttpServerState> server);

    /// The gate of the server has been opened: requests may be read.
    virtual void admit() {}
    /// The server stops: ends now, or when the request in progress has been answered.
    virtual void shutDown() = 0;
    /// Time is up: ends at once.
    virtual void cut() = 0;

protected:
    void enlist(Executor::LoopId loop);
    void delist(Executor::LoopId loop);

    const std::shared_ptr<HttpServerState> _server;

private:
    friend struct HttpServerState;
    HttpProtocol* _previous = nullptr;
    HttpProtocol* _next = nullptr;
};

/// What the connections of a server share.
///
/// Owner:   the server, its connections and their exchanges. A hub of the server's own lives as
///          long, since an app may let go of its last exchange after the server is gone.
/// Threads: thread-safe; the lists are confined to their loops.
struct HttpServerState {
    HttpServerState(std::shared_ptr<Hub> sharedHub, std::shared_ptr<App> sharedApp,
                    HttpServerOptions serverOptions);

    bool onLoop(Executor::LoopId loop) const { return hub->currentLoop() == loop; }
    std::size_t outboundLimit(std::size_t maxMessageBytes) const;

    /// Calls `visit` with every connection, on its loop; returns at once.
    static void visitAll(const std::shared_ptr<HttpServerState>& state,
                         void (*visit)(HttpProtocol&));
    /// Waits until no connection is left; false when `deadline` came first.
    bool waitUntilEmpty(TimePoint deadline);

    void added(HttpProtocol& protocol, Executor::LoopId loop);
    void removed(HttpProtocol& protocol, Executor::LoopId loop);

    const std::shared_ptr<Hub> hub;
    const std::shared_ptr<App> app;
    const HttpServerOptions options;
    HttpCounters counters;
    std::atomic<bool> open{false};      // the app has been started
    std::atomic<bool> stopping{false};  // answers close their connections

private:
    std::vector<HttpProtocol*> _first;  // of each loop's list
    std::atomic<std::size_t> _connections{0};
    Mutex _mutex;  // a leaf: orders the last removal and waitUntilEmpty()
    Condition _emptied;
};

}  // namespace socketio
