// Events both ways, and the handlers that get them.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class EventConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(EventConformanceTest);
    CPPUNIT_TEST(argumentsReachTheHandlerAndComeBackAsTheAcknowledgement);
    CPPUNIT_TEST(unhandledEventsAreNotAcknowledged);
    CPPUNIT_TEST(whatIsEmittedBecomesArguments);
    CPPUNIT_TEST(catchAllHandlersGetTheRest);
    CPPUNIT_TEST(handlersOfOneClientRunInOrderBesideOthers);
    CPPUNIT_TEST(asyncHandlersOfOneClientRunAtOnce);
    CPPUNIT_TEST(reservedNamesNeverReachAHandler);
    CPPUNIT_TEST_SUITE_END();

public:
    void argumentsReachTheHandlerAndComeBackAsTheAcknowledgement() {
        make();
        onBoth("both", [](Socket&, const std::string& a, int b) { return std::tuple{a, b}; });
        onBoth("list", [](Socket&) { return std::vector{1, 2}; });
        onBoth("nothing", [](Socket&) {});
        onBoth("all",
               [](Socket&, const Value::Array& all) { return HandlerResult::acknowledge(all); });
        onBoth("7", [](Socket&) { return "seven"; });
        start();
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
                const std::string to = prefix(nsp);
                PacketClient client = join(way, nsp);
                for (const Case& c : cases) {
                    client.say("2" + to + c.packet);
                    expect(client, {"3" + to + c.answer});
                }
                client.say("2[\"all\",1]");  // without an id no answer
                CPPUNIT_ASSERT(client.quiet());
            }
    }

    void unhandledEventsAreNotAcknowledged() {
        make();
        sio().on("number", [](Socket&, int) {});
        sio().on("fails", [](Socket&) { throw std::runtime_error("on purpose"); });
        start();
        for (const Way way : kWays) {
            PacketClient client = join(way);
            client.say("21[\"unknown\"]");
            client.say("22[\"number\",\"x\"]");
            client.say("23[\"number\"]");
            client.say("24[\"fails\"]");
            CPPUNIT_ASSERT_MESSAGE(client.name(), client.quiet());
        }
    }

    void whatIsEmittedBecomesArguments() {
        make();
        onBoth("go", [](Socket& socket) {
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
        });
        start();
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
                PacketClient client = join(way, nsp);
                client.say("2" + prefix(nsp) + "[\"go\"]");
                for (const char* each : expected) expect(client, {"2" + prefix(nsp) + each});
                CPPUNIT_ASSERT(client.quiet());
            }
    }

    void catchAllHandlersGetTheRest() {
        make();
        sio().on("*", [this](Socket&, const std::string& event, const Value::Array& values) {
            journal.add(event + json(Value(values)));
            return "caught";
        });
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way);
            client.say({"21[\"anything\",1,{}]", "22[\"error\"]"});  // both ordinary names
            expect(client, {"31[\"caught\"]", "32[\"caught\"]"});
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("anything[1,{}]; error[]"s, journal.text());
        }
    }

    void handlersOfOneClientRunInOrderBesideOthers() {
        constexpr int kEvents = 1000;
        make();
        sio().on("wait", [this](Socket&) { gate->wait(); });
        std::vector<int> numbers;  // one handler at a time
        sio().on("n", [&](Socket&, int n) { numbers.push_back(n); });
        start();
        for (const Way way : kWays) {
            gate = std::make_unique<Gate>();
            numbers.clear();
            PacketClient client = join(way), other = join(way);
            client.say("2[\"wait\"]");
            for (int i = 0; i < kEvents; i += 100) {
                std::vector<Message> hundred;
                for (int j = i; j < i + 100; ++j)
                    hundred.push_back("2[\"n\"," + std::to_string(j) + "]");
                client.say(hundred);
                if (i > 0) continue;
                CPPUNIT_ASSERT(other.quiet());  // not held up
                CPPUNIT_ASSERT(numbers.empty());
                gate->open();
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
        sio().on("meet", [&](Socket&) {
            if (++inside == 2) gate->open();
            gate->wait();  // for the other
        });
        start();
        for (const Way way : kWays) {
            inside = 0;
            gate = std::make_unique<Gate>();
            PacketClient client = join(way);
            client.say({"21[\"meet\"]", "22[\"meet\"]"});
            std::vector<std::string> answers{client.next(), client.next()};
            std::sort(answers.begin(), answers.end());
            CPPUNIT_ASSERT_EQUAL("31[]"s, answers[0]);
            CPPUNIT_ASSERT_EQUAL("32[]"s, answers[1]);
        }
    }

    void reservedNamesNeverReachAHandler() {
        make();
        watchDisconnects();
        std::atomic<int> connects{0};
        sio().on("connect", [&](Socket&, const Environ&, const Value&) { ++connects; });
        sio().on("*", [this](Socket&, const std::string& event) { journal.add(event); });
        start();
        int clients = 0;
        const char* const names[] = {"connect",       "connect_error", "disconnect",
                                     "disconnecting", "newListener",   "removeListener"};
        for (const Way way : kWays)
            for (const char* name : names) {
                journal.clear();
                PacketClient client = join(way);
                client.writer().send(client.bytes({"21[\""s + name + "\",{\"a\":1}]"}));
                assertEnded(client, name);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(name, "/ parse error"s, journal.waitFor(1));
                CPPUNIT_ASSERT_EQUAL(++clients, connects.load());
            }
        for (const char* name : names)
            CPPUNIT_ASSERT_THROW_MESSAGE(name, sio().emit(name), Poco::InvalidArgumentException);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EventConformanceTest);

}  // namespace socketio
