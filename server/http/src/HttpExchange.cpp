#include "HttpExchange.h"

#include <charconv>
#include <utility>

#include <Poco/Bugcheck.h>

#include "HttpConnection.h"
#include "HttpServerState.h"
#include "WebSocketConnection.h"

namespace socketio {

namespace {

/// A body up to this size is copied behind its head, so that the answer is one allocation.
constexpr std::size_t kCopiedBody = 16 * 1024;
constexpr std::size_t kHeadReserve = 256;

}  // namespace

HttpExchange::HttpExchange(std::shared_ptr<HttpConnection> connection, HttpServerState& server,
                           Executor::LoopId loop, const Request& request,
                           std::shared_ptr<const Environ> environ)
    : FrontEndExchange(*server.hub, loop, {.upgrade = true, .stream = true, .detach = true},
                       connection,
                       {.serial = request.serial,
                        .streamBuffer = server.options.limits.streamBuffer,
                        .environ = std::move(environ)}),
      _http(std::move(connection)),
      _form(request.form),
      _webSocket(request.webSocket),
      _bodyDone(request.bodyDone) {}

/// A body that has not come whole is not waited for.
void HttpExchange::decideOnClose() {
    _form.close = _form.close || !_bodyDone.load(std::memory_order_acquire) ||
                  _http->server().stopping.load(std::memory_order_relaxed);
}

void HttpExchange::encodeAnswer(Response response, SharedFrame& head, SharedFrame& body) {
    const int status = answerableStatus(response.status);
    const bool bodyless = _form.head || isBodyless(status);
    decideOnClose();
    std::string out;
    const bool copied = !bodyless && response.body.size() <= kCopiedBody;
    out.reserve(kHeadReserve + (copied ? response.body.size() : 0));
    appendHead(out, status, response.headers, response.body.size(), _form);
    if (copied)
        out.append(response.body);
    else if (!bodyless)
        body = SharedFrame(std::move(response.body));
    head = SharedFrame(std::move(out));
}

FrontEndExchange::StreamStart HttpExchange::encodeStart(int status, const HeaderList& headers) {
    decideOnClose();
    StreamStart start;
    start.head.reserve(kHeadReserve);
    start.length = appendStreamHead(start.head, answerableStatus(status), headers, _form);
    start.bodyless = _form.bodyless;
    return start;
}

std::string HttpExchange::encodePiece(std::string_view bytes) {
    std::string piece;
    if (!_form.chunked) {
        piece.assign(bytes);
        return piece;
    }
    char size[16];
    const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
    piece.reserve(bytes.size() + 20);
    piece.append(size, end).append("\r\n").append(bytes).append("\r\n");
    return piece;
}

std::string HttpExchange::encodeEnd(bool whole) {
    if (_form.chunked) return "0\r\n\r\n";
    if (!whole) _form.close = true;  // shorter than announced: the end of the connection tells
    return {};
}

std::shared_ptr<WebSocketChannel> HttpExchange::upgrade(const WebSocketOptions& options,
                                                        const HeaderList& headers) {
    poco_assert(_webSocket && onLoop());
    if (!claim())
        return WebSocketConnection::lost(_http->sharedServer(),
                                         options.loop == Executor::kNoLoop ? loop() : options.loop);
    return _http->upgrade(*this, options, headers);
}

void HttpExchange::detach(DetachCallback callback) {
    poco_assert(executor().currentLoop() == loop());
    if (claim()) _http->detach(*this, std::move(callback));
}

}  // namespace socketio
