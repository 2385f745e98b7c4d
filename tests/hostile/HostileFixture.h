#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <malloc.h>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <cppunit/TestAssert.h>
#include <cppunit/TestFixture.h>

#include "socketio/base/Mutex.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "support/Canary.h"
#include "support/EngineClient.h"
#include "support/PacketClient.h"
#include "support/Sanitized.h"
#include "support/TestServer.h"
#include "support/Waiting.h"

namespace socketio::test {

/// One way in which the same bytes reach the server: one piece per read.
struct Delivery {
    std::string how;
    std::vector<std::string_view> pieces;
};

/// Whole, byte by byte, and cut at `randomCuts` times one to four random places. Of long input only
/// the first and the last bytes come one by one.
inline std::vector<Delivery> deliveries(std::string_view bytes, std::mt19937& random,
                                        int randomCuts = 2) {
    std::vector<Delivery> all{{"whole", {bytes}}};
    if (bytes.size() < 2) return all;
    constexpr std::size_t kSingleBytes = 300;
    Delivery single{"byte by byte", {}};
    for (std::size_t i = 0; i < bytes.size();) {
        const bool near = i < kSingleBytes || bytes.size() - i <= kSingleBytes;
        const std::size_t size = near ? 1 : bytes.size() - kSingleBytes - i;
        single.pieces.push_back(bytes.substr(i, size));
        i += size;
    }
    all.push_back(std::move(single));
    for (int i = 0; i < randomCuts; ++i) {
        std::vector<std::size_t> cuts(1 + random() % 4);
        for (std::size_t& cut : cuts) cut = 1 + random() % (bytes.size() - 1);
        std::sort(cuts.begin(), cuts.end());
        cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
        Delivery delivery{"cut at", {}};
        std::size_t at = 0;
        for (const std::size_t cut : cuts) {
            delivery.how += " " + std::to_string(cut);
            delivery.pieces.push_back(bytes.substr(at, cut - at));
            at = cut;
        }
        delivery.pieces.push_back(bytes.substr(at));
        all.push_back(std::move(delivery));
    }
    return all;
}

/// For messages of failed assertions.
inline std::string printable(std::string_view bytes, std::size_t most = 200) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F)
            out += c;
        else
            out.append("\\x") += {kHex[byte >> 4], kHex[byte & 15]};
    }
    if (bytes.size() > most) out += "... (" + std::to_string(bytes.size()) + " bytes)";
    return out;
}

/// What the process holds. The clients of a test are in the same process: it closes them first.
struct Resources {
    std::size_t descriptors = 0, threads = 0, residentBytes = 0;

    static Resources now() {
        const auto count = [](const char* folder) {
            const std::filesystem::directory_iterator entries(folder);
            return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
        };
        ::malloc_trim(0);
        return {count("/proc/self/fd"), count("/proc/self/task"), residentNow()};
    }
    /// At this moment, with what the allocator holds back.
    static std::size_t residentNow() {
        std::ifstream statm("/proc/self/statm");
        std::size_t total = 0, resident = 0;
        statm >> total >> resident;
        return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    }
};

/// What is mounted beside Socket.IO: shows the request as text (a line `NAME=value` for every
/// variable, an empty line, the body) or, at `/ws`, echoes WebSocket messages. Counts the requests
/// of each path.
class ShowingApp : public App {
public:
    std::size_t maxMessageBytes = 1'000'000;  ///< Of `/ws`.

    void begin(const Exchange::Ptr& exchange) override {
        const std::string path(exchange->environ().path());
        {
            MutexLock lock(_mutex);
            ++_requests[path];
        }
        if (path == "/ws") {
            if (!exchange->isWebSocketHandshake())
                return exchange->respond(Response::text(400, "no handshake"));
            const auto channel = exchange->upgrade({.maxMessageBytes = maxMessageBytes});
            channel->setListener(std::make_shared<Echo>(channel));
            return;
        }
        exchange->receiveBody(maxBodyBytes(), [weak = std::weak_ptr<Exchange>(exchange)](
                                                  Exchange::BodyStatus status) {
            const Exchange::Ptr request = weak.lock();
            if (!request) return;
            if (status == Exchange::BodyStatus::TooLarge) {
                request->respond(Response{413, {}, {}});
            } else if (status == Exchange::BodyStatus::Complete) {
                std::string text;
                request->environ().forEach([&](std::string_view name, std::string_view value) {
                    text.append(name).append("=").append(value).append("\n");
                });
                request->respond(Response::text(200, text.append("\n").append(request->body())));
            }
        });
    }
    void handle(const Exchange::Ptr&) override {}

    int requests(const std::string& path) const {
        MutexLock lock(_mutex);
        const auto found = _requests.find(path);
        return found == _requests.end() ? 0 : found->second;
    }
    int requests() const {
        MutexLock lock(_mutex);
        int sum = 0;
        for (const auto& [path, count] : _requests) sum += count;
        return sum;
    }

private:
    class Echo : public WebSocketListener {
    public:
        explicit Echo(std::shared_ptr<WebSocketChannel> channel) : _channel(std::move(channel)) {}
        void onMessage(bool binary, std::string_view data) override {
            std::string frame;
            appendWebSocketFrame(frame, binary ? WebSocketOpcode::Binary : WebSocketOpcode::Text,
                                 data);
            _channel->send(SharedFrame(std::move(frame)));
        }
        void onClosed(std::uint16_t, std::string_view) override { _channel.reset(); }

    private:
        std::shared_ptr<WebSocketChannel> _channel;
    };

    mutable Mutex _mutex;
    std::map<std::string, int> _requests SOCKETIO_GUARDED_BY(_mutex);
};

/// A running server, healthy clients beside the attack, and the judgement afterwards: nobody
/// healthy was hurt and nothing is left.
class HostileFixture : public CppUnit::TestFixture {
public:
    void tearDown() override {
        canary.reset();
        server.reset();
    }

protected:
    /// Handlers besides `echo` are registered by `prepare`.
    template <class Prepare>
    void start(ServerOptions options, HttpServerOptions http, Prepare prepare) {
        // Otherwise the allocator keeps ever more of what was freed: what is left cannot be told.
        ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
        // The healthy clients reuse two connections for the whole test.
        http.limits.keepAliveRequests = std::max<std::size_t>(http.limits.keepAliveRequests, 1000);
        app = std::make_shared<ShowingApp>();
        server = std::make_unique<TestServer>(std::move(options), std::move(http), app);
        server->sio.on("echo", [](Socket&, const Value& value) { return value; });
        prepare(server->sio);
        server->start();
        port = server->port();
        canary = std::make_unique<Canary>(port);
        CPPUNIT_ASSERT_EQUAL(std::string(), canary->verdict());
        baseConnections = server->hub().connectionCount();
        base = Resources::now();
    }
    void start(ServerOptions options = {}, HttpServerOptions http = {}) {
        start(std::move(options), std::move(http), [](Server&) {});
    }

    PacketClient join(PacketClient::Way way, std::string_view nsp = "/") const {
        return PacketClient::joined(port, way, nsp);
    }

    /// Returns when every loop has looked at what was sent before the call.
    void barrier() { test::barrier(server->hub()); }

    /// Sends the pieces so that each is read by itself. False when the server closed in between.
    bool deliver(RawClient& client, const Delivery& delivery) {
        for (std::size_t i = 0; i < delivery.pieces.size(); ++i) {
            if (!client.trySend(delivery.pieces[i])) return false;
            if (i + 1 < delivery.pieces.size()) barrier();
        }
        return true;
    }

    /// How many of these polling sessions are still there. They do not notice the question: it is
    /// asked in the other revision, which is refused in any case.
    int known(const std::vector<std::string>& sids) const {
        int count = 0;
        RawClient asking(port);
        for (const std::string& sid : sids) {
            const RawResponse answer = asking.get("/socket.io/?EIO=3&transport=polling&sid=" + sid);
            CPPUNIT_ASSERT_EQUAL(400, answer.status);
            count += answer.body.find("Session ID unknown") == std::string::npos;
            if (answer.header("Connection") == "close") asking = RawClient(port);
        }
        return count;
    }

    /// After each group of rows: the healthy clients saw nothing of it, and connections,
    /// descriptors and memory are back within 5 s. The clients of the test have to be closed.
    void assertUnharmed(const std::string& group, std::size_t mayKeepBytes = 2 * 1024 * 1024) {
        constexpr std::chrono::seconds kTime(5);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(group, std::string(), canary->verdict());
        eventually([&] { return server->hub().connectionCount() == baseConnections; }, kTime);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(group + ": connections", baseConnections,
                                     server->hub().connectionCount());
        eventually([&] { return Resources::now().descriptors == base.descriptors; }, kTime);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(group + ": descriptors", base.descriptors,
                                     Resources::now().descriptors);
        if (kSanitized) return;
        // Workers that a busy machine made the pool add keep their stacks and heaps.
        constexpr std::size_t kThreadBytes = 256 * 1024;
        const auto kept = [&] {
            const Resources now = Resources::now();
            const std::size_t before =
                base.residentBytes +
                (now.threads > base.threads ? (now.threads - base.threads) * kThreadBytes : 0);
            return now.residentBytes > before ? now.residentBytes - before : 0;
        };
        eventually([&] { return kept() <= mayKeepBytes; }, kTime);
        CPPUNIT_ASSERT_MESSAGE(group + " kept " + std::to_string(kept() / 1024) + " KiB",
                               kept() <= mayKeepBytes);
    }

    std::shared_ptr<ShowingApp> app;
    std::unique_ptr<TestServer> server;
    std::unique_ptr<Canary> canary;
    std::uint16_t port = 0;
    std::size_t baseConnections = 0;
    Resources base;
    std::mt19937 random{20261123};  ///< Seeded: a failure can be repeated.
};

}  // namespace socketio::test
