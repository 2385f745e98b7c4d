#include "ProxyPreface.h"

#include <atomic>
#include <utility>

#include "socketio/protocol/ProxyProtocol.h"

namespace socketio {

ConnectionPreface::Status ProxyPreface::read(std::string_view bytes, std::size_t& size,
                                             Endpoints& endpoints) {
    ProxyHeader header;
    switch (header.parse(bytes, size)) {
        case ProxyHeader::Status::Incomplete:
            return Status::Incomplete;
        case ProxyHeader::Status::Bad:
            _server.counters.refused.fetch_add(1, std::memory_order_relaxed);
            if (httpLog().debug())
                httpLog().debug("closed a connection from " + endpoints.peerAddress + ": " +
                                header.error);
            return Status::Refused;
        case ProxyHeader::Status::Complete:
            break;
    }
    endpoints.secureAtProxy = header.secure;
    if (header.proxied) {
        endpoints.peerAddress = std::move(header.sourceAddress);
        endpoints.peerPort = header.sourcePort;
        endpoints.localAddress = std::move(header.destinationAddress);
        endpoints.localPort = header.destinationPort;
    }
    return Status::Complete;
}

}  // namespace socketio
