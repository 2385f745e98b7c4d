#pragma once

#include <memory>
#include <utility>

#include "socketio/fcgi/FcgiServer.h"
#include "socketio/net/FrontEnd.h"

namespace socketio {

/// What the connections of a server share.
///
/// Owner and threads: as FrontEndState.
struct FcgiServerState : FrontEndState {
    FcgiServerState(std::shared_ptr<Hub> sharedHub, std::shared_ptr<App> sharedApp,
                    FcgiServerOptions serverOptions)
        : FrontEndState(std::move(sharedHub)),
          app(std::move(sharedApp)),
          options(std::move(serverOptions)) {}

    const std::shared_ptr<App> app;
    const FcgiServerOptions options;
    FcgiCounters counters;
};

}  // namespace socketio
