#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/exchange/Environ.h"
#include "socketio/protocol/IpAddress.h"

namespace socketio {

/// The proxies in front of us whose word counts: addresses, networks, and `unix` for peers on a
/// Unix socket.
///
///     {"127.0.0.1", "::1", "10.0.0.0/8", "unix"}
///
/// From them, and from nobody else, these headers are believed:
///     X-Forwarded-For     REMOTE_ADDR, REMOTE_PORT: the last hop that is not a trusted proxy
///     X-Forwarded-Proto   HTTPS: `https` (or `wss`) sets it, `http` (or `ws`) takes it away
///     X-Forwarded-Host    HTTP_HOST, SERVER_NAME, SERVER_PORT
/// Where proxies append to the last two, the value is taken that the proxy next to the client
/// wrote. The headers themselves stay as they came. A trusted proxy has to set or to remove all
/// three: what it passes on from its clients is believed as well.
///
/// Threads: immutable.
/// Errors:  what is none of the three is a Poco::InvalidArgumentException that names it. What a
///          header says wrongly is left out; the last good hop of X-Forwarded-For counts.
class TrustedProxies {
public:
    /// Nobody is trusted.
    TrustedProxies() = default;
    TrustedProxies(std::initializer_list<std::string_view> proxies);
    explicit TrustedProxies(const std::vector<std::string>& proxies);
    /// Several in one text, between commas or spaces.
    explicit TrustedProxies(std::string_view list);

    bool empty() const { return !_unix && _networks.empty(); }

    /// A peer by its address as in REMOTE_ADDR; empty for one on a Unix socket.
    bool trusts(std::string_view address) const;

    /// Puts what REMOTE_ADDR is trusted to say in the place of what the connection shows.
    void apply(Environ& environ) const;

private:
    struct Network {
        IpAddress address;
        unsigned bits = 128;  // of the prefix
        bool v4 = false;

        bool contains(const IpAddress& other) const;
    };

    void add(std::string_view proxy);
    bool trusts(const IpAddress& address) const;

    std::vector<Network> _networks;
    bool _unix = false;
};

}  // namespace socketio
