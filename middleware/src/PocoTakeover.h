#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/ThreadPool.h>

#include "socketio/base/Mutex.h"
#include "socketio/exchange/Exchange.h"

namespace socketio {

/// WebSocket handshakes for handlers of POCO: each gets its connection and a thread of its own,
/// with the genuine classes of Poco::Net::HTTPServer around them.
///
/// Owner:   PocoHandlerApp, its threads and the sockets, which a handler may keep longer.
/// Threads: thread-safe.
class PocoTakeover : public std::enable_shared_from_this<PocoTakeover> {
public:
    PocoTakeover(Poco::Net::HTTPRequestHandlerFactory::Ptr factory,
                 Poco::Net::HTTPServerParams::Ptr params, std::size_t most);

    /// On the loop of the exchange; answers 503 when there are too many.
    void begin(const Exchange::Ptr& exchange);
    /// Ends what the sockets read, later also what they send; returns when the handlers have.
    bool stop(TimePoint deadline);
    /// Behind the last begin(), not on a thread of a handler. Threads whose handlers have not
    /// returned are left alone.
    void releaseThreads();
    std::size_t active() const;

private:
    class Place;
    class Conversation;
    class Socket;

    void shutDown(int how) SOCKETIO_REQUIRES(_mutex);

    Poco::Net::HTTPRequestHandlerFactory::Ptr _factory;  // its function is not const
    Poco::Net::HTTPServerParams::Ptr _params;
    const std::size_t _most;
    std::unique_ptr<Poco::ThreadPool> _threads;

    mutable Mutex _mutex;  // a leaf
    Condition _changed;
    std::size_t _active SOCKETIO_GUARDED_BY(_mutex) = 0;
    bool _stopping SOCKETIO_GUARDED_BY(_mutex) = false;
    std::vector<Socket*> _sockets SOCKETIO_GUARDED_BY(_mutex);
};

/// What went wrong in a handler: logged, in the words that all handlers of POCO are logged with.
/// Call it inside a catch block.
void logHandlerFailure(const Environ& request);

}  // namespace socketio
