#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "HttpChannel.h"
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
class PollingClient final : private RequestChannel::Listener {
public:
    PollingClient(LoadLoop& loop, PollingClientListener& listener, std::size_t index);

    void join(std::uint16_t port);
    void poll();
    void post();

    std::size_t index() const { return _index; }

private:
    enum class State : std::uint8_t { Idle, Opening, Joining, Welcome, Ready, Lost };

    void onAnswer(RequestChannel& channel, int status, std::string_view body) override;
    void onUnanswered(RequestChannel&, std::string_view why) override { fail(why); }
    void sendGet() { _get.get(_target); }
    void sendPost(std::string_view body) { _post.post(_target, body); }
    void answered();
    void fail(std::string_view why);

    PollingClientListener& _listener;
    const std::size_t _index;
    HttpChannel _get;
    HttpChannel _post;
    std::string _target;  // path and query, with the sid as soon as it is known
    State _state = State::Idle;
    bool _pongDue = false;
    bool _pollOpen = false;
    bool _postOpen = false;
};

}  // namespace socketio
