#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "socketio/base/Mutex.h"
#include "socketio/exchange/App.h"

#include "Deployment.h"

namespace socketio::app {

/// The app of the front ends: passes every request to the deployment in charge, which may be
/// replaced while they run. Requests of sessions that the one before still has go there, so that
/// its clients can fetch their goodbye.
///
/// Owner:   the front ends and main().
/// Threads: begin() on the loops; everything else on the main thread.
class CurrentApp : public App {
public:
    CurrentApp(std::shared_ptr<Deployment> deployment, bool replaceable);

    void start(Executor& executor) override;
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;

    /// Starts `next`, puts it in charge, and has a thread stop the one before. When starting
    /// throws, nothing has changed.
    void replace(std::shared_ptr<Deployment> next, std::chrono::milliseconds timeout);
    /// Destroys the deployments that were replaced and that nobody uses any more; true when there
    /// are some left that may be soon.
    bool bury();

private:
    const bool _replaceable;
    std::shared_ptr<Deployment> _only;  // when it is not: read without a lock
    Executor* _executor = nullptr;
    bool _ended = false;

    mutable Mutex _mutex;  // a leaf
    std::shared_ptr<Deployment> _current SOCKETIO_GUARDED_BY(_mutex);
    std::vector<std::shared_ptr<Deployment>> _leaving SOCKETIO_GUARDED_BY(_mutex);

    /// One that is being stopped, or was and may still be in use.
    struct Replaced {
        Replaced(std::shared_ptr<Deployment> deployment, std::chrono::milliseconds timeout);
        ~Replaced() { thread.join(); }

        const std::shared_ptr<Deployment> deployment;
        std::atomic<bool> stopped{false};
        bool clean = false;  // before `stopped`; when not, its code may run for ever
        std::thread thread;
    };
    std::vector<std::unique_ptr<Replaced>> _replaced;
};

}  // namespace socketio::app
