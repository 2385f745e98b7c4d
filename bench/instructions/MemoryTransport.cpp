#include "MemoryTransport.h"

#include <array>
#include <cstring>
#include <sys/uio.h>
#include <utility>

#include "Case.h"
#include "CgiRequest.h"
#include "FcgiExchange.h"
#include "HttpEnviron.h"
#include "WebSocketHandshake.h"

namespace socketio {

namespace {

const Log& log() {
    static const Log log("bench");
    return log;
}

const Endpoints& endpoints() {
    static const Endpoints endpoints{"127.0.0.1", "127.0.0.1", 40'000, 5000};
    return endpoints;
}

}  // namespace

std::string_view MemoryOutput::flush() {
    static std::array<char, 256 * 1024> scratch;
    static std::string sent;
    sent.clear();
    while (!_queue.empty()) {
        std::array<iovec, 64> parts;
        const int count = _queue.gather(parts.data(), static_cast<int>(parts.size()),
                                        scratch.data(), scratch.size());
        std::size_t size = 0;
        for (int i = 0; i < count; ++i) {
            const iovec& part = parts[static_cast<std::size_t>(i)];
            sent.append(static_cast<const char*>(part.iov_base), part.iov_len);
            size += part.iov_len;
        }
        _queue.consume(size);
    }
    return sent;
}

void MemoryWebSocket::receive(std::string_view bytes) {
    _input.assign(bytes);
    _executor.onLoop(0, [&] {
        char* at = _input.data();
        char* const end = at + _input.size();
        const std::shared_ptr<WebSocketListener> listener = _listener;
        for (;;) {
            const WebSocketDecoder::Event event = _decoder.next(at, end);
            if (event.type == WebSocketDecoder::EventType::NeedMore) break;
            const bool binary = event.type == WebSocketDecoder::EventType::Binary;
            require(binary || event.type == WebSocketDecoder::EventType::Text, "a frame");
            listener->onMessage(binary, event.data);
        }
    });
}

void MemoryWebSocket::drop() {
    const auto listener = std::exchange(_listener, nullptr);
    _executor.onLoop(0, [&] { listener->onClosed(1001, {}); });
}

MemoryExchange::MemoryExchange(CountingExecutor& executor,
                               std::shared_ptr<MemoryConnection> connection,
                               std::shared_ptr<const Environ> environ, bool webSocket, Form form)
    : FrontEndExchange(executor, 0, {.upgrade = form == Form::Http, .stream = true}, connection,
                       {.serial = 1, .environ = std::move(environ)}),
      _memory(std::move(connection)),
      _webSocket(webSocket),
      _form(form) {}

void MemoryExchange::encodeAnswer(Response response, SharedFrame& head, SharedFrame&) {
    if (_form == Form::FastCgi) {
        head = encodeFcgiAnswer(1, response, false);
        return;
    }
    AnswerForm form;
    std::string out;
    out.reserve(256 + response.body.size());
    appendHead(out, response.status, response.headers, response.body.size(), form);
    out.append(response.body);
    head = SharedFrame(std::move(out));
}

std::shared_ptr<WebSocketChannel> MemoryExchange::upgrade(const WebSocketOptions& options,
                                                          const HeaderList& headers) {
    require(claim(), "the upgrade of an open request");
    _memory->output.push(
        SharedFrame(acceptWebSocketHandshake(environ().get("HTTP_SEC_WEBSOCKET_KEY"), headers)));
    setDelivered();
    _memory->webSocket = std::make_shared<MemoryWebSocket>(
        static_cast<CountingExecutor&>(executor()), options.maxMessageBytes);
    return _memory->webSocket;
}

void MemoryConnection::http(std::string_view bytes) {
    static const HttpServerOptions options;
    std::size_t size = 0;
    std::size_t scanned = 0;
    require(_head.parse(bytes, size, scanned, {}) == HttpRequestHead::Status::Complete, "a head");
    if (_head.upgradeWebSocket) require(judgeWebSocketHandshake(_head) == 101, "a handshake");
    _body.assign(bytes.substr(size));
    begin(makeHttpEnviron(_head, size, endpoints(), nullptr, options), _head.upgradeWebSocket,
          MemoryExchange::Form::Http);
}

void MemoryConnection::fastCgi(std::string_view bytes) {
    static const TrustedProxies proxies;
    static const FcgiPairs::Limits limits;
    using Type = FcgiRecord::Type;
    _body.clear();
    for (bool more = true; more;) {
        const FcgiRecord& record = _records.record();
        switch (_records.next(bytes)) {
            case FcgiRecordReader::Event::NeedMore:
                more = false;
                break;
            case FcgiRecordReader::Event::Record:
                break;
            case FcgiRecordReader::Event::Content:
                if (record.type == Type::Params)
                    require(_pairs.append(_records.content(), limits), "parameters");
                else if (record.type == Type::Stdin)
                    _body.append(_records.content());
                break;
            case FcgiRecordReader::Event::End:
                break;
            case FcgiRecordReader::Event::Bad:
                require(false, "a record");
        }
    }
    CgiRequest::Variables variables;
    variables.reserve(_pairs.size());
    for (std::size_t i = 0; i < _pairs.size(); ++i) variables.push_back(_pairs[i]);
    CgiRequest request = CgiRequest::read(variables, "", proxies);
    require(request.errorStatus == 0, "a request");
    _pairs.clear();
    begin(std::move(request.environ), false, MemoryExchange::Form::FastCgi);
}

void MemoryConnection::begin(std::shared_ptr<const Environ> environ, bool webSocketRequest,
                             MemoryExchange::Form form) {
    _executor.onLoop(0, [&] {
        beginGuarded(_app,
                     std::make_shared<MemoryExchange>(_executor, shared_from_this(),
                                                      std::move(environ), webSocketRequest, form),
                     log());
    });
}

void MemoryConnection::receiveBody(FrontEndExchange& exchange, std::size_t,
                                   Exchange::BodyCallback callback) {
    exchange.bodyBuffer() = std::exchange(_body, {});
    callback(Exchange::BodyStatus::Complete);
}

void MemoryConnection::answer(FrontEndExchange& exchange) {
    output.push(exchange.takeHead());
    if (SharedFrame body = exchange.takeBodyFrame(); !body.empty()) output.push(std::move(body));
    exchange.setDelivered();
    if (exchange.hasSentCallback())
        _unsent.push_back(std::static_pointer_cast<FrontEndExchange>(exchange.shared_from_this()));
}

std::string_view MemoryConnection::flush() {
    const std::string_view sent = output.flush();
    _executor.onLoop(0, [&] {
        for (const auto& exchange : std::exchange(_unsent, {})) exchange->sent();
    });
    return sent;
}

}  // namespace socketio
