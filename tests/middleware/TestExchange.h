#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "socketio/exchange/App.h"

#include "support/ManualExecutor.h"

namespace socketio::test {

/// A request whose answer is kept for the test, on a ManualExecutor.
class TestExchange : public Exchange {
public:
    TestExchange(ManualExecutor& executor, std::shared_ptr<const Environ> environ,
                 Executor::LoopId loop = 0)
        : Exchange(executor, loop, {.upgrade = true, .stream = true}) {
        _environ = std::move(environ);
    }

    void receiveBody(std::size_t limit, BodyCallback callback) override {
        bodyLimit = limit;
        bodyCallback = std::move(callback);
    }
    /// The front end has the body.
    void deliver(std::string bytes, BodyStatus how = BodyStatus::Complete) {
        _body = std::move(bytes);
        if (const auto callback = std::exchange(bodyCallback, {})) callback(how);
    }

    void respond(Response response) override {
        ++answers;
        status = response.status;
        headers = std::move(response.headers);
        body = std::move(response.body);
        done = true;
    }
    void start(int code, HeaderList list) override {
        ++answers;
        status = code;
        headers = std::move(list);
        streamed = true;
    }
    bool write(std::string_view bytes) override {
        if (whenWriting) whenWriting();
        if (gone) return false;
        largestPiece = std::max(largestPiece, bytes.size());
        body.append(bytes);
        return true;
    }
    void finish() override { done = true; }
    void whenWritable(Task task) override {
        if (full)
            writable = std::move(task);
        else
            Exchange::whenWritable(std::move(task));
    }
    /// The client has taken what was queued, and goes on to take all that comes.
    void drain() {
        full = false;
        Exchange::whenWritable(std::exchange(writable, {}));
    }

    void onAbort(AbortCallback callback) override { abortCallback = std::move(callback); }
    void abort() {
        gone = true;
        if (const auto callback = std::exchange(abortCallback, {})) callback();
    }
    void onSent(std::function<void()> callback) override { sentCallback = std::move(callback); }

    bool isWebSocketHandshake() const override { return handshake; }
    bool wantsWebSocket() const override { return handshake; }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions&, const HeaderList&) override {
        ++answers;
        status = 101;
        done = true;
        return nullptr;
    }
    bool finished() const override { return done || gone; }

    int answers = 0;
    int status = 0;
    HeaderList headers;
    std::string body;
    bool streamed = false, done = false, gone = false, handshake = false;
    bool full = false;  // whenWritable() waits for drain()
    Task writable;
    std::size_t largestPiece = 0;
    std::optional<std::size_t> bodyLimit;
    BodyCallback bodyCallback;
    AbortCallback abortCallback;
    std::function<void()> sentCallback, whenWriting;
};

/// A complete environ as a front end makes it. `target` is the decoded path, `?` and a query.
inline Environ environFor(
    std::string_view method, std::string_view target,
    std::initializer_list<std::pair<std::string_view, std::string_view>> requestHeaders = {}) {
    const std::size_t mark = target.find('?');
    Environ environ;
    environ.set("GATEWAY_INTERFACE", "CGI/1.1");
    environ.set("REQUEST_METHOD", method);
    environ.set("SCRIPT_NAME", "");
    environ.set("PATH_INFO", target.substr(0, mark));
    environ.set("QUERY_STRING", mark == target.npos ? "" : target.substr(mark + 1));
    environ.set("REQUEST_URI", target);
    environ.set("SERVER_NAME", "localhost");
    environ.set("SERVER_PORT", "5000");
    environ.set("SERVER_PROTOCOL", "HTTP/1.1");
    environ.set("REMOTE_ADDR", "127.0.0.1");
    environ.set("REMOTE_PORT", "40000");
    for (const auto& [name, value] : requestHeaders) environ.addHeader(name, value);
    return environ;
}

/// Gives a request to an app, on its loop, and runs everything that follows.
inline std::shared_ptr<TestExchange> ask(ManualExecutor& executor, App& app, Environ environ) {
    const auto exchange = std::make_shared<TestExchange>(
        executor, std::make_shared<const Environ>(std::move(environ)));
    executor.onLoop(0, [&] { app.begin(exchange); });
    executor.run();
    return exchange;
}

}  // namespace socketio::test
