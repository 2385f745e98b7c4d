#pragma once

#include <atomic>
#include <functional>
#include <istream>
#include <map>
#include <ostream>
#include <string>

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/WebSocket.h>

namespace socketio::test {

/// A POCO application as people have them: a factory with a handler for every path. A path without
/// one is answered with no handler.
///
/// Owner: the factory pointer of POCO. Threads: as POCO calls it, several at a time.
class PocoHandlers : public Poco::Net::HTTPRequestHandlerFactory {
public:
    using Request = Poco::Net::HTTPServerRequest;
    using Response = Poco::Net::HTTPServerResponse;
    using Function = std::function<void(Request&, Response&)>;

    std::map<std::string, Function> handlers;

    Poco::Net::HTTPRequestHandler* createRequestHandler(const Request& request) override {
        const std::string path = request.getURI().substr(0, request.getURI().find('?'));
        const auto found = handlers.find(path);
        return found == handlers.end() ? nullptr : new Handler(found->second);
    }

    /// As in POCO's WebSocketServer sample: echoes until the client closes.
    static void echo(Request& request, Response& response) {
        using Poco::Net::WebSocket;
        try {
            WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(20, 0));
            char buffer[2048];
            int flags = 0, size = 0;
            do {
                size = socket.receiveFrame(buffer, sizeof buffer, flags);
                if (size > 0 || flags) socket.sendFrame(buffer, size, flags);
            } while (size > 0 &&
                     (flags & WebSocket::FRAME_OP_BITMASK) != WebSocket::FRAME_OP_CLOSE);
        } catch (const Poco::Net::WebSocketException& e) {
            if (e.code() != WebSocket::WS_ERR_NO_HANDSHAKE) throw;
            response.setStatusAndReason(Response::HTTP_BAD_REQUEST);
            response.setContentLength(static_cast<int>(e.message().size()));
            response.send() << e.message();
        }
    }

private:
    class Handler : public Poco::Net::HTTPRequestHandler {
    public:
        explicit Handler(Function function) : _function(std::move(function)) {}
        void handleRequest(Request& request, Response& response) override {
            _function(request, response);
        }

    private:
        const Function _function;
    };
};

}  // namespace socketio::test
