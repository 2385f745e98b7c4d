#include "socketio/exchange/App.h"

#include <exception>
#include <string>

namespace socketio {

namespace {

void handleGuarded(App& app, const Exchange::Ptr& exchange) {
    try {
        app.handle(exchange);
    } catch (...) {
        Log("socketio.app").error("request failed: " + exceptionText());
        exchange->respond(Response::text(500, "Internal Server Error"));
    }
}

}  // namespace

void beginGuarded(App& app, const Exchange::Ptr& exchange, const Log& log) {
    try {
        app.begin(exchange);
    } catch (...) {
        log.error("begin() of the app failed: " + exceptionText());
        exchange->respond(Response::text(500, "Internal Server Error"));
    }
}

void App::begin(const Exchange::Ptr& exchange) {
    // The callback must not keep the exchange alive by itself, or a client that goes away in
    // the middle of its body would never be let go.
    exchange->receiveBody(maxBodyBytes(), [this, weak = std::weak_ptr<Exchange>(exchange)](
                                              Exchange::BodyStatus status) {
        const Exchange::Ptr request = weak.lock();
        if (!request) return;
        switch (status) {
            case Exchange::BodyStatus::Complete:
                if (!request->executor().runOnWorker([this, request] {
                        request->executor().describeWork("request " +
                                                         std::string(request->environ().path()));
                        handleGuarded(*this, request);
                    }))
                    request->respond(Response::text(503, "Service Unavailable"));
                break;
            case Exchange::BodyStatus::TooLarge:
                request->respond(Response{413, {}, {}});
                break;
            case Exchange::BodyStatus::Incomplete:
            case Exchange::BodyStatus::Invalid:
                break;
        }
    });
}

}  // namespace socketio
