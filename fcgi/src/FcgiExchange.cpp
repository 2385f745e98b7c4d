#include "FcgiExchange.h"

#include <utility>

#include <Poco/Exception.h>

#include "socketio/fcgi/FcgiRecord.h"

#include "CgiAnswer.h"
#include "FcgiConnection.h"
#include "FcgiServerState.h"

namespace socketio {

namespace {

constexpr std::size_t kHeadReserve = 256;
constexpr std::size_t kEndBytes = 3 * FcgiRecord::kHeaderBytes;  // of Stdout, and EndRequest

/// The end of the stream and of the request.
void appendEnd(std::string& out, std::uint16_t id, std::uint32_t appStatus) {
    appendFcgiHeader(out, FcgiRecord::Type::Stdout, id, 0);
    appendFcgiEndRequest(out, id, appStatus, FcgiRecord::Status::Complete);
}

}  // namespace

SharedFrame encodeFcgiAnswer(std::uint16_t id, const Response& response, bool head) {
    // Head and body share records, which is what web servers are used to.
    std::string answer;
    answer.reserve(kHeadReserve + response.body.size());
    appendCgiAnswer(answer, response, head);
    std::string out;
    const std::size_t records = answer.size() / FcgiRecord::kMaxContent + 1;
    out.reserve(answer.size() + records * FcgiRecord::kHeaderBytes + kEndBytes);
    appendFcgiStream(out, FcgiRecord::Type::Stdout, id, answer);
    appendEnd(out, id, 0);
    return SharedFrame(std::move(out));
}

FcgiExchange::FcgiExchange(std::shared_ptr<FcgiConnection> connection, FcgiServerState& server,
                           Executor::LoopId loop, std::uint32_t serial, std::uint16_t id,
                           const CgiRequest& request)
    : FrontEndExchange(
          *server.hub, loop,
          {.upgrade = false, .stream = true, .webSocketRoute = server.options.webSocketRoute},
          std::move(connection),
          {.serial = serial,
           .streamBuffer = server.options.limits.streamBuffer,
           .environ = request.environ}),
      _id(id),
      _head(request.head),
      _wantsWebSocket(request.wantsWebSocket) {}

std::shared_ptr<WebSocketChannel> FcgiExchange::upgrade(const WebSocketOptions&,
                                                        const HeaderList&) {
    throw Poco::IllegalStateException("FastCGI carries no WebSocket: ask isWebSocketHandshake()");
}

void FcgiExchange::encodeAnswer(Response response, SharedFrame& head, SharedFrame&) {
    head = encodeFcgiAnswer(_id, response, _head);
}

FrontEndExchange::StreamStart FcgiExchange::encodeStart(int status, const HeaderList& headers) {
    status = answerableStatus(status);
    StreamStart start;
    start.length = announcedLength(headers);
    start.bodyless = _head || isBodyless(status);
    std::string head;
    appendCgiHead(head, status, headers,
                  isBodyless(status) && status != 304 ? kNoLength : start.length);
    appendFcgiStream(start.head, FcgiRecord::Type::Stdout, _id, head);
    return start;
}

std::string FcgiExchange::encodePiece(std::string_view bytes) {
    std::string piece;
    piece.reserve(bytes.size() +
                  (bytes.size() / FcgiRecord::kMaxContent + 1) * FcgiRecord::kHeaderBytes);
    appendFcgiStream(piece, FcgiRecord::Type::Stdout, _id, bytes);
    return piece;
}

std::string FcgiExchange::encodeEnd(bool whole) {
    std::string end;
    appendEnd(end, _id, whole ? 0 : 1);  // the web server compares with Content-Length
    return end;
}

}  // namespace socketio
