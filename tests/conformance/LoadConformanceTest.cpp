// A running server whose handlers are slow, block for ever, or are at work when it is stopped.
#include <atomic>
#include <chrono>
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
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "support/Journal.h"
#include "support/PacketClient.h"
#include "support/TestServer.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;
using namespace std::string_literals;

namespace {

using Way = PacketClient::Way;
using Transport = PacketClient::Transport;
constexpr auto& kWays = PacketClient::kWays;

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

/// Closed until it is opened; handlers wait at it.
class Gate {
public:
    ~Gate() { open(); }
    void wait() { _opened.wait(); }
    void open() {
        if (!_isOpen.exchange(true)) _open.set_value();
    }

private:
    std::promise<void> _open;
    std::shared_future<void> _opened{_open.get_future()};
    std::atomic<bool> _isOpen{false};
};

}  // namespace

class LoadConformanceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LoadConformanceTest);
    CPPUNIT_TEST(readingPausesBehindASlowHandlerAndNothingIsLost);
    CPPUNIT_TEST(aPostWaitsForASlowHandler);
    CPPUNIT_TEST(acknowledgementsPassThroughWhileAHandlerWaitsForThem);
    CPPUNIT_TEST(handlersThatBlockForEverHarmNobodyElse);
    CPPUNIT_TEST(stoppingDeliversWhatWasAcceptedAndSaysGoodbye);
    CPPUNIT_TEST(clientsAreToldGoodbyeThoughAHandlerBlocks);
    CPPUNIT_TEST_SUITE_END();

public:
    void tearDown() override {
        if (gate) gate->open();
        server.reset();
        gate.reset();
    }

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
        server = std::make_unique<TestServer>(options);
        server->sio.on("n", [&](Socket&, int n, const std::string&) {
            if (n == 0) gate->wait();
            numbers.push_back(n);
            return n;
        });
        server->sio.on("disconnect", [&](Socket&, DisconnectReason reason) {
            reasons.add(std::string(toString(reason)));
        });
        server->start();
        // More than the kernel takes for a peer that does not read.
        const std::string ballast(100'000, 'x');
        for (const int revision : {4, 3}) {
            gate = std::make_unique<Gate>();
            numbers.clear();
            PacketClient client(server->port(), {Transport::WebSocket, revision});
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            auto sent = std::async(std::launch::async, [&] {
                for (int i = 0; i < kEvents; ++i)
                    client.say("2" + std::to_string(i) + "[\"n\"," + std::to_string(i) + ",\"" +
                               ballast + "\"]");
            });
            // Longer than the heartbeat allows for silence: the client cannot get a word through.
            CPPUNIT_ASSERT(sent.wait_for(2 * kPing + 300ms) == std::future_status::timeout);
            CPPUNIT_ASSERT_EQUAL(""s, reasons.text());
            gate->open();
            sent.get();
            for (int i = 0; i < kEvents; ++i)
                CPPUNIT_ASSERT_EQUAL("3" + std::to_string(i) + "[" + std::to_string(i) + "]",
                                     client.next());
            CPPUNIT_ASSERT_EQUAL(std::size_t(kEvents), numbers.size());
            for (int i = 0; i < kEvents; ++i) CPPUNIT_ASSERT_EQUAL(i, numbers[std::size_t(i)]);
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
        server = std::make_unique<TestServer>(options);
        server->sio.on("n", [&](Socket&, int n) {
            if (n == 0) gate->wait();
            numbers.push_back(n);
        });
        server->sio.on("last", [](Socket&) { return "done"; });
        server->sio.on("disconnect", [&](Socket&, DisconnectReason reason) {
            reasons.add(std::string(toString(reason)));
        });
        server->start();
        for (const int revision : {4, 3}) {
            gate = std::make_unique<Gate>();
            numbers.clear();
            PacketClient client(server->port(), {Transport::Polling, revision});
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            std::vector<Message> events;
            for (int i = 0; i < kEvents; ++i)
                events.push_back("2[\"n\"," + std::to_string(i) + "]");
            client.writer().send(client.bytes(events));
            // Its answer is what holds the client back; it is longer than the heartbeat allows.
            CPPUNIT_ASSERT(!client.writer().readable(1000ms));
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
        server = std::make_unique<TestServer>(options);
        server->sio.on("ask", [&](Socket& socket) {
            journal.add(socket.call("question", {}, 20s).asString());
        });
        server->sio.on("e", [this](Socket&) { ++count; });
        server->sio.on("last", [](Socket&) { return "done"; });
        server->start();
        unsigned asked = 0;
        for (const Way way : kWays) {
            PacketClient client(server->port(), way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
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
        server = std::make_unique<TestServer>(options, http);
        server->sio.on("never returns", [this](Socket&) {
            ++count;
            gate->wait();
            return "at last";
        });
        server->sio.on("echo", [](Socket&, const Value::Array& values) {
            return HandlerResult::acknowledge(values);
        });
        server->sio.on("disconnect", [this](Socket&, DisconnectReason reason) {
            reasons.add(std::string(toString(reason)));
        });
        server->start();
        const auto port = server->port();

        // Keeps its session alive as every healthy client does.
        class Member {
        public:
            Member(std::uint16_t port, Way way) : client(port, way) {
                CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            }
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
            PacketClient healthy(port, {Transport::WebSocket, 4});
            CPPUNIT_ASSERT_EQUAL('0', healthy.connect()[0]);
            // Polls of revision 3 are released by nothing of the server's own.
            const Way ways[] = {
                {Transport::WebSocket, 4}, {Transport::Polling, 4}, {Transport::WebSocket, 3}};
            members.push_back(std::make_unique<Member>(port, ways[i % 3]));
            members.back()->client.say("21[\"never returns\"]");
            members.back()->live();
            while (count <= i) std::this_thread::sleep_for(1ms);
            // Up to the limit the events of others go on.
            if (i + 1 < kWorkers) CPPUNIT_ASSERT(healthy.quiet());
            healthy.sayEngine("1");
        }
        // Now no handler can run: accepts, handshakes and pings go on.
        PacketClient waiting(port, {Transport::Polling, 4}),
            pinged(port, {Transport::WebSocket, 4});
        waiting.say("0");
        const auto begin = std::chrono::steady_clock::now();
        for (PacketClient* each : {&pinged, &waiting}) {
            CPPUNIT_ASSERT(each->receive());  // a ping, which it answers
            each->sayEngine("1");
        }
        while (std::chrono::steady_clock::now() - begin < 2 * kPing + 200ms)
            std::this_thread::sleep_for(10ms);
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
            server = std::make_unique<TestServer>();
            server->sio.on("slow", [&](Socket& socket, int n) {
                if (count++ == 0) first.set_value();
                std::this_thread::sleep_for(5ms);
                socket.emit("done", n);
                return n;
            });
            server->sio.on("disconnect", [&](Socket& socket, DisconnectReason reason) {
                reasons.add(std::string(toString(reason)));
                socket.emit("too late");
            });
            server->start();
            PacketClient client(server->port(), way);
            CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
            std::vector<Message> events;
            for (int i = 0; i < kEvents; ++i)
                events.push_back("2" + std::to_string(i) + "[\"slow\"," + std::to_string(i) + "]");
            client.say(events);
            first.get_future().wait();
            auto stopped = std::async(std::launch::async, [&] { return server->stop(20s); });
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
            CPPUNIT_ASSERT_THROW(RawClient(server->port()).get("/socket.io/"), std::runtime_error);
        }
    }

    void clientsAreToldGoodbyeThoughAHandlerBlocks() {
        gate = std::make_unique<Gate>();
        std::promise<void> inside;
        server = std::make_unique<TestServer>();
        server->sio.on("block", [&](Socket&) {
            inside.set_value();
            gate->wait();
        });
        server->start();
        PacketClient client(server->port(), {Transport::WebSocket, 4});
        PacketClient other(server->port(), {Transport::Polling, 4});
        CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
        CPPUNIT_ASSERT_EQUAL('0', other.connect()[0]);
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
    // What handlers use outlives the server.
    Journal journal, reasons;
    std::unique_ptr<Gate> gate;
    std::vector<int> numbers;  // of one client's handlers, one at a time
    std::atomic<unsigned> count{0};
    std::unique_ptr<TestServer> server;
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoadConformanceTest);

}  // namespace socketio
