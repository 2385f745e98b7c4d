// Events and acknowledgements with attachments.
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

class BinaryConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(BinaryConformanceTest);
    CPPUNIT_TEST(binaryEventsBothWays);
    CPPUNIT_TEST(binaryAcknowledgementsBothWays);
    CPPUNIT_TEST(atMostTenAttachments);
    CPPUNIT_TEST(packetsOfSeveralThreadsAreNeverInterleaved);
    CPPUNIT_TEST_SUITE_END();

public:
    void binaryEventsBothWays() {
        make();
        onBoth("mirror", [](Socket& socket, const Value::Array& values) {
            Value::Array back = values;
            std::tuple<Value> whole{Value(std::move(back))};
            socket.emit("mirrored", whole);
        });
        start();
        struct Case {
            const char* sent;      // the JSON behind the count and namespace
            const char* received;  // as it comes back, in an array
            std::vector<std::string> attachments;
        };
        const std::string all256 = [] {
            std::string bytes;
            for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
            return bytes;
        }();
        const Case cases[] = {
            {R"(["mirror",{"_placeholder":true,"num":0}])",
             R"([{"_placeholder":true,"num":0}])",
             {"\x01\x02\x03"}},
            {R"(["mirror",{"_placeholder":true,"num":0}])",
             R"([{"_placeholder":true,"num":0}])",
             {""}},
            {R"(["mirror",{"num":0,"_placeholder":true}])",
             R"([{"_placeholder":true,"num":0}])",
             {all256}},
            {R"(["mirror","a",{"b":{"_placeholder":true,"num":0},"c":[{"_placeholder":true,"num":1}]},2])",
             R"(["a",{"b":{"_placeholder":true,"num":0},"c":[{"_placeholder":true,"num":1}]},2])",
             {"one", "two"}},
            // Numbered in another order than they stand: they come back depth first.
            {R"(["mirror",{"a":{"_placeholder":true,"num":1}},[[{"_placeholder":true,"num":0}]]])",
             R"([{"a":{"_placeholder":true,"num":0}},[[{"_placeholder":true,"num":1}]]])",
             {"first", "second"}},
        };
        for (const Way way : kWays)
            for (const char* nsp : {"/", "/chat"}) {
                const std::string to = prefix(nsp);
                PacketClient client = join(way, nsp);
                for (const Case& c : cases) {
                    const std::string head = "5" + std::to_string(c.attachments.size()) + "-" + to;
                    std::vector<Message> messages{head + c.sent};
                    for (const std::string& bytes : c.attachments)
                        messages.push_back(attachment(bytes));
                    client.say(messages);
                    expect(client, {head + "[\"mirrored\"," + c.received + "]"});
                    std::vector<std::string> back = c.attachments;
                    if (c.sent[10] == '{' && c.sent[12] == 'a') std::swap(back[0], back[1]);
                    for (const std::string& bytes : back) expect(client, {"<" + bytes + ">"});
                }
                CPPUNIT_ASSERT(client.quiet());
            }
    }

    void binaryAcknowledgementsBothWays() {
        make();
        sio().on("ask", [this](Socket& socket) {
            socket.emit("question", Binary("q"), [this](const Binary& a, const Value& b) {
                journal.add(a.bytes + " " + b["x"].asBinary().bytes);
            });
        });
        sio().on(
            "ask", [this](Socket&) { journal.add("wrong namespace"); }, "/chat");
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way);
            client.say(
                {R"(51-7["echo",{"a":[{"_placeholder":true,"num":0}]}])", attachment("A\0B"s)});
            expect(client, {R"(61-7[{"a":[{"_placeholder":true,"num":0}]}])", "<A\0B>"s});
            client.say("2[\"ask\"]");
            expect(client, {R"(51-1["question",{"_placeholder":true,"num":0}])", "<q>"});
            client.say(
                {R"(62-1[{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}])",
                 attachment("one"), attachment("two")});
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("one two"s, journal.text());
        }
    }

    void atMostTenAttachments() {
        make();
        sio().on("give", [this](Socket& socket, int count) {
            Value::Array parts;
            for (int i = 0; i < count; ++i) parts.push_back(Binary(std::to_string(i)));
            try {
                socket.emit("parts", Value(parts));
                journal.add("sent");
            } catch (const Poco::InvalidArgumentException& e) {
                journal.add("refused");
                CPPUNIT_ASSERT(e.message().find("parts") != std::string::npos);
            }
            return Value(parts);
        });
        start();
        for (const Way way : kWays) {
            journal.clear();
            PacketClient client = join(way);
            client.say("2[\"give\",10]");
            CPPUNIT_ASSERT_EQUAL("510-[\"parts\","s, client.next().substr(0, 13));
            for (int i = 0; i < 10; ++i) expect(client, {"<" + std::to_string(i) + ">"});
            client.say("21[\"give\",11]");  // neither emitted nor acknowledged
            CPPUNIT_ASSERT(client.quiet());
            CPPUNIT_ASSERT_EQUAL("sent; refused"s, journal.text());
            // The same limit in the other direction.
            std::string placeholders;
            std::vector<Message> ten{""};
            for (int i = 0; i < 10; ++i) {
                placeholders += R"(,{"_placeholder":true,"num":)" + std::to_string(i) + "}";
                ten.push_back(attachment("x"));
            }
            ten[0] = "510-2[\"echo\"" + placeholders + "]";
            client.say(ten);
            CPPUNIT_ASSERT_EQUAL("610-2["s, client.next().substr(0, 6));
            for (int i = 0; i < 10; ++i) expect(client, {"<x>"});
        }
    }

    void packetsOfSeveralThreadsAreNeverInterleaved() {
        constexpr int kThreads = 8, kEach = 100;
        make();
        start();
        for (const Way way : kWays) {
            PacketClient client = join(way);
            std::vector<std::thread> threads;
            for (int t = 0; t < kThreads; ++t)
                threads.emplace_back([&, t] {
                    for (int i = 0; i < kEach; ++i) {
                        const std::string tag = std::to_string(t) + "." + std::to_string(i);
                        sio().emit("e", std::tuple{tag, Binary("a" + tag), Binary("b" + tag)});
                    }
                });
            std::vector<int> next(kThreads, 0);
            for (int n = 0; n < kThreads * kEach; ++n) {
                const std::string head = client.next();
                CPPUNIT_ASSERT_EQUAL("52-[\"e\",\""s, head.substr(0, 9));
                const std::string tag = head.substr(9, head.find('"', 9) - 9);
                expect(client, {"<a" + tag + ">", "<b" + tag + ">"});
                const std::size_t dot = tag.find('.');
                const auto thread = static_cast<std::size_t>(std::stoi(tag.substr(0, dot)));
                CPPUNIT_ASSERT_EQUAL(next[thread]++, std::stoi(tag.substr(dot + 1)));
            }
            for (std::thread& thread : threads) thread.join();
            CPPUNIT_ASSERT(client.quiet());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BinaryConformanceTest);

}  // namespace socketio
