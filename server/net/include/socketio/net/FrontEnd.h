#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Net/SocketAddress.h>

#include "socketio/base/Mutex.h"
#include "socketio/net/Connection.h"
#include "socketio/net/Hub.h"

namespace socketio {

struct FrontEndState;

/// A connection of a front end: in the list of its loop, so that stop() finds it.
///
/// Owner: its Connection. Threads: confined to its loop.
class FrontEndConnection : public ConnectionProtocol {
public:
    /// The gate of the front end has been opened: requests may be read.
    virtual void admit() {}
    /// The front end stops: ends now, or when the request in progress has been answered.
    virtual void shutDown() = 0;
    /// Time is up: ends at once.
    virtual void cut() = 0;

private:
    friend struct FrontEndState;
    FrontEndConnection* _previous = nullptr;
    FrontEndConnection* _next = nullptr;
};

/// What the connections of a front end share.
///
/// Owner:   the front end, its connections and their exchanges. A hub of the front end's own lives
///          as long, since an app may let go of its last exchange after the front end is gone.
/// Threads: thread-safe; the lists are confined to their loops.
struct FrontEndState {
    explicit FrontEndState(std::shared_ptr<Hub> sharedHub);

    bool onLoop(Executor::LoopId loop) const { return hub->currentLoop() == loop; }

    /// Calls `visit` with every connection, on its loop; returns at once.
    static void visitAll(const std::shared_ptr<FrontEndState>& state,
                         void (*visit)(FrontEndConnection&));
    /// Waits until no connection is left; false when `deadline` came first.
    bool waitUntilEmpty(TimePoint deadline);

    void added(FrontEndConnection& connection, Executor::LoopId loop);
    void removed(FrontEndConnection& connection, Executor::LoopId loop);

    const std::shared_ptr<Hub> hub;
    std::atomic<bool> open{false};      // the app has been started
    std::atomic<bool> stopping{false};  // answers close their connections

private:
    std::vector<FrontEndConnection*> _first;  // of each loop's list
    std::atomic<std::size_t> _connections{0};
    Mutex _mutex;  // a leaf: orders the last removal and waitUntilEmpty()
    Condition _emptied;
};

/// The life of a front end on a hub: start, run, stop, whatever it speaks.
///
/// Owner:   the front end. Threads and errors: as HttpServer, of which it is the inside.
class FrontEnd {
public:
    /// What a front end does in its own way.
    struct Steps {
        std::function<Hub::Listener()> listen;
        std::function<void()> startApp;
        std::function<bool(TimePoint)> stopApp;  ///< As App::stop().
        std::function<void()> doorClosed;        ///< Behind the last accept; may be empty.
    };

    /// `name` is for errors ("HttpServer"), `log` the name of its logger.
    FrontEnd(const char* name, const char* log, std::shared_ptr<FrontEndState> state, bool ownHub,
             Steps steps);
    ~FrontEnd();
    FrontEnd(const FrontEnd&) = delete;
    FrontEnd& operator=(const FrontEnd&) = delete;

    void start();
    bool stop(std::chrono::milliseconds timeout);
    void run(std::chrono::milliseconds stopTimeout);
    Poco::Net::SocketAddress address() const;

private:
    struct Impl;
    std::unique_ptr<Impl> _impl;
};

}  // namespace socketio
