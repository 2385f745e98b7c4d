#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace socketio::test {

/// Healthy clients beside an attack: one polls, one has a WebSocket; both exchange numbered
/// messages with the server's `echo` event (acknowledged with its argument) ten times a second and
/// check every answer.
///
/// Owner: the test. Threads: has one of its own per client; the functions from the test's thread.
class Canary {
public:
    explicit Canary(std::uint16_t port);
    ~Canary();

    /// Waits until each client has had one more answer, then returns what went wrong so far;
    /// empty when nothing did.
    std::string verdict();
    /// Ends the clients and returns what went wrong.
    std::string finish();

private:
    template <class Client>
    void run(std::uint16_t port, std::atomic<int>& answers);
    void report(const std::string& problem);

    std::atomic<bool> _stop{false};
    std::atomic<int> _pollingAnswers{0}, _webSocketAnswers{0};
    std::atomic<bool> _failed{false};
    std::string _problem;  // written once, before _failed
    std::atomic<bool> _writing{false};
    std::thread _polling, _webSocket;
};

}  // namespace socketio::test
