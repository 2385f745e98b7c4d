#pragma once

#include <string_view>

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
    OriginPolicy(AllowedOrigins allowed, bool credentials)
        : _allowed(std::move(allowed)), _credentials(credentials) {}

    bool allows(const Environ& environ) const;

    /// For the answer to a request that was allowed.
    void addHeaders(HeaderList& headers, const Environ& environ) const;

    /// The answer to an OPTIONS request that was allowed.
    Response preflight(const Environ& environ) const;

private:
    AllowedOrigins _allowed;
    bool _credentials;
};

}  // namespace socketio
