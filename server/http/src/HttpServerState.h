#pragma once

#include <cstddef>
#include <memory>

#include "socketio/base/Log.h"
#include "socketio/http/HttpServer.h"
#include "socketio/net/FrontEnd.h"

namespace socketio {

struct HttpServerState;

/// The log of the connections.
inline const Log& httpLog() {
    static const Log log("socketio.http");
    return log;
}

/// A connection of the server, whatever it speaks.
///
/// Owner: its Connection. Threads: confined to its loop.
class HttpProtocol : public FrontEndConnection {
public:
    explicit HttpProtocol(std::shared_ptr<HttpServerState> server);

protected:
    void enlist(Executor::LoopId loop);
    void delist(Executor::LoopId loop);

    const std::shared_ptr<HttpServerState> _server;
};

/// What the connections of a server share.
///
/// Owner and threads: as FrontEndState.
struct HttpServerState : FrontEndState {
    HttpServerState(std::shared_ptr<Hub> sharedHub, std::shared_ptr<App> sharedApp,
                    HttpServerOptions serverOptions);

    std::size_t outboundLimit(std::size_t maxMessageBytes) const;

    /// Counts it and tells the log.
    template <class What>
    void reached(Limit limit, const What& what) const {
        hub->limits().reached(limit, httpLog(), hub->clock().now(), what);
    }

    const std::shared_ptr<App> app;
    const HttpServerOptions options;
    HttpCounters counters;
    LogThrottle refusals;  // of the line about requests that were refused
};

}  // namespace socketio
