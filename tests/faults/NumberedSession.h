#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Mutex.h"

#include "support/FcgiClient.h"
#include "support/NumberedMessages.h"
#include "support/RawClient.h"

namespace socketio::test {

/// A Socket.IO client of any transport that hands what it hears of the event "n" to the checker,
/// and sends numbered messages itself. Shares no code with the server on purpose.
///
/// Threads: receive() by one; send() by another where the session polls, by the same over
///          WebSocket.
/// Errors:  std::runtime_error when the session does not go as it should.
class NumberedSession {
public:
    enum class Transport { Polling, WebSocket, FastCgi };
    struct Way {
        Transport transport = Transport::Polling;
        bool binary = false;     ///< Sends an attachment with each message, see attachmentOf().
        std::string encoding{};  ///< Accept-Encoding of the polls.
        RawClient::Options connection{"127.0.0.1", std::chrono::seconds(20)};
    };

    NumberedSession(std::uint16_t port, Way way, NumberedMessages& messages,
                    NumberedMessages::Receiver receiver, std::string_view auth = {});
    ~NumberedSession();

    const std::string& sid() const { return _sid; }  ///< In "/".
    /// In one POST, or a frame each.
    void send(const std::vector<std::string>& texts);
    /// Takes one poll answer or frame. False when the event "bye" came, or the session ended.
    bool receive();
    /// Over WebSocket: answers what has come, without waiting.
    void answerPings();
    /// The client leaves: the server hears it at once.
    void close();
    bool heardBye() const { return _bye; }
    /// Poll answers that held messages, and how many of them were compressed.
    std::uint64_t answers() const { return _answers; }
    std::uint64_t compressed() const { return _compressed; }

private:
    RawResponse request(bool post, std::string_view body);
    void open(bool post);
    void post(std::string_view payload);
    void handlePayload(std::string_view payload);
    void handle(std::string_view packet);
    void handleAttachment(std::string_view bytes);

    const std::uint16_t _port;
    const Way _way;
    NumberedMessages& _messages;
    const NumberedMessages::Receiver _receiver;
    std::string _target, _sid;
    std::unique_ptr<RawClient> _connections[2];  // for GET, for POST; the WebSocket is the first
    std::unique_ptr<FcgiClient> _requests[2];
    Mutex _posting;
    std::optional<std::string> _text;  // that waits for its attachment
    bool _closed = false;
    std::atomic<bool> _bye{false};
    std::uint64_t _answers = 0, _compressed = 0;
};

}  // namespace socketio::test
