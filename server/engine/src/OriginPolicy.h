#pragma once

#include <string_view>
#include <utility>

#include "socketio/base/Log.h"
#include "socketio/engine/EngineOptions.h"
#include "socketio/exchange/Environ.h"
#include "socketio/exchange/Response.h"

namespace socketio {

/// Decides by the `Origin` of a request whether a browser page may use this server, and writes the
/// CORS headers that tell the browser so. Requests without an Origin are no browser's and pass.
/// See: Fetch standard, "HTTP-CORS protocol"; RFC 6454.
///
/// Threads: immutable; a function given by the application is called on the loops.
class OriginPolicy {
public:
    /// `logger` hears when the application's function throws.
    OriginPolicy(AllowedOrigins allowed, bool credentials,
                 const Log& logger = Log("socketio.engine"))
        : _allowed(std::move(allowed)), _credentials(credentials), _logger(logger) {}

    bool allows(const Environ& environ) const;

    /// For the answer to a request that was allowed.
    void addHeaders(HeaderList& headers, const Environ& environ) const;

    /// The answer to an OPTIONS request that was allowed.
    Response preflight(const Environ& environ) const;

private:
    AllowedOrigins _allowed;
    bool _credentials;
    Log _logger;
};

}  // namespace socketio
