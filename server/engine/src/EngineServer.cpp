#include "socketio/engine/EngineServer.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"

#include "EngineContext.h"
#include "EngineRequest.h"
#include "EngineSessionImpl.h"
#include "Shutdown.h"

namespace socketio {

namespace {

using Session = std::shared_ptr<EngineSessionImpl>;

/// Runs `action`, which belongs to a poll or a POST that came on the loop `from`, on the loop of
/// the session: at once when that is the same. What the client sent first counts first: an upgrade
/// packet that was there before may still wait to be read by the session's loop, hence one more
/// turn while it is expected.
template <class Action>
void forward(const Session& session, Executor::LoopId from, Action action) {
    if (from == session->loop()) {
        action();
        return;
    }
    session->executor().post(session->loop(), [session, action = std::move(action)]() mutable {
        if (session->upgrading())
            session->executor().post(session->loop(), std::move(action));
        else
            action();
    });
}

bool isPlainBody(const Environ& environ) {
    const std::string_view coding = environ.get("HTTP_CONTENT_ENCODING");
    return coding.empty() || coding == "identity";
}

}  // namespace

struct EngineServer::Impl {
    Impl(const EngineOptions& options, OpenCallback callback)
        : context(std::make_shared<EngineContext>(options)), onOpen(std::move(callback)) {}

    void begin(const Exchange::Ptr& exchange);
    void open(const Exchange::Ptr& exchange, const EngineRequest& request);
    void openWebSocket(const Exchange::Ptr& exchange, const EngineRequest& request);
    void openPolling(const Exchange::Ptr& exchange, const EngineRequest& request);
    void continueSession(const Exchange::Ptr& exchange, const EngineRequest& request);
    void upgrade(const Exchange::Ptr& exchange, const EngineRequest& request,
                 const Session& session);
    void poll(const Exchange::Ptr& exchange, const EngineRequest& request, const Session& session);
    void post(const Exchange::Ptr& exchange, const EngineRequest& request, const Session& session);

    bool serves(const EngineRequest& request) const;
    WebSocketOptions webSocketOptions(Executor::LoopId loop) const {
        return {context->options.maxHttpBufferSize, context->options.maxOutboundBytes, loop};
    }
    Session makeSession(const Exchange::Ptr& exchange, const EngineRequest& request) const;

    const std::shared_ptr<EngineContext> context;
    const OpenCallback onOpen;
    std::atomic<Executor*> executor{nullptr};
    std::shared_ptr<Shutdown> shutdown;
};

EngineServer::EngineServer(EngineOptions options, OpenCallback onOpen)
    : _options(std::move(options)), _impl(std::make_unique<Impl>(_options, std::move(onOpen))) {}

// The sessions hold the context that holds them.
EngineServer::~EngineServer() { _impl->context->table.clear(); }

void EngineServer::start(Executor& executor) {
    Executor* none = nullptr;
    if (!_impl->executor.compare_exchange_strong(none, &executor) && none != &executor)
        throw Poco::IllegalStateException("the Engine.IO server belongs to another hub already");
}

void EngineServer::begin(const Exchange::Ptr& exchange) {
    try {
        _impl->begin(exchange);
    } catch (...) {
        _impl->context->logger.error("request failed: " + exceptionText());
        _impl->context->refuse(exchange, EngineError::BadRequest, 500);
    }
}

std::size_t EngineServer::sessionCount() const {
    return _impl->context->openSessions.load(std::memory_order_relaxed);
}

const EngineCounters& EngineServer::counters() const { return _impl->context->counters; }

EngineSession::Ptr EngineServer::find(std::string_view sid) const {
    Session session = _impl->context->table.find(sid);
    if (session && session->closed()) session.reset();
    return session;
}

void EngineServer::refuseNew() { _impl->context->refusing.store(true); }

void EngineServer::stop(TimePoint deadline) {
    EngineContext& context = *_impl->context;
    refuseNew();
    Executor* const executor = _impl->executor.load();
    if (context.stopping.exchange(true) || executor == nullptr) return;
    const Duration time = deadline - executor->clock().now();
    _impl->shutdown =
        std::make_shared<Shutdown>(*executor, context.table.all(), time,
                                   Shutdown::Pace{_options.drainSessions, _options.drainInterval});
    _impl->shutdown->start();
    // A loop must not wait for itself.
    if (executor->currentLoop() != Executor::kNoLoop) return;
    {
        BlockingScope blocking(*executor);
        if (context.table.waitEmpty(executor->clock(), deadline)) return;
    }
    std::vector<Session> left = context.table.all();
    executor->limits().reached(Limit::StopTimeout, context.logger, executor->clock().now(), [&] {
        return std::to_string(left.size()) + " sessions were ended without a goodbye";
    });
    _impl->shutdown->dropRest(std::move(left));
}

/// The official order of the checks, after the Origin, which comes first as in python-socketio.
void EngineServer::Impl::begin(const Exchange::Ptr& exchange) {
    const Environ& environ = exchange->environ();
    if (!context->origins.allows(environ)) {
        context->refuseOrigin(exchange);
        return;
    }
    if (environ.method() == "OPTIONS") {
        context->answer(exchange, context->origins.preflight(environ));
        return;
    }
    const EngineRequest request =
        EngineRequest::parse(environ.query(), context->options.maxQueryParameters);
    if (request.tooMany) {
        context->reached(Limit::MaxQueryParameters, exchange, "too many query parameters");
        context->refuse(exchange, EngineError::BadRequest);
        return;
    }
    if (!serves(request)) {
        context->reached(Limit::Transports, exchange, "a transport that is not served");
        context->refuse(exchange, EngineError::TransportUnknown);
        return;
    }
    if (request.hasSid)
        continueSession(exchange, request);
    else
        open(exchange, request);
}

bool EngineServer::Impl::serves(const EngineRequest& request) const {
    switch (request.transport) {
        case EngineRequest::Transport::Polling:
            return context->serves("polling");
        case EngineRequest::Transport::WebSocket:
            return context->serves("websocket");
        case EngineRequest::Transport::Unknown:
            break;
    }
    return false;
}

void EngineServer::Impl::open(const Exchange::Ptr& exchange, const EngineRequest& request) {
    const bool webSocket = request.transport == EngineRequest::Transport::WebSocket;
    if (exchange->environ().method() != "GET") {
        context->refuse(exchange, EngineError::BadHandshakeMethod);
        return;
    }
    if (webSocket && !exchange->isWebSocketHandshake()) {
        const std::string_view version = exchange->environ().get("HTTP_SEC_WEBSOCKET_VERSION");
        if (exchange->wantsWebSocket() && !version.empty() && version != "13") {
            Response response = Response::json(426, R"({"code":3,"message":"Bad request"})");
            response.headers.add("Sec-WebSocket-Version", "13");
            context->answer(exchange, std::move(response));
        } else {
            context->refuse(exchange, EngineError::BadRequest);
        }
        return;
    }
    const bool served =
        request.revision && (*request.revision == EngineRevision::V4 ? context->options.engineIo4
                                                                     : context->options.engineIo3);
    if (!served) {
        context->refuse(exchange, EngineError::UnsupportedVersion);
        return;
    }
    if (request.jsonp && (!context->options.jsonp || request.jsonpIndex.empty())) {
        context->refuse(exchange, EngineError::BadRequest);
        return;
    }
    if (context->refusing.load()) {
        context->answer(exchange,
                        Response::json(503, R"({"code":3,"message":"Service unavailable"})"));
        return;
    }
    if (!context->admits(exchange)) return;
    if (webSocket)
        openWebSocket(exchange, request);
    else if (exchange->isWebSocketHandshake())
        // As the official server: accepted and closed.
        exchange->upgrade(webSocketOptions(exchange->loop()))->close();
    else
        openPolling(exchange, request);
}

Session EngineServer::Impl::makeSession(const Exchange::Ptr& exchange,
                                        const EngineRequest& request) const {
    for (;;) {
        auto session = std::make_shared<EngineSessionImpl>(context, generateId(), *request.revision,
                                                           exchange->executor(), exchange->loop(),
                                                           exchange->sharedEnviron());
        if (context->table.insert(session)) return session;
    }
}

void EngineServer::Impl::openWebSocket(const Exchange::Ptr& exchange,
                                       const EngineRequest& request) {
    const Session session = makeSession(exchange, request);
    std::shared_ptr<WebSocketChannel> channel;
    try {
        channel = exchange->upgrade(webSocketOptions(session->loop()));
        const auto transport =
            std::make_shared<WebSocketTransport>(session, channel, request.base64);
        channel->setListener(transport);
        session->openWebSocket(transport, onOpen);
    } catch (...) {
        if (channel) channel->abort();
        session->drop(CloseReason::ForcedClose);
        throw;
    }
    // stop() has either seen the session in the table, or is seen here.
    if (context->stopping.load()) session->close(CloseReason::ServerShuttingDown, {});
}

void EngineServer::Impl::openPolling(const Exchange::Ptr& exchange, const EngineRequest& request) {
    const Session session = makeSession(exchange, request);
    bool opened = false;
    try {
        opened = session->openPolling(exchange, request.jsonpIndex, request.base64, onOpen);
    } catch (...) {
        session->drop(CloseReason::ForcedClose);
        throw;
    }
    if (!opened) context->refuse(exchange, EngineError::BadRequest, 500);
    if (context->stopping.load()) session->close(CloseReason::ServerShuttingDown, {});
}

void EngineServer::Impl::continueSession(const Exchange::Ptr& exchange,
                                         const EngineRequest& request) {
    const Session session = context->table.find(request.sid);
    if (!session) {
        context->refuse(exchange, EngineError::SessionUnknown);
        return;
    }
    if (!request.revision) {
        context->refuse(exchange, EngineError::UnsupportedVersion);
        return;
    }
    const bool webSocket = exchange->isWebSocketHandshake();
    const bool matches = request.transport == EngineRequest::Transport::Polling || webSocket;
    if (*request.revision != session->revision() || !matches ||
        (request.jsonp && (!context->options.jsonp || request.jsonpIndex.empty()))) {
        context->refuse(exchange, EngineError::BadRequest);
        return;
    }
    const std::string_view method = exchange->environ().method();
    if (webSocket) {
        upgrade(exchange, request, session);
    } else if (method == "GET") {
        poll(exchange, request, session);
    } else if (method == "POST") {
        post(exchange, request, session);
    } else {
        Response response = Response::json(405, R"({"code":3,"message":"Bad request"})");
        response.headers.add("Allow", "OPTIONS, GET, POST");
        context->answer(exchange, std::move(response));
    }
}

void EngineServer::Impl::upgrade(const Exchange::Ptr& exchange, const EngineRequest& request,
                                 const Session& session) {
    // The connection moves to the loop of its session, so that what they say to each other needs
    // no detour. All that is posted there from here on comes behind it.
    const auto channel = exchange->upgrade(webSocketOptions(session->loop()));
    if (request.transport != EngineRequest::Transport::WebSocket) {
        channel->close();
        return;
    }
    try {
        const auto transport =
            std::make_shared<WebSocketTransport>(session, channel, request.base64);
        // Before the listener: what the client says is to find the upgrade begun.
        if (exchange->loop() == session->loop())
            session->startUpgrade(transport);
        else
            session->executor().post(session->loop(),
                                     [session, transport] { session->startUpgrade(transport); });
        channel->setListener(transport);
    } catch (...) {
        channel->abort();  // alone: polling goes on
        throw;
    }
}

void EngineServer::Impl::poll(const Exchange::Ptr& exchange, const EngineRequest& request,
                              const Session& session) {
    // Set here, on the exchange's loop: a client that goes away before the session has seen the
    // poll must not be missed.
    exchange->onAbort([weak = std::weak_ptr<EngineSessionImpl>(session), loop = exchange->loop()] {
        const Session owner = weak.lock();
        if (owner) forward(owner, loop, [owner] { owner->pollAborted(); });
    });
    forward(session, exchange->loop(),
            [session, exchange, jsonp = request.jsonpIndex] { session->poll(exchange, jsonp); });
}

void EngineServer::Impl::post(const Exchange::Ptr& exchange, const EngineRequest& request,
                              const Session& session) {
    if (!isPlainBody(exchange->environ())) {
        context->reached(Limit::ContentEncoding, exchange, "a POST that is compressed");
        context->answer(exchange, Response::json(415, R"({"code":3,"message":"Bad request"})"));
        return;
    }
    // The session hears of the POST at its head: a second one beside it is refused before its
    // body has come.
    if (exchange->loop() == session->loop()) {
        if (!session->postHead(exchange)) return;
    } else {
        forward(session, exchange->loop(), [session, exchange] { session->postHead(exchange); });
    }
    // The session keeps the exchange; the callback must not, since the exchange keeps it.
    exchange->receiveBody(
        context->options.maxHttpBufferSize, [session, weak = std::weak_ptr<Exchange>(exchange),
                                             jsonp = request.jsonp](Exchange::BodyStatus status) {
            const Exchange::Ptr received = weak.lock();
            if (!received) return;
            forward(session, received->loop(), [session, received, status, jsonp] {
                session->postBody(received, status, jsonp);
            });
        });
}

}  // namespace socketio
