#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "socketio/base/FileDescriptor.h"

#include "support/Journal.h"

namespace socketio::test {

/// A server on a loopback port that answers as Redis does, where a test does not want it otherwise.
/// It knows one channel, and sends nobody anything of its own accord.
///
/// Threads: thread-safe; a thread per connection.
class FakeRedis {
public:
    /// The answer to a command ("PUBLISH socketio {}", "subscribed PING"): nothing means the usual
    /// one, "" silence, kHangUp the end of the connection.
    using Answer = std::function<std::optional<std::string>(const std::string& command)>;
    static constexpr const char* kHangUp = "hang up";

    explicit FakeRedis(Answer answer = {});
    ~FakeRedis();
    FakeRedis(const FakeRedis&) = delete;
    FakeRedis& operator=(const FakeRedis&) = delete;

    /// As from now on.
    void answer(Answer answer);
    std::string url() const { return "redis://127.0.0.1:" + std::to_string(_port); }

    Journal commands;
    /// So much of an answer is sent at a time.
    std::atomic<std::size_t> pieceBytes{SIZE_MAX};

private:
    struct Connection {
        FileDescriptor socket;
        std::thread thread;
    };

    void accept();
    void serve(int socket);
    std::string answerTo(const std::string& command, bool& subscribed);

    FileDescriptor _listener;
    std::uint16_t _port = 0;
    std::mutex _mutex;
    Answer _answer;
    std::list<Connection> _connections;
    bool _ending = false;
    std::thread _thread;
};

}  // namespace socketio::test
