// Upgrades from polling to WebSocket, driven with raw bytes: every step that can fail, and traffic
// both ways while they happen.
#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "support/EngineClient.h"
#include "support/TestServer.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

namespace {

constexpr int kUpgrades = 1000;
constexpr int kThreads = 8;

/// One client that upgrades in the middle of numbered messages both ways, one per millisecond.
class UpgradingClient {
public:
    UpgradingClient(std::uint16_t port, std::mt19937& random)
        : _port(port), _random(random), _polling(port) {}

    /// What went wrong; empty when nothing did.
    std::string run() {
        if (_polling.connect().substr(0, 3) != "40{") return "not connected";
        _polling.post("42[\"start\"]");
        converseByPolling(_random() % 5);

        // The candidate opens while a poll is pending and posts go on.
        WebSocketClient candidate(_port, _polling.sid());
        converseByPolling(_random() % 3);
        candidate.send("2probe");
        while (!candidate.raw().readable(1ms)) step();
        if (candidate.frame().payload != "3probe") return "no 3probe";
        converseByPolling(_random() % 3);
        if (_pending) takePoll();  // the client pauses: the poll comes back by itself
        candidate.send("5");

        for (int i = 0; i < 5; ++i) {
            candidate.send(upPacket());
            while (candidate.raw().readable(1ms)) take(candidate.next());
        }
        candidate.send("421[\"stop\"]");
        while (_ack.empty()) take(candidate.next());
        if (!_problem.empty()) return _problem;
        // The first after it has joined, and the last before it has left.
        int up = 0, joinedAt = 0, leftAt = 0;
        if (std::sscanf(_ack.c_str(), "431[%d,%d,%d]", &up, &joinedAt, &leftAt) != 3)
            return "server says " + _ack;
        const bool heardAll =
            joinedAt == leftAt ? _lastSeen < 0 : _firstSeen == joinedAt + 1 && _lastSeen == leftAt;
        if (up != _up || !heardAll)
            return "server says " + _ack + ", sent " + std::to_string(_up) + ", seen " +
                   std::to_string(_firstSeen) + " to " + std::to_string(_lastSeen);
        return {};
    }

private:
    std::string upPacket() { return "42[\"up\"," + std::to_string(_up++) + "]"; }

    void step() {
        _polling.post(upPacket());
        if (!_pending) {
            _polling.startPoll();
            _pending = true;
        }
        if (_polling.getter().readable(1ms)) takePoll();
    }
    void converseByPolling(unsigned long steps) {
        for (unsigned long i = 0; i < steps; ++i) step();
    }
    void takePoll() {
        for (const std::string& packet : _polling.readPoll())
            if (packet != "6") take(packet);
        _pending = false;
    }
    void take(const std::string& packet) {
        if (packet.compare(0, 3, "431") == 0) {
            _ack = packet;
            return;
        }
        const std::string start = "42[\"down\",";
        if (packet.compare(0, start.size(), start) != 0) {
            _problem = "unexpected packet " + packet;
            return;
        }
        const int number = std::stoi(packet.substr(start.size()));
        if (_lastSeen >= 0 && number != _lastSeen + 1)
            _problem = "got " + std::to_string(number) + " after " + std::to_string(_lastSeen);
        if (_firstSeen < 0) _firstSeen = number;
        _lastSeen = number;
    }

    std::uint16_t _port;
    std::mt19937& _random;
    PollingClient _polling;
    bool _pending = false;
    int _up = 0;
    int _firstSeen = -1, _lastSeen = -1;
    std::string _ack, _problem;
};

}  // namespace

class UpgradeConformanceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UpgradeConformanceTest);
    CPPUNIT_TEST(anUpgradeStepByStep);
    CPPUNIT_TEST(thePendingPollIsReleasedAfterTheProbeWasAnswered);
    CPPUNIT_TEST(messagesBehindTheProbeGoOnByPolling);
    CPPUNIT_TEST(whatWasQueuedLeavesOverTheWebSocket);
    CPPUNIT_TEST(pollsAndPostsAreRefusedAfterTheUpgrade);
    CPPUNIT_TEST(aCandidateThatFailsAtAnyStepLeavesPollingUnharmed);
    CPPUNIT_TEST(aCandidateThatDoesNothingIsClosedInTime);
    CPPUNIT_TEST(aSecondWebSocketIsAcceptedAndClosed);
    CPPUNIT_TEST(theSessionMayEndDuringTheUpgrade);
    CPPUNIT_TEST(nothingIsLostDoubledOrReorderedInAThousandUpgrades);
    CPPUNIT_TEST(theSameOnTwoLoops);
    CPPUNIT_TEST_SUITE_END();

    void start(ServerOptions options = {}, unsigned loops = 1) {
        HttpServerOptions http;
        http.hub.ioThreads = loops;
        server = std::make_unique<TestServer>(std::move(options), std::move(http));
        server->sio.on("echo", [](Socket&, const Value& value) { return value; });
        server->start();
        port = server->port();
    }

    void assertPollingWorks(PollingClient& client, const char* after) {
        client.post("427[\"echo\",\"still here\"]");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(after, "437[\"still here\"]"s, client.next());
    }

    /// The server ends the candidate: with a close frame, or the connection itself.
    static bool ends(WebSocketClient& candidate) {
        try {
            while (candidate.frame().opcode != RawFrame::Close) {
            }
        } catch (const std::exception& e) {
            return std::string_view(e.what()).find("deadline") == std::string_view::npos;
        }
        return true;
    }

    void upgrade(WebSocketClient& candidate) {
        candidate.send("2probe");
        CPPUNIT_ASSERT_EQUAL("3probe"s, candidate.frame().payload);
        candidate.send("5");
    }

public:
    void tearDown() override { server.reset(); }

    void anUpgradeStepByStep() {
        start();
        PollingClient polling(port);
        polling.connect();
        WebSocketClient candidate(port, polling.sid());
        upgrade(candidate);
        candidate.send("421[\"echo\",\"hello\"]");
        CPPUNIT_ASSERT_EQUAL("431[\"hello\"]"s, candidate.next());
    }

    void thePendingPollIsReleasedAfterTheProbeWasAnswered() {
        start();
        PollingClient polling(port);
        polling.connect();
        polling.startPoll();
        WebSocketClient candidate(port, polling.sid());
        barrier(server->hub());
        CPPUNIT_ASSERT(!polling.getter().readable(0ms));
        candidate.send("2probe");
        CPPUNIT_ASSERT_EQUAL("3probe"s, candidate.frame().payload);
        const auto answered = std::chrono::steady_clock::now();
        CPPUNIT_ASSERT_EQUAL("6"s, polling.readPoll().at(0));
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - answered < 1s);
        candidate.send("5");
        candidate.send("421[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("431[1]"s, candidate.next());
    }

    void messagesBehindTheProbeGoOnByPolling() {
        start();
        PollingClient polling(port);
        polling.connect();
        WebSocketClient candidate(port, polling.sid());
        candidate.send("2probe");
        CPPUNIT_ASSERT_EQUAL("3probe"s, candidate.next());
        for (const bool pending : {false, true}) {
            if (pending) polling.startPoll();
            polling.post("421[\"echo\",1]");
            std::vector<std::string> packets = pending ? polling.readPoll() : polling.poll();
            // A pending one may have been released before.
            if (packets.at(0) == "6") packets = polling.poll();
            CPPUNIT_ASSERT_EQUAL("431[1]"s, packets.at(0));
        }
        candidate.send("5");
        candidate.send("422[\"echo\",2]");
        CPPUNIT_ASSERT_EQUAL("432[2]"s, candidate.next());
    }

    void whatWasQueuedLeavesOverTheWebSocket() {
        start();
        PollingClient polling(port);
        polling.connect();
        polling.post(
            "421[\"echo\",\"a\"]\x1e"
            "422[\"echo\",\"b\"]");
        WebSocketClient candidate(port, polling.sid());
        upgrade(candidate);
        candidate.send("423[\"echo\",\"c\"]");
        for (const char* expected : {"431[\"a\"]", "432[\"b\"]", "433[\"c\"]"})
            CPPUNIT_ASSERT_EQUAL(std::string(expected), candidate.next());
    }

    void pollsAndPostsAreRefusedAfterTheUpgrade() {
        start();
        PollingClient polling(port);
        polling.connect();
        WebSocketClient candidate(port, polling.sid());
        upgrade(candidate);
        candidate.send("421[\"echo\",1]");
        candidate.next();
        for (const bool get : {true, false}) {
            const RawResponse answer = get ? polling.rawPoll() : polling.rawPost("42[\"x\"]");
            CPPUNIT_ASSERT_EQUAL(400, answer.status);
            CPPUNIT_ASSERT_EQUAL("{\"code\":3,\"message\":\"Bad request\"}"s, answer.body);
        }
        candidate.send("422[\"echo\",2]");
        CPPUNIT_ASSERT_EQUAL("432[2]"s, candidate.next());
    }

    void aCandidateThatFailsAtAnyStepLeavesPollingUnharmed() {
        start();
        PollingClient client(port);
        client.connect();
        using Step = std::function<void(WebSocketClient&)>;
        const auto probe = [](WebSocketClient& c) {
            c.send("2probe");
            CPPUNIT_ASSERT_EQUAL("3probe"s, c.frame().payload);
        };
        const std::pair<const char*, Step> steps[] = {
            {"closed at once", [](WebSocketClient& c) { c.raw().close(); }},
            {"reset at once", [](WebSocketClient& c) { c.raw().reset(); }},
            {"not a probe: 2", [](WebSocketClient& c) { c.send("2"); }},
            {"not a probe: 2probex", [](WebSocketClient& c) { c.send("2probex"); }},
            {"not a probe: 42[]", [](WebSocketClient& c) { c.send("42[\"echo\",1]"); }},
            {"not a probe: 5", [](WebSocketClient& c) { c.send("5"); }},
            {"not a probe: empty", [](WebSocketClient& c) { c.send(""); }},
            {"not a probe: binary", [](WebSocketClient& c) { c.sendBinary("2probe"); }},
            {"a bad frame", [](WebSocketClient& c) { c.raw().send("\xff\xff\xff"s); }},
            {"probe, then closed",
             [&](WebSocketClient& c) {
                 probe(c);
                 c.raw().close();
             }},
            {"probe, then a close frame",
             [&](WebSocketClient& c) {
                 probe(c);
                 c.raw().sendClose(1000);
             }},
            {"probe, then reset",
             [&](WebSocketClient& c) {
                 probe(c);
                 c.raw().reset();
             }},
            {"probe, then binary",
             [&](WebSocketClient& c) {
                 probe(c);
                 c.sendBinary("5");
             }},
            {"probe, then a message",
             [&](WebSocketClient& c) {
                 probe(c);
                 c.send("42[\"echo\",1]");
             }},
            {"probe twice",
             [&](WebSocketClient& c) {
                 probe(c);
                 c.send("2probe");
             }},
        };
        for (const auto& [name, step] : steps) {
            WebSocketClient candidate(port, client.sid());
            step(candidate);
            if (candidate.raw().descriptor() >= 0) CPPUNIT_ASSERT_MESSAGE(name, ends(candidate));
            assertPollingWorks(client, name);
        }
        WebSocketClient candidate(port, client.sid());
        upgrade(candidate);
        candidate.send("421[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("431[1]"s, candidate.next());
    }

    void aCandidateThatDoesNothingIsClosedInTime() {
        ServerOptions options;
        options.upgradeTimeout = 100ms;
        start(options);
        PollingClient client(port);
        client.connect();
        for (const bool probed : {false, true}) {
            WebSocketClient candidate(port, client.sid());
            const auto begin = std::chrono::steady_clock::now();
            if (probed) {
                candidate.send("2probe");
                CPPUNIT_ASSERT_EQUAL("3probe"s, candidate.frame().payload);
            }
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), candidate.frame().opcode);
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 90ms);
            assertPollingWorks(client, probed ? "after the probe" : "before the probe");
        }
    }

    void aSecondWebSocketIsAcceptedAndClosed() {
        start();
        PollingClient polling(port);
        polling.connect();
        WebSocketClient first(port, polling.sid());
        {
            WebSocketClient second(port, polling.sid());  // 101
            CPPUNIT_ASSERT_EQUAL(1005, second.frame().closeCode());
        }
        upgrade(first);
        {
            WebSocketClient third(port, polling.sid());
            CPPUNIT_ASSERT_EQUAL(1005, third.frame().closeCode());
        }
        first.send("421[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("431[1]"s, first.next());
    }

    void theSessionMayEndDuringTheUpgrade() {
        start();
        PollingClient polling(port);
        polling.connect();
        WebSocketClient candidate(port, polling.sid());
        candidate.send("2probe");
        CPPUNIT_ASSERT_EQUAL("3probe"s, candidate.frame().payload);
        polling.post("1");
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), candidate.frame().opcode);
        CPPUNIT_ASSERT_EQUAL(400, polling.rawPoll().status);
    }

    void nothingIsLostDoubledOrReorderedInAThousandUpgrades() { upgradeUnderTraffic(1); }
    void theSameOnTwoLoops() { upgradeUnderTraffic(2); }

private:
    void upgradeUnderTraffic(unsigned loops) {
        HttpServerOptions http;
        http.hub.ioThreads = loops;
        server = std::make_unique<TestServer>(ServerOptions(), std::move(http));
        Server& sio = server->sio;
        std::atomic<int> wrongOrder{0};
        std::atomic<int> emitted{-1};
        // Under the emitter's lock: what it counted has been sent, and no more comes.
        std::mutex emitting;
        sio.on("start", [&](Socket& socket) {
            const std::lock_guard<std::mutex> lock(emitting);
            socket.saveSession(Value::Array{0, emitted.load()});
            socket.join("numbers");
        });
        sio.on("up", [&](Socket& socket, int number) {
            const Value session = socket.getSession();
            if (number != session[0].asInteger()) ++wrongOrder;
            socket.saveSession(Value::Array{number + 1, session[1]});
        });
        sio.on("stop", [&](Socket& socket) {
            const std::lock_guard<std::mutex> lock(emitting);
            socket.leave("numbers");
            const Value session = socket.getSession();
            return std::tuple{session[0], session[1], emitted.load()};
        });
        std::atomic<bool> done{false};
        sio.startBackgroundTask([&] {
            while (!done && sio.sleep(1ms)) {
                const std::lock_guard<std::mutex> lock(emitting);
                sio.emit("down", emitted + 1, {.room = "numbers"});
                ++emitted;
            }
        });
        server->start();
        port = server->port();

        std::atomic<int> next{0};
        std::mutex mutex;
        std::vector<std::string> problems;
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                std::mt19937 random(static_cast<unsigned>(t));
                while (next++ < kUpgrades) {
                    std::string problem;
                    try {
                        problem = UpgradingClient(port, random).run();
                    } catch (const std::exception& e) {
                        problem = e.what();
                    }
                    if (problem.empty()) continue;
                    const std::lock_guard<std::mutex> lock(mutex);
                    problems.push_back(problem);
                }
            });
        for (std::thread& thread : threads) thread.join();
        done = true;
        server.reset();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(problems.empty() ? "" : problems.front(), std::size_t(0),
                                     problems.size());
        CPPUNIT_ASSERT_EQUAL(0, wrongOrder.load());
    }

    std::unique_ptr<TestServer> server;
    std::uint16_t port = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(UpgradeConformanceTest);

}  // namespace socketio
