#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "socketio/base/Mutex.h"
#include "socketio/base/SharedFrame.h"
#include "socketio/base/Task.h"
#include "socketio/exchange/AnswerFields.h"
#include "socketio/exchange/Exchange.h"

namespace socketio {

class FrontEndExchange;

/// What a front end's connection does for its exchanges, on its loop. For a request that is over it
/// does nothing.
class ExchangeConnection {
public:
    /// While more than this waits for the peer no further request is begun.
    static constexpr std::size_t kQueuedAnswers = 256 * 1024;

    virtual ~ExchangeConnection() = default;

    virtual void receiveBody(FrontEndExchange& exchange, std::size_t limit,
                             Exchange::BodyCallback callback) = 0;
    /// The answer is complete, or this is its end: takeHead(), then takeBodyFrame().
    virtual void answer(FrontEndExchange& exchange) = 0;
    virtual void sendPiece(FrontEndExchange& exchange, SharedFrame piece) = 0;
    /// The app let go of request `serial`; with `started` in the middle of its answer.
    virtual void dropped(std::uint32_t serial, bool started) = 0;
    virtual void watchSent(const std::shared_ptr<FrontEndExchange>& exchange) = 0;
    /// An abort callback was set after the peer had ended its side.
    virtual void abandon(std::uint32_t serial) = 0;
};

/// A request that came over a connection of the hub: all of Exchange but the bytes of the answer,
/// which each front end encodes in its own way.
///
/// Whoever answers first wins the phase, encodes the answer on the own thread and has the loop send
/// it; everything else about the connection stays on the loop.
///
/// Owner:   the app; the connection while it collects the body. The last reference that goes away
///          unanswered makes the connection answer 500.
class FrontEndExchange : public Exchange {
public:
    ~FrontEndExchange() override;

    // Exchange
    void receiveBody(std::size_t limit, BodyCallback callback) override;
    void respond(Response response) override;
    void start(int status, HeaderList headers) override;
    bool write(std::string_view bytes) override;
    void finish() override;
    void whenWritable(Task task) override;
    void onAbort(AbortCallback callback) override;
    void onSent(std::function<void()> callback) override;
    bool finished() const override;

    // For the connection, on the loop.
    std::uint32_t serial() const { return _serial; }
    std::string& bodyBuffer() { return _body; }
    /// Makes room for what is announced, up to 64 KiB; a longer body grows as it comes.
    void reserveBody(std::uint64_t bytes);
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
    void streamQueued(std::size_t bytes) { _stream->queued += bytes + kPieceCost; }
    void streamDrained();

protected:
    struct Request {
        std::uint32_t serial = 0;  ///< Of the request on its connection.
        std::size_t streamBuffer = 262'144;
        std::shared_ptr<const Environ> environ;
    };
    FrontEndExchange(Executor& executor, Executor::LoopId loop, Capabilities can,
                     std::shared_ptr<ExchangeConnection> connection, Request request);

    bool onLoop() const { return executor().currentLoop() == loop(); }

    // Called by whoever answers, each at most once, encodePiece() as often as needed.
    struct StreamStart {
        std::string head;
        std::uint64_t length = kNoLength;  ///< What Content-Length announces.
        bool bodyless = false;             ///< Nothing follows the head.
    };
    /// A body that is not copied into `head` goes to `body`.
    virtual void encodeAnswer(Response response, SharedFrame& head, SharedFrame& body) = 0;
    virtual StreamStart encodeStart(int status, const HeaderList& headers) = 0;
    virtual std::string encodePiece(std::string_view bytes) = 0;
    /// `whole`: all that Content-Length announced was written.
    virtual std::string encodeEnd(bool whole) = 0;

private:
    /// Of memory, beside the bytes of a piece that waits.
    static constexpr std::size_t kPieceCost = 128;

    enum class Phase : std::uint8_t { Open, Starting, Streaming, Answered, Gone };

    // Of an answer in pieces. Its writer may be any one thread at a time.
    struct Stream {
        Mutex mutex;  // a leaf
        Condition drained;
        std::size_t unsent SOCKETIO_GUARDED_BY(mutex) = 0;  // written, not in the kernel: cost
        bool over SOCKETIO_GUARDED_BY(mutex) = false;       // nobody takes it any more
        Task writable SOCKETIO_GUARDED_BY(mutex);           // whenWritable()
        std::size_t queued = 0;                             // of unsent, on the connection: loop
        std::uint64_t remaining = kNoLength;                // of Content-Length: writer
        bool bodyless = false;
    };

    std::shared_ptr<FrontEndExchange> self() {
        return std::static_pointer_cast<FrontEndExchange>(shared_from_this());
    }
    bool advance(Phase from, Phase to);
    void deliver();
    void sendPiece(std::string piece);
    bool waitForRoom();
    void runOnWorker(Task task);

    const std::shared_ptr<ExchangeConnection> _connection;
    const std::uint32_t _serial;
    const std::size_t _streamBuffer;
    std::atomic<Phase> _phase{Phase::Open};
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
