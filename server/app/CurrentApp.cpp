#include "CurrentApp.h"

#include <utility>

#include "socketio/exchange/ForwardingExchange.h"

namespace socketio::app {

namespace {

/// Keeps the deployment that answers it.
class DeployedExchange final : public ForwardingExchange {
public:
    DeployedExchange(Ptr inner, std::shared_ptr<Deployment> deployment)
        : ForwardingExchange(std::move(inner)), _deployment(std::move(deployment)) {}

private:
    const std::shared_ptr<Deployment> _deployment;
};

}  // namespace

CurrentApp::CurrentApp(std::shared_ptr<Deployment> deployment, bool replaceable)
    : _replaceable(replaceable), _only(replaceable ? nullptr : deployment) {
    MutexLock lock(_mutex);
    _current = std::move(deployment);
}

void CurrentApp::start(Executor& executor) {
    _executor = &executor;
    std::shared_ptr<Deployment> current;
    {
        MutexLock lock(_mutex);
        current = _current;
    }
    current->start(executor);
}

bool CurrentApp::stop(TimePoint deadline) {
    if (_ended) return true;  // every front end says so
    std::shared_ptr<Deployment> current;
    {
        MutexLock lock(_mutex);
        current = _current;
    }
    _ended = current->stop(deadline);
    return _ended;
}

void CurrentApp::begin(const Exchange::Ptr& exchange) {
    if (!_replaceable) return _only->app().begin(exchange);
    std::shared_ptr<Deployment> deployment;
    std::vector<std::shared_ptr<Deployment>> leaving;
    {
        MutexLock lock(_mutex);
        deployment = _current;
        leaving = _leaving;
    }
    if (!leaving.empty()) {
        const std::string sid = exchange->environ().queryParameter("sid");
        for (auto& before : leaving)
            if (!sid.empty() && before->server().hasSession(sid)) deployment = before;
    }
    App& app = deployment->app();
    app.begin(std::make_shared<DeployedExchange>(exchange, std::move(deployment)));
}

void CurrentApp::handle(const Exchange::Ptr& exchange) {
    // Called by a wrapper that took the request to a worker: routing belongs on the loop.
    exchange->executor().post(exchange->loop(), [this, exchange] { begin(exchange); });
}

CurrentApp::Replaced::Replaced(std::shared_ptr<Deployment> replaced,
                               std::chrono::milliseconds timeout)
    : deployment(std::move(replaced)), thread([this, timeout] {
          clean = deployment->stop(Clock::system().now() + timeout);
          stopped = true;
      }) {}

void CurrentApp::replace(std::shared_ptr<Deployment> next, std::chrono::milliseconds timeout) {
    next->start(*_executor);
    std::shared_ptr<Deployment> before;
    {
        MutexLock lock(_mutex);
        before = std::exchange(_current, std::move(next));
        _leaving.push_back(before);
    }
    _replaced.push_back(std::make_unique<Replaced>(std::move(before), timeout));
}

bool CurrentApp::bury() {
    bool more = false;
    for (const auto& replaced : _replaced) {
        if (!replaced->stopped) {
            more = true;
            continue;
        }
        MutexLock lock(_mutex);
        std::erase(_leaving, replaced->deployment);
    }
    // Requests hold theirs, and nobody gets a new one of these.
    std::erase_if(_replaced, [&more](const auto& replaced) {
        if (!replaced->stopped || !replaced->clean) return false;
        more = more || replaced->deployment.use_count() > 1;
        return replaced->deployment.use_count() == 1;
    });
    return more;
}

}  // namespace socketio::app
