#include "AmqpListener.h"

#include <algorithm>
#include <amqp_framing.h>
#include <utility>

#include <Poco/Exception.h>

namespace socketio::amqp {

namespace {

constexpr amqp_channel_t kChannel = AmqpConnection::kChannel;
constexpr std::uint64_t kAcksAtOnce = 100;  // a tenth of what is prefetched

}  // namespace

AmqpListener::AmqpListener(const AmqpUrl& url, const AmqpOptions& options, std::string exchange,
                           std::string queue, std::size_t maxBytes, Receive receive, Report report)
    : AmqpLink(url, options, "poco-socketio: listens", std::move(exchange), std::move(report)),
      _queue(std::move(queue)),
      _prefetch(options.prefetch),
      _maxBytes(maxBytes),
      _receive(std::move(receive)),
      _history(options.prefetch) {}

void AmqpListener::serve() {
    _delivery.reset();
    _received = _acknowledged = _asked = 0;
    declare();
    opened();
    while (!stopping()) {
        if (const auto frame = connection().next()) {
            handle(*frame);
            if (_received - _acknowledged < kAcksAtOnce) continue;
        }
        const bool idle = _received == _acknowledged;
        acknowledge();
        if (idle) connection().wait(kTick);
    }
    acknowledge();
    // Or it would collect messages for nobody until it expires.
    amqp_queue_delete(connection().state(), kChannel, bytesOf(_queue), 0, 0);
}

void AmqpListener::declare() {
    const amqp_connection_state_t state = connection().state();
    amqp_table_entry_t expires{};
    expires.key = amqp_cstring_bytes("x-expires");
    expires.value.kind = AMQP_FIELD_KIND_I32;
    expires.value.value.i32 = 300'000;  // milliseconds without a consumer
    const amqp_table_t arguments{1, &expires};
    amqp_queue_declare(state, kChannel, bytesOf(_queue), 0, 0, 0, 0, arguments);
    connection().checkAnswer("declare the queue");
    amqp_queue_bind(state, kChannel, bytesOf(_queue), bytesOf(exchange()), amqp_empty_bytes,
                    amqp_empty_table);
    connection().checkAnswer("bind the queue");
    amqp_basic_qos(state, kChannel, 0, _prefetch, 0);
    connection().checkAnswer("set the prefetch");
    amqp_basic_consume(state, kChannel, bytesOf(_queue), amqp_empty_bytes, 0, 0, 0,
                       amqp_empty_table);
    connection().checkAnswer("consume");
}

void AmqpListener::handle(const amqp_frame_t& frame) {
    if (frame.channel != kChannel) return;
    if (frame.frame_type == AMQP_FRAME_METHOD) {
        handleMethod(frame.payload.method);
    } else if (frame.frame_type == AMQP_FRAME_HEADER && _delivery && !_delivery->inBody) {
        _delivery->inBody = true;
        _delivery->left = frame.payload.properties.body_size;
        _delivery->body.reserve(std::min<std::uint64_t>(_delivery->left, _maxBytes + 1));
    } else if (frame.frame_type == AMQP_FRAME_BODY && _delivery && _delivery->inBody &&
               frame.payload.body_fragment.len <= _delivery->left) {
        const amqp_bytes_t part = frame.payload.body_fragment;
        _delivery->left -= part.len;
        const std::size_t room = _maxBytes + 1 - _delivery->body.size();
        _delivery->body.append(static_cast<const char*>(part.bytes), std::min(part.len, room));
    } else {
        throw Poco::IOException("the broker sends frames out of order");
    }
    if (_delivery && _delivery->inBody && _delivery->left == 0) deliver();
}

void AmqpListener::handleMethod(const amqp_method_t& method) {
    if (method.id == AMQP_BASIC_DELIVER_METHOD) {
        const auto& said = *static_cast<amqp_basic_deliver_t*>(method.decoded);
        _delivery.emplace();
        _delivery->tag = said.delivery_tag;
        _delivery->redelivered = said.redelivered;
    } else if (method.id == AMQP_BASIC_CANCEL_METHOD) {
        throw Poco::IOException("the queue has been deleted");
    } else if (method.id == AMQP_BASIC_QOS_OK_METHOD) {
        _history.settled(std::exchange(_asked, 0));
    }
}

void AmqpListener::deliver() {
    // The content type says no more than the first byte, by which the dialect is recognised: kombu
    // writes text/plain for JSON and application/data for pickle, aio_pika nothing.
    const bool isNew = _history.isNew(_delivery->tag, _delivery->redelivered, _delivery->body);
    if (isNew) _receive(std::move(_delivery->body));
    _received = _delivery->tag;
    _delivery.reset();
}

void AmqpListener::acknowledge() {
    if (_received == _acknowledged) return;
    connection().checkSent(amqp_basic_ack(connection().state(), kChannel, _received, 1));
    _acknowledged = _received;
    if (_asked != 0) return;
    // Acks are not answered. This is, after them, and changes nothing.
    amqp_basic_qos_t same{0, _prefetch, 0};
    connection().checkSent(
        amqp_send_method(connection().state(), kChannel, AMQP_BASIC_QOS_METHOD, &same));
    _asked = _acknowledged;
}

}  // namespace socketio::amqp
