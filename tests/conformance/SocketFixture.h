#pragma once

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cppunit/TestAssert.h>
#include <cppunit/TestFixture.h>

#include "socketio/protocol/JsonCodec.h"

#include "support/Journal.h"
#include "support/PacketClient.h"
#include "support/TestServer.h"
#include "support/Waiting.h"

namespace socketio::test {

using Way = PacketClient::Way;
using Transport = PacketClient::Transport;
inline constexpr auto& kWays = PacketClient::kWays;
inline constexpr Way kPolling4{Transport::Polling, 4}, kWebSocket4{Transport::WebSocket, 4};
inline constexpr Way kPolling3{Transport::Polling, 3}, kWebSocket3{Transport::WebSocket, 3};

inline std::string json(const Value& value) { return JsonCodec::encode(value); }
inline Message attachment(std::string bytes) { return Message::attachment(std::move(bytes)); }

/// A running server that is driven with raw bytes: the rules of Socket.IO, revisions 4 and 5, one
/// by one, over both transports. In `/` it has the event `echo`, acknowledged with its arguments.
class SocketFixture : public CppUnit::TestFixture {
public:
    void tearDown() override {
        if (gate) gate->open();
        server.reset();
        gate.reset();
    }

protected:
    /// A new server; its handlers are registered before start().
    void make(ServerOptions options = {}, HttpServerOptions http = {}) {
        server.reset();
        journal.clear();
        server = std::make_unique<TestServer>(std::move(options), std::move(http));
        sio().on("echo", [](Socket&, const Value::Array& values) {
            return HandlerResult::acknowledge(values);
        });
    }
    void start() {
        server->start();
        port = server->port();
    }
    Server& sio() { return server->sio; }

    template <class Handler>
    void onBoth(const char* event, Handler handler) {
        for (const char* nsp : {"/", "/chat"}) sio().on(event, handler, nsp);
    }
    /// Writes down every disconnection of `/` and `/chat`.
    void watchDisconnects() {
        onBoth("disconnect", [this](Socket& socket, DisconnectReason reason) {
            journal.add(socket.nsp() + " " + std::string(toString(reason)));
        });
    }

    /// A client in the main namespace and in `nsp`.
    PacketClient join(Way way, std::string_view nsp = "/") const {
        return PacketClient::joined(port, way, nsp);
    }
    bool nobodyIsLeft() { return sio().manager().getNamespaces().empty(); }

    /// What stands between the type of a packet and the rest.
    static std::string prefix(std::string_view nsp) {
        return nsp == "/" ? std::string() : std::string(nsp) + ",";
    }
    /// The next messages are these, in this order.
    static void expect(PacketClient& client, std::initializer_list<std::string_view> messages) {
        for (const std::string_view message : messages)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(client.name(), std::string(message), client.next());
    }
    static void assertEnded(PacketClient& client, const std::string& what) {
        try {
            client.rest();
        } catch (const std::exception& e) {
            CPPUNIT_FAIL(what + ", " + client.name() + ": not ended: " + e.what());
        }
    }

    // What handlers use outlives the server.
    Journal journal;
    std::unique_ptr<Gate> gate;  ///< For handlers to wait at; opened at the end of the test.
    std::unique_ptr<TestServer> server;
    std::uint16_t port = 0;
};

}  // namespace socketio::test
