#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "socketio/base/Executor.h"
#include "socketio/base/Task.h"
#include "socketio/exchange/DetachedConnection.h"
#include "socketio/exchange/Environ.h"
#include "socketio/exchange/Response.h"
#include "socketio/exchange/WebSocketChannel.h"

namespace socketio {

/// What a front end can do with an exchange.
struct Capabilities {
    bool upgrade = false;  ///< May become a WebSocket (HTTP/1.1 only; FastCGI cannot).
    bool stream = false;   ///< start(), write(), finish() send as they go.
    /// A session that begins here may go on over a WebSocket elsewhere: the web server sends those
    /// requests to another front end of the process.
    bool webSocketRoute = false;
    bool detach = false;  ///< The app may take the connection over.
};

/// One request and its one answer: all that front ends, apps and the engine share.
///
/// The answer may be given now, later, in pieces, and from any thread; a parked exchange costs an
/// object and no thread. When the last reference goes away unanswered, the client gets a 500.
///
/// Owner:   shared: the front end while the connection lives, the app while it answers.
/// Threads: thread-safe, except receiveBody() and upgrade(), which belong to begin() or to the
///          exchange's loop. Callbacks run on the exchange's loop.
/// Errors:  a second answer, or one to a client that has gone, does nothing.
class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    using Ptr = std::shared_ptr<Exchange>;
    using AbortCallback = std::function<void()>;

    enum class BodyStatus {
        Complete,
        TooLarge,    ///< Over the limit; the app answers 413.
        Incomplete,  ///< The client went away, or was too slow; there is nobody to answer.
        Invalid,     ///< Bad chunks; the front end has answered 400 itself.
    };
    using BodyCallback = std::function<void(BodyStatus)>;

    virtual ~Exchange() = default;

    const Environ& environ() const { return *_environ; }
    /// The environ, to be kept longer than the exchange.
    const std::shared_ptr<const Environ>& sharedEnviron() const { return _environ; }
    const Capabilities& can() const { return _can; }
    Executor& executor() const { return _executor; }
    /// The loop of the connection.
    Executor::LoopId loop() const { return _loop; }

    /// Collects the request body, at most `limit` bytes, then calls back once; at once when it is
    /// complete already. An announced length over the limit is TooLarge before a byte is read (and
    /// before any "100 Continue"). An app that answers without this call refuses the body: the
    /// front end drains a little of it and closes.
    virtual void receiveBody(std::size_t limit, BodyCallback callback) = 0;
    const std::string& body() const { return _body; }
    std::string takeBody() { return std::move(_body); }

    /// The complete answer. Content-Length is added; a HEAD request gets the headers alone.
    virtual void respond(Response response) = 0;

    /// An answer in pieces. Without a Content-Length header it is sent chunked (or until the end of
    /// the connection to HTTP/1.0). write() on a worker waits while 256 KiB are queued; false when
    /// the client has gone.
    virtual void start(int status, HeaderList headers) = 0;
    virtual bool write(std::string_view bytes) = 0;
    virtual void finish() = 0;
    /// For long answers without a thread that waits: runs `task` on a worker as soon as write()
    /// would not wait, or the client has gone. One at a time, after start(); a second replaces the
    /// first. When no worker can take it the task is destroyed, and with the last reference to the
    /// exchange the connection ends.
    virtual void whenWritable(Task task) {
        [[maybe_unused]] const bool taken = executor().runOnWorker(std::move(task));
    }

    /// Called on the loop when the client goes away before it was answered; at most once, and
    /// never after an answer. An empty callback takes it back.
    virtual void onAbort(AbortCallback callback) = 0;

    /// Calls back on the loop when the whole answer has been handed to the kernel; the callback is
    /// destroyed uncalled when the client goes away before. A later callback replaces it.
    virtual void onSent(std::function<void()> callback) = 0;

    /// True when the request is a valid WebSocket handshake (GET, HTTP/1.1, Upgrade, Connection,
    /// Key, Version 13) and can().upgrade.
    virtual bool isWebSocketHandshake() const = 0;
    /// True when the request asks for `Upgrade: websocket`, well-formed or not.
    virtual bool wantsWebSocket() const = 0;

    /// Answers 101 and turns the connection into a WebSocket; only when isWebSocketHandshake().
    virtual std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options = {},
                                                      const HeaderList& headers = {}) = 0;

    using DetachCallback = std::function<void(DetachedConnection)>;
    /// Takes the connection away from the front end, unanswered: for apps that speak on it
    /// themselves. Only for a request without a body, when can().detach, in begin() or on the loop.
    /// Calls back once, on the loop, when earlier answers have left; the callback is destroyed
    /// uncalled when the client goes away before. The descriptor does not block. Through TLS it is
    /// one end of a pair of Unix sockets, with plain bytes; the front end carries them, and ends
    /// that when it stops. When there is no room for it the client is answered 503.
    virtual void detach(DetachCallback /*callback*/) {}

    /// The client has gone or has been answered.
    virtual bool finished() const = 0;

protected:
    Exchange(Executor& executor, Executor::LoopId loop, Capabilities can)
        : _executor(executor), _loop(loop), _can(can) {}

    std::shared_ptr<const Environ> _environ;  // set before begin()
    std::string _body;

private:
    Executor& _executor;
    Executor::LoopId _loop;
    Capabilities _can;
};

}  // namespace socketio
