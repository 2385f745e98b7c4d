#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace socketio::amqp {

/// Where the broker is and how to log in.
struct AmqpUrl {
    bool tls = false;
    bool verify = true;
    std::string host = "localhost";
    std::uint16_t port = 5672;
    std::string user = "guest", password = "guest";
    std::string virtualHost = "/";
    std::string caFile, certificateFile, keyFile;

    /// Reads a URL as kombu does; the parameters are RabbitMQ's. Throws Poco::SyntaxException,
    /// whose text holds nothing of what may be a password.
    static AmqpUrl parse(std::string_view url);

    /// `amqp://host:5672//`, for people: without user and password.
    std::string text() const;
};

}  // namespace socketio::amqp
