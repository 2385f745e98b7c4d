#pragma once

#include <atomic>
#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "socketio/exchange/App.h"

namespace socketio {

struct HealthOptions {
    std::string live = "/healthz";  ///< 200 as long as the process answers; empty: off.
    std::string ready = "/readyz";  ///< 200 or, when it shall get no new clients, 503; empty: off.
};

/// Answers the questions of load balancers and service managers, and passes everything else on.
///
///     auto health = std::make_shared<Health>(std::make_shared<Middleware>(sio));
///     HttpServer server(health);
///     ...
///     health->setReady(false);  // on SIGTERM: balancers send nobody any more; then, later, stop()
///
/// It answers on the loop, so a server whose workers are all blocked is alive; it does not look at
/// the app. stop() makes it unready, too.
///
/// Owner:   the front end; also whoever calls setReady().
/// Threads: thread-safe.
class Health : public App {
public:
    explicit Health(std::shared_ptr<App> app, HealthOptions options = {});
    template <std::derived_from<App> A>
    explicit Health(A app, HealthOptions options = {})
        : Health(std::shared_ptr<App>(std::make_shared<A>(std::move(app))), std::move(options)) {}

    void setReady(bool ready) { _ready = ready; }
    bool ready() const { return _ready; }

    void start(Executor& executor) override { _app->start(executor); }
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;
    std::size_t maxBodyBytes() const override { return _app->maxBodyBytes(); }

private:
    const std::shared_ptr<App> _app;
    const HealthOptions _options;
    std::atomic<bool> _ready{true};
};

}  // namespace socketio
