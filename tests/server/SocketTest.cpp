// One socket: emits with callbacks, their limits and their end.
#include <cmath>

#include <Poco/Exception.h>

#include "socketio/protocol/JsonCodec.h"
#include "socketio/server/Socket.h"

#include "ServerFixture.h"

namespace socketio {

using test::Peer;

class SocketTest : public test::ServerFixture {
    CPPUNIT_TEST_SUITE(SocketTest);
    CPPUNIT_TEST(aCallbackGetsTheAcknowledgement);
    CPPUNIT_TEST(callbacksTakeTypedParameters);
    CPPUNIT_TEST(aBroadcastCallsBackOncePerClient);
    CPPUNIT_TEST(acknowledgementsThatNobodyWaitsForAreIgnored);
    CPPUNIT_TEST(callbacksRunInOrderWithTheHandlers);
    CPPUNIT_TEST(whatACallbackThrowsIsLogged);
    CPPUNIT_TEST(callbacksAreForgottenAfterTheAckTimeout);
    CPPUNIT_TEST(callbacksAreForgottenWhenTheClientGoes);
    CPPUNIT_TEST(outstandingCallbacksAreLimited);
    CPPUNIT_TEST(aCallbackInTheConnectHandlerWaitsForTheAnswer);
    CPPUNIT_TEST(callIsRefusedInTheOwnConnectHandler);
    CPPUNIT_TEST(aSocketMayBeKept);
    CPPUNIT_TEST(aSocketKnowsWhatItIs);
    CPPUNIT_TEST_SUITE_END();

public:
    void aCallbackGetsTheAcknowledgement() {
        Peer& peer = joined();
        const auto callback = [&](const Value::Array& values) {
            trace += JsonCodec::encode(Value(values)) + ";";
        };
        server->emit("e", "x", {.room = peer.sid, .callback = callback});
        server->emit("e", Binary(std::string("b")), {.room = peer.sid, .callback = callback});
        executor->run();
        ASSERT_HEARD("21[\"e\",\"x\"] 51-2[\"e\",{\"_placeholder\":true,\"num\":0}] <b>", peer);
        peer.say("32[\"second\",5]");
        peer.write("61-1[{\"_placeholder\":true,\"num\":0}]");
        peer.writeBinary("first");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("[\"second\",5];null;"), trace);

        server->on(
            "x", [](Socket&) {}, "/n");
        peer.join("/n");
        server->emit("e", 1, {.room = peer.sid, .nsp = "/n", .callback = callback});
        executor->run();
        ASSERT_HEARD("2/n,1[\"e\",1]", peer);
        trace.clear();
        peer.say("3/n,1[]");
        CPPUNIT_ASSERT_EQUAL(std::string("[];"), trace);
    }

    void callbacksTakeTypedParameters() {
        Peer& peer = joined();
        const auto emit = [&](Callback callback) {
            server->emit("e", {}, {.room = peer.sid, .callback = std::move(callback)});
            executor->run();
            const std::string heard = peer.heard();
            peer.say("3" + heard.substr(1, heard.find('[') - 1) + "[\"ok\",5]");
        };
        emit([&](const std::string& text, int n) { trace += text + std::to_string(n) + ";"; });
        emit([&](std::string text) { trace += text + ";"; });
        emit([&] { trace += "none;"; });
        emit([&](const Value& a, const Value& b, std::optional<int> c) {
            trace += a.asString() + std::to_string(b.asInteger()) + (c ? "!" : "-") + ";";
        });
        emit([&, p = std::make_shared<int>(1)](const Value::Array& all) {
            trace += std::to_string(all.size()) + ";";
        });
        server->emit("e", {}, {.room = peer.sid, .callback = nullptr});
        executor->run();
        ASSERT_HEARD("2[\"e\"]", peer);
        emit([&](int) { trace += "called"; });
        CPPUNIT_ASSERT(logged("error: the callback of an acknowledgement failed: "));
        CPPUNIT_ASSERT(logged("argument 1: expected an integer, got a string"));
        CPPUNIT_ASSERT_EQUAL(std::string("ok5;ok;none;ok5-;2;"), trace);
    }

    void aBroadcastCallsBackOncePerClient() {
        Peer &a = joined(), &b = joined();
        server->emit("only a", {}, {.room = a.sid, .callback = [] {}});
        server->emit("e", {}, {.callback = [&](int n) { trace += std::to_string(n); }});
        executor->run();
        ASSERT_HEARD("21[\"only a\"] 22[\"e\"]", a);
        ASSERT_HEARD("21[\"e\"]", b);
        b.say("31[7]");
        a.say("32[8]");
        a.say("32[9]");
        CPPUNIT_ASSERT_EQUAL(std::string("78"), trace);
    }

    void acknowledgementsThatNobodyWaitsForAreIgnored() {
        Peer& peer = joined();
        for (const char* packet : {"30[]", "31[]", "39007199254740991[1]"}) peer.say(packet);
        server->emit("e", {}, {.room = peer.sid, .callback = [&] { trace += "!"; }});
        executor->run();
        for (const char* packet : {"30[]", "32[]", "31[]", "31[]", "30[]"}) peer.say(packet);
        CPPUNIT_ASSERT_EQUAL(std::string("!"), trace);
        CPPUNIT_ASSERT(peer.open());
    }

    void callbacksRunInOrderWithTheHandlers() {
        server->on("e", [&](Socket&) { trace += "e"; });
        Peer& peer = joined();
        server->emit("q", {}, {.room = peer.sid, .callback = [&] { trace += "!"; }});
        executor->run();
        peer.write("2[\"e\"]");
        peer.write("31[]");
        peer.write("2[\"e\"]");
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("e!e"), trace);
    }

    void whatACallbackThrowsIsLogged() {
        Peer& peer = joined();
        server->emit("e", {}, {.room = peer.sid, .callback = [] { throw 42; }});
        executor->run();
        peer.say("31[]");
        CPPUNIT_ASSERT(logged("error: the callback of an acknowledgement failed"));
        CPPUNIT_ASSERT(peer.open());
    }

    void callbacksAreForgottenAfterTheAckTimeout() {
        {
            const auto token = std::make_shared<int>();
            server->emit("e", {}, {.room = joined().sid, .callback = [token] {}});
            executor->advance(std::chrono::milliseconds(59'999));
            CPPUNIT_ASSERT_EQUAL(2L, token.use_count());
            executor->advance(std::chrono::milliseconds(1));
            CPPUNIT_ASSERT_EQUAL(1L, token.use_count());
        }
        ServerOptions options;
        options.ackTimeout = std::chrono::seconds(10);
        make(options);
        Peer& peer = joined();
        const auto token = std::make_shared<int>();
        const auto emit = [&] {
            server->emit("e", {}, {.room = peer.sid, .callback = [&, token] { trace += "!"; }});
            executor->run();
        };
        emit();
        executor->advance(std::chrono::seconds(6));
        emit();
        executor->advance(std::chrono::seconds(3));
        CPPUNIT_ASSERT_EQUAL(3L, token.use_count());
        executor->advance(std::chrono::seconds(2));
        CPPUNIT_ASSERT_EQUAL(2L, token.use_count());
        peer.say("31[]");
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
        peer.say("32[]");
        CPPUNIT_ASSERT_EQUAL(std::string("!"), trace);
        emit();
        executor->advance(std::chrono::seconds(6));
        emit();  // while the timer is armed for the one before
        executor->advance(std::chrono::seconds(5));
        CPPUNIT_ASSERT_EQUAL(2L, token.use_count());
        executor->advance(std::chrono::seconds(6));
        CPPUNIT_ASSERT_EQUAL(1L, token.use_count());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());
    }

    void callbacksAreForgottenWhenTheClientGoes() {
        const auto token = std::make_shared<int>();
        Peer& peer = joined();
        server->emit("e", {}, {.room = peer.sid, .callback = [token] {}});
        executor->run();
        CPPUNIT_ASSERT_EQUAL(2L, token.use_count());
        server->disconnect(peer.sid);
        executor->run();
        CPPUNIT_ASSERT_EQUAL(1L, token.use_count());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());
        server->emit("e", {}, {.room = peer.sid, .callback = [token] {}});
        executor->run();
        CPPUNIT_ASSERT_EQUAL(1L, token.use_count());
        Peer& other = joined();
        CPPUNIT_ASSERT_THROW(
            server->emit("e", std::nan(""), {.room = other.sid, .callback = [token] {}}),
            Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_EQUAL(1L, token.use_count());
    }

    void outstandingCallbacksAreLimited() {
        ServerOptions options;
        options.maxPendingAcks = 3;
        make(options);
        Peer &other = joined(), &peer = joined();
        const auto emit = [&](Names room) {
            server->emit("e", {}, {.room = std::move(room), .callback = [] {}});
            executor->run();
        };
        for (int i = 0; i < 3; ++i) emit(peer.sid);
        other.heard();
        CPPUNIT_ASSERT_THROW(emit(peer.sid), Poco::PoolOverflowException);
        CPPUNIT_ASSERT_THROW(emit({}), Poco::PoolOverflowException);
        executor->run();
        ASSERT_HEARD("", other);
        emit(other.sid);
        server->emit("without");
        peer.say("32[]");
        emit(peer.sid);
        ASSERT_HEARD("21[\"e\"] 22[\"e\"] 23[\"e\"] 2[\"without\"] 24[\"e\"]", peer);
    }

    void aCallbackInTheConnectHandlerWaitsForTheAnswer() {
        server->on("connect", [&](Socket& socket) {
            socket.emit("e", 1, [&](int n) { trace += std::to_string(n); });
        });
        Peer& peer = open();
        peer.say("0");
        ASSERT_HEARD("0{\"sid\":\"SID\"} 21[\"e\",1]", peer);
        peer.say("31[5]");
        CPPUNIT_ASSERT_EQUAL(std::string("5"), trace);
        executor->advance(std::chrono::seconds(61));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor->armedTimers());
    }

    void callIsRefusedInTheOwnConnectHandler() {
        server->on("connect", [&](Socket& socket) {
            CPPUNIT_ASSERT_THROW(socket.call("e"), Poco::IllegalStateException);
            CPPUNIT_ASSERT_THROW(server->call("e", {}, {.sid = socket.sid()}),
                                 Poco::IllegalStateException);
            trace += "refused";
        });
        Peer& peer = open();
        peer.say("0");
        CPPUNIT_ASSERT_EQUAL(std::string("refused"), trace);
        CPPUNIT_ASSERT_THROW(server->call("e", {}, {}), Poco::InvalidArgumentException);
        // Nobody is meant: that is known at once.
        CPPUNIT_ASSERT_THROW(server->call("e", {}, {.sid = "nobody"}), Poco::IOException);
    }

    void aSocketMayBeKept() {
        std::shared_ptr<Socket> kept;
        server->on("e", [&](Socket& socket) { kept = socket.shared_from_this(); });
        Peer& peer = joined();
        peer.say("2[\"e\"]");
        kept->emit("later", 1);
        executor->run();
        ASSERT_HEARD("2[\"later\",1]", peer);
        CPPUNIT_ASSERT(kept->connected());
        peer.hangUp();
        CPPUNIT_ASSERT(!kept->connected());
        kept->emit("never");
        kept->emit("never", 1, [] {});
        kept->disconnect();
        CPPUNIT_ASSERT_THROW(kept->call("never"), Poco::IOException);
        CPPUNIT_ASSERT_THROW(kept->join("r"), Poco::NotFoundException);
        executor->run();
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT(kept->environ().has("REMOTE_ADDR"));
    }

    void aSocketKnowsWhatItIs() {
        server->on("e", [&](Socket& socket) {
            CPPUNIT_ASSERT(&socket.server() == &*server);
            return std::tuple{socket.nsp(), std::string(socket.transport()), socket.protocol(),
                              socket.connected()};
        });
        Peer &five = joined(), &four = joinedV3();
        four.session->webSocket = true;
        five.say("21[\"e\"]");
        four.say("21[\"e\"]");
        ASSERT_HEARD("31[\"/\",\"polling\",5,true]", five);
        ASSERT_HEARD("31[\"/\",\"websocket\",4,true]", four);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SocketTest);

}  // namespace socketio
