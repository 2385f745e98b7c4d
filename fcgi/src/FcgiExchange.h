#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/exchange/FrontEndExchange.h"

#include "CgiRequest.h"

namespace socketio {

class FcgiConnection;
struct FcgiServerState;

/// One FastCGI request and its answer: a CGI head and a body in Stdout records, then EndRequest.
///
/// Owner: as FrontEndExchange.
class FcgiExchange final : public FrontEndExchange {
public:
    FcgiExchange(std::shared_ptr<FcgiConnection> connection, FcgiServerState& server,
                 Executor::LoopId loop, std::uint32_t serial, std::uint16_t id,
                 const CgiRequest& request);

    bool isWebSocketHandshake() const override { return false; }
    bool wantsWebSocket() const override { return _wantsWebSocket; }
    /// Never to be called: isWebSocketHandshake() is false.
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList& headers) override;

private:
    void encodeAnswer(Response response, SharedFrame& head, SharedFrame& body) override;
    StreamStart encodeStart(int status, const HeaderList& headers) override;
    std::string encodePiece(std::string_view bytes) override;
    std::string encodeEnd(bool whole) override;

    const std::uint16_t _id;
    const bool _head;
    const bool _wantsWebSocket;
};

/// A whole answer of the front end or of an app, as records.
SharedFrame encodeFcgiAnswer(std::uint16_t id, const Response& response, bool head);

}  // namespace socketio
