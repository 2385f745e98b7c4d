#pragma once

#include <cstddef>
#include <memory>

#include "socketio/exchange/Environ.h"
#include "socketio/http/HttpServer.h"
#include "socketio/net/Connection.h"
#include "socketio/protocol/HttpHead.h"

namespace socketio {

/// The environ of a request that came over HTTP: the variables of CGI (RFC 3875), those of TLS as
/// Apache's mod_ssl names them, and then what trusted proxies say.
///
///     headSize    of `head` on the wire, so that the environ is allocated once
///     endpoints   of the connection
///     tls         null: the connection is plain
///
/// Threads: pure. Everything is borrowed for the call only.
std::shared_ptr<const Environ> makeHttpEnviron(const HttpRequestHead& head, std::size_t headSize,
                                               const Endpoints& endpoints, const TlsTransport* tls,
                                               const HttpServerOptions& options);

}  // namespace socketio
