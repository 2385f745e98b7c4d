// Joining namespaces: CONNECT, its answers, refusals, and what may come right behind it.
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class ConnectConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(ConnectConformanceTest);
    CPPUNIT_TEST(aConnectIsAnsweredWithTheSocketId);
    CPPUNIT_TEST(aClientOfRevision4IsConnectedUnasked);
    CPPUNIT_TEST(authReachesTheConnectHandlerAsItWasSent);
    CPPUNIT_TEST(theQueryOfANamespaceIsAuthInRevision4);
    CPPUNIT_TEST(refusalsInBothRevisions);
    CPPUNIT_TEST(aRefusedClientMayTryAgainAndJoinOthers);
    CPPUNIT_TEST(whoJoinsNothingIsClosedAfterTheConnectTimeout);
    CPPUNIT_TEST(theAnswerToConnectComesFirst);
    CPPUNIT_TEST(eventsSentRightBehindTheConnectAreHandled);
    CPPUNIT_TEST_SUITE_END();

public:
    void aConnectIsAnsweredWithTheSocketId() {
        make();
        start();
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
        onBoth("rooms", [](Socket& socket) { return socket.rooms(); });
        start();
        for (const Way way : {kPolling3, kWebSocket3}) {
            PacketClient client(port, way);
            expect(client, {"0"});
            client.say("21[\"rooms\"]");
            CPPUNIT_ASSERT_EQUAL("31[[\"" + client.sid() + "\"]]", client.next());
            CPPUNIT_ASSERT_EQUAL("0/chat,"s, client.connect("/chat"));
            // The id that these clients compute.
            client.say("2/chat,2[\"rooms\"]");
            CPPUNIT_ASSERT_EQUAL("3/chat,2[[\"/chat#" + client.sid() + "\"]]", client.next());
            PacketClient short_ = join(way);
            short_.say("0/chat");
            expect(short_, {"0/chat,"});
        }
    }

    void authReachesTheConnectHandlerAsItWasSent() {
        make();
        onBoth("connect", [this](Socket&, const Environ& environ, const Value& auth) {
            journal.add(std::string(environ.query().substr(0, 5)) + " " + json(auth));
        });
        start();
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
        start();
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
                PacketClient client = join(way);
                client.say(c.sent);
                expect(client, {"0/chat,"});
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.sent, std::string(c.seen), journal.text());
                // The query may stay with the name in later packets.
                client.say("2/chat?token=abc,1[\"hello\"]");
                expect(client, {"3/chat,1[\"there\"]"});
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
            onBoth("connect", [&c](Socket& socket) {
                socket.emit("never seen");
                socket.join("room");
                const std::string how = c.name;
                if (how == "message") throw ConnectionRefused("bad token");
                if (how == "data") throw ConnectionRefused("bad token", Value{{"code", 401}});
                if (how == "null data") throw ConnectionRefused("bad token", Value());
                if (how == "exception") throw std::runtime_error("secret");
                if (how == "number") throw 42;
                return false;
            });
            watchDisconnects();
            start();
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
        start();
        for (const Way way : kWays) {
            PacketClient client = join(way);
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
        start();
        for (const Way way : kWays) {
            PacketClient joined = join(way);
            const auto begin = std::chrono::steady_clock::now();
            // Clients of revision 3 have always joined one.
            const Way unasked{way.transport, 4};
            PacketClient silent(port, unasked), refused(port, unasked);
            CPPUNIT_ASSERT_EQUAL("4/chat,"s, refused.connect("/chat").substr(0, 7));
            assertEnded(silent, "nothing joined");
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= options.connectTimeout);
            assertEnded(refused, "only refused");
            // Who came before them and joined has been past the timeout, too.
            CPPUNIT_ASSERT(joined.quiet());
        }
    }

    void theAnswerToConnectComesFirst() {
        make();
        std::atomic<int> refused{0};
        onBoth("connect", [&](Socket& socket) {
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
        });
        start();
        for (const Way way : kWays)
            for (const char* nsp : {"/", "/chat"}) {
                if (nsp == "/chat"s && way.revision == 3) continue;  // "/" is joined before
                journal.clear();
                const std::string to = prefix(nsp);
                PacketClient client(port, way);
                CPPUNIT_ASSERT_EQUAL("0" + to, client.connect(nsp).substr(0, 1 + to.size()));
                expect(client, {"2" + to + "[\"early\",1]", "2" + to + "[\"early\",2]",
                                "51-" + to + "[\"early\",{\"_placeholder\":true,\"num\":0}]", "<3>",
                                "2" + to + "1[\"early\",4]"});
                client.say("3" + to + "1[7]");
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
                gate->wait();  // a slow check of a password
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
        start();
        for (const Way way : kWays) {
            journal.clear();
            gate = std::make_unique<Gate>();
            PacketClient client = join(way);
            client.say({"0/chat,", "2/chat,1[\"e\",1]", "2/chat,2[\"e\",2]"});
            barrier(server->hub());
            CPPUNIT_ASSERT_EQUAL("connect"s, journal.waitFor(1));
            gate->open();
            CPPUNIT_ASSERT_EQUAL("0/chat,"s, client.next().substr(0, 7));
            expect(client, {"2/chat,[\"welcome\"]", "3/chat,1[1]", "3/chat,2[2]"});
            CPPUNIT_ASSERT_EQUAL("connect; 1; 2"s, journal.text());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConnectConformanceTest);

}  // namespace socketio
