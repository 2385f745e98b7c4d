#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "support/RawClient.h"

namespace socketio::test {

/// Socket.IO clients over WebSocket, driven by the calling thread, that send numbered events as
/// fast as they are acknowledged and check what comes back. Shares no code with the server on
/// purpose.
///
///     to the server      42<n>["work<n % kEvents>",<n>]       `window` of them outstanding
///     from the server    42["echo",<n>]                       once, in order, before the answer
///                        43<n>[<n>]                           once, in order
///                        42["from",<client>,<count>]          per sending client: in order, no gap
///                        42<id>["question",<n>]               answered with 43<id>[<n>]
///
/// Threads: one. Errors: std::runtime_error from run(), which says what came instead.
class StressClients {
public:
    struct Totals {
        std::uint64_t echoes = 0, answers = 0, passedOn = 0, questions = 0;
    };

    /// The server remembers by name which handlers block: with one name alone it would soon keep
    /// all of them from its loops.
    static constexpr std::uint64_t kEvents = 64;
    static std::string eventName(std::uint64_t i) { return "work" + std::to_string(i); }

    StressClients(std::uint16_t port, std::size_t clients, std::size_t window);
    ~StressClients();
    StressClients(const StressClients&) = delete;
    StressClients& operator=(const StressClients&) = delete;

    /// Sends `each` events per client; returns when every answer is there, and `passedOn` events of
    /// the kind "from". Throws when nothing comes for 20 s.
    void run(std::uint64_t each, std::uint64_t passedOn);
    const Totals& totals() const { return _totals; }

private:
    struct Client {
        explicit Client(RawClient&& socket) : raw(std::move(socket)) {}
        RawClient raw;
        std::string input;
        std::string output;
        std::uint64_t sent = 0, echoed = 0, answered = 0;
        std::vector<std::uint64_t> heard;  // of "from", by sender
    };

    void refill(Client& client, std::uint64_t each);
    void write(Client& client);
    void read(Client& client);
    void handle(Client& client, std::string_view packet);

    const std::size_t _window;
    int _poll = -1;
    std::deque<Client> _clients;
    Totals _totals;
};

}  // namespace socketio::test
