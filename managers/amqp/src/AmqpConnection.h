#pragma once

#include <amqp.h>
#include <optional>
#include <string>

#include "socketio/base/Clock.h"
#include "socketio/base/FileDescriptor.h"
#include "socketio/base/Mutex.h"
#include "socketio/managers/AmqpManager.h"

#include "AmqpUrl.h"

namespace socketio::amqp {

amqp_bytes_t bytesOf(const std::string& text);
std::string textOf(amqp_bytes_t bytes);

/// A connection to the broker with one channel, through rabbitmq-c. May be opened again after it
/// was lost.
///
/// Threads: confined to the thread that opens it; wake() and interrupt() may be called by others.
/// Errors:  Poco::IOException with what the broker or the system said, and the AMQP reply code
/// where
///          there is one. The connection is of no use then but to be dropped.
class AmqpConnection {
public:
    static constexpr amqp_channel_t kChannel = 1;

    AmqpConnection(const AmqpUrl& url, const AmqpOptions& options);
    ~AmqpConnection();
    AmqpConnection(const AmqpConnection&) = delete;
    AmqpConnection& operator=(const AmqpConnection&) = delete;

    /// Connects, logs in under a name for the broker's own lists, and opens the channel.
    void open(const std::string& name);
    /// Says goodbye to the broker first.
    void close() noexcept;
    void drop() noexcept;

    /// For calls of rabbitmq-c; their results go through the checks below.
    amqp_connection_state_t state() const { return _state; }
    /// After a call that waits for the broker's answer.
    void checkAnswer(const char* doing) const;
    /// The status of a call that only sends.
    void checkSent(int status) const;

    /// The next frame that has arrived, nothing when none has. Its memory is good until the next
    /// call. Closing by the broker is thrown.
    std::optional<amqp_frame_t> next();
    /// Waits until bytes come, somebody calls wake(), or the time is over. Only after next() said
    /// nothing: bytes that it has read already wake nobody.
    void wait(Duration time);

    void wake() const noexcept;
    /// Cuts the connection, now and for ever, so that no call waits for the broker any longer.
    void interrupt() noexcept SOCKETIO_EXCLUDES(_mutex);

private:
    class TlsWatch;

    void connect();
    void connectPlain();
    void connectTls();
    void logIn(const std::string& name);
    void checkReply(const amqp_rpc_reply_t& reply, const char* doing) const;
    /// Makes the connection known to interrupt(), none with -1. False after it.
    bool expose(int descriptor) SOCKETIO_EXCLUDES(_mutex);

    const AmqpUrl& _url;
    const AmqpOptions& _options;
    const FileDescriptor _wake;  // an eventfd
    amqp_connection_state_t _state = nullptr;
    Mutex _mutex;  // a leaf
    FileDescriptor _exposed SOCKETIO_GUARDED_BY(_mutex);
    bool _interrupted SOCKETIO_GUARDED_BY(_mutex) = false;
};

}  // namespace socketio::amqp
