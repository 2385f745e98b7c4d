#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "socketio/base/Clock.h"
#include "socketio/base/Mutex.h"

#include "AmqpConnection.h"

namespace socketio::amqp {

/// A connection to the broker with a thread that opens it, serves it, and opens it again when it is
/// lost.
///
/// Owner:   AmqpManager.
/// Threads: start(), requestStop() and join() are for the owner; all else runs on the link's own.
class AmqpLink {
public:
    /// What went wrong; "" when the connection has been opened. `again` if that had been so before.
    using Report = std::function<void(const std::string& error, bool again)>;

    AmqpLink(const AmqpUrl& url, const AmqpOptions& options, std::string name, std::string exchange,
             Report report);
    /// join() has been called if start() was.
    virtual ~AmqpLink() = default;

    void start();
    void requestStop() SOCKETIO_EXCLUDES(_mutex);
    /// Cuts the connection at the deadline.
    void join(TimePoint deadline) SOCKETIO_EXCLUDES(_mutex);

protected:
    /// Declares what it needs, calls opened(), and works until stopping() or an exception. Whatever
    /// waits does so for kTick at most, which is also how often a heartbeat can be sent.
    virtual void serve() = 0;
    /// The connection of this serve() is gone.
    virtual void lost() {}
    /// Now and then while there is no connection.
    virtual void idle() {}

    static constexpr Duration kTick = std::chrono::milliseconds(500);

    void opened();
    /// Of the other threads, and of this one.
    bool stopping() const { return _stopping.load(); }
    AmqpConnection& connection() { return _connection; }
    const std::string& exchange() const { return _exchange; }
    void report(const std::string& error);

private:
    void run();
    void pauseFor(Duration time);

    const std::string _name, _exchange;
    const Report _report;
    AmqpConnection _connection;
    std::thread _thread;
    std::atomic<bool> _stopping{false};
    bool _openedBefore = false;
    std::optional<TimePoint> _openedAt;  // the thread's; nothing while it is not open
    Mutex _mutex;                        // a leaf
    Condition _changed;
    bool _ended SOCKETIO_GUARDED_BY(_mutex) = false;
};

}  // namespace socketio::amqp
