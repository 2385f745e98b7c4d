// A running server driven with raw bytes: the rules of Socket.IO, revisions 4 and 5, one by one,
// over both transports.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/JsonCodec.h"

#include "support/Journal.h"
#include "support/PacketClient.h"
#include "support/TestServer.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

namespace {

using Way = PacketClient::Way;
using Transport = PacketClient::Transport;
constexpr auto& kWays = PacketClient::kWays;
constexpr Way kPolling4{Transport::Polling, 4}, kWebSocket4{Transport::WebSocket, 4};
constexpr Way kPolling3{Transport::Polling, 3}, kWebSocket3{Transport::WebSocket, 3};

std::string json(const Value& value) { return JsonCodec::encode(value); }

Message attachment(std::string bytes) { return Message::attachment(std::move(bytes)); }

}  // namespace

class SocketConformanceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SocketConformanceTest);
    CPPUNIT_TEST(aConnectIsAnsweredWithTheSocketId);
    CPPUNIT_TEST(aClientOfRevision4IsConnectedUnasked);
    CPPUNIT_TEST(authReachesTheConnectHandlerAsItWasSent);
    CPPUNIT_TEST(theQueryOfANamespaceIsAuthInRevision4);
    CPPUNIT_TEST(refusalsInBothRevisions);
    CPPUNIT_TEST(aRefusedClientMayTryAgainAndJoinOthers);
    CPPUNIT_TEST(whoJoinsNothingIsClosedAfterTheConnectTimeout);
    CPPUNIT_TEST(namespacesThatMayBeJoined);
    CPPUNIT_TEST(aCatchAllNamespaceTakesOnlyWhatIsListed);
    CPPUNIT_TEST(tooManyNamespacesEndTheSession);
    CPPUNIT_TEST(aSecondConnectEndsTheSession);
    CPPUNIT_TEST(packetsForNamespacesNeverJoinedEndTheSession);
    CPPUNIT_TEST(packetsForANamespaceJustLeftAreIgnored);
    CPPUNIT_TEST(argumentsReachTheHandlerAndComeBackAsTheAcknowledgement);
    CPPUNIT_TEST(unhandledEventsAreNotAcknowledged);
    CPPUNIT_TEST(whatIsEmittedBecomesArguments);
    CPPUNIT_TEST(acknowledgementsCallBackOnce);
    CPPUNIT_TEST(acknowledgementsThatNobodyWaitsForAreIgnored);
    CPPUNIT_TEST(callWaitsForTheAnswer);
    CPPUNIT_TEST(binaryEventsBothWays);
    CPPUNIT_TEST(binaryAcknowledgementsBothWays);
    CPPUNIT_TEST(atMostTenAttachments);
    CPPUNIT_TEST(packetsOfSeveralThreadsAreNeverInterleaved);
    CPPUNIT_TEST(theAnswerToConnectComesFirst);
    CPPUNIT_TEST(eventsSentRightBehindTheConnectAreHandled);
    CPPUNIT_TEST(aBroadcastReachesEachInItsOwnForm);
    CPPUNIT_TEST(roomsAndThoseLeftOut);
    CPPUNIT_TEST(theClientLeavesWithItsReason);
    CPPUNIT_TEST(theServerDisconnects);
    CPPUNIT_TEST(brokenPacketsEndTheSessionWithItsReason);
    CPPUNIT_TEST(aClientThatFallsSilentTimesOut);
    CPPUNIT_TEST(catchAllHandlersGetTheRest);
    CPPUNIT_TEST(handlersOfOneClientRunInOrderBesideOthers);
    CPPUNIT_TEST(asyncHandlersOfOneClientRunAtOnce);
    CPPUNIT_TEST(reservedNamesNeverReachAHandler);
    CPPUNIT_TEST_SUITE_END();

    TestServer& make(ServerOptions options = {}) {
        server.reset();
        journal.clear();
        server = std::make_unique<TestServer>(std::move(options));
        server->sio.on("echo", [](Socket&, const Value::Array& values) {
            return HandlerResult::acknowledge(values);
        });
        return *server;
    }
    /// Writes down every disconnection of "/" and "/chat".
    void watchDisconnects() {
        for (const char* nsp : {"/", "/chat"})
            server->sio.on(
                "disconnect",
                [this](Socket& socket, DisconnectReason reason) {
                    journal.add(socket.nsp() + " " + std::string(toString(reason)));
                },
                nsp);
    }
    std::uint16_t start() {
        server->start();
        return server->port();
    }
    Server& sio() { return server->sio; }
    bool nobodyIsLeft() { return sio().manager().getNamespaces().empty(); }

    template <class Condition>
    static bool eventually(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }

    static void assertEnded(PacketClient& client, const std::string& what) {
        try {
            client.rest();
        } catch (const std::exception& e) {
            CPPUNIT_FAIL(what + ", " + client.name() + ": not ended: " + e.what());
        }
    }

public:
    void tearDown() override { server.reset(); }

    // ---- connecting

    void aConnectIsAnsweredWithTheSocketId() {
        make();
        const auto port = start();
        for (const Way way : {kPolling4, kWebSocket4}) {
            PacketClient client(port, way);
            const std::string answer = client.connect();
            const std::string sid = answer.substr(9, 20);
            CPPUNIT_ASSERT_EQUAL("0{\"sid\":\"" + sid + "\"}", answer);
            CPPUNIT_ASSERT(sid != client.sid());
            const std::string other = client.connect("/chat");
            const std::string otherSid = other.substr(15, 20);
            CPPUNIT_ASSERT_EQUAL("0/chat,{\"sid\":\"" + otherSid + "\"}", other);
            CPPUNIT_ASSERT(otherSid != sid && otherSid != client.sid());
            CPPUNIT_ASSERT(client.quiet());
            // The comma may be missing at the end.
            PacketClient short_(port, way);
            short_.say("0/chat");
            CPPUNIT_ASSERT_EQUAL("0/chat,{\"sid\":\""s, short_.next().substr(0, 15));
        }
    }

    void aClientOfRevision4IsConnectedUnasked() {
        make();
        sio().on("rooms", [](Socket& socket) { return socket.rooms(); });
        sio().on(
            "rooms", [](Socket& socket) { return socket.rooms(); }, "/chat");
        const auto port = start();
        for (const Way way : {kPolling3, kWebSocket3}) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL("0"s, client.next());
            client.say("21[\"rooms\"]");
            CPPUNIT_ASSERT_EQUAL("31[[\"" + client.sid() + "\"]]", client.next());
            CPPUNIT_ASSERT_EQUAL("0/chat,"s, client.connect("/chat"));
            // The id that these clients compute.
            client.say("2/chat,2[\"rooms\"]");
            CPPUNIT_ASSERT_EQUAL("3/chat,2[[\"/chat#" + client.sid() + "\"]]", client.next());
            PacketClient short_(port, way);
            CPPUNIT_ASSERT_EQUAL("0"s, short_.next());
            short_.say("0/chat");
            CPPUNIT_ASSERT_EQUAL("0/chat,"s, short_.next());
        }
    }

    void authReachesTheConnectHandlerAsItWasSent() {
        make();
        for (const char* nsp : {"/", "/chat"})
            sio().on(
                "connect",
                [this](Socket&, const Environ& environ, const Value& auth) {
                    journal.add(std::string(environ.query().substr(0, 5)) + " " + json(auth));
                },
                nsp);
        const auto port = start();
        struct Case {
            const char *sent, *seen;
        };
        const Case cases[] = {
            {"", "EIO=4 null"},
            {"{}", "EIO=4 {}"},
            {"{\"token\":\"t\"}", "EIO=4 {\"token\":\"t\"}"},
            {"{\"a\":[1,{\"b\":\"\xE2\x82\xAC\"}]}", "EIO=4 {\"a\":[1,{\"b\":\"\xE2\x82\xAC\"}]}"},
        };
        for (const Way way : {kPolling4, kWebSocket4})
            for (const char* nsp : {"/", "/chat"})
                for (const Case& c : cases) {
                    journal.clear();
                    PacketClient client(port, way);
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.sent, '0', client.connect(nsp, c.sent)[0]);
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.sent, std::string(c.seen), journal.text());
                }
    }

    void theQueryOfANamespaceIsAuthInRevision4() {
        make();
        sio().on(
            "connect", [this](Socket&, const Value& auth) { journal.add(json(auth)); }, "/chat");
        sio().on(
            "hello", [](Socket&) { return "there"; }, "/chat");
        const auto port = start();
        struct Case {
            const char *sent, *seen;
        };
        const Case cases[] = {
            {"0/chat,", "null"},
            {"0/chat?token=abc&x=1,", R"({"token":"abc","x":"1"})"},
            {"0/chat?token=abc", R"({"token":"abc"})"},
            {"0/chat?a=%E2%82%AC+1&b,", "{\"a\":\"\xE2\x82\xAC 1\",\"b\":\"\"}"},
        };
        for (const Way way : {kPolling3, kWebSocket3})
            for (const Case& c : cases) {
                journal.clear();
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL("0"s, client.next());
                client.say(c.sent);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.sent, "0/chat,"s, client.next());
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.sent, std::string(c.seen), journal.text());
                // The query may stay with the name in later packets.
                client.say("2/chat?token=abc,1[\"hello\"]");
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.sent, "3/chat,1[\"there\"]"s, client.next());
            }
    }

    void refusalsInBothRevisions() {
        struct Case {
            const char *name, *revision5, *revision4;
        };
        const Case cases[] = {
            {"false", R"({"message":"Connection rejected by server"})",
             R"("Connection rejected by server")"},
            {"message", R"({"message":"bad token"})", R"("bad token")"},
            {"data", R"({"message":"bad token","data":{"code":401}})", R"({"code":401})"},
            {"null data", R"({"message":"bad token","data":null})", "null"},
            {"exception", R"({"message":"Internal error"})", R"("Internal error")"},
            {"number", R"({"message":"Internal error"})", R"("Internal error")"},
        };
        for (const Case& c : cases) {
            make();
            const auto refuse = [&c](Socket& socket) {
                socket.emit("never seen");
                socket.join("room");
                const std::string how = c.name;
                if (how == "message") throw ConnectionRefused("bad token");
                if (how == "data") throw ConnectionRefused("bad token", Value{{"code", 401}});
                if (how == "null data") throw ConnectionRefused("bad token", Value());
                if (how == "exception") throw std::runtime_error("secret");
                if (how == "number") throw 42;
                return false;
            };
            sio().on("connect", refuse);
            sio().on("connect", refuse, "/chat");
            watchDisconnects();
            const auto port = start();
            for (const Way way : kWays) {
                const std::string what = std::string(c.name) + ", " + PacketClient::name(way);
                const std::string data = way.revision == 4 ? c.revision5 : c.revision4;
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "4" + data, client.connect());
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "4/chat," + data, client.connect("/chat"));
                for (const char* nsp : {"/", "/chat"})
                    for (const char* room : {"", "room"})
                        CPPUNIT_ASSERT_MESSAGE(what,
                                               sio().manager().getParticipants(nsp, room).empty());
                sio().emit("broadcast");
                client.sayEngine("1");
            }
            CPPUNIT_ASSERT_EQUAL(""s, journal.text());  // who was refused is not disconnected
        }
    }

    void aRefusedClientMayTryAgainAndJoinOthers() {
        make();
        sio().on(
            "connect",
            [](Socket&, const Value& auth) {
                if (auth["token"] != "right" && auth["token"] != Value("right"))
                    throw ConnectionRefused("bad token");
            },
            "/chat");
        const auto port = start();
        for (const Way way : kWays) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            const bool old = way.revision == 3;
            client.say(old ? "0/chat?token=wrong," : R"(0/chat,{"token":"wrong"})");
            CPPUNIT_ASSERT_EQUAL(
                old ? R"(4/chat,"bad token")"s : R"(4/chat,{"message":"bad token"})"s,
                client.next());
            client.say(old ? "0/chat?token=right," : R"(0/chat,{"token":"right"})");
            CPPUNIT_ASSERT_EQUAL("0/chat,"s, client.next().substr(0, 7));
            CPPUNIT_ASSERT(client.quiet());
        }
    }

    void whoJoinsNothingIsClosedAfterTheConnectTimeout() {
        ServerOptions options;
        options.connectTimeout = 150ms;
        make(options);
        sio().on(
            "connect", [](Socket&) { return false; }, "/chat");
        const auto port = start();
        for (const Way way : kWays) {
            const auto begin = std::chrono::steady_clock::now();
            PacketClient joined(port, way);
            CPPUNIT_ASSERT_EQUAL('0', joined.connect()[0]);
            if (way.revision == 4) {
                PacketClient silent(port, way), refused(port, way);
                CPPUNIT_ASSERT_EQUAL("4/chat,"s, refused.connect("/chat").substr(0, 7));
                assertEnded(silent, "nothing joined");
                assertEnded(refused, "only refused");
            }
            std::this_thread::sleep_until(begin + 200ms);  // past the timeout
            CPPUNIT_ASSERT(joined.quiet());
        }
    }

    // ---- namespaces

    void namespacesThatMayBeJoined() {
        struct Classes : Namespace {
            Classes() : Namespace("/class") {}
        };
        ServerOptions options;
        make(options);  // "/" and "/chat" are listed
        sio().on(
            "e", [](Socket&) {}, "/handler");
        sio().registerNamespace(std::make_shared<Classes>());
        const auto port = start();
        struct Case {
            const char* nsp;
            bool joinable;
        };
        const Case cases[] = {
            {"/chat", true},   {"/handler", true},    {"/class", true},        {"/nope", false},
            {"/chat/", false}, {"/CHAT", false},      {"/*", false},           {"/chat%20", false},
            {"//", false},     {"/__proto__", false}, {"/constructor", false},
        };
        for (const Way way : kWays) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            for (const Case& c : cases) {
                const std::string what = c.nsp + ", "s + client.name();
                const std::string answer = client.connect(c.nsp);
                if (!c.joinable)
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(
                        what, "4"s + c.nsp + R"(,{"message":"Invalid namespace"})", answer);
                else
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "0"s + c.nsp + ",",
                                                 answer.substr(0, std::string(c.nsp).size() + 2));
            }
            CPPUNIT_ASSERT(client.quiet());
        }
    }

    void aCatchAllNamespaceTakesOnlyWhatIsListed() {
        ServerOptions options;
        make(options);
        sio().on(
            "where", [](Socket& socket) { return socket.nsp(); }, "*");
        const auto port = start();
        for (const Way way : kWays) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            CPPUNIT_ASSERT_EQUAL('4', client.connect("/anything")[0]);
            CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
            client.say("2/chat,1[\"where\"]");
            CPPUNIT_ASSERT_EQUAL("3/chat,1[\"/chat\"]"s, client.next());
        }
    }

    void tooManyNamespacesEndTheSession() {
        ServerOptions options;
        options.maxNamespacesPerClient = 2;
        make(options);
        sio().on(
            "e", [](Socket&) {}, "/third");
        watchDisconnects();
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
            client.say("0/third,");
            const std::string reason = way.revision == 4 ? R"({"message":"Too many namespaces"})"
                                                         : R"("Too many namespaces")";
            const std::vector<std::string> rest = client.rest();
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), rest.size());
            CPPUNIT_ASSERT_EQUAL("4/third," + reason, rest[0]);
            CPPUNIT_ASSERT_EQUAL("/ forced server close; /chat forced server close"s,
                                 journal.waitFor(2));
        }
    }

    void aSecondConnectEndsTheSession() {
        make();
        watchDisconnects();
        const auto port = start();
        for (const Way way : kWays)
            for (const bool main : {true, false}) {
                journal.clear();
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                if (!main) CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
                client.say(main ? "0" : "0/chat,");
                assertEnded(client, "second CONNECT");
                CPPUNIT_ASSERT_EQUAL(main ? "/ forced server close"s
                                          : "/ forced server close; /chat forced server close"s,
                                     journal.waitFor(main ? 1 : 2));
            }
    }

    void packetsForNamespacesNeverJoinedEndTheSession() {
        make();
        std::atomic<int> handled{0};
        sio().on(
            "e", [&](Socket&) { ++handled; }, "/chat");
        watchDisconnects();
        const auto port = start();
        const char* packets[] = {
            "2/chat,[\"e\"]",
            "2/chat,1[\"e\"]",
            "2/unknown,[\"e\"]",
            "3/chat,1[]",
            "1/chat,",
            "4/chat,{\"message\":\"x\"}",
            "51-/chat,[\"e\",{\"_placeholder\":true,\"num\":0}]",
            "61-/chat,1[{\"_placeholder\":true,\"num\":0}]",
        };
        for (const Way way : kWays)
            for (const char* packet : packets) {
                journal.clear();
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                client.say(packet);
                assertEnded(client, packet);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(packet, "/ forced server close"s, journal.waitFor(1));
            }
        // Before the first CONNECT there is none that was joined.
        for (const Way way : {kPolling4, kWebSocket4})
            for (const char* packet : {"2[\"echo\"]", "31[]", "1"}) {
                PacketClient client(port, way);
                client.say(packet);
                assertEnded(client, packet);
            }
        CPPUNIT_ASSERT_EQUAL(0, handled.load());
    }

    void packetsForANamespaceJustLeftAreIgnored() {
        make();
        std::atomic<int> handled{0};
        sio().on(
            "e", [&](Socket&) { ++handled; }, "/chat");
        sio().on(
            "kick", [](Socket& socket) { socket.disconnect(); }, "/chat");
        const auto port = start();
        for (const Way way : kWays) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            for (const bool byServer : {true, false}) {
                CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
                client.say(byServer ? "2/chat,[\"kick\"]" : "1/chat,");
                if (byServer) CPPUNIT_ASSERT_EQUAL("1/chat,"s, client.next());
                client.say("2/chat,[\"e\"]");
                client.say("2/chat,7[\"e\"]");
                client.say("3/chat,1[]");
                client.say("1/chat,");
                client.say(
                    {"51-/chat,[\"e\",{\"_placeholder\":true,\"num\":0}]", attachment("crossed")});
                CPPUNIT_ASSERT_MESSAGE(client.name(), client.quiet());
            }
        }
        CPPUNIT_ASSERT_EQUAL(0, handled.load());
    }

    // ---- events

    void argumentsReachTheHandlerAndComeBackAsTheAcknowledgement() {
        make();
        for (const char* nsp : {"/", "/chat"}) {
            sio().on(
                "both",
                [](Socket&, const std::string& a, int b) {
                    return std::tuple{a, b};
                },
                nsp);
            sio().on(
                "list",
                [](Socket&) {
                    return std::vector{1, 2};
                },
                nsp);
            sio().on(
                "nothing", [](Socket&) {}, nsp);
            sio().on(
                "all",
                [](Socket&, const Value::Array& all) { return HandlerResult::acknowledge(all); },
                nsp);
            sio().on(
                "7", [](Socket&) { return "seven"; }, nsp);
        }
        const auto port = start();
        struct Case {
            const char *packet, *answer;  // behind the type and the namespace
        };
        const Case cases[] = {
            {R"(1["both","a",2])", R"(1["a",2])"},
            {R"(0["both","a",2])", R"(0["a",2])"},
            {R"(9007199254740991["nothing"])", R"(9007199254740991[])"},
            {R"(12["list"])", R"(12[[1,2]])"},
            {R"(3["all",null,true,-1,1.5,"x",[],{},{"a":{"b":[1]}}])",
             R"(3[null,true,-1,1.5,"x",[],{},{"a":{"b":[1]}}])"},
            {R"(4["all","\u20ac\ud83d\ude00\n\"\\\/"])",
             "4[\"\xE2\x82\xAC\xF0\x9F\x98\x80\\n\\\"\\\\/\"]"},
            {R"(5["all",{"b":1,"a":2,"__proto__":3}])", R"(5[{"b":1,"a":2,"__proto__":3}])"},
            {R"(6["all",9007199254740991,-9007199254740991,1e21,0.1])",
             R"(6[9007199254740991,-9007199254740991,1e+21,0.1])"},
            {R"(7[7])", R"(7["seven"])"},
        };
        for (const Way way : kWays)
            for (const char* nsp : {"/", "/chat"}) {
                const std::string prefix = nsp == "/"s ? "" : "/chat,";
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                if (!prefix.empty()) CPPUNIT_ASSERT_EQUAL('0', client.connect(nsp)[0]);
                for (const Case& c : cases) {
                    client.say("2" + prefix + c.packet);
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(client.name(), "3" + prefix + c.answer,
                                                 client.next());
                }
                client.say("2[\"all\",1]");  // without an id no answer
                CPPUNIT_ASSERT(client.quiet());
            }
    }

    void unhandledEventsAreNotAcknowledged() {
        make();
        sio().on("number", [](Socket&, int) {});
        sio().on("fails", [](Socket&) { throw std::runtime_error("on purpose"); });
        const auto port = start();
        for (const Way way : kWays) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say("21[\"unknown\"]");
            client.say("22[\"number\",\"x\"]");
            client.say("23[\"number\"]");
            client.say("24[\"fails\"]");
            CPPUNIT_ASSERT_MESSAGE(client.name(), client.quiet());
        }
    }

    void whatIsEmittedBecomesArguments() {
        make();
        for (const char* nsp : {"/", "/chat"})
            sio().on(
                "go",
                [](Socket& socket) {
                    socket.emit("e");
                    socket.emit("e", "x");
                    socket.emit("e", std::tuple{"a", 2});
                    socket.emit("e", std::vector{1, 2});
                    socket.emit("e", Value{{"b", 1}, {"a", Value()}});
                    socket.emit("e", std::tuple<>());
                    socket.emit("e", Value());
                    socket.emit("e", std::tuple{0.1, 1e21, -0.0, true});
                    socket.emit("\xE2\x82\xAC\"", "\xF0\x9F\x98\x80\n\x01/");
                    socket.send("hello");
                },
                nsp);
        const auto port = start();
        const char* expected[] = {
            R"(["e"])",
            R"(["e","x"])",
            R"(["e","a",2])",
            R"(["e",[1,2]])",
            R"(["e",{"b":1,"a":null}])",
            R"(["e"])",
            R"(["e",null])",
            R"(["e",0.1,1e+21,0,true])",
            "[\"\xE2\x82\xAC\\\"\",\"\xF0\x9F\x98\x80\\n\\u0001/\"]",
            R"(["message","hello"])",
        };
        for (const Way way : kWays)
            for (const char* nsp : {"/", "/chat"}) {
                const std::string prefix = nsp == "/"s ? "2" : "2/chat,";
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                if (nsp != "/"s) CPPUNIT_ASSERT_EQUAL('0', client.connect(nsp)[0]);
                client.say(prefix + "[\"go\"]");
                for (const char* each : expected)
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(client.name(), prefix + each, client.next());
                CPPUNIT_ASSERT(client.quiet());
            }
    }

    // ---- acknowledgements of the client

    void acknowledgementsCallBackOnce() {
        make();
        for (const char* nsp : {"/", "/chat"})
            sio().on(
                "ask",
                [this](Socket& socket, const std::string& what) {
                    socket.emit("question", what, [this, what](const Value::Array& values) {
                        journal.add(what + json(Value(values)));
                    });
                },
                nsp);
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say("2[\"ask\",\"a\"]");
            client.say("2[\"ask\",\"b\"]");
            CPPUNIT_ASSERT_EQUAL("21[\"question\",\"a\"]"s, client.next());
            CPPUNIT_ASSERT_EQUAL("22[\"question\",\"b\"]"s, client.next());
            client.say("32[\"ok\",5]");  // in any order
            client.say("31[]");
            client.say("31[\"again\"]");
            client.say("32[]");
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("b[\"ok\",5]; a[]"s, journal.text());
        }
    }

    void acknowledgementsThatNobodyWaitsForAreIgnored() {
        make();
        for (const char* nsp : {"/", "/chat"})
            sio().on(
                "ask",
                [this](Socket& socket) {
                    socket.emit("question", {},
                                [this](const std::string& answer) { journal.add(answer); });
                },
                nsp);
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way), other(port, way);
            for (PacketClient* each : {&client, &other}) {
                CPPUNIT_ASSERT_EQUAL('0', each->connect()[0]);
                CPPUNIT_ASSERT_EQUAL('0', each->connect("/chat")[0]);
                CPPUNIT_ASSERT(each->quiet());
            }
            client.say("2[\"ask\"]");
            CPPUNIT_ASSERT_EQUAL("21[\"question\"]"s, client.next());
            // Never issued; of another namespace; of another client; and 0, which has been known to
            // break what comes later.
            for (const char* ack : {"30[\"x\"]", "399[\"x\"]", "39007199254740991[\"x\"]",
                                    "3/chat,1[\"x\"]", "3/chat,0[]"})
                client.say(ack);
            other.say("31[\"x\"]");
            CPPUNIT_ASSERT(other.quiet());
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL(""s, journal.text());
            client.say("31[\"right\"]");
            client.say("2/chat,[\"ask\"]");
            CPPUNIT_ASSERT_EQUAL("2/chat,1[\"question\"]"s, client.next());
            client.say("3/chat,1[\"there\"]");
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("right; there"s, journal.text());
        }
    }

    void callWaitsForTheAnswer() {
        make();
        sio().on("ask", [this](Socket& socket, int milliseconds) {
            try {
                const Value answer =
                    socket.call("question", {}, std::chrono::milliseconds(milliseconds));
                journal.add("inside " + json(answer));
            } catch (const Poco::TimeoutException&) {
                journal.add("timeout");
            } catch (const Poco::IOException&) {
                journal.add("gone");
            }
        });
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            const std::string sid = sio().manager().getParticipants("/", "").at(0)->sid();
            // From outside: none, one, several values.
            for (const char* answer : {"[]", "[\"a\"]", "[\"a\",2]"}) {
                auto asked = std::async(std::launch::async, [&] {
                    return json(sio().call("q", {}, {.sid = sid, .timeout = 20s}));
                });
                const std::string question = client.next();
                const std::string id = question.substr(1, question.find('[') - 1);
                client.say("3" + id + answer);
                const std::string expected = answer == "[]"s        ? "null"
                                             : answer == "[\"a\"]"s ? "\"a\""
                                                                    : answer;
                CPPUNIT_ASSERT_EQUAL(expected, asked.get());
            }
            // Inside a handler of the same client, whose own events wait behind it.
            client.say("2[\"ask\",20000]");
            CPPUNIT_ASSERT_EQUAL("24[\"question\"]"s, client.next());
            client.say("34[{\"n\":1}]");
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("inside {\"n\":1}"s, journal.text());
            // Nobody answers.
            journal.clear();
            const auto before = std::chrono::steady_clock::now();
            client.say("2[\"ask\",300]");
            CPPUNIT_ASSERT_EQUAL("25[\"question\"]"s, client.next());
            CPPUNIT_ASSERT_EQUAL("timeout"s, journal.waitFor(1));
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - before >= 300ms);
            client.say("35[\"late\"]");
            CPPUNIT_ASSERT(client.quiet());
            // The client goes away.
            journal.clear();
            client.say("2[\"ask\",20000]");
            CPPUNIT_ASSERT_EQUAL("26[\"question\"]"s, client.next());
            client.sayEngine("1");
            CPPUNIT_ASSERT_EQUAL("gone"s, journal.waitFor(1));
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }

    // ---- binary

    void binaryEventsBothWays() {
        make();
        for (const char* nsp : {"/", "/chat"})
            sio().on(
                "mirror",
                [](Socket& socket, const Value::Array& values) {
                    Value::Array back = values;
                    std::tuple<Value> whole{Value(std::move(back))};
                    socket.emit("mirrored", whole);
                },
                nsp);
        const auto port = start();
        struct Case {
            const char* sent;      // the JSON behind the count and namespace
            const char* received;  // as it comes back, in an array
            std::vector<std::string> attachments;
        };
        const std::string all256 = [] {
            std::string bytes;
            for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
            return bytes;
        }();
        const Case cases[] = {
            {R"(["mirror",{"_placeholder":true,"num":0}])",
             R"([{"_placeholder":true,"num":0}])",
             {"\x01\x02\x03"}},
            {R"(["mirror",{"_placeholder":true,"num":0}])",
             R"([{"_placeholder":true,"num":0}])",
             {""}},
            {R"(["mirror",{"num":0,"_placeholder":true}])",
             R"([{"_placeholder":true,"num":0}])",
             {all256}},
            {R"(["mirror","a",{"b":{"_placeholder":true,"num":0},"c":[{"_placeholder":true,"num":1}]},2])",
             R"(["a",{"b":{"_placeholder":true,"num":0},"c":[{"_placeholder":true,"num":1}]},2])",
             {"one", "two"}},
            // Numbered in another order than they stand: they come back depth first.
            {R"(["mirror",{"a":{"_placeholder":true,"num":1}},[[{"_placeholder":true,"num":0}]]])",
             R"([{"a":{"_placeholder":true,"num":0}},[[{"_placeholder":true,"num":1}]]])",
             {"first", "second"}},
        };
        for (const Way way : kWays)
            for (const char* nsp : {"/", "/chat"}) {
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                const std::string prefix = nsp == "/"s ? "" : "/chat,";
                if (!prefix.empty()) CPPUNIT_ASSERT_EQUAL('0', client.connect(nsp)[0]);
                for (const Case& c : cases) {
                    const std::string head =
                        "5" + std::to_string(c.attachments.size()) + "-" + prefix;
                    std::vector<Message> messages{head + c.sent};
                    for (const std::string& bytes : c.attachments)
                        messages.push_back(attachment(bytes));
                    client.say(messages);
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(
                        client.name(), head + "[\"mirrored\"," + c.received + "]", client.next());
                    std::vector<std::string> back = c.attachments;
                    if (c.sent[10] == '{' && c.sent[12] == 'a') std::swap(back[0], back[1]);
                    for (const std::string& bytes : back)
                        CPPUNIT_ASSERT_EQUAL_MESSAGE(client.name(), "<" + bytes + ">",
                                                     client.next());
                }
                CPPUNIT_ASSERT(client.quiet());
            }
    }

    void binaryAcknowledgementsBothWays() {
        make();
        sio().on("ask", [this](Socket& socket) {
            socket.emit("question", Binary("q"), [this](const Binary& a, const Value& b) {
                journal.add(a.bytes + " " + b["x"].asBinary().bytes);
            });
        });
        sio().on(
            "ask", [this](Socket&) { journal.add("wrong namespace"); }, "/chat");
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say(
                {R"(51-7["echo",{"a":[{"_placeholder":true,"num":0}]}])", attachment("A\0B"s)});
            CPPUNIT_ASSERT_EQUAL(R"(61-7[{"a":[{"_placeholder":true,"num":0}]}])"s, client.next());
            CPPUNIT_ASSERT_EQUAL("<A\0B>"s, client.next());
            client.say("2[\"ask\"]");
            CPPUNIT_ASSERT_EQUAL(R"(51-1["question",{"_placeholder":true,"num":0}])"s,
                                 client.next());
            CPPUNIT_ASSERT_EQUAL("<q>"s, client.next());
            client.say(
                {R"(62-1[{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}])",
                 attachment("one"), attachment("two")});
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("one two"s, journal.text());
        }
    }

    void atMostTenAttachments() {
        make();
        sio().on("give", [this](Socket& socket, int count) {
            Value::Array parts;
            for (int i = 0; i < count; ++i) parts.push_back(Binary(std::to_string(i)));
            try {
                socket.emit("parts", Value(parts));
                journal.add("sent");
            } catch (const Poco::InvalidArgumentException& e) {
                journal.add("refused");
                CPPUNIT_ASSERT(e.message().find("parts") != std::string::npos);
            }
            return Value(parts);
        });
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say("2[\"give\",10]");
            CPPUNIT_ASSERT_EQUAL("510-[\"parts\","s, client.next().substr(0, 13));
            for (int i = 0; i < 10; ++i)
                CPPUNIT_ASSERT_EQUAL("<" + std::to_string(i) + ">", client.next());
            client.say("21[\"give\",11]");  // neither emitted nor acknowledged
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("sent; refused"s, journal.text());
            // The same limit in the other direction.
            std::string placeholders;
            std::vector<Message> ten{""};
            for (int i = 0; i < 10; ++i) {
                placeholders += R"(,{"_placeholder":true,"num":)" + std::to_string(i) + "}";
                ten.push_back(attachment("x"));
            }
            ten[0] = "510-2[\"echo\"" + placeholders + "]";
            client.say(ten);
            CPPUNIT_ASSERT_EQUAL("610-2["s, client.next().substr(0, 6));
            for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT_EQUAL("<x>"s, client.next());
        }
    }

    void packetsOfSeveralThreadsAreNeverInterleaved() {
        constexpr int kThreads = 8, kEach = 100;
        make();
        const auto port = start();
        for (const Way way : kWays) {
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            std::vector<std::thread> threads;
            for (int t = 0; t < kThreads; ++t)
                threads.emplace_back([&, t] {
                    for (int i = 0; i < kEach; ++i) {
                        const std::string tag = std::to_string(t) + "." + std::to_string(i);
                        sio().emit("e", std::tuple{tag, Binary("a" + tag), Binary("b" + tag)});
                    }
                });
            std::vector<int> next(kThreads, 0);
            for (int n = 0; n < kThreads * kEach; ++n) {
                const std::string head = client.next();
                CPPUNIT_ASSERT_EQUAL("52-[\"e\",\""s, head.substr(0, 9));
                const std::string tag = head.substr(9, head.find('"', 9) - 9);
                CPPUNIT_ASSERT_EQUAL("<a" + tag + ">", client.next());
                CPPUNIT_ASSERT_EQUAL("<b" + tag + ">", client.next());
                const std::size_t dot = tag.find('.');
                const auto thread = static_cast<std::size_t>(std::stoi(tag.substr(0, dot)));
                CPPUNIT_ASSERT_EQUAL(next[thread]++, std::stoi(tag.substr(dot + 1)));
            }
            for (std::thread& thread : threads) thread.join();
            CPPUNIT_ASSERT(client.quiet());
        }
    }

    // ---- order

    void theAnswerToConnectComesFirst() {
        make();
        std::atomic<int> refused{0};
        const auto handler = [&](Socket& socket) {
            socket.emit("early", 1);
            socket.join("room");
            sio().emit("early", 2, {.room = "room", .nsp = socket.nsp()});
            sio().emit("early", Binary("3"), {.nsp = socket.nsp()});
            // An answer cannot come before the answer to CONNECT.
            try {
                socket.call("question", {}, 20s);
            } catch (const Poco::IllegalStateException&) {
                ++refused;
            }
            socket.emit("early", 4, [this](int answer) { journal.add(std::to_string(answer)); });
        };
        sio().on("connect", handler);
        sio().on("connect", handler, "/chat");
        const auto port = start();
        for (const Way way : kWays)
            for (const char* nsp : {"/", "/chat"}) {
                if (nsp == "/chat"s && way.revision == 3) continue;  // "/" is joined before
                journal.clear();
                const std::string prefix = nsp == "/"s ? "" : "/chat,";
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL("0" + prefix,
                                     client.connect(nsp).substr(0, 1 + prefix.size()));
                CPPUNIT_ASSERT_EQUAL("2" + prefix + "[\"early\",1]", client.next());
                CPPUNIT_ASSERT_EQUAL("2" + prefix + "[\"early\",2]", client.next());
                CPPUNIT_ASSERT_EQUAL(
                    "51-" + prefix + "[\"early\",{\"_placeholder\":true,\"num\":0}]",
                    client.next());
                CPPUNIT_ASSERT_EQUAL("<3>"s, client.next());
                CPPUNIT_ASSERT_EQUAL("2" + prefix + "1[\"early\",4]", client.next());
                client.say("3" + prefix + "1[7]");
                CPPUNIT_ASSERT_EQUAL("7"s, journal.waitFor(1));
                client.sayEngine("1");
                CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
            }
        CPPUNIT_ASSERT_EQUAL(6, refused.load());
    }

    void eventsSentRightBehindTheConnectAreHandled() {
        make();
        sio().on(
            "connect",
            [this](Socket& socket, const Value&) {
                journal.add("connect");
                std::this_thread::sleep_for(20ms);  // a slow check of a password
                socket.emit("welcome");
            },
            "/chat");
        sio().on(
            "e",
            [this](Socket&, int n) {
                journal.add(std::to_string(n));
                return n;
            },
            "/chat");
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say({"0/chat,", "2/chat,1[\"e\",1]", "2/chat,2[\"e\",2]"});
            CPPUNIT_ASSERT_EQUAL("0/chat,"s, client.next().substr(0, 7));
            CPPUNIT_ASSERT_EQUAL("2/chat,[\"welcome\"]"s, client.next());
            CPPUNIT_ASSERT_EQUAL("3/chat,1[1]"s, client.next());
            CPPUNIT_ASSERT_EQUAL("3/chat,2[2]"s, client.next());
            CPPUNIT_ASSERT_EQUAL("connect; 1; 2"s, journal.text());
        }
    }

    // ---- broadcast

    void aBroadcastReachesEachInItsOwnForm() {
        make();
        const auto port = start();
        std::vector<std::unique_ptr<PacketClient>> clients;
        for (const Way way : kWays) {
            clients.push_back(std::make_unique<PacketClient>(port, way));
            CPPUNIT_ASSERT_EQUAL('0', clients.back()->connect()[0]);
        }
        sio().emit("b", std::tuple{"\xE2\x82\xAC", Value{{"x", Binary("\x01\x02")}}});
        sio().emit("b", 1);
        for (const auto& client : clients) {
            CPPUNIT_ASSERT_EQUAL(
                "51-[\"b\",\"\xE2\x82\xAC\",{\"x\":{\"_placeholder\":true,\"num\":0}}]"s,
                client->next());
            CPPUNIT_ASSERT_EQUAL("<\x01\x02>"s, client->next());
            CPPUNIT_ASSERT_EQUAL("2[\"b\",1]"s, client->next());
        }
    }

    void roomsAndThoseLeftOut() {
        make();
        for (const char* nsp : {"/", "/chat"}) {
            sio().on(
                "join", [](Socket& socket, const std::string& room) { socket.join(room); }, nsp);
            sio().on(
                "leave", [](Socket& socket, const std::string& room) { socket.leave(room); }, nsp);
            sio().on(
                "sid", [](Socket& socket) { return socket.sid(); }, nsp);
        }
        const auto port = start();
        // Two clients, one of each revision, over both transports.
        for (const auto& [one, two] :
             {std::pair{kPolling4, kWebSocket3}, std::pair{kWebSocket4, kPolling3}}) {
            PacketClient a(port, one), b(port, two);
            std::string sids[2];
            int i = 0;
            for (PacketClient* each : {&a, &b}) {
                CPPUNIT_ASSERT_EQUAL('0', each->connect()[0]);
                CPPUNIT_ASSERT_EQUAL('0', each->connect("/chat")[0]);
                each->say("21[\"sid\"]");
                const std::string answer = each->next();
                sids[i++] = answer.substr(4, answer.size() - 6);
                each->say("2[\"join\",\"both\"]");
                CPPUNIT_ASSERT(each->quiet());
            }
            a.say("2[\"join\",\"only a\"]");
            CPPUNIT_ASSERT(a.quiet());
            const auto expect = [&](const char* what, const EmitOptions& options, bool toA,
                                    bool toB) {
                sio().emit(what, {}, options);
                const std::string packet = "2[\""s + what + "\"]";
                if (toA) CPPUNIT_ASSERT_EQUAL(packet, a.next());
                if (toB) CPPUNIT_ASSERT_EQUAL(packet, b.next());
                CPPUNIT_ASSERT_MESSAGE(what, a.quiet() && b.quiet());
            };
            expect("all", {}, true, true);
            expect("room", {.room = "both"}, true, true);
            expect("one room", {.room = "only a"}, true, false);
            expect("two rooms, once", {.room = {"both", "only a"}}, true, true);
            expect("skip", {.skipSid = sids[0]}, false, true);
            expect("skip list", {.room = "both", .skipSid = {sids[0], sids[1]}}, false, false);
            expect("sid", {.room = sids[1]}, false, true);
            expect("no such room", {.room = "nobody"}, false, false);
            sio().leaveRoom(sids[0], sids[0]);
            expect("own room left", {.room = sids[0]}, false, false);
            // The same name in another namespace is another room.
            sio().emit("x", {}, {.room = "both", .nsp = "/chat"});
            CPPUNIT_ASSERT(a.quiet() && b.quiet());
            sio().closeRoom("both");
            expect("closed room", {.room = "both"}, false, false);
            expect("still there", {}, true, true);
            a.sayEngine("1");
            b.sayEngine("1");
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }

    // ---- leaving

    void theClientLeavesWithItsReason() {
        make();
        watchDisconnects();
        const auto port = start();
        for (const Way way : kWays) {
            std::unique_ptr<PacketClient> client;
            const auto join = [&] {
                try {
                    if (client) client->sayEngine("1");
                } catch (const std::runtime_error&) {
                    // gone before
                }
                client.reset();
                CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
                journal.clear();
                client = std::make_unique<PacketClient>(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client->connect()[0]);
                CPPUNIT_ASSERT_EQUAL('0', client->connect("/chat")[0]);
            };
            join();
            client->say("1/chat,");
            CPPUNIT_ASSERT_EQUAL("/chat client namespace disconnect"s, journal.waitFor(1));
            CPPUNIT_ASSERT(client->quiet());
            client->say("1");
            CPPUNIT_ASSERT_EQUAL(
                "/chat client namespace disconnect; / client namespace disconnect"s,
                journal.waitFor(2));
            // It may come back.
            if (way.revision == 4) {
                CPPUNIT_ASSERT_EQUAL('0', client->connect()[0]);
                CPPUNIT_ASSERT(client->quiet());
            }

            join();
            client->say("1/chat");  // the comma may be missing
            CPPUNIT_ASSERT_EQUAL("/chat client namespace disconnect"s, journal.waitFor(1));

            join();
            client->sayEngine("1");
            CPPUNIT_ASSERT_EQUAL("/ transport close; /chat transport close"s, journal.waitFor(2));

            join();
            if (client->polling()) {
                client->reader().request("GET", client->target());
                CPPUNIT_ASSERT(!client->reader().readable(20ms));
                client->reader().close();
                CPPUNIT_ASSERT_EQUAL("/ transport error; /chat transport error"s,
                                     journal.waitFor(2));
            } else {
                client->writer().sendClose(1000);
                CPPUNIT_ASSERT_EQUAL("/ transport close; /chat transport close"s,
                                     journal.waitFor(2));
                join();
                client->writer().close();
                CPPUNIT_ASSERT_EQUAL("/ transport close; /chat transport close"s,
                                     journal.waitFor(2));
            }
        }
    }

    void theServerDisconnects() {
        make();
        watchDisconnects();
        for (const char* nsp : {"/", "/chat"})
            sio().on(
                "kick",
                [this](Socket& socket, bool close) {
                    socket.join("room");
                    socket.disconnect(close);
                    socket.emit("too late");
                    journal.add(socket.connected() ? "still connected" : "kicked");
                },
                nsp);
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
            client.say({"2/chat,[\"kick\",false]", "2/chat,1[\"echo\"]"});
            CPPUNIT_ASSERT_EQUAL("1/chat,"s, client.next());
            CPPUNIT_ASSERT_EQUAL("kicked; /chat server namespace disconnect"s, journal.waitFor(2));
            for (const char* room : {"", "room"})
                CPPUNIT_ASSERT(eventually(
                    [&] { return sio().manager().getParticipants("/chat", room).empty(); }));
            CPPUNIT_ASSERT(client.quiet());  // "/" is unaffected

            journal.clear();
            CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
            client.say("2/chat,[\"kick\",true]");
            const std::vector<std::string> rest = client.rest();
            CPPUNIT_ASSERT_EQUAL(std::size_t(2), rest.size());
            CPPUNIT_ASSERT_EQUAL("1/chat,"s, rest[0]);
            CPPUNIT_ASSERT_EQUAL("1"s, rest[1]);
            CPPUNIT_ASSERT_EQUAL(client.polling() ? 1 : 1005, client.ending());
            CPPUNIT_ASSERT_EQUAL(
                "kicked; /chat server namespace disconnect; / server namespace disconnect"s,
                journal.waitFor(3));

            // By its id, from outside, twice.
            journal.clear();
            PacketClient other(port, way);
            CPPUNIT_ASSERT_EQUAL('0', other.connect()[0]);
            const std::string sid = sio().manager().getParticipants("/", "").at(0)->sid();
            sio().disconnect(sid);
            sio().disconnect(sid);
            CPPUNIT_ASSERT_EQUAL("1"s, other.next());
            CPPUNIT_ASSERT_EQUAL("/ server namespace disconnect"s, journal.waitFor(1));
            CPPUNIT_ASSERT(eventually([&] { return sio().rooms(sid).empty(); }));
            sio().disconnect(sid);
            if (way.revision == 4) {
                CPPUNIT_ASSERT_EQUAL('0', other.connect()[0]);
                CPPUNIT_ASSERT(other.quiet());
            }
            CPPUNIT_ASSERT_EQUAL("/ server namespace disconnect"s, journal.text());
            other.sayEngine("1");
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }

    void brokenPacketsEndTheSessionWithItsReason() {
        make();
        watchDisconnects();
        const auto port = start();
        const char* packets[] = {
            "7[\"echo\"]",
            "9",
            "x",
            "",
            "2",
            "2{}",
            "2\"x\"",
            "2[]",
            "2[null]",
            "2[{}]",
            "2[true]",
            "2[\"echo\"",
            "2abc[\"echo\"]",
            "21.5[\"echo\"]",
            "2[\"echo\"]x",
            "3[]",
            "31",
            "31{}",
            "5[\"echo\"]",
            "50-[\"echo\"]",
            "511-[\"echo\"]",
            "5-[\"echo\"]",
            "5x-[\"echo\"]",
            "1{}",
            "0/chat,[]",
            "0/chat,\"x\"",
            "0/chat,null",
            "0/chat,1",
            "29007199254740992[\"echo\"]",
            R"(51-["echo",{"_placeholder":true,"num":1}])",
        };
        for (const Way way : kWays)
            for (const char* packet : packets) {
                journal.clear();
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                const std::string what = packet + ", "s + client.name();
                client.writer().send(client.bytes({packet}));
                // A POST that could not be read is not called good.
                if (client.polling())
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, 400,
                                                 client.writer().readResponse("POST").status);
                assertEnded(client, packet);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "/ parse error"s, journal.waitFor(1));
            }
        // The order of messages.
        const std::vector<Message> sequences[] = {
            {attachment("nobody asked")},
            {R"(52-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])",
             attachment("one"), "2[\"echo\"]"},
            {R"(51-["echo",{"_placeholder":true,"num":0}])", "2[\"echo\"]"},
            {R"(51-["echo",{"_placeholder":true,"num":0}])", attachment("one"), attachment("two")},
        };
        for (const Way way : kWays)
            for (const std::vector<Message>& sequence : sequences) {
                journal.clear();
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                client.writer().send(client.bytes(sequence));
                if (client.polling())
                    CPPUNIT_ASSERT_EQUAL(400, client.writer().readResponse("POST").status);
                assertEnded(client, "sequence");
                CPPUNIT_ASSERT_EQUAL("/ parse error"s, journal.waitFor(1));
            }
    }

    void aClientThatFallsSilentTimesOut() {
        ServerOptions options;
        options.pingInterval = 100ms;
        options.pingTimeout = 150ms;
        make(options);
        watchDisconnects();
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
            CPPUNIT_ASSERT_EQUAL("/ ping timeout; /chat ping timeout"s, journal.waitFor(2));
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }

    // ---- handlers

    void catchAllHandlersGetTheRest() {
        make();
        sio().on("*", [this](Socket&, const std::string& event, const Value::Array& values) {
            journal.add(event + json(Value(values)));
            return "caught";
        });
        const auto port = start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say("21[\"anything\",1,{}]");
            CPPUNIT_ASSERT_EQUAL("31[\"caught\"]"s, client.next());
            client.say("22[\"error\"]");  // an ordinary name
            CPPUNIT_ASSERT_EQUAL("32[\"caught\"]"s, client.next());
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("anything[1,{}]; error[]"s, journal.text());
        }
    }

    void handlersOfOneClientRunInOrderBesideOthers() {
        constexpr int kEvents = 1000;
        make();
        std::atomic<bool> release{false};
        sio().on("wait", [&](Socket&) {
            while (!release) std::this_thread::sleep_for(1ms);
        });
        std::vector<int> numbers;  // one handler at a time
        sio().on("n", [&](Socket&, int n) { numbers.push_back(n); });
        const auto port = start();
        for (const Way way : kWays) {
            release = false;
            numbers.clear();
            PacketClient client(port, way), other(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            CPPUNIT_ASSERT_EQUAL('0', other.connect()[0]);
            client.say("2[\"wait\"]");
            for (int i = 0; i < kEvents; i += 100) {
                std::vector<Message> hundred;
                for (int j = i; j < i + 100; ++j)
                    hundred.push_back("2[\"n\"," + std::to_string(j) + "]");
                if (i == 0) {
                    client.say(hundred);
                    CPPUNIT_ASSERT(other.quiet());  // not held up
                    CPPUNIT_ASSERT(numbers.empty());
                    release = true;
                } else {
                    client.say(hundred);
                }
            }
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL(std::size_t(kEvents), numbers.size());
            CPPUNIT_ASSERT(std::is_sorted(numbers.begin(), numbers.end()));
        }
    }

    void asyncHandlersOfOneClientRunAtOnce() {
        ServerOptions options;
        options.asyncHandlers = true;
        make(options);
        std::atomic<int> inside{0};
        std::atomic<bool> met{false};
        sio().on("meet", [&](Socket&) {
            ++inside;
            const auto end = std::chrono::steady_clock::now() + 20s;
            while (inside < 2 && std::chrono::steady_clock::now() < end)
                std::this_thread::sleep_for(1ms);
            if (inside >= 2) met = true;
            return met.load();
        });
        const auto port = start();
        for (const Way way : kWays) {
            inside = 0;
            met = false;
            PacketClient client(port, way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            client.say({"21[\"meet\"]", "22[\"meet\"]"});
            std::vector<std::string> answers{client.next(), client.next()};
            std::sort(answers.begin(), answers.end());
            CPPUNIT_ASSERT_EQUAL("31[true]"s, answers[0]);
            CPPUNIT_ASSERT_EQUAL("32[true]"s, answers[1]);
        }
    }

    void reservedNamesNeverReachAHandler() {
        make();
        watchDisconnects();
        std::atomic<int> connects{0};
        sio().on("connect", [&](Socket&, const Environ&, const Value&) { ++connects; });
        sio().on("*", [this](Socket&, const std::string& event) { journal.add(event); });
        const auto port = start();
        int clients = 0;
        for (const Way way : kWays)
            for (const char* name : {"connect", "connect_error", "disconnect", "disconnecting",
                                     "newListener", "removeListener"}) {
                journal.clear();
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                client.writer().send(client.bytes({"21[\""s + name + "\",{\"a\":1}]"}));
                assertEnded(client, name);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(name, "/ parse error"s, journal.waitFor(1));
                CPPUNIT_ASSERT_EQUAL(++clients, connects.load());
            }
        CPPUNIT_ASSERT_THROW(sio().emit("disconnect"), Poco::InvalidArgumentException);
    }

private:
    Journal journal;
    std::unique_ptr<TestServer> server;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SocketConformanceTest);

}  // namespace socketio
