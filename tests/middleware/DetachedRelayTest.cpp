// POCO's WebSocket through TLS: its bytes are carried between the connection and a Unix socket.
#include <atomic>
#include <future>
#include <memory>
#include <poll.h>

#include <Poco/Buffer.h>
#include <Poco/Exception.h>
#include <Poco/Net/WebSocket.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "PocoHandlerFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Poco::Net::WebSocket;
using test::eventually;
using test::PocoHandlers;
using test::RawClient;
using Request = PocoHandlers::Request;
using PocoAnswer = PocoHandlers::Response;

namespace {

struct Fixture : test::PocoHandlerFixture {
    Fixture() {
        secure();
        clients.deadline = 30s;
    }
};

/// The loops have had every chance to take what can be taken.
void settle(Executor& hub) {
    for (int round = 0; round < 200; ++round) test::barrier(hub);
}

/// Sends frames of 32 KiB until no more fits on the way to a client that does not read; how many.
int fillUp(WebSocket& socket, Hub& hub, int most) {
    const std::string piece(32 * 1024, 'p');
    const auto writable = [&] {
        return socket.poll(Poco::Timespan(), Poco::Net::Socket::SELECT_WRITE);
    };
    for (int count = 0; count < most; ++count) {
        if (!writable()) settle(hub);
        if (!writable()) return count;
        socket.sendFrame(piece.data(), static_cast<int>(piece.size()), WebSocket::FRAME_BINARY);
    }
    return most;
}

}  // namespace

class DetachedRelayTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DetachedRelayTest);
    CPPUNIT_TEST(speaksPocosWebSocketOverTls);
    CPPUNIT_TEST(carriesLargeMessagesThroughTls);
    CPPUNIT_TEST(aSlowClientHoldsUpItsHandlerOverTls);
    CPPUNIT_TEST(aSlowHandlerHoldsUpItsClientOverTls);
    CPPUNIT_TEST(whatAHandlerSentBeforeItsEndArrivesOverTls);
    CPPUNIT_TEST(passesOnTheEndOfEitherSideOverTls);
    CPPUNIT_TEST(aClientThatVanishesEndsItsHandlerOverTls);
    CPPUNIT_TEST(sendsGoodbyesOverTlsAtStop);
    CPPUNIT_TEST(aWebSocketOverTlsEndsWithTheServer);
    CPPUNIT_TEST(refusesWebSocketsOverTlsWithoutRoom);
    CPPUNIT_TEST_SUITE_END();

public:
    void speaksPocosWebSocketOverTls() {
        std::atomic<int> clientPort{0};
        Fixture fixture;
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            clientPort = request.clientAddress().port();
            CPPUNIT_ASSERT_EQUAL("127.0.0.1"s, request.clientAddress().host().toString());
            CPPUNIT_ASSERT_EQUAL(fixture.server->port(), request.serverAddress().port());
            CPPUNIT_ASSERT(request.secure());
            WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(20, 0));
            char buffer[4096];
            for (int flags = 0;;) {
                const int size = socket.receiveFrame(buffer, sizeof buffer, flags);
                const int opcode = flags & WebSocket::FRAME_OP_BITMASK;
                if (opcode == WebSocket::FRAME_OP_PING)
                    flags = int(WebSocket::FRAME_FLAG_FIN) | WebSocket::FRAME_OP_PONG;
                if (size > 0) socket.sendFrame(buffer, size, flags);
                if (size == 0 || opcode == WebSocket::FRAME_OP_CLOSE) return;
            }
        });
        fixture.start();
        {
            RawClient client = fixture.upgraded("/ws");
            CPPUNIT_ASSERT_EQUAL(int(client.localPort()), clientPort.load());
            const std::string bytes = "\0\xff\r\nbinary"s;
            for (int i = 0; i < 100; ++i) {
                client.sendText("message " + std::to_string(i));
                CPPUNIT_ASSERT_EQUAL("message " + std::to_string(i), client.readText());
                client.sendBinary(bytes);
                const test::RawFrame frame = client.readFrame();
                CPPUNIT_ASSERT_EQUAL(int(test::RawFrame::Binary), frame.opcode);
                CPPUNIT_ASSERT(frame.payload == bytes);
            }
            client.sendFrame(test::RawFrame::Ping, "are you there?");
            const test::RawFrame pong = client.readFrame();
            CPPUNIT_ASSERT_EQUAL(int(test::RawFrame::Pong), pong.opcode);
            CPPUNIT_ASSERT_EQUAL("are you there?"s, pong.payload);
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), fixture.app->webSockets());
            CPPUNIT_ASSERT_EQUAL(std::size_t(2), fixture.server->hub().connectionCount());
            client.sendClose(1000);
            CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void carriesLargeMessagesThroughTls() {
        Fixture fixture;
        fixture.onWebSocket("/ws", [](WebSocket& socket) {
            for (;;) {
                Poco::Buffer<char> message(0);
                int flags = 0;
                const int size = socket.receiveFrame(message, flags);
                if (size == 0) return;
                socket.sendFrame(message.begin(), size, flags);
            }
        });
        fixture.start();
        {
            RawClient client = fixture.upgraded("/ws");
            std::string message(5'000'000, '\0');
            for (std::size_t i = 0; i < message.size(); ++i)
                message[i] = static_cast<char>(i * 31 + i / 251);
            for (int i = 0; i < 2; ++i) {
                client.sendBinary(message);
                CPPUNIT_ASSERT(client.readFrame().payload == message);
            }
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void aSlowClientHoldsUpItsHandlerOverTls() {
        constexpr int kMost = 2048, kRest = 128;  // 64 MiB, 4 MiB
        std::atomic<int> filled{-1};
        Fixture fixture;
        fixture.clients.receiveBuffer = 64 * 1024;
        fixture.onWebSocket("/ws", [&](WebSocket& socket) {
            filled = fillUp(socket, fixture.server->hub(), kMost);
            const std::string piece(32 * 1024, 'r');
            for (int i = 0; i < kRest; ++i)  // waits for the client now
                socket.sendFrame(piece.data(), static_cast<int>(piece.size()),
                                 WebSocket::FRAME_BINARY);
        });
        fixture.start();
        {
            RawClient client = fixture.upgraded("/ws");
            CPPUNIT_ASSERT(eventually([&] { return filled >= 0; }, 60s));
            // 512 KiB in the relay; the rest is in the kernel's buffers.
            CPPUNIT_ASSERT_MESSAGE(std::to_string(filled), filled < 128);
            CPPUNIT_ASSERT_MESSAGE(std::to_string(filled), filled >= 8);
            for (int i = 0; i < filled + kRest; ++i)
                CPPUNIT_ASSERT(client.readFrame().payload ==
                               std::string(32 * 1024, i < filled ? 'p' : 'r'));
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void aSlowHandlerHoldsUpItsClientOverTls() {
        test::Gate gate;
        std::atomic<std::size_t> received{0};
        Fixture fixture;
        fixture.onWebSocket("/ws", [&](WebSocket& socket) {
            gate.wait();
            char buffer[16 * 1024];
            int flags = 0;
            while (const int size = socket.receiveFrame(buffer, sizeof buffer, flags)) {
                if ((flags & WebSocket::FRAME_OP_BITMASK) == WebSocket::FRAME_OP_CLOSE) break;
                received += static_cast<std::size_t>(size);
            }
            socket.sendFrame("all", 3);
        });
        fixture.start();
        {
            RawClient client = fixture.upgraded("/ws");
            const auto writable = [&] {
                pollfd entry{client.descriptor(), POLLOUT, 0};
                return ::poll(&entry, 1, 0) > 0;
            };
            const std::string piece(8 * 1024, 'p');
            constexpr std::size_t kMost = 64 * 1024 * 1024;
            std::size_t sent = 0;
            for (; sent < kMost; sent += piece.size()) {
                if (!writable()) settle(fixture.server->hub());
                if (!writable()) break;
                client.sendBinary(piece);
            }
            CPPUNIT_ASSERT_MESSAGE("nobody held it up", sent < kMost);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), received.load());
            gate.open();
            for (int i = 0; i < 512; ++i, sent += piece.size()) client.sendBinary(piece);
            client.sendClose(1000);
            CPPUNIT_ASSERT_EQUAL("all"s, client.readText());
            CPPUNIT_ASSERT_EQUAL(sent, received.load());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void whatAHandlerSentBeforeItsEndArrivesOverTls() {
        std::atomic<int> filled{-1};
        Fixture fixture;
        fixture.clients.receiveBuffer = 64 * 1024;
        fixture.onWebSocket("/ws", [&](WebSocket& socket) {
            filled = fillUp(socket, fixture.server->hub(), 2048);
        });
        fixture.start();
        {
            RawClient client = fixture.upgraded("/ws");
            // The handler is gone with the way to the client full.
            CPPUNIT_ASSERT(
                eventually([&] { return filled > 0 && fixture.app->webSockets() == 0; }));
            settle(fixture.server->hub());
            client.sendText("too late to be read");
            settle(fixture.server->hub());
            for (int i = 0; i < filled; ++i)
                CPPUNIT_ASSERT_EQUAL(std::size_t(32 * 1024), client.readFrame().payload.size());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void passesOnTheEndOfEitherSideOverTls() {
        test::Gate gate;
        std::atomic<int> readAtEnd{-1};
        std::string heard;
        std::atomic<bool> heardIt{false};
        Fixture fixture;
        fixture.onWebSocket("/client-first", [&](WebSocket& socket) {
            char buffer[64];
            int flags = 0;
            readAtEnd = socket.receiveFrame(buffer, sizeof buffer, flags);
            socket.sendFrame("I can still talk", 16);
        });
        fixture.onWebSocket("/handler-first", [&](WebSocket& socket) {
            socket.sendFrame("the last", 8);
            socket.shutdownSend();
            char buffer[64];
            int flags = 0;
            const int size = socket.receiveFrame(buffer, sizeof buffer, flags);
            heard.assign(buffer, static_cast<std::size_t>(size));
            heardIt = true;
            gate.wait();
        });
        fixture.start();
        {
            RawClient client = fixture.upgraded("/client-first");
            client.tls()->close();
            CPPUNIT_ASSERT(client.trySendRaw(client.tls()->output()));
            CPPUNIT_ASSERT_EQUAL("I can still talk"s, client.readText());
            CPPUNIT_ASSERT_EQUAL(0, readAtEnd.load());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
        }
        CPPUNIT_ASSERT(fixture.emptied());
        {
            RawClient client = fixture.upgraded("/handler-first");
            CPPUNIT_ASSERT_EQUAL("the last"s, client.readText());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
            client.sendText("and mine");
            CPPUNIT_ASSERT(eventually([&] { return heardIt.load(); }));
            CPPUNIT_ASSERT_EQUAL("and mine"s, heard);
            CPPUNIT_ASSERT_EQUAL(std::size_t(2), fixture.server->hub().connectionCount());
            gate.open();
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void aClientThatVanishesEndsItsHandlerOverTls() {
        std::atomic<int> reading{0}, sending{0};
        Fixture fixture;
        fixture.onWebSocket("/reads", [&](WebSocket& socket) {
            char buffer[64];
            int flags = 0;
            ++reading;
            CPPUNIT_ASSERT_EQUAL(0, socket.receiveFrame(buffer, sizeof buffer, flags));
            --reading;
        });
        fixture.onWebSocket("/sends", [&](WebSocket& socket) {
            socket.setSendTimeout(Poco::Timespan(600, 0));
            const std::string piece(32 * 1024, 'p');
            ++sending;
            try {
                for (;;) socket.sendFrame(piece.data(), static_cast<int>(piece.size()));
            } catch (const Poco::IOException&) {
                --sending;
            }
        });
        fixture.start();
        for (const bool reset : {false, true}) {
            RawClient reader = fixture.client(), sender = fixture.client();
            reader.upgrade("/reads");
            sender.upgrade("/sends");
            CPPUNIT_ASSERT(eventually([&] { return reading == 1 && sending == 1; }));
            sender.sendBinary(std::string(400'000, 'c'));  // which its handler does not read
            settle(fixture.server->hub());
            for (RawClient* const client : {&reader, &sender})
                reset ? client->reset() : client->close();
            CPPUNIT_ASSERT(fixture.emptied());
            CPPUNIT_ASSERT_EQUAL(0, reading + sending);
        }
    }

    void sendsGoodbyesOverTlsAtStop() {
        test::Gate gate;
        std::atomic<bool> ending{false};
        Fixture fixture;
        fixture.onWebSocket("/ws", [&](WebSocket& socket) {
            char buffer[64];
            int flags = 0;
            if (socket.receiveFrame(buffer, sizeof buffer, flags) > 0) return;
            ending = true;
            gate.wait();
            socket.sendFrame("goodbye", 7);
        });
        fixture.start();
        RawClient client = fixture.upgraded("/ws");
        auto stopped = fixture.stopMeanwhile();
        CPPUNIT_ASSERT(eventually([&] { return ending.load(); }));
        client.sendText("nobody reads this");  // nor does it end what still comes from there
        client.waitUntilReceived();
        settle(fixture.server->hub());
        gate.open();
        CPPUNIT_ASSERT_EQUAL("goodbye"s, client.readText());
        CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
        CPPUNIT_ASSERT(client.tls()->closeNotified());
        client.close();
        CPPUNIT_ASSERT(stopped.get());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.server->hub().connectionCount());
    }

    void aWebSocketOverTlsEndsWithTheServer() {
        std::unique_ptr<WebSocket> kept;
        Fixture fixture;
        RawClient client = fixture.startAndKeep(kept);
        kept->sendFrame("before the end", 14);
        auto stopped = fixture.stopMeanwhile();
        CPPUNIT_ASSERT_EQUAL("before the end"s, client.readText());
        CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
        client.close();
        CPPUNIT_ASSERT(stopped.get());
        char buffer[64];
        int flags = 0;
        CPPUNIT_ASSERT_EQUAL(0, kept->receiveFrame(buffer, sizeof buffer, flags));
        CPPUNIT_ASSERT_THROW(kept->sendFrame("too late", 8), Poco::IOException);
        fixture.app.reset();
        kept.reset();
    }

    void refusesWebSocketsOverTlsWithoutRoom() {
        Fixture fixture;
        fixture.http.hub.maxConnections = 2;  // a WebSocket over TLS counts as two
        fixture.on("/ws", PocoHandlers::echo);
        fixture.start();
        {
            RawClient first = fixture.client(), second = fixture.client();
            first.send(RawClient::upgradeRequest("/ws"));
            CPPUNIT_ASSERT_EQUAL(503, first.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.app->webSockets());
            first.readToEnd();
            first.close();
            CPPUNIT_ASSERT(
                eventually([&] { return fixture.server->hub().connectionCount() == 1; }));
            second.upgrade("/ws");
            second.sendText("hello");
            CPPUNIT_ASSERT_EQUAL("hello"s, second.readText());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DetachedRelayTest);

}  // namespace socketio
