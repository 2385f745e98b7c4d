#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "socketio/base/Mutex.h"

#include "support/NumberedMessages.h"
#include "support/RawClient.h"

namespace socketio::test {

/// Socket.IO clients over WebSocket that hand what they hear of the event "n" to the checker. One
/// thread reads for all of them, so that there can be many. An event with an ack id is acknowledged
/// with its own arguments. Other events may be of any length. Shares no code with the server on
/// purpose.
///
/// Threads: connect() and the like by one; the rest thread-safe.
/// Errors:  std::runtime_error from connect(). Afterwards an end of a session shows in open().
class NumberedClients {
public:
    struct Client {
        Client(NumberedMessages::Receiver r, std::string id, RawClient&& socket)
            : receiver(r), sid(std::move(id)), raw(std::move(socket)) {}

        NumberedMessages::Receiver receiver;
        std::string sid;  ///< In "/".
        RawClient raw;
        std::string input;  // the thread's
        Mutex writing;      // a frame is not torn apart by another
        std::atomic<bool> open{true};
        std::atomic<unsigned> greetings{0};  // a bit per server
    };

    explicit NumberedClients(NumberedMessages& messages);
    ~NumberedClients();
    NumberedClients(const NumberedClients&) = delete;
    NumberedClients& operator=(const NumberedClients&) = delete;

    /// What this receiver hears is not for the checker.
    static constexpr NumberedMessages::Receiver kNobody = static_cast<std::size_t>(-1);

    /// To a server that sends nothing to who has just connected.
    Client& connect(std::uint16_t port, NumberedMessages::Receiver receiver);
    /// Sends `["n","<text>"]`. False when the session has ended.
    bool send(Client& client, std::string_view text);
    /// True when everybody whose session is open has got the event `["hello","<n>"]` of every
    /// server, a digit, in `servers`.
    bool greeted(std::string_view servers) const;
    std::size_t open() const;

private:
    void run();
    void read(Client& client);
    void handle(Client& client, int opcode, std::string_view payload);
    static bool write(Client& client, std::string_view packet);

    NumberedMessages& _messages;
    std::deque<Client> _clients;  // whose addresses stay
    int _poll = -1, _stop = -1;
    std::thread _thread;
};

}  // namespace socketio::test
