#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerParams.h>

#include "socketio/exchange/App.h"

namespace socketio {

struct PocoHandlerOptions {
    std::size_t maxBodyBytes = 1'000'000;  ///< Of a request; a larger one is answered 413.
    /// From the head of a request to the beginning of its answer; then the client gets a 503, and
    /// what the handler says later goes nowhere. 0: as long as it takes.
    std::chrono::milliseconds answerTime{0};
    /// Poco::Net::WebSockets at a time, each of which holds a thread; the next one gets 503.
    std::size_t maxWebSockets = 64;
};

/// Answers requests with the handlers of a Poco::Net application, whatever front end they came
/// through:
///
///     HttpServer(PocoHandlerApp(new MyRequestHandlerFactory), {.port = 8080}).run();
///     Middleware(sio, PocoHandlerApp(new MyRequestHandlerFactory))
///
/// Handlers find what Poco::Net::HTTPServer gives them, HTMLForm, cookies, sendFile() and the rest
/// included, and run on workers, where they may block. The factory is asked on workers, too,
/// several at a time. Where it differs from Poco::Net::HTTPServer:
///   - the body of a request has come whole, and `100 Continue` has been said, before the factory
///     is asked; chunks are undone, trailers dropped
///   - header values are as they were sent: no RFC 2047 word is decoded
///   - headers come under canonical names (`X-Request-Id`); one that was repeated is one value,
///     joined with commas
///   - an answer with neither a length nor chunks gets one of them, and the connection stays
///   - a reason phrase that is not the standard one is not sent
///   - request and response are classes of our own: no cast to HTTPServerRequestImpl, but for
///     WebSocket handshakes
///
/// `Poco::Net::WebSocket(request, response)` works over HTTP and TLS: the connection leaves the
/// server, and its handler gets a thread of its own, beside the workers, until it returns. Over
/// FastCGI, which cannot carry it, that constructor throws Poco::Net::WebSocketException with
/// WS_ERR_NO_HANDSHAKE. Through the server's own TLS the WebSocket's descriptor is a Unix socket
/// that leads to the TLS connection, which stays in the server, counts twice among its connections
/// and ends with it: addresses are to be asked of the request, not of the WebSocket, and options
/// of TCP (setNoDelay()) throw.
///
/// No factory's handler (null): 501. An exception of a handler is logged and answered with 500; in
/// the middle of an answer it ends the connection.
///
/// Owner:   the front end or the Middleware that it was given to; copies share everything.
/// Threads: thread-safe, as the factory has to be.
/// Limits:  PocoHandlerOptions. An answer waits in the front end up to its limits, then the handler
///          waits in its output stream.
class PocoHandlerApp : public App {
public:
    /// `params` are what the handlers see as serverParams(); the software version is sent as
    /// `Server`.
    explicit PocoHandlerApp(Poco::Net::HTTPRequestHandlerFactory::Ptr factory,
                            PocoHandlerOptions options = {},
                            Poco::Net::HTTPServerParams::Ptr params = nullptr);
    PocoHandlerApp(Poco::Net::HTTPRequestHandlerFactory::Ptr factory,
                   Poco::Net::HTTPServerParams::Ptr params);
    ~PocoHandlerApp() override;

    /// Ends the WebSockets: what they read is at its end, and shortly before `deadline` nothing
    /// that they send leaves any more.
    bool stop(TimePoint deadline) override;
    void begin(const Exchange::Ptr& exchange) override;
    void handle(const Exchange::Ptr& exchange) override;
    std::size_t maxBodyBytes() const override;

    /// WebSockets whose handlers run.
    std::size_t webSockets() const;

private:
    class State;
    std::shared_ptr<State> _state;
};

}  // namespace socketio
