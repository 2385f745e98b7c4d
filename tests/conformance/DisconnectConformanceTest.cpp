// How a client leaves and is sent away, and the reason that its handler hears.
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class DisconnectConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(DisconnectConformanceTest);
    CPPUNIT_TEST(theClientLeavesWithItsReason);
    CPPUNIT_TEST(theServerDisconnects);
    CPPUNIT_TEST(brokenPacketsEndTheSessionWithItsReason);
    CPPUNIT_TEST(aClientThatFallsSilentTimesOut);
    CPPUNIT_TEST_SUITE_END();

public:
    void theClientLeavesWithItsReason() {
        const auto close = [](PacketClient& client) { client.close(); };
        const auto abortPoll = [this](PacketClient& client) {
            client.reader().request("GET", client.target());
            barrier(server->hub());
            client.reader().close();
        };
        const auto pollTwice = [this](PacketClient& client) {
            client.reader().request("GET", client.target());
            barrier(server->hub());
            CPPUNIT_ASSERT_EQUAL(400, RawClient(port).get(client.target()).status);
        };
        const auto postOctets = [](PacketClient& client) {
            client.writer().post(client.target(), "42[\"echo\"]",
                                 "Content-Type: application/octet-stream\r\n");
        };
        const std::string wrongOpcode = "\x83\x80\x01\x02\x03\x04";
        struct Case {
            const char* name;
            std::vector<Way> ways;
            std::function<void(PacketClient&)> leave;
            const char* heard;
        };
        const std::vector<Way> all(std::begin(kWays), std::end(kWays));
        const std::vector<Way> polling{kPolling4, kPolling3}, webSocket{kWebSocket4, kWebSocket3};
        const Case cases[] = {
            {"a namespace", all, [](auto& client) { client.say("1/chat,"); },
             "/chat client namespace disconnect"},
            {"a namespace, without the comma", all, [](auto& client) { client.say("1/chat"); },
             "/chat client namespace disconnect"},
            {"the main namespace", all, [](auto& client) { client.say("1"); },
             "/ client namespace disconnect"},
            {"one after the other", all,
             [](auto& client) {
                 client.say({"1/chat,", "1"});
             },
             "/chat client namespace disconnect; / client namespace disconnect"},
            {"close packet", all, [](auto& client) { client.sayEngine("1"); },
             "/ transport close; /chat transport close"},
            {"poll aborted", polling, abortPoll, "/ transport error; /chat transport error"},
            {"two polls", polling, pollTwice, "/ transport error; /chat transport error"},
            {"content type of revision 3",
             {kPolling4},
             postOctets,
             "/ transport error; /chat transport error"},
            {"close frame", webSocket, [](auto& client) { client.writer().sendClose(1000); },
             "/ transport close; /chat transport close"},
            {"close frame of a page that is left", webSocket,
             [](auto& client) { client.writer().sendClose(1001); },
             "/ transport close; /chat transport close"},
            {"FIN", webSocket, close, "/ transport close; /chat transport close"},
            {"RST", webSocket, [](auto& client) { client.writer().reset(); },
             "/ transport close; /chat transport close"},
            {"a frame that is none", webSocket,
             [&](auto& client) { client.writer().send(wrongOpcode); },
             "/ transport error; /chat transport error"},
            {"a message over the limit", webSocket,
             [](auto& client) {
                 client.writer().trySend(RawClient::frame(RawFrame::Text, std::string(1001, '4')));
             },
             "/ transport error; /chat transport error"},
            {"a heartbeat in the wrong direction", webSocket,
             [](auto& client) { client.sayEngine(client.revision() == 4 ? "2" : "3"); },
             "/ transport error; /chat transport error"},
            {"no packet of Engine.IO", webSocket, [](auto& client) { client.sayEngine("9"); },
             "/ parse error; /chat parse error"},
        };
        ServerOptions options;
        options.maxHttpBufferSize = 1000;
        make(options);
        watchDisconnects();
        start();
        for (const Case& c : cases)
            for (const Way way : c.ways) {
                const std::string what = std::string(c.name) + ", " + PacketClient::name(way);
                PacketClient client = join(way, "/chat");
                journal.clear();
                c.leave(client);
                const std::string heard = c.heard;
                const bool two = heard.find(';') != heard.npos;
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, heard, journal.waitFor(two ? 2 : 1));
                if (heard.find("namespace") != heard.npos) {
                    // The session goes on, and it may come back.
                    if (heard[1] == 'c') CPPUNIT_ASSERT_EQUAL('0', client.connect("/chat")[0]);
                    if (heard.find("/ ") == heard.npos) CPPUNIT_ASSERT(client.quiet());
                    if (heard.find("/ ") != heard.npos && way.revision == 4) {
                        CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
                        CPPUNIT_ASSERT(client.quiet());
                    }
                    client.sayEngine("1");
                }
                CPPUNIT_ASSERT_MESSAGE(what, eventually([&] { return nobodyIsLeft(); }));
            }
    }

    void theServerDisconnects() {
        make();
        watchDisconnects();
        onBoth("kick", [this](Socket& socket, bool close) {
            socket.join("room");
            socket.disconnect(close);
            socket.emit("too late");
            journal.add(socket.connected() ? "still connected" : "kicked");
        });
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way, "/chat");
            client.say({"2/chat,[\"kick\",false]", "2/chat,1[\"echo\"]"});
            expect(client, {"1/chat,"});
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
            PacketClient other = join(way);
            const std::string sid = sio().manager().getParticipants("/", "").at(0)->sid();
            sio().disconnect(sid);
            sio().disconnect(sid);
            expect(other, {"1"});
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
        start();
        std::vector<std::vector<Message>> broken{
            // The order of messages.
            {attachment("nobody asked")},
            {R"(52-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])",
             attachment("one"), "2[\"echo\"]"},
            {R"(51-["echo",{"_placeholder":true,"num":0}])", "2[\"echo\"]"},
            {R"(51-["echo",{"_placeholder":true,"num":0}])", attachment("one"), attachment("two")},
        };
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
        for (const char* packet : packets) broken.push_back({packet});
        for (const Way way : kWays)
            for (const std::vector<Message>& messages : broken) {
                journal.clear();
                PacketClient client = join(way);
                const std::string what = messages[0].data + ", " + client.name();
                client.writer().send(client.bytes(messages));
                // A POST that could not be read is not called good.
                if (client.polling())
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, 400,
                                                 client.writer().readResponse("POST").status);
                assertEnded(client, what);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "/ parse error"s, journal.waitFor(1));
            }
    }

    void aClientThatFallsSilentTimesOut() {
        ServerOptions options;
        options.pingInterval = 100ms;
        options.pingTimeout = 150ms;
        make(options);
        watchDisconnects();
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way, "/chat");
            CPPUNIT_ASSERT_EQUAL("/ ping timeout; /chat ping timeout"s, journal.waitFor(2));
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DisconnectConformanceTest);

}  // namespace socketio
