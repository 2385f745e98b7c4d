#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ServerProcess.h"
#include "TemporaryFolder.h"

namespace socketio {

/// A redis-server or rabbitmq-server of our own, on the loopback: ports, files and, for RabbitMQ,
/// epmd. It ends with the object.
///
/// Errors: start() throws std::runtime_error with what the broker wrote last.
class MessageBroker {
public:
    enum class Kind { Redis, Rabbit };

    MessageBroker() = default;
    MessageBroker(const MessageBroker&) = delete;
    MessageBroker& operator=(const MessageBroker&) = delete;
    ~MessageBroker() { stop(); }

    void start(Kind kind);
    void stop();

    /// As the managers take it.
    const std::string& url() const { return _url; }

private:
    void startRedis(std::uint16_t port);
    void startRabbit(std::uint16_t port);

    std::optional<TemporaryFolder> _folder;
    ServerProcess _names;  // RabbitMQ's epmd: the one that a node starts by itself would stay
    ServerProcess _broker;
    std::string _url;
};

}  // namespace socketio
