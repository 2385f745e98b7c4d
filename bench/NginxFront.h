#pragma once

#include <cstdint>
#include <optional>

#include "ServerProcess.h"
#include "TemporaryFolder.h"

namespace socketio {

/// An nginx in front of the server that is measured: one process, connections kept on both sides.
///
/// Errors: start() throws std::runtime_error with what nginx wrote last.
class NginxFront {
public:
    enum class Pass { Http, FastCgi };

    NginxFront() = default;
    NginxFront(const NginxFront&) = delete;
    NginxFront& operator=(const NginxFront&) = delete;
    ~NginxFront() { stop(); }

    /// Passes requests on to a server on the loopback.
    void start(Pass pass, std::uint16_t serverPort);
    void stop();

    std::uint16_t port() const { return _process.port(); }

private:
    std::optional<TemporaryFolder> _folder;  // its configuration and temporary files
    ServerProcess _process;
};

}  // namespace socketio
