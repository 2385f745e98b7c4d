#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <socketio/exchange/App.h>
#include <socketio/exchange/FrontEndExchange.h>
#include <socketio/exchange/WebSocketChannel.h>
#include <socketio/fcgi/FcgiRecord.h>
#include <socketio/net/OutQueue.h>
#include <socketio/net/TimerWheel.h>
#include <socketio/protocol/HttpHead.h>
#include <socketio/protocol/WebSocketFrame.h>

#include "HttpAnswer.h"
#include "support/ManualExecutor.h"

namespace socketio {

/// Everything on the calling thread, with the timers of a real loop.
class CountingExecutor final : public test::ManualExecutor {
public:
    Timers& timers(LoopId) override { return _wheel; }

private:
    TimerWheel _wheel{clock()};
};

/// The outgoing side of a connection: its queue, and in place of the kernel a buffer that is
/// written over again.
class MemoryOutput {
public:
    void push(SharedFrame frame) { _queue.push(std::move(frame)); }
    std::size_t queuedBytes() const { return _queue.bytes(); }
    /// What a loop does at the end of its turn. Returns what would have been sent, good until the
    /// next call of any of them.
    std::string_view flush();

private:
    OutQueue _queue;
};

/// A WebSocket after its handshake: real frames, no socket.
class MemoryWebSocket final : public WebSocketChannel {
public:
    MemoryWebSocket(CountingExecutor& executor, std::size_t maxMessageBytes)
        : _executor(executor), _decoder({.maxMessageBytes = maxMessageBytes}) {}

    // WebSocketChannel
    Executor::LoopId loop() const override { return 0; }
    void setListener(std::shared_ptr<WebSocketListener> listener) override {
        _listener = std::move(listener);
    }
    void send(SharedFrame frames) override { output.push(std::move(frames)); }
    void close(std::uint16_t, std::string_view) override {}
    void abort() override {}
    void pauseReading(bool) override {}
    std::size_t queuedBytes() const override { return output.queuedBytes(); }
    TimePoint lastReceived() const override { return _executor.clock().now(); }

    /// Bytes have come from the client; they are decoded and run through on the loop.
    void receive(std::string_view bytes);
    /// The client goes away.
    void drop();

    MemoryOutput output;

private:
    CountingExecutor& _executor;
    std::shared_ptr<WebSocketListener> _listener;
    WebSocketDecoder _decoder;
    std::string _input;  // unmasked in place, as the loop's buffer is
};

class MemoryConnection;

/// A request on a MemoryConnection.
class MemoryExchange final : public FrontEndExchange {
public:
    enum class Form { Http, FastCgi };

    MemoryExchange(CountingExecutor& executor, std::shared_ptr<MemoryConnection> connection,
                   std::shared_ptr<const Environ> environ, bool webSocket, Form form);

    bool isWebSocketHandshake() const override { return _webSocket; }
    bool wantsWebSocket() const override { return _webSocket; }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList& headers) override;

private:
    void encodeAnswer(Response response, SharedFrame& head, SharedFrame& body) override;
    // The paths that are counted do not answer in pieces.
    StreamStart encodeStart(int, const HeaderList&) override { return {}; }
    std::string encodePiece(std::string_view) override { return {}; }
    std::string encodeEnd(bool) override { return {}; }

    const std::shared_ptr<MemoryConnection> _memory;
    const bool _webSocket;
    const Form _form;
};

/// A kept connection that carries one request at a time to `app`, over HTTP or FastCGI: what the
/// front ends do between the socket and the app, without their states and deadlines.
class MemoryConnection final : public ExchangeConnection,
                               public std::enable_shared_from_this<MemoryConnection> {
public:
    MemoryConnection(CountingExecutor& executor, App& app) : _executor(executor), _app(app) {}

    /// A request with its body, as bytes.
    void http(std::string_view bytes);
    void fastCgi(std::string_view bytes);

    /// What has been answered since the last call; good until anything is flushed.
    std::string_view flush();

    // ExchangeConnection
    void receiveBody(FrontEndExchange& exchange, std::size_t limit,
                     Exchange::BodyCallback callback) override;
    void answer(FrontEndExchange& exchange) override;
    void sendPiece(FrontEndExchange&, SharedFrame) override {}
    void dropped(std::uint32_t, bool) override {}
    void watchSent(const std::shared_ptr<FrontEndExchange>& exchange) override {
        _unsent.push_back(exchange);
    }
    void abandon(std::uint32_t) override {}

    MemoryOutput output;
    std::shared_ptr<MemoryWebSocket> webSocket;  ///< After an upgrade.

private:
    void begin(std::shared_ptr<const Environ> environ, bool webSocketRequest,
               MemoryExchange::Form form);

    CountingExecutor& _executor;
    App& _app;
    HttpRequestHead _head;
    FcgiRecordReader _records;
    FcgiPairs _pairs;
    std::string _body;
    std::vector<std::shared_ptr<FrontEndExchange>> _unsent;  // answered, with an onSent() callback
};

}  // namespace socketio
