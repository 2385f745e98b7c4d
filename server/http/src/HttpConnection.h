#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "socketio/exchange/FrontEndExchange.h"
#include "socketio/exchange/UnsentAnswers.h"
#include "socketio/net/Connection.h"
#include "socketio/protocol/HttpHead.h"

#include "HttpAnswer.h"
#include "HttpServerState.h"

namespace socketio {

class HttpExchange;
class WebSocketConnection;

/// HTTP/1.1 on one connection: reads requests strictly, one at a time, and answers them in order.
///
///     Head -> (Waiting | Body -> Waiting) -> Skip -> Head     or Closing, or Upgraded
///
/// Owner:   its Connection; exchanges of it hold it longer.
/// Threads: confined to its loop; exchanges post here.
/// Limits:  HttpLimits; that of output is for each answer's pieces, in addition to what is left of
///          the answers before, which is little when a request is begun. Input behind the request
///          in progress is left to the Connection, which stops reading when it is full.
class HttpConnection final : public HttpProtocol,
                             public ExchangeConnection,
                             public std::enable_shared_from_this<HttpConnection> {
public:
    /// `adopted`: another server accepted the connection, so that no PROXY header comes.
    explicit HttpConnection(std::shared_ptr<HttpServerState> server, bool adopted = false);

    // ConnectionProtocol
    void onOpen(Connection& connection) override;
    std::size_t onInput(char* bytes, std::size_t size) override;
    void onEnd() override;
    void onDeadline() override;
    void onDrained() override;
    void onSecured() override;
    std::string_view plainHttpAnswer() const override;
    void onClosed(const char* detail) override;

    // HttpProtocol
    void admit() override;
    void shutDown() override;
    void cut() override;

    // ExchangeConnection
    void receiveBody(FrontEndExchange& exchange, std::size_t limit,
                     Exchange::BodyCallback callback) override;
    void answer(FrontEndExchange& exchange) override;
    void sendPiece(FrontEndExchange& exchange, SharedFrame piece) override;
    void dropped(std::uint32_t serial, bool started) override;
    void watchSent(const std::shared_ptr<FrontEndExchange>& exchange) override;
    void abandon(std::uint32_t serial) override;

    // For exchanges, on the loop.
    std::shared_ptr<WebSocketConnection> upgrade(HttpExchange& exchange,
                                                 const WebSocketOptions& options,
                                                 const HeaderList& headers);

    void detach(HttpExchange& exchange, Exchange::DetachCallback callback);

    HttpServerState& server() const { return *_server; }
    const std::shared_ptr<HttpServerState>& sharedServer() const { return _server; }

private:
    std::shared_ptr<WebSocketConnection> becomeWebSocket(HttpExchange& exchange,
                                                         const WebSocketOptions& options,
                                                         Executor::LoopId target,
                                                         const HeaderList& headers);

    enum class State : std::uint8_t {
        Head,     // reads a head, or waits for one
        Body,     // collects the body for the app
        Waiting,  // for the answer
        Skip,     // drops a body that the app did not want and that has come already
        Closing,  // the last answer is on its way; input is dropped
        Upgraded  // another protocol speaks
    };

    // Each takes bytes from the front of `rest` and tells how many; `more` turns false when it
    // cannot go on.
    std::size_t readHead(std::string_view rest, bool& more);
    std::size_t readBody(std::string_view rest, bool& more);
    std::size_t skipBody(std::string_view rest, bool& more);

    void begin(const HttpRequestHead& head, std::size_t headSize);
    void refuseBody(int status, const char* why, std::optional<Limit> limit);
    void finishBody(Exchange::BodyStatus status);
    void awaitFirstRequest();
    void nextRequest();
    void awaitRequest();
    void inputEnded();
    void refuse(int status, const char* why, std::optional<Limit> limit = {});
    bool countAddress();
    void queue(SharedFrame frame);
    void close();
    void closeIdle(const char* detail);
    void loseExchange();
    bool current(std::uint32_t serial) const {
        return _connection && serial == _serial && !_answered;
    }
    TimePoint now() const { return _server->hub->timers(_loop).now(); }

    Connection* _connection = nullptr;  // null before onOpen() and after onClosed()
    Executor::LoopId _loop = Executor::kNoLoop;
    State _state = State::Head;
    const bool _adopted;
    bool _inInput = false;      // onInput() is on the stack and goes on by itself
    bool _headStarted = false;  // bytes of a head have come
    bool _peerEnded = false;
    bool _throttled = false;  // answers pile up: no further request is read

    // The request in progress, or the last one.
    std::uint32_t _serial = 0;
    AnswerForm _form;
    bool _answered = true;  // or never to be answered
    bool _streaming = false;
    bool _chunked = false;  // its body, as long as it is not complete
    bool _expectContinue = false;
    bool _bodyRefused = false;    // it grew too large
    std::string_view _behind;     // the bytes behind its head, while the app is in begin()
    std::uint64_t _bodyLeft = 0;  // of Content-Length
    std::size_t _bodyLimit = 0;
    TimePoint _bodySince{};
    std::unique_ptr<ChunkedDecoder> _chunks;
    std::shared_ptr<HttpExchange> _collecting;  // while its body is being received
    Exchange::BodyCallback _bodyCallback;
    std::weak_ptr<HttpExchange> _exchange;

    std::size_t _scanned = 0;  // by HttpRequestHead::parse()
    UnsentAnswers _unsent;
    std::unique_ptr<Endpoints> _endpoints;  // made for the first request
};

}  // namespace socketio
