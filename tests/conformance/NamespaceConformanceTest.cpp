// Which namespaces there are, and packets for those that a client is not in.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class NamespaceConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(NamespaceConformanceTest);
    CPPUNIT_TEST(namespacesThatMayBeJoined);
    CPPUNIT_TEST(aCatchAllNamespaceTakesOnlyWhatIsListed);
    CPPUNIT_TEST(tooManyNamespacesEndTheSession);
    CPPUNIT_TEST(aSecondConnectEndsTheSession);
    CPPUNIT_TEST(packetsForNamespacesNeverJoinedEndTheSession);
    CPPUNIT_TEST(packetsOfServersEndTheSession);
    CPPUNIT_TEST(packetsForANamespaceJustLeftAreIgnored);
    CPPUNIT_TEST_SUITE_END();

public:
    void namespacesThatMayBeJoined() {
        struct Classes : Namespace {
            Classes() : Namespace("/class") {}
        };
        make();  // "/" and "/chat" are listed
        sio().on(
            "e", [](Socket&) {}, "/handler");
        sio().registerNamespace(std::make_shared<Classes>());
        start();
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
            PacketClient client = join(way);
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
        make();
        sio().on(
            "where", [](Socket& socket) { return socket.nsp(); }, "*");
        start();
        for (const Way way : kWays) {
            PacketClient client = join(way);
            CPPUNIT_ASSERT_EQUAL('4', client.connect("/anything")[0]);
            CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
            client.say("2/chat,1[\"where\"]");
            expect(client, {"3/chat,1[\"/chat\"]"});
        }
    }

    void tooManyNamespacesEndTheSession() {
        ServerOptions options;
        options.maxNamespacesPerClient = 2;
        make(options);
        sio().on(
            "e", [](Socket&) {}, "/third");
        watchDisconnects();
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way, "/chat");
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
        start();
        for (const Way way : kWays)
            for (const bool main : {true, false}) {
                journal.clear();
                PacketClient client = join(way, main ? "/" : "/chat");
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
        start();
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
                PacketClient client = join(way);
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

    void packetsOfServersEndTheSession() {
        make();
        watchDisconnects();
        start();
        for (const Way way : kWays)
            for (const char* packet : {R"(4{"message":"x"})", R"(4"x")", R"(4/chat,"x")"}) {
                journal.clear();
                PacketClient client = join(way, "/chat");
                client.say(packet);
                assertEnded(client, packet);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(packet,
                                             "/ forced server close; /chat forced server close"s,
                                             journal.waitFor(2));
            }
    }

    void packetsForANamespaceJustLeftAreIgnored() {
        make();
        std::atomic<int> handled{0};
        sio().on(
            "e", [&](Socket&) { ++handled; }, "/chat");
        sio().on(
            "kick", [](Socket& socket) { socket.disconnect(); }, "/chat");
        start();
        for (const Way way : kWays) {
            PacketClient client = join(way);
            for (const bool byServer : {true, false}) {
                CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
                client.say(byServer ? "2/chat,[\"kick\"]" : "1/chat,");
                if (byServer) expect(client, {"1/chat,"});
                client.say({"2/chat,[\"e\"]", "2/chat,7[\"e\"]", "3/chat,1[]", "1/chat,",
                            "51-/chat,[\"e\",{\"_placeholder\":true,\"num\":0}]",
                            attachment("crossed")});
                CPPUNIT_ASSERT_MESSAGE(client.name(), client.quiet());
            }
        }
        CPPUNIT_ASSERT_EQUAL(0, handled.load());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NamespaceConformanceTest);

}  // namespace socketio
