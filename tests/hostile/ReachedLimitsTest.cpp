#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Limits.h"
#include "socketio/base/Mutex.h"

#include "support/EngineClient.h"
#include "support/RawClient.h"
#include "support/TestServer.h"
#include "support/Waiting.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr const char* kPolling = "/socket.io/?EIO=4&transport=polling";
constexpr const char* kWebSocket = "/socket.io/?EIO=4&transport=websocket";
constexpr const char* kChunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What the library logs.
class Lines : public Poco::Channel {
public:
    void log(const Poco::Message& message) override {
        MutexLock lock(_mutex);
        _lines.push_back(message.getText());
    }
    int with(const std::string& part) const {
        MutexLock lock(_mutex);
        int count = 0;
        for (const std::string& line : _lines) count += line.find(part) != line.npos;
        return count;
    }

private:
    mutable Mutex _mutex;
    std::vector<std::string> _lines SOCKETIO_GUARDED_BY(_mutex);
};

/// Beside Socket.IO: takes bodies; `/wait` is handled by a worker that waits at the gate.
class BesideApp : public App {
public:
    explicit BesideApp(const Gate& gate) : _gate(gate) {}
    void begin(const Exchange::Ptr& exchange) override {
        if (exchange->environ().path() == "/wait") return App::begin(exchange);
        exchange->receiveBody(1'000'000,
                              [weak = std::weak_ptr(exchange)](Exchange::BodyStatus status) {
                                  const auto request = weak.lock();
                                  if (request && status == Exchange::BodyStatus::Complete)
                                      request->respond(Response::text(200, "ok"));
                              });
    }
    void handle(const Exchange::Ptr& exchange) override {
        _gate.wait();
        exchange->respond(Response::text(200, "waited"));
    }

private:
    const Gate& _gate;
};

}  // namespace

/// Every limit is reached once, each at a server of its own, and told: it is counted, and a line in
/// the log names it. What happens to the peer is for the tests of each limit.
class ReachedLimitsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReachedLimitsTest);
    CPPUNIT_TEST(everyLimitIsCountedAndLogged);
    CPPUNIT_TEST(theLargestQueueIsEnded);
    CPPUNIT_TEST_SUITE_END();

public:
    struct Options {
        ServerOptions server;
        HttpServerOptions http;
        HttpLimits& limits = http.limits;
        HubOptions& hub = http.hub;
    };
    struct Attack {
        TestServer& server;
        const std::uint16_t port;
        Gate& gate;
        std::uint64_t count(Limit limit) const { return server.hub().limits().count(limit); }

        RawClient client() const { return RawClient(port); }
        /// A client of the main namespace on a WebSocket.
        RawClient joined(int receiveBuffer = 0) const {
            RawClient client(port, {"127.0.0.1", 5s, receiveBuffer, nullptr});
            client.upgrade(kWebSocket);
            client.readText();
            client.sendText("40");
            client.readText();
            return client;
        }
        /// Emits until the limit has been reached.
        void flood(Limit limit, std::size_t bytes = 100'000) const {
            const std::string data(bytes, 'x');
            eventually([&] {
                if (count(limit) == 0) server.sio.emit("big", data);
                return count(limit) > 0;
            });
        }
    };
    using Configure = std::function<void(Options&)>;
    using Run = std::function<void(const Attack&)>;

    void setUp() override {
        channel = new Lines;
        for (const char* name : kLoggers) {
            Poco::Logger& logger = Poco::Logger::get(name);
            logger.setChannel(channel);
            logger.setLevel(Poco::Message::PRIO_DEBUG);
        }
    }
    void tearDown() override {
        for (const char* name : kLoggers) Poco::Logger::get(name).setChannel(nullptr);
    }

    /// One server, one attack.
    void reach(Limit limit, const Configure& configure, const Run& run) {
        const std::string name(toString(limit));
        const std::string mark = "[limit " + name + "]";
        const int before = channel->with(mark);
        Gate gate;
        Options options;
        configure(options);
        TestServer server(options.server, options.http, std::make_shared<BesideApp>(gate));
        server.sio.on("wait", [&gate](Socket&) { gate.wait(); });
        server.start();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::uint64_t(0), server.hub().limits().count(limit));
        const Attack attack{server, server.port(), gate};
        run(attack);
        CPPUNIT_ASSERT_MESSAGE(name + " was not counted",
                               eventually([&] { return attack.count(limit) > 0; }));
        CPPUNIT_ASSERT_MESSAGE("no line names " + name,
                               eventually([&] { return channel->with(mark) > before; }));
        gate.open();
        reached.insert(limit);
    }
    void reach(Limit limit, const Run& run) {
        reach(
            limit, [](Options&) {}, run);
    }
    /// The same by bytes that one client sends; it waits for the count before it goes.
    void reachBy(Limit limit, const Configure& configure, const std::string& bytes) {
        reach(limit, configure, [&](const Attack& attack) {
            RawClient client = attack.client();
            client.trySend(bytes);
            eventually([&] { return attack.count(limit) > 0; });
        });
    }
    /// By a text that a client of the main namespace sends.
    void reachByText(Limit limit, const Configure& configure, const std::string& text) {
        reach(limit, configure, [&](const Attack& attack) {
            RawClient client = attack.joined();
            client.sendText(text);
            eventually([&] { return attack.count(limit) > 0; });
        });
    }

    void ofRequests() {
        const Configure defaults = [](Options&) {};
        const auto request = [](const std::string& target, const std::string& headers) {
            return RawClient::requestBytes("GET", target, headers);
        };
        const std::string large(9000, 'a'), half(7000, 'a');
        reachBy(Limit::RequestLine, defaults, request("/" + large, ""));
        reachBy(Limit::HeaderBytes, defaults, request("/", "A: " + large + "\r\n"));
        reachBy(Limit::HeadersBytes, defaults,
                request("/", "A: " + half + "\r\nB: " + half + "\r\nC: " + half + "\r\n"));
        std::string many;
        for (int i = 0; i < 101; ++i) many += "A: b\r\n";
        reachBy(Limit::Headers, defaults, request("/", many));
        reachBy(
            Limit::HeadTime, [](Options& o) { o.limits.headTime = 30ms; }, "GET ");
        const std::string half_body =
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
        reachBy(
            Limit::BodyTime,
            [](Options& o) {
                o.limits.bodyTime = o.limits.bodyGrace = 30ms;
                o.limits.minBodyRate = 0;
            },
            half_body);
        reachBy(
            Limit::MinBodyRate, [](Options& o) { o.limits.bodyGrace = 30ms; }, half_body);
        reachBy(Limit::ChunkLine, defaults,
                kChunked + std::string("1;") + std::string(300, 'a') + "\r\n");
        std::string chunks = kChunked;
        for (int i = 0; i < 100; ++i) chunks += "1;" + std::string(200, 'a') + "\r\nx\r\n";
        reachBy(Limit::ChunkOverhead, defaults, chunks);
        reachBy(Limit::TrailerBytes, defaults,
                kChunked + std::string("0\r\nA: ") + std::string(5000, 'a'));
        const std::string target = std::string(kPolling);
        std::string query;
        for (int i = 0; i < 65; ++i) query += "&a=b";
        reachBy(Limit::MaxQueryParameters, defaults, request(target + query, ""));
    }

    void ofConnections() {
        reach(
            Limit::KeepAliveTime, [](Options& o) { o.limits.keepAliveTime = 30ms; },
            [](const Attack& attack) {
                RawClient client = attack.client();
                client.get("/");
                CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            });
        reach(
            Limit::KeepAliveRequests, [](Options& o) { o.limits.keepAliveRequests = 2; },
            [](const Attack& attack) {
                RawClient client = attack.client();
                client.get("/");
                CPPUNIT_ASSERT_EQUAL(std::string("close"), client.get("/").header("Connection"));
            });
        reach(Limit::PipelinedBytes, [](const Attack& attack) {
            PollingClient client(attack.port);
            client.connect();
            client.startPoll();
            client.getter().trySend(std::string(200'000, 'x'));
            eventually([&] { return attack.count(Limit::PipelinedBytes) > 0; });
        });
        reach(
            Limit::ConnectionsPerAddress, [](Options& o) { o.limits.connectionsPerAddress = 2; },
            [](const Attack& attack) {
                RawClient first = attack.client();
                CPPUNIT_ASSERT_EQUAL(200, first.get("/").status);
                {
                    RawClient second = attack.client();
                    second.upgrade(kWebSocket);  // still counts as one
                    second.readText();
                    CPPUNIT_ASSERT_EQUAL(std::string(), attack.client().readToEnd());
                }
                // Its place is free again.
                CPPUNIT_ASSERT(
                    eventually([&] { return attack.server.hub().connectionCount() == 1; }));
                CPPUNIT_ASSERT_EQUAL(200, attack.client().get("/").status);
            });
        reach(
            Limit::MaxConnections, [](Options& o) { o.hub.maxConnections = 2; },
            [](const Attack& attack) {
                std::vector<RawClient> clients;
                for (int i = 0; i < 2; ++i) {
                    clients.push_back(attack.client());
                    clients.back().upgrade(kWebSocket);
                    clients.back().readText();
                }
                clients.push_back(attack.client());
                eventually([&] { return attack.count(Limit::MaxConnections) > 0; });
            });
        reach(
            Limit::WebSocketFragments, [](Options& o) { o.limits.webSocketFragments = 3; },
            [](const Attack& attack) {
                RawClient client = attack.joined();
                client.sendFrame(RawFrame::Text, "4", false);
                for (int i = 0; i < 3; ++i) client.sendFrame(RawFrame::Continuation, "2", false);
                CPPUNIT_ASSERT_EQUAL(1009, client.readFrame().closeCode());
            });
        reach(
            Limit::WebSocketControlFrames, [](Options& o) { o.limits.webSocketControlFrames = 3; },
            [](const Attack& attack) {
                RawClient client = attack.joined();
                std::string pings;
                for (int i = 0; i < 8; ++i) pings += RawClient::frame(RawFrame::Ping, "");
                client.send(pings);
                eventually([&] { return attack.count(Limit::WebSocketControlFrames) > 0; });
            });
        reach(
            Limit::WebSocketCloseWait, [](Options& o) { o.limits.webSocketCloseWait = 30ms; },
            [](const Attack& attack) {
                RawClient client = attack.joined();
                client.sendText("42/never,[\"joined\"]");
                CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), client.readFrame().opcode);
                eventually([&] { return attack.count(Limit::WebSocketCloseWait) > 0; });
            });
    }

    void ofOutput() {
        reach(Limit::OutboundBytes, [](const Attack& attack) {
            RawClient client = attack.joined(4096);
            attack.flood(Limit::OutboundBytes);
        });
        reach(
            Limit::WriteStall, [](Options& o) { o.limits.writeStall = 30ms; },
            [](const Attack& attack) {
                RawClient client = attack.joined(4096);
                for (int i = 0; i < 30; ++i)
                    attack.server.sio.emit("big", std::string(100'000, 'x'));
                eventually([&] { return attack.count(Limit::WriteStall) > 0; });
            });
        reach(
            Limit::MaxOutbound, [](Options& o) { o.hub.maxOutbound = 2'000'000; },
            [](const Attack& attack) {
                RawClient client = attack.joined(4096);
                attack.flood(Limit::MaxOutbound);
            });
        reach(
            Limit::StopTimeout, [](Options&) {},
            [](const Attack& attack) {
                PollingClient client(attack.port);
                client.connect();
                attack.server.sio.emit("news", "for who does not poll");
                attack.server.stop(100ms);
            });
    }

    void ofTheEngine() {
        reach(
            Limit::HandshakesPerSecond, [](Options& o) { o.server.handshakesPerSecond = 1; },
            [](const Attack& attack) {
                eventually([&] {  // a second may begin in between
                    return attack.client().get(kPolling).status == 429;
                });
            });
        reach(Limit::Transports, [](const Attack& attack) {
            CPPUNIT_ASSERT_EQUAL(400,
                                 attack.client().get("/socket.io/?EIO=4&transport=smoke").status);
        });
        reach(Limit::CorsAllowedOrigins, [](const Attack& attack) {
            CPPUNIT_ASSERT_EQUAL(
                403, attack.client().get(kPolling, "Origin: https://elsewhere.example\r\n").status);
        });
        reach(Limit::ContentEncoding, [](const Attack& attack) {
            PollingClient client(attack.port);
            CPPUNIT_ASSERT_EQUAL(415, client.rawPost("40", "Content-Encoding: gzip\r\n").status);
        });
        reach(
            Limit::MaxHttpBufferSize, [](Options& o) { o.server.maxHttpBufferSize = 1000; },
            [](const Attack& attack) {
                PollingClient client(attack.port);
                CPPUNIT_ASSERT_EQUAL(413, client.rawPost(std::string(1001, '4')).status);
            });
        reach(
            Limit::MaxPacketsPerPayload, [](Options& o) { o.server.maxPacketsPerPayload = 2; },
            [](const Attack& attack) {
                PollingClient client(attack.port);
                CPPUNIT_ASSERT_EQUAL(400, client
                                              .rawPost("6\x1e"
                                                       "6\x1e"
                                                       "6")
                                              .status);
            });
        reach(Limit::OverlappingRequests, [](const Attack& attack) {
            PollingClient client(attack.port);
            client.startPoll();
            barrier(attack.server.hub());
            CPPUNIT_ASSERT_EQUAL(400, attack.client().get(client.target()).status);
        });
        reach(
            Limit::PingTimeout,
            [](Options& o) { o.server.pingInterval = o.server.pingTimeout = 20ms; },
            [](const Attack& attack) {
                RawClient client = attack.joined();
                eventually([&] { return attack.count(Limit::PingTimeout) > 0; });
            });
        reach(
            Limit::UpgradeTimeout, [](Options& o) { o.server.upgradeTimeout = 20ms; },
            [](const Attack& attack) {
                PollingClient client(attack.port);
                RawClient candidate = attack.client();
                candidate.upgrade(std::string(kWebSocket) + "&sid=" + client.sid());
                eventually([&] { return attack.count(Limit::UpgradeTimeout) > 0; });
            });
    }

    void ofPackets() {
        const Configure defaults = [](Options&) {};
        reach(
            Limit::ConnectTimeout, [](Options& o) { o.server.connectTimeout = 20ms; },
            [](const Attack& attack) {
                RawClient client = attack.client();
                client.upgrade(kWebSocket);
                eventually([&] { return attack.count(Limit::ConnectTimeout) > 0; });
            });
        reachByText(
            Limit::MaxNamespacesPerClient, [](Options& o) { o.server.maxNamespacesPerClient = 1; },
            "40/chat,");
        reachByText(Limit::MaxNamespaceBytes, defaults, "40/" + std::string(255, 'a') + ",");
        reachByText(Limit::MaxEventBytes, defaults, "42[\"" + std::string(1025, 'a') + "\"]");
        reachByText(Limit::MaxAttachments, defaults, "4511-[\"a\"]");
        reachByText(
            Limit::MaxAttachments, [](Options& o) { o.server.packetLimits.maxAttachments = 1; },
            "452-[\"a\"]");
        reach(
            Limit::MaxAttachmentBytes, [](Options& o) { o.server.maxHttpBufferSize = 1000; },
            [](const Attack& attack) {
                RawClient client = attack.joined();
                client.sendText("452-[\"a\",{\"_placeholder\":true,\"num\":0}]");
                client.sendBinary(std::string(900, 'x'));
                client.sendBinary(std::string(101, 'x'));
                eventually([&] { return attack.count(Limit::MaxAttachmentBytes) > 0; });
            });
        reachByText(
            Limit::AttachmentTime,
            [](Options& o) {
                o.server.pingInterval = o.server.pingTimeout = 20ms;
                o.server.monitorClients = false;
            },
            "451-[\"a\",{\"_placeholder\":true,\"num\":0}]");
        reachByText(Limit::MaxAckId, defaults, "429007199254740992[\"a\"]");
        reachByText(Limit::MaxJsonDepth, defaults,
                    "42[\"a\"," + std::string(128, '[') + std::string(128, ']') + "]");
        reachByText(
            Limit::MaxJsonDepth, [](Options& o) { o.server.packetLimits.maxJsonDepth = 3; },
            "42[\"a\",[[[]]]]");
    }

    void ofHandlers() {
        const auto ask = [](const Attack& attack) {
            attack.server.sio.emit("question", {}, {.callback = [](const Value&) {}});
        };
        reach(
            Limit::MaxPendingAcks, [](Options& o) { o.server.maxPendingAcks = 1; },
            [&](const Attack& attack) {
                RawClient client = attack.joined();
                ask(attack);
                CPPUNIT_ASSERT_THROW(ask(attack), Poco::PoolOverflowException);
            });
        reach(
            Limit::AckTimeout, [](Options& o) { o.server.ackTimeout = 20ms; },
            [&](const Attack& attack) {
                RawClient client = attack.joined();
                ask(attack);
                eventually([&] { return attack.count(Limit::AckTimeout) > 0; });
            });
        const Run crowd = [](const Attack& attack) {
            RawClient client = attack.joined();
            for (int i = 0; i < 60; ++i) client.sendText("42[\"wait\"]");
            eventually([&] {
                return attack.count(Limit::InboundTasks) + attack.count(Limit::TotalInboundTasks) >
                       0;
            });
            attack.gate.open();
        };
        reach(
            Limit::InboundTasks, [](Options& o) { o.server.inboundTasks = 2; }, crowd);
        reach(
            Limit::TotalInboundTasks, [](Options& o) { o.server.totalInboundTasks = 1; }, crowd);
        reach(
            Limit::MaxQueuedWork,
            [](Options& o) {
                o.hub.keptWorkers = o.hub.maxWorkers = 1;
                o.hub.maxQueuedWork = 1;
            },
            [](const Attack& attack) {
                std::vector<RawClient> clients;
                eventually([&] {
                    clients.push_back(attack.client());
                    clients.back().request("GET", "/wait");
                    barrier(attack.server.hub());
                    return attack.count(Limit::MaxQueuedWork) > 0;
                });
                CPPUNIT_ASSERT_EQUAL(503, clients.back().readResponse().status);
                attack.gate.open();
            });
    }

    void everyLimitIsCountedAndLogged() {
        reached = {Limit::Params, Limit::ParamsBytes,
                   Limit::ConcurrentRequests,  // FcgiConnectionTest
                   Limit::HandshakeTime};      // HttpsTest
        ofRequests();
        ofConnections();
        ofOutput();
        ofTheEngine();
        ofPackets();
        ofHandlers();
        for (std::size_t i = 0; i < kLimitCount; ++i) {
            const auto limit = static_cast<Limit>(i);
            CPPUNIT_ASSERT_MESSAGE(std::string(toString(limit)) + " is reached by no test",
                                   reached.count(limit) == 1);
        }
    }

    /// Over either transport: who has the most waiting goes, and nobody else.
    void theLargestQueueIsEnded() {
        for (const bool largePolls : {false, true}) {
            Options options;
            options.hub.ioThreads = 2;
            options.hub.maxOutbound = 3'000'000;
            options.hub.keptWorkers = 2;
            std::atomic<int> joined{0}, left{0};
            std::atomic<DisconnectReason> reason{};
            TestServer server(options.server, options.http);
            server.sio.on("connect",
                          [&](Socket& socket) { socket.join(std::to_string(joined++)); });
            server.sio.on("disconnect", [&](Socket&, DisconnectReason why) {
                reason = why;
                ++left;
            });
            server.start();
            Gate gate;
            const Attack attack{server, server.port(), gate};
            const auto say = [&](int room, int times) {
                for (int i = 0; i < times; ++i)
                    server.sio.emit("big", std::string(100'000, 'x'),
                                    {.room = std::to_string(room)});
            };
            // 0: does not read; 1: does not poll. The kernel takes some of what is for 0.
            RawClient reader = attack.joined(4096);
            PollingClient poller(server.port());
            poller.connect();
            say(largePolls ? 0 : 1, 8);
            say(largePolls ? 1 : 0, 34);
            CPPUNIT_ASSERT(eventually([&] { return left == 1; }));
            CPPUNIT_ASSERT(reason == DisconnectReason::TransportError);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), attack.count(Limit::MaxOutbound));
            CPPUNIT_ASSERT(eventually([&] { return server.hub().outboundBytes() < 2'000'000; }));
            // The other one goes on.
            if (largePolls) {
                for (int i = 0; i < 8; ++i) reader.readText();
            } else {
                for (int i = 0; i < 8; ++i) poller.next();
            }
            CPPUNIT_ASSERT_EQUAL(1, left.load());
        }
    }

private:
    static constexpr const char* kLoggers[] = {"socketio.http", "socketio.net", "socketio.engine",
                                               "socketio.server"};

    Poco::AutoPtr<Lines> channel;
    std::set<Limit> reached;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReachedLimitsTest);

}  // namespace socketio::test
