#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/managers/AmqpManager.h"
#include "socketio/protocol/JsonCodec.h"

#include "../KombuPeer.h"
#include "../ManagerSuite.h"
#include "RabbitServer.h"
#include "TcpGate.h"
#include "support/Waiting.h"

namespace socketio {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;

/// Keeps the events that a client would have got, as JSON.
class Client : public test::RecordingSink {
public:
    void deliver(std::vector<LocalSocketPtr>, const std::string&, const Value& data,
                 const AckCallback&) override {
        MutexLock lock(_mutex);
        _events.push_back(JsonCodec::encode(data, "binary"));
    }
    std::vector<std::string> events() const {
        MutexLock lock(_mutex);
        return _events;
    }
    bool has(const std::string& event) const {
        MutexLock lock(_mutex);
        return std::find(_events.begin(), _events.end(), event) != _events.end();
    }

private:
    mutable Mutex _mutex;
    std::vector<std::string> _events SOCKETIO_GUARDED_BY(_mutex);
};

/// A manager with a client "a" in "/".
struct Host {
    Host(const std::string& url, const std::string& channel, PubSubOptions options = {},
         AmqpOptions amqp = {})
        : manager(std::make_shared<AmqpManager>(url, channel, false, options, amqp)) {
        manager->setSink(&client);
        manager->initialize();
        manager->connect(std::make_shared<test::ManagedSocket>("a", "/"));
    }
    ~Host() {
        manager->shutdown();
        manager->setSink(nullptr);
    }

    Client client;
    std::shared_ptr<AmqpManager> manager;
};

void emit(PubSubManager& manager, Value::Array data) {
    manager.emitTo("/", Value(std::move(data)), {});
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != text.npos;
}

}  // namespace

/// Against a real broker. Each test has a channel of its own.
class AmqpManagerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpManagerTest);
    CPPUNIT_TEST(hostsHearEachOtherInEveryDialect);
    CPPUNIT_TEST(declaresWhatKombuDeclares);
    CPPUNIT_TEST(kombuHearsJson);
    CPPUNIT_TEST(kombuHearsPickle);
    CPPUNIT_TEST(hearsKombu);
    CPPUNIT_TEST(hearsTheEmitProgram);
    CPPUNIT_TEST(largeMessagesAreWhole);
    CPPUNIT_TEST(aTooLargeMessageIsCounted);
    CPPUNIT_TEST(aCutConnectionLosesNothing);
    CPPUNIT_TEST(aSilentConnectionLosesNothing);
    CPPUNIT_TEST(whatTheBrokerRepeatsIsLeftOut);
    CPPUNIT_TEST(equalMessagesOfKombuAreNoRepetitions);
    CPPUNIT_TEST(whatAPublisherLosesIsCounted);
    CPPUNIT_TEST(comesBackWhenTheBrokerClosesItsConnections);
    CPPUNIT_TEST(comesBackWhenItsQueueIsDeleted);
    CPPUNIT_TEST(comesBackAfterBrokenBytes);
    CPPUNIT_TEST(anotherDeclarationIsAClearError);
    CPPUNIT_TEST(aWrongPasswordIsAClearError);
    CPPUNIT_TEST(verifiesTheCertificate);
    CPPUNIT_TEST(stopsThoughTheBrokerHangs);
    CPPUNIT_TEST(deletesItsQueueWhenItEnds);
    CPPUNIT_TEST(aMemoryAlarmBlocksNobody);
    CPPUNIT_TEST(comesBackWhenTheBrokerDoes);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        static int number = 0;
        channel = "test" + std::to_string(++number);
    }

    void hostsHearEachOtherInEveryDialect() {
        Host one(rabbit().url(), channel), two(rabbit().url(), channel);
        listening(one, two);
        for (const QueueDialect dialect :
             {QueueDialect::Json, QueueDialect::LegacyJson, QueueDialect::Pickle}) {
            PubSubOptions options;
            options.dialect = dialect;
            AmqpManager emitter(rabbit().url(), channel, true, options);
            emit(emitter, {"e", static_cast<int>(dialect), Binary("\x00\xff\x80", 3)});
            CPPUNIT_ASSERT(emitter.flush(seconds(10)));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), emitter.counters().published);
        }
        // Beside the marks of listening(), of which each may have heard another number.
        const auto heard = [](const Host& host) {
            std::vector<std::string> events = host.client.events();
            std::erase_if(events,
                          [](const std::string& each) { return each.starts_with("[\"mark"); });
            return events;
        };
        for (Host* each : {&one, &two})
            CPPUNIT_ASSERT(eventually([&] { return heard(*each).size() >= 3; }));
        CPPUNIT_ASSERT(heard(one) == std::vector<std::string>(3, "binary"));
        CPPUNIT_ASSERT(heard(one) == heard(two));
    }

    void declaresWhatKombuDeclares() {
        Host host(rabbit().url(), channel);
        CPPUNIT_ASSERT(host.manager->flush(seconds(10)));
        const std::string queue = host.manager->queueName();
        CPPUNIT_ASSERT_EQUAL(std::string("python-socketio.").size() + 36, queue.size());
        CPPUNIT_ASSERT(queue.starts_with("python-socketio."));
        CPPUNIT_ASSERT(eventually([&] { return contains(control("list_queues"), queue); }));
        CPPUNIT_ASSERT_EQUAL(std::string("fanout\tfalse\tfalse\tfalse\t[]"),
                             row(rabbit().control({"list_exchanges", "name", "type", "durable",
                                                   "auto_delete", "internal", "arguments"}),
                                 channel));
        CPPUNIT_ASSERT_EQUAL(std::string("false\tfalse\tfalse\t[{\"x-expires\",300000}]"),
                             row(rabbit().control({"list_queues", "name", "durable", "auto_delete",
                                                   "exclusive", "arguments"}),
                                 queue));
        CPPUNIT_ASSERT_EQUAL(std::string("\t[]"),
                             row(rabbit().control({"list_bindings", "source_name",
                                                   "destination_name", "routing_key", "arguments"}),
                                 channel + "\t" + queue));
        CPPUNIT_ASSERT_EQUAL(std::string("true\t1000"),
                             row(rabbit().control({"list_consumers", "queue_name", "ack_required",
                                                   "prefetch_count"}),
                                 queue));
    }

    void kombuHearsJson() {
        const Value heard = heardByKombu(QueueDialect::Json);
        CPPUNIT_ASSERT(heard["kind"] == "str");
        CPPUNIT_ASSERT(heard["type"] == "text/plain");
        CPPUNIT_ASSERT(heard["encoding"] == "utf-8");
        CPPUNIT_ASSERT_EQUAL(std::string("[\"\u00e9\",[1]]"),
                             JsonCodec::encode(heard["message"]["data"]));
    }

    void kombuHearsPickle() {
        const Value heard = heardByKombu(QueueDialect::Pickle);
        CPPUNIT_ASSERT(heard["kind"] == "bytes");
        CPPUNIT_ASSERT(heard["type"] == "application/data");
        CPPUNIT_ASSERT(heard["encoding"] == "binary");
        CPPUNIT_ASSERT_EQUAL(std::string("[\"\u00e9\",[1]]"),
                             JsonCodec::encode(heard["message"]["data"]));
    }

    void hearsKombu() {
        Host host(rabbit().url(), channel);
        listening(host);
        for (const char* dialect : {"json", "pickle"}) {
            test::KombuPeer kombu({"say", rabbit().url(), channel, dialect});
            const int status = kombu.wait();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(kombu.error(), 0, status);
        }
        const auto said = [&] {
            const auto events = host.client.events();
            return std::count(events.begin(), events.end(), "[\"said\",\"\u00e9\",2]");
        };
        CPPUNIT_ASSERT_MESSAGE(host.client.events().back(),
                               eventually([&] { return said() == 2; }));
    }

    void hearsTheEmitProgram() {
        Host host(rabbit().url(), channel);
        listening(host);
        test::ChildProgram program({EMIT_PROGRAM, "--url", rabbit().url(), "--channel", channel,
                                    "--room", "a", "shell", "{\"k\":1}"});
        const int status = program.wait();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, status);
        CPPUNIT_ASSERT(eventually([&] { return host.client.has("[\"shell\",{\"k\":1}]"); }));
        test::ChildProgram refused(
            {EMIT_PROGRAM, "--url",
             "amqp://guest:secret@localhost:" + std::to_string(rabbit().port()), "--timeout", "1",
             "e"});
        CPPUNIT_ASSERT_EQUAL(1, refused.wait());
        CPPUNIT_ASSERT_MESSAGE(refused.error(), contains(refused.error(), "ACCESS_REFUSED"));
    }

    void largeMessagesAreWhole() {
        Host host(rabbit().url(), channel);
        listening(host);
        // Of several frames, and just as long as one or two.
        for (const std::size_t size : {1'000'000u, 131'064u, 262'128u, 3'000'000u}) {
            AmqpManager emitter(rabbit().url(), channel, true);
            const std::string text(size, 'x');
            emit(emitter, {text});
            CPPUNIT_ASSERT(emitter.flush(seconds(10)));
            CPPUNIT_ASSERT(eventually([&] { return host.client.has("[\"" + text + "\"]"); }));
        }
    }

    void aTooLargeMessageIsCounted() {
        PubSubOptions options;
        options.messageBytes = 10'000;
        Host host(rabbit().url(), channel, options);
        listening(host);
        AmqpManager emitter(rabbit().url(), channel, true);
        emit(emitter, {std::string(300'000, 'x')});
        emit(emitter, {"small"});
        CPPUNIT_ASSERT(eventually([&] { return host.client.has("[\"small\"]"); }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), host.manager->counters().ignored);
    }

    void aCutConnectionLosesNothing() {
        test::TcpGate gate(rabbit().port());
        Host host(urlOf(gate), channel);
        listening(host);
        const std::string queue = host.manager->queueName();
        AmqpManager emitter(rabbit().url(), channel, true);
        constexpr int kMessages = 6'000, kCuts = 6;
        for (int i = 0; i < kMessages; ++i) {
            emit(emitter, {"n", i});
            if (i % (kMessages / kCuts) == kMessages / kCuts / 2) {
                CPPUNIT_ASSERT(eventually([&] { return host.client.has(numbered(i - 100)); }));
                gate.cut();
            }
        }
        CPPUNIT_ASSERT(emitter.flush(seconds(10)));
        hasAll(host, kMessages);
        CPPUNIT_ASSERT_EQUAL(queue, host.manager->queueName());
        CPPUNIT_ASSERT(host.manager->counters().reconnects >= kCuts);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), host.manager->counters().missed);
    }

    void aSilentConnectionLosesNothing() {
        test::TcpGate gate(rabbit().port());
        AmqpOptions quick;
        quick.heartbeat = seconds(1);
        Host host(urlOf(gate), channel, {}, quick);
        listening(host);
        AmqpManager emitter(rabbit().url(), channel, true);
        const int before = gate.accepted();
        for (int i = 0; i < 500; ++i) emit(emitter, {"n", i});
        CPPUNIT_ASSERT(eventually([&] { return host.client.has(numbered(100)); }));
        gate.hold();
        for (int i = 500; i < 2'000; ++i) emit(emitter, {"n", i});
        // Given up after two heartbeats; what comes in their place is held as well.
        CPPUNIT_ASSERT(eventually([&] { return gate.accepted() >= before + 2; }));
        gate.pass();
        hasAll(host, 2'000);
    }

    void whatTheBrokerRepeatsIsLeftOut() {
        // Kombu's messages have no numbers, and here none of the acks arrives.
        test::TcpGate gate(rabbit().port());
        Host host(urlOf(gate), channel);
        listening(host);
        gate.holdClient();
        sayTicks(30);
        CPPUNIT_ASSERT(eventually([&] { return ticks(host) == 30; }));
        CPPUNIT_ASSERT(unacknowledged(host) >= 30);
        gate.cut();
        gate.pass();
        sayTicks(5);
        CPPUNIT_ASSERT(eventually([&] { return unacknowledged(host) == 0; }));
        settle(host);
        CPPUNIT_ASSERT_EQUAL(35, ticks(host));
    }

    void equalMessagesOfKombuAreNoRepetitions() {
        // What is redelivered and had not come is not what came before.
        test::TcpGate gate(rabbit().port());
        AmqpOptions quick;
        quick.heartbeat = seconds(1);
        Host host(urlOf(gate), channel, {}, quick);
        listening(host);
        sayTicks(50);
        CPPUNIT_ASSERT(eventually([&] { return ticks(host) == 50; }));
        settle(host);
        CPPUNIT_ASSERT(eventually([&] { return unacknowledged(host) == 0; }));
        const int before = gate.accepted();
        gate.hold();
        sayTicks(30);
        CPPUNIT_ASSERT(eventually([&] { return gate.accepted() >= before + 2; }));
        gate.pass();
        settle(host);
        CPPUNIT_ASSERT_EQUAL(80, ticks(host));
    }

    void whatAPublisherLosesIsCounted() {
        Host host(rabbit().url(), channel);
        listening(host);
        test::TcpGate gate(rabbit().port());
        AmqpManager emitter(urlOf(gate), channel, true);
        constexpr int kMessages = 5'000;
        for (int i = 0; i < kMessages; ++i) {
            emit(emitter, {"n", i});
            if (i % 1'000 == 500) {
                CPPUNIT_ASSERT(eventually([&] { return host.client.has(numbered(i - 50)); }));
                gate.hold();
            }
            if (i % 1'000 == 700) {
                const auto before = emitter.counters().reconnects;
                gate.cut();
                gate.pass();
                CPPUNIT_ASSERT(eventually([&] { return emitter.counters().reconnects > before; }));
            }
        }
        emitter.flush(seconds(10));
        const PubSubManager::Counters counters = emitter.counters();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMessages),
                             counters.published + counters.publishDropped);
        CPPUNIT_ASSERT(counters.publishDropped > 0);
        CPPUNIT_ASSERT(eventually([&] { return host.client.has(numbered(kMessages - 1)); }));
        // What was confirmed has come, in order and once; of what was dropped some may have.
        const std::vector<std::string> events = numberedEvents(host);
        CPPUNIT_ASSERT(events.size() >= counters.published);
        int last = -1;
        for (const std::string& each : events) {
            const int number = std::stoi(each.substr(5));
            CPPUNIT_ASSERT(number > last);
            last = number;
        }
    }

    void comesBackWhenTheBrokerClosesItsConnections() {
        Host one(rabbit().url(), channel), two(rabbit().url(), channel);
        listening(one, two);
        control("close_all_connections", "gone");
        CPPUNIT_ASSERT(eventually([&] {
            return one.manager->counters().reconnects >= 2 &&
                   two.manager->counters().reconnects >= 2;
        }));
        hearsAgain(one, two);
    }

    void comesBackWhenItsQueueIsDeleted() {
        Host one(rabbit().url(), channel), two(rabbit().url(), channel);
        listening(one, two);
        control("delete_queue", two.manager->queueName());
        hearsAgain(one, two);
        CPPUNIT_ASSERT(contains(control("list_queues"), two.manager->queueName()));
    }

    void comesBackAfterBrokenBytes() {
        test::TcpGate gate(rabbit().port());
        Host one(rabbit().url(), channel), two(urlOf(gate), channel);
        listening(one, two);
        const std::string frames[] = {
            std::string("\x03\x00\x01\x7f\xff\xff\xff", 7),       // above the maximum
            std::string("\x03\x00\x01\x00\x00\x00\x01x\xce", 9),  // a body of nothing
            std::string("\x01\x00\x01\x00\x00\x00\x04\xff\xff\xff\xff\xce", 12),  // no such method
            std::string("\x01\x00\x01\x00\x00\x00\x04\x00\x3c\x00\x3c!", 12),     // a wrong end
            std::string(300, 'H')};
        for (const std::string& each : frames) {
            const auto before = two.manager->counters().reconnects;
            gate.inject(each);
            CPPUNIT_ASSERT(eventually([&] { return two.manager->counters().reconnects > before; }));
            hearsAgain(one, two);
        }
    }

    void anotherDeclarationIsAClearError() {
        test::KombuPeer kombu({"spoil", rabbit().url(), channel});
        const int status = kombu.wait();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(kombu.error(), 0, status);
        AmqpManager emitter(rabbit().url(), channel, true);
        emit(emitter, {"e"});
        CPPUNIT_ASSERT(!emitter.flush(milliseconds(1'000)));
        CPPUNIT_ASSERT_MESSAGE(emitter.lastError(),
                               contains(emitter.lastError(), "PRECONDITION_FAILED"));
        CPPUNIT_ASSERT(contains(emitter.lastError(), channel));
    }

    void aWrongPasswordIsAClearError() {
        AmqpManager emitter("amqp://guest:se%63ret@localhost:" + std::to_string(rabbit().port()),
                            channel, true);
        emit(emitter, {"e"});
        CPPUNIT_ASSERT(!emitter.flush(milliseconds(1'500)));
        CPPUNIT_ASSERT_MESSAGE(emitter.lastError(),
                               contains(emitter.lastError(), "ACCESS_REFUSED"));
        CPPUNIT_ASSERT(!contains(emitter.lastError(), "secret"));
        CPPUNIT_ASSERT(!contains(emitter.lastError(), "se%63ret"));
    }

    void verifiesTheCertificate() {
        const std::string port = std::to_string(rabbit().tlsPort());
        const std::string ca = "?cacertfile=" + rabbit().certificates().ca();
        for (const std::string& url :
             {"amqps://localhost:" + port + ca, "amqps://127.0.0.1:" + port + ca,
              "amqps://localhost:" + port + "?verify=verify_none"}) {
            Host host(url, channel);
            listening(host);
            CPPUNIT_ASSERT_EQUAL(std::string(), host.manager->lastError());
        }
        struct Case {
            std::string url, error;
        };
        const Case refused[] = {
            {"amqps://localhost:" + port, "self-signed certificate"},
            {"amqps://127.1:" + port + ca, "ostname mismatch"},
            {"amqps://localhost:" + port + "?cacertfile=/nowhere", "/nowhere"},
        };
        for (const Case& each : refused) {
            AmqpManager emitter(each.url, channel, true);
            emit(emitter, {"e"});
            CPPUNIT_ASSERT(!emitter.flush(milliseconds(500)));
            CPPUNIT_ASSERT_MESSAGE(emitter.lastError(), contains(emitter.lastError(), each.error));
        }
    }

    void stopsThoughTheBrokerHangs() {
        // From the first byte on, and once everything works.
        for (const std::string scheme : {"amqp", "amqps"}) {
            test::TcpGate gate(scheme == "amqp" ? rabbit().port() : rabbit().tlsPort());
            gate.hold();
            const std::string url = scheme + "://localhost:" + std::to_string(gate.port()) +
                                    (scheme == "amqps" ? "?verify=verify_none" : "");
            auto host = std::make_unique<Host>(url, channel);
            CPPUNIT_ASSERT(eventually([&] { return gate.accepted() >= 2; }));
            endsSoon(std::move(host));
            gate.pass();
            host = std::make_unique<Host>(url, channel);
            listening(*host);
            gate.hold();
            for (int i = 0; i < 1'000; ++i) emit(*host->manager, {std::string(10'000, 'x')});
            endsSoon(std::move(host));
        }
    }

    void deletesItsQueueWhenItEnds() {
        auto host = std::make_unique<Host>(rabbit().url(), channel);
        listening(*host);
        const std::string queue = host->manager->queueName();
        endsSoon(std::move(host));
        CPPUNIT_ASSERT(!contains(control("list_queues"), queue));
    }

    void aMemoryAlarmBlocksNobody() {
        PubSubOptions options;
        options.publishMessages = 1'000;
        options.publishAge = seconds(60);
        Host one(rabbit().url(), channel, options), two(rabbit().url(), channel);
        listening(one, two);
        control("set_vm_memory_high_watermark", "0.0001");
        emit(*one.manager, {"first"});  // the broker blocks those who publish
        CPPUNIT_ASSERT(
            eventually([&] { return contains(one.manager->lastError(), "takes no messages"); }));
        constexpr int kMessages = 3'000;
        Duration longest{};
        for (int i = 0; i < kMessages; ++i) {
            const TimePoint start = Clock::system().now();
            emit(*one.manager, {"n", i});
            longest = std::max(longest, Clock::system().now() - start);
        }
        CPPUNIT_ASSERT(longest < milliseconds(500));
        CPPUNIT_ASSERT(!one.manager->flush(milliseconds(100)));
        emit(*one.manager, {"still full"});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMessages - 1'000 + 1),
                             one.manager->counters().publishDropped);
        CPPUNIT_ASSERT(contains(one.manager->lastError(), "takes no messages"));
        control("set_vm_memory_high_watermark", "0.4");
        CPPUNIT_ASSERT(eventually([&] { return two.client.has(numbered(999)); }));
        CPPUNIT_ASSERT_EQUAL(std::string(), one.manager->lastError());
        hearsAgain(one, two);
    }

    void comesBackWhenTheBrokerDoes() {
        Host one(rabbit().url(), channel), two(rabbit().url(), channel);
        listening(one, two);
        rabbit().kill();
        CPPUNIT_ASSERT(eventually([&] { return !one.manager->lastError().empty(); }));
        emit(*one.manager, {"while it is away"});
        rabbit().start();
        const TimePoint back = Clock::system().now();
        CPPUNIT_ASSERT(eventually(
            [&] { return one.manager->lastError().empty() && two.manager->lastError().empty(); }));
        CPPUNIT_ASSERT(Clock::system().now() - back < seconds(5));
        hearsAgain(one, two);
    }

private:
    static test::RabbitServer& rabbit() { return test::RabbitServer::shared(); }

    static std::string control(const std::string& command, const std::string& argument = {}) {
        return argument.empty() ? rabbit().control({command})
                                : rabbit().control({command, argument});
    }

    /// What follows `name` in the line that begins with it.
    static std::string row(const std::string& table, const std::string& name) {
        const auto at = ("\n" + table).find("\n" + name + "\t");
        if (at == std::string::npos) return "none in " + table;
        const auto begin = at + name.size() + 1;
        return table.substr(begin, table.find('\n', begin) - begin);
    }

    static std::string urlOf(const test::TcpGate& gate) {
        return "amqp://localhost:" + std::to_string(gate.port());
    }

    static std::string numbered(int number) { return "[\"n\"," + std::to_string(number) + "]"; }

    static std::vector<std::string> numberedEvents(const Host& host) {
        std::vector<std::string> events = host.client.events();
        std::erase_if(events, [](const std::string& each) { return !each.starts_with("[\"n\","); });
        return events;
    }

    /// Each once and in order.
    static void hasAll(const Host& host, int count) {
        CPPUNIT_ASSERT(eventually([&] { return host.client.has(numbered(count - 1)); }));
        const std::vector<std::string> events = numberedEvents(host);
        for (int i = 0; i < count && i < static_cast<int>(events.size()); ++i)
            CPPUNIT_ASSERT_EQUAL(numbered(i), events[static_cast<std::size_t>(i)]);
        CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(count), events.size());
    }

    /// Returns when they hear what is published.
    template <class... Hosts>
    void listening(const Hosts&... hosts) {
        (settle(hosts), ...);
    }

    /// Returns when it has heard all that was published before.
    void settle(const Host& host) {
        const std::string mark = "mark" + std::to_string(++_marks);
        AmqpManager emitter(rabbit().url(), channel, true);
        // Its queue may not be there yet.
        CPPUNIT_ASSERT_MESSAGE(host.manager->lastError(), eventually([&] {
                                   emit(emitter, {mark});
                                   return emitter.flush(seconds(1)) &&
                                          eventually(
                                              [&] { return host.client.has("[\"" + mark + "\"]"); },
                                              milliseconds(100));
                               }));
    }

    void hearsAgain(Host& one, Host& two) {
        const std::string mark = "again" + std::to_string(++_marks);
        CPPUNIT_ASSERT(eventually([&] {
            emit(*one.manager, {mark});
            return eventually([&] { return two.client.has("[\"" + mark + "\"]"); },
                              milliseconds(100));
        }));
    }

    int unacknowledged(const Host& host) {
        return std::stoi(row(rabbit().control({"list_queues", "name", "messages_unacknowledged"}),
                             host.manager->queueName()));
    }

    void sayTicks(int number) {
        test::KombuPeer kombu({"raw", rabbit().url(), channel, std::to_string(number)});
        const int status = kombu.wait();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(kombu.error(), 0, status);
    }
    static int ticks(const Host& host) {
        const std::vector<std::string> events = host.client.events();
        return static_cast<int>(std::count(events.begin(), events.end(), "[\"tick\"]"));
    }

    static void endsSoon(std::unique_ptr<Host> host) {
        const TimePoint start = Clock::system().now();
        host.reset();
        CPPUNIT_ASSERT(Clock::system().now() - start < milliseconds(1'500));
    }

    Value heardByKombu(QueueDialect dialect) {
        test::KombuPeer kombu({"hear", rabbit().url(), channel, "1"});
        kombu.waitForOutput("ready\n");
        PubSubOptions options;
        options.dialect = dialect;
        AmqpManager emitter(rabbit().url(), channel, true, options);
        emitter.emitTo("/x", Value::array({"e", "\u00e9", Value::array({1})}), {{"room"}, {}});
        CPPUNIT_ASSERT(emitter.flush(seconds(10)));
        const int status = kombu.wait();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(kombu.error(), 0, status);
        const std::string line = kombu.output().substr(6);
        const auto heard = JsonCodec::decode(std::string_view(line).substr(0, line.find('\n')));
        CPPUNIT_ASSERT_MESSAGE(line, heard.ok());
        const Value& message = (*heard)["message"];
        CPPUNIT_ASSERT(message["method"] == "emit");
        CPPUNIT_ASSERT(message["event"] == "e");
        CPPUNIT_ASSERT(message["namespace"] == "/x");
        CPPUNIT_ASSERT(message["room"] == "room");
        CPPUNIT_ASSERT(message["host_id"] == emitter.hostId());
        CPPUNIT_ASSERT((*heard)["properties"] == Value({{"delivery_mode", 2}, {"priority", 0}}));
        CPPUNIT_ASSERT((*heard)["headers"].isObject());
        return *heard;
    }

    std::string channel;
    int _marks = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpManagerTest);

}  // namespace socketio
