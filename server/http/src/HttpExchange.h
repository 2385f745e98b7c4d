#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/exchange/FrontEndExchange.h"

#include "HttpAnswer.h"

namespace socketio {

class HttpConnection;
struct HttpServerState;

/// One HTTP request and its answer.
///
/// Owner: as FrontEndExchange.
class HttpExchange final : public FrontEndExchange {
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

    bool isWebSocketHandshake() const override { return _webSocket; }
    bool wantsWebSocket() const override { return _webSocket; }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList& headers) override;
    void detach(DetachCallback callback) override;

    // For HttpConnection, on the loop.
    bool closes() const { return _form.close; }
    void bodyComplete() { _bodyDone.store(true, std::memory_order_release); }

private:
    void encodeAnswer(Response response, SharedFrame& head, SharedFrame& body) override;
    StreamStart encodeStart(int status, const HeaderList& headers) override;
    std::string encodePiece(std::string_view bytes) override;
    std::string encodeEnd(bool whole) override;
    void decideOnClose();

    const std::shared_ptr<HttpConnection> _http;
    AnswerForm _form;  // written by who answers, then read on the loop
    const bool _webSocket;
    std::atomic<bool> _bodyDone;
};

}  // namespace socketio
