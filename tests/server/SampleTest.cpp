// The program that the README shows, but for its front end: it has to compile without a
// warning, and to work.
#include <socketio/server/Server.h>

#include "ServerFixture.h"

struct Message {
    std::string user, text;
};
SOCKETIO_FIELDS(Message, user, text)  // Message <-> {"user":..., "text":...}

namespace {

void registerHandlers(socketio::Server& sio) {
    sio.on("connect", [](socketio::Socket& socket, const socketio::Value& auth) {
        if (auth["token"] != "letmein") throw socketio::ConnectionRefused("bad token");
        socket.join("lobby");
    });
    sio.on("chat message", [&](socketio::Socket& socket, const Message& message) {
        sio.emit("chat message", message, {.room = "lobby", .skipSid = socket.sid()});
        return "delivered";  // becomes the acknowledgement
    });
}

}  // namespace

namespace socketio {

class SampleTest : public test::ServerFixture {
    CPPUNIT_TEST_SUITE(SampleTest);
    CPPUNIT_TEST(clientsChat);
    CPPUNIT_TEST_SUITE_END();

public:
    void clientsChat() {
        registerHandlers(*server);
        test::Peer &ann = open(), &bob = open(), &eve = open();
        for (test::Peer* peer : {&ann, &bob}) {
            peer->say("0{\"token\":\"letmein\"}");
            ASSERT_HEARD("0{\"sid\":\"SID\"}", *peer);
        }
        for (const char* packet : {"0", "0{\"token\":true}"}) {
            eve.say(packet);
            ASSERT_HEARD("4{\"message\":\"bad token\"}", eve);
        }
        ann.say("27[\"chat message\",{\"user\":\"ann\",\"text\":\"hi\"}]");
        ASSERT_HEARD("37[\"delivered\"]", ann);
        ASSERT_HEARD("2[\"chat message\",{\"user\":\"ann\",\"text\":\"hi\"}]", bob);
        ASSERT_HEARD("", eve);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SampleTest);

}  // namespace socketio
