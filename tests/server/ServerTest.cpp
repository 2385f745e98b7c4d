// What applications call: emit and its wire forms, rooms, sessions, options.
#include <cmath>
#include <limits>
#include <malloc.h>
#include <map>
#include <set>

#include <Poco/Exception.h>

#include "socketio/engine/EngineServer.h"
#include "socketio/managers/MemoryManager.h"
#include "socketio/server/Server.h"

#include "ServerFixture.h"
#include "support/FakeExchange.h"
#include "support/Sanitized.h"

namespace socketio {

namespace {

struct Point {
    int x = 0, y = 0;
};
SOCKETIO_FIELDS(Point, x, y)

// JSON with a mark of its own, to be told from the built-in codec.
struct MarkedJson : JsonInterface {
    std::string dumps(const Value& value) const override {
        if (value[1] == "refuse") throw Poco::DataException("refused");
        return JsonCodec::encode(value) + " ";
    }
    Value loads(std::string_view text) const override {
        auto value = JsonCodec::decode(text);
        if (!value.ok()) throw Poco::DataException("bad");
        value->push("marked");
        return std::move(*value);
    }
};

}  // namespace

using test::Peer;

class ServerTest : public test::ServerFixture {
    CPPUNIT_TEST_SUITE(ServerTest);
    CPPUNIT_TEST(emitWritesItsDataAsArguments);
    CPPUNIT_TEST(emitReachesBothProtocolsInOneForm);
    CPPUNIT_TEST(emitRefusesWhatHasNoWireForm);
    CPPUNIT_TEST(emitRefusesReservedNames);
    CPPUNIT_TEST(emitChoosesItsRecipients);
    CPPUNIT_TEST(emitReachesEveryLoopWithOneMessage);
    CPPUNIT_TEST(sendEmitsMessage);
    CPPUNIT_TEST(beforeTheStartEmitReachesNobody);
    CPPUNIT_TEST(binaryGoesBothWays);
    CPPUNIT_TEST(roomsOfAClient);
    CPPUNIT_TEST(namesOfNamespacesNeedNoSlash);
    CPPUNIT_TEST(sessionsBelongToASocket);
    CPPUNIT_TEST(transportAndEnvironOfAClient);
    CPPUNIT_TEST(optionsThatCannotBeAreRefused);
    CPPUNIT_TEST(classicOptionsAreThoseOfTheDocumentation);
    CPPUNIT_TEST(aSecondHubIsRefused);
    CPPUNIT_TEST(anotherManagerMayBeGiven);
    CPPUNIT_TEST(theManagerIsToldWhomToLeaveOut);
    CPPUNIT_TEST(anotherJsonCodecMayBeGiven);
    CPPUNIT_TEST(handlersMayBeReplacedAtAnyTime);
    CPPUNIT_TEST(repeatedErrorsAreCountedNotLogged);
    CPPUNIT_TEST(requestsBeforeTheStartAreAnswered503);
    CPPUNIT_TEST(requestsGoToTheirLoop);
    CPPUNIT_TEST(sessionsOfTheEngineReachTheHandlers);
    CPPUNIT_TEST(anIdleClientIsSmall);
    CPPUNIT_TEST_SUITE_END();

public:
    void emitWritesItsDataAsArguments() {
        Peer& peer = joined();
        const auto check = [&](const char* expected, auto&&... data) {
            server->emit("e", std::forward<decltype(data)>(data)...);
            executor->run();
            ASSERT_HEARD(expected, peer);
        };
        check("2[\"e\"]");
        check("2[\"e\",null]", nullptr);
        check("2[\"e\",\"x\"]", "x");
        check("2[\"e\",5]", 5);
        check("2[\"e\",true]", true);
        check("2[\"e\",{\"a\":1}]", Value{{"a", 1}});
        check("2[\"e\",[1,2]]", std::vector{1, 2});
        check("2[\"e\",[1,2]]", std::set{2, 1});
        check("2[\"e\",{\"k\":[]}]", std::map<std::string, std::vector<int>>{{"k", {}}});
        check("2[\"e\",{\"x\":1,\"y\":2}]", Point{1, 2});
        check("2[\"e\",\"a\",2]", std::tuple{"a", 2});
        check("2[\"e\"]", std::tuple{});
        check("2[\"e\",[\"a\",2]]", Value::array({"a", 2}));
        check("2[\"e\",\"\xc3\xa9\"]", "\xc3\xa9");
        check("51-[\"e\",{\"_placeholder\":true,\"num\":0}] <abc>", Binary(std::string("abc")));
        check(
            "52-[\"e\",{\"b\":{\"_placeholder\":true,\"num\":0}},"
            "[{\"_placeholder\":true,\"num\":1}]] <a> <b>",
            std::tuple{Value{{"b", Binary(std::string("a"))}},
                       std::vector{Binary(std::string("b"))}});
        server->emit("e", {{"user", "ann"}, {"n", 1}}, {.room = peer.sid});
        executor->run();
        ASSERT_HEARD("2[\"e\",{\"user\":\"ann\",\"n\":1}]", peer);

        server->on(
            "x", [](Socket&) {}, "/n");
        peer.join("/n");
        server->emit("e", 1, {.nsp = "/n"});
        server->emit("e", Binary(std::string("abc")), {.nsp = "/n"});
        executor->run();
        ASSERT_HEARD("2/n,[\"e\",1] 51-/n,[\"e\",{\"_placeholder\":true,\"num\":0}] <abc>", peer);
    }

    void emitReachesBothProtocolsInOneForm() {
        Peer& five = joined();
        Peer& four = joinedV3();
        server->emit("e", 1);
        executor->run();
        ASSERT_HEARD("2[\"e\",1]", five);
        ASSERT_HEARD("2[\"e\",1]", four);
        CPPUNIT_ASSERT(five.session->last == four.session->last);
    }

    void emitRefusesWhatHasNoWireForm() {
        Peer& peer = joined();
        const double infinity = std::numeric_limits<double>::infinity();
        CPPUNIT_ASSERT_THROW(server->emit("e", std::nan("")), Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_THROW(server->emit("e", Value{{"x", infinity}}),
                             Poco::InvalidArgumentException);
        const std::vector<Binary> ten(10), eleven(11);
        CPPUNIT_ASSERT_THROW(server->emit("e", eleven), Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_THROW(server->emit("e", eleven, {.callback = [] {}}),
                             Poco::InvalidArgumentException);
        try {
            server->emit("photo", eleven);
            CPPUNIT_FAIL("no exception");
        } catch (const Poco::Exception& e) {
            CPPUNIT_ASSERT(e.displayText().find("\"photo\"") != std::string::npos);
            CPPUNIT_ASSERT(e.displayText().find("10 attachments") != std::string::npos);
        }
        executor->run();
        ASSERT_HEARD("", peer);
        server->emit("e", ten);
        executor->run();
        CPPUNIT_ASSERT(peer.heard().starts_with("510-[\"e\","));
    }

    void emitRefusesReservedNames() {
        for (const char* name : {"connect", "connect_error", "disconnect", "disconnecting",
                                 "newListener", "removeListener"}) {
            CPPUNIT_ASSERT_THROW(server->emit(name), Poco::InvalidArgumentException);
            CPPUNIT_ASSERT_THROW(server->call(name, {}, {.sid = "x"}),
                                 Poco::InvalidArgumentException);
        }
        server->emit("message");
        server->emit("error");
        server->emit("");
        CPPUNIT_ASSERT_THROW(server->on("connect_error", [](Socket&) {}),
                             Poco::InvalidArgumentException);
    }

    void emitChoosesItsRecipients() {
        Peer &a = joined(), &b = joined(), &c = joined();
        server->enterRoom(a.sid, "r");
        server->enterRoom(b.sid, "r");
        server->enterRoom(c.sid, "s");
        const auto check = [&](bool toA, bool toB, bool toC) {
            executor->run();
            CPPUNIT_ASSERT_EQUAL(std::string(toA ? "2[\"e\"]" : ""), a.heard());
            CPPUNIT_ASSERT_EQUAL(std::string(toB ? "2[\"e\"]" : ""), b.heard());
            CPPUNIT_ASSERT_EQUAL(std::string(toC ? "2[\"e\"]" : ""), c.heard());
        };
        server->emit("e");
        check(true, true, true);
        server->emit("e", {}, {.room = a.sid});
        check(true, false, false);
        server->emit("e", {}, {.room = "r", .skipSid = a.sid});
        check(false, true, false);
        server->emit("e", {}, {.room = {"r", "s", a.sid}});
        check(true, true, true);
        server->emit("e", {},
                     {.room = std::vector<std::string>{"r", "s"}, .skipSid = {a.sid, c.sid}});
        check(false, true, false);
        server->emit("e", {}, {.room = "nowhere"});
        server->emit("e", {}, {.room = ""});
        server->emit("e", {}, {.nsp = "/nowhere"});
        check(false, false, false);
        server->leaveRoom(a.sid, a.sid);
        server->emit("e", {}, {.room = a.sid});
        check(false, false, false);
        server->closeRoom("r");
        server->emit("e", {}, {.room = "r"});
        check(false, false, false);
        server->emit("e");
        check(true, true, true);
        server->on(
            "go", [](Socket& socket) { socket.server().emit("e", {}, {.skipSid = socket.sid()}); });
        b.say("2[\"go\"]");
        check(true, false, true);
    }

    void emitReachesEveryLoopWithOneMessage() {
        make({}, 3);
        std::vector<Peer*> all;
        for (Executor::LoopId loop = 0; loop < 3; ++loop)
            for (int i = 0; i < 3; ++i) all.push_back(&joined(loop));
        server->emit("e", 1);
        executor->run();
        for (Peer* peer : all) {
            ASSERT_HEARD("2[\"e\",1]", *peer);
            CPPUNIT_ASSERT(peer->session->last == all[0]->session->last);
        }
        // Emits of one thread arrive in their order, to one and to many.
        for (int i = 0; i < 3; ++i) {
            server->emit("a", i);
            server->emit("b", i, {.room = all[4]->sid});
        }
        executor->run();
        ASSERT_HEARD("2[\"a\",0] 2[\"b\",0] 2[\"a\",1] 2[\"b\",1] 2[\"a\",2] 2[\"b\",2]", *all[4]);
    }

    void sendEmitsMessage() {
        Peer& peer = joined();
        server->send("x");
        server->send(std::tuple{1, 2}, {.room = peer.sid});
        server->on("e", [](Socket& socket) { socket.send("back"); });
        executor->run();
        peer.say("2[\"e\"]");
        ASSERT_HEARD("2[\"message\",\"x\"] 2[\"message\",1,2] 2[\"message\",\"back\"]", peer);
    }

    void beforeTheStartEmitReachesNobody() {
        Server early;
        early.emit("e", 1, {.room = "x", .callback = [] {}});
        early.disconnect("x");
        early.closeRoom("x");
        CPPUNIT_ASSERT(early.rooms("x").empty());
        CPPUNIT_ASSERT_THROW(early.enterRoom("x", "r"), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(early.call("e", {}, {.sid = "x"}), Poco::IllegalStateException);
        early.stop(Clock::system().now());
    }

    void binaryGoesBothWays() {
        server->on("echo", [&](Socket&, const Value& data) {
            trace += data["b"].asBinary().bytes;
            return data;
        });
        server->on("typed",
                   [&](Socket&, const Binary& bytes) { return Binary(bytes.bytes + "!"); });
        Peer& peer = joined();
        peer.write(
            "52-1[\"echo\",{\"b\":{\"_placeholder\":true,\"num\":1},"
            "\"c\":[{\"_placeholder\":true,\"num\":0}]}]");
        peer.writeBinary("one");
        peer.writeBinary(std::string_view("t\0o", 3));
        peer.write("51-2[\"typed\",{\"_placeholder\":true,\"num\":0}]");
        peer.writeBinary("three");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("t\0o", 3), trace);
        CPPUNIT_ASSERT_EQUAL(
            std::string("62-1[{\"b\":{\"_placeholder\":true,\"num\":0},"
                        "\"c\":[{\"_placeholder\":true,\"num\":1}]}] <t") +
                std::string("\0o> <one> 61-2[{\"_placeholder\":true,\"num\":0}] <three!>", 54),
            peer.heard());
    }

    void roomsOfAClient() {
        Peer& peer = joined();
        CPPUNIT_ASSERT((server->rooms(peer.sid) == std::vector<std::string>{peer.sid}));
        server->enterRoom(peer.sid, "r");
        CPPUNIT_ASSERT((server->rooms(peer.sid) == std::vector<std::string>{peer.sid, "r"}));
        server->leaveRoom(peer.sid, "r");
        server->leaveRoom(peer.sid, "never");
        CPPUNIT_ASSERT((server->rooms(peer.sid) == std::vector<std::string>{peer.sid}));
        CPPUNIT_ASSERT(server->rooms("nobody").empty());
        CPPUNIT_ASSERT(server->rooms(peer.sid, "/x").empty());
        CPPUNIT_ASSERT_THROW(server->enterRoom("nobody", "r"), Poco::NotFoundException);
        server->on("e", [](Socket& socket) {
            socket.join("a");
            socket.join("b");
            socket.leave("a");
            return socket.rooms().back();
        });
        peer.say("21[\"e\"]");
        ASSERT_HEARD("31[\"b\"]", peer);
    }

    void namesOfNamespacesNeedNoSlash() {
        server->on(
            "e", [&](Socket&) { trace += "e"; }, "chat");
        Peer& peer = open();
        peer.join("/chat");
        peer.say("2/chat,[\"e\"]");
        server->enterRoom(peer.sid, "r", "chat");
        server->emit("x", {}, {.room = "r", .nsp = "chat"});
        executor->run();
        ASSERT_HEARD("2/chat,[\"x\"]", peer);
        CPPUNIT_ASSERT_EQUAL(std::string("e"), trace);
    }

    void sessionsBelongToASocket() {
        server->on(
            "e", [](Socket&) {}, "/x");
        server->on("set", [](Socket& socket, const std::string& name) {
            socket.saveSession(Value{{"name", name}});
        });
        server->on("get", [](Socket& socket) { return socket.getSession()["name"]; });
        Peer& peer = joined();
        const std::string sid = peer.sid;
        peer.join("/x");
        CPPUNIT_ASSERT(server->getSession(sid).isNull());
        peer.say("2[\"set\",\"ann\"]");
        peer.say("21[\"get\"]");
        ASSERT_HEARD("31[\"ann\"]", peer);
        CPPUNIT_ASSERT(server->getSession(sid)["name"] == "ann");
        CPPUNIT_ASSERT(server->getSession(peer.sid, "/x").isNull());
        server->saveSession(sid, Value(5));
        CPPUNIT_ASSERT(server->getSession(sid) == Value(5));
        peer.hangUp();
        CPPUNIT_ASSERT_THROW(server->getSession(sid), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(server->saveSession(sid, {}), Poco::NotFoundException);
    }

    void transportAndEnvironOfAClient() {
        Peer& peer = joined();
        CPPUNIT_ASSERT_EQUAL(std::string_view("polling"), server->transport(peer.sid));
        peer.session->webSocket = true;
        CPPUNIT_ASSERT_EQUAL(std::string_view("websocket"), server->transport(peer.sid));
        CPPUNIT_ASSERT_EQUAL(std::string("red"),
                             server->environ(peer.sid)->queryParameter("color"));
        CPPUNIT_ASSERT_THROW(server->transport("nobody"), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(server->transport(peer.sid, "/x"), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(server->environ("nobody"), Poco::NotFoundException);
    }

    void optionsThatCannotBeAreRefused() {
        const auto refuses = [](const char* name, auto&& change) {
            ServerOptions options;
            change(options);
            try {
                Server refused(options);
                CPPUNIT_FAIL(name);
            } catch (const Poco::InvalidArgumentException& e) {
                CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                       e.displayText().find(name) != std::string::npos);
            }
        };
        refuses("\"eventlet\"", [](ServerOptions& o) { o.asyncMode = "eventlet"; });
        refuses("connectTimeout", [](ServerOptions& o) { o.connectTimeout = {}; });
        refuses("maxPendingAcks", [](ServerOptions& o) { o.maxPendingAcks = 0; });
        refuses("inboundTasks", [](ServerOptions& o) { o.inboundTasks = 0; });
        refuses("inboundBytes", [](ServerOptions& o) { o.inboundBytes = 0; });
        refuses("maxNamespacesPerClient", [](ServerOptions& o) { o.maxNamespacesPerClient = 0; });
    }

    void classicOptionsAreThoseOfTheDocumentation() {
        const ServerOptions classic = ServerOptions::classic();
        CPPUNIT_ASSERT(classic.pingTimeout == std::chrono::seconds(60));
        CPPUNIT_ASSERT(classic.pingInterval == std::chrono::seconds(25));
        CPPUNIT_ASSERT_EQUAL(std::size_t(100'000'000), classic.maxHttpBufferSize);
        CPPUNIT_ASSERT_EQUAL(std::size_t(400'000'000), classic.outboundLimit());
        CPPUNIT_ASSERT(classic.cookie && classic.cookie->name == "io");
        CPPUNIT_ASSERT(classic.corsAllowedOrigins.mode == AllowedOrigins::Mode::Any);
        CPPUNIT_ASSERT(classic.corsCredentials);
        Server accepts(classic);
        const ServerOptions modern;
        CPPUNIT_ASSERT(!modern.cookie);
        CPPUNIT_ASSERT(modern.connectTimeout == std::chrono::seconds(45));
        CPPUNIT_ASSERT(modern.ackTimeout == std::chrono::seconds(60));
    }

    void aSecondHubIsRefused() {
        server->start(*executor);  // a second front end on the same hub
        test::ManualExecutor other;
        CPPUNIT_ASSERT_THROW(server->start(other), Poco::IllegalStateException);
    }

    void anotherManagerMayBeGiven() {
        struct Manager : MemoryManager {
            int initialized = 0, emits = 0, shutDown = 0;
            void initialize() override { ++initialized; }
            void shutdown() override { ++shutDown; }
            void emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                        const AckCallback& callback) override {
                ++emits;
                MemoryManager::emitTo(nsp, data, target, callback);
            }
        };
        const auto manager = std::make_shared<Manager>();
        ServerOptions options;
        options.clientManager = manager;
        make(options);
        server->start(*executor);
        CPPUNIT_ASSERT_EQUAL(1, manager->initialized);
        CPPUNIT_ASSERT(&server->manager() == manager.get());
        Peer& peer = joined();
        server->emit("e");
        executor->run();
        ASSERT_HEARD("2[\"e\"]", peer);
        CPPUNIT_ASSERT_EQUAL(1, manager->emits);
        end();
        CPPUNIT_ASSERT_EQUAL(1, manager->shutDown);
        manager->emitTo("/", Value::array({"e"}), {}, {});  // outlives the server
    }

    void theManagerIsToldWhomToLeaveOut() {
        struct Manager : MemoryManager {
            std::string told;
            void emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                        const AckCallback& callback) override {
                told += nsp + (target.ignoreQueue ? " here" : " everywhere");
                for (const std::string& room : target.rooms) told += " to " + room;
                for (const std::string& sid : target.skipSids) told += " not " + sid;
                told += ';';
                MemoryManager::emitTo(nsp, data, target, callback);
            }
            void disconnectSocket(std::string_view sid, std::string_view nsp,
                                  bool ignoreQueue) override {
                told += std::string(nsp) + (ignoreQueue ? " here" : " everywhere") + " ends;";
                MemoryManager::disconnectSocket(sid, nsp, ignoreQueue);
            }
        };
        const auto manager = std::make_shared<Manager>();
        const auto told = [&] { return std::exchange(manager->told, {}); };
        ServerOptions options;
        options.clientManager = manager;
        make(options);
        server->emit("e");
        server->emit("e", {}, {.ignoreQueue = true});
        server->send("m", {.room = {"a", "b"}, .skipSid = "c", .nsp = "/n", .ignoreQueue = true});
        CPPUNIT_ASSERT_EQUAL(std::string("/ everywhere;/ here;/n here to a to b not c;"), told());
        for (const bool here : {false, true}) {
            // Nobody is there to answer: the outcome is known at once.
            CPPUNIT_ASSERT_THROW(
                server->call("e", {}, {.sid = "nobody", .nsp = "/n", .ignoreQueue = here}),
                Poco::IOException);
            CPPUNIT_ASSERT_EQUAL(
                std::string(here ? "/n here to nobody;" : "/n everywhere to nobody;"), told());
            server->disconnect("nobody", "/", here);
            CPPUNIT_ASSERT_EQUAL(std::string(here ? "/ here ends;" : "/ everywhere ends;"), told());
        }
    }

    void anotherJsonCodecMayBeGiven() {
        ServerOptions options;
        options.json = std::make_shared<MarkedJson>();
        make(options);
        server->on("e", [](Socket&, const Value::Array& all) { return all; });
        Peer& peer = open();
        peer.say("0");
        ASSERT_HEARD("0{\"sid\":\"SID\"} ", peer);
        peer.say("21[\"e\",1]");
        ASSERT_HEARD("31[[1,\"marked\"]] ", peer);
        CPPUNIT_ASSERT_THROW(server->emit("e", "refuse"), Poco::InvalidArgumentException);
        peer.say("2[\"e\",");
        CPPUNIT_ASSERT(!peer.open());
    }

    void handlersMayBeReplacedAtAnyTime() {
        server->on("e", [&](Socket&) {
            trace += "1";
            server->on("e", [&](Socket&) { trace += "2"; });
        });
        Peer& peer = joined();
        peer.write("2[\"e\"]");
        peer.write("2[\"e\"]");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("12"), trace);
        server->on("new", [&](Socket&) { trace += "3"; });
        peer.say("2[\"new\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("123"), trace);
    }

    void repeatedErrorsAreCountedNotLogged() {
        server->on("e", [](Socket&) { throw std::runtime_error("same again\nand again"); });
        Peer& peer = joined();
        const std::size_t before = log->count;
        for (int i = 0; i < 500; ++i) peer.say("2[\"e\"]");
        // Two windows of a second at most may have begun.
        CPPUNIT_ASSERT(log->count - before >= 100);
        CPPUNIT_ASSERT(log->count - before <= 300);
        CPPUNIT_ASSERT(logged("error: the handler of the event \"e\" failed: same again\\x0aand"));
        CPPUNIT_ASSERT(peer.open());
    }

    void requestsBeforeTheStartAreAnswered503() {
        Server early;
        const auto exchange =
            test::FakeExchange::make(*executor, "GET", "/socket.io/?EIO=4&transport=polling");
        early.handleRequest(exchange);
        CPPUNIT_ASSERT_EQUAL(503, exchange->status());
    }

    void requestsGoToTheirLoop() {
        const auto exchange =
            test::FakeExchange::make(*executor, "GET", "/socket.io/?EIO=4&transport=nothing");
        server->handleRequest(exchange);
        CPPUNIT_ASSERT(!exchange->answered());
        executor->run();
        CPPUNIT_ASSERT_EQUAL(400, exchange->status());
    }

    void sessionsOfTheEngineReachTheHandlers() {
        server->on("connect", [&](Socket& socket, const Environ& environ) {
            trace += std::string(socket.transport()) + environ.queryParameter("name") + ";";
        });
        server->on("echo", [](Socket&, const Value& value) { return value; });
        server->on("disconnect",
                   [&](Socket&, DisconnectReason reason) { trace += toString(reason); });
        const auto request = test::FakeExchange::makeWebSocket(
            *executor, "/socket.io/?EIO=4&transport=websocket&name=ann");
        executor->onLoop(0, [&] { server->handleRequest(request); });
        executor->run();
        CPPUNIT_ASSERT(request->channel);
        CPPUNIT_ASSERT(request->channel->take().at(0).starts_with("0{\"sid\":"));
        request->channel->text("40");
        executor->run();
        CPPUNIT_ASSERT(request->channel->take().at(0).starts_with("40{\"sid\":"));
        request->channel->text("427[\"echo\",{\"a\":1}]");
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("437[{\"a\":1}]"), request->channel->take().at(0));
        request->channel->drop();
        executor->run();
        CPPUNIT_ASSERT_EQUAL(std::string("websocketann;transport close"), trace);
    }

    void anIdleClientIsSmall() {
        if (test::kSanitized) return;  // a sanitizer counts its own bytes
        constexpr std::size_t kClients = 2000;
        std::vector<std::shared_ptr<test::FakeSession>> sessions;
        for (std::size_t i = 0; i < kClients; ++i)
            sessions.push_back(
                std::make_shared<test::FakeSession>(generateId(), EngineRevision::V4, 0));
        const std::size_t before = mallinfo2().uordblks;
        server->on("echo", [](Socket&, const Value& value) { return value; });
        for (const auto& session : sessions) {
            executor->onLoop(0, [&] { session->listener = server->openSession(session); });
            executor->onLoop(0, [&] { session->listener->onText("0"); });
            executor->run();
            executor->onLoop(0, [&] { session->listener->onText("21[\"echo\",1]"); });
            executor->run();
            std::string().swap(session->sent);
            session->last.reset();
        }
        const std::size_t each = (mallinfo2().uordblks - before) / kClients;
        CPPUNIT_ASSERT_MESSAGE(std::to_string(each) + " bytes per idle client", each < 1200);
        for (const auto& session : sessions) session->close(CloseReason::TransportClose);
        executor->run();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ServerTest);

}  // namespace socketio
