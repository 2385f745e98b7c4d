#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "socketio/managers/PubSubManager.h"

namespace socketio {

struct AmqpOptions {
    /// A broker that is silent for twice as long is given up.
    std::chrono::seconds heartbeat{30};
    /// For connecting, for TLS and login, and for each answer of the broker.
    std::chrono::milliseconds timeout{5'000};
    std::uint16_t prefetch = 1'000;  ///< Messages that the broker sends ahead of our acks.
};

/// Servers as one through RabbitMQ, together with python-socketio's KombuManager: the exchange
/// `channel` (fanout) and a queue per object, declared as KombuManager does, or the broker would
/// refuse whoever comes second.
///
///     amqp://user:password@host:5672/vhost     user and password percent-encoded; all but the
///     amqps://host?cacertfile=/etc/ca.pem      scheme may be left out (guest, guest, localhost,
///                                              5672 or 5671, the virtual host /)
///
/// With amqps:// the broker's certificate and its name are verified, against the system's
/// authorities or those in `cacertfile`. More parameters, as in RabbitMQ's own URLs: `certfile`
/// and `keyfile` (our certificate), `verify=verify_none`.
///
/// Delivery: the queue outlives a lost connection by five minutes, so what the others publish
/// meanwhile is heard after it; what the broker repeats then is recognised and left out. What was
/// published and not confirmed when the connection broke counts as dropped and is not sent again.
///
/// Threads: two of its own: one listens (unless writeOnly), one publishes.
/// Errors:  the constructor throws Poco::SyntaxException for a URL that is none. All else shows in
///          lastError() and is tried again: within a second, or after ten where the exchange exists
///          with another declaration (406).
/// Limits:  shutdown() takes about a second when the broker hangs; longer while a name is being
///          resolved, and up to `timeout` while an amqps:// connection is being made.
class AmqpManager final : public PubSubManager {
public:
    explicit AmqpManager(const std::string& url = "amqp://guest:guest@localhost:5672//",
                         std::string channel = "socketio", bool writeOnly = false,
                         PubSubOptions options = {}, AmqpOptions amqpOptions = {});
    ~AmqpManager() override;

    /// `python-socketio.<uuid4>`, the same for the object's life.
    const std::string& queueName() const;

protected:
    void start() override;
    void stop() override;
    bool publish(std::string payload) override;
    bool flushQueue(TimePoint deadline) override;

private:
    class Links;
    const std::unique_ptr<Links> _links;
};

}  // namespace socketio
