// Clients that take time, connections, descriptors or memory and give nothing, beside healthy ones.
// The limits are shortened; that the real ones are the documented ones is DefaultLimitsTest's.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <netinet/in.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "HostileFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

constexpr int kSlowClients = 200;
constexpr int kDescriptors = 100;  // that are left, for...
constexpr int kNewcomers = 400;
constexpr int kResets = kSanitized ? 5'000 : 20'000;
constexpr int kHandshakes = 5'000;
constexpr int kRefusedConnects = 5'000;
constexpr int kPongs = 20'000;
constexpr int kRequests = 20'000;
constexpr std::size_t kBigEvent = 300'000;
constexpr std::size_t kKeys = 26'000;

/// A process of its own that opens `count` connections, sends `bytes` on each, and holds them
/// until it is released: so that only the server's end counts against the limit of ours.
class Crowd {
public:
    Crowd(std::uint16_t port, int count, std::string_view bytes) {
        int go[2], ready[2];
        if (::pipe(go) != 0 || ::pipe(ready) != 0) throw std::runtime_error("pipe");
        _child = ::fork();
        if (_child == 0) run(port, count, bytes, go[0], ready[1]);
        ::close(go[0]);
        ::close(ready[1]);
        _go = go[1];
        _ready = ready[0];
    }
    ~Crowd() { release(); }
    /// Returns when all connections are open or in the backlog.
    void connect() {
        char byte = 0;
        if (::write(_go, &byte, 1) != 1 || ::read(_ready, &byte, 1) != 1)
            throw std::runtime_error("the crowd is lost");
    }
    void release() {
        if (_child <= 0) return;
        ::close(_go);
        ::close(_ready);
        ::waitpid(std::exchange(_child, 0), nullptr, 0);
    }

private:
    // After fork() of a process with threads: system calls alone.
    [[noreturn]] static void run(std::uint16_t port, int count, std::string_view bytes, int go,
                                 int ready) {
        constexpr int kFirst = 1000;
        ::dup2(go, kFirst);
        ::dup2(ready, kFirst + 1);
        ::close_range(3, kFirst - 1, 0);
        ::close_range(kFirst + 2, ~0u, 0);
        char byte = 0;
        if (::read(kFirst, &byte, 1) != 1) ::_exit(1);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (int i = 0; i < count; ++i) {
            const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
            if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
                (void)!::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
        (void)!::write(kFirst + 1, &byte, 1);
        (void)!::read(kFirst, &byte, 1);
        ::_exit(0);
    }

    pid_t _child = 0;
    int _go = -1, _ready = -1;
};

/// The process may open `more` descriptors than now, as long as this lives.
class DescriptorLimit {
public:
    explicit DescriptorLimit(int more) {
        ::getrlimit(RLIMIT_NOFILE, &_before);
        const int next = ::dup(0);
        ::close(next);
        rlimit tight = _before;
        tight.rlim_cur = static_cast<rlim_t>(next + more);
        ::setrlimit(RLIMIT_NOFILE, &tight);
    }
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &_before); }

private:
    rlimit _before{};
};

}  // namespace

class ExhaustionTest : public HostileFixture {
    CPPUNIT_TEST_SUITE(ExhaustionTest);
    CPPUNIT_TEST(slowHeadsAreCutOffByTheirTotalTime);
    CPPUNIT_TEST(slowBodiesAreCutOff);
    CPPUNIT_TEST(silentConnectionsAreClosed);
    CPPUNIT_TEST(pollersThatDoNotReadAreClosed);
    CPPUNIT_TEST(aCrowdThatSaysNothingMakesRoom);
    CPPUNIT_TEST(aCrowdThatStaysWaitsInTheBacklog);
    CPPUNIT_TEST(resetsLeaveNothing);
    CPPUNIT_TEST(handshakesWithoutMoreAreReaped);
    CPPUNIT_TEST(refusedConnectsLeaveNothing);
    CPPUNIT_TEST(pongsStartNothing);
    CPPUNIT_TEST(manyRequestsOnOneConnectionKeepNoMemory);
    CPPUNIT_TEST(keysThatCollideTakeNoLonger);
    CPPUNIT_TEST(compressedBodiesAreNotInflated);
    CPPUNIT_TEST_SUITE_END();

    /// Sends `piece` on every connection every 50 ms, or as soon as the server is at it, until each
    /// has been answered.
    void trickle(std::vector<RawClient>& clients, std::string_view piece,
                 std::chrono::milliseconds atMost) {
        const auto end = std::chrono::steady_clock::now() + atMost;
        for (;;) {
            std::size_t waiting = 0;
            RawClient* last = nullptr;
            for (RawClient& client : clients) {
                if (client.readable(0ms)) continue;
                ++waiting;
                last = &client;
                client.trySend(piece);
            }
            if (waiting == 0) return;
            CPPUNIT_ASSERT_MESSAGE(std::to_string(waiting) + " are still open",
                                   std::chrono::steady_clock::now() < end);
            last->readable(50ms);
        }
    }
    std::vector<RawClient> connectMany(std::string_view bytes) {
        std::vector<RawClient> clients;
        for (int i = 0; i < kSlowClients; ++i) {
            clients.emplace_back(port);
            clients.back().send(bytes);
        }
        return clients;
    }
    static void assertTimedOut(std::vector<RawClient>& clients) {
        for (RawClient& client : clients) {
            CPPUNIT_ASSERT_EQUAL(408, client.readResponse().status);
            CPPUNIT_ASSERT(client.closedWithin(5s));
        }
    }
    std::size_t participants(const std::string& nsp) {
        return server->sio.manager().getParticipants(nsp, "").size();
    }

public:
    // R1
    void slowHeadsAreCutOffByTheirTotalTime() {
        HttpServerOptions http;
        http.limits.headTime = 1000ms;
        start({}, http);
        std::vector<RawClient> clients = connectMany("GET / HTTP/1.1\r\nX: ");
        const auto begin = std::chrono::steady_clock::now();
        trickle(clients, "x", 4s);
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin > 500ms);
        assertTimedOut(clients);
        clients.clear();
        assertUnharmed("R1");
    }

    // R2
    void slowBodiesAreCutOff() {
        HttpServerOptions http;
        http.limits.bodyGrace = 500ms;
        http.limits.bodyTime = 2000ms;
        start({}, http);
        const std::string head =
            RawClient::requestBytes("POST", "/show", "Content-Length: 900000\r\n");
        {
            // Below the rate: at the end of the grace.
            std::vector<RawClient> clients = connectMany(head);
            trickle(clients, "0123456789", 1900ms);
            assertTimedOut(clients);
        }
        {
            // Above it: at the end of the time for a body.
            std::vector<RawClient> clients = connectMany(head);
            const auto begin = std::chrono::steady_clock::now();
            trickle(clients, std::string(1000, 'x'), 6s);
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin > 1500ms);
            assertTimedOut(clients);
        }
        {
            // Chunked, and a session's own POST.
            PollingClient session(port);
            RawClient client(port);
            client.request("POST", session.target(), "Transfer-Encoding: chunked\r\n");
            client.send("5\r\n4hel");
            CPPUNIT_ASSERT_EQUAL(408, client.readResponse().status);
        }
        assertUnharmed("R2");
    }

    // R3
    void silentConnectionsAreClosed() {
        HttpServerOptions http;
        http.limits.headTime = 1000ms;
        start({}, http);
        std::vector<RawClient> clients = connectMany("");
        for (RawClient& client : clients) CPPUNIT_ASSERT(client.closedWithin(4s));
        clients.clear();
        assertUnharmed("R3");
    }

    // R4
    void pollersThatDoNotReadAreClosed() {
        ServerOptions options;
        options.pingInterval = options.pingTimeout = 3s;
        HttpServerOptions http;
        http.limits.writeStall = 500ms;
        start(options, http);
        {
            RawClient::Options tight;
            tight.receiveBuffer = 4096;
            std::vector<std::unique_ptr<PollingClient>> pollers;
            for (int i = 0; i < kSlowClients; ++i) {
                pollers.push_back(std::make_unique<PollingClient>(port, "", tight));
                pollers.back()->connect("/chat");
                pollers.back()->startPoll();
            }
            CPPUNIT_ASSERT_EQUAL(std::size_t(kSlowClients), participants("/chat"));
            EmitOptions toThem;
            toThem.nsp = "/chat";
            server->sio.emit("big", std::string(kBigEvent, 'x'), toThem);
            std::size_t most = 0;
            CPPUNIT_ASSERT(eventually([&] {
                most = std::max(most, Resources::residentNow());
                return server->hub().counters().writeStalls >= kSlowClients;
            }));
            // One answer each, and what a connection needs itself.
            CPPUNIT_ASSERT_MESSAGE(
                std::to_string((most - base.residentBytes) / 1024) + " KiB",
                kSanitized || most < base.residentBytes + kSlowClients * (kBigEvent + 64 * 1024));
        }
        CPPUNIT_ASSERT(eventually([&] { return participants("/chat") == 0; }));
        assertUnharmed("R4");
    }

    // R5
    void aCrowdThatSaysNothingMakesRoom() {
        start();
        Crowd crowd(port, kNewcomers, "");
        const std::uint64_t before = server->hub().counters().accepted;
        {
            const DescriptorLimit limit(kDescriptors);
            crowd.connect();
            // Who says nothing for a second makes room, so that in the end all have been seen.
            CPPUNIT_ASSERT(eventually(
                [&] { return server->hub().counters().accepted >= before + kNewcomers; }, 20s));
            CPPUNIT_ASSERT_EQUAL(std::string(), canary->verdict());
        }
        RawClient next(port);
        CPPUNIT_ASSERT_EQUAL(200, next.get("/show").status);
        next.close();
        crowd.release();
        assertUnharmed("R5");
    }

    // R5
    void aCrowdThatStaysWaitsInTheBacklog() {
        start();
        Crowd crowd(port, kNewcomers, "GET / HTTP/1.1\r\n");
        {
            const DescriptorLimit limit(kDescriptors);
            const auto begin = std::chrono::steady_clock::now();
            crowd.connect();
            CPPUNIT_ASSERT(eventually([&] { return server->hub().counters().acceptPauses > 2; }));
            const std::clock_t used = std::clock();
            const auto watched = std::chrono::steady_clock::now();
            for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT_EQUAL(std::string(), canary->verdict());
            // It is not busy with what it cannot take.
            const double cpu = static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC;
            const double wall =
                std::chrono::duration<double>(std::chrono::steady_clock::now() - watched).count();
            CPPUNIT_ASSERT_MESSAGE(std::to_string(cpu) + " of " + std::to_string(wall) + " s",
                                   kSanitized || cpu < 0.3 * wall);
            CPPUNIT_ASSERT(server->hub().connectionCount() <= baseConnections + kDescriptors);
            // Paused for 10 ms at first and twice as long each time, not asked all the time.
            const auto seconds =
                std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
            CPPUNIT_ASSERT(static_cast<double>(server->hub().counters().acceptPauses) <
                           10 + 2 * seconds);
        }
        // Descriptors are free again: the rest is accepted within the longest pause.
        CPPUNIT_ASSERT(eventually(
            [&] { return server->hub().connectionCount() == baseConnections + kNewcomers; }, 3s));
        crowd.release();
        assertUnharmed("R5");
    }

    // R7
    void resetsLeaveNothing() {
        start();
        for (int i = 0; i < kResets; ++i) {
            RawClient client(port);
            if (i % 4 == 1) client.trySend("GET /sho");
            if (i % 4 == 2) client.trySend(RawClient::requestBytes("GET", "/show"));
            if (i % 4 == 3) client.trySend(RawClient::upgradeRequest("/ws"));
            client.reset();
        }
        CPPUNIT_ASSERT_EQUAL(200, RawClient(port).get("/show").status);
        CPPUNIT_ASSERT(eventually([&] { return Resources::now().threads <= base.threads; }));
        assertUnharmed("R7");
    }

    // R8
    void handshakesWithoutMoreAreReaped() {
        ServerOptions options;
        options.connectTimeout = 2000ms;
        options.pingInterval = options.pingTimeout = 1500ms;
        start(options);
        std::vector<std::string> sids;
        std::unique_ptr<RawClient> client;
        for (int i = 0; i < kHandshakes; ++i) {
            if (i % 900 == 0) client = std::make_unique<RawClient>(port);
            const RawResponse answer = client->get("/socket.io/?EIO=4&transport=polling");
            CPPUNIT_ASSERT_EQUAL(200, answer.status);
            sids.push_back(jsonString(answer.body, "sid"));
        }
        client.reset();
        CPPUNIT_ASSERT(eventually([&] { return known(sids) == 0; }));
        // A handshake is as fast as before; the fastest of ten, since the machine may be busy.
        auto best = std::chrono::steady_clock::duration::max();
        for (int i = 0; i < 10; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            PollingClient healthy(port);
            best = std::min(best, std::chrono::steady_clock::now() - begin);
            CPPUNIT_ASSERT_EQUAL("40{"s, healthy.connect().substr(0, 3));
            healthy.post("1");
        }
        CPPUNIT_ASSERT(best < 50ms);
        assertUnharmed("R8");
    }

    // R9
    void refusedConnectsLeaveNothing() {
        ServerOptions options;
        options.connectTimeout = 2000ms;
        options.pingInterval = options.pingTimeout = 1500ms;
        start(options, {}, [](Server& sio) {
            sio.on(
                "connect", [](Socket&) { return false; }, "/refused");
        });
        std::vector<std::string> sids;
        for (int i = 0; i < kRefusedConnects / 2; ++i) {
            WebSocketClient client(port);
            CPPUNIT_ASSERT_EQUAL("44/refused,"s, client.connect("/refused").substr(0, 11));
            if (i % 2) client.raw().reset();
        }
        for (int i = 0; i < kRefusedConnects / 2; ++i) {
            PollingClient client(port);
            CPPUNIT_ASSERT_EQUAL("44/refused,"s, client.connect("/refused").substr(0, 11));
            sids.push_back(client.sid());
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), participants("/refused"));
        // Polling sessions go when their time to join something is over.
        CPPUNIT_ASSERT(eventually([&] { return known(sids) == 0; }));
        CPPUNIT_ASSERT(eventually([&] { return Resources::now().threads <= base.threads + 2; }));
        assertUnharmed("R9");
    }

    // R10
    void pongsStartNothing() {
        start();
        std::string pongs;
        for (int i = 0; i < kPongs; ++i) pongs += RawClient::frame(RawFrame::Text, "3");
        {
            WebSocketClient client(port);
            client.connect();
            client.raw().trySend(pongs);
            // Ignored: the session goes on.
            client.send("421[\"echo\",7]");
            CPPUNIT_ASSERT_EQUAL("431[7]"s, client.next());
            WebSocketClient early(port);  // before any namespace
            early.raw().trySend(pongs);
            CPPUNIT_ASSERT_EQUAL("40{"s, early.connect().substr(0, 3));
        }
        {
            PollingClient client(port);
            client.connect();
            std::string payload = "3";
            for (int i = 1; i < 1000; ++i)
                payload +=
                    "\x1e"
                    "3";
            for (int i = 0; i < kPongs / 1000; ++i) client.post(payload);
            client.post("421[\"echo\",7]");
            CPPUNIT_ASSERT_EQUAL("431[7]"s, client.next());
            client.post("1");
        }
        CPPUNIT_ASSERT(eventually([&] { return Resources::now().threads <= base.threads; }));
        assertUnharmed("R10");
    }

    // R11
    void manyRequestsOnOneConnectionKeepNoMemory() {
        HttpServerOptions http;
        http.limits.keepAliveRequests = kRequests;
        start({}, http);
        RawClient client(port);
        constexpr int kBatch = 100;
        std::string batch;
        for (int i = 0; i < kBatch; ++i) batch += RawClient::requestBytes("GET", "/show");
        for (int i = 0; i < kRequests; i += kBatch) {
            client.send(batch);
            for (int k = 0; k < kBatch; ++k)
                CPPUNIT_ASSERT_EQUAL(200, client.readResponse().status);
        }
        CPPUNIT_ASSERT(client.closedWithin(5s));
        client.close();
        assertUnharmed("R11");
    }

    // R12
    void keysThatCollideTakeNoLonger() {
        start({}, {}, [](Server& sio) { sio.on("count", [](Socket&, const Value&) {}); });
        // Aa and BB: every key has the same sum under the hash of Java and of many others.
        const auto key = [](std::size_t number, const char* zero, const char* one) {
            std::string text;
            for (int bit = 0; bit < 16; ++bit) text += number >> bit & 1 ? one : zero;
            return text;
        };
        const auto event = [&](const char* zero, const char* one) {
            std::string packet = "42[\"count\",{";
            for (std::size_t i = 0; i < kKeys; ++i)
                packet += (i ? ",\"" : "\"") + key(i, zero, one) + "\":1";
            return packet + "}]";
        };
        // Fastest of three: the machine may be busy with something else.
        WebSocketClient client(port);
        client.connect();
        const auto time = [&](const std::string& packet) {
            auto best = std::chrono::steady_clock::duration::max();
            for (int i = 0; i < 3; ++i) {
                const auto begin = std::chrono::steady_clock::now();
                client.send(packet);
                client.send("421[\"echo\",1]");
                CPPUNIT_ASSERT_EQUAL("431[1]"s, client.next());
                best = std::min(best, std::chrono::steady_clock::now() - begin);
            }
            return std::chrono::duration<double>(best).count();
        };
        const double plain = time(event("xy", "zq"));
        const double colliding = time(event("Aa", "BB"));
        CPPUNIT_ASSERT_MESSAGE(std::to_string(plain) + " s, colliding " + std::to_string(colliding),
                               colliding < 2 * plain + 0.1);
        client.raw().close();
        assertUnharmed("R12");
    }

    // R13
    void compressedBodiesAreNotInflated() {
        start();
        for (const std::string& coding : {"gzip"s, "deflate"s, "br"s, "gzip, gzip"s, "x"s}) {
            PollingClient client(port);
            const RawResponse answer = client.rawPost("\x1f\x8b\x08" + std::string(1000, '\0'),
                                                      "Content-Encoding: " + coding + "\r\n");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(coding, 415, answer.status);
            client.post("1");
        }
        assertUnharmed("R13");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ExhaustionTest);

}  // namespace socketio::test
