#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "LoadLoop.h"

namespace socketio {

class PollingClient;

/// Hears what happens to the clients of one polling load.
class PollingClientListener {
public:
    virtual ~PollingClientListener() = default;
    /// The client has joined, or its poll and its post are both answered: it is ready for a cycle.
    virtual void onReady(PollingClient& client) = 0;
    virtual void onLost(PollingClient& client, std::string_view why) = 0;
};

/// A Socket.IO client of protocol 5 that stays with long-polling: one kept connection for its
/// polls, one for its posts.
///
/// A cycle: poll() parks a GET; then post() sends `echo` and its acknowledgement answers the GET.
class PollingClient {
public:
    PollingClient(LoadLoop& loop, PollingClientListener& listener, std::size_t index);

    void join(std::uint16_t port);
    void poll();
    void post();

    std::size_t index() const { return _index; }

private:
    /// One kept connection with one request at a time; opened anew when the server closed it.
    class Channel final : public TcpClient {
    public:
        Channel(LoadLoop& loop, PollingClient& owner) : TcpClient(loop), _owner(owner) {}

        void request(std::string bytes);

    private:
        void onConnected() override;
        std::size_t onBytes(std::string_view bytes) override;
        void onClosed() override;

        PollingClient& _owner;
        std::string _request;  // waits for the connection
        bool _connected = false;
        bool _awaiting = false;
    };

    enum class State : std::uint8_t { Idle, Opening, Joining, Welcome, Ready, Lost };

    void onAnswer(const Channel& channel, int status, std::string_view body);
    void sendGet();
    void sendPost(std::string_view body);
    void answered();
    void fail(std::string_view why);

    PollingClientListener& _listener;
    const std::size_t _index;
    Channel _get;
    Channel _post;
    std::string _target;  // path and query, with the sid as soon as it is known
    std::string _host;
    std::uint16_t _port = 0;
    State _state = State::Idle;
    bool _pongDue = false;
    bool _pollOpen = false;
    bool _postOpen = false;
};

}  // namespace socketio
