// A running server driven with raw bytes: the rules of Engine.IO, revisions 3 and 4, one by one.
#include <string>
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

class EngineConformanceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EngineConformanceTest);
    CPPUNIT_TEST(handshakesOverPollingTellTheSession);
    CPPUNIT_TEST(handshakesOverWebSocketTellTheSession);
    CPPUNIT_TEST(whatIsConfiguredIsAnnounced);
    CPPUNIT_TEST(transportsMayBeSwitchedOff);
    CPPUNIT_TEST(revisionsMayBeSwitchedOff);
    CPPUNIT_TEST(parametersThatMeanNothingAreIgnored);
    CPPUNIT_TEST(requestsThatAreNoneOfOursGetTheOfficialErrors);
    CPPUNIT_TEST(badWebSocketRequestsGetTheOfficialErrors);
    CPPUNIT_TEST(anUnknownSessionIsRefused);
    CPPUNIT_TEST(aSessionIsRefusedOverTheWrongTransport);
    CPPUNIT_TEST(errorsCarryTheHeadersForTheirOrigin);
    CPPUNIT_TEST(methodsOtherThanGetAndPostAreRefused);
    CPPUNIT_TEST(aGoodPostIsAnsweredOk);
    CPPUNIT_TEST(badPayloadsEndTheSessionWith400);
    CPPUNIT_TEST(aBodyOverTheLimitIs413);
    CPPUNIT_TEST(binaryContentTypesAreRefusedInRevision4);
    CPPUNIT_TEST(aSecondPollEndsTheSession);
    CPPUNIT_TEST(aSecondPostEndsTheSession);
    CPPUNIT_TEST(aPollThatIsAbortedEndsTheSession);
    CPPUNIT_TEST(aClosePacketReleasesThePoll);
    CPPUNIT_TEST(theServerClosesWithTheNextPoll);
    CPPUNIT_TEST(atMostSixteenPacketsLeaveInOnePoll);
    CPPUNIT_TEST(aThousandPacketsInOnePostAreAllHandled);
    CPPUNIT_TEST(theServerPingsClientsOfRevision4);
    CPPUNIT_TEST(aClientThatDoesNotAnswerPingsIsGoneInTime);
    CPPUNIT_TEST(clientsOfRevision3PingTheServer);
    CPPUNIT_TEST(aPongOfRevision3CarriesNothing);
    CPPUNIT_TEST(aPingFromAClientOfRevision4IsAnError);
    CPPUNIT_TEST(aSilentClientOfRevision3IsGoneInTime);
    CPPUNIT_TEST(aSilentClientOfRevision3IsGoneAfterAnUpgrade);
    CPPUNIT_TEST(payloadsOfRevision3CountUtf16Units);
    CPPUNIT_TEST(binaryPayloadsOfRevision3);
    CPPUNIT_TEST(postsOfRevision3MayBeTextOrBinaryAtAnyTime);
    CPPUNIT_TEST(base64ForClientsOfRevision3ThatAskForIt);
    CPPUNIT_TEST(base64OverWebSocketForWhoeverAsksForIt);
    CPPUNIT_TEST(binaryMessagesOverPollingAreBase64InRevision4);
    CPPUNIT_TEST(binaryFramesByRevision);
    CPPUNIT_TEST(tooLargeAMessageOverWebSocketIs1009);
    CPPUNIT_TEST(badWebSocketPacketsEndTheSession);
    CPPUNIT_TEST(aClosePacketOverWebSocketEndsTheSession);
    CPPUNIT_TEST(theRevisionIsFixedAtTheHandshake);
    CPPUNIT_TEST(pollAnswersAreCompressedOnDemand);
    CPPUNIT_TEST(originsAreCheckedOnEveryTransport);
    CPPUNIT_TEST(preflightsAreAnsweredWithWhatIsAllowed);
    CPPUNIT_TEST(theCookieIsSetOnceOverPolling);
    CPPUNIT_TEST(jsonpIsAStringLiteralOrRefused);
    CPPUNIT_TEST(pathsAreMatchedWithTheirSlash);
    CPPUNIT_TEST_SUITE_END();

    static constexpr const char* kPolling = "/socket.io/?EIO=4&transport=polling";
    static constexpr const char* kWebSocket = "/socket.io/?EIO=4&transport=websocket";

    void start(ServerOptions options = {}) {
        server = std::make_unique<TestServer>(std::move(options));
        server->sio.on("echo", [](Socket&, const Value& value) { return value; });
        server->sio.on("burst", [](Socket& socket, int count) {
            for (int i = 0; i < count; ++i) socket.emit("n", i);
        });
        server->sio.on("count", [this](Socket&, int number) { numbers.push_back(number); });
        server->start();
        port = server->port();
    }

    static std::string error(int code, std::string_view message) {
        return "{\"code\":" + std::to_string(code) + ",\"message\":\"" + std::string(message) +
               "\"}";
    }

    void assertGone(PollingClient& client) {
        const RawResponse answer = RawClient(port).get(client.target());
        CPPUNIT_ASSERT_EQUAL(400, answer.status);
        CPPUNIT_ASSERT_EQUAL(error(1, "Session ID unknown"), answer.body);
    }

    std::size_t sessions() { return server->sio.manager().getParticipants("/", "").size(); }

public:
    void tearDown() override { server.reset(); }

    void handshakesOverPollingTellTheSession() {
        start();
        const RawResponse answer = RawClient(port).get(kPolling);
        CPPUNIT_ASSERT_EQUAL(200, answer.status);
        CPPUNIT_ASSERT_EQUAL("text/plain; charset=UTF-8"s, answer.header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL("no-store"s, answer.header("Cache-Control"));
        const std::string sid = jsonString(answer.body, "sid");
        CPPUNIT_ASSERT_EQUAL(std::size_t(20), sid.size());
        CPPUNIT_ASSERT_EQUAL("0{\"sid\":\"" + sid +
                                 "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
                                 "\"pingTimeout\":20000,\"maxPayload\":1000000}",
                             answer.body);
        // Revision 3: the main namespace is joined unasked.
        const RawResponse old = RawClient(port).get("/socket.io/?EIO=3&transport=polling&b64=1");
        CPPUNIT_ASSERT_EQUAL(200, old.status);
        const std::size_t colon = old.body.find(':');
        const std::size_t length = std::stoul(old.body.substr(0, colon));
        CPPUNIT_ASSERT_EQUAL("0{\"sid\":\"" + jsonString(old.body, "sid") +
                                 "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
                                 "\"pingTimeout\":20000,\"maxPayload\":1000000}",
                             old.body.substr(colon + 1, length));
        // The answer to the implicit CONNECT comes with it or with the next poll.
        std::string rest = old.body.substr(colon + 1 + length);
        if (rest.empty())
            rest =
                RawClient(port)
                    .get("/socket.io/?EIO=3&transport=polling&sid=" + jsonString(old.body, "sid"))
                    .body;
        CPPUNIT_ASSERT_EQUAL("2:40"s, rest);
    }

    void whatIsConfiguredIsAnnounced() {
        ServerOptions options;
        options.pingInterval = 1234ms;
        options.pingTimeout = 567ms;
        options.maxHttpBufferSize = 89'000;
        options.allowUpgrades = false;
        start(options);
        const std::string expected =
            "\"upgrades\":[],\"pingInterval\":1234,\"pingTimeout\":567,\"maxPayload\":89000}";
        for (const char* eio : {"EIO=4", "EIO=3&b64=1"}) {
            const std::string body =
                RawClient(port).get("/socket.io/?transport=polling&"s + eio).body;
            CPPUNIT_ASSERT_MESSAGE(body, body.find(expected) != body.npos);
        }
        CPPUNIT_ASSERT(WebSocketClient(port).openPacket().find(expected) != std::string::npos);
        // An upgrade that is not announced is still accepted.
        PollingClient client(port);
        client.connect();
        WebSocketClient candidate(port, client.sid());
        candidate.send("2probe");
        CPPUNIT_ASSERT_EQUAL("3probe"s, candidate.next());
        candidate.send("5");
        candidate.send("421[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("431[1]"s, candidate.next());
    }

    void transportsMayBeSwitchedOff() {
        for (const bool polling : {true, false}) {
            ServerOptions options;
            options.transports = {polling ? "polling" : "websocket"};
            start(options);
            const RawResponse get = RawClient(port).get(kPolling);
            RawClient webSocket(port);
            webSocket.send(RawClient::upgradeRequest(kWebSocket));
            const RawResponse upgraded = webSocket.readResponse();
            CPPUNIT_ASSERT_EQUAL(polling ? 200 : 400, get.status);
            CPPUNIT_ASSERT_EQUAL(polling ? 400 : 101, upgraded.status);
            CPPUNIT_ASSERT_EQUAL(error(0, "Transport unknown"), polling ? upgraded.body : get.body);
            if (!polling) continue;
            CPPUNIT_ASSERT(get.body.find("\"upgrades\":[]") != std::string::npos);
            RawClient candidate(port);
            candidate.send(RawClient::upgradeRequest(std::string(kWebSocket) +
                                                     "&sid=" + jsonString(get.body, "sid")));
            CPPUNIT_ASSERT_EQUAL(400, candidate.readResponse().status);
        }
    }

    void revisionsMayBeSwitchedOff() {
        for (const bool three : {true, false}) {
            ServerOptions options;
            options.engineIo3 = three;
            options.engineIo4 = !three;
            start(options);
            for (const bool asked : {true, false}) {
                const std::string eio = asked ? "EIO=3" : "EIO=4";
                const RawResponse get = RawClient(port).get("/socket.io/?transport=polling&" + eio);
                RawClient webSocket(port);
                webSocket.send(RawClient::upgradeRequest("/socket.io/?transport=websocket&" + eio));
                const RawResponse upgraded = webSocket.readResponse();
                CPPUNIT_ASSERT_EQUAL_MESSAGE(eio, asked == three ? 200 : 400, get.status);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(eio, asked == three ? 101 : 400, upgraded.status);
                if (asked == three) continue;
                CPPUNIT_ASSERT_EQUAL(error(5, "Unsupported protocol version"), get.body);
                CPPUNIT_ASSERT_EQUAL(error(5, "Unsupported protocol version"), upgraded.body);
            }
        }
    }

    void parametersThatMeanNothingAreIgnored() {
        start();
        RawClient client(port);
        const std::string body = client.get(std::string(kPolling) + "&t=Oq1x&x=%20&flag&=").body;
        const std::string target =
            std::string(kPolling) + "&t=Oq1y&sid=" + jsonString(body, "sid") + "&t=1";
        CPPUNIT_ASSERT_EQUAL("ok"s, client.post(target, "40").body);
        CPPUNIT_ASSERT_EQUAL("40{"s, client.get(target).body.substr(0, 3));
    }

    void handshakesOverWebSocketTellTheSession() {
        start();
        WebSocketClient client(port);
        CPPUNIT_ASSERT_EQUAL("0{\"sid\":\"" + client.sid() +
                                 "\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"
                                 "\"maxPayload\":1000000}",
                             client.openPacket());
        CPPUNIT_ASSERT_EQUAL("40{\"sid\":\""s, client.connect().substr(0, 10));
    }

    void requestsThatAreNoneOfOursGetTheOfficialErrors() {
        ServerOptions options;
        start(options);
        struct Case {
            const char* query;
            int status, code;
            const char* message;
        };
        const Case cases[] = {
            {"EIO=4", 400, 0, "Transport unknown"},
            {"EIO=4&transport=", 400, 0, "Transport unknown"},
            {"EIO=4&transport=abc", 400, 0, "Transport unknown"},
            {"EIO=4&transport=webtransport", 400, 0, "Transport unknown"},
            {"EIO=4&transport=__proto__", 400, 0, "Transport unknown"},
            {"EIO=4&transport=polling&sid=abc", 400, 1, "Session ID unknown"},
            {"EIO=4&transport=polling&sid=__proto__", 400, 1, "Session ID unknown"},
            {"EIO=4&transport=websocket", 400, 3, "Bad request"},
            {"transport=polling", 400, 5, "Unsupported protocol version"},
            {"EIO=5&transport=polling", 400, 5, "Unsupported protocol version"},
            {"EIO=2&transport=polling", 400, 5, "Unsupported protocol version"},
            {"EIO=&transport=polling", 400, 5, "Unsupported protocol version"},
            {"EIO=4x&transport=polling", 400, 5, "Unsupported protocol version"},
            {"EIO=04&transport=polling", 400, 5, "Unsupported protocol version"},
            {"EIO[]=4&transport=polling", 400, 5, "Unsupported protocol version"},
        };
        RawClient client(port);
        for (const Case& c : cases) {
            const RawResponse answer = client.get("/socket.io/?" + std::string(c.query));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, c.status, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, error(c.code, c.message), answer.body);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, "application/json"s,
                                         answer.header("Content-Type"));
        }
    }

    void badWebSocketRequestsGetTheOfficialErrors() {
        start();
        const std::pair<const char*, std::string> cases[] = {
            {"EIO=4&transport=abc", error(0, "Transport unknown")},
            {"EIO=4&transport=websocket&sid=unknown", error(1, "Session ID unknown")},
            {"EIO=4&transport=polling&sid=unknown", error(1, "Session ID unknown")},
            {"EIO=5&transport=websocket", error(5, "Unsupported protocol version")},
            {"transport=websocket", error(5, "Unsupported protocol version")},
        };
        for (const auto& [query, body] : cases) {
            RawClient client(port);
            client.send(RawClient::upgradeRequest("/socket.io/?" + std::string(query)));
            const RawResponse answer = client.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, body, answer.body);
        }
        // The handshake of a WebSocket with the name of the other transport: accepted and closed.
        RawClient client(port);
        client.upgrade(kPolling);
        CPPUNIT_ASSERT_EQUAL(1005, client.readFrame().closeCode());
    }

    void anUnknownSessionIsRefused() {
        start();
        for (const char* method : {"GET", "POST"}) {
            RawClient client(port);
            client.request(method, std::string(kPolling) + "&sid=unknown", "",
                           method == "POST"s ? "40" : "");
            const RawResponse answer = client.readResponse();
            CPPUNIT_ASSERT_EQUAL(400, answer.status);
            CPPUNIT_ASSERT_EQUAL(error(1, "Session ID unknown"), answer.body);
        }
    }

    void aSessionIsRefusedOverTheWrongTransport() {
        start();
        // A WebSocket's by polling.
        WebSocketClient webSocket(port);
        const std::string target = std::string(kPolling) + "&sid=" + webSocket.sid();
        for (const RawResponse& answer :
             {RawClient(port).get(target), RawClient(port).post(target, "40")}) {
            CPPUNIT_ASSERT_EQUAL(400, answer.status);
            CPPUNIT_ASSERT_EQUAL(error(3, "Bad request"), answer.body);
        }
        CPPUNIT_ASSERT_EQUAL("40{"s, webSocket.connect().substr(0, 3));
        // A polling one's as a WebSocket's without the handshake of one.
        PollingClient polling(port);
        const RawResponse answer =
            RawClient(port).get(std::string(kWebSocket) + "&sid=" + polling.sid());
        CPPUNIT_ASSERT_EQUAL(400, answer.status);
        CPPUNIT_ASSERT_EQUAL(error(3, "Bad request"), answer.body);
        CPPUNIT_ASSERT_EQUAL("40{"s, polling.connect().substr(0, 3));
    }

    void errorsCarryTheHeadersForTheirOrigin() {
        ServerOptions options;
        options.corsAllowedOrigins = AllowedOrigins("https://good.example");
        start(options);
        for (const char* query : {"EIO=4&transport=abc", "EIO=5&transport=polling",
                                  "EIO=4&transport=polling&sid=unknown"}) {
            const RawResponse answer =
                RawClient(port).get("/socket.io/?"s + query, "Origin: https://good.example\r\n");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, "https://good.example"s,
                                         answer.header("Access-Control-Allow-Origin"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, "no-store"s, answer.header("Cache-Control"));
        }
    }

    void methodsOtherThanGetAndPostAreRefused() {
        start();
        PollingClient client(port);
        for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
            RawClient raw(port);
            raw.request(method, kPolling);
            const RawResponse answer = raw.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, 400, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, error(2, "Bad handshake method"), answer.body);
        }
        for (const char* method : {"PUT", "DELETE"}) {
            RawClient raw(port);
            raw.request(method, client.target());
            const RawResponse answer = raw.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, 405, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, "OPTIONS, GET, POST"s, answer.header("Allow"));
        }
        CPPUNIT_ASSERT_EQUAL("40{"s, client.connect().substr(0, 3));  // the session is unharmed
    }

    void aGoodPostIsAnsweredOk() {
        start();
        PollingClient client(port);
        const RawResponse answer = client.rawPost("40");
        CPPUNIT_ASSERT_EQUAL(200, answer.status);
        CPPUNIT_ASSERT_EQUAL("ok"s, answer.body);
        CPPUNIT_ASSERT_EQUAL("text/html"s, answer.header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL("2"s, answer.header("Content-Length"));
        CPPUNIT_ASSERT_EQUAL("no-store"s, answer.header("Cache-Control"));
        const RawResponse poll = client.rawPoll();
        CPPUNIT_ASSERT_EQUAL(200, poll.status);
        CPPUNIT_ASSERT_EQUAL("text/plain; charset=UTF-8"s, poll.header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL(std::to_string(poll.body.size()), poll.header("Content-Length"));
        CPPUNIT_ASSERT_EQUAL("no-store"s, poll.header("Cache-Control"));
        CPPUNIT_ASSERT_EQUAL("ok"s, client.rawPost("6").body);  // a noop
    }

    void badPayloadsEndTheSessionWith400() {
        start();
        const std::string_view payloads[] = {"",
                                             "abc",
                                             "9",
                                             "\x1e",
                                             "\x1e\x1e",
                                             "4a\x1e",
                                             "b!!!!",
                                             "b",
                                             "bAA=A",
                                             "4\xff\xfe",
                                             "40\x1e\x1e"
                                             "42",
                                             "7"};
        for (const std::string_view payload : payloads) {
            PollingClient client(port);
            const RawResponse answer = client.rawPost(payload);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(payload), 400, answer.status);
            assertGone(client);
        }
    }

    void aBodyOverTheLimitIs413() {
        ServerOptions options;
        options.maxHttpBufferSize = 1000;
        start(options);
        PollingClient client(port);
        client.connect();
        client.post("42[\"x\",\"" + std::string(1000 - 10, 'a') + "\"]");  // 1,000 bytes
        RawResponse answer = client.rawPost("4" + std::string(1000, 'a'));
        CPPUNIT_ASSERT_EQUAL(413, answer.status);
        CPPUNIT_ASSERT_EQUAL(""s, answer.body);
        RawClient chunked(port);
        chunked.send("POST " + client.target() +
                     " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n4" +
                     std::string(1000, 'a') + "\r\n0\r\n\r\n");
        CPPUNIT_ASSERT_EQUAL(413, chunked.readResponse().status);
        client.post("421[\"echo\",1]");  // the session goes on
        CPPUNIT_ASSERT_EQUAL("431[1]"s, client.next());
    }

    void binaryContentTypesAreRefusedInRevision4() {
        start();
        PollingClient client(port);
        const RawResponse answer =
            client.rawPost("40", "Content-Type: application/octet-stream\r\n");
        CPPUNIT_ASSERT_EQUAL(400, answer.status);
        assertGone(client);
    }

    void aSecondPollEndsTheSession() {
        start();
        PollingClient client(port);
        client.connect();
        client.startPoll();
        barrier(server->hub());
        const RawResponse second = RawClient(port).get(client.target());
        CPPUNIT_ASSERT_EQUAL(400, second.status);
        CPPUNIT_ASSERT_EQUAL(error(3, "Bad request"), second.body);
        const RawResponse first = client.getter().readResponse();
        CPPUNIT_ASSERT_EQUAL(200, first.status);
        CPPUNIT_ASSERT_EQUAL("1"s, first.body);
        assertGone(client);
    }

    void aSecondPostEndsTheSession() {
        start();
        PollingClient client(port);
        client.connect();
        // The head of a POST has come, its body has not.
        client.poster().send("POST " + client.target() +
                             " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n42[");
        barrier(server->hub());
        const RawResponse second = RawClient(port).post(client.target(), "42[\"x\"]");
        CPPUNIT_ASSERT_EQUAL(400, second.status);
        CPPUNIT_ASSERT_EQUAL(error(3, "Bad request"), second.body);
        assertGone(client);
    }

    void aPollThatIsAbortedEndsTheSession() {
        start();
        for (const bool reset : {false, true}) {
            PollingClient client(port);
            client.connect();
            client.startPoll();
            barrier(server->hub());
            if (reset)
                client.getter().reset();
            else
                client.getter().close();
            CPPUNIT_ASSERT(eventually([&] { return sessions() == 0; }));
            assertGone(client);
        }
    }

    void aClosePacketReleasesThePoll() {
        start();
        PollingClient client(port);
        client.connect();
        client.startPoll();
        barrier(server->hub());
        client.post("1");
        CPPUNIT_ASSERT_EQUAL("6"s, client.readPoll().at(0));
        assertGone(client);
    }

    void theServerClosesWithTheNextPoll() {
        start();
        server->sio.on("leave", [](Socket& socket) { socket.disconnect(true); });
        for (const bool pending : {true, false}) {
            PollingClient client(port);
            client.connect();
            if (pending) {
                client.startPoll();
                barrier(server->hub());
            }
            client.post("42[\"leave\"]");
            if (!pending) {
                CPPUNIT_ASSERT(eventually([&] { return sessions() == 0; }));
                client.startPoll();
            }
            std::vector<std::string> packets = client.readPoll();
            if (packets.back() != "1") packets.push_back(client.poll().at(0));
            CPPUNIT_ASSERT(packets == (std::vector<std::string>{"41", "1"}));
            assertGone(client);
        }
    }

    void atMostSixteenPacketsLeaveInOnePoll() {
        start();
        PollingClient client(port);
        client.connect();
        client.post("42[\"burst\",100]");
        int next = 0;
        while (next < 100) {
            const std::vector<std::string> packets = client.poll();
            CPPUNIT_ASSERT(packets.size() <= 16);
            for (const std::string& packet : packets)
                CPPUNIT_ASSERT_EQUAL("42[\"n\"," + std::to_string(next++) + "]", packet);
        }
    }

    void aThousandPacketsInOnePostAreAllHandled() {
        start();
        PollingClient client(port);
        client.connect();
        const auto payload = [](int count) {
            std::string text;
            for (int i = 0; i < count; ++i)
                text += (i ? "\x1e" : "") + ("42[\"count\"," + std::to_string(i)) + "]";
            return text;
        };
        client.post(payload(999) + "\x1e" + "427[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("437[1]"s, client.next());
        CPPUNIT_ASSERT_EQUAL(std::size_t(999), numbers.size());
        for (int i = 0; i < 999; ++i) CPPUNIT_ASSERT_EQUAL(i, numbers[i]);
        CPPUNIT_ASSERT_EQUAL(400, client.rawPost(payload(1001)).status);
        assertGone(client);
    }

    void theServerPingsClientsOfRevision4() {
        ServerOptions options;
        options.pingInterval = 50ms;
        options.pingTimeout = 2000ms;
        start(options);
        PollingClient polling(port);
        WebSocketClient webSocket(port);
        for (int i = 0; i < 3; ++i) {
            CPPUNIT_ASSERT_EQUAL("2"s, polling.poll().at(0));
            polling.post("3");
            CPPUNIT_ASSERT_EQUAL("2"s, webSocket.frame().payload);
            webSocket.send("3");
        }
    }

    void aClientThatDoesNotAnswerPingsIsGoneInTime() {
        ServerOptions options;
        options.pingInterval = 100ms;
        options.pingTimeout = 100ms;
        start(options);
        const auto begin = std::chrono::steady_clock::now();
        WebSocketClient webSocket(port);
        CPPUNIT_ASSERT_EQUAL("2"s, webSocket.frame().payload);
        const RawFrame close = webSocket.frame();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), close.opcode);
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 200ms);
        // Polling: the client polls and gets the ping, but never answers it.
        PollingClient polling(port);
        CPPUNIT_ASSERT_EQUAL("2"s, polling.poll().at(0));
        const RawResponse last = polling.rawPoll();
        CPPUNIT_ASSERT(last.status == 400 || last.body == "1");
        assertGone(polling);
    }

    void clientsOfRevision3PingTheServer() {
        ServerOptions options;
        options.pingInterval = 100ms;
        options.pingTimeout = 200ms;
        start(options);
        RawClient client(port);
        client.upgrade("/socket.io/?EIO=3&transport=websocket");
        client.readText();  // open
        CPPUNIT_ASSERT_EQUAL("40"s, client.readText());
        const auto end = std::chrono::steady_clock::now() + 600ms;  // twice the limit
        while (std::chrono::steady_clock::now() < end) {
            client.sendText("2");
            CPPUNIT_ASSERT_EQUAL("3"s, client.readText());
            CPPUNIT_ASSERT(!client.readable(50ms));  // no ping of the server
        }
    }

    void aPongOfRevision3CarriesNothing() {
        start();
        RawClient webSocket(port);
        webSocket.upgrade("/socket.io/?EIO=3&transport=websocket");
        webSocket.readText();  // open
        webSocket.readText();  // 40
        for (const char* ping : {"2", "2probe", "2anything"}) {
            webSocket.sendText(ping);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(ping, "3"s, webSocket.readText());
        }
        RawClient polling(port);
        const std::string base =
            "/socket.io/?EIO=3&transport=polling&b64=1&sid=" + openOld(polling, "&b64=1");
        CPPUNIT_ASSERT_EQUAL("ok"s, polling.post(base, "6:2probe").body);
        CPPUNIT_ASSERT_EQUAL("1:3"s, polling.get(base).body);
    }

    void aPingFromAClientOfRevision4IsAnError() {
        start();
        PollingClient polling(port);
        CPPUNIT_ASSERT_EQUAL(400, polling.rawPost("2").status);
        assertGone(polling);
        WebSocketClient webSocket(port);
        webSocket.send("2");
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), webSocket.frame().opcode);
    }

    void aSilentClientOfRevision3IsGoneInTime() {
        ServerOptions options;
        options.pingInterval = 100ms;
        options.pingTimeout = 100ms;
        start(options);
        RawClient client(port);
        const auto begin = std::chrono::steady_clock::now();
        client.upgrade("/socket.io/?EIO=3&transport=websocket");
        client.readText();
        client.readText();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), client.readFrame().opcode);
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 200ms);
    }

    void aSilentClientOfRevision3IsGoneAfterAnUpgrade() {
        ServerOptions options;
        options.pingInterval = 150ms;
        options.pingTimeout = 150ms;
        start(options);
        RawClient polling(port);
        const std::string sid =
            jsonString(polling.get("/socket.io/?EIO=3&transport=polling&b64=1").body, "sid");
        RawClient webSocket(port);
        webSocket.upgrade("/socket.io/?EIO=3&transport=websocket&sid=" + sid);
        webSocket.sendText("2probe");
        CPPUNIT_ASSERT_EQUAL("3probe"s, webSocket.readText());
        webSocket.sendText("5");
        webSocket.sendText("2");
        RawFrame frame = webSocket.readFrame();
        while (frame.opcode == RawFrame::Text) frame = webSocket.readFrame();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), frame.opcode);
    }

    void payloadsOfRevision3CountUtf16Units() {
        start();
        RawClient client(port);
        const std::string base =
            "/socket.io/?EIO=3&transport=polling&b64=1&sid=" + openOld(client, "&b64=1");
        // An emoji counts two, the euro sign one.
        const std::string packet = "421[\"echo\",\"€😀\"]";
        CPPUNIT_ASSERT_EQUAL("ok"s, client.post(base, "17:" + packet).body);
        CPPUNIT_ASSERT_EQUAL("10:431[\"€😀\"]"s, client.get(base).body);
        CPPUNIT_ASSERT_EQUAL(400, client.post(base, "21:" + packet).status);  // bytes: wrong
    }

    void binaryPayloadsOfRevision3() {
        start();
        RawClient client(port);
        const std::string base = "/socket.io/?EIO=3&transport=polling&sid=" + openOld(client, "");
        const std::string header = "451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]";
        CPPUNIT_ASSERT_EQUAL(std::size_t(43), header.size());
        const std::string body = "\x00\x04\x03\xff"s + header + "\x01\x04\xff\x04\x01\x02\x03"s;
        CPPUNIT_ASSERT_EQUAL(
            "ok"s, client.post(base, body, "Content-Type: application/octet-stream\r\n").body);
        const RawResponse answer = client.get(base);
        CPPUNIT_ASSERT_EQUAL("application/octet-stream"s, answer.header("Content-Type"));
        const std::string ack = "461-1[{\"_placeholder\":true,\"num\":0}]";
        CPPUNIT_ASSERT_EQUAL("\x00\x03\x06\xff"s + ack + "\x01\x04\xff\x04\x01\x02\x03"s,
                             answer.body);
    }

    void postsOfRevision3MayBeTextOrBinaryAtAnyTime() {
        start();
        RawClient client(port);
        for (const char* b64 : {"", "&b64=1"}) {
            const std::string base =
                "/socket.io/?EIO=3&transport=polling&sid=" + openOld(client, b64);
            for (int i = 1; i <= 3; ++i) {
                const std::string digit = std::to_string(i);
                const std::string packet = "42" + digit + "[\"echo\"," + digit + "]";
                const bool binary = i % 2 == 0;
                const RawResponse answer =
                    binary ? client.post(base, "\x00\x01\x03\xff"s + packet,
                                         "Content-Type: application/octet-stream\r\n")
                           : client.post(base, "13:" + packet);
                CPPUNIT_ASSERT_EQUAL("ok"s, answer.body);
                CPPUNIT_ASSERT_EQUAL("6:43" + digit + "[" + digit + "]", client.get(base).body);
            }
        }
    }

    void base64OverWebSocketForWhoeverAsksForIt() {
        start();
        const std::string event = "451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]";
        const std::string ack = "461-1[{\"_placeholder\":true,\"num\":0}]";
        for (const bool four : {true, false}) {
            RawClient client(port);
            client.upgrade("/socket.io/?transport=websocket&b64=1&EIO="s + (four ? "4" : "3"));
            client.readText();  // open
            if (four) client.sendText("40");
            client.readText();  // 40
            const std::string attachment = four ? "bAQID" : "b4AQID";
            client.sendText(event);
            client.sendText(attachment);
            CPPUNIT_ASSERT_EQUAL(ack, client.readText());
            CPPUNIT_ASSERT_EQUAL(attachment, client.readText());
            // A binary frame is understood all the same.
            client.sendText(event);
            client.sendBinary(four ? "\x01\x02\x03" : "\x04\x01\x02\x03");
            CPPUNIT_ASSERT_EQUAL(ack, client.readText());
            CPPUNIT_ASSERT_EQUAL(attachment, client.readText());
        }
    }

    void base64ForClientsOfRevision3ThatAskForIt() {
        start();
        RawClient client(port);
        // Asked for once, at the handshake.
        const std::string base =
            "/socket.io/?EIO=3&transport=polling&sid=" + openOld(client, "&b64=1");
        const std::string header = "451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]";
        CPPUNIT_ASSERT_EQUAL("ok"s, client.post(base, "43:" + header + "10:b4AQIDBA==").body);
        CPPUNIT_ASSERT_EQUAL("36:461-1[{\"_placeholder\":true,\"num\":0}]10:b4AQIDBA=="s,
                             client.get(base).body);
    }

    void binaryMessagesOverPollingAreBase64InRevision4() {
        start();
        PollingClient client(port);
        client.connect();
        client.post(
            "451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1e"
            "bAQID");
        CPPUNIT_ASSERT_EQUAL("461-1[{\"_placeholder\":true,\"num\":0}]"s, client.next());
        CPPUNIT_ASSERT_EQUAL("bAQID"s, client.next());
    }

    void binaryFramesByRevision() {
        start();
        WebSocketClient client(port);
        client.connect();
        client.send("451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]");
        client.sendBinary("\x01\x02\x03");
        CPPUNIT_ASSERT_EQUAL("461-1[{\"_placeholder\":true,\"num\":0}]"s, client.next());
        RawFrame frame = client.frame();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Binary), frame.opcode);
        CPPUNIT_ASSERT_EQUAL("\x01\x02\x03"s, frame.payload);

        RawClient old(port);
        old.upgrade("/socket.io/?EIO=3&transport=websocket");
        old.readText();
        old.readText();
        old.sendText("451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]");
        old.sendBinary("\x04\x01\x02\x03");
        CPPUNIT_ASSERT_EQUAL("461-1[{\"_placeholder\":true,\"num\":0}]"s, old.readText());
        frame = old.readFrame();
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Binary), frame.opcode);
        CPPUNIT_ASSERT_EQUAL("\x04\x01\x02\x03"s, frame.payload);
    }

    void tooLargeAMessageOverWebSocketIs1009() {
        ServerOptions options;
        options.maxHttpBufferSize = 1000;
        start(options);
        WebSocketClient client(port);
        client.connect();
        client.send("42[\"x\",\"" + std::string(1000 - 10, 'a') + "\"]");
        client.send("421[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("431[1]"s, client.next());
        client.raw().trySend(RawClient::frame(RawFrame::Text, "4" + std::string(1000, 'a')));
        const RawFrame close = client.frame();
        CPPUNIT_ASSERT_EQUAL(1009, close.closeCode());
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), close.payload.size());  // no reason
    }

    void badWebSocketPacketsEndTheSession() {
        start();
        for (const char* packet : {"", "9", "abc", "7", "2probe", "0{}"}) {
            WebSocketClient client(port);
            client.connect();
            client.send(packet);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(packet, int(RawFrame::Close), client.frame().opcode);
        }
    }

    void aClosePacketOverWebSocketEndsTheSession() {
        start();
        WebSocketClient client(port);
        client.connect();
        client.send("1");
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), client.frame().opcode);
    }

    void theRevisionIsFixedAtTheHandshake() {
        start();
        PollingClient client(port);
        client.connect();
        for (const char* eio : {"EIO=3&", "EIO=5&", ""}) {
            RawClient raw(port);
            raw.send(RawClient::upgradeRequest("/socket.io/?" + std::string(eio) +
                                               "transport=websocket&sid=" + client.sid()));
            const RawResponse upgrade = raw.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(eio, 400, upgrade.status);
            const std::string refusal = eio == "EIO=3&"s ? error(3, "Bad request")
                                                         : error(5, "Unsupported protocol version");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(eio, refusal, upgrade.body);
            const RawResponse get = RawClient(port).get("/socket.io/?" + std::string(eio) +
                                                        "transport=polling&sid=" + client.sid());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(eio, 400, get.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(eio, refusal, get.body);
        }
        client.post("421[\"echo\",1]");
        CPPUNIT_ASSERT_EQUAL("431[1]"s, client.next());
    }

    void pollAnswersAreCompressedOnDemand() {
        start();
        struct Case {
            const char* accept;
            std::size_t bytes;
            const char* encoding;
        };
        const Case cases[] = {
            {"gzip", 2000, "gzip"},
            {"deflate", 2000, "deflate"},
            {"deflate, gzip;q=0.5", 2000, "deflate"},
            {"gzip;q=0, deflate;q=0", 2000, ""},
            {"*;q=0", 2000, ""},
            {"identity", 2000, ""},
            {"gzip", 900, ""},
        };
        for (const Case& c : cases) {
            PollingClient client(port);
            client.connect();
            client.post("421[\"echo\",\"" + std::string(c.bytes, 'a') + "\"]");
            client.getter().request("GET", client.target(),
                                    "Accept-Encoding: " + std::string(c.accept) + "\r\n");
            const RawResponse answer = client.getter().readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.accept, std::string(c.encoding),
                                         answer.header("Content-Encoding"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.accept, *c.encoding != 0, answer.body.size() < 200);
            if (*c.encoding)
                CPPUNIT_ASSERT(answer.header("Vary").find("Accept-Encoding") != std::string::npos);
        }
        ServerOptions options;
        options.httpCompression = false;
        start(options);
        PollingClient client(port);
        client.connect();
        client.post("421[\"echo\",\"" + std::string(2000, 'a') + "\"]");
        const RawResponse plain = client.getter().get(client.target(), "Accept-Encoding: gzip\r\n");
        CPPUNIT_ASSERT_EQUAL(""s, plain.header("Content-Encoding"));
        CPPUNIT_ASSERT(plain.body.size() > 2000);
    }

    void originsAreCheckedOnEveryTransport() {
        start();
        const std::string own = "127.0.0.1:" + std::to_string(port);
        struct Case {
            std::string origin;
            bool allowed;
        };
        const Case cases[] = {
            {"http://" + own, true},
            {"https://" + own, true},
            {"http://evil.example", false},
            {"null", false},
            {"http://" + own + ".evil", false},
            {"http://127.0.0.1", false},
            {"HTTP://" + own, false},
        };
        for (const Case& c : cases) {
            const std::string header = "Host: " + own + "\r\nOrigin: " + c.origin + "\r\n";
            RawClient get(port);
            get.send("GET "s + kPolling + " HTTP/1.1\r\n" + header + "\r\n");
            const RawResponse answer = get.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.origin, c.allowed ? 200 : 403, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.origin, c.allowed ? c.origin : ""s,
                                         answer.header("Access-Control-Allow-Origin"));
            if (!c.allowed)
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.origin, error(4, "Forbidden"), answer.body);
            RawClient webSocket(port);
            webSocket.send(
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                header + "\r\n");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.origin, c.allowed ? 101 : 403,
                                         webSocket.readHead().status);
        }
    }

    void preflightsAreAnsweredWithWhatIsAllowed() {
        ServerOptions options;
        options.corsAllowedOrigins = std::vector<std::string>{"https://good.example"};
        start(options);
        RawClient client(port);
        client.request("OPTIONS", kPolling,
                       "Origin: https://good.example\r\nAccess-Control-Request-Method: POST\r\n"
                       "Access-Control-Request-Headers: content-type, x-own\r\n");
        const RawResponse answer = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(204, answer.status);
        CPPUNIT_ASSERT_EQUAL("OPTIONS, GET, POST"s, answer.header("Access-Control-Allow-Methods"));
        CPPUNIT_ASSERT_EQUAL("https://good.example"s, answer.header("Access-Control-Allow-Origin"));
        CPPUNIT_ASSERT_EQUAL("true"s, answer.header("Access-Control-Allow-Credentials"));
        CPPUNIT_ASSERT(answer.header("Access-Control-Allow-Headers").find("x-own") !=
                       std::string::npos);
        CPPUNIT_ASSERT(answer.header("Vary").find("Origin") != std::string::npos);
    }

    void theCookieIsSetOnceOverPolling() {
        ServerOptions options;
        options.cookie = EngineCookie{};
        start(options);
        RawClient client(port);
        const RawResponse answer = client.get(kPolling);
        CPPUNIT_ASSERT_EQUAL(
            "io=" + jsonString(answer.body, "sid") + "; Path=/; HttpOnly; SameSite=Lax",
            answer.header("Set-Cookie"));
        const RawResponse post =
            client.post(std::string(kPolling) + "&sid=" + jsonString(answer.body, "sid"), "40");
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), post.count("Set-Cookie"));
        RawClient webSocket(port);
        CPPUNIT_ASSERT_EQUAL(
            std::size_t(0),
            webSocket.upgrade("/socket.io/?EIO=4&transport=websocket").count("Set-Cookie"));
    }

    void jsonpIsAStringLiteralOrRefused() {
        start();
        CPPUNIT_ASSERT_EQUAL(400, RawClient(port).get(std::string(kPolling) + "&j=1").status);
        server.reset();
        ServerOptions options;
        options.jsonp = true;
        start(options);
        RawClient client(port);
        const RawResponse open = client.get(std::string(kPolling) + "&j=1");
        CPPUNIT_ASSERT_EQUAL(200, open.status);
        CPPUNIT_ASSERT_EQUAL("___eio[1](\"0{\\\"sid\\\":\\\""s, open.body.substr(0, 23));
        CPPUNIT_ASSERT_EQUAL("\");"s, open.body.substr(open.body.size() - 3));
        const std::size_t at = open.body.find("sid\\\":\\\"") + 8;
        const std::string target = std::string(kPolling) + "&j=2&sid=" + open.body.substr(at, 20);
        const char* form = "Content-Type: application/x-www-form-urlencoded\r\n";
        CPPUNIT_ASSERT_EQUAL("ok"s, client.post(target, "d=40", form).body);
        CPPUNIT_ASSERT_EQUAL("___eio[2](\"40{"s, client.get(target).body.substr(0, 14));
        CPPUNIT_ASSERT_EQUAL(
            "ok"s, client.post(target, "d=421%5B%22echo%22%2C%22a%5C%5Cnb%22%5D", form).body);
        CPPUNIT_ASSERT_EQUAL("___eio[2](\"431[\\\"a\\\\nb\\\"]\");"s, client.get(target).body);
        // A backslash and an n stand for a line end of the payload, two and an n for themselves;
        // attachments are base64.
        CPPUNIT_ASSERT_EQUAL(
            "ok"s, client
                       .post(target,
                             "d=451-2%5B%22echo%22,%5Cn%7B%22_placeholder%22:true,%22num%22:0%7D%5D"
                             "%1EbAQID",
                             form)
                       .body);
        CPPUNIT_ASSERT_EQUAL(
            R"(___eio[2]("461-2[{\"_placeholder\":true,\"num\":0}]\u001ebAQID");)"s,
            client.get(target).body);
    }

    void pathsAreMatchedWithTheirSlash() {
        start();
        RawClient client(port);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/socket.io?EIO=4&transport=polling").status);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/other/?EIO=4&transport=polling").status);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/").status);
        CPPUNIT_ASSERT_EQUAL(200, client.get("/socket.io/zz?EIO=4&transport=polling").status);
    }

private:
    /// A session of revision 3 whose `40` has been taken.
    std::string openOld(RawClient& client, const std::string& query) {
        const std::string target = "/socket.io/?EIO=3&transport=polling" + query;
        const RawResponse open = client.get(target);
        const std::string sid = jsonString(open.body, "sid");
        if (open.body.substr(open.body.size() - 2) != "40") client.get(target + "&sid=" + sid);
        return sid;
    }

    std::unique_ptr<TestServer> server;
    std::uint16_t port = 0;
    std::vector<int> numbers;  // written on one strand, read after its acknowledgement
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineConformanceTest);

}  // namespace socketio
