#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "socketio/base/Clock.h"

#include "StopSignal.h"

namespace socketio {

/// The addresses behind a host name. The system's resolver cannot be interrupted and may take half
/// a minute, so a thread of its own asks, which nobody joins; while one is still asking, no other
/// is started.
///
/// Threads: confined to one.
class HostLookup {
public:
    struct Address {
        sockaddr_storage storage{};
        socklen_t size = 0;
    };

    HostLookup(std::string host, std::uint16_t port) : _host(std::move(host)), _port(port) {}

    /// One at least. Poco::IOException when there is none, or not by `deadline`; throws Stopped.
    std::vector<Address> find(const StopSignal& stop, TimePoint deadline);

private:
    struct Query;

    const std::string _host;
    const std::uint16_t _port;
    std::shared_ptr<Query> _running;  // with the thread that asks
};

}  // namespace socketio
