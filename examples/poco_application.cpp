// Socket.IO in an application that has Poco::Net request handlers already, in both ways.
//
//     poco_application [--port N] [--mount]
//
// The handlers know nothing of Socket.IO. Without --mount this library's server takes the place of
// Poco::Net::HTTPServer; with --mount that server goes on, and Socket.IO is mounted in it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/WebSocket.h>

#include <socketio/middleware/MountFactory.h>
#include <socketio/middleware/PocoHandlerApp.h>
#include <socketio/socketio.h>

namespace {

using Poco::Net::HTTPRequestHandler;
using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;

// ---- What the application has had for years -----------------------------------------------------

class HelloHandler : public HTTPRequestHandler {
    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
        response.setChunkedTransferEncoding(true);
        response.setContentType("text/plain");
        response.send() << "hello " << request.getURI() << "\n";
    }
};

class EchoHandler : public HTTPRequestHandler {  // with POCO's own WebSocket
    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
        Poco::Net::WebSocket socket(request, response);
        char buffer[1024];
        int flags = 0;
        while (const int size = socket.receiveFrame(buffer, sizeof buffer, flags))
            socket.sendFrame(buffer, size, flags);
    }
};

class Factory : public Poco::Net::HTTPRequestHandlerFactory {
    HTTPRequestHandler* createRequestHandler(const HTTPServerRequest& request) override {
        if (request.getURI() == "/echo") return new EchoHandler;
        return new HelloHandler;
    }
};

// ---- What is new --------------------------------------------------------------------------------

void addEvents(socketio::Server& sio) {
    sio.on("greet", [](socketio::Socket&, const std::string& name) { return "hello " + name; });
}

void replaceTheServer(const Poco::Net::ServerSocket& socket,
                      const Poco::Net::HTTPServerParams::Ptr& params) {
    socketio::Server sio;
    addEvents(sio);
    // Was:  Poco::Net::HTTPServer server(new Factory, socket, params);
    socketio::HttpServer server(
        socketio::Middleware(sio, socketio::PocoHandlerApp(new Factory, params)), socket, params);
    server.run();
}

void mountInTheServer(const Poco::Net::ServerSocket& socket,
                      const Poco::Net::HTTPServerParams::Ptr& params) {
    socketio::Server sio;
    addEvents(sio);
    const Poco::Net::HTTPRequestHandlerFactory::Ptr factory(new Factory);
    // Serves the connections that have asked for Socket.IO once, whatever they ask for later.
    socketio::HttpServer sockets(
        socketio::Middleware(sio, socketio::PocoHandlerApp(factory, params)), {.listen = false});
    sockets.start();
    // Was:  Poco::Net::HTTPServer server(factory, socket, params);
    Poco::Net::HTTPServer server(new socketio::MountFactory(factory, sockets), socket, params);
    server.start();
    sockets.run();  // until a signal
    server.stopAll(true);
}

}  // namespace

int main(int argc, char** argv) try {
    std::uint16_t port = 5000;
    bool mount = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--mount") == 0) mount = true;
        if (std::strcmp(argv[i], "--port") == 0 && i + 1 < argc)
            port = static_cast<std::uint16_t>(std::atoi(argv[++i]));
    }
    const Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", port));
    const Poco::Net::HTTPServerParams::Ptr params(new Poco::Net::HTTPServerParams);
    if (mount)
        mountInTheServer(socket, params);
    else
        replaceTheServer(socket, params);
    return 0;
} catch (const Poco::Exception& e) {
    std::fprintf(stderr, "%s\n", e.displayText().c_str());
    return 2;
}
