#include "AmqpLink.h"

#include <algorithm>
#include <amqp_framing.h>
#include <exception>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"
#include "socketio/base/SignalsBlocked.h"
#include "socketio/managers/Backoff.h"

namespace socketio::amqp {

namespace {}  // namespace

AmqpLink::AmqpLink(const AmqpUrl& url, const AmqpOptions& options, std::string name,
                   std::string exchange, Report report)
    : _name(std::move(name)),
      _exchange(std::move(exchange)),
      _report(std::move(report)),
      _connection(url, options) {}

void AmqpLink::start() {
    const SignalsBlocked blocked;
    _thread = std::thread([this] {
        run();
        MutexLock lock(_mutex);
        _ended = true;
        _changed.notifyAll();
    });
}

void AmqpLink::requestStop() {
    _stopping = true;
    _connection.wake();
}

void AmqpLink::join(TimePoint deadline) {
    if (!_thread.joinable()) return;
    MutexLock lock(_mutex);
    while (!_ended && _changed.waitUntil(_mutex, deadline)) {
    }
    const bool hangs = !_ended;
    lock.unlock();
    if (hangs) _connection.interrupt();
    _thread.join();
}

void AmqpLink::opened() {
    _openedAt = Clock::system().now();
    _report("", _openedBefore);
    _openedBefore = true;
}

void AmqpLink::report(const std::string& error) { _report(error, false); }

void AmqpLink::run() {
    // What only a person can put right is not asked for more often.
    constexpr Duration kRefusedPause = std::chrono::seconds(10);
    Backoff backoff;
    while (!stopping()) {
        _openedAt.reset();
        Duration pause = Duration(0);
        try {
            _connection.open(_name);
            // Server and workers declare it alike, or the broker refuses who comes second.
            amqp_exchange_declare(_connection.state(), AmqpConnection::kChannel, bytesOf(_exchange),
                                  amqp_cstring_bytes("fanout"), 0, 0, 0, 0, amqp_empty_table);
            _connection.checkAnswer("declare the exchange");
            serve();
            _connection.close();
            return;
        } catch (const Poco::Exception& e) {
            if (e.code() == AMQP_PRECONDITION_FAILED) pause = kRefusedPause;
            if (!stopping()) report(e.message());
        } catch (...) {
            if (!stopping()) report(exceptionText());
        }
        lost();
        _connection.drop();
        const Duration lasted = _openedAt ? Clock::system().now() - *_openedAt : Duration::zero();
        const Duration next = backoff.next(lasted);
        pauseFor(pause == Duration(0) ? next : pause);
    }
}

void AmqpLink::pauseFor(Duration time) {
    const TimePoint end = Clock::system().now() + time;
    for (TimePoint now = Clock::system().now(); now < end && !stopping();
         now = Clock::system().now()) {
        idle();
        _connection.wait(std::min(end - now, kTick));
    }
}

}  // namespace socketio::amqp
