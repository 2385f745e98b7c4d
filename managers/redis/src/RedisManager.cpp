#include "socketio/managers/RedisManager.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/RunnableAdapter.h>
#include <Poco/Thread.h>

#include "socketio/base/Log.h"
#include "socketio/base/Mutex.h"
#include "socketio/base/SignalsBlocked.h"
#include "socketio/managers/Backoff.h"
#include "socketio/managers/PublishQueue.h"

#include "LinkHealth.h"
#include "RedisConnection.h"

namespace socketio {

namespace {

using Link = LinkHealth::Link;

/// Enough for a system call to be a small part of the cost.
constexpr std::size_t kBatchBytes = 256 * 1024;
/// As long as the longest pause of a Backoff: within it the listeners of other servers are back.
constexpr Duration kHearersWait = std::chrono::seconds(1);
constexpr int kLooks = 8;  // without a message, before the next one has to wake the publisher
constexpr Duration kHearersPause = std::chrono::milliseconds(20);
/// Around the payload of a message: "message", the channel.
constexpr std::size_t kAroundPayload = 1024;

TimePoint now() { return Clock::system().now(); }

RedisEndpoint endpointOf(const std::string& text, RedisOptions options, std::size_t keepBytes) {
    const RedisUrl url = RedisUrl::parse(text);
    return {url, options, keepBytes, makeRedisTls(url), {}};
}

}  // namespace

class RedisManager::Impl {
public:
    Impl(RedisManager& manager, const std::string& url, RedisOptions redis)
        : _manager(manager),
          _channel(manager.channel()),
          _endpoint(endpointOf(url, redis,
                               manager.options().messageBytes + _channel.size() + kAroundPayload)),
          _queue(manager.options().publishMessages, manager.options().publishBytes,
                 manager.options().publishAge),
          _health("redis at " + _endpoint.url.address()) {}

    void start();
    void stop();

    PublishQueue& queue() { return _queue; }

private:
    using Session = void (Impl::*)(RedisConnection&);

    // Each the whole life of a thread.
    void listen() { keepConnected(Link::Listening, &Impl::listenOn); }
    void publish() { keepConnected(Link::Publishing, &Impl::publishOn); }

    void keepConnected(Link link, Session session);
    bool pause(Duration time);
    // Sessions end by an exception.
    void listenOn(RedisConnection& connection);
    void takeMessages(RedisConnection& connection, RedisReply& reply);
    void publishOn(RedisConnection& connection);
    void awaitHearers(RedisConnection& connection);
    void gather();
    void publishBatch(RedisConnection& connection);
    void dropOld();

    void report(Link link, const std::string& failure);

    RedisManager& _manager;
    const std::string _channel;
    RedisEndpoint _endpoint;
    PublishQueue _queue;

    // The publisher's: taken from the queue, not yet written.
    std::vector<std::string> _batch;
    TimePoint _batchTaken{};
    int _looks = 0;             // that gather() has left
    std::int64_t _hearers = 0;  // the publisher's: how many subscribers got the last message

    Mutex _healthMutex;  // the manager's locks may be taken under it
    LinkHealth _health SOCKETIO_GUARDED_BY(_healthMutex);

    Poco::Thread _listenerThread, _publisherThread;
    Poco::RunnableAdapter<Impl> _listener{*this, &Impl::listen};
    Poco::RunnableAdapter<Impl> _publisher{*this, &Impl::publish};
};

void RedisManager::Impl::start() {
    const SignalsBlocked blocked;
    try {
        _publisherThread.start(_publisher);
        if (!_manager.writeOnly()) _listenerThread.start(_listener);
    } catch (...) {
        stop();
        throw;
    }
}

void RedisManager::Impl::stop() {
    _endpoint.stop.stop();
    const std::size_t queued = _queue.close();
    _listenerThread.join();
    _publisherThread.join();
    _manager.countDropped(queued + _batch.size());
    _batch.clear();
    _queue.done();
}

void RedisManager::Impl::keepConnected(Link link, Session session) {
    Backoff backoff;
    HostLookup lookup(_endpoint.url.host, _endpoint.url.port);
    Duration lasted;
    do {
        std::optional<TimePoint> opened;
        std::string failure;
        try {
            RedisConnection connection(_endpoint);
            connection.open(lookup);
            opened = now();
            (this->*session)(connection);
        } catch (const Stopped&) {
            return;
        } catch (const Poco::Exception& e) {
            failure = e.message().empty() ? e.displayText() : e.message();
        } catch (...) {
            failure = exceptionText();
        }
        report(link, failure);
        if (link == Link::Listening)
            _queue.wake();  // so that the publisher looks after its own connection
        else
            dropOld();
        lasted = opened ? now() - *opened : Duration::zero();
    } while (pause(backoff.next(lasted)));
}

bool RedisManager::Impl::pause(Duration time) {
    try {
        _endpoint.stop.wait(-1, 0, now() + time);
        return true;
    } catch (const Stopped&) {
        return false;
    }
}

void RedisManager::Impl::listenOn(RedisConnection& connection) {
    using Type = RedisReply::Type;
    const RedisOptions& times = _endpoint.options;
    std::string command;
    appendRedisCommand(command, {"SUBSCRIBE", _channel});
    connection.send(command);
    requireRedisReply(connection.answer(), Type::Array);
    report(Link::Listening, {});
    command.clear();
    appendRedisCommand(command, {"PING"});

    for (bool asked = false;;) {
        RedisReply reply;
        if (!connection.receive(reply, asked ? times.commandTimeout : times.pingInterval)) {
            if (asked) throw Poco::TimeoutException("the server does not answer");
            connection.send(command);
            asked = true;
            continue;
        }
        asked = false;
        takeMessages(connection, reply);
    }
}

/// What came together is handed on together, also when something bad came behind it.
void RedisManager::Impl::takeMessages(RedisConnection& connection, RedisReply& reply) {
    using Type = RedisReply::Type;
    std::vector<std::string> payloads;
    std::exception_ptr failure;
    try {
        do {
            if (reply.type == Type::Text) continue;  // a pong, as proxies write it
            requireRedisReply(reply, Type::Array);
            if (reply.items.size() == 3 && reply.items[0].text == "message" &&
                reply.items[2].type == Type::Bulk)
                payloads.push_back(std::move(reply.items[2].text));
        } while (connection.next(reply));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!payloads.empty()) _manager.received(std::move(payloads));
    if (failure) std::rethrow_exception(failure);
}

void RedisManager::Impl::publishOn(RedisConnection& connection) {
    awaitHearers(connection);
    report(Link::Publishing, {});
    std::string ping;
    appendRedisCommand(ping, {"PING"});
    for (;;) {
        if (_batch.empty()) {
            gather();
            PublishQueue::Batch batch =
                _queue.take(kBatchBytes, now() + _endpoint.options.pingInterval);
            _manager.countDropped(batch.tooOld);
            _batch = std::move(batch.payloads);
            _batchTaken = now();
            if (_endpoint.stop.stopped()) throw Stopped();
        }
        // Before anything is written, or what is would be lost.
        connection.checkIdle();
        if (!_batch.empty()) {
            publishBatch(connection);
        } else {
            connection.send(ping);
            requireRedisReply(connection.answer(), RedisReply::Type::Text);
        }
    }
}

// While messages keep coming nobody wakes this thread: it looks by itself.
void RedisManager::Impl::gather() {
    const Duration interval = _endpoint.options.publishInterval;
    for (; _looks > 0 && interval > Duration::zero() && _queue.empty(); --_looks)
        _endpoint.stop.wait(-1, 0, now() + interval);
}

// After an outage the publisher is back before some listeners are: what waited would miss them.
void RedisManager::Impl::awaitHearers(RedisConnection& connection) {
    std::string command;
    appendRedisCommand(command, {"PUBSUB", "NUMSUB", _channel});
    for (const TimePoint end = now() + kHearersWait; _hearers > 0 && now() < end;) {
        connection.send(command);
        const RedisReply reply = connection.answer();
        // Whoever may not ask does not wait.
        if (reply.type != RedisReply::Type::Array || reply.items.size() != 2 ||
            reply.items[1].integer >= _hearers)
            return;
        _endpoint.stop.wait(-1, 0, now() + kHearersPause);
    }
}

void RedisManager::Impl::publishBatch(RedisConnection& connection) {
    const RedisOptions& times = _endpoint.options;
    std::string commands;
    std::vector<std::size_t> ends;
    for (const std::string& payload : _batch) {
        appendRedisCommand(commands, {"PUBLISH", _channel, payload});
        ends.push_back(commands.size());
    }
    std::size_t sent = 0, published = 0;
    RedisReply refusal;
    std::exception_ptr failure;
    try {
        connection.send(commands, sent);
        // The answers come meanwhile, and nobody has to be woken for them.
        _looks = kLooks;
        if (commands.size() < kBatchBytes && times.publishInterval > Duration::zero())
            _endpoint.stop.wait(-1, 0, now() + times.publishInterval);
        for (std::size_t i = 0; i < ends.size(); ++i) {
            RedisReply reply = connection.answer();
            if (reply.type == RedisReply::Type::Integer) {
                ++published;
                _hearers = reply.integer;
            } else if (refusal.type != RedisReply::Type::Error) {
                refusal = std::move(reply);
            }
        }
        if (published < ends.size()) requireRedisReply(refusal, RedisReply::Type::Integer);
    } catch (...) {
        failure = std::current_exception();
    }
    // Those that left as a whole may have come through; a part of one does nothing.
    const auto written = std::upper_bound(ends.begin(), ends.end(), sent) - ends.begin();
    _manager.countPublished(published);
    _manager.countDropped(static_cast<std::size_t>(written) - published);
    _batch.erase(_batch.begin(), _batch.begin() + written);
    if (_batch.empty()) _queue.done();
    if (failure) std::rethrow_exception(failure);
}

void RedisManager::Impl::dropOld() {
    std::size_t dropped = _queue.expire(now());
    if (!_batch.empty() && now() - _batchTaken > _manager.options().publishAge) {
        dropped += _batch.size();
        _batch.clear();
        _queue.done();
    }
    _manager.countDropped(dropped);
}

void RedisManager::Impl::report(Link link, const std::string& failure) {
    MutexLock lock(_healthMutex);
    const LinkHealth::News news =
        failure.empty() ? _health.up(link, now()) : _health.down(link, failure, now());
    _manager.setLastError(_health.error());
    if (news.reconnected) _manager.countReconnect();
    lock.unlock();
    if (news.line.empty()) return;
    if (news.bad)
        _manager.log().warning(news.line);
    else
        _manager.log().information(news.line);
}

RedisManager::RedisManager(const std::string& url, std::string channel, bool writeOnly,
                           PubSubOptions options, RedisOptions redis)
    : PubSubManager(std::move(channel), writeOnly, options),
      _impl(std::make_unique<Impl>(*this, url, redis)) {}

RedisManager::~RedisManager() { shutdown(); }

void RedisManager::start() { _impl->start(); }

void RedisManager::stop() { _impl->stop(); }

bool RedisManager::publish(std::string payload) {
    return _impl->queue().push(std::move(payload), now());
}

bool RedisManager::flushQueue(TimePoint deadline) {
    return _impl->queue().waitUntilEmpty(deadline);
}

}  // namespace socketio
