#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/ChildProgram.h"
#include "support/TlsClient.h"

namespace socketio::test {

/// A rabbitmq-server of our own: ports, name, cookie, tables and epmd in a temporary folder. It
/// ends with the object, and with the test.
///
/// Errors: std::runtime_error when it does not start.
class RabbitServer {
public:
    RabbitServer();
    ~RabbitServer();
    RabbitServer(const RabbitServer&) = delete;
    RabbitServer& operator=(const RabbitServer&) = delete;

    /// The one of the test program; started when it is first asked for.
    static RabbitServer& shared();

    /// Returns when the port answers.
    void start();
    void kill();

    /// What `rabbitmqctl -q ...` writes.
    std::string control(const std::vector<std::string>& arguments) const;

    std::uint16_t port() const { return _port; }
    std::uint16_t tlsPort() const { return _tlsPort; }
    std::string url() const { return "amqp://localhost:" + std::to_string(_port); }
    const TestCertificates& certificates() const { return _certificates; }

private:
    std::vector<std::string> environment() const;

    TestCertificates _certificates;
    std::string _folder;
    const std::uint16_t _port, _tlsPort, _nodePort, _epmdPort;
    std::unique_ptr<ChildProgram> _epmd, _server;
};

}  // namespace socketio::test
