// PubSubManager over a broker in memory: the suites of all managers, and what only such a broker
// shows.
#include <atomic>
#include <thread>

#include "BusManager.h"
#include "PubSubSuite.h"
#include "support/Waiting.h"

namespace socketio {

using test::Bus;
using test::BusManager;
using test::ClientsSink;
using test::eventually;
using test::TestHost;

/// As the manager of one server.
class PubSubLocalTest : public test::ManagerSuite {
    CPPUNIT_TEST_SUB_SUITE(PubSubLocalTest, test::ManagerSuite);
    CPPUNIT_TEST_SUITE_END();

public:
    std::shared_ptr<ClientManager> makeManager() override {
        return std::make_shared<BusManager>(std::make_shared<Bus>());
    }
    bool isAlone() const override { return false; }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PubSubLocalTest);

class PubSubManagerTest : public test::PubSubSuite {
    CPPUNIT_TEST_SUB_SUITE(PubSubManagerTest, test::PubSubSuite);
    CPPUNIT_TEST(startsWhenItIsNeeded);
    CPPUNIT_TEST(mayStartLater);
    CPPUNIT_TEST(countsWhatTheQueueRefuses);
    CPPUNIT_TEST(numbersAreInTheOrderOfTheWire);
    CPPUNIT_TEST(dropsWhatComesTooFast);
    CPPUNIT_TEST(ignoresWhatIsTooLarge);
    CPPUNIT_TEST(answersOnlyWhoAsked);
    CPPUNIT_TEST(answersPythonWithTextOnly);
    CPPUNIT_TEST(speaksTheOtherDialects);
    CPPUNIT_TEST(forgetsTheOldestHosts);
    CPPUNIT_TEST(callbacksOutliveTheManager);
    CPPUNIT_TEST_SUITE_END();

public:
    std::shared_ptr<PubSubManager> makeManager(bool writeOnly, PubSubOptions options) override {
        return std::make_shared<BusManager>(bus, writeOnly, options);
    }
    void inject(const std::string& payload) override { bus->publish(payload); }

    void startsWhenItIsNeeded() {
        BusManager manager(bus, true);
        CPPUNIT_ASSERT_EQUAL(0, manager.starts.load());
        CPPUNIT_ASSERT(manager.flush(Duration::zero()));
        manager.emit("e");
        manager.initialize();
        manager.emit("e");
        CPPUNIT_ASSERT_EQUAL(1, manager.starts.load());
        manager.shutdown();
        manager.shutdown();
        manager.initialize();
        manager.emit("e");
        CPPUNIT_ASSERT_EQUAL(1, manager.starts.load());
        CPPUNIT_ASSERT_EQUAL(1, manager.stops.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), manager.counters().published);

        BusManager own(std::make_shared<Bus>());
        own.initialize();
        own.emit("e");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), own.counters().received);  // its own, unread

        BusManager never(bus);
        never.shutdown();
        CPPUNIT_ASSERT_EQUAL(0, never.stops.load());
        CPPUNIT_ASSERT(never.hostId() != manager.hostId());
        CPPUNIT_ASSERT_EQUAL(std::size_t(32), never.hostId().size());
        CPPUNIT_ASSERT(never.hostId().find_first_not_of("0123456789abcdef") == std::string::npos);
    }

    void mayStartLater() {
        BusManager manager(bus);
        manager.failsToStart = true;
        CPPUNIT_ASSERT_THROW(manager.initialize(), Poco::SystemException);
        manager.failsToStart = false;
        manager.initialize();
        CPPUNIT_ASSERT_EQUAL(1, manager.starts.load());
        manager.emit("e");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), manager.counters().published);
    }

    void countsWhatTheQueueRefuses() {
        auto& manager = static_cast<BusManager&>(*a().manager);
        a().connect("x");
        b().connect("y");
        manager.emit("e", 1);
        manager.refuses = true;
        manager.emit("e", 2);
        manager.emit("e", 3);
        manager.refuses = false;
        CPPUNIT_ASSERT(!manager.flush(Duration::zero()));
        manager.emit("e", 4);
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\",1]\nx:[\"e\",2]\nx:[\"e\",3]\nx:[\"e\",4]\n|"
                                         "y:[\"e\",1]\ny:[\"e\",4]\n|"),
                             heard());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), manager.counters().publishDropped);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), b().manager->counters().missed);
    }

    void numbersAreInTheOrderOfTheWire() {
        BusManager manager(bus, true);
        const std::size_t before = bus->published().size();
        constexpr int kThreads = 4, kMessages = 500;
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; ++i)
            threads.emplace_back([&manager] {
                for (int n = 0; n < kMessages; ++n) manager.emit("e", n);
            });
        for (std::thread& thread : threads) thread.join();
        const std::vector<std::string> published = bus->published();
        CPPUNIT_ASSERT_EQUAL(before + kThreads * kMessages, published.size());
        for (std::size_t i = before; i < published.size(); ++i)
            CPPUNIT_ASSERT_MESSAGE(
                published[i],
                published[i].ends_with(", \"seq\": " + std::to_string(i - before + 1) +
                                       ", \"host_id\": \"" + manager.hostId() + "\"}"));
    }

    void dropsWhatComesTooFast() {
        // P7: one that is stuck neither grows nor holds anybody up.
        PubSubOptions options;
        options.receiveMessages = 100;
        makeHosts(options);
        b().connect("y");
        a().connect("x");
        std::optional<ClientsSink::Stuck> stuck(b().sink);
        const auto before = b().manager->counters();
        constexpr int kMessages = 1'000;
        a().manager->emit("e", 0);
        CPPUNIT_ASSERT(stuck->wait());
        for (int i = 1; i < kMessages; ++i) a().manager->emit("e", i);
        const auto full = b().manager->counters();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMessages), full.received - before.received);
        const std::uint64_t dropped = full.receiveDropped - before.receiveDropped;
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMessages - 1 - 100), dropped);
        stuck.reset();
        std::string applied;
        CPPUNIT_ASSERT(eventually([&] {
            applied += b().sink.heard();
            return std::count(applied.begin(), applied.end(), '\n') ==
                   static_cast<std::ptrdiff_t>(kMessages - dropped);
        }));
        CPPUNIT_ASSERT(applied.starts_with("y:[\"e\",0]\ny:[\"e\",1]\n"));
        settle();
        CPPUNIT_ASSERT_EQUAL(dropped, b().manager->counters().missed);

        // The bytes have a limit, too.
        options.receiveBytes = 10'000;
        makeHosts(options);
        b().connect("y");
        stuck.emplace(b().sink);
        for (int i = 0; i < 11; ++i) {
            a().manager->emit("e", std::string(3'000, 'x'));
            if (i == 0) CPPUNIT_ASSERT(stuck->wait());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(7), b().manager->counters().receiveDropped);
        stuck.reset();
    }

    void ignoresWhatIsTooLarge() {
        PubSubOptions options;
        options.messageBytes = 1'000;
        makeHosts(options);
        b().connect("y");
        a().manager->emit("e", std::string(1'000, 'x'));
        a().manager->emit("e", "small");
        CPPUNIT_ASSERT_EQUAL(std::string("|y:[\"e\",\"small\"]\n|"), heard());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), b().manager->counters().ignored);
    }

    void answersOnlyWhoAsked() {
        b().connect("x");
        int calls = 0;
        a().manager->emit("e", {}, {.room = "x", .callback = [&calls] { ++calls; }});
        const auto answer = [](const std::string& host, const std::string& room,
                               const std::string& id, const std::string& nsp = "/") {
            return R"({"method": "callback", "host_id": ")" + host + R"(", "sid": ")" + room +
                   R"(", "namespace": ")" + nsp + R"(", "id": )" + id + R"(, "args": []})";
        };
        const std::string& host = a().manager->hostId();
        for (const std::string& each :
             {answer(host, "x", "2"), answer(host, "y", "1"), answer(host, "x", "-1"),
              answer(host, "x", "1", "/chat"), answer("other", "x", "1")})
            inject(each);
        settle();
        CPPUNIT_ASSERT_EQUAL(0, calls);
        inject(answer(host, "x", "1"));
        inject(answer(host, "x", "1"));
        settle();
        CPPUNIT_ASSERT_EQUAL(1, calls);
    }

    void answersPythonWithTextOnly() {
        a().connect("x");
        const auto ask = [](const std::string& id) {
            return R"({"method": "emit", "event": "e", "data": [], "binary": false, )"
                   R"("namespace": "/", "room": "x", "callback": ["x", "/", )" +
                   id + R"(], "host_id": "0123"})";
        };
        inject(ask("7"));
        inject(ask("8"));
        settle();
        a().sink.answer({Value("ok"), Value(2)});
        a().sink.answer({Value(Binary("AB"))});
        const std::string expected =
            R"({"method": "callback", "host_id": "0123", "sid": "x", "namespace": "/", )"
            R"("id": 7, "args": ["ok", 2], "seq": )";
        CPPUNIT_ASSERT(bus->published().back().starts_with(expected));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), a().manager->counters().publishDropped);
    }

    void speaksTheOtherDialects() {
        for (const QueueDialect dialect : {QueueDialect::LegacyJson, QueueDialect::Pickle}) {
            PubSubOptions options;
            options.dialect = dialect;
            makeHosts(options);
            a().connect("x");
            b().connect("y");
            a().manager->emit("e", Value::array({1, 2}));
            a().manager->emit("e", Value{{"k", Value(Binary("AB"))}});
            a().manager->emit("e");
            std::string answers;
            a().manager->emitTo(
                "/", Value::array({"e", "q"}), {.rooms = {"y"}, .skipSids = {}},
                [&answers](const Value::Array& values) { answers += test::show(Value(values)); });
            const std::string packets =
                ":[\"e\",[1,2]]\n?:[\"e\",{\"k\":{\"_placeholder\":true,\"num\":0}}]+AB\n?:[\"e\"]"
                "\n";
            const auto of = [&packets](const std::string& sid) {
                std::string lines = sid + packets;
                for (std::size_t at; (at = lines.find('?')) != std::string::npos;)
                    lines.replace(at, 1, sid);
                return lines;
            };
            CPPUNIT_ASSERT_EQUAL(of("x") + "|" + of("y") + "y:[\"e\",\"q\"]?\n|", heard());
            b().sink.answer({Value(Binary("CD")), Value(1)});
            settle();
            CPPUNIT_ASSERT_EQUAL(std::string("[{\"_placeholder\":true,\"num\":0},1]+CD"), answers);
            for (TestHost* each : all())
                CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), each->manager->counters().ignored);
        }
    }

    void forgetsTheOldestHosts() {
        const auto message = [](int host, int sequence) {
            return R"({"method": "close_room", "room": "r", "namespace": "/", "seq": )" +
                   std::to_string(sequence) + R"(, "host_id": "host)" + std::to_string(host) +
                   "\"}";
        };
        for (int host = 0; host < 1'100; ++host) inject(message(host, 10));
        settle();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), a().manager->counters().ignored);
        inject(message(1'099, 10));  // remembered: a repetition
        inject(message(0, 5));       // forgotten: makes a new start
        settle();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), a().manager->counters().ignored);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), a().manager->counters().missed);
    }

    void callbacksOutliveTheManager() {
        // A client still owes an answer when the manager has gone.
        ClientsSink sink;
        {
            BusManager manager(bus);
            manager.setSink(&sink);
            manager.initialize();
            manager.connect(std::make_shared<test::ManagedSocket>("x", "/"));
            a().manager->emit("e", {}, {.room = "x", .callback = [] {}});
            CPPUNIT_ASSERT(eventually([&] { return !sink.heard().empty(); }));
            manager.shutdown();
            manager.setSink(nullptr);
        }
        sink.answer({});
    }

private:
    std::shared_ptr<Bus> bus = std::make_shared<Bus>();
};
CPPUNIT_TEST_SUITE_REGISTRATION(PubSubManagerTest);

}  // namespace socketio
