#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace socketio {

/// A TCP port of the loopback that nobody listens on.
std::uint16_t freePort();

/// A server that runs as a child of ours: started, watched from outside, stopped.
///
/// Errors: start() throws std::runtime_error with what the server wrote last.
/// Threads: confined to the thread that started it, since the child dies with that thread.
class ServerProcess {
public:
    ServerProcess() = default;
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess();

    /// Runs `command` with a free port as its last argument and waits until it accepts.
    void start(std::vector<std::string> command);
    /// The same for a server that knows its port.
    void start(std::vector<std::string> command, std::uint16_t port, int seconds = 20);
    /// SIGTERM, and SIGKILL when that does not end it within 10 s.
    void stop();

    std::uint16_t port() const { return _port; }
    double startMilliseconds() const { return _startMilliseconds; }

    /// User and system time of all its threads.
    std::int64_t cpuNanoseconds() const;
    std::size_t residentBytes() const;
    bool running();

    /// Waits until it has used next to no CPU for 100 ms, at most `milliseconds`.
    void waitUntilQuiet(int milliseconds) const;

private:
    std::string lastWords() const;

    pid_t _pid = -1;
    clockid_t _cpuClock{};
    std::uint16_t _port = 0;
    int _log = -1;  // what it writes: a file without a name
    double _startMilliseconds = 0;
};

}  // namespace socketio
