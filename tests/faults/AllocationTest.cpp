// One allocation fails: in turn each of those that the server makes for a client, from its
// handshake to its end. Then one of many, all over a busy server.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <execinfo.h>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Logger.h>
#include <Poco/NullChannel.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Mutex.h"

#include "support/EngineClient.h"
#include "support/PacketClient.h"
#include "support/TestServer.h"
#include "support/Waiting.h"

namespace {

// The allocations of all threads but the test's own.
thread_local bool exempt = false;
std::atomic<long> left{0};  // until one fails; 0 and less: none does

// Where it failed, for who reads of a failed test.
void* trace[40];
std::atomic<int> depth{0};

// Or one in so many fails; 0: none.
std::atomic<std::uint64_t> oneIn{0}, counted{0}, failed{0};

bool fails() {
    if (exempt) return false;
    if (const std::uint64_t every = oneIn.load(std::memory_order_relaxed); every > 0) {
        if (counted.fetch_add(1, std::memory_order_relaxed) % every != every - 1) return false;
        ++failed;
        return true;
    }
    if (left.load(std::memory_order_relaxed) <= 0 ||
        left.fetch_sub(1, std::memory_order_relaxed) != 1)
        return false;
    depth = ::backtrace(trace, 40);
    return true;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (fails()) return nullptr;
    if (alignment <= alignof(std::max_align_t)) return std::malloc(size > 0 ? size : 1);
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocateOrThrow(std::size_t size, std::size_t alignment) {
    void* const memory = allocate(size, alignment);
    if (!memory) throw std::bad_alloc();
    return memory;
}

constexpr std::size_t kUsual = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return allocateOrThrow(size, kUsual); }
void* operator new[](std::size_t size) { return allocateOrThrow(size, kUsual); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocateOrThrow(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocateOrThrow(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size, kUsual);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size, kUsual);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

/// A client that is hit notices: an error or the end comes before this.
constexpr auto kNotices = 3s;

/// Of texts that are shouted to everybody: those whose emit() has returned.
class Shouted {
public:
    void add(const std::string& text) {
        const bool before = std::exchange(exempt, true);
        {
            MutexLock lock(_mutex);
            _texts.push_back(text);
        }
        exempt = before;
    }
    bool has(const std::string& text) {
        MutexLock lock(_mutex);
        return std::find(_texts.begin(), _texts.end(), text) != _texts.end();
    }
    std::vector<std::string> take() {
        MutexLock lock(_mutex);
        return std::exchange(_texts, {});
    }

private:
    Mutex _mutex;
    std::vector<std::string> _texts SOCKETIO_GUARDED_BY(_mutex);
};

}  // namespace

class AllocationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AllocationTest);
    CPPUNIT_TEST(polling);
    CPPUNIT_TEST(pollingOfRevision3);
    CPPUNIT_TEST(webSocket);
    CPPUNIT_TEST(upgrade);
    CPPUNIT_TEST(oneInSomeThousandUnderTraffic);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        exempt = true;
        Poco::Logger::root().setChannel(Poco::AutoPtr<Poco::Channel>(new Poco::NullChannel));
        ServerOptions options;
        options.pingInterval = 3s;
        options.pingTimeout = 3s;
        options.connectTimeout = 5s;
        HttpServerOptions http;
        http.hub.ioThreads = 1;
        server = std::make_unique<TestServer>(options, http);
        Server& sio = server->sio;
        sio.on("connect", [this](Socket& socket) {
            socket.join("everybody");
            ++connects;
        });
        sio.on("disconnect", [this] { ++disconnects; });
        sio.on("echo", [](Socket&, const Value::Array& arguments) {
            return Arguments::fromArray(arguments);
        });
        sio.on("ask",
               [](Socket& socket) { socket.emit("question", {}, [](const Value::Array&) {}); });
        sio.on("shout", [this](Socket&, const std::string& text) {
            server->sio.emit("heard", text, {.room = "everybody"});
            shouted.add(text);
        });
        server->start();
    }
    void tearDown() override {
        left = 0;
        oneIn = 0;
        canary.reset();
        server.reset();
    }

    void polling() {
        sweep([this](const std::string& text) {
            PollingClient client(server->port(), {}, patient());
            closer = client.target();
            require(client.connect().starts_with("40{"));
            talk(
                text,
                [&client](const std::vector<std::string>& packets) {
                    std::string payload;
                    for (const std::string& each : packets)
                        payload += (payload.empty() ? "" : "\x1e") + ("4" + each);
                    client.post(payload);
                },
                [&client] { return client.next().substr(1); });
            client.post("1");
        });
    }

    void pollingOfRevision3() {
        sweep([this](const std::string& text) {
            PacketClient client(server->port(), {PacketClient::Transport::Polling, 3}, {},
                                patient());
            closer = client.target();
            require(client.connect().starts_with("0"));
            talk(
                text,
                [&client](const std::vector<std::string>& packets) {
                    client.say({packets.begin(), packets.end()});
                },
                [&client] { return client.next(); });
            client.sayEngine("1");
        });
    }

    void webSocket() {
        sweep([this](const std::string& text) {
            WebSocketClient client(server->port(), {}, {}, patient());
            require(client.connect().starts_with("40{"));
            talk(text, client);
            client.send(
                "452-[\"echo\",{\"_placeholder\":true,\"num\":0},"
                "{\"_placeholder\":true,\"num\":1}]");
            client.sendBinary(std::string(300, 'a'));
            client.sendBinary("b");
            client.send("40/chat,");
            std::string answer;
            do answer = client.next();
            while (answer.starts_with("43"));
            require(answer.starts_with("40/chat,{"));
            client.send("41/chat,");
            client.send("1");
        });
    }

    void upgrade() {
        sweep([this](const std::string& text) {
            PollingClient client(server->port(), {}, patient());
            closer = client.target();
            require(client.connect().starts_with("40{"));
            client.startPoll();
            WebSocketClient webSocket(server->port(), client.sid(), {}, patient());
            webSocket.send("2probe");
            require(webSocket.frame().payload == "3probe");
            client.readPoll();
            webSocket.send("5");
            talk(text, webSocket);
            webSocket.send("1");
        });
    }

    void oneInSomeThousandUnderTraffic() {
        constexpr std::uint64_t kFailures = 2'000;
        std::atomic<int> ended{0};
        {
            std::vector<std::jthread> clients;
            for (std::size_t i = 0; i < 8; ++i)
                clients.emplace_back([&, i] {
                    exempt = true;
                    while (failed < kFailures && ended < 100'000) ended += liveOnce(i);
                });
            oneIn = 997;
        }
        oneIn = 0;
        std::printf("%d of the clients were hit\n", ended.load());
        CPPUNIT_ASSERT(failed >= kFailures);
        canaryHears("after");
        canary.reset();
        assertNobodyIsLeft();
    }

private:
    /// Whether the client was hit.
    bool liveOnce(std::size_t number) {
        try {
            PacketClient client(server->port(), PacketClient::kWays[number % 4], {}, patient());
            client.connect();
            for (int i = 0; i < 20; ++i) {
                client.say(std::vector<Message>{"2[\"shout\",\"" + std::to_string(number) + "\"]",
                                                "21[\"echo\",\"" + std::string(200, 'x') + "\"]",
                                                "22[\"echo\"]"});
                // One of the two may be lost in its handler.
                for (std::string packet; !packet.starts_with("31[") && packet != "32[]";)
                    packet = client.next();
            }
            client.sayEngine("1");
            return false;
        } catch (const std::runtime_error&) {
            return true;
        }
    }

    static RawClient::Options patient() { return {.deadline = kNotices}; }

    /// What the client was told was not what it should have been: it has noticed.
    static void require(bool right) {
        if (!right) throw std::runtime_error("another answer");
    }

    void talk(const std::string& text, WebSocketClient& client) {
        talk(
            text,
            [&client](const std::vector<std::string>& packets) {
                for (const std::string& each : packets) client.send("4" + each);
            },
            [&client] { return client.next().substr(1); });
    }

    /// What a handler emits or answers may be lost in the handler, which is what throws then. But
    /// only one of them.
    template <class Say, class Next>
    void talk(const std::string& text, Say say, Next next) {
        say({"2[\"shout\",\"" + text + "\"]",
             "21[\"echo\",{\"a\":[1,\"" + std::string(100, 'x') + "\"]}]", "22[\"echo\"]"});
        bool heard = false;
        std::string packet = next();
        for (; !packet.starts_with("31[") && packet != "32[]"; packet = next())
            heard = heard || packet == "2[\"heard\",\"" + text + "\"]";
        if (!heard && shouted.has(text)) throw std::runtime_error("a gap");
        say({"2[\"ask\"]", "23[\"echo\"]", "24[\"echo\"]"});
        for (packet = next(); packet != "33[]" && packet != "34[]"; packet = next())
            if (packet.find("question") != packet.npos)
                say({"3" + packet.substr(1, packet.find('[') - 1) + "[]"});
    }

    void sweep(const std::function<void(const std::string& text)>& life) {
        for (int i = 0; i < 3; ++i) {
            life("before");  // what is allocated once
            canaryHears("before");
        }
        const int before = canaries;
        long n = 1, hit = 0;
        std::string problems;
        for (bool failed = true; failed; ++n) {
            const std::string text = std::to_string(n);
            closer.clear();
            left = n;
            std::string problem;
            try {
                life(text);
            } catch (const std::runtime_error& e) {
                problem = e.what();
            }
            failed = left.exchange(0) <= 0;
            hit += !problem.empty();
            if (problem.find("deadline passed") != problem.npos || problem == "a gap") {
                problems += text + ": " + problem + "\n";
                std::fprintf(stderr, "%s: %s, where this failed:\n", text.c_str(), problem.c_str());
                ::backtrace_symbols_fd(trace, depth, 2);
            }
            if (!closer.empty()) closeSession();
            canaryHears(text);
            CPPUNIT_ASSERT(n < 5'000);
        }
        // Who is hit hears of it: of an error, or the end.
        CPPUNIT_ASSERT_EQUAL(std::string(), problems);
        std::printf("%ld allocations failed, %ld clients were hit, %d canaries\n", n - 2, hit,
                    canaries - before);
        CPPUNIT_ASSERT(n > 50);
        CPPUNIT_ASSERT(hit > 10);
        // It is hit itself when what is emitted to it cannot be queued.
        CPPUNIT_ASSERT(canaries - before <= 2);
        canary.reset();
        assertNobodyIsLeft();
    }

    /// At the latest when a client's time is up.
    void assertNobodyIsLeft() {
        const bool empty = eventually([this] { return connects == disconnects; }, 10s) &&
                           eventually([this] { return server->hub().connectionCount() == 0; }, 10s);
        CPPUNIT_ASSERT_MESSAGE(std::to_string(connects) + " connected, " +
                                   std::to_string(disconnects) + " disconnected, " +
                                   std::to_string(server->hub().connectionCount()) + " connections",
                               empty);
        CPPUNIT_ASSERT(server->sio.manager().getParticipants("/", "").empty());
        CPPUNIT_ASSERT(server->sio.manager().getParticipants("/", "everybody").empty());
        CPPUNIT_ASSERT(server->stop(8s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->hub().limits().count(Limit::StopTimeout));
    }

    void closeSession() {
        try {
            RawClient(server->port(), patient()).post(closer, "1");
        } catch (const std::runtime_error&) {
        }
    }

    static std::string joined(const std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& each : lines) text += each + "\n";
        return text;
    }

    void canaryHears(const std::string& text) {
        for (int attempt = 0; attempt < 2; ++attempt) {
            try {
                if (!canary) {
                    shouted.take();
                    canary = std::make_unique<WebSocketClient>(server->port(), std::string_view(),
                                                               std::string_view(), patient());
                    canary->connect();
                    ++canaries;
                }
                // A handler may be between its emit() and telling of it.
                std::vector<std::string> heard, expected;
                const bool same = eventually([&] {
                    canary->send("421[\"echo\"]");
                    for (std::string packet; (packet = canary->next()) != "431[]";)
                        heard.push_back(packet);
                    for (const std::string& each : shouted.take())
                        expected.push_back("42[\"heard\",\"" + each + "\"]");
                    return heard == expected;
                });
                if (!same) CPPUNIT_ASSERT_EQUAL_MESSAGE(text, joined(expected), joined(heard));
                return;
            } catch (const std::runtime_error&) {
                canary.reset();  // it was hit
            }
        }
        CPPUNIT_FAIL("the canary cannot connect");
    }

    std::unique_ptr<TestServer> server;
    std::unique_ptr<WebSocketClient> canary;
    int canaries = 0;
    std::atomic<int> connects{0}, disconnects{0};
    Shouted shouted;
    std::string closer;  // the target of the polling session that is to be closed
};
CPPUNIT_TEST_SUITE_REGISTRATION(AllocationTest);

}  // namespace socketio::test
