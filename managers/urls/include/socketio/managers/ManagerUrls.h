#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "socketio/managers/PubSubManager.h"

namespace socketio {

/// What RedisOptions and AmqpOptions say, for whichever backend the URL stands for.
struct BrokerOptions {
    using Milliseconds = std::chrono::milliseconds;

    Milliseconds redisConnectTimeout{2'000};
    Milliseconds redisCommandTimeout{5'000};
    Milliseconds redisPingInterval{5'000};
    std::chrono::seconds amqpHeartbeat{30};
    Milliseconds amqpTimeout{5'000};
    std::uint16_t amqpPrefetch = 1'000;
};

/// The client manager that a URL stands for, as far as its backend was built.
///
///     memory://                               MemoryManager: one process
///     redis://  rediss://  unix://            RedisManager, with python-socketio's RedisManager
///     amqp://   amqps://                      AmqpManager, with python-socketio's KombuManager
///     kombu+redis://  kombu+rediss://         Redis as KombuManager('redis://...') uses it, whose
///                                             messages a RedisManager does not hear
///
/// What follows the scheme is the backend's: see its class. All but memory:// make PubSubManagers.
///
/// Errors: Poco::SyntaxException for a URL that is none, and for an unknown or missing scheme, with
///         the list of those there are; never with user or password. Others are the backend's.
std::shared_ptr<ClientManager> createManager(const std::string& url,
                                             std::string channel = "socketio",
                                             bool writeOnly = false, PubSubOptions options = {},
                                             const BrokerOptions& broker = {});

}  // namespace socketio
