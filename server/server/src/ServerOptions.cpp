#include "socketio/server/ServerOptions.h"

namespace socketio {

ServerOptions ServerOptions::classic() {
    ServerOptions options;
    options.pingTimeout = Milliseconds(60'000);
    options.maxHttpBufferSize = 100'000'000;
    options.cookie.emplace();
    options.corsAllowedOrigins = "*";
    options.corsCredentials = true;
    return options;
}

}  // namespace socketio
