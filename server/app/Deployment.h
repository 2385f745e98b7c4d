#pragma once

#include <memory>
#include <vector>

#include "socketio/middleware/Middleware.h"
#include "socketio/server/Application.h"
#include "socketio/server/Server.h"

#include "Settings.h"

namespace socketio::app {

class ChatDemo;

/// A Server with the applications on it, or the chat demo: what --reload replaces as a whole.
///
/// Owner:   CurrentApp, and the exchanges on their way; destroyed on the main thread.
/// Threads: start() and stop() on the main thread; app() as every App.
/// Errors:  the constructor throws UsageError naming the library, folder or option that is wrong.
class Deployment {
public:
    explicit Deployment(const Settings& settings);
    ~Deployment();
    Deployment(const Deployment&) = delete;
    Deployment& operator=(const Deployment&) = delete;

    App& app() { return *_app; }
    const Server& server() const { return *_server; }

    void start(Executor& executor) { _app->start(executor); }
    /// False when code of the applications may still run.
    bool stop(TimePoint deadline);

private:
    // Destroyed from the last to the first.
    std::vector<std::shared_ptr<Application>> _applications;
    std::unique_ptr<ChatDemo> _chat;
    std::unique_ptr<Server> _server;
    std::shared_ptr<App> _app;
};

}  // namespace socketio::app
