#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "socketio/base/Clock.h"

#include "support/ChildProgram.h"

namespace socketio::test {

/// The test's end of a crowd that is spread over processes, see LoadProgram.cpp.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error when a process has gone or does not answer.
class LoadClients {
public:
    /// CrowdCounts by name, summed; and times in microseconds: answer.p50, .p99, .most, likewise
    /// broadcast and join, of the process where they are longest.
    using Counts = std::map<std::string, std::uint64_t>;

    LoadClients(const std::string& kind, std::uint16_t port, std::size_t processes = 1);
    ~LoadClients();
    LoadClients(const LoadClients&) = delete;
    LoadClients& operator=(const LoadClients&) = delete;

    void join(std::size_t count, Duration time) { share("join", count, " " + millis(time)); }
    void leave(std::size_t count, bool reset) { share("leave", count, reset ? " reset" : " word"); }
    void churn(std::size_t perMinute) { share("churn", perMinute, ""); }
    void cycle(std::size_t count, std::size_t atOnce) {
        share("cycle", count, " " + std::to_string(atOnce / _processes.size()));
    }
    void echoEvery(Duration interval) { tell("echo " + millis(interval)); }
    /// Returns when they know.
    void expectBroadcast(std::uint64_t number) {
        tell("expect " + std::to_string(number));
        counts();
    }
    /// Who has not heard this broadcast is behind.
    void lastBroadcast(std::uint64_t number) { _lastBroadcast = number; }
    void forgetTimes() { tell("fresh"); }

    /// Connections that stay when all sessions have left: those over which polling ones post.
    std::size_t keptConnections() const { return _postChannels * _processes.size(); }

    Counts counts();
    /// Waits until the counts are so; false when they are not in time.
    bool waitUntil(const std::function<bool(Counts& counts)>& condition, Duration time);
    /// Those of the counts that must be 0 and are not, in words.
    std::string faults();

private:
    struct Process {
        int socket = -1;
        std::unique_ptr<ChildProgram> program;
        std::string input;
    };

    static std::string millis(Duration time);
    void tell(const std::string& line);
    void share(const std::string& name, std::size_t count, const std::string& rest);
    static void tell(Process& process, const std::string& line);
    void ask(Process& process, Counts& sum);

    const std::size_t _postChannels;
    std::vector<Process> _processes;
    unsigned _asked = 0;
    std::uint64_t _lastBroadcast = 0;
};

}  // namespace socketio::test
