#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "socketio/base/Mutex.h"
#include "socketio/http/HttpServer.h"

#include "support/LoopTime.h"
#include "support/RawClient.h"
#include "support/Waiting.h"

namespace socketio::test {

/// What callbacks on other threads report to a test, in order.
template <class T>
class Arrivals {
public:
    Arrivals() = default;
    ~Arrivals() { const MutexLock lock(_mutex); }  // put() is done with it
    Arrivals(const Arrivals&) = delete;
    Arrivals& operator=(const Arrivals&) = delete;

    void put(T item) {
        MutexLock lock(_mutex);
        _items.push_back(std::move(item));
        _changed.notifyAll();
    }
    /// Waits for the next one; throws after 5 s.
    T take() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        MutexLock lock(_mutex);
        while (_items.empty())
            if (!_changed.waitUntil(_mutex, deadline) && _items.empty())
                throw std::runtime_error("Arrivals: nothing came");
        T item = std::move(_items.front());
        _items.pop_front();
        return item;
    }
    bool empty() const {
        MutexLock lock(_mutex);
        return _items.empty();
    }

private:
    mutable Mutex _mutex;
    Condition _changed;
    std::deque<T> _items SOCKETIO_GUARDED_BY(_mutex);
};

/// An app made of functions: `onBegin` on the loop, or else `onHandle` on a worker.
class FunctionApp : public App {
public:
    std::function<void(const Exchange::Ptr&)> onBegin;
    std::function<void(const Exchange::Ptr&)> onHandle;
    std::function<bool(TimePoint)> onStop;
    std::size_t maxBody = 1'000'000;

    bool stop(TimePoint deadline) override { return !onStop || onStop(deadline); }
    void begin(const Exchange::Ptr& exchange) override {
        if (onBegin)
            onBegin(exchange);
        else
            App::begin(exchange);
    }
    void handle(const Exchange::Ptr& exchange) override { onHandle(exchange); }
    std::size_t maxBodyBytes() const override { return maxBody; }
};

/// A server on a free port of the loopback. Declare it behind what its app uses: it stops when it
/// goes out of scope.
class HttpFixture {
public:
    HttpFixture() {
        options.host = "127.0.0.1";
        options.port = 0;
        options.hub.ioThreads = 1;
    }

    void start() {
        server = std::make_unique<HttpServer>(app, options);
        server->start();
    }
    std::uint16_t port() const { return server->port(); }
    RawClient client() const { return RawClient(port()); }

    /// To be called before start(): the limits of time then go by `time`.
    void holdTime() { options.hub.clock = &time.clock; }
    void advance(Duration by) { time.advance(server->hub(), by); }
    /// Returns when the loop has dealt with all that `client` has sent.
    void turn(RawClient& client) { LoopTime::turn(server->hub(), client); }
    void expectAt(RawClient& client, Duration limit) {
        time.expectAt(server->hub(), client, limit);
    }

    const std::shared_ptr<FunctionApp> app = std::make_shared<FunctionApp>();
    LoopTime time;
    HttpServerOptions options;
    std::unique_ptr<HttpServer> server;
};

}  // namespace socketio::test
