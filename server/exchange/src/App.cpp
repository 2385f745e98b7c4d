#include "socketio/exchange/App.h"

#include <exception>
#include <string>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"

namespace socketio {

namespace {

void handleGuarded(App& app, const Exchange::Ptr& exchange) {
    std::string problem;
    try {
        app.handle(exchange);
        return;
    } catch (const Poco::Exception& e) {
        problem = e.displayText();
    } catch (const std::exception& e) {
        problem = e.what();
    } catch (...) {
        problem = "an exception of unknown type";
    }
    Log("socketio.app").error("request failed: " + problem);
    exchange->respond(Response::text(500, "Internal Server Error"));
}

}  // namespace

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
