#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "socketio/base/Mutex.h"

#include "support/RawClient.h"
#include "support/Sanitized.h"

namespace socketio::test {

/// Healthy clients beside an attack: one polls, one has a WebSocket; both exchange numbered
/// messages with the server's `echo` event (acknowledged with its argument) ten times a second and
/// check every answer: that it comes, that it is the right one, and how long it took.
///
/// Limits: the slowest answer kSlowest, the median kMedian. Both are far above what a healthy
///         server needs and far below what an attack lasts that is meant to keep it busy, so that
///         they hold on a machine that is slow or has other things to do.
///
/// Owner: the test. Threads: has one of its own per client; the functions from the test's thread.
class Canary {
public:
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds kSlowest{kSanitized ? 10'000 : 2'000};
    static constexpr Milliseconds kMedian{kSanitized ? 1'000 : 200};

    explicit Canary(std::uint16_t port, const RawClient::Options& options = {});
    ~Canary();

    /// Waits until each client has had one more answer, then returns what went wrong so far;
    /// empty when nothing did.
    std::string verdict();
    /// Ends the clients and returns what went wrong.
    std::string finish();

private:
    template <class Client>
    void run(std::uint16_t port, const RawClient::Options& options, std::atomic<int>& answers);
    void report(const std::string& problem);
    void addTime(Milliseconds time);
    std::string judgeTimes() const;

    std::atomic<bool> _stop{false};
    std::atomic<int> _pollingAnswers{0}, _webSocketAnswers{0};
    std::atomic<bool> _failed{false};
    std::string _problem;  // written once, before _failed
    std::atomic<bool> _writing{false};
    mutable Mutex _mutex;  // a leaf
    std::vector<Milliseconds> _times SOCKETIO_GUARDED_BY(_mutex);
    std::thread _polling, _webSocket;
};

}  // namespace socketio::test
