#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "AmqpLink.h"
#include "DeliveryHistory.h"

namespace socketio::amqp {

/// A message that is on its way.
struct Delivery {
    std::uint64_t tag = 0;
    bool redelivered = false;
    bool inBody = false;
    std::uint64_t left = 0;  ///< Bytes of the body still to come.
    std::string body;
};

/// Hears what is published on the exchange, through a queue that waits for it while it is away.
class AmqpListener final : public AmqpLink {
public:
    /// Gets the body of a message; of one that is larger than `maxBytes`, as much and a byte more.
    using Receive = std::function<void(std::string body)>;

    AmqpListener(const AmqpUrl& url, const AmqpOptions& options, std::string exchange,
                 std::string queue, std::size_t maxBytes, Receive receive, Report report);

private:
    void serve() override;
    void lost() override { _history.connectionLost(); }

    void declare();
    void handle(const amqp_frame_t& frame);
    void handleMethod(const amqp_method_t& method);
    void deliver();
    void acknowledge();

    const std::string _queue;
    const std::uint16_t _prefetch;
    const std::size_t _maxBytes;
    const Receive _receive;
    DeliveryHistory _history;
    // Of the connection there is.
    std::optional<Delivery> _delivery;
    std::uint64_t _received = 0, _acknowledged = 0;  // tags
    std::uint64_t _asked = 0;  // the ack that the broker was asked about, or 0
};

}  // namespace socketio::amqp
