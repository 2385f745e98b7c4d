#include <functional>
#include <optional>

#include <Poco/Exception.h>

#include "socketio/server/Handler.h"

#include "ServerFixture.h"

namespace socketio {

namespace {

struct Message {
    std::string user, text;
    std::optional<int> priority;
};
SOCKETIO_FIELDS(Message, user, text, priority)

int calls = 0;
void plainFunction(Socket&, int n) { calls += n; }
int plainNoexcept(const std::string&) noexcept { return 7; }

struct Functor {
    int base;
    int operator()(Socket&, int n) const { return base + n; }
};

}  // namespace

using test::Peer;

class HandlerTest : public test::ServerFixture {
    CPPUNIT_TEST_SUITE(HandlerTest);
    CPPUNIT_TEST(everyKindOfFunctionIsAHandler);
    CPPUNIT_TEST(argumentsAreConvertedToTheParameters);
    CPPUNIT_TEST(furtherArgumentsAreIgnoredAndMissingOnesAreNull);
    CPPUNIT_TEST(wrongTypesAreLoggedAndNotAcknowledged);
    CPPUNIT_TEST(oneArrayParameterGetsAllArguments);
    CPPUNIT_TEST(parametersMayUseUpTheArguments);
    CPPUNIT_TEST(whatIsReturnedIsTheAcknowledgement);
    CPPUNIT_TEST(anAcknowledgementWithoutAWireFormIsLogged);
    CPPUNIT_TEST(withoutAnIdThereIsNoAcknowledgement);
    CPPUNIT_TEST(unhandledEventsAreNotAcknowledged);
    CPPUNIT_TEST(whatAHandlerThrowsIsLogged);
    CPPUNIT_TEST(parametersThatDoNotSuitTheEventAreRefused);
    CPPUNIT_TEST(connectAndDisconnectTakeTheirOwnParameters);
    CPPUNIT_TEST_SUITE_END();

public:
    void everyKindOfFunctionIsAHandler() {
        calls = 0;
        server->on("function", plainFunction);
        server->on("pointer", &plainNoexcept);
        server->on("functor", Functor{10});
        server->on("std", std::function<int(Socket&)>([](Socket&) { return 1; }));
        server->on("sid", [](std::string_view sid) { return sid.size(); });
        server->on("sidByValue", [](std::string sid) { return sid; });
        server->on("const", [](const Socket& socket) { return socket.sid(); });
        server->on("nothing", [] { return 5; });
        server->on("mutable", [n = 0](Socket&) mutable { return ++n; });
        server->on("moveOnly", [p = std::make_unique<int>(9)](Socket&) { return *p; });
        Peer& peer = joined();
        peer.say("2[\"function\",3]");
        CPPUNIT_ASSERT_EQUAL(3, calls);
        const std::pair<const char*, std::string> cases[] = {{"pointer", "7"},
                                                             {"functor\",5,\"", "15"},
                                                             {"std", "1"},
                                                             {"sid", "20"},
                                                             {"nothing", "5"},
                                                             {"mutable", "1"},
                                                             {"mutable", "2"},
                                                             {"moveOnly", "9"},
                                                             {"sidByValue", '"' + peer.sid + '"'},
                                                             {"const", '"' + peer.sid + '"'}};
        for (const auto& [event, answer] : cases) {
            peer.say("21[\"" + std::string(event) + "\"]");
            CPPUNIT_ASSERT_EQUAL("31[" + answer + "]", peer.heard());
        }
    }

    void argumentsAreConvertedToTheParameters() {
        server->on("all", [&](Socket&, int i, double d, bool b, const std::string& s,
                              std::string_view v, std::string c, const Value& any,
                              const std::vector<int>& list, std::optional<int> none,
                              const Message& message, const std::map<std::string, int>& map) {
            trace = std::to_string(i) + "," + std::to_string(d) + "," + (b ? "t" : "f") + "," + s +
                    "," + std::string(v) + "," + c + "," + JsonCodec::encode(any) + "," +
                    std::to_string(list.size()) + "," + (none ? "some" : "none") + "," +
                    message.user + "/" + message.text + "," + std::to_string(map.at("k"));
        });
        joined().say(
            "2[\"all\",1,2.5,true,\"s\",\"v\",\"c\",{\"x\":[]},[1,2,3],null,"
            "{\"user\":\"ann\",\"text\":\"hi\",\"more\":1},{\"k\":4}]");
        CPPUNIT_ASSERT_EQUAL(std::string("1,2.500000,t,s,v,c,{\"x\":[]},3,none,ann/hi,4"), trace);
    }

    void furtherArgumentsAreIgnoredAndMissingOnesAreNull() {
        server->on("e", [&](Socket&, int a, const Value& b, std::optional<std::string> c) {
            trace += std::to_string(a) + JsonCodec::encode(b) + c.value_or("-") + ";";
        });
        Peer& peer = joined();
        for (const char* arguments : {"1", "1,2", "1,2,\"x\"", "1,2,\"x\",4,5"})
            peer.say("2[\"e\"," + std::string(arguments) + "]");
        CPPUNIT_ASSERT_EQUAL(std::string("1null-;12-;12x;12x;"), trace);
        peer.say("2[\"e\"]");
        CPPUNIT_ASSERT(logged("warning: the event \"e\" got a bad argument 1 is missing"));
    }

    void wrongTypesAreLoggedAndNotAcknowledged() {
        server->on("e", [&](Socket&, const Message&, const std::string&, const Binary&) {
            trace += "called";
        });
        server->on("n", [&](Socket&, std::uint8_t) { trace += "called"; });
        Peer& peer = joined();
        struct Case {
            const char *packet, *line;
        };
        const Case cases[] = {
            {"21[\"e\",5,\"\",1]", "argument 1: expected an object, got an integer"},
            {"21[\"e\",{\"user\":5,\"text\":\"\"}]",
             "argument 1: user: expected a string, got an integer"},
            {"21[\"e\",{\"user\":\"secret\",\"text\":\"\"},true]",
             "argument 2: expected a string, got a bool"},
            {"21[\"e\",{\"user\":\"\",\"text\":\"\"},\"\",\"x\"]",
             "argument 3: expected binary, got a string"},
            {"21[\"n\",256]", "argument 1: "},
            {"21[\"n\",1.5]", "argument 1: expected an integer, got a double"},
        };
        for (const Case& c : cases) {
            log->lines.clear();
            peer.say(c.packet);
            CPPUNIT_ASSERT_MESSAGE(log->lines, logged(c.line));
            CPPUNIT_ASSERT(!logged("secret"));
            ASSERT_HEARD("", peer);
            CPPUNIT_ASSERT(peer.open());
        }
        CPPUNIT_ASSERT_EQUAL(std::string(), trace);
    }

    void oneArrayParameterGetsAllArguments() {
        server->on("all", [](Socket&, const Value::Array& all) { return all.size(); });
        server->on("value", [](Socket&, Value::Array all) { return all.size(); });
        server->on("two", [](Socket&, int n, const Value::Array& array) {
            return n * 10 + static_cast<int>(array.size());
        });
        Peer& peer = joined();
        peer.say("21[\"all\",1,[2],3]");
        peer.say("22[\"all\"]");
        peer.say("23[\"value\",[1,2]]");
        peer.say("24[\"two\",1,[2,3]]");
        ASSERT_HEARD("31[3] 32[0] 33[1] 34[12]", peer);
    }

    void parametersMayUseUpTheArguments() {
        server->on("e", [](Socket&, Value value, std::string&& text, Value& changed) {
            changed.push(std::move(text));
            changed.push(std::move(value));
            return changed;
        });
        Peer& peer = joined();
        peer.say("21[\"e\",{\"a\":1},\"x\",[]]");
        ASSERT_HEARD("31[[\"x\",{\"a\":1}]]", peer);
    }

    void whatIsReturnedIsTheAcknowledgement() {
        server->on("void", [](Socket&) {});
        server->on("text", [](Socket&) { return "delivered"; });
        server->on("list", [](Socket&) { return std::vector{1, 2}; });
        server->on("tuple", [](Socket&) { return std::tuple{1, "two", Value{{"three", 3}}}; });
        server->on("empty", [](Socket&) { return std::tuple<>(); });
        server->on("one", [](Socket&) { return std::tuple{std::vector{1}}; });
        server->on("pair", [](Socket&) { return std::pair{1, 2}; });
        server->on("null", [](Socket&) { return Value(); });
        server->on("some", [](Socket&) { return std::optional<int>(4); });
        server->on("struct", [](Socket&) { return Message{"ann", "hi", {}}; });
        server->on("arguments", [](Socket&) { return Arguments(std::tuple{1, 2}); });
        server->on("result", [](Socket&) {
            return HandlerResult::acknowledge({Value(1), Value(2)});
        });
        server->on("not", [](Socket&) { return HandlerResult::unhandled(); });
        server->on("false", [](Socket&) { return false; });
        server->on("reference", [](Socket& socket) -> const std::string& { return socket.nsp(); });
        const std::pair<const char*, const char*> cases[] = {
            {"void", "31[]"},
            {"text", "31[\"delivered\"]"},
            {"list", "31[[1,2]]"},
            {"tuple", "31[1,\"two\",{\"three\":3}]"},
            {"empty", "31[]"},
            {"one", "31[[1]]"},
            {"pair", "31[[1,2]]"},
            {"null", "31[null]"},
            {"some", "31[4]"},
            {"struct", "31[{\"user\":\"ann\",\"text\":\"hi\"}]"},
            {"arguments", "31[1,2]"},
            {"result", "31[1,2]"},
            {"not", ""},
            {"false", "31[false]"},
            {"reference", "31[\"/\"]"},
        };
        Peer& peer = joined();
        for (const auto& [event, answer] : cases) {
            peer.say("21[\"" + std::string(event) + "\"]");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(event, std::string(answer), peer.heard());
        }
        peer.say("2900719925474099[\"void\"]");
        peer.say("20[\"void\"]");
        ASSERT_HEARD("3900719925474099[] 30[]", peer);
    }

    void anAcknowledgementWithoutAWireFormIsLogged() {
        server->on("e", [](Socket&) { return std::nan(""); });
        Peer& peer = joined();
        peer.say("21[\"e\"]");
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT(logged("error: the acknowledgement of the event \"e\" cannot be sent"));
    }

    void withoutAnIdThereIsNoAcknowledgement() {
        server->on("e", [](Socket&) { return 1; });
        Peer& peer = joined();
        peer.say("2[\"e\"]");
        ASSERT_HEARD("", peer);
    }

    void unhandledEventsAreNotAcknowledged() {
        Peer& peer = joined();
        peer.say("21[\"unknown\"]");
        peer.say("21[\"__proto__\"]");
        ASSERT_HEARD("", peer);
        CPPUNIT_ASSERT(peer.open());
    }

    void whatAHandlerThrowsIsLogged() {
        server->on("std", [](Socket&) { throw std::runtime_error("std went wrong"); });
        server->on("poco", [](Socket&) { throw Poco::NotFoundException("poco went wrong"); });
        server->on("int", [](Socket&) -> int { throw 42; });
        server->on("after", [](Socket&) { return 1; });
        Peer& peer = joined();
        for (const char* event : {"std", "poco", "int"}) {
            peer.say("21[\"" + std::string(event) + "\"]");
            CPPUNIT_ASSERT(
                logged("error: the handler of the event \"" + std::string(event) + "\" failed: "));
        }
        CPPUNIT_ASSERT(logged("std went wrong"));
        CPPUNIT_ASSERT(logged("poco went wrong"));
        ASSERT_HEARD("", peer);
        peer.say("21[\"after\"]");
        ASSERT_HEARD("31[1]", peer);
    }

    void parametersThatDoNotSuitTheEventAreRefused() {
        const auto refuses = [](const char* event, auto&& function) {
            try {
                makeHandler(event, function);
                CPPUNIT_FAIL(event);
            } catch (const Poco::InvalidArgumentException& e) {
                CPPUNIT_ASSERT_MESSAGE(
                    e.displayText(),
                    e.displayText().find('"' + std::string(event) + '"') != std::string::npos);
            }
        };
        refuses("e", [](Socket&, DisconnectReason) {});
        refuses("e", [](Socket&, const Environ&) {});
        refuses("e", [](Socket&) { return std::make_unique<int>(); });
        refuses("*", [](Socket&, int) {});
        refuses("connect", [](Socket&, int, int) {});
        refuses("connect", [](Socket&, DisconnectReason) {});
        refuses("disconnect", [](Socket&, int) {});
        refuses("disconnect", [](Socket&, const Value&) {});
    }

    void connectAndDisconnectTakeTheirOwnParameters() {
        const auto accept = [this](const char* event, auto&& function) {
            trace.clear();
            server->on(event, function);
            Peer& peer = open();
            peer.say("0{\"user\":\"ann\",\"text\":\"hi\"}");
            peer.hangUp();
            return trace;
        };
        CPPUNIT_ASSERT_EQUAL(std::string("!"), accept("connect", [&] { trace += "!"; }));
        CPPUNIT_ASSERT_EQUAL(std::string("ann"), accept("connect", [&](Socket&, Message message) {
                                 trace += message.user;
                             }));
        CPPUNIT_ASSERT_EQUAL(std::string("red"),
                             accept("connect", [&](const std::string&, const Environ& environ) {
                                 trace += environ.queryParameter("color");
                             }));
        CPPUNIT_ASSERT_EQUAL(std::string("redann"),
                             accept("connect", [&](Socket&, const Environ& environ, Message auth) {
                                 trace += environ.queryParameter("color") + auth.user;
                                 return std::make_unique<int>();  // accepted, like all but false
                             }));
        server->on("connect", [](Socket&) {});
        CPPUNIT_ASSERT_EQUAL(std::string("!"), accept("disconnect", [&] { trace += "!"; }));
        CPPUNIT_ASSERT_EQUAL(std::string("transport close"),
                             accept("disconnect", [&](const std::string&, DisconnectReason reason) {
                                 trace += toString(reason);
                             }));
        CPPUNIT_ASSERT_EQUAL(std::string("transport close"),
                             accept("disconnect", [&](Socket&, std::string_view reason) {
                                 trace += reason;
                                 return 1;
                             }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HandlerTest);

}  // namespace socketio
