#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Mutex.h"
#include "socketio/managers/PubSubManager.h"
#include "socketio/protocol/JsonCodec.h"

#include "ManagerSuite.h"

namespace socketio::test {

/// The data of an event with its attachments behind it: `["e",{"_placeholder":true,"num":0}]+AB`.
inline std::string show(const Value& data) {
    std::string text;
    std::vector<Binary> attachments;
    if (!JsonCodec::encodeTo(text, data, &attachments).ok()) return "no form";
    for (const Binary& each : attachments) text += "+" + each.bytes;
    return text;
}

/// The clients of one server, who write down what they hear and answer when they are told to.
///
/// Threads: thread-safe.
class ClientsSink : public PacketSink {
public:
    static constexpr const char* kSettle = "/settle";

    void deliver(std::vector<LocalSocketPtr> recipients, const std::string& nsp, const Value& data,
                 const AckCallback& callback) override {
        MutexLock lock(_mutex);
        while (_stuck) {
            _held = true;
            _changed.notifyAll();
            _changed.wait(_mutex);
        }
        _held = false;
        if (nsp == kSettle) {
            const std::string& text = data[1].asString();  // "<sender> <round>"
            const std::size_t space = text.find(' ');
            _settled[text.substr(0, space)] = std::stoll(text.substr(space + 1));
            _changed.notifyAll();
            return;
        }
        std::vector<std::string> sids;
        for (const LocalSocketPtr& each : recipients) sids.push_back(each->sid());
        std::sort(sids.begin(), sids.end());
        for (const std::string& sid : sids) {
            _heard +=
                sid + (nsp == "/" ? "" : nsp) + ":" + show(data) + (callback ? "?" : "") + "\n";
            if (callback) _callbacks.push_back(callback);
        }
        _changed.notifyAll();
    }
    void acknowledge(const LocalSocketPtr&, std::uint64_t, Value::Array) override {}
    void runCallback(AckCallback callback, std::optional<Value::Array> arguments) override {
        if (arguments) callback(*arguments);
        callback = nullptr;  // before it is told of
        MutexLock lock(_mutex);
        if (!arguments) ++_letGo;
        _changed.notifyAll();
    }
    void disconnect(const LocalSocketPtr& socket) override {
        MutexLock lock(_mutex);
        _heard += socket->sid() + " disconnects\n";
    }

    /// What was heard since the last call, a line per client and event.
    std::string heard() {
        MutexLock lock(_mutex);
        return std::exchange(_heard, {});
    }
    /// The oldest callback that waits answers; the lock is not held meanwhile.
    void answer(const Value::Array& values) {
        AckCallback callback;
        {
            MutexLock lock(_mutex);
            CPPUNIT_ASSERT(!_callbacks.empty());
            callback = std::move(_callbacks.front());
            _callbacks.pop_front();
        }
        callback(values);
    }
    /// deliver() does not return as long as one of these lives.
    class Stuck {
    public:
        explicit Stuck(ClientsSink& sink) : _sink(sink) { _sink.stick(true); }
        ~Stuck() { _sink.stick(false); }
        Stuck(const Stuck&) = delete;
        Stuck& operator=(const Stuck&) = delete;

        /// Until deliver() was called.
        bool wait() {
            const TimePoint deadline = Clock::system().now() + std::chrono::seconds(10);
            MutexLock lock(_sink._mutex);
            while (!_sink._held)
                if (!_sink._changed.waitUntil(_sink._mutex, deadline)) return false;
            return true;
        }

    private:
        ClientsSink& _sink;
    };
    bool waitForLetGo(int count) {
        const TimePoint deadline = Clock::system().now() + std::chrono::seconds(10);
        MutexLock lock(_mutex);
        while (_letGo < count)
            if (!_changed.waitUntil(_mutex, deadline)) return false;
        return true;
    }
    /// Until the round of every sender has come.
    bool waitForRound(const std::set<std::string>& senders, std::int64_t round,
                      TimePoint deadline) {
        MutexLock lock(_mutex);
        const auto missing = [&] {
            return std::any_of(senders.begin(), senders.end(), [&](const std::string& each) {
                const auto found = _settled.find(each);
                return found == _settled.end() || found->second < round;
            });
        };
        while (missing())
            if (!_changed.waitUntil(_mutex, deadline)) return !missing();
        return true;
    }

private:
    void stick(bool stuck) {
        MutexLock lock(_mutex);
        _stuck = stuck;
        _changed.notifyAll();
    }

    Mutex _mutex;
    Condition _changed;
    std::string _heard;
    std::deque<AckCallback> _callbacks;
    std::map<std::string, std::int64_t> _settled;
    int _letGo = 0;
    bool _stuck = false, _held = false;
};

/// A manager with the clients of its server.
struct TestHost {
    TestHost() = default;
    TestHost(const TestHost&) = delete;
    TestHost& operator=(const TestHost&) = delete;
    ~TestHost() {
        manager->shutdown();
        manager->setSink(nullptr);
    }

    std::shared_ptr<PubSubManager> manager;
    ClientsSink sink;

    void connect(const std::string& sid, const std::string& nsp = "/") {
        manager->connect(std::make_shared<ManagedSocket>(sid, nsp));
    }
};

/// What several managers on one channel have to do for one another. A fixture derives from it and
/// says how a manager is made, all of them on the same channel, and how bytes are published there.
class PubSubSuite : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PubSubSuite);
    CPPUNIT_TEST(everyClientHearsTheSamePacket);
    CPPUNIT_TEST(emitsToRoomsOfAllServers);
    CPPUNIT_TEST(skipsSidsOnAllServers);
    CPPUNIT_TEST(namespacesAreSeparate);
    CPPUNIT_TEST(skipsItsOwnMessages);
    CPPUNIT_TEST(ignoreQueueStaysHere);
    CPPUNIT_TEST(movesClientsOfOtherServersBetweenRooms);
    CPPUNIT_TEST(closesRoomsEverywhere);
    CPPUNIT_TEST(disconnectsClientsOfOtherServers);
    CPPUNIT_TEST(emitsWithoutAServer);
    CPPUNIT_TEST(callsBackOnceForTheFirstAnswer);
    CPPUNIT_TEST(carriesBinaryAnswers);
    CPPUNIT_TEST(callsBackDirectlyForClientsOfItsOwn);
    CPPUNIT_TEST(membersHereAnswerForARoomToo);
    CPPUNIT_TEST(refusesCallbacksThatNobodyCanAnswer);
    CPPUNIT_TEST(letsOverdueCallbacksGo);
    CPPUNIT_TEST(limitsTheCallbacksThatWait);
    CPPUNIT_TEST(refusesDataWithoutAForm);
    CPPUNIT_TEST(keepsTheOrderOfEachSender);
    CPPUNIT_TEST(countsGapsAndIgnoresRepetitions);
    CPPUNIT_TEST(understandsPython);
    CPPUNIT_TEST(ignoresHostileMessages);
    CPPUNIT_TEST(afterShutdownItWorksHere);
    CPPUNIT_TEST_SUITE_END_ABSTRACT();

public:
    virtual std::shared_ptr<PubSubManager> makeManager(bool writeOnly, PubSubOptions options) = 0;
    /// Publishes these bytes as one message.
    virtual void inject(const std::string& payload) = 0;

    void setUp() override { makeHosts({}); }
    void tearDown() override { hosts.clear(); }

    void everyClientHearsTheSamePacket() {
        using namespace std::string_literals;
        const Value binary = Value(Binary("\0\xff"s));
        const struct {
            Value data;
            std::string text;
        } cases[] = {
            {Value::array({"e"}), "[\"e\"]"},
            {Value::array({"e", nullptr}), "[\"e\",null]"},
            {Value::array({"e", nullptr, nullptr}), "[\"e\",null,null]"},
            {Value::array({"e", 1}), "[\"e\",1]"},
            {Value::array({"e", 1.5, -7, true, "x"}), "[\"e\",1.5,-7,true,\"x\"]"},
            {Value::array({"e", Value::array()}), "[\"e\",[]]"},
            {Value::array({"e", Value::array({1, 2})}), "[\"e\",[1,2]]"},
            {Value::array({"e", Value::array({Value::array({1})})}), "[\"e\",[[1]]]"},
            {Value::array({"e", Value::object()}), "[\"e\",{}]"},
            {Value::array({"e", Value{{"a", 1}, {"b", Value::array({"c"})}}}),
             "[\"e\",{\"a\":1,\"b\":[\"c\"]}]"},
            {Value::array({"e\xc3\xa9", "\xf0\x9f\x98\x80 \xed\xa0\x80 \"\\\n"}),
             "[\"e\xc3\xa9\",\"\xf0\x9f\x98\x80 \\ud800 \\\"\\\\\\n\"]"},
            {Value::array({"e", binary}), "[\"e\",{\"_placeholder\":true,\"num\":0}]+\0\xff"s},
            {Value::array({"e", Value{{"k", Value::array({binary, 1})}}, Binary()}),
             "[\"e\",{\"k\":[{\"_placeholder\":true,\"num\":0},1]},{\"_placeholder\":true,\"num\":"
             "1}]"
             "+\0\xff+"s},
        };
        for (TestHost* each : all()) each->connect("of" + std::to_string(number(*each)));
        for (TestHost* from : all()) {
            for (const auto& c : cases) {
                from->manager->emitTo("/", c.data, {});
                settle();
                for (TestHost* to : all())
                    CPPUNIT_ASSERT_EQUAL("of" + std::to_string(number(*to)) + ":" + c.text + "\n",
                                         to->sink.heard());
            }
        }
    }

    void emitsToRoomsOfAllServers() {
        for (TestHost* each : all()) each->connect("of" + std::to_string(number(*each)));
        a().manager->enterRoom("of0", "/", "r");
        b().manager->enterRoom("of1", "/", "r");
        c().manager->enterRoom("of2", "/", "s");
        a().manager->emit("e", 1, {.room = "r"});
        CPPUNIT_ASSERT_EQUAL(std::string("of0:[\"e\",1]\n|of1:[\"e\",1]\n|"), heard());
        c().manager->emit("e", 2, {.room = {"r", "s"}});
        CPPUNIT_ASSERT_EQUAL(std::string("of0:[\"e\",2]\n|of1:[\"e\",2]\n|of2:[\"e\",2]\n"),
                             heard());
        c().manager->emit("e", 3, {.room = "of1"});
        CPPUNIT_ASSERT_EQUAL(std::string("|of1:[\"e\",3]\n|"), heard());
        c().manager->emit("e", 4, {.room = "nobody"});
        CPPUNIT_ASSERT_EQUAL(std::string("||"), heard());
    }

    void skipsSidsOnAllServers() {
        for (TestHost* each : all()) each->connect("of" + std::to_string(number(*each)));
        a().manager->emit("e", {}, {.skipSid = "of1"});
        CPPUNIT_ASSERT_EQUAL(std::string("of0:[\"e\"]\n||of2:[\"e\"]\n"), heard());
        a().manager->emit("e", {}, {.skipSid = {"of0", "of2"}});
        CPPUNIT_ASSERT_EQUAL(std::string("|of1:[\"e\"]\n|"), heard());
    }

    void namespacesAreSeparate() {
        a().connect("x", "/chat");
        b().connect("x", "/chat");
        b().connect("y", "/");
        c().manager->emit("e", 1, {.nsp = "chat"});
        CPPUNIT_ASSERT_EQUAL(std::string("x/chat:[\"e\",1]\n|x/chat:[\"e\",1]\n|"), heard());
        c().manager->enterRoom("x", "/", "r");  // another namespace
        c().manager->emit("e", 2, {.room = "r", .nsp = "/chat"});
        CPPUNIT_ASSERT_EQUAL(std::string("||"), heard());
    }

    void skipsItsOwnMessages() {
        a().connect("x");
        b().connect("y");
        // As it was sent, and in whatever other form it may come back.
        const auto before = a().manager->counters();
        a().manager->emit("e", 1);
        // What is injected goes over another connection.
        CPPUNIT_ASSERT(a().manager->flush(std::chrono::seconds(10)));
        inject(R"({"host_id": ")" + a().manager->hostId() +
               R"(", "method": "emit", "event": "e", "data": [2], "binary": false, )"
               R"("namespace": "/"})");
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\",1]\n|y:[\"e\",1]\ny:[\"e\",2]\n|"), heard());
        CPPUNIT_ASSERT_EQUAL(before.ignored, a().manager->counters().ignored);
    }

    void ignoreQueueStaysHere() {
        for (TestHost* each : all()) each->connect("of" + std::to_string(number(*each)));
        a().manager->emit("e", {}, {.ignoreQueue = true});
        a().manager->disconnectSocket("of1", "/", true);
        CPPUNIT_ASSERT_EQUAL(std::string("of0:[\"e\"]\n||"), heard());
    }

    void movesClientsOfOtherServersBetweenRooms() {
        b().connect("x");
        a().manager->enterRoom("x", "/", "r");
        settle();
        CPPUNIT_ASSERT((std::vector<std::string>{"x", "r"} == b().manager->getRooms("x", "/")));
        CPPUNIT_ASSERT(a().manager->getRooms("x", "/").empty());  // only its server knows
        c().manager->emit("e", 1, {.room = "r"});
        CPPUNIT_ASSERT_EQUAL(std::string("|x:[\"e\",1]\n|"), heard());
        c().manager->leaveRoom("x", "/", "r");
        settle();
        CPPUNIT_ASSERT(std::vector<std::string>{"x"} == b().manager->getRooms("x", "/"));
        a().manager->enterRoom("nobody", "/", "r");
        a().manager->leaveRoom("nobody", "/", "r");
        settle();
        CPPUNIT_ASSERT(b().manager->getParticipants("/", "r").empty());
    }

    void closesRoomsEverywhere() {
        a().connect("x");
        b().connect("y");
        a().manager->enterRoom("x", "/", "r");
        b().manager->enterRoom("y", "/", "r");
        a().manager->closeRoom("r", "/");
        CPPUNIT_ASSERT(a().manager->getParticipants("/", "r").empty());
        settle();
        CPPUNIT_ASSERT(b().manager->getParticipants("/", "r").empty());
    }

    void disconnectsClientsOfOtherServers() {
        a().connect("x");
        b().connect("y");
        a().manager->disconnectSocket("y", "/");
        a().manager->disconnectSocket("x", "/");
        a().manager->disconnectSocket("nobody", "/");
        a().manager->disconnectSocket("y", "/chat");
        CPPUNIT_ASSERT_EQUAL(std::string("x disconnects\n|y disconnects\n|"), heard());
    }

    void emitsWithoutAServer() {
        const auto writer = makeManager(true, {});
        a().connect("x");
        b().connect("y");
        writer->emit("e", {{"k", "v"}}, {.skipSid = "x"});
        writer->enterRoom("y", "/", "r");
        writer->emit("in", std::tuple{1, Binary("AB")}, {.room = "r"});
        writer->leaveRoom("y", "/", "r");
        writer->emit("out", {}, {.room = "r"});
        writer->enterRoom("x", "/", "s");
        writer->closeRoom("s", "/");
        writer->emit("out", {}, {.room = "s"});
        writer->disconnectSocket("x", "/");
        writer->emit("here", {}, {.ignoreQueue = true});
        CPPUNIT_ASSERT_THROW(writer->emit("e", {}, {.room = "x", .callback = [] {}}),
                             Poco::IllegalStateException);
        CPPUNIT_ASSERT_THROW(writer->emit("connect"), Poco::InvalidArgumentException);
        settle(writer.get());
        CPPUNIT_ASSERT_EQUAL(std::string("x disconnects\n|y:[\"e\",{\"k\":\"v\"}]\n"
                                         "y:[\"in\",1,{\"_placeholder\":true,\"num\":0}]+AB\n|"),
                             heard());
        CPPUNIT_ASSERT(writer->flush(std::chrono::seconds(10)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), writer->counters().publishDropped);
        writer->shutdown();
    }

    void callsBackOnceForTheFirstAnswer() {
        b().connect("x");
        c().connect("y");
        for (const char* room : {"x", "r"}) {
            b().manager->enterRoom("x", "/", "r");
            c().manager->enterRoom("y", "/", "r");
            std::string answers;
            a().manager->emitTo(
                "/", Value::array({"e", 1}), {.rooms = {room}, .skipSids = {}},
                [&answers](const Value::Array& values) { answers += show(Value(values)) + ";"; });
            settle();
            CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\",1]?\n"), b().sink.heard());
            const bool two = room == std::string("r");
            CPPUNIT_ASSERT_EQUAL(std::string(two ? "y:[\"e\",1]?\n" : ""), c().sink.heard());
            b().sink.answer({Value("ok"), Value(2)});
            settle();
            if (two) c().sink.answer({Value("late")});
            settle();
            CPPUNIT_ASSERT_EQUAL(std::string("[\"ok\",2];"), answers);
        }
        CPPUNIT_ASSERT(a().sink.heard().empty());
    }

    void carriesBinaryAnswers() {
        b().connect("x");
        std::string answers;
        const auto ask = [&](Value::Array answer) {
            a().manager->emitTo(
                "/", Value::array({"e"}), {.rooms = {"x"}, .skipSids = {}},
                [&](const Value::Array& values) { answers += show(Value(values)) + ";"; });
            settle();
            b().sink.answer(answer);
            settle();
        };
        ask({});
        ask({Value::array({1, 2})});
        ask({Value(nullptr)});
        ask({Value(Binary("AB")), Value(1), Value{{"k", Value(Binary("C"))}}});
        CPPUNIT_ASSERT_EQUAL(std::string("[];[[1,2]];[null];[{\"_placeholder\":true,\"num\":0},1,"
                                         "{\"k\":{\"_placeholder\":true,\"num\":1}}]+AB+C;"),
                             answers);
    }

    void callsBackDirectlyForClientsOfItsOwn() {
        a().connect("x");
        struct Marked {
            void operator()(const Value::Array&) const { ++*calls; }
            int* calls;
        };
        int calls = 0;
        a().manager->emitTo("/", Value::array({"e"}), {.rooms = {"x"}, .skipSids = {}},
                            Marked{&calls});
        a().sink.answer({});
        CPPUNIT_ASSERT_EQUAL(1, calls);  // by nobody's leave
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\"]?\n||"), heard());
    }

    void membersHereAnswerForARoomToo() {
        a().connect("x");
        b().connect("y");
        a().manager->enterRoom("x", "/", "r");
        b().manager->enterRoom("y", "/", "r");
        int calls = 0;
        a().manager->emit("e", {}, {.room = "r", .callback = [&calls](int n) { calls += n; }});
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\"]?\n|y:[\"e\"]?\n|"), heard());
        a().sink.answer({Value(1)});
        b().sink.answer({Value(10)});
        settle();
        CPPUNIT_ASSERT_EQUAL(1, calls);
    }

    void refusesCallbacksThatNobodyCanAnswer() {
        const AckCallback callback = [](const Value::Array&) {};
        a().connect("x");
        CPPUNIT_ASSERT_THROW(a().manager->emit("e", {}, {.callback = [] {}}),
                             Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_THROW(a().manager->emit("e", {}, {.room = {"r", "s"}, .callback = [] {}}),
                             Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_EQUAL(std::string("||"), heard());
        // Here it is as ever.
        a().manager->emit("e", {}, {.callback = [] {}, .ignoreQueue = true});
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\"]?\n||"), heard());
        // What cannot be sent leaves nothing behind that waits.
        const Value none = Value::array({"e", std::nan("")});
        for (std::size_t i = 0; i <= PubSubOptions().pendingCallbacks; ++i)
            CPPUNIT_ASSERT_THROW(
                a().manager->emitTo("/", none, {.rooms = {"r"}, .skipSids = {}}, callback),
                Poco::InvalidArgumentException);
        const auto writer = makeManager(true, {});
        writer->setSink(&a().sink);
        CPPUNIT_ASSERT_THROW(writer->emit("e", {}, {.room = "r", .callback = [] {}}),
                             Poco::IllegalStateException);
        writer->setSink(nullptr);
        a().manager->setSink(nullptr);
        CPPUNIT_ASSERT_THROW(a().manager->emit("e", {}, {.room = "r", .callback = [] {}}),
                             Poco::IllegalStateException);
        a().manager->setSink(&a().sink);
    }

    void letsOverdueCallbacksGo() {
        b().connect("x");
        int calls = 0;
        const auto held = std::make_shared<int>();
        const auto ask = [&](Duration timeout) {
            EmitTarget target;
            target.rooms = {"x"};
            target.ackTimeout = timeout;
            a().manager->emitTo("/", Value::array({"e"}), target,
                                [&calls, held](const Value::Array&) { ++calls; });
        };
        ask(std::chrono::seconds(60));
        ask(std::chrono::milliseconds(1));
        ask(std::chrono::milliseconds(20));
        CPPUNIT_ASSERT(a().sink.waitForLetGo(2));
        CPPUNIT_ASSERT_EQUAL(2L, held.use_count());
        settle();
        for (int i = 0; i < 3; ++i) b().sink.answer({});
        settle();
        CPPUNIT_ASSERT_EQUAL(1, calls);
        CPPUNIT_ASSERT_EQUAL(1L, held.use_count());
    }

    void limitsTheCallbacksThatWait() {
        PubSubOptions options;
        options.pendingCallbacks = 2;
        makeHosts(options);
        b().connect("x");
        const auto ask = [&] { a().manager->emit("e", {}, {.room = "x", .callback = [] {}}); };
        ask();
        ask();
        CPPUNIT_ASSERT_THROW(ask(), Poco::PoolOverflowException);
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\"]?\nx:[\"e\"]?\n"), b().sink.heard());
        b().sink.answer({});
        settle();
        ask();
        a().manager->shutdown();
        CPPUNIT_ASSERT(a().sink.waitForLetGo(2));
    }

    void refusesDataWithoutAForm() {
        for (TestHost* each : all()) each->connect("of" + std::to_string(number(*each)));
        Value deep = 1;
        for (std::size_t i = 0; i < JsonCodec::kMaxDepth; ++i) deep = Value::array({deep});
        Value::Array eleven(11, Value(Binary("x")));
        eleven.insert(eleven.begin(), Value("e"));
        for (const Value& data :
             {Value::array({"e", std::nan("")}), Value::array({"e", deep}), Value(eleven)})
            CPPUNIT_ASSERT_THROW(a().manager->emitTo("/", data, {}),
                                 Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_EQUAL(std::string("||"), heard());
    }

    void keepsTheOrderOfEachSender() {
        constexpr int kMessages = 2'000;
        c().connect("x");
        std::thread other([this] {
            for (int i = 0; i < kMessages; ++i) b().manager->emit("b", i);
        });
        for (int i = 0; i < kMessages; ++i) a().manager->emit("a", i);
        other.join();
        settle();
        std::map<std::string, int> next;
        const std::string all = c().sink.heard();
        for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos;
             at = end + 1) {
            const std::string line = all.substr(at, end - at);
            const std::string sender = line.substr(4, 1);
            CPPUNIT_ASSERT_EQUAL("x:[\"" + sender + "\"," + std::to_string(next[sender]++) + "]",
                                 line);
        }
        CPPUNIT_ASSERT_EQUAL(kMessages, next["a"]);
        CPPUNIT_ASSERT_EQUAL(kMessages, next["b"]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), c().manager->counters().missed);
    }

    void countsGapsAndIgnoresRepetitions() {
        a().connect("x");
        const auto message = [](int sequence) {
            return R"({"method": "emit", "event": "e", "data": [)" + std::to_string(sequence) +
                   R"(], "binary": false, "namespace": "/", "seq": )" + std::to_string(sequence) +
                   R"(, "host_id": "other"})";
        };
        const auto before = a().manager->counters();
        for (const int sequence : {7, 8, 8, 7, 10, 9, 15}) inject(message(sequence));
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\",7]\nx:[\"e\",8]\nx:[\"e\",10]\nx:[\"e\",15]\n"),
                             a().sink.heard());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(5), a().manager->counters().missed - before.missed);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), a().manager->counters().ignored - before.ignored);
    }

    void understandsPython() {
        a().connect("sid1");
        a().manager->enterRoom("sid1", "/", "b");
        // As python-socketio 5.16 writes them.
        inject(
            R"({"method": "emit", "event": "evt2", "data": [["\u00e9", 2, )"
            R"({"_placeholder": true, "num": 0}], "eno="], "binary": true, "namespace": "/", )"
            R"("room": "sid1", "skip_sid": null, "callback": ["sid1", "/", 1], "host_id": "H"})");
        inject(R"({"method": "emit", "event": "e3", "data": [null], "binary": false, )"
               R"("namespace": "/", "room": null, "skip_sid": null, "callback": null, )"
               R"("host_id": "H"})");
        inject(R"({"method": "emit", "event": "e6", "data": ["x"], "binary": false, )"
               R"("namespace": "/", "room": ["a", "b"], "skip_sid": null, "callback": null, )"
               R"("host_id": "H"})");
        inject(R"({"method": "enter_room", "sid": "sid1", "room": "r", "namespace": "/", )"
               R"("host_id": "H"})");
        // As 5.7 of Debian does: `{'method': 'emit', 'event': 'old', 'data': (1, [2]), ...}`.
        using namespace std::string_literals;
        inject(
            "\x80\x04\x95\x48\0\0\0\0\0\0\0}\x94(\x8c\x06method\x94\x8c\x04"
            "emit\x94\x8c\x05"
            "event\x94\x8c\x03old\x94\x8c\x04"
            "data\x94K\x01]\x94K\x02"
            "a\x86\x94\x8c\tnamespace\x94\x8c\x01/\x94\x8c\x04roomNu."s);
        settle();
        CPPUNIT_ASSERT_EQUAL(
            std::string("sid1:[\"evt2\",\"\xc3\xa9\",2,{\"_placeholder\":true,\"num\":0}]+zz?\n"
                        "sid1:[\"e3\"]\nsid1:[\"e6\",\"x\"]\nsid1:[\"old\",1,[2]]\n"),
            a().sink.heard());
        CPPUNIT_ASSERT(
            (std::vector<std::string>{"sid1", "b", "r"} == a().manager->getRooms("sid1", "/")));
    }

    void ignoresHostileMessages() {
        a().connect("x");
        const auto emit = [](const std::string& with) {
            return R"({"method": "emit", "event": "bad", "namespace": "/", )" + with + "}";
        };
        std::vector<std::string> bad = {
            "x",
            "[]",
            "7",
            "null",
            "\"emit\"",
            "{}",
            "{",
            R"({"method": "x"})",
            R"({"method": 1})",
            std::string(10'000, '['),
            R"({"method": "emit"})",
            R"({"method": "emit", "event": "bad", "namespace": "/"})",
            R"({"method": "emit", "data": [], "namespace": "/"})",
            R"({"method": "emit", "event": "bad", "data": []})",
            R"({"method": "emit", "event": "bad", "data": [], "namespace": null})",
            R"({"method": "emit", "event": 1, "data": [], "namespace": "/"})",
            R"({"method": "emit", "event": "connect", "data": [], "namespace": "/"})",
            R"({"method": "emit", "event": "bad", "data": [], "namespace": ["/"]})",
            emit(R"("data": [], "room": 1)"),
            emit(R"("data": [], "room": [])"),
            emit(R"("data": [], "room": ["x", 1])"),
            emit(R"("data": [], "room": {})"),
            emit(R"("data": [], "skip_sid": 1)"),
            emit(R"("data": [], "skip_sid": [null])"),
            emit(R"("data": [], "callback": "abc")"),
            emit(R"("data": [], "callback": [1, 2, 3])"),
            emit(R"("data": [], "binary": 1)"),
            emit(R"("data": [], "host_id": 1)"),
            emit(R"("data": [], "host_id": "h", "seq": 0)"),
            emit(R"("data": [], "host_id": "h", "seq": "1")"),
            emit(R"("data": ["bad", NaN], "binary": false)"),
            emit(R"("data": [], "binary": true)"),
            emit(R"("data": 1, "binary": true)"),
            emit(R"("data": [[{"_placeholder": true, "num": 0}], "!"], "binary": true)"),
            emit(R"("data": [[{"_placeholder": true, "num": 0}], 5], "binary": true)"),
            emit(R"("data": [[{"_placeholder": true, "num": 1}], "AA=="], "binary": true)"),
            emit(R"("data": [[{"_placeholder": true, "num": -1}], "AA=="], "binary": true)"),
            emit(R"("data": [[{"_placeholder": true, "num": "0"}], "AA=="], "binary": true)"),
            emit(R"("data": [[{"_placeholder": true}], "AA=="], "binary": true)"),
            emit(R"("data": [[{"_placeholder": true, "num": 0}, {"_placeholder": true, "num": 0}],)"
                 R"( "AA=="], "binary": true)"),
            R"({"method": "callback"})",
            R"({"method": "callback", "host_id": 1, "sid": "x", "id": 1, "args": []})",
            R"({"method": "callback", "host_id": "h", "sid": "x", "id": "1", "args": []})",
            R"({"method": "callback", "host_id": "h", "sid": "x", "id": 1, "args": 1})",
            R"({"method": "disconnect", "namespace": "/"})",
            R"({"method": "disconnect", "sid": 1, "namespace": "/"})",
            R"({"method": "disconnect", "sid": "x"})",
            R"({"method": "enter_room", "sid": "x", "namespace": "/"})",
            R"({"method": "leave_room", "sid": "x", "room": 1, "namespace": "/"})",
            R"({"method": "close_room", "namespace": "/"})",
            std::string("\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."),
            std::string("\x80\x04", 2),
            std::string("\x80"),
            std::string("\x82\xa1x\x01"),
            std::string("(dp0\nVmethod\n"),
            std::string("\xff\xfe"),
            std::string(1, '\0')};
        std::string attachments;
        for (int i = 0; i < 11; ++i) attachments += ", \"AA==\"";
        bad.push_back(emit(R"("data": [[])" + attachments + R"(], "binary": true)"));
        // Well-formed, and nothing to do for anybody here.
        const std::vector<std::string> idle = {
            R"({"method": "disconnect", "sid": "nobody", "namespace": "/"})",
            R"({"method": "disconnect", "sid": "x", "namespace": "/no"})",
            R"({"method": "enter_room", "sid": "nobody", "room": "r", "namespace": "/"})",
            R"({"method": "enter_room", "sid": "x", "room": "r", "namespace": "/no"})",
            R"({"method": "leave_room", "sid": "nobody", "room": "r", "namespace": "/"})",
            R"({"method": "close_room", "room": "r", "namespace": "/no"})",
            R"({"method": "callback", "host_id": ")" + a().manager->hostId() +
                R"(", "sid": "x", "namespace": "/", "id": 1, "args": []})",
            R"({"method": "callback", "host_id": "h", "sid": "x", "id": 1, "args": []})"};

        for (const std::string& each : bad) {
            const auto before = a().manager->counters().ignored;
            inject(each);
            settle();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each.substr(0, 200), before + 1,
                                         a().manager->counters().ignored);
        }
        for (const std::string& each : idle) {
            const auto before = a().manager->counters().ignored;
            inject(each);
            settle();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each, before, a().manager->counters().ignored);
        }
        CPPUNIT_ASSERT_EQUAL(std::string("||"), heard());
        inject(emit(R"("data": ["good"], "callback": [1, 2])"));  // no callback, as python has it
        settle();
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"bad\",[\"good\"]]\n"), a().sink.heard());
    }

    void afterShutdownItWorksHere() {
        a().connect("x");
        b().connect("y");
        a().manager->shutdown();
        a().manager->shutdown();
        a().manager->emit("e");
        a().manager->enterRoom("x", "/", "r");
        a().manager->enterRoom("y", "/", "r");
        a().manager->closeRoom("r", "/");
        a().manager->disconnectSocket("y", "/");
        CPPUNIT_ASSERT_EQUAL(std::string("x:[\"e\"]\n"), a().sink.heard());
        CPPUNIT_ASSERT_EQUAL(std::string(), b().sink.heard());
    }

protected:
    static constexpr int kHosts = 3;

    void makeHosts(const PubSubOptions& options) {
        hosts.clear();
        for (int i = 0; i < kHosts; ++i) {
            TestHost& host = *hosts.emplace_back(std::make_unique<TestHost>());
            host.manager = makeManager(false, options);
            host.manager->setSink(&host.sink);
            host.manager->initialize();
            host.connect("settles", ClientsSink::kSettle);
        }
        settle();
    }

    TestHost& a() { return *hosts[0]; }
    TestHost& b() { return *hosts[1]; }
    TestHost& c() { return *hosts[2]; }
    std::vector<TestHost*> all() {
        std::vector<TestHost*> result;
        for (const auto& each : hosts) result.push_back(each.get());
        return result;
    }
    int number(const TestHost& host) const {
        const auto at = std::find_if(hosts.begin(), hosts.end(),
                                     [&](const auto& each) { return each.get() == &host; });
        return static_cast<int>(at - hosts.begin());
    }

    /// Waits until everything that was published before, by the hosts, by inject() and by `other`,
    /// has been applied. Asks again, as a subscriber may only now be there.
    void settle(PubSubManager* other = nullptr) {
        const std::int64_t round = ++_round;
        std::set<std::string> senders;
        const auto ask = [&](const std::string& name, PubSubManager& manager) {
            senders.insert(name);
            manager.emitTo(ClientsSink::kSettle,
                           Value::array({"settle", name + " " + std::to_string(round)}), {});
        };
        const TimePoint deadline = Clock::system().now() + std::chrono::seconds(20);
        bool settled = false;
        while (!settled && Clock::system().now() < deadline) {
            for (TestHost* each : all()) ask(each->manager->hostId(), *each->manager);
            if (other) ask(other->hostId(), *other);
            senders.insert("injected");
            inject(R"({"method": "emit", "event": "settle", "data": "injected )" +
                   std::to_string(round) + R"(", "namespace": ")" + ClientsSink::kSettle + "\"}");
            settled = true;
            for (TestHost* each : all()) {
                const TimePoint until = Clock::system().now() + std::chrono::milliseconds(500);
                settled = settled && each->sink.waitForRound(senders, round, until);
            }
        }
        CPPUNIT_ASSERT_MESSAGE("messages do not arrive", settled);
    }
    /// What the clients of all servers have heard: "a|b|c".
    std::string heard() {
        settle();
        return a().sink.heard() + "|" + b().sink.heard() + "|" + c().sink.heard();
    }

    std::vector<std::unique_ptr<TestHost>> hosts;

private:
    std::int64_t _round = 0;
};

}  // namespace socketio::test
