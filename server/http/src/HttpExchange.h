#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/base/Mutex.h"
#include "socketio/base/SharedFrame.h"
#include "socketio/exchange/Exchange.h"

#include "HttpAnswer.h"

namespace socketio {

class HttpConnection;
struct HttpServerState;

/// One HTTP request and its answer.
///
/// Whoever answers first wins the phase, encodes the answer on the own thread and has the loop send
/// it; everything else about the connection stays on the loop.
///
/// Owner:   the app; HttpConnection while it collects the body. The last reference that goes away
///          unanswered makes the connection answer 500.
class HttpExchange final : public Exchange {
public:
    struct Request {
        std::uint32_t serial = 0;  ///< Of the request on its connection.
        AnswerForm form;
        bool bodyDone = true;  ///< There is none, or it has come whole: the connection may go on.
        bool webSocket = false;
    };

    HttpExchange(std::shared_ptr<HttpConnection> connection, HttpServerState& server,
                 Executor::LoopId loop, const Request& request,
                 std::shared_ptr<const Environ> environ);
    ~HttpExchange() override;

    // Exchange
    void receiveBody(std::size_t limit, BodyCallback callback) override;
    void respond(Response response) override;
    void start(int status, HeaderList headers) override;
    bool write(std::string_view bytes) override;
    void finish() override;
    void onAbort(AbortCallback callback) override;
    void onSent(std::function<void()> callback) override;
    bool isWebSocketHandshake() const override { return _webSocket; }
    bool wantsWebSocket() const override { return _webSocket; }
    std::shared_ptr<WebSocketChannel> upgrade(std::size_t maxMessageBytes,
                                              const HeaderList& headers) override;
    bool finished() const override;

    // For HttpConnection, on the loop.
    std::uint32_t serial() const { return _serial; }
    std::string& bodyBuffer() { return _body; }
    bool closes() const { return _form.close; }
    bool http10() const { return _form.http10; }
    void bodyComplete() { _bodyDone.store(true, std::memory_order_release); }
    SharedFrame takeHead() { return std::move(_head); }
    SharedFrame takeBodyFrame() { return std::move(_bodyFrame); }
    /// The peer has ended its side.
    void setPeerEnded() { _peerEnded = true; }
    bool awaitsAbort() const;
    /// The client has gone: ends an answer in progress and calls the abort callback.
    void gone();
    /// Claims the answer for the front end itself; false when there is one.
    bool claim();
    bool hasSentCallback() const;
    void sent();
    /// It never will be: lets go of the callback.
    void neverSent();
    /// Its answer has been queued on the connection.
    void setDelivered() { _delivered = true; }
    bool delivered() const { return _delivered; }
    /// For answers in pieces: bytes went to the connection; all of those went to the kernel.
    void streamQueued(std::size_t bytes) { _stream->queued += bytes; }
    void streamDrained();

private:
    enum class Phase : std::uint8_t { Open, Streaming, Answered, Gone };

    // Of an answer in pieces. Its writer may be any one thread at a time.
    struct Stream {
        Mutex mutex;  // a leaf
        Condition drained;
        std::size_t unsent SOCKETIO_GUARDED_BY(mutex) = 0;  // written, not in the kernel
        bool over SOCKETIO_GUARDED_BY(mutex) = false;       // nobody takes it any more
        std::size_t queued = 0;                             // of unsent, on the connection: loop
        std::uint64_t remaining = kNoLength;                // of Content-Length: writer
    };

    HttpServerState& server() const;
    std::shared_ptr<HttpExchange> self() {
        return std::static_pointer_cast<HttpExchange>(shared_from_this());
    }
    bool onLoop() const { return executor().currentLoop() == loop(); }
    bool advance(Phase from, Phase to);
    void deliver();
    void sendPiece(std::string piece);
    bool waitForRoom();

    const std::shared_ptr<HttpConnection> _connection;
    const std::uint32_t _serial;
    AnswerForm _form;  // written by who answers, then read on the loop
    const bool _webSocket;
    std::atomic<Phase> _phase{Phase::Open};
    std::atomic<bool> _bodyDone;
    std::atomic<bool> _peerEnded{false};
    SharedFrame _head, _bodyFrame;    // of the answer: written by who answers, taken on the loop
    std::unique_ptr<Stream> _stream;  // made by start() under _mutex
    bool _delivered = false;          // loop

    // Callbacks run, and are destroyed, without it. Stream::mutex may be taken under it.
    mutable Mutex _mutex;
    AbortCallback _abort SOCKETIO_GUARDED_BY(_mutex);
    std::function<void()> _sent SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace socketio
