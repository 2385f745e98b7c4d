// What needs real threads: call(), emits from many threads, stopping, background tasks.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/JsonCodec.h"
#include "socketio/server/Server.h"

#include "FakeSession.h"
#include "ThreadedExecutor.h"
#include "support/Waiting.h"
#include "support/WatchedThread.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;
using test::eventually;

/// A client that answers by itself: `answer` is called on the loop with each text that arrives.
class AnsweringSession : public test::FakeSession {
public:
    using FakeSession::FakeSession;

    bool send(const EngineMessage::Ptr& message) override {
        {
            MutexLock lock(mutex);
            texts.emplace_back(message->text());
            for (const Binary& attachment : message->attachments())
                texts.push_back("<" + attachment.bytes + ">");
            arrived.notifyAll();
        }
        if (answer) answer(std::string(message->text()));
        return !isClosed;
    }

    /// Waits until `count` messages have arrived.
    bool waitFor(std::size_t count) {
        MutexLock lock(mutex);
        const TimePoint deadline = Clock::system().now() + 20s;
        while (texts.size() < count)
            if (!arrived.waitUntil(mutex, deadline)) return false;
        return true;
    }
    std::vector<std::string> all() {
        MutexLock lock(mutex);
        return texts;
    }

    std::function<void(std::string)> answer;
    std::string id;  // of its socket in the main namespace

private:
    Mutex mutex;
    Condition arrived;
    std::vector<std::string> texts;
};

/// A WebSocket of the engine's, far enough to be closed: it keeps what was sent, and the peer
/// answers a close at once.
class ThreadChannel : public WebSocketChannel {
public:
    explicit ThreadChannel(Executor& executor) : _executor(executor) {}

    Executor::LoopId loop() const override { return 0; }
    void setListener(std::shared_ptr<WebSocketListener> to) override { listener = std::move(to); }
    void send(SharedFrame frames) override {
        MutexLock lock(mutex);
        sent += frames.view();
        sent += '\n';
    }
    void close(std::uint16_t, std::string_view) override {
        _executor.post(0, [this] {
            {
                MutexLock lock(mutex);
                sent += "closed";
            }
            if (const auto to = std::exchange(listener, nullptr)) to->onClosed(1005, {});
        });
    }
    void abort() override { close(1006, {}); }
    void pauseReading(bool) override {}
    TimePoint lastReceived() const override { return {}; }
    std::size_t queuedBytes() const override { return 0; }

    /// Waits until `text` has been sent, and gives its place.
    std::size_t find(std::string_view text) {
        for (const TimePoint deadline = Clock::system().now() + 20s;;) {
            {
                MutexLock lock(mutex);
                if (const std::size_t at = sent.find(text); at != std::string::npos) return at;
            }
            if (Clock::system().now() > deadline) return std::string::npos;
            std::this_thread::yield();
        }
    }

    std::shared_ptr<WebSocketListener> listener;  // on the loop

private:
    Executor& _executor;
    Mutex mutex;
    std::string sent SOCKETIO_GUARDED_BY(mutex);
};

/// The request that becomes that WebSocket.
class ThreadExchange : public Exchange {
public:
    explicit ThreadExchange(Executor& executor)
        : Exchange(executor, 0, {true, true}), channel(std::make_shared<ThreadChannel>(executor)) {
        auto environ = std::make_shared<Environ>();
        environ->set("REQUEST_METHOD", "GET");
        environ->set("PATH_INFO", "/socket.io/");
        environ->set("QUERY_STRING", "EIO=4&transport=websocket");
        _environ = environ;
    }
    void receiveBody(std::size_t, BodyCallback) override {}
    void respond(Response) override {}
    void start(int, HeaderList) override {}
    bool write(std::string_view) override { return false; }
    void finish() override {}
    void onAbort(AbortCallback) override {}
    void onSent(std::function<void()>) override {}
    bool isWebSocketHandshake() const override { return true; }
    bool wantsWebSocket() const override { return true; }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions&, const HeaderList&) override {
        return channel;
    }
    bool finished() const override { return false; }

    const std::shared_ptr<ThreadChannel> channel;
};

}  // namespace

class ThreadsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ThreadsTest);
    CPPUNIT_TEST(callReturnsWhatTheClientAnswers);
    CPPUNIT_TEST(callWorksInAHandlerOfTheSameClient);
    CPPUNIT_TEST(callGivesUpAfterItsTimeout);
    CPPUNIT_TEST(callEndsWhenTheClientGoes);
    CPPUNIT_TEST(readingGoesOnWhileAHandlerWaitsInCall);
    CPPUNIT_TEST(readingGoesOnWhileTheHandlerOfALargeEventWaitsInCall);
    CPPUNIT_TEST(readingGoesOnWhileTheCallbackOfAnAcknowledgementWaitsInCall);
    CPPUNIT_TEST(readingGoesOnWhileAsyncHandlersWaitInCall);
    CPPUNIT_TEST(binaryEventsOfManyThreadsStayWhole);
    CPPUNIT_TEST(emitsMeetConnectsAndDisconnects);
    CPPUNIT_TEST(handlersAreRegisteredWhileEventsRun);
    CPPUNIT_TEST(stopLetsHandlersFinishFirst);
    CPPUNIT_TEST(stopReturnsThoughAHandlerBlocks);
    CPPUNIT_TEST(backgroundTasksRunFromTheStartAndCanBeJoined);
    CPPUNIT_TEST(backgroundTasksOfAServerNeverStartedEnd);
    CPPUNIT_TEST(sleepEndsWhenTheServerStops);
    CPPUNIT_TEST(aTaskThatDoesNotEndIsToldOf);
    CPPUNIT_TEST(aLoopThatDoesNotLookWhatSleepSaysDoesNotSpin);
    CPPUNIT_TEST(stopLetsAsyncHandlersFinishFirst);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        executor.emplace();
        server.emplace();
    }
    void tearDown() override {
        for (const auto& session : sessions)
            executor->onLoopThread([&] { session->close(CloseReason::TransportClose); });
        // What the close has set going ends before the threads do.
        CPPUNIT_ASSERT(eventually([&] { return server->manager().getNamespaces().empty(); }));
        sessions.clear();
        executor.reset();
        server.reset();
    }

    void callReturnsWhatTheClientAnswers() {
        server->start(*executor);
        AnsweringSession& client = join();
        answerWith(client, [&](std::string text) {
            const std::string id = idOf(text);
            if (text.find("none") != std::string::npos) say(client, "3" + id + "[]");
            if (text.find("one value") != std::string::npos) say(client, "3" + id + "[{\"a\":1}]");
            if (text.find("several") != std::string::npos) say(client, "3" + id + "[\"a\",2]");
        });
        CPPUNIT_ASSERT(server->call("none", {}, {.sid = client.id}).isNull());
        CPPUNIT_ASSERT(server->call("one value", 5, {.sid = client.id})["a"] == Value(1));
        const Value several = server->call("several", std::tuple{1, 2}, {.sid = client.id});
        CPPUNIT_ASSERT_EQUAL(std::string("[\"a\",2]"), JsonCodec::encode(several));
        CPPUNIT_ASSERT_EQUAL(std::string("21[\"none\"]"), client.all()[1]);
        CPPUNIT_ASSERT_EQUAL(0, executor->blocked.load());
    }

    void callWorksInAHandlerOfTheSameClient() {
        std::promise<std::string> result;
        server->on("go", [&](Socket& socket) {
            CPPUNIT_ASSERT_EQUAL(0, executor->blocked.load());
            result.set_value(socket.call("question", "q").asString());
        });
        server->start(*executor);
        AnsweringSession& client = join();
        answerWith(client, [&](std::string text) {
            if (text == "21[\"question\",\"q\"]") say(client, "31[\"answer\"]");
        });
        say(client, "2[\"go\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("answer"), valueOf(result));
    }

    void callGivesUpAfterItsTimeout() {
        executor.emplace(4, clock);
        server->start(*executor);
        AnsweringSession& client = join();
        std::atomic<bool> ended{false};
        std::thread caller([&] {
            CPPUNIT_ASSERT_THROW(server->call("silence", {}, {.sid = client.id}),
                                 Poco::TimeoutException);
            ended = true;
        });
        // Not before the caller waits, which begins the minute.
        CPPUNIT_ASSERT(client.waitFor(2) && eventually([&] { return clock.waits() > 0; }));
        clock.advance(60s - 1ms);
        CPPUNIT_ASSERT(eventually([&] { return clock.waits() >= 2; }) && !ended);
        clock.advance(1ms);
        caller.join();
        // The answer comes too late, and the next call is not confused by it.
        answerWith(client, [&](std::string text) {
            if (text.find("next") != std::string::npos) {
                say(client, "31[\"late\"]");
                say(client, "32[\"right\"]");
            }
        });
        CPPUNIT_ASSERT_EQUAL(std::string("right"),
                             server->call("next", {}, {.sid = client.id}).asString());
    }

    void callEndsWhenTheClientGoes() {
        server->start(*executor);
        AnsweringSession& client = join();
        answerWith(client, [&](std::string text) {
            if (text.find("die") != std::string::npos)
                executor->post(0, [&client] { client.close(CloseReason::TransportClose); });
        });
        CPPUNIT_ASSERT_THROW(server->call("die", {}, {.sid = client.id}), Poco::IOException);
    }

    void readingGoesOnWhileAHandlerWaitsInCall() {
        ServerOptions options;
        options.inboundTasks = 4;
        server.emplace(options);
        std::atomic<int> handled{0};
        std::promise<std::string> result;
        server->on("go",
                   [&](Socket& socket) { result.set_value(socket.call("question").asString()); });
        server->on("e", [&](Socket&) { ++handled; });
        server->start(*executor);
        AnsweringSession& client = join();
        answerWith(client, [&](std::string text) {
            if (text != "21[\"question\"]") return;
            // Far more than may wait otherwise, and the answer behind it.
            for (int i = 0; i < 50; ++i) {
                CPPUNIT_ASSERT(!client.paused);
                client.listener->onText("2[\"e\"]");
            }
            CPPUNIT_ASSERT(!client.paused);
            client.listener->onText("31[\"answer\"]");
        });
        say(client, "2[\"go\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("answer"), valueOf(result));
        CPPUNIT_ASSERT(eventually([&] { return handled == 50; }));
    }

    void readingGoesOnWhileTheHandlerOfALargeEventWaitsInCall() {
        ServerOptions options;
        options.inboundBytes = 1000;
        assertAnsweredBehindALargeEvent(options);
    }

    void readingGoesOnWhileTheCallbackOfAnAcknowledgementWaitsInCall() {
        ServerOptions options;
        options.inboundBytes = 1000;
        server.emplace(options);
        std::promise<bool> result;
        server->on("go", [&](Socket& socket) {
            socket.emit("first", {}, [&, kept = socket.shared_from_this()](const Value::Array&) {
                result.set_value(answered(*kept));
            });
        });
        server->start(*executor);
        AnsweringSession& client = join();
        answerWith(client, [&](std::string text) {
            const std::string id = idOf(text);
            const std::string bytes(100'000, 'x');
            if (text.find("first") != std::string::npos)
                client.listener->onText("3" + id + "[\"" + bytes + "\"]");
            if (text.find("question") != std::string::npos && !client.paused)
                client.listener->onText("3" + id + "[]");
        });
        say(client, "2[\"go\"]");
        CPPUNIT_ASSERT(valueOf(result));
    }

    void readingGoesOnWhileAsyncHandlersWaitInCall() {
        ServerOptions options;
        options.asyncHandlers = true;
        options.inboundBytes = 1000;
        assertAnsweredBehindALargeEvent(options);
    }

    void binaryEventsOfManyThreadsStayWhole() {
        server->start(*executor);
        AnsweringSession& client = join();
        constexpr int kThreads = 8, kEach = 500;
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < kEach; ++i) {
                    const std::string tag = std::to_string(t) + "." + std::to_string(i);
                    const std::tuple data{tag, Binary("a" + tag), Binary("b" + tag)};
                    if (i % 2)
                        server->emit("e", data, {.room = client.id});
                    else
                        server->emit("e", data);
                }
            });
        for (std::thread& thread : threads) thread.join();
        CPPUNIT_ASSERT(client.waitFor(1 + 3 * kThreads * kEach));
        const std::vector<std::string> texts = client.all();
        std::map<std::string, int> next;
        for (std::size_t i = 1; i + 2 < texts.size(); i += 3) {
            const std::string head = "52-[\"e\",\"";
            CPPUNIT_ASSERT_EQUAL(head, texts[i].substr(0, head.size()));
            const std::string tag =
                texts[i].substr(head.size(), texts[i].find('"', head.size()) - head.size());
            CPPUNIT_ASSERT_EQUAL("<a" + tag + ">", texts[i + 1]);
            CPPUNIT_ASSERT_EQUAL("<b" + tag + ">", texts[i + 2]);
            // What one thread emits stays in order.
            const std::size_t dot = tag.find('.');
            CPPUNIT_ASSERT_EQUAL(next[tag.substr(0, dot)]++, std::stoi(tag.substr(dot + 1)));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(kThreads), next.size());
    }

    void emitsMeetConnectsAndDisconnects() {
        std::atomic<int> connected{0}, disconnected{0};
        server->on("connect", [&](Socket& socket) {
            ++connected;
            socket.join("room");
            socket.emit("hello", 1, [] {});
        });
        server->on("disconnect", [&](Socket&) { ++disconnected; });
        server->start(*executor);
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                while (!stop) {
                    server->emit("room", 1, {.room = "room"});
                    try {
                        server->emit("all", 2, {.callback = [] {}});
                    } catch (const Poco::PoolOverflowException&) {
                        // nobody answers here
                    }
                    for (const LocalSocketPtr& each : server->manager().getParticipants("/", ""))
                        if (each->sid()[0] < 'M') server->disconnect(each->sid());
                    executor->onLoopThread([] {});  // no faster than the loop takes it
                }
            });
        for (int i = 0; i < 200; ++i) {
            AnsweringSession& client = open();
            say(client, "0");
            if (i % 3 == 0)
                executor->post(0, [&client] { client.close(CloseReason::TransportClose); });
        }
        for (const auto& session : sessions)
            executor->onLoopThread([&] { session->close(CloseReason::TransportClose); });
        stop = true;
        for (std::thread& thread : threads) thread.join();
        CPPUNIT_ASSERT(eventually([&] { return server->manager().getNamespaces().empty(); }));
        CPPUNIT_ASSERT(eventually([&] { return connected == disconnected; }));
        for (const auto& session : sessions) {
            const std::vector<std::string> texts = session->all();
            if (!texts.empty()) CPPUNIT_ASSERT(texts[0].starts_with("0{\"sid\":"));
        }
    }

    void handlersAreRegisteredWhileEventsRun() {
        std::atomic<int> sum{0};
        server->on("e", [&](Socket&, int n) { sum += n; });
        server->start(*executor);
        AnsweringSession &one = join(), &two = join();
        std::thread registering([&] {
            for (int i = 0; i < 300; ++i) {
                server->on("e", [&](Socket&, int n) { sum += n; });
                server->on(
                    "other" + std::to_string(i), [](Socket&) {}, "/x");
            }
        });
        for (int i = 0; i < 500; ++i) {
            say(one, "2[\"e\",1]");
            say(two, "2[\"e\",1]");
        }
        registering.join();
        CPPUNIT_ASSERT(eventually([&] { return sum == 1000; }));
    }

    void stopLetsHandlersFinishFirst() {
        std::promise<void> entered, go;
        std::string order;  // by handlers of one client, one at a time
        server->on("slow", [&](Socket&) {
            entered.set_value();
            go.get_future().wait();
            order += "slow;";
            return "done";
        });
        server->on("next", [&](Socket&) {
            order += "next;";
            return "done, too";
        });
        server->on("disconnect",
                   [&](Socket&, DisconnectReason reason) { order += toString(reason); });
        server->start(*executor);
        const auto exchange = std::make_shared<ThreadExchange>(*executor);
        executor->onLoopThread([&] { server->handleRequest(exchange); });
        ThreadChannel& channel = *exchange->channel;
        executor->onLoopThread([&] {
            for (const char* packet : {"40", "421[\"slow\"]", "422[\"next\"]"})
                channel.listener->onMessage(false, packet);
        });
        entered.get_future().wait();
        test::WatchedThread stopper;
        std::thread stopping([&] {
            stopper.isThisOne();
            server->stop(Clock::system().now() + 20s);
        });
        CPPUNIT_ASSERT(eventually([&] { return !server->sleep(1ms); }));
        CPPUNIT_ASSERT(stopper.comesToAStop(*executor, [] { return 0; }));  // for the handlers
        const TimePoint released = Clock::system().now();
        go.set_value();
        stopping.join();
        CPPUNIT_ASSERT(Clock::system().now() - released < 15s);
        // Both answers, then the close.
        const std::size_t first = channel.find("431[\"done\"]");
        const std::size_t second = channel.find("432[\"done, too\"]");
        const std::size_t close = channel.find("closed");
        CPPUNIT_ASSERT(close != std::string::npos);
        CPPUNIT_ASSERT(first < second && second < close);
        CPPUNIT_ASSERT_EQUAL(std::string("slow;next;server shutting down"), order);
        executor->onLoopThread([] {});  // the loop is done with the channel
        CPPUNIT_ASSERT_THROW(server->startBackgroundTask([] {}), Poco::IllegalStateException);
    }

    void stopReturnsThoughAHandlerBlocks() {
        executor.emplace(4, clock);
        std::promise<void> entered, go;
        server->on("slow", [&](Socket&) {
            entered.set_value();
            go.get_future().wait();
        });
        server->start(*executor);
        AnsweringSession& client = join();
        say(client, "2[\"slow\"]");
        entered.get_future().wait();
        // Half of the time for the handler, the rest to say goodbye.
        std::atomic<bool> ended{false};
        const TimePoint deadline = clock.now() + 30s;
        std::thread stopping([&] {
            server->stop(deadline);
            ended = true;
        });
        for (const Duration step : {Duration(15s), Duration(15s - 1ms)}) {
            clock.advance(step);
            CPPUNIT_ASSERT(eventually([&] { return clock.waits() >= 2; }) && !ended);
        }
        clock.advance(1ms);
        stopping.join();
        go.set_value();
    }

    void backgroundTasksRunFromTheStartAndCanBeJoined() {
        std::atomic<int> ran{0};
        const auto early = server->startBackgroundTask([&] { ++ran; });
        CPPUNIT_ASSERT(!early->join(Clock::system().now() + 5ms));
        CPPUNIT_ASSERT_EQUAL(0, ran.load());
        server->start(*executor);
        early->join();
        CPPUNIT_ASSERT_EQUAL(1, ran.load());
        CPPUNIT_ASSERT(early->finished());
        auto moved = std::make_unique<int>(5);
        const auto late = server->startBackgroundTask(
            [&](std::unique_ptr<int> a, const std::string& b) {
                ran += *a + static_cast<int>(b.size());
            },
            std::move(moved), "abc");
        late->join();
        CPPUNIT_ASSERT_EQUAL(9, ran.load());
        const auto failing = server->startBackgroundTask([] { throw 42; });
        failing->join();
    }

    void backgroundTasksOfAServerNeverStartedEnd() {
        const auto token = std::make_shared<int>();
        const auto task = server->startBackgroundTask([token] {});
        server.emplace();  // the former one goes
        CPPUNIT_ASSERT(task->finished());
        CPPUNIT_ASSERT_EQUAL(1L, token.use_count());
        task->join();
    }

    void sleepEndsWhenTheServerStops() {
        server->start(*executor);
        CPPUNIT_ASSERT(server->sleep(1ms));
        std::atomic<int> rounds{0};
        const auto task = server->startBackgroundTask([&] {
            while (server->sleep(1ms)) ++rounds;
            CPPUNIT_ASSERT(!server->sleep(1h));
        });
        const auto sleeper = server->startBackgroundTask([&] { server->sleep(1h); });
        CPPUNIT_ASSERT(eventually([&] { return rounds > 2; }));
        server->stop(Clock::system().now() + 20s);
        CPPUNIT_ASSERT(task->finished());
        CPPUNIT_ASSERT(sleeper->finished());
    }

    void aTaskThatDoesNotEndIsToldOf() {
        server->start(*executor);
        std::promise<void> go;
        std::atomic<bool> emitted{false};
        Server& former = *server;
        const auto task = server->startBackgroundTask([&, wait = go.get_future()]() mutable {
            wait.wait();
            former.emit("late");  // it is still there; the optional holds none any more
            emitted = true;
        });
        CPPUNIT_ASSERT(!server->stop(Clock::system().now() + 50ms));
        CPPUNIT_ASSERT(!server->stop(Clock::system().now() + 50ms));
        test::WatchedThread destroyer;
        destroyer.isThisOne();
        std::jthread soon([&] {
            eventually([&] { return destroyer.waits(); });
            go.set_value();
        });
        server.emplace();  // the former one waits for its task
        CPPUNIT_ASSERT(emitted);
        CPPUNIT_ASSERT(task->finished());
    }

    void aLoopThatDoesNotLookWhatSleepSaysDoesNotSpin() {
        server->start(*executor);
        std::atomic<bool> end{false};
        std::atomic<int> rounds{0};
        server->startBackgroundTask([&] {
            while (!end) {
                server->sleep(1h);
                ++rounds;
            }
        });
        CPPUNIT_ASSERT(!server->stop(Clock::system().now() + 500ms));
        CPPUNIT_ASSERT(rounds >= 1 && rounds <= 30);
        end = true;
        CPPUNIT_ASSERT(server->stop(Clock::system().now() + 20s));
    }

    void stopLetsAsyncHandlersFinishFirst() {
        ServerOptions options;
        options.asyncHandlers = true;
        server.emplace(options);
        std::promise<void> entered, go;
        server->on("slow", [&](Socket&) {
            entered.set_value();
            go.get_future().wait();
            return "done";
        });
        server->start(*executor);
        const auto exchange = std::make_shared<ThreadExchange>(*executor);
        ThreadChannel& channel = *exchange->channel;
        executor->onLoopThread([&] { server->handleRequest(exchange); });
        executor->onLoopThread([&] { channel.listener->onMessage(false, "40"); });
        CPPUNIT_ASSERT(channel.find("40{") != std::string::npos);
        executor->onLoopThread([&] { channel.listener->onMessage(false, "421[\"slow\"]"); });
        entered.get_future().wait();
        test::WatchedThread stopper;
        std::jthread stopping([&] {
            stopper.isThisOne();
            server->stop(Clock::system().now() + 20s);
        });
        CPPUNIT_ASSERT(eventually([&] { return !server->sleep(1ms); }));
        CPPUNIT_ASSERT(stopper.comesToAStop(*executor, [] { return 0; }));  // for the handler
        go.set_value();
        const std::size_t answer = channel.find("431[\"done\"]");
        const std::size_t close = channel.find("closed");
        CPPUNIT_ASSERT(close != std::string::npos && answer < close);
        stopping.join();
        executor->onLoopThread([] {});  // the loop is done with the channel
    }

private:
    AnsweringSession& open() {
        static std::atomic<int> made{0};
        sessions.push_back(std::make_shared<AnsweringSession>("session" + std::to_string(++made),
                                                              EngineRevision::V4, 0));
        const auto session = sessions.back();
        executor->onLoopThread([&] { session->listener = server->openSession(session); });
        return *session;
    }
    AnsweringSession& join() {
        AnsweringSession& session = open();
        say(session, "0");
        CPPUNIT_ASSERT(session.waitFor(1));
        const std::string answer = session.all()[0];
        session.id = answer.substr(9, answer.size() - 11);
        return session;
    }
    void answerWith(AnsweringSession& session, std::function<void(std::string)> answer) {
        executor->onLoopThread([&] { session.answer = std::move(answer); });
    }
    /// The handler of an event far larger than what may wait gets an answer to its call().
    void assertAnsweredBehindALargeEvent(const ServerOptions& options) {
        server.emplace(options);
        std::promise<bool> result;
        server->on("go",
                   [&](Socket& socket, const std::string&) { result.set_value(answered(socket)); });
        server->start(*executor);
        AnsweringSession& client = join();
        answerWith(client, [&](std::string text) {
            if (text == "21[\"question\"]" && !client.paused) client.listener->onText("31[]");
        });
        say(client, "2[\"go\",\"" + std::string(100'000, 'x') + "\"]");
        CPPUNIT_ASSERT(valueOf(result));
    }
    /// What another thread promises, within 20 s.
    template <class T>
    static T valueOf(std::promise<T>& promise) {
        auto future = promise.get_future();
        CPPUNIT_ASSERT(future.wait_for(20s) == std::future_status::ready);
        return future.get();
    }
    /// Of an event that wants an acknowledgement: 21["question"].
    static std::string idOf(const std::string& text) { return text.substr(1, text.find('[') - 1); }
    static bool answered(Socket& socket) {
        try {
            socket.call("question", {}, 3s);
            return true;
        } catch (const Poco::TimeoutException&) {
            return false;
        }
    }
    /// From the client, on the loop; returns at once.
    void say(AnsweringSession& session, std::string text) {
        executor->post(0, [&session, text = std::move(text)] {
            if (const auto listener = session.listener) listener->onText(text);
        });
    }

    test::FakeClock clock;  // for those who ask for it
    std::optional<test::ThreadedExecutor> executor;
    std::optional<Server> server;
    std::vector<std::shared_ptr<AnsweringSession>> sessions;
};

CPPUNIT_TEST_SUITE_REGISTRATION(ThreadsTest);

}  // namespace socketio
