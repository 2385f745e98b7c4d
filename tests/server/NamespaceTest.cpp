// Namespace classes, and who wins when several handlers could take an event.
#include <Poco/Exception.h>

#include "socketio/server/Namespace.h"

#include "ServerFixture.h"

namespace socketio {

using test::Peer;

namespace {

class Chat : public Namespace {
public:
    explicit Chat(std::string& log, std::string_view nsp = "/chat") : Namespace(nsp), trace(log) {
        on("connect", &Chat::onConnect);
        on("disconnect", &Chat::onDisconnect);
        on("my event", &Chat::onMyEvent);
        on("const", &Chat::onConst);
        on("lambda", [this](Socket&, int n) { trace += std::to_string(n); });
        on("*", &Chat::onOther);
    }
    bool onConnect(Socket& socket, const Value& auth) {
        trace += "connect;";
        socket.join("lobby");
        return auth["key"] != "bad";
    }
    void onDisconnect(Socket&, DisconnectReason reason) {
        trace += "disconnect:" + std::string(toString(reason)) + ";";
    }
    std::tuple<std::string, int> onMyEvent(Socket&, const std::string& text, int n) {
        trace += "my event;";
        return {text + "!", n + 1};
    }
    int onConst(const std::string& sid) const noexcept { return static_cast<int>(sid.size()); }
    void onOther(Socket&, const std::string& event, const Value::Array& arguments) {
        trace += "other " + event + std::to_string(arguments.size()) + ";";
    }

    std::string& trace;
};

}  // namespace

class NamespaceTest : public test::ServerFixture {
    CPPUNIT_TEST_SUITE(NamespaceTest);
    CPPUNIT_TEST(methodsHandleTheEventsOfTheirNamespace);
    CPPUNIT_TEST(aMethodMayRefuseAClient);
    CPPUNIT_TEST(aFunctionWinsOverAMethod);
    CPPUNIT_TEST(triggerEventMayBeOverridden);
    CPPUNIT_TEST(theConvenienceMethodsMeanTheirNamespace);
    CPPUNIT_TEST(anObjectBelongsToOneServer);
    CPPUNIT_TEST(aLaterObjectReplacesTheFormer);
    CPPUNIT_TEST(oneObjectMayServeEveryNamespace);
    CPPUNIT_TEST(catchAllHandlersStepInInOrder);
    CPPUNIT_TEST(catchAllEventHandlersNeverGetConnectAndDisconnect);
    CPPUNIT_TEST(catchAllHandlersGetTheNameAndTheArguments);
    CPPUNIT_TEST_SUITE_END();

public:
    void methodsHandleTheEventsOfTheirNamespace() {
        server->registerNamespace(std::make_shared<Chat>(trace));
        Peer& peer = open();
        peer.join("/chat");
        peer.say("2/chat,1[\"my event\",\"x\",1]");
        peer.say("2/chat,2[\"const\"]");
        peer.say("2/chat,3[\"lambda\",7]");
        peer.say("2/chat,4[\"what\",1,2]");
        ASSERT_HEARD("3/chat,1[\"x!\",2] 3/chat,2[20] 3/chat,3[] 3/chat,4[]", peer);
        peer.say("1/chat,");
        CPPUNIT_ASSERT_EQUAL(std::string("connect;my event;7other what2;"
                                         "disconnect:client namespace disconnect;"),
                             trace);
    }

    void aMethodMayRefuseAClient() {
        server->registerNamespace(std::make_shared<Chat>(trace));
        Peer& peer = open();
        peer.say("0/chat,{\"key\":\"bad\"}");
        ASSERT_HEARD("4/chat,{\"message\":\"Connection rejected by server\"}", peer);
    }

    void aFunctionWinsOverAMethod() {
        server->registerNamespace(std::make_shared<Chat>(trace));
        server->on(
            "my event", [&](Socket&) { trace += "function;"; }, "/chat");
        Peer& peer = open();
        peer.join("/chat");
        peer.say("2/chat,[\"my event\",\"x\",1]");
        peer.say("2/chat,[\"lambda\",7]");
        CPPUNIT_ASSERT_EQUAL(std::string("connect;function;7"), trace);
    }

    void triggerEventMayBeOverridden() {
        class Dispatching : public Namespace {
        public:
            explicit Dispatching(std::string& log) : Namespace("/d"), trace(log) {
                on("known", [this](Socket&) { trace += "known;"; });
            }
            HandlerResult triggerEvent(IncomingEvent& event) override {
                trace += event.name + std::to_string(event.arguments.size()) +
                         (event.wantsAck ? "?" : "") + ";";
                if (event.name == "connect") {
                    if (event.arguments.size() == 1) throw ConnectionRefused("no");
                    return HandlerResult::of(true);
                }
                if (event.name == "mine") return HandlerResult::of(std::tuple{1, 2});
                if (event.name == "throw") throw std::runtime_error("inside");
                return Namespace::triggerEvent(event);
            }
            std::string& trace;
        };
        server->registerNamespace(std::make_shared<Dispatching>(trace));
        Peer& peer = open();
        peer.say("0/d,{\"a\":1}");
        ASSERT_HEARD("4/d,{\"message\":\"no\"}", peer);
        peer.join("/d");
        peer.say("2/d,1[\"mine\",5]");
        peer.say("2/d,[\"known\"]");
        peer.say("2/d,2[\"unknown\"]");
        peer.say("2/d,3[\"throw\"]");
        ASSERT_HEARD("3/d,1[1,2]", peer);
        peer.hangUp();
        CPPUNIT_ASSERT_EQUAL(std::string("connect1;connect0;mine1?;known0;known;unknown0?;throw0?;"
                                         "disconnect0;"),
                             trace);
    }

    void theConvenienceMethodsMeanTheirNamespace() {
        const auto chat = std::make_shared<Chat>(trace);
        CPPUNIT_ASSERT_THROW(chat->emit("e"), Poco::IllegalStateException);
        server->registerNamespace(chat);
        CPPUNIT_ASSERT(&chat->server() == &*server);
        Peer& peer = joined();
        const std::string main = peer.sid;
        peer.join("/chat");
        chat->enterRoom(peer.sid, "r");
        CPPUNIT_ASSERT((chat->rooms(peer.sid) == std::vector<std::string>{peer.sid, "lobby", "r"}));
        chat->emit("e", 1, {.room = "r"});
        chat->send("x");
        chat->emit("main", 2, {.nsp = "/"});
        executor->run();
        ASSERT_HEARD("2/chat,[\"e\",1] 2/chat,[\"message\",\"x\"] 2[\"main\",2]", peer);
        chat->leaveRoom(peer.sid, "lobby");
        chat->closeRoom("r");
        CPPUNIT_ASSERT((chat->rooms(peer.sid) == std::vector<std::string>{peer.sid}));
        chat->enterRoom(main, "r", "/");
        CPPUNIT_ASSERT((server->rooms(main) == std::vector<std::string>{main, "r"}));
        chat->saveSession(peer.sid, Value(3));
        CPPUNIT_ASSERT(chat->getSession(peer.sid) == Value(3));
        CPPUNIT_ASSERT(server->getSession(peer.sid, "/chat") == Value(3));
        CPPUNIT_ASSERT_THROW(chat->call("e", {}, {.sid = "nobody"}), Poco::IOException);
        chat->disconnect(peer.sid);
        executor->run();
        ASSERT_HEARD("1/chat,", peer);
    }

    void anObjectBelongsToOneServer() {
        const auto chat = std::make_shared<Chat>(trace);
        server->registerNamespace(chat);
        server->registerNamespace(chat);
        Server second;
        CPPUNIT_ASSERT_THROW(second.registerNamespace(chat), Poco::IllegalStateException);
        CPPUNIT_ASSERT_THROW(second.registerNamespace(nullptr), Poco::InvalidArgumentException);
    }

    void aLaterObjectReplacesTheFormer() {
        server->registerNamespace(std::make_shared<Chat>(other));
        server->registerNamespace(std::make_shared<Chat>(trace));
        open().join("/chat");
        CPPUNIT_ASSERT_EQUAL(std::string(), other);
        CPPUNIT_ASSERT_EQUAL(std::string("connect;"), trace);
    }

    void oneObjectMayServeEveryNamespace() {
        ServerOptions options;
        options.namespaces = {"/a", "/own"};
        make(options);
        server->registerNamespace(std::make_shared<Chat>(trace, "*"));
        server->registerNamespace(std::make_shared<Chat>(other, "/own"));
        Peer& peer = open();
        peer.join("/a");
        peer.join("/own");
        CPPUNIT_ASSERT_EQUAL(std::string("connect;"), trace);
        CPPUNIT_ASSERT_EQUAL(std::string("connect;"), other);
        peer.say("0/b,");
        ASSERT_HEARD("4/b,{\"message\":\"Invalid namespace\"}", peer);
    }

    void catchAllHandlersStepInInOrder() {
        struct Plain : Namespace {
            Plain(std::string& log, const char* nsp, const char* mark) : Namespace(nsp) {
                on("e", [&log, mark](Socket&) { log += mark; });
            }
        };
        // Registered from the last to be asked to the first; each one takes over.
        ServerOptions options;
        options.namespaces = {"/x"};
        make(options);
        Peer& peer = open();
        peer.join("/x");
        const auto ask = [&] {
            trace.clear();
            peer.say("2/x,[\"e\"]");
            return trace;
        };
        CPPUNIT_ASSERT_EQUAL(std::string(), ask());
        server->registerNamespace(std::make_shared<Plain>(trace, "*", "class *"));
        CPPUNIT_ASSERT_EQUAL(std::string("class *"), ask());
        server->registerNamespace(std::make_shared<Plain>(trace, "/x", "class x"));
        CPPUNIT_ASSERT_EQUAL(std::string("class x"), ask());
        server->on(
            "*", [&](Socket&) { trace += "both"; }, "*");
        CPPUNIT_ASSERT_EQUAL(std::string("both"), ask());
        server->on(
            "e", [&](Socket&) { trace += "namespace *"; }, "*");
        CPPUNIT_ASSERT_EQUAL(std::string("namespace *"), ask());
        server->on(
            "*", [&](Socket&) { trace += "event *"; }, "/x");
        CPPUNIT_ASSERT_EQUAL(std::string("event *"), ask());
        server->on(
            "e", [&](Socket&) { trace += "exact"; }, "/x");
        CPPUNIT_ASSERT_EQUAL(std::string("exact"), ask());
    }

    void catchAllEventHandlersNeverGetConnectAndDisconnect() {
        server->on("*", [&](Socket&, const std::string& event) { trace += event + ";"; });
        server->on(
            "*", [&](Socket&, const std::string& event) { trace += event + ";"; }, "*");
        joined().hangUp();
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
        server->on(
            "connect", [&](Socket& socket) { trace += "+" + socket.nsp(); }, "*");
        server->on(
            "disconnect", [&](Socket& socket) { trace += "-" + socket.nsp(); }, "*");
        joined().hangUp();
        CPPUNIT_ASSERT_EQUAL(std::string("+/-/"), trace);
    }

    void catchAllHandlersGetTheNameAndTheArguments() {
        Peer& peer = joined();
        const auto ask = [&](auto&& handler) {
            server->on("*", handler);
            peer.say("21[\"name\",1,\"two\"]");
            return peer.heard();
        };
        CPPUNIT_ASSERT_EQUAL(std::string("31[[\"name\",1,\"two\"]]"),
                             ask([](Socket&, const Value::Array& all) { return all; }));
        CPPUNIT_ASSERT_EQUAL(std::string("31[\"name\",[1,\"two\"]]"),
                             ask([](Socket&, const std::string& event, const Value::Array& rest) {
                                 return std::tuple{event, rest};
                             }));
        CPPUNIT_ASSERT_EQUAL(
            std::string("31[\"two\",1,\"name\"]"),
            ask([](const std::string&, std::string_view event, int n, const std::string& text) {
                return std::tuple{text, n, event};
            }));
        CPPUNIT_ASSERT_EQUAL(std::string("31[\"name\"]"),
                             ask([](Socket&, std::string event) { return event; }));
        CPPUNIT_ASSERT_EQUAL(std::string("31[]"), ask([](Socket&) {}));
    }

private:
    std::string other;  // what another object writes down
};

CPPUNIT_TEST_SUITE_REGISTRATION(NamespaceTest);

}  // namespace socketio
