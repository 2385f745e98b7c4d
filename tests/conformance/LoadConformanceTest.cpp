// A running server whose handlers are slow, block for ever, or are at work when it is stopped.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <cppunit/extensions/HelperMacros.h>

#include "SocketFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

namespace {

/// Writes what a logger says into a journal for as long as it lives.
class CapturedLog {
public:
    CapturedLog(const std::string& logger, Journal& journal)
        : _logger(Poco::Logger::get(logger)),
          _before(_logger.getChannel(), true),
          _channel(new Channel(journal)) {
        _logger.setChannel(_channel);
    }
    ~CapturedLog() { _logger.setChannel(_before); }
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;

private:
    class Channel : public Poco::Channel {
    public:
        explicit Channel(Journal& journal) : _journal(journal) {}
        void log(const Poco::Message& message) override { _journal.add(message.getText()); }

    private:
        Journal& _journal;
    };

    Poco::Logger& _logger;
    Poco::AutoPtr<Poco::Channel> _before;
    Poco::AutoPtr<Channel> _channel;
};

/// What the kernel can have under way on one connection.
std::size_t mostInKernel() {
    std::size_t bytes = 0;
    for (const char* end : {"rmem", "wmem"}) {
        std::ifstream file("/proc/sys/net/ipv4/tcp_"s + end);
        std::size_t least = 0, usual = 0, most = 0;
        CPPUNIT_ASSERT(file >> least >> usual >> most);
        bytes += most;
    }
    return bytes;
}

}  // namespace

class LoadConformanceTest : public SocketFixture {
    CPPUNIT_TEST_SUITE(LoadConformanceTest);
    CPPUNIT_TEST(readingPausesBehindASlowHandlerAndNothingIsLost);
    CPPUNIT_TEST(aPostWaitsForASlowHandler);
    CPPUNIT_TEST(acknowledgementsPassThroughWhileAHandlerWaitsForThem);
    CPPUNIT_TEST(handlersThatBlockForEverHarmNobodyElse);
    CPPUNIT_TEST(stoppingDeliversWhatWasAcceptedAndSaysGoodbye);
    CPPUNIT_TEST(clientsAreToldGoodbyeThoughAHandlerBlocks);
    CPPUNIT_TEST_SUITE_END();

    /// Returns when the longest time that a client may keep silent has passed since the call: one
    /// that is silent has been sent away.
    void outlastAHeartbeat() {
        RawClient silent(port, {"127.0.0.1", 20s, 0});
        silent.upgrade("/socket.io/?EIO=4&transport=websocket");
        while (silent.readFrame().opcode != RawFrame::Close) {
        }
    }
    void writeReasonsDown() {
        sio().on("disconnect", [this](Socket&, DisconnectReason reason) {
            reasons.add(std::string(toString(reason)));
        });
    }

public:
    void readingPausesBehindASlowHandlerAndNothingIsLost() {
        constexpr int kEvents = 150;
        // The pong comes behind 15 MB of events, which a thread sanitizer takes seconds to read.
#if defined(__SANITIZE_THREAD__)
        constexpr auto kPing = 4000ms;
#else
        constexpr auto kPing = 1000ms;
#endif
        ServerOptions options;
        options.pingInterval = options.pingTimeout = kPing;
        options.inboundTasks = 16;
        make(options);
        sio().on("n", [&](Socket&, int n, const std::string&) {
            if (n == 0) gate->wait();
            numbers.push_back(n);
            return n;
        });
        writeReasonsDown();
        start();
        const std::string ballast(100'000, 'x');
        // More than the kernel takes for a peer that does not read.
        const int most = kEvents + static_cast<int>(mostInKernel() / ballast.size());
        for (const int revision : {4, 3}) {
            gate = std::make_unique<Gate>();
            numbers.clear();
            PacketClient client = join({Transport::WebSocket, revision});
            std::atomic<bool> enough{false};
            auto sent = std::async(std::launch::async, [&] {
                int i = 0;
                for (; i < (enough ? kEvents : most); ++i) {
                    // Heartbeats go on, as far as a word gets through.
                    if (i % 10 == 0) client.sayEngine(revision == 4 ? "3" : "2");
                    client.say("2" + std::to_string(i) + "[\"n\"," + std::to_string(i) + ",\"" +
                               ballast + "\"]");
                }
                return i;
            });
            // The client cannot get a word through.
            outlastAHeartbeat();
            CPPUNIT_ASSERT(sent.wait_for(0s) == std::future_status::timeout);
            CPPUNIT_ASSERT_EQUAL(""s, reasons.text());
            enough = true;
            gate->open();
            const int events = sent.get();
            for (int i = 0; i < events; ++i)
                CPPUNIT_ASSERT_EQUAL("3" + std::to_string(i) + "[" + std::to_string(i) + "]",
                                     client.next());
            CPPUNIT_ASSERT_EQUAL(std::size_t(events), numbers.size());
            for (int i = 0; i < events; ++i) CPPUNIT_ASSERT_EQUAL(i, numbers[std::size_t(i)]);
            CPPUNIT_ASSERT_EQUAL(""s, reasons.text());
            client.sayEngine("1");
            reasons.waitFor(1);
            reasons.clear();
        }
    }

    void aPostWaitsForASlowHandler() {
        constexpr int kEvents = 500;
        ServerOptions options;
        options.pingInterval = options.pingTimeout = 400ms;
        options.inboundTasks = 16;
        make(options);
        sio().on("n", [&](Socket&, int n) {
            if (n == 0) gate->wait();
            numbers.push_back(n);
        });
        sio().on("last", [](Socket&) { return "done"; });
        writeReasonsDown();
        start();
        for (const int revision : {4, 3}) {
            gate = std::make_unique<Gate>();
            numbers.clear();
            PacketClient client = join({Transport::Polling, revision});
            std::vector<Message> events;
            for (int i = 0; i < kEvents; ++i)
                events.push_back("2[\"n\"," + std::to_string(i) + "]");
            client.writer().send(client.bytes(events));
            // Its answer is what holds the client back, for longer than the heartbeat allows.
            outlastAHeartbeat();
            CPPUNIT_ASSERT(!client.writer().readable(0ms));
            CPPUNIT_ASSERT_EQUAL(""s, reasons.text());
            gate->open();
            CPPUNIT_ASSERT_EQUAL("ok"s, client.writer().readResponse("POST").body);
            client.say("21[\"last\"]");
            CPPUNIT_ASSERT_EQUAL("31[\"done\"]"s, client.next());
            CPPUNIT_ASSERT_EQUAL(std::size_t(kEvents), numbers.size());
            for (int i = 0; i < kEvents; ++i) CPPUNIT_ASSERT_EQUAL(i, numbers[std::size_t(i)]);
            CPPUNIT_ASSERT_EQUAL(""s, reasons.text());
            client.sayEngine("1");
            reasons.waitFor(1);
            reasons.clear();
        }
    }

    void acknowledgementsPassThroughWhileAHandlerWaitsForThem() {
        ServerOptions options;
        options.inboundTasks = 4;
        make(options);
        sio().on("ask",
                 [&](Socket& socket) { journal.add(socket.call("question", {}, 20s).asString()); });
        sio().on("e", [this](Socket&) { ++count; });
        sio().on("last", [](Socket&) { return "done"; });
        start();
        unsigned asked = 0;
        for (const Way way : kWays) {
            PacketClient client = join(way);
            client.say("2[\"ask\"]");
            CPPUNIT_ASSERT_EQUAL("21[\"question\"]"s, client.next());
            // The answer comes behind more events than may wait for other handlers.
            std::vector<Message> messages(100, "2[\"e\"]");
            messages.push_back("31[\"answer\"]");
            messages.push_back("21[\"last\"]");
            client.say(messages);
            CPPUNIT_ASSERT_EQUAL("31[\"done\"]"s, client.next());
            ++asked;
            CPPUNIT_ASSERT_EQUAL(std::size_t(asked), journal.count("answer"));
            CPPUNIT_ASSERT_EQUAL(100 * asked, count.load());
        }
    }

    void handlersThatBlockForEverHarmNobodyElse() {
        constexpr unsigned kWorkers = 4;
        static constexpr std::chrono::milliseconds kPing = 750ms;
        Journal log;
        const CapturedLog captured("socketio.net", log);
        ServerOptions options;
        options.pingInterval = options.pingTimeout = kPing;
        HttpServerOptions http;
        http.hub.keptWorkers = 2;
        http.hub.maxWorkers = kWorkers;
        http.hub.handlerWarning = 100ms;
        gate = std::make_unique<Gate>();
        make(options, http);
        sio().on("never returns", [this](Socket&) {
            ++count;
            gate->wait();
            return "at last";
        });
        writeReasonsDown();
        start();

        // Keeps its session alive as every healthy client does.
        class Member {
        public:
            explicit Member(PacketClient joined) : client(std::move(joined)) {}
            ~Member() { stop(); }
            void live() {
                _thread = std::thread([this] {
                    try {
                        auto ping = std::chrono::steady_clock::now();
                        while (!_stop) {
                            if (client.revision() == 3 &&
                                std::chrono::steady_clock::now() >= ping) {
                                client.sayEngine("2");
                                ping += kPing / 2;
                            }
                            if (client.polling() || client.reader().readable(20ms))
                                if (!client.receive())
                                    throw std::runtime_error("the session has ended");
                        }
                    } catch (const std::exception& e) {
                        problem = e.what();
                    }
                });
            }
            void stop() {
                _stop = true;
                if (_thread.joinable()) _thread.join();
            }
            PacketClient client;
            std::string problem;

        private:
            std::atomic<bool> _stop{false};
            std::thread _thread;
        };
        std::vector<std::unique_ptr<Member>> members;
        for (unsigned i = 0; i < kWorkers; ++i) {
            PacketClient healthy = join(kWebSocket4);
            // Polls of revision 3 are released by nothing of the server's own.
            const Way ways[] = {kWebSocket4, kPolling4, kWebSocket3};
            members.push_back(std::make_unique<Member>(join(ways[i % 3])));
            members.back()->client.say("21[\"never returns\"]");
            members.back()->live();
            CPPUNIT_ASSERT(eventually([&] { return count > i; }));
            // Up to the limit the events of others go on.
            if (i + 1 < kWorkers) CPPUNIT_ASSERT(healthy.quiet());
            healthy.sayEngine("1");
        }
        // Now no handler can run: accepts, handshakes and pings go on.
        PacketClient waiting(port, kPolling4), pinged(port, kWebSocket4);
        waiting.say("0");
        for (PacketClient* each : {&pinged, &waiting}) {
            CPPUNIT_ASSERT(each->receive());  // a ping, which it answers
            each->sayEngine("1");
        }
        outlastAHeartbeat();
        gate->open();
        for (const auto& member : members) member->stop();
        for (const auto& member : members) {
            // Nobody who answers was timed out, and each gets its answer.
            CPPUNIT_ASSERT_EQUAL_MESSAGE(member->client.name(), ""s, member->problem);
            CPPUNIT_ASSERT_EQUAL("31[\"at last\"]"s, member->client.next());
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), reasons.count("ping timeout"));
        std::size_t named = 0;
        for (const std::string& line : log.lines())
            named += line.find("event never returns") != std::string::npos;
        CPPUNIT_ASSERT_EQUAL_MESSAGE(log.text(), std::size_t(kWorkers), named);
    }

    void stoppingDeliversWhatWasAcceptedAndSaysGoodbye() {
        constexpr int kEvents = 30;
        for (const Way way : kWays) {
            reasons.clear();
            count = 0;
            std::promise<void> first;
            make();
            gate = std::make_unique<Gate>();
            sio().on("slow", [&](Socket& socket, int n) {
                if (count++ == 0) first.set_value();
                gate->wait();
                socket.emit("done", n);
                return n;
            });
            sio().on("disconnect", [&](Socket& socket, DisconnectReason reason) {
                reasons.add(std::string(toString(reason)));
                socket.emit("too late");
            });
            start();
            PacketClient client = join(way);
            std::vector<Message> events;
            for (int i = 0; i < kEvents; ++i)
                events.push_back("2" + std::to_string(i) + "[\"slow\"," + std::to_string(i) + "]");
            client.say(events);
            first.get_future().wait();
            auto stopped = std::async(std::launch::async, [&] { return server->stop(20s); });
            // The end has begun before the first of them is done.
            CPPUNIT_ASSERT(eventually([&] {
                return RawClient(port).get("/socket.io/?EIO=4&transport=polling").status == 503;
            }));
            gate->open();
            const std::vector<std::string> rest = client.rest();
            std::vector<std::string> expected;
            for (int i = 0; i < kEvents; ++i) {
                expected.push_back("2[\"done\"," + std::to_string(i) + "]");
                expected.push_back("3" + std::to_string(i) + "[" + std::to_string(i) + "]");
            }
            CPPUNIT_ASSERT_MESSAGE(client.name(), rest == expected);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(client.name(), client.polling() ? 1 : 1001,
                                         client.ending());
            client.writer().close();
            client.reader().close();
            CPPUNIT_ASSERT(stopped.get());
            CPPUNIT_ASSERT_EQUAL("server shutting down"s, reasons.text());
            CPPUNIT_ASSERT_THROW(RawClient(port).get("/socket.io/"), std::runtime_error);
        }
    }

    void clientsAreToldGoodbyeThoughAHandlerBlocks() {
        gate = std::make_unique<Gate>();
        std::promise<void> inside;
        make();
        sio().on("block", [&](Socket&) {
            inside.set_value();
            gate->wait();
        });
        start();
        PacketClient client = join(kWebSocket4), other = join(kPolling4);
        client.say("2[\"block\"]");
        inside.get_future().wait();
        auto stopped = std::async(std::launch::async, [&] { return server->stop(2s); });
        client.rest();
        CPPUNIT_ASSERT_EQUAL(1001, client.ending());
        other.rest();
        CPPUNIT_ASSERT_EQUAL(1, other.ending());
        for (PacketClient* each : {&client, &other}) {
            each->writer().close();
            each->reader().close();
        }
        gate->open();
        CPPUNIT_ASSERT(stopped.get());
    }

private:
    Journal reasons;
    std::vector<int> numbers;  // of one client's handlers, one at a time
    std::atomic<unsigned> count{0};
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoadConformanceTest);

}  // namespace socketio
