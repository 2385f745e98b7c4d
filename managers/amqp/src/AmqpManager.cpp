#include "socketio/managers/AmqpManager.h"

#include <optional>
#include <utility>

#include <Poco/UUIDGenerator.h>

#include "AmqpListener.h"
#include "AmqpPublisher.h"
#include "AmqpUrl.h"

namespace socketio {

using namespace amqp;

class AmqpManager::Links {
public:
    Links(AmqpManager& manager, const std::string& url, const AmqpOptions& options)
        : _manager(manager),
          _url(AmqpUrl::parse(url)),
          _options(options),
          _queue("python-socketio." +
                 Poco::UUIDGenerator::defaultGenerator().createRandom().toString()),
          _publisher(_url, _options, manager.channel(), manager.options(),
                     {[this](std::size_t messages) { _manager.countPublished(messages); },
                      [this](std::size_t messages) { _manager.countDropped(messages); }},
                     reportOf(Publishing)) {
        if (!manager.writeOnly())
            _listener.emplace(
                _url, _options, manager.channel(), _queue, manager.options().messageBytes,
                [this](std::string body) { _manager.receive({std::move(body)}); },
                reportOf(Listening));
    }

    void start() {
        _publisher.start();
        if (_listener) _listener->start();
    }

    void stop() {
        const TimePoint deadline = Clock::system().now() + std::chrono::milliseconds(800);
        _publisher.requestStop();
        if (_listener) {
            _listener->requestStop();
            _listener->join(deadline);
        }
        _publisher.join(deadline);
        _publisher.close();
    }

    AmqpPublisher& publisher() { return _publisher; }
    const std::string& queue() const { return _queue; }

private:
    enum Which { Publishing, Listening };

    AmqpLink::Report reportOf(Which which) {
        return [this, which](const std::string& error, bool again) {
            if (again) _manager.countReconnect();
            report(which, error);
        };
    }

    /// One line when something else is wrong than was said last, one when all is well again, and
    /// no more than that in ten seconds.
    void report(Which which, const std::string& error) SOCKETIO_EXCLUDES(_mutex) {
        MutexLock lock(_mutex);
        _errors[which] = error;
        const std::string now =
            _errors[Publishing].empty() ? _errors[Listening] : _errors[Publishing];
        _manager.setLastError(now);
        if (now == _logged) return;
        const TimePoint time = Clock::system().now();
        if (!now.empty() && time < _quietUntil) return;
        _quietUntil = time + std::chrono::seconds(10);
        _logged = now;
        if (now.empty())
            _manager.log().information("RabbitMQ: connected to " + _url.text());
        else
            _manager.log().warning("RabbitMQ: " + now);
    }

    AmqpManager& _manager;
    const AmqpUrl _url;
    const AmqpOptions _options;
    const std::string _queue;
    Mutex _mutex;  // held while the base class takes its own for lastError() and the log is written
    std::string _errors[2] SOCKETIO_GUARDED_BY(_mutex), _logged SOCKETIO_GUARDED_BY(_mutex);
    TimePoint _quietUntil SOCKETIO_GUARDED_BY(_mutex);
    AmqpPublisher _publisher;
    std::optional<AmqpListener> _listener;
};

AmqpManager::AmqpManager(const std::string& url, std::string channel, bool writeOnly,
                         PubSubOptions options, AmqpOptions amqpOptions)
    : PubSubManager(std::move(channel), writeOnly, options),
      _links(std::make_unique<Links>(*this, url, amqpOptions)) {}

AmqpManager::~AmqpManager() { shutdown(); }

const std::string& AmqpManager::queueName() const { return _links->queue(); }

void AmqpManager::start() { _links->start(); }

void AmqpManager::stop() { _links->stop(); }

bool AmqpManager::publish(std::string payload) {
    return _links->publisher().publish(std::move(payload));
}

bool AmqpManager::flushQueue(TimePoint deadline) { return _links->publisher().flush(deadline); }

}  // namespace socketio
