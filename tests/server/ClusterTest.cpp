// Servers that share a channel, which is in memory here: what a manager with a queue needs of them.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/server/Server.h"

#include "../managers/BusManager.h"
#include "FakeSession.h"
#include "ThreadedExecutor.h"
#include "support/Waiting.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;
using test::Bus;
using test::BusManager;
using test::eventually;

struct Notice {
    std::string user, text;
};
SOCKETIO_FIELDS(Notice, user, text)

/// A client of one of the servers. It answers what it was told to.
class ClusterClient : public test::FakeSession {
public:
    using Answer = std::function<std::string(const std::string&)>;

    ClusterClient(const std::string& sid, test::ThreadedExecutor& executor)
        : FakeSession(sid, EngineRevision::V4, 0), _executor(executor) {}

    bool send(const EngineMessage::Ptr& message) override {
        const std::string text(message->text());
        Answer answer;
        {
            MutexLock lock(_mutex);
            answer = _answer;
            _all += text + '\n';
            if (text.starts_with("0{\"sid\":\"")) _id = text.substr(9, text.find('"', 9) - 9);
        }
        if (answer)
            if (const std::string reply = answer(text); !reply.empty()) say(reply);
        return !isClosed;
    }
    void say(const std::string& text) {
        _executor.post(0, [this, text] {
            if (const auto to = listener) to->onText(text);
        });
    }
    void hangUp() {
        _executor.onLoopThread([this] { close(CloseReason::TransportClose); });
    }
    std::string join() {
        say("0");
        CPPUNIT_ASSERT(eventually([this] { return !id().empty(); }));
        return id();
    }
    std::string id() {
        MutexLock lock(_mutex);
        return _id;
    }
    bool hears(const std::string& text) {
        return eventually([&] {
            MutexLock lock(_mutex);
            return _all.find(text) != std::string::npos;
        });
    }

    void answerWith(Answer answer) {
        MutexLock lock(_mutex);
        _answer = std::move(answer);
    }

private:
    test::ThreadedExecutor& _executor;
    Mutex _mutex;
    std::string _all, _id;
    Answer _answer;
};

/// A server with its threads and its manager.
struct Node {
    explicit Node(const std::shared_ptr<Bus>& bus) : manager(std::make_shared<BusManager>(bus)) {
        ServerOptions options;
        options.clientManager = manager;
        server.emplace(options);
        server->start(*executor);
    }
    ~Node() {
        for (const auto& client : clients) client->hangUp();
        CPPUNIT_ASSERT(eventually([this] { return manager->getNamespaces().empty(); }));
        server->stop(Clock::system().now() + 10s);
        executor.reset();
        server.reset();
    }

    ClusterClient& join() {
        static int made = 0;
        ClusterClient& client = *clients.emplace_back(std::make_shared<ClusterClient>(
            "engine-sid-of-20-ch" + std::to_string(++made), *executor));
        executor->onLoopThread(
            [&] { client.listener = server->openSession(client.shared_from_this()); });
        client.join();
        return client;
    }

    std::shared_ptr<BusManager> manager;
    std::optional<test::ThreadedExecutor> executor{std::in_place};
    std::optional<Server> server;
    std::vector<std::shared_ptr<ClusterClient>> clients;
};

}  // namespace

class ClusterTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ClusterTest);
    CPPUNIT_TEST(callAsksAClientOfAnotherServer);
    CPPUNIT_TEST(callWorksInAHandlerOfTheSameClient);
    CPPUNIT_TEST(callToNobodyTimesOut);
    CPPUNIT_TEST(callbacksRunOnWorkersInOrder);
    CPPUNIT_TEST(callbacksMayThrow);
    CPPUNIT_TEST(callbacksAreLetGoOnWorkers);
    CPPUNIT_TEST(aCallbackNeedsARoom);
    CPPUNIT_TEST(disconnectsAClientOfAnotherServer);
    CPPUNIT_TEST(emitsFromOutside);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        bus = std::make_shared<Bus>();
        a = std::make_unique<Node>(bus);
        b = std::make_unique<Node>(bus);
    }
    void tearDown() override {
        a.reset();
        b.reset();
    }

    void callAsksAClientOfAnotherServer() {
        ClusterClient& client = b->join();
        answering(client, "one", R"(["x"])");
        CPPUNIT_ASSERT(a->server->call("one", 5, {.sid = client.id()}) == Value("x"));
        answering(client, "two", R"([1,{"k":2}])");
        const Value both = a->server->call("two", {}, {.sid = client.id()});
        CPPUNIT_ASSERT(both[0] == Value(1) && both[1]["k"] == Value(2));
        // In a handler, while the loops of both servers go on.
        std::promise<std::string> result;
        a->server->on("go", [&](Socket&) {
            result.set_value(a->server->call("one", {}, {.sid = client.id()}).asString());
        });
        answering(client, "one", R"(["y"])");
        a->join().say("2[\"go\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("y"), valueOf(result));
    }

    void callWorksInAHandlerOfTheSameClient() {
        // Its strand is busy with the handler: the answer must not have to go through it.
        std::promise<std::string> result;
        a->server->on("go", [&](Socket& socket) {
            result.set_value(a->server->call("one", {}, {.sid = socket.sid()}).asString());
        });
        ClusterClient& client = a->join();
        answering(client, "one", R"(["z"])");
        client.say("2[\"go\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("z"), valueOf(result));
    }

    void callToNobodyTimesOut() {
        // Another server might have it, and cannot say that it has not.
        const TimePoint before = Clock::system().now();
        CPPUNIT_ASSERT_THROW(a->server->call("one", {}, {.sid = "nobody", .timeout = 50ms}),
                             Poco::TimeoutException);
        CPPUNIT_ASSERT(Clock::system().now() - before >= 50ms);
        CPPUNIT_ASSERT_THROW(
            a->server->call("one", {}, {.sid = "nobody", .timeout = 20s, .ignoreQueue = true}),
            Poco::IOException);
    }

    void callbacksRunOnWorkersInOrder() {
        ClusterClient& asked = b->join();
        ClusterClient& other = a->join();
        asked.answerWith([](const std::string& text) {
            return text.find("\"q\"") != std::string::npos
                       ? "3" + idOf(text) + "[" + idOf(text) + "]"
                       : std::string();
        });
        test::Gate gate;
        Mutex mutex;
        std::string order;
        for (int i = 0; i < 3; ++i)
            a->server->emit("q", i, {.room = asked.id(), .callback = [&](int id) {
                                         gate.wait();
                                         MutexLock lock(mutex);
                                         order += std::to_string(id);
                                     }});
        // The first one blocks, and the server goes on with what comes from others.
        CPPUNIT_ASSERT(a->server->call("q", {}, {.sid = asked.id()}) == Value(4));
        b->server->emit("later", {}, {.room = other.id()});
        CPPUNIT_ASSERT(other.hears("2[\"later\"]"));
        {
            MutexLock lock(mutex);
            CPPUNIT_ASSERT(order.empty());
        }
        gate.open();
        CPPUNIT_ASSERT(eventually([&] {
            MutexLock lock(mutex);
            return order == "123";
        }));
    }

    void callbacksMayThrow() {
        ClusterClient& asked = b->join();
        answering(asked, "q", "[1]");
        std::atomic<int> calls{0};
        for (int i = 0; i < 2; ++i)
            a->server->emit("q", {}, {.room = asked.id(), .callback = [&calls] {
                                          ++calls;
                                          throw std::runtime_error("of the application");
                                      }});
        CPPUNIT_ASSERT(eventually([&] { return calls == 2; }));
    }

    void callbacksAreLetGoOnWorkers() {
        // What a callback holds may block when it is destroyed.
        struct Blocks {
            explicit Blocks(test::Gate& g) : gate(g) {}
            ~Blocks() {
                // The test itself may be the last to let it go, when it is slow.
                if (std::this_thread::get_id() != maker) gate.wait();
            }
            test::Gate& gate;
            const std::thread::id maker = std::this_thread::get_id();
        };
        ClusterClient& other = a->join();
        test::Gate gate;
        std::weak_ptr<Blocks> watched;
        {
            auto held = std::make_shared<Blocks>(gate);
            watched = held;
            EmitTarget target;
            target.rooms = {"nobody"};
            target.ackTimeout = 1ms;
            AckCallback callback = [held](const Value::Array&) {};
            held.reset();
            a->manager->emitTo("/", Value::array({"q"}), target, callback);
        }
        CPPUNIT_ASSERT(eventually([&] { return watched.expired(); }));
        b->server->emit("later", {}, {.room = other.id()});
        CPPUNIT_ASSERT(other.hears("2[\"later\"]"));
        gate.open();
    }

    void aCallbackNeedsARoom() {
        CPPUNIT_ASSERT_THROW(a->server->emit("q", {}, {.callback = [] {}}),
                             Poco::InvalidArgumentException);
    }

    void disconnectsAClientOfAnotherServer() {
        ClusterClient& client = b->join();
        std::promise<std::string> reason;
        b->server->on("disconnect",
                      [&](Socket&, const std::string& why) { reason.set_value(why); });
        a->server->disconnect(client.id());
        CPPUNIT_ASSERT_EQUAL(std::string("server namespace disconnect"), valueOf(reason));
        CPPUNIT_ASSERT(client.hears("1\n"));
    }

    void emitsFromOutside() {
        ClusterClient& client = b->join();
        a->server->enterRoom(client.id(), "lobby");
        BusManager external(bus, true);
        external.emit("chat", Notice{"cron", "hi"}, {.room = "lobby"});
        CPPUNIT_ASSERT(client.hears(R"(2["chat",{"user":"cron","text":"hi"}])"));
        CPPUNIT_ASSERT_THROW(external.emit("chat", {}, {.room = "lobby", .callback = [] {}}),
                             Poco::IllegalStateException);
    }

private:
    static std::string idOf(const std::string& text) {
        return text.substr(1, text.find_first_not_of("0123456789", 1) - 1);
    }
    static void answering(ClusterClient& client, const std::string& event,
                          const std::string& values) {
        client.answerWith([=](const std::string& text) {
            return text.find('"' + event + '"') != std::string::npos ? "3" + idOf(text) + values
                                                                     : std::string();
        });
    }
    template <class T>
    static T valueOf(std::promise<T>& promise) {
        auto future = promise.get_future();
        CPPUNIT_ASSERT(future.wait_for(20s) == std::future_status::ready);
        return future.get();
    }

    std::shared_ptr<Bus> bus;
    std::unique_ptr<Node> a, b;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ClusterTest);

}  // namespace socketio
