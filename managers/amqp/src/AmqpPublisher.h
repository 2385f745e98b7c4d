#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

#include "socketio/managers/PublishQueue.h"

#include "AmqpLink.h"
#include "ConfirmWindow.h"

namespace socketio::amqp {

/// Publishes on the exchange what publish() queues, in that order, each once at most: the broker
/// confirms, and what it had not confirmed when the connection broke is given up.
///
/// Threads: publish() and flush() are thread-safe.
class AmqpPublisher final : public AmqpLink {
public:
    using Count = std::function<void(std::size_t messages)>;
    struct Counts {
        Count published, dropped;
    };

    AmqpPublisher(const AmqpUrl& url, const AmqpOptions& options, std::string exchange,
                  const PubSubOptions& limits, Counts counts, Report report);

    /// Never blocks. False when the queue is full.
    bool publish(std::string payload);
    /// Until all is confirmed or given up. False when `deadline` came first.
    bool flush(TimePoint deadline) SOCKETIO_EXCLUDES(_mutex);
    /// Gives up what is left, after join().
    void close();

private:
    void serve() override;
    void lost() override;
    void idle() override;

    /// Publishes some of what is queued. False when there is nothing, or nothing may be sent.
    bool publishSome();
    bool mayPublish() const;
    bool takeBatch();
    void send(const std::string& payload);
    void handle(const amqp_frame_t& frame);
    void settle(std::size_t messages, const Count& count);
    void setUnconfirmed(std::size_t count) SOCKETIO_EXCLUDES(_mutex);

    const Counts _counts;
    const Duration _maxAge;
    PublishQueue _queue;
    std::atomic<bool> _asleep{false};  // publish() has to wake it
    // Taken from the queue and not sent yet, from _next on; survives a lost connection.
    PublishQueue::Batch _batch;
    std::size_t _next = 0;
    TimePoint _taken;
    // Of the connection there is.
    ConfirmWindow _window;
    bool _blocked = false;

    Mutex _mutex;  // a leaf
    Condition _confirmed;
    std::size_t _unconfirmed SOCKETIO_GUARDED_BY(_mutex) = 0;
};

}  // namespace socketio::amqp
