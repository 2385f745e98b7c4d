#pragma once

#include <cstddef>
#include <string_view>

#include "socketio/net/Connection.h"

#include "HttpServerState.h"

namespace socketio {

/// The PROXY header that a trusted proxy begins with: what it says of the client replaces what the
/// socket says. See ProxyHeader.
///
/// Owner:   its Connection, until it has been read.
/// Threads: confined to the loop of the connection.
/// Errors:  a bad header is counted as refused and closes the connection.
class ProxyPreface final : public ConnectionPreface {
public:
    explicit ProxyPreface(HttpServerState& server) : _server(server) {}

    Status read(std::string_view bytes, std::size_t& size, Endpoints& endpoints) override;

private:
    HttpServerState& _server;  // of the connection, which holds it
};

}  // namespace socketio
