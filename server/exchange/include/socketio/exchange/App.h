#pragma once

#include <cstddef>
#include <memory>

#include "socketio/base/Log.h"
#include "socketio/exchange/Exchange.h"

namespace socketio {

/// What answers requests. Subclass it and implement handle(); Middleware is one, and so is
/// StaticFiles.
///
/// Owner:   the front end or the Middleware that it was given to, by shared_ptr.
/// Threads: handle() on a worker, several at a time. begin() on the loop of the connection.
class App {
public:
    virtual ~App() = default;

    /// Before the first request, when a front end starts; again for every further front end on
    /// the same hub. Throws when the app belongs to another hub.
    virtual void start(Executor&) {}

    /// Ends what the app keeps open: called on stop, before the front end closes its connections;
    /// returns when all is said or `deadline` (by the clock of the executor) has come. False when
    /// code of the app still runs that nothing waits for: the front end asks once more at its end,
    /// and its own stop() tells.
    virtual bool stop(TimePoint /*deadline*/) { return true; }

    /// The head of a request has come. Must not block. As it is, it collects the body, up to
    /// maxBodyBytes(), answers 413 when it is larger and 503 when the workers' queue is full, and
    /// has a worker call handle(); what handle() throws is logged and answered with 500.
    virtual void begin(const Exchange::Ptr& exchange);

    /// A complete request. May block, may keep the exchange and answer later.
    virtual void handle(const Exchange::Ptr& exchange) = 0;

    virtual std::size_t maxBodyBytes() const { return 1'000'000; }
};

/// What a front end calls begin() by: an exception is logged and answered with 500.
void beginGuarded(App& app, const Exchange::Ptr& exchange, const Log& log);

}  // namespace socketio
