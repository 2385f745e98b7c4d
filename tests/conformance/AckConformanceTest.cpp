// Acknowledgements of the client, for callbacks and for call().
#include <chrono>
#include <future>
#include <string>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class AckConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(AckConformanceTest);
    CPPUNIT_TEST(acknowledgementsCallBackOnce);
    CPPUNIT_TEST(acknowledgementsThatNobodyWaitsForAreIgnored);
    CPPUNIT_TEST(callWaitsForTheAnswer);
    CPPUNIT_TEST_SUITE_END();

public:
    void acknowledgementsCallBackOnce() {
        make();
        onBoth("ask", [this](Socket& socket, const std::string& what) {
            socket.emit("question", what, [this, what](const Value::Array& values) {
                journal.add(what + json(Value(values)));
            });
        });
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way);
            client.say({"2[\"ask\",\"a\"]", "2[\"ask\",\"b\"]"});
            expect(client, {"21[\"question\",\"a\"]", "22[\"question\",\"b\"]"});
            client.say({"32[\"ok\",5]", "31[]", "31[\"again\"]", "32[]"});  // in any order
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("b[\"ok\",5]; a[]"s, journal.text());
        }
    }

    void acknowledgementsThatNobodyWaitsForAreIgnored() {
        make();
        onBoth("ask", [this](Socket& socket) {
            socket.emit("question", {}, [this](const std::string& answer) { journal.add(answer); });
        });
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way, "/chat"), other = join(way, "/chat");
            client.say("2[\"ask\"]");
            expect(client, {"21[\"question\"]"});
            // Never issued; of another namespace; of another client; and 0, which has been known to
            // break what comes later.
            for (const char* ack : {"30[\"x\"]", "399[\"x\"]", "39007199254740991[\"x\"]",
                                    "3/chat,1[\"x\"]", "3/chat,0[]"})
                client.say(ack);
            other.say("31[\"x\"]");
            CPPUNIT_ASSERT(other.quiet());
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL(""s, journal.text());
            client.say({"31[\"right\"]", "2/chat,[\"ask\"]"});
            expect(client, {"2/chat,1[\"question\"]"});
            client.say("3/chat,1[\"there\"]");
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("right; there"s, journal.text());
        }
    }

    void callWaitsForTheAnswer() {
        make();
        sio().on("ask", [this](Socket& socket, int milliseconds) {
            try {
                const Value answer =
                    socket.call("question", {}, std::chrono::milliseconds(milliseconds));
                journal.add("inside " + json(answer));
            } catch (const Poco::TimeoutException&) {
                journal.add("timeout");
            } catch (const Poco::IOException&) {
                journal.add("gone");
            }
        });
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way);
            const std::string sid = sio().manager().getParticipants("/", "").at(0)->sid();
            // From outside: none, one, several values.
            for (const char* answer : {"[]", "[\"a\"]", "[\"a\",2]"}) {
                auto asked = std::async(std::launch::async, [&] {
                    return json(sio().call("q", {}, {.sid = sid, .timeout = 20s}));
                });
                const std::string question = client.next();
                const std::string id = question.substr(1, question.find('[') - 1);
                client.say("3" + id + answer);
                const std::string expected = answer == "[]"s        ? "null"
                                             : answer == "[\"a\"]"s ? "\"a\""
                                                                    : answer;
                CPPUNIT_ASSERT_EQUAL(expected, asked.get());
            }
            // Inside a handler of the same client, whose own events wait behind it.
            client.say("2[\"ask\",20000]");
            expect(client, {"24[\"question\"]"});
            client.say("34[{\"n\":1}]");
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("inside {\"n\":1}"s, journal.text());
            // Nobody answers.
            journal.clear();
            const auto before = std::chrono::steady_clock::now();
            client.say("2[\"ask\",300]");
            expect(client, {"25[\"question\"]"});
            CPPUNIT_ASSERT_EQUAL("timeout"s, journal.waitFor(1));
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - before >= 300ms);
            client.say("35[\"late\"]");
            CPPUNIT_ASSERT(client.quiet());
            // The client goes away.
            journal.clear();
            client.say("2[\"ask\",20000]");
            expect(client, {"26[\"question\"]"});
            client.sayEngine("1");
            CPPUNIT_ASSERT_EQUAL("gone"s, journal.waitFor(1));
            CPPUNIT_ASSERT(eventually([&] { return nobodyIsLeft(); }));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AckConformanceTest);

}  // namespace socketio
