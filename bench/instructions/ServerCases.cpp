// From the client's bytes through engine, server and handler to the bytes of the answer.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <socketio/middleware/Middleware.h>
#include <socketio/server/Server.h>

#include "Case.h"
#include "MemoryTransport.h"

namespace socketio {

namespace {

constexpr std::string_view kHandshake =
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:5000\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

std::string echoPacket() { return std::string("420") + kEchoEvent; }

/// The server of `bench-server`, on one thread.
class MemoryServer {
public:
    MemoryServer() : app(sio) {
        sio.on("echo", [](Socket&, const Value& value) { return value; });
        sio.on("bcast", [this](Socket&, const Value& value) { sio.emit("b", value); });
        app.start(executor);
    }

    std::shared_ptr<MemoryConnection> connection() {
        return std::make_shared<MemoryConnection>(executor, app);
    }

    /// A client that has joined the main namespace.
    std::shared_ptr<MemoryWebSocket> join() {
        const auto opened = connection();
        opened->http(kHandshake);
        require(opened->flush().starts_with("HTTP/1.1 101 "), "the upgrade");
        const auto client = opened->webSocket;
        static const std::string connect = maskedFrame("40");
        client->receive(connect);
        executor.run();
        require(client->output.flush().find("40{\"sid\":") != std::string_view::npos,
                "the namespace");
        return client;
    }

    CountingExecutor executor;
    Server sio{options()};
    Middleware app;

private:
    static ServerOptions options() {
        ServerOptions options;
        options.keepEnviron = false;
        return options;
    }
};

/// `inFlight` events come in one read, their answers leave in one send.
void echo(std::uint64_t operations, std::size_t inFlight) {
    constexpr std::size_t kAnswerBytes = 2 + 3 + 36;  // frame header, "430", the array
    MemoryServer server;
    const auto client = server.join();
    std::string frames;
    for (std::size_t i = 0; i < inFlight; ++i) frames += maskedFrame(echoPacket());
    for (std::uint64_t i = 0; i < operations; i += inFlight) {
        client->receive(frames);
        server.executor.run();
        require(client->output.flush().size() == kAnswerBytes * inFlight, "the acknowledgements");
    }
}

void broadcast(std::uint64_t operations) {
    constexpr std::size_t kClients = 1000;
    MemoryServer server;
    std::vector<std::shared_ptr<MemoryWebSocket>> clients;
    for (std::size_t i = 0; i < kClients; ++i) clients.push_back(server.join());
    const std::string frame = maskedFrame("42[\"bcast\",\"0123456789abcdef0123456789abcdef\"]");
    for (std::uint64_t i = 0; i < operations; i += kClients) {
        clients[0]->receive(frame);
        server.executor.run();
        for (const auto& client : clients)
            require(client->output.flush().size() == 44, "a delivery");
    }
}

void connect(std::uint64_t operations) {
    MemoryServer server;
    std::vector<std::shared_ptr<MemoryWebSocket>> clients;
    clients.reserve(operations);
    for (std::uint64_t i = 0; i < operations; ++i) clients.push_back(server.join());
    std::_Exit(0);  // how they leave is another matter
}

void connectAndLeave(std::uint64_t operations) {
    MemoryServer server;
    for (std::uint64_t i = 0; i < operations; ++i) {
        server.join()->drop();
        server.executor.run();
    }
}

/// One of the two connections of a client that polls, over HTTP or FastCGI.
class PollingConnection {
public:
    PollingConnection(MemoryServer& server, bool fastCgi)
        : _connection(server.connection()), _fastCgi(fastCgi) {}

    void send(const std::string& bytes) {
        if (_fastCgi)
            _connection->fastCgi(bytes);
        else
            _connection->http(bytes);
    }
    std::string_view flush() { return _connection->flush(); }

    std::string request(std::string_view method, const std::string& query,
                        std::string_view body = {}) const {
        return _fastCgi ? records(method, query, body) : text(method, query, body);
    }

private:
    static std::string text(std::string_view method, const std::string& query,
                            std::string_view body) {
        std::string bytes(method);
        bytes += " /socket.io/?" + query + " HTTP/1.1\r\nHost: 127.0.0.1:5000\r\n";
        if (!body.empty())
            bytes += "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n";
        return (bytes += "\r\n").append(body);
    }

    /// With the variables of Debian's fastcgi_params for nginx.
    static std::string records(std::string_view method, const std::string& query,
                               std::string_view body) {
        using Type = FcgiRecord::Type;
        std::string pairs;
        const auto add = [&](std::string_view name, std::string_view value) {
            appendFcgiPair(pairs, name, value);
        };
        add("QUERY_STRING", query);
        add("REQUEST_METHOD", method);
        add("CONTENT_TYPE", body.empty() ? "" : "text/plain;charset=UTF-8");
        add("CONTENT_LENGTH", body.empty() ? "" : std::to_string(body.size()));
        add("SCRIPT_NAME", "/socket.io/");
        add("REQUEST_URI", "/socket.io/?" + query);
        add("DOCUMENT_URI", "/socket.io/");
        add("DOCUMENT_ROOT", "/var/www/html");
        add("SERVER_PROTOCOL", "HTTP/1.1");
        add("REQUEST_SCHEME", "http");
        add("GATEWAY_INTERFACE", "CGI/1.1");
        add("SERVER_SOFTWARE", "nginx/1.22.1");
        add("REMOTE_ADDR", "127.0.0.1");
        add("REMOTE_PORT", "40000");
        add("SERVER_ADDR", "127.0.0.1");
        add("SERVER_PORT", "5000");
        add("SERVER_NAME", "localhost");
        add("REDIRECT_STATUS", "200");
        add("HTTP_HOST", "127.0.0.1:5000");
        std::string bytes;
        appendFcgiBeginRequest(bytes, 1, FcgiRecord::kResponder, FcgiRecord::kKeepConnection);
        appendFcgiStream(bytes, Type::Params, 1, pairs);
        appendFcgiHeader(bytes, Type::Params, 1, 0);
        appendFcgiStream(bytes, Type::Stdin, 1, body);
        appendFcgiHeader(bytes, Type::Stdin, 1, 0);
        return bytes;
    }

    std::shared_ptr<MemoryConnection> _connection;
    const bool _fastCgi;
};

/// A GET is parked, a POST brings an event, its acknowledgement answers the GET.
void poll(std::uint64_t operations, bool fastCgi) {
    MemoryServer server;
    PollingConnection getter(server, fastCgi);
    PollingConnection poster(server, fastCgi);
    std::string query = "EIO=4&transport=polling";
    getter.send(getter.request("GET", query));
    const std::string opened(getter.flush());
    constexpr std::string_view kKey = "{\"sid\":\"";
    const std::size_t sid = opened.find(kKey);
    require(sid != std::string::npos, "the open packet");
    query += "&sid=" + opened.substr(sid + kKey.size(), 20);

    const std::string get = getter.request("GET", query);
    const auto cycle = [&](const std::string& post, std::string_view expected) {
        getter.send(get);
        require(getter.flush().empty(), "a poll that waits");
        poster.send(post);
        server.executor.run();
        require(poster.flush().find("ok") != std::string_view::npos, "the POST's answer");
        require(getter.flush().find(expected) != std::string_view::npos, "the poll's answer");
    };
    cycle(poster.request("POST", query, "40"), "40{\"sid\":");
    const std::string post = poster.request("POST", query, echoPacket());
    for (std::uint64_t i = 0; i < operations; ++i)
        cycle(post, "430[\"0123456789abcdef0123456789abcdef\"]");
}

}  // namespace

std::vector<Case> serverCases() {
    return {
        {"echo-1", "event with acknowledgement", 2000, [](std::uint64_t n) { echo(n, 1); }},
        {"echo-16", "the same, 16 in one read", 4000, [](std::uint64_t n) { echo(n, 16); }},
        {"broadcast", "broadcast to 1,000, per delivery", 20'000, broadcast},
        {"connect", "upgrade, open packet, namespace joined", 500, connect},
        {"connect-leave", "the same, and gone again", 500, connectAndLeave},
        {"poll", "long-poll cycle: GET, POST, two answers", 500,
         [](std::uint64_t n) { poll(n, false); }},
        {"poll-fastcgi", "the same over FastCGI", 500, [](std::uint64_t n) { poll(n, true); }},
    };
}

}  // namespace socketio
