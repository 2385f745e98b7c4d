#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "HeldSession.h"
#include "RequestChannel.h"

namespace socketio::test {

class PollingSession;

using MakeChannel =
    std::function<std::unique_ptr<RequestChannel>(RequestChannel::Listener& listener)>;

/// The connections over which all polling sessions post: with one each there would be twice as many
/// connections as sessions.
class PostOffice final : private RequestChannel::Listener {
public:
    PostOffice(const MakeChannel& make, std::uint16_t port, std::size_t channels);
    ~PostOffice() override;

    /// Posts what the session has to say as soon as a channel is free.
    void queue(PollingSession& session);
    /// It is told of nothing more.
    void forget(const PollingSession& session);

private:
    struct Channel {
        std::unique_ptr<RequestChannel> requests;
        PollingSession* session = nullptr;
        bool busy = false;
    };

    Channel& of(const RequestChannel& requests);
    void onAnswer(RequestChannel& channel, int status, std::string_view body) override;
    void onUnanswered(RequestChannel& channel, std::string_view why) override;
    PollingSession* finished(Channel& channel);
    void sendNext();

    std::vector<Channel> _channels;
    std::size_t _next = 0;
    std::deque<PollingSession*> _waiting;
};

/// A session over long-polling, HTTP or FastCGI: a poll is always open.
class PollingSession final : public HeldSession, private RequestChannel::Listener {
public:
    PollingSession(const MakeChannel& make, PostOffice& office, HeldSession::Listener& listener);
    ~PollingSession() override;

    void join(std::uint16_t port) override;
    bool connected() const override { return _state != State::Idle; }
    void send(std::string_view packet) override;
    void leave() override;
    void reset() override;

private:
    friend class PostOffice;
    enum class State : std::uint8_t { Idle, Opening, Joining, Joined };

    const std::string& target() const { return _target; }
    /// What is to be posted, which is taken.
    std::string takePayload();
    void onPosted(bool good);

    void onAnswer(RequestChannel& channel, int status, std::string_view body) override;
    void onUnanswered(RequestChannel& channel, std::string_view why) override;
    void say(std::string_view enginePacket);
    void onPacket(std::string_view enginePacket);
    void ended();

    PostOffice& _office;
    HeldSession::Listener& _listener;
    const std::unique_ptr<RequestChannel> _polls;
    std::string _target;    // with the sid as soon as it is known
    std::string _unposted;  // packets
    bool _posting = false;  // or waiting for a channel
    State _state = State::Idle;
};

}  // namespace socketio::test
