// Broadcasts: to all, to rooms, and to all but some.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class RoomConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(RoomConformanceTest);
    CPPUNIT_TEST(aBroadcastReachesEachInItsOwnForm);
    CPPUNIT_TEST(roomsAndThoseLeftOut);
    CPPUNIT_TEST_SUITE_END();

public:
    void aBroadcastReachesEachInItsOwnForm() {
        make();
        start();
        std::vector<PacketClient> clients;
        for (const Way way : kWays) clients.push_back(join(way));
        sio().emit("b", std::tuple{"\xE2\x82\xAC", Value{{"x", Binary("\x01\x02")}}});
        sio().emit("b", 1);
        for (PacketClient& client : clients)
            expect(client, {"51-[\"b\",\"\xE2\x82\xAC\",{\"x\":{\"_placeholder\":true,\"num\":0}}]",
                            "<\x01\x02>", "2[\"b\",1]"});
    }

    void roomsAndThoseLeftOut() {
        make();
        onBoth("join", [](Socket& socket, const std::string& room) { socket.join(room); });
        onBoth("leave", [](Socket& socket, const std::string& room) { socket.leave(room); });
        onBoth("sid", [](Socket& socket) { return socket.sid(); });
        start();
        // Two clients, one of each revision, over both transports.
        for (const auto& [one, two] :
             {std::pair{kPolling4, kWebSocket3}, std::pair{kWebSocket4, kPolling3}}) {
            PacketClient a = join(one, "/chat"), b = join(two, "/chat");
            std::string sids[2];
            int i = 0;
            for (PacketClient* each : {&a, &b}) {
                each->say("21[\"sid\"]");
                const std::string answer = each->next();
                sids[i++] = answer.substr(4, answer.size() - 6);
                each->say("2[\"join\",\"both\"]");
                CPPUNIT_ASSERT(each->quiet());
            }
            a.say("2[\"join\",\"only a\"]");
            CPPUNIT_ASSERT(a.quiet());
            const auto check = [&](const char* what, const EmitOptions& options, bool toA,
                                   bool toB) {
                sio().emit(what, {}, options);
                const std::string packet = "2[\""s + what + "\"]";
                if (toA) expect(a, {packet});
                if (toB) expect(b, {packet});
                CPPUNIT_ASSERT_MESSAGE(what, a.quiet() && b.quiet());
            };
            check("all", {}, true, true);
            check("room", {.room = "both"}, true, true);
            check("one room", {.room = "only a"}, true, false);
            check("two rooms, once", {.room = {"both", "only a"}}, true, true);
            check("skip", {.skipSid = sids[0]}, false, true);
            check("skip list", {.room = "both", .skipSid = {sids[0], sids[1]}}, false, false);
            check("sid", {.room = sids[1]}, false, true);
            check("no such room", {.room = "nobody"}, false, false);
            sio().leaveRoom(sids[0], sids[0]);
            check("own room left", {.room = sids[0]}, false, false);
            // The same name in another namespace is another room.
            sio().emit("x", {}, {.room = "both", .nsp = "/chat"});
            CPPUNIT_ASSERT(a.quiet() && b.quiet());
            sio().closeRoom("both");
            check("closed room", {.room = "both"}, false, false);
            check("still there", {}, true, true);
            a.sayEngine("1");
            b.sayEngine("1");
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RoomConformanceTest);

}  // namespace socketio
