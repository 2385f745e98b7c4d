#include "socketio/middleware/PocoHandlerApp.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Net/HTTPRequestHandler.h>

#include "socketio/exchange/ForwardingExchange.h"

#include "PocoExchange.h"
#include "PocoTakeover.h"

namespace socketio {

namespace {

using Poco::Net::HTTPResponse;

/// Answers 503 when the app has not begun to by a deadline.
class TimedExchange final : public ForwardingExchange {
public:
    TimedExchange(const Exchange::Ptr& inner, std::chrono::milliseconds time)
        : ForwardingExchange(inner), _deadline(new Deadline(inner)) {
        executor().timers(loop()).armAfter(_deadline->timer, time);
    }
    void start(int status, HeaderList headers) override {
        _deadline->kept = true;
        ForwardingExchange::start(status, std::move(headers));
    }
    ~TimedExchange() override {
        // The timer belongs to the loop, and the last to let go of a request may be a worker.
        if (executor().currentLoop() != loop())
            executor().post(loop(), [deadline = std::move(_deadline)] {});
    }

private:
    struct Deadline {
        explicit Deadline(const Exchange::Ptr& exchange)
            : timer(reached, this), request(exchange) {}
        static void reached(void* self) {
            auto& deadline = *static_cast<Deadline*>(self);
            const auto exchange = deadline.request.lock();
            if (!exchange || deadline.kept || exchange->finished()) return;
            exchange->respond(Response::text(503, reasonPhrase(503)));
        }
        Timer timer;
        std::atomic<bool> kept{false};  // the answer has begun
        std::weak_ptr<Exchange> request;
    };
    std::unique_ptr<Deadline> _deadline;
};

}  // namespace

class PocoHandlerApp::State {
public:
    State(Poco::Net::HTTPRequestHandlerFactory::Ptr handlers, PocoHandlerOptions given,
          Poco::Net::HTTPServerParams::Ptr parameters)
        : factory(std::move(handlers)),
          options(given),
          params(parameters ? std::move(parameters)
                            : Poco::Net::HTTPServerParams::Ptr(new Poco::Net::HTTPServerParams)),
          takeover(std::make_shared<PocoTakeover>(factory, params, options.maxWebSockets)) {
        if (!factory) throw Poco::InvalidArgumentException("PocoHandlerApp: no factory");
    }
    ~State() { takeover->releaseThreads(); }

    Poco::Net::HTTPRequestHandlerFactory::Ptr factory;  // its function is not const
    const PocoHandlerOptions options;
    const Poco::Net::HTTPServerParams::Ptr params;
    const std::shared_ptr<PocoTakeover> takeover;
};

PocoHandlerApp::PocoHandlerApp(Poco::Net::HTTPRequestHandlerFactory::Ptr factory,
                               PocoHandlerOptions options, Poco::Net::HTTPServerParams::Ptr params)
    : _state(std::make_shared<State>(std::move(factory), options, std::move(params))) {}

PocoHandlerApp::PocoHandlerApp(Poco::Net::HTTPRequestHandlerFactory::Ptr factory,
                               Poco::Net::HTTPServerParams::Ptr params)
    : PocoHandlerApp(std::move(factory), PocoHandlerOptions(), std::move(params)) {}

PocoHandlerApp::~PocoHandlerApp() = default;

std::size_t PocoHandlerApp::maxBodyBytes() const { return _state->options.maxBodyBytes; }

std::size_t PocoHandlerApp::webSockets() const { return _state->takeover->active(); }

bool PocoHandlerApp::stop(TimePoint deadline) { return _state->takeover->stop(deadline); }

void PocoHandlerApp::begin(const Exchange::Ptr& exchange) {
    if (exchange->isWebSocketHandshake() && exchange->can().detach)
        return _state->takeover->begin(exchange);
    if (_state->options.answerTime.count() == 0) return App::begin(exchange);
    App::begin(std::make_shared<TimedExchange>(exchange, _state->options.answerTime));
}

void PocoHandlerApp::handle(const Exchange::Ptr& exchange) {
    PocoResponse response(*exchange);
    PocoRequest request(*exchange, response, _state->params);
    response.setVersion(request.getVersion());
    response.setKeepAlive(_state->params->getKeepAlive() && request.getKeepAlive());
    response.setDate(Poco::Timestamp());
    if (const std::string& server = _state->params->getSoftwareVersion(); !server.empty())
        response.set("Server", server);
    HTTPResponse::HTTPStatus failure = HTTPResponse::HTTP_NOT_IMPLEMENTED;
    try {
        const std::unique_ptr<Poco::Net::HTTPRequestHandler> handler(
            _state->factory->createRequestHandler(request));
        if (handler) {
            handler->handleRequest(request, response);
            if (!response.sent()) response.send();  // the head that was set
            response.complete();
            return;
        }
    } catch (...) {
        logHandlerFailure(exchange->environ());
        failure = HTTPResponse::HTTP_INTERNAL_SERVER_ERROR;
    }
    // In the middle of an answer nothing can be said any more: the connection ends without its end.
    if (!response.streaming()) exchange->respond(Response::text(failure, reasonPhrase(failure)));
}

}  // namespace socketio
