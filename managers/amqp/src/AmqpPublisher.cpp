#include "AmqpPublisher.h"

#include <amqp_framing.h>
#include <utility>

#include <Poco/Exception.h>

namespace socketio::amqp {

namespace {

constexpr amqp_channel_t kChannel = AmqpConnection::kChannel;
constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr std::size_t kWindow = 4'096;  // messages under way

/// What kombu sends with a string and with bytes.
amqp_basic_properties_t propertiesOf(const std::string& payload) {
    const bool pickle = payload.starts_with('\x80');
    amqp_basic_properties_t out{};
    out._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
                 AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG;
    out.content_type = amqp_cstring_bytes(pickle ? "application/data" : "text/plain");
    out.content_encoding = amqp_cstring_bytes(pickle ? "binary" : "utf-8");
    out.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    return out;
}

}  // namespace

AmqpPublisher::AmqpPublisher(const AmqpUrl& url, const AmqpOptions& options, std::string exchange,
                             const PubSubOptions& limits, Counts counts, Report report)
    : AmqpLink(url, options, "poco-socketio: publishes", std::move(exchange), std::move(report)),
      _counts(std::move(counts)),
      _maxAge(limits.publishAge),
      _queue(limits.publishMessages, limits.publishBytes, limits.publishAge) {}

bool AmqpPublisher::publish(std::string payload) {
    if (!_queue.push(std::move(payload), Clock::system().now())) return false;
    if (_asleep.exchange(false)) connection().wake();
    return true;
}

bool AmqpPublisher::flush(TimePoint deadline) {
    if (!_queue.waitUntilEmpty(deadline)) return false;
    MutexLock lock(_mutex);
    while (_unconfirmed != 0)
        if (!_confirmed.waitUntil(_mutex, deadline)) return _unconfirmed == 0;
    return true;
}

void AmqpPublisher::close() {
    lost();
    const std::size_t left = _queue.close() + _batch.payloads.size() - _next;
    if (left != 0) _counts.dropped(left);
    _queue.done();
}

void AmqpPublisher::serve() {
    amqp_confirm_select(connection().state(), kChannel);
    connection().checkAnswer("ask for confirmations");
    _blocked = false;
    opened();
    while (!stopping()) {
        while (const auto frame = connection().next()) handle(*frame);
        if (publishSome()) continue;
        if (_blocked) idle();
        // Between the flag and the sleep, publish() wakes us.
        _asleep = true;
        if (!mayPublish() || !takeBatch()) connection().wait(kTick);
        _asleep = false;
    }
}

void AmqpPublisher::lost() {
    const std::size_t unconfirmed = _window.size();
    _window = ConfirmWindow();
    settle(unconfirmed, _counts.dropped);
}

void AmqpPublisher::idle() {
    std::size_t dropped = _queue.expire(Clock::system().now());
    if (_next < _batch.payloads.size() && Clock::system().now() - _taken > _maxAge) {
        dropped += _batch.payloads.size() - _next;
        _next = _batch.payloads.size();
        _queue.done();
    }
    if (dropped != 0) _counts.dropped(dropped);
}

bool AmqpPublisher::mayPublish() const { return !_blocked && _window.size() < kWindow; }

bool AmqpPublisher::publishSome() {
    if (!mayPublish() || !takeBatch()) return false;
    while (_next < _batch.payloads.size()) send(_batch.payloads[_next++]);
    setUnconfirmed(_window.size());
    _queue.done();  // after flush() can see them in the window
    return true;
}

bool AmqpPublisher::takeBatch() {
    if (_next < _batch.payloads.size()) return true;
    _taken = Clock::system().now();
    _batch = _queue.take(kBatchBytes, _taken);
    _next = 0;
    if (_batch.tooOld != 0) _counts.dropped(_batch.tooOld);
    return !_batch.payloads.empty();
}

void AmqpPublisher::send(const std::string& payload) {
    _window.published();  // first: what breaks halfway may have arrived
    const amqp_basic_properties_t properties = propertiesOf(payload);
    connection().checkSent(amqp_basic_publish(connection().state(), kChannel, bytesOf(exchange()),
                                              amqp_empty_bytes, 0, 0, &properties,
                                              bytesOf(payload)));
}

void AmqpPublisher::handle(const amqp_frame_t& frame) {
    if (frame.frame_type != AMQP_FRAME_METHOD) return;
    const amqp_method_t& method = frame.payload.method;
    if (method.id == AMQP_BASIC_ACK_METHOD) {
        const auto& said = *static_cast<amqp_basic_ack_t*>(method.decoded);
        settle(_window.settle(said.delivery_tag, said.multiple), _counts.published);
    } else if (method.id == AMQP_BASIC_NACK_METHOD) {
        const auto& said = *static_cast<amqp_basic_nack_t*>(method.decoded);
        settle(_window.settle(said.delivery_tag, said.multiple), _counts.dropped);
    } else if (method.id == AMQP_CONNECTION_BLOCKED_METHOD) {
        const auto& said = *static_cast<amqp_connection_blocked_t*>(method.decoded);
        _blocked = true;
        report("the broker takes no messages: " + textOf(said.reason));
    } else if (method.id == AMQP_CONNECTION_UNBLOCKED_METHOD) {
        _blocked = false;
        report("");
    }
}

void AmqpPublisher::settle(std::size_t messages, const Count& count) {
    if (messages != 0) count(messages);
    setUnconfirmed(_window.size());
}

void AmqpPublisher::setUnconfirmed(std::size_t count) {
    MutexLock lock(_mutex);
    _unconfirmed = count;
    if (count == 0) _confirmed.notifyAll();
}

}  // namespace socketio::amqp
