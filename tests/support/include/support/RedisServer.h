#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/ChildProgram.h"

namespace socketio::test {

/// A redis-server of a test's own: a port that was free, a Unix socket in a temporary folder,
/// nothing kept on disk. Gone with the object.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error.
class RedisServer {
public:
    /// `arguments` are added to the command line; `{port}` in them stands for the port.
    explicit RedisServer(std::vector<std::string> arguments = {"--port", "{port}"},
                         bool startNow = true);
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    /// Returns when it takes connections; on the same port as before.
    void start();
    /// At once, as by a crash.
    void kill();
    /// It lives and does nothing; the kernel goes on taking connections for it.
    void pause();
    void resume();

    std::uint16_t port() const { return _port; }
    std::string url() const { return "redis://127.0.0.1:" + std::to_string(_port); }
    std::string socketPath() const { return _folder.path + "/redis.sock"; }

private:
    struct Folder {
        Folder();
        ~Folder();
        std::string path;
    };

    Folder _folder;
    const std::uint16_t _port;
    std::vector<std::string> _command;
    std::unique_ptr<ChildProgram> _program;
};

}  // namespace socketio::test
