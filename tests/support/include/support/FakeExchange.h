#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "socketio/base/Text.h"
#include "socketio/exchange/Exchange.h"

#include "support/ManualExecutor.h"

namespace socketio::test {

/// A WebSocket connection in memory: what the server sends is taken apart into messages, and the
/// test plays the client.
///
/// Like the real one it lets its listener go when the connection is gone, and calls it on its loop.
class FakeWebSocketChannel final : public WebSocketChannel,
                                   public std::enable_shared_from_this<FakeWebSocketChannel> {
public:
    struct Frame {
        std::uint8_t opcode = 0;
        std::string payload;
        bool operator==(const Frame&) const = default;
    };

    FakeWebSocketChannel(ManualExecutor& executor, Executor::LoopId loop)
        : _executor(executor), _loop(loop) {}

    // WebSocketChannel
    Executor::LoopId loop() const override { return _loop; }
    void setListener(std::shared_ptr<WebSocketListener> listener) override {
        _listener = std::move(listener);
    }
    void send(SharedFrame bytes) override {
        if (gone || closeCode) return;
        sentFrames.push_back(bytes);
        takeApart(bytes.view());
    }
    void close(std::uint16_t code, std::string_view reason) override {
        if (gone || closeCode) return;
        closeCode = code;
        closeReason = reason;
    }
    void abort() override {
        if (gone) return;
        aborted = true;
        _executor.post(_loop, [self = shared_from_this()] { self->drop(1006, "aborted"); });
    }
    void pauseReading(bool pause) override { paused = pause; }
    std::size_t queuedBytes() const override { return queued; }
    TimePoint lastReceived() const override { return received; }

    // The client's side.
    void text(std::string_view data) { receive(false, data); }
    void binary(std::string_view data) { receive(true, data); }
    /// The connection ends: the peer's close frame, the answer to ours, or TCP.
    void drop(std::uint16_t code = 1005, std::string_view detail = {}) {
        if (std::exchange(gone, true)) return;
        const auto listener = std::exchange(_listener, nullptr);
        if (listener) _executor.onLoop(_loop, [&] { listener->onClosed(code, detail); });
    }

    /// What arrived since the last call: "4hello" for text, "b:" and the bytes for binary.
    std::vector<std::string> take() {
        std::vector<std::string> all;
        for (const Frame& frame : std::exchange(frames, {}))
            all.push_back(frame.opcode == 2 ? "b:" + frame.payload : frame.payload);
        return all;
    }
    bool closed() const { return closeCode || aborted || gone; }
    bool hasListener() const { return _listener != nullptr; }

    std::vector<Frame> frames;
    std::vector<SharedFrame> sentFrames;  ///< As they were handed over.
    std::optional<std::uint16_t> closeCode;
    std::string closeReason;
    bool aborted = false;
    bool gone = false;
    bool paused = false;
    std::size_t queued = 0;
    TimePoint received{};  ///< When the last message came; a test may set it, too.

private:
    void receive(bool binary, std::string_view data) {
        received = _executor.clock().now();
        if (gone || !_listener) return;
        const auto listener = _listener;
        _executor.onLoop(_loop, [&] { listener->onMessage(binary, data); });
    }

    void takeApart(std::string_view bytes) {
        while (bytes.size() >= 2) {
            const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
            Frame frame;
            frame.opcode = byte(0) & 0x0f;
            std::uint64_t length = byte(1) & 0x7f;
            std::size_t header = 2;
            if (length >= 126) {
                const std::size_t wide = length == 126 ? 2 : 8;
                length = 0;
                for (std::size_t i = 0; i < wide; ++i) length = length << 8 | byte(2 + i);
                header += wide;
            }
            frame.payload = bytes.substr(header, length);
            bytes.remove_prefix(std::min(bytes.size(), header + length));
            frames.push_back(std::move(frame));
        }
    }

    ManualExecutor& _executor;
    const Executor::LoopId _loop;
    std::shared_ptr<WebSocketListener> _listener;
};

/// A request whose front end is the test. Nothing goes on by itself: the body comes, the answer
/// leaves and the client goes away when the test says so.
class FakeExchange final : public Exchange {
public:
    using Ptr = std::shared_ptr<FakeExchange>;
    using Headers = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    /// `target` is path and query.
    static Ptr make(ManualExecutor& executor, std::string_view method, std::string_view target,
                    Headers headers = {}, std::string body = {}, Executor::LoopId loop = 0,
                    Capabilities can = {true, true}) {
        auto environ = std::make_shared<Environ>();
        const std::string_view path = target.substr(0, target.find('?'));
        environ->set("REQUEST_METHOD", method);
        environ->set("SCRIPT_NAME", "");
        environ->set("PATH_INFO", percentDecode(path));
        environ->set("QUERY_STRING",
                     path.size() < target.size() ? target.substr(path.size() + 1) : "");
        environ->set("REQUEST_URI", target);
        environ->set("SERVER_NAME", "127.0.0.1");
        environ->set("SERVER_PORT", "5000");
        environ->set("SERVER_PROTOCOL", "HTTP/1.1");
        environ->set("REMOTE_ADDR", "127.0.0.1");
        environ->set("REMOTE_PORT", "40000");
        environ->set("GATEWAY_INTERFACE", "CGI/1.1");
        for (const auto& [name, value] : headers) {
            if (name == "HTTPS")
                environ->set(name, value);
            else
                environ->addHeader(name, value);
        }
        return std::make_shared<FakeExchange>(executor, std::move(environ), std::move(body), loop,
                                              can);
    }

    /// The same with the headers of a WebSocket handshake.
    static Ptr makeWebSocket(ManualExecutor& executor, std::string_view target,
                             Headers headers = {}, Executor::LoopId loop = 0) {
        const Ptr exchange = make(executor, "GET", target, headers, {}, loop);
        exchange->_wantsWebSocket = exchange->_isHandshake = true;
        return exchange;
    }

    FakeExchange(ManualExecutor& executor, std::shared_ptr<const Environ> environ, std::string body,
                 Executor::LoopId loop, Capabilities can)
        : Exchange(executor, loop, can), _manual(executor), _incoming(std::move(body)) {
        _environ = std::move(environ);
        _wantsWebSocket = _environ->header("upgrade") == "websocket";
    }

    // Exchange
    void receiveBody(std::size_t limit, BodyCallback callback) override {
        _limit = limit;
        _bodyCallback = std::move(callback);
        bodyAsked = true;
        if (!holdBody) deliverBody();
    }
    void respond(Response answer) override {
        if (finished()) return;
        _onAbort = nullptr;
        answeredOn = _manual.currentLoop();
        response = std::move(answer);
        if (autoSend) sent();
    }
    void start(int status, HeaderList headers) override {
        if (finished()) return;
        response = Response{status, std::move(headers), {}};
        streaming = true;
    }
    bool write(std::string_view bytes) override {
        if (gone || !streaming) return false;
        response->body.append(bytes);
        return true;
    }
    void finish() override {
        if (!std::exchange(streaming, false)) return;
        _onAbort = nullptr;
        if (autoSend) sent();
    }
    void onAbort(AbortCallback callback) override {
        if (!finished()) _onAbort = std::move(callback);
    }
    void onSent(std::function<void()> callback) override { _onSent = std::move(callback); }
    bool isWebSocketHandshake() const override { return _isHandshake; }
    bool wantsWebSocket() const override { return _wantsWebSocket; }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList&) override {
        webSocketOptions = options;
        channel = std::make_shared<FakeWebSocketChannel>(
            _manual, options.loop == Executor::kNoLoop ? loop() : options.loop);
        return channel;
    }
    bool finished() const override { return gone || channel || (response && !streaming); }

    // The client's and the front end's side.
    /// The body has come, after holdBody.
    void deliverBody() {
        const auto callback = std::exchange(_bodyCallback, nullptr);
        if (!callback) return;
        const bool fits = _incoming.size() <= _limit;
        if (fits) _body = std::move(_incoming);
        run([&] { callback(fits ? BodyStatus::Complete : BodyStatus::TooLarge); });
    }
    /// The body ends otherwise.
    void failBody(BodyStatus status) {
        const auto callback = std::exchange(_bodyCallback, nullptr);
        if (status == BodyStatus::Incomplete) gone = true;
        if (callback) run([&] { callback(status); });
    }
    /// The client goes away: before it was answered, or before the answer has left.
    void abort() {
        if (answered()) {
            gone = true;
            run([&] { _onSent = nullptr; });
        }
        if (finished()) return;
        gone = true;
        streaming = false;
        if (const auto callback = std::exchange(_onAbort, nullptr)) run(callback);
    }
    /// The kernel has taken the answer, after autoSend = false.
    void sent() {
        if (const auto callback = std::exchange(_onSent, nullptr)) run(callback);
    }

    bool answered() const { return response.has_value() && !streaming; }
    int status() const { return response ? response->status : 0; }
    std::string body() const { return response ? response->body : std::string(); }
    std::string header(std::string_view name) const {
        return response ? std::string(response->headers.get(name)) : std::string();
    }

    bool holdBody = false;  ///< The body does not come before deliverBody().
    bool autoSend = true;   ///< The kernel takes the answer at once.
    bool gone = false;
    bool streaming = false;
    bool bodyAsked = false;
    WebSocketOptions webSocketOptions;  ///< Of upgrade().
    Executor::LoopId answeredOn = Executor::kNoLoop;
    std::optional<Response> response;
    std::shared_ptr<FakeWebSocketChannel> channel;  ///< After upgrade().

private:
    template <class F>
    void run(F&& function) {
        _manual.onLoop(loop(), std::forward<F>(function));
    }

    ManualExecutor& _manual;
    std::string _incoming;
    std::size_t _limit = 0;
    BodyCallback _bodyCallback;
    AbortCallback _onAbort;
    std::function<void()> _onSent;
    bool _isHandshake = false;
    bool _wantsWebSocket = false;
};

}  // namespace socketio::test
