#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/WebSocketFrame.h"

#include "HttpFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::HttpFixture;
using test::RawClient;
using test::RawFrame;
using test::RawResponse;

namespace {

SharedFrame textFrame(std::string_view text) {
    std::string frame;
    appendWebSocketFrame(frame, WebSocketOpcode::Text, text);
    return SharedFrame(std::move(frame));
}

struct Closed {
    std::uint16_t code;
    std::string detail;
};

/// Sends every message back, unless told what else to do; reports how the channel ends.
struct Echo : WebSocketListener {
    explicit Echo(Arrivals<Closed>& closedTo) : closed(closedTo) {}

    void onMessage(bool binary, std::string_view data) override {
        if (onText) {
            onText(std::string(data));
            return;
        }
        std::string frame;
        appendWebSocketFrame(frame, binary ? WebSocketOpcode::Binary : WebSocketOpcode::Text, data);
        if (const auto to = channel.lock()) to->send(SharedFrame(std::move(frame)));
    }
    void onClosed(std::uint16_t code, std::string_view detail) override {
        closed.put({code, std::string(detail)});
    }

    Arrivals<Closed>& closed;
    std::function<void(const std::string&)> onText;
    std::weak_ptr<WebSocketChannel> channel;
};

using Listener = std::shared_ptr<Echo>;
using Channel = std::shared_ptr<WebSocketChannel>;

}  // namespace

class WebSocketConnectionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(WebSocketConnectionTest);
    CPPUNIT_TEST(echoesMessages);
    CPPUNIT_TEST(handsOnSeveralMessagesOfOneSegment);
    CPPUNIT_TEST(readsFramesThatCameWithTheHandshake);
    CPPUNIT_TEST(readsFramesHoweverTheyAreCut);
    CPPUNIT_TEST(acceptsOnlyGoodHandshakes);
    CPPUNIT_TEST(addsTheHeadersOfTheApp);
    CPPUNIT_TEST(upgradesLater);
    CPPUNIT_TEST(messagesWaitForAListener);
    CPPUNIT_TEST(anUpgradeOfALostRequestGivesAClosedChannel);
    CPPUNIT_TEST(answersPings);
    CPPUNIT_TEST(tooManyControlFramesEndIt);
    CPPUNIT_TEST(thePeerCloses);
    CPPUNIT_TEST(refusesBadFramesWithTheirCode);
    CPPUNIT_TEST(weCloseAndWaitForThePeer);
    CPPUNIT_TEST(tellsWhenTheConnectionIsLost);
    CPPUNIT_TEST(abortEndsItAtOnce);
    CPPUNIT_TEST(sendsFromOtherThreadsInOrder);
    CPPUNIT_TEST(sendingToAClosedChannelDoesNothing);
    CPPUNIT_TEST(pausesReading);
    CPPUNIT_TEST(aReaderThatIsTooSlowIsCutOff);
    CPPUNIT_TEST(stoppingTheServerSaysGoodbye);
    CPPUNIT_TEST_SUITE_END();

public:
    /// Every handshake is accepted and its channel reported; `prepare` may set up the listener.
    static void accept(HttpFixture& server, Arrivals<Closed>& closed,
                       std::function<void(const Listener&, const Channel&)> prepare = {}) {
        server.app->onBegin = [&closed, prepare](const Exchange::Ptr& exchange) {
            if (!exchange->isWebSocketHandshake()) {
                exchange->respond(Response::text(200, "no handshake"));
                return;
            }
            const Channel channel = exchange->upgrade({.maxMessageBytes = 100'000});
            const auto listener = std::make_shared<Echo>(closed);
            listener->channel = channel;
            if (prepare) prepare(listener, channel);
            channel->setListener(listener);
        };
        server.start();
    }

    void echoesMessages() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        RawClient client = server.client();
        client.upgrade();
        client.sendText("hello");
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.readText());
        for (const std::size_t size : {0, 1, 125, 126, 65'535, 65'536, 100'000}) {
            const std::string bytes(size, '\xfe');
            client.sendBinary(bytes);
            const RawFrame frame = client.readFrame();
            CPPUNIT_ASSERT(frame.final && !frame.masked && frame.reserved == 0);
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Binary), frame.opcode);
            CPPUNIT_ASSERT(frame.payload == bytes);
        }
        client.sendFrame(RawFrame::Text, "frag", false);
        client.sendFrame(RawFrame::Ping, "between");
        client.sendFrame(RawFrame::Continuation, "men", false);
        client.sendFrame(RawFrame::Continuation, "ted", true);
        const RawFrame pong = client.readFrame();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Pong), pong.opcode);
        CPPUNIT_ASSERT_EQUAL(std::string("between"), pong.payload);
        CPPUNIT_ASSERT_EQUAL(std::string("fragmented"), client.readText());
        CPPUNIT_ASSERT(closed.empty());
    }

    void handsOnSeveralMessagesOfOneSegment() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        RawClient client = server.client();
        client.upgrade();
        std::string bytes;
        for (int i = 0; i < 2000; ++i) bytes += RawClient::frame(RawFrame::Text, std::to_string(i));
        client.send(bytes);
        for (int i = 0; i < 2000; ++i) CPPUNIT_ASSERT_EQUAL(std::to_string(i), client.readText());
    }

    void readsFramesThatCameWithTheHandshake() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        {
            RawClient client = server.client();
            client.send(RawClient::upgradeRequest() + RawClient::frame(RawFrame::Text, "early") +
                        RawClient::frame(RawFrame::Ping, "p"));
            CPPUNIT_ASSERT_EQUAL(101, client.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(std::string("early"), client.readText());
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Pong), client.readFrame().opcode);
            client.sendClose(1000);
            closed.take();
        }
        {  // Reserved bits in the same segment.
            RawClient client = server.client();
            std::string bad = RawClient::frame(RawFrame::Text, "x");
            bad[0] = static_cast<char>(bad[0] | 0x30);
            client.send(RawClient::upgradeRequest() + bad);
            CPPUNIT_ASSERT_EQUAL(101, client.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(1002, client.readFrame().closeCode());
            CPPUNIT_ASSERT_EQUAL(std::uint16_t(1002), closed.take().code);
        }
    }

    void readsFramesHoweverTheyAreCut() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        const std::string bytes = RawClient::upgradeRequest("/x") +
                                  RawClient::frame(RawFrame::Text, "one") +
                                  RawClient::frame(RawFrame::Binary, std::string(200, 'b')) +
                                  RawClient::frame(RawFrame::Text, "two");
        for (std::size_t at = 0; at < bytes.size(); at += 3) {
            RawClient client = server.client();
            if (at == 0) {
                client.sendInPieces(bytes, 1);
            } else {
                client.send(bytes.substr(0, at));
                std::this_thread::yield();
                client.send(bytes.substr(at));
            }
            CPPUNIT_ASSERT_EQUAL(101, client.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(std::string("one"), client.readText());
            CPPUNIT_ASSERT_EQUAL(std::size_t(200), client.readFrame().payload.size());
            CPPUNIT_ASSERT_EQUAL(std::string("two"), client.readText());
        }
    }

    void acceptsOnlyGoodHandshakes() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n",
                          upgrade = "Upgrade: websocket\r\n",
                          connection = "Connection: Upgrade\r\n",
                          key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                          version = "Sec-WebSocket-Version: 13\r\n";
        struct Case {
            std::string head;
            int status;
        };
        const Case cases[] = {
            {line + upgrade + connection + key + version, 101},
            {line + "Upgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n" + key + version,
             101},
            {line + upgrade + connection + key + version + "Sec-WebSocket-Protocol: a, b\r\n", 101},
            {line + upgrade + connection + key + version +
                 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
             101},
            {line + upgrade + connection + version, 400},
            {line + upgrade + connection + version + "Sec-WebSocket-Key: c2hvcnQ=\r\n", 400},
            {line + upgrade + connection + version +
                 "Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NTY=\r\n",
             400},
            {line + upgrade + connection + key + key + version, 400},
            {line + upgrade + connection + key, 426},
            {line + upgrade + connection + key + "Sec-WebSocket-Version: 12\r\n", 426},
            {line + upgrade + connection + key + "Sec-WebSocket-Version: 14\r\n", 426},
            {line + upgrade + connection + key + version + version, 426},
            {line + upgrade + "Connection: close, Upgrade\r\n" + key + version, 400},
            {line + upgrade + key + version, 400},
            {line + "Upgrade: websocket, h2c\r\n" + connection + key + version, 400},
            {line + upgrade + connection + key + version + "Content-Length: 2\r\n", 400},
            {"POST / HTTP/1.1\r\nHost: h\r\n" + upgrade + connection + key + version, 400},
            {line + "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: Upgrade\r\n", 200},
            {"GET / HTTP/1.0\r\nHost: h\r\n" + upgrade + connection + key + version, 200},
        };
        for (const Case& c : cases) {
            RawClient client = server.client();
            client.send(c.head + "\r\n");
            const RawResponse response = client.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.head, c.status, response.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.head, std::string(c.status == 426 ? "13" : ""),
                                         response.header("Sec-WebSocket-Version"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.head, std::size_t(0),
                                         response.count("Sec-WebSocket-Extensions") +
                                             response.count("Sec-WebSocket-Protocol"));
            if (c.status == 101) {
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.head, RawClient::upgradeAccept(),
                                             response.header("Sec-WebSocket-Accept"));
                client.sendText("up");
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.head, std::string("up"), client.readText());
            } else if (c.status != 200) {
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.head, std::string(), client.readToEnd());
            }
        }
    }

    void addsTheHeadersOfTheApp() {
        Arrivals<Channel> channels;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            channels.put(exchange->upgrade(
                {.maxMessageBytes = 100},
                {{"Set-Cookie", "a=b"}, {"Content-Length", "5"}, {"Upgrade", "x"}}));
        };
        server.start();
        RawClient client = server.client();
        const RawResponse response = client.upgrade();
        CPPUNIT_ASSERT_EQUAL(std::string("a=b"), response.header("Set-Cookie"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), response.count("Content-Length"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), response.count("Upgrade"));
        channels.take()->abort();
    }

    void upgradesLater() {
        Arrivals<Closed> closed;
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        RawClient client = server.client();
        client.send(RawClient::upgradeRequest() + RawClient::frame(RawFrame::Text, "early"));
        Exchange::Ptr exchange = begun.take();
        Executor& executor = exchange->executor();
        const Executor::LoopId loop = exchange->loop();
        executor.post(loop, [&closed, request = std::move(exchange)]() mutable {
            const Channel channel = request->upgrade({.maxMessageBytes = 1000});
            request.reset();
            const auto listener = std::make_shared<Echo>(closed);
            listener->channel = channel;
            channel->setListener(listener);
        });
        CPPUNIT_ASSERT_EQUAL(101, client.readResponse().status);
        CPPUNIT_ASSERT_EQUAL(std::string("early"), client.readText());
    }

    void messagesWaitForAListener() {
        Arrivals<Closed> closed;
        Arrivals<Channel> channels;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            channels.put(exchange->upgrade({.maxMessageBytes = 1000}));
        };
        server.start();
        RawClient client = server.client();
        client.send(RawClient::upgradeRequest() + RawClient::frame(RawFrame::Text, "one"));
        CPPUNIT_ASSERT_EQUAL(101, client.readResponse().status);
        client.sendText("two");
        server.turn(client);  // it comes first
        const Channel channel = channels.take();
        const auto listener = std::make_shared<Echo>(closed);
        listener->channel = channel;
        channel->setListener(listener);
        CPPUNIT_ASSERT_EQUAL(std::string("one"), client.readText());
        CPPUNIT_ASSERT_EQUAL(std::string("two"), client.readText());
    }

    void anUpgradeOfALostRequestGivesAClosedChannel() {
        Arrivals<Closed> closed;
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        RawClient client = server.client();
        client.send(RawClient::upgradeRequest());
        const Exchange::Ptr exchange = begun.take();
        client.reset();
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        while (!exchange->finished() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        exchange->executor().post(exchange->loop(), [&] {
            const Channel channel = exchange->upgrade({.maxMessageBytes = 1000});
            channel->setListener(std::make_shared<Echo>(closed));
            channel->send(textFrame("nobody"));
            channel->close();
            channel->abort();
        });
        CPPUNIT_ASSERT_EQUAL(std::uint16_t(1006), closed.take().code);
    }

    void answersPings() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        RawClient client = server.client();
        client.upgrade();
        for (const std::size_t size : {0, 5, 125}) {
            client.sendFrame(RawFrame::Ping, std::string(size, 'p'));
            const RawFrame pong = client.readFrame();
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Pong), pong.opcode);
            CPPUNIT_ASSERT_EQUAL(size, pong.payload.size());
        }
        client.sendFrame(RawFrame::Pong, "unasked");
        client.sendText("on");
        CPPUNIT_ASSERT_EQUAL(std::string("on"), client.readText());
    }

    void tooManyControlFramesEndIt() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        for (const int opcode : {RawFrame::Ping, RawFrame::Pong}) {
            RawClient client = server.client();
            client.upgrade();
            std::string flood;
            for (int i = 0; i < 250; ++i) flood += RawClient::frame(opcode, "x");
            client.send(flood);
            RawFrame frame = client.readFrame();
            int pongs = 0;
            for (; frame.opcode == RawFrame::Pong; frame = client.readFrame()) ++pongs;
            CPPUNIT_ASSERT_EQUAL(1008, frame.closeCode());
            // 250 frames may fall into two of the counted seconds, not into three.
            CPPUNIT_ASSERT(opcode == RawFrame::Pong ? pongs == 0 : pongs >= 100 && pongs <= 200);
            CPPUNIT_ASSERT_EQUAL(std::uint16_t(1008), closed.take().code);
        }
    }

    void thePeerCloses() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        struct Case {
            std::string payload;
            int echoed;
            std::uint16_t told;
            std::string detail;
        };
        const Case cases[] = {
            {"", 1005, 1005, ""},
            {"\x03\xe8", 1000, 1000, ""},
            {"\x03\xe9going", 1001, 1001, "going"},
            {"\x0f\xa0", 4000, 4000, ""},
        };
        for (const Case& c : cases) {
            RawClient client = server.client();
            client.upgrade();
            client.sendText("last");
            client.sendFrame(RawFrame::Close, c.payload);
            client.sendText("after the end");
            CPPUNIT_ASSERT_EQUAL(std::string("last"), client.readText());
            const RawFrame answer = client.readFrame();
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), answer.opcode);
            CPPUNIT_ASSERT_EQUAL(c.echoed, answer.closeCode());
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            const Closed end = closed.take();
            CPPUNIT_ASSERT_EQUAL(c.told, end.code);
            CPPUNIT_ASSERT_EQUAL(c.detail, end.detail);
        }
        CPPUNIT_ASSERT(closed.empty());
    }

    void refusesBadFramesWithTheirCode() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        const std::pair<std::string, int> cases[] = {
            {std::string("\x81\x02hi"), 1002},                                      // no mask
            {RawClient::frame(RawFrame::Text, "\xff"), 1007},                       // not UTF-8
            {RawClient::frame(RawFrame::Text, std::string(100'001, 'x')), 1009},    // too large
            {RawClient::frame(RawFrame::Close, std::string("\x03\xed", 2)), 1002},  // 1005
        };
        for (const auto& [bytes, code] : cases) {
            RawClient client = server.client();
            client.upgrade();
            client.trySend(bytes);
            const RawFrame frame = client.readFrame();
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), frame.opcode);
            CPPUNIT_ASSERT_EQUAL(code, frame.closeCode());
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            CPPUNIT_ASSERT_EQUAL(code, int(closed.take().code));
        }
    }

    void weCloseAndWaitForThePeer() {
        Arrivals<Closed> closed;
        std::atomic<int> messages{0};
        HttpFixture server;
        accept(server, closed, [&](const Listener& listener, const Channel& channel) {
            listener->onText = [&, weak = std::weak_ptr(channel)](const std::string&) {
                const Channel own = weak.lock();
                ++messages;
                own->send(textFrame("bye"));
                own->close(4321, "why");
                own->close(1000);
                own->send(textFrame("too late"));
            };
        });
        RawClient client = server.client();
        client.upgrade();
        client.send(RawClient::frame(RawFrame::Text, "end") +
                    RawClient::frame(RawFrame::Text, "more"));
        CPPUNIT_ASSERT_EQUAL(std::string("bye"), client.readText());
        const RawFrame close = client.readFrame();
        CPPUNIT_ASSERT_EQUAL(4321, close.closeCode());
        CPPUNIT_ASSERT_EQUAL(std::string("why"), close.payload.substr(2));
        server.turn(client);
        CPPUNIT_ASSERT(!client.readable(0ms));
        CPPUNIT_ASSERT(closed.empty());
        client.sendText("crossed");
        client.sendClose(4321);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT_EQUAL(std::uint16_t(4321), closed.take().code);
        CPPUNIT_ASSERT_EQUAL(1, messages.load());  // what crossed the close frame is dropped
    }

    void tellsWhenTheConnectionIsLost() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed);
        for (const bool reset : {true, false}) {
            RawClient client = server.client();
            client.upgrade();
            client.send("\x81");  // in the middle of a frame
            if (reset)
                client.reset();
            else
                client.shutdownWrite();
            CPPUNIT_ASSERT_EQUAL(std::uint16_t(1006), closed.take().code);
            if (!reset) CPPUNIT_ASSERT(client.closedWithin(2s));
        }
        CPPUNIT_ASSERT(closed.empty());
    }

    void abortEndsItAtOnce() {
        Arrivals<Closed> closed;
        HttpFixture server;
        accept(server, closed, [](const Listener& listener, const Channel& channel) {
            listener->onText = [weak = std::weak_ptr(channel)](const std::string&) {
                weak.lock()->abort();
            };
        });
        RawClient client = server.client();
        client.upgrade();
        client.send(RawClient::frame(RawFrame::Text, "1") + RawClient::frame(RawFrame::Text, "2"));
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT_EQUAL(std::uint16_t(1006), closed.take().code);
        CPPUNIT_ASSERT(closed.empty());
    }

    void sendsFromOtherThreadsInOrder() {
        Arrivals<Closed> closed;
        Arrivals<Channel> channels;
        HttpFixture server;
        accept(server, closed,
               [&](const Listener&, const Channel& channel) { channels.put(channel); });
        RawClient client = server.client();
        client.upgrade();
        const Channel channel = channels.take();
        constexpr int kEach = 2000;
        std::vector<std::jthread> senders;
        for (const char name : {'a', 'b'})
            senders.emplace_back([&channel, name] {
                for (int i = 0; i < kEach; ++i) channel->send(textFrame(name + std::to_string(i)));
            });
        int next[2] = {0, 0};
        for (int i = 0; i < 2 * kEach; ++i) {
            const std::string text = client.readText();
            CPPUNIT_ASSERT_EQUAL(next[text[0] - 'a']++, std::stoi(text.substr(1)));
        }
        for (std::jthread& sender : senders) sender.join();
        channel->send(textFrame("last"));
        channel->close(1000);
        CPPUNIT_ASSERT_EQUAL(std::string("last"), client.readText());
        CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
    }

    void sendingToAClosedChannelDoesNothing() {
        Arrivals<Closed> closed;
        Arrivals<Channel> channels;
        HttpFixture server;
        accept(server, closed,
               [&](const Listener&, const Channel& channel) { channels.put(channel); });
        RawClient client = server.client();
        client.upgrade();
        const Channel channel = channels.take();
        client.sendClose(1000);
        closed.take();
        channel->send(textFrame("x"));
        channel->pauseReading(true);
        channel->close(1000);
        CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
        channel->abort();
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        server.server->stop();
        channel->send(textFrame("x"));
        channel->close();
        CPPUNIT_ASSERT(closed.empty());
    }

    void pausesReading() {
        Arrivals<Closed> closed;
        Arrivals<Channel> channels;
        Arrivals<std::string> texts;
        HttpFixture server;
        accept(server, closed, [&](const Listener& listener, const Channel& channel) {
            listener->onText = [&, weak = std::weak_ptr(channel)](const std::string& text) {
                if (text == "pause") weak.lock()->pauseReading(true);
                texts.put(text);
            };
            channels.put(channel);
        });
        RawClient client = server.client();
        client.upgrade();
        client.sendText("pause");
        CPPUNIT_ASSERT_EQUAL(std::string("pause"), texts.take());
        client.sendText("later");
        server.turn(client);
        CPPUNIT_ASSERT(texts.empty());
        const Channel channel = channels.take();
        channel->pauseReading(false);
        CPPUNIT_ASSERT_EQUAL(std::string("later"), texts.take());
        // What came in one read with the message that led to the pause waits, too.
        std::string burst;
        for (const char* text : {"pause", "first", "pause", "second"}) {
            const std::string_view bytes(text);
            burst += '\x81';
            burst += static_cast<char>(0x80 | bytes.size());
            burst.append(4, '\0');
            burst += bytes;
        }
        client.send(burst);
        CPPUNIT_ASSERT_EQUAL(std::string("pause"), texts.take());
        server.turn(client);
        CPPUNIT_ASSERT(texts.empty());
        channel->pauseReading(false);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), texts.take());
        CPPUNIT_ASSERT_EQUAL(std::string("pause"), texts.take());
        server.turn(client);
        CPPUNIT_ASSERT(texts.empty());
        channel->pauseReading(false);
        CPPUNIT_ASSERT_EQUAL(std::string("second"), texts.take());
        // A paused channel that closes still hears the peer's close frame.
        client.sendText("pause");
        texts.take();
        channel->close(1000);
        client.readFrame();
        client.sendClose(1000);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t(1000), closed.take().code);
    }

    void aReaderThatIsTooSlowIsCutOff() {
        Arrivals<Closed> closed;
        Arrivals<Channel> channels;
        HttpFixture server;
        server.options.limits.outboundBytes = 500'000;
        accept(server, closed,
               [&](const Listener&, const Channel& channel) { channels.put(channel); });
        RawClient client(server.port(), {.receiveBuffer = 20'000});
        client.upgrade();
        const Channel channel = channels.take();
        const SharedFrame frame = textFrame(std::string(60'000, 'x'));
        while (closed.empty()) channel->send(frame);
        const Closed end = closed.take();
        CPPUNIT_ASSERT_EQUAL(std::uint16_t(1006), end.code);
        CPPUNIT_ASSERT_EQUAL(std::string("outbound limit"), end.detail);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1),
                             server.server->hub().counters().outboundLimit.load());
    }

    void stoppingTheServerSaysGoodbye() {
        Arrivals<Closed> closed;
        Arrivals<bool> stopped;
        HttpFixture server;
        accept(server, closed);
        RawClient client = server.client();
        client.upgrade();
        std::jthread stopper([&] { stopped.put(server.server->stop()); });
        CPPUNIT_ASSERT_EQUAL(1001, client.readFrame().closeCode());
        client.sendClose(1001);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        client.close();
        CPPUNIT_ASSERT(stopped.take());
        CPPUNIT_ASSERT_EQUAL(std::uint16_t(1001), closed.take().code);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebSocketConnectionTest);

}  // namespace socketio
