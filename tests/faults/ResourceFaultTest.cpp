// Descriptors, the log's disk and memory run out.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "FaultFixture.h"
#include "SharedNumbers.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPart = 900'000;  // of a message of 1,000,000 bytes that is never complete

/// What clients do that take memory and give nothing; each of them takes what one client may.
void sendHalfAMessage(RawClient& client, int kind) {
    if (kind % 3 == 0) {
        // An event whose last attachment never comes.
        client.trySend(RawClient::frame(
            RawFrame::Text,
            "452-[\"n\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]"));
        client.trySend(RawClient::frame(RawFrame::Binary, std::string(kPart, 'x')));
    } else if (kind % 3 == 1) {
        // A message in fragments without the last.
        client.trySend(RawClient::frame(RawFrame::Text, "42[\"n\",\"", false));
        for (int i = 0; i < 9; ++i)
            client.trySend(
                RawClient::frame(RawFrame::Continuation, std::string(kPart / 9, 'x'), false));
    } else {
        // A frame that is longer than what comes of it.
        const std::string frame = RawClient::frame(RawFrame::Text, std::string(kPart, 'x'));
        client.trySend(std::string_view(frame).substr(0, frame.size() - 1));
    }
}

std::size_t occurrences(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
    return count;
}

/// How many lines like this were left out of the log: the sum of "(and N more)".
std::size_t leftOutLines(const std::string& log, const std::string& what) {
    const std::string more = "(and ";
    std::istringstream lines(log);
    std::size_t sum = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t at = line.find(more);
        if (line.find(what) != line.npos && at != line.npos)
            sum += std::stoul(line.substr(at + more.size()));
    }
    return sum;
}

}  // namespace

class ResourceFaultTest : public FaultFixture {
    CPPUNIT_TEST_SUITE(ResourceFaultTest);
    CPPUNIT_TEST(noDescriptorsAreLeft);
    CPPUNIT_TEST(theDiskOfTheLogIsFull);
    CPPUNIT_TEST(theFileOfTheLogMayNotGrow);
    CPPUNIT_TEST(noLargeAllocationSucceeds);
    CPPUNIT_TEST(memoryIsShort);
#if defined(SOCKETIO_WITH_REDIS)
    CPPUNIT_TEST(theNameOfRedisIsNotFound);
#endif
#if defined(SOCKETIO_WITH_AMQP)
    CPPUNIT_TEST(theNameOfRabbitIsNotFound);
#endif
    CPPUNIT_TEST_SUITE_END();

public:
    void theNameOfRedisIsNotFound() { brokerIsNotFound("redis://broker.invalid:6379/0"); }
    void theNameOfRabbitIsNotFound() { brokerIsNotFound("amqp://broker.invalid:5672//"); }

    void noDescriptorsAreLeft() {
        FaultServer::Options options;
        // More connections are allowed than there are descriptors.
        options.limits = {"--nofile=256:256"};
        options.settings = {"hub.maxConnections=1000"};
        start(options);
        {
            std::vector<RawClient> crowd;
            for (int i = 0; i < 400; ++i) {
                crowd.emplace_back(server->port());
                crowd.back().send("GET /healthz HTTP/1.1\r\n");  // and no more
            }
            CPPUNIT_ASSERT(
                server->waitUntil([&] { return server->footprintNow().descriptors >= 250; }, 20s));
            // It can say so, in the file that is open: a line a second, with how often it was.
            const std::string full = "no more connections can be accepted";
            std::size_t lines = 0;
            CPPUNIT_ASSERT(server->waitUntil(
                [&] { return (lines = occurrences(server->log(), full)) >= 3; }, 20s));
            for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(traffic->goesOn());
            // Pauses that grow to a second, and no busy loop.
            CPPUNIT_ASSERT_MESSAGE(server->log(), leftOutLines(server->log(), full) < 30);
        }
        // Who waited comes in when the next pause, of a second at most, is over.
        CPPUNIT_ASSERT_EQUAL(200,
                             RawClient(server->port(), {.deadline = 5s}).get("/healthz").status);
        judge();
    }

    void theDiskOfTheLogIsFull() {
        const std::string log = temporaryName();
        std::filesystem::create_symlink("/dev/full", log);
        FaultServer::Options options;
        options.logFile = log;
        options.settings = {"log.level=debug"};
        start(options);
        openSessions(200);
        CPPUNIT_ASSERT(traffic->goesOn());
        // There is room again, and the file is opened anew; how much is missing is said.
        std::filesystem::remove(log);
        std::ofstream(log).flush();
        server->signal(SIGHUP);
        CPPUNIT_ASSERT(server->waitUntil(
            [&] {
                openSessions(1);
                return server->log().find(" lines were lost\n") != std::string::npos;
            },
            20s));
        judge();
        std::filesystem::remove(log);
    }

    // The file may not grow, and later it may: nobody tells the server.
    void theFileOfTheLogMayNotGrow() {
        FaultServer::Options options;
        options.settings = {"log.level=debug"};
        start(options);
        rlimit before{}, tight{};
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(server->pid(), RLIMIT_FSIZE, nullptr, &before));
        tight = before;
        tight.rlim_cur = server->log().size() + 1'000;
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(server->pid(), RLIMIT_FSIZE, &tight, nullptr));
        openSessions(200);
        CPPUNIT_ASSERT_MESSAGE(server->log(), server->runs());
        CPPUNIT_ASSERT(traffic->goesOn());
        CPPUNIT_ASSERT_EQUAL(std::size_t(tight.rlim_cur), server->log().size());
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(server->pid(), RLIMIT_FSIZE, &before, nullptr));
        CPPUNIT_ASSERT(server->waitUntil(
            [&] {
                openSessions(1);
                return server->log().find(" lines were lost\n") != std::string::npos;
            },
            20s));
        judge();
    }

    void noLargeAllocationSucceeds() {
        SharedNumbers orders;
        start(shimmed(orders));
        orders[1] = 256 * 1024;
        {
            std::vector<RawClient> attackers = attack(30);
            // Their connections end, or they wait; nobody else notices.
            CPPUNIT_ASSERT(server->waitUntil([&] { return orders[2] > 0; }, 20s));
            for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(traffic->goesOn());
            for (int i = 0; i < 20; ++i) {
                RawClient poster(server->port());
                poster.trySend(RawClient::requestBytes("POST", "/socket.io/?EIO=4", {},
                                                       std::string(kPart, 'x')));
            }
            CPPUNIT_ASSERT(traffic->goesOn());
        }
        orders[1] = 0;
        judge();
    }

    // RLIMIT_AS in place of a cgroup, which needs rights that a test does not have.
    void memoryIsShort() {
        start();
        rlimit before{}, tight{};
        const auto process = server->pid();
        ::prlimit(process, RLIMIT_AS, nullptr, &before);
        tight = before;
        tight.rlim_cur = addressSpace() + (48 << 20);
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(process, RLIMIT_AS, &tight, nullptr));
        {
            // 180 MB, where there are 48.
            std::vector<RawClient> attackers = attack(200);
            CPPUNIT_ASSERT_MESSAGE(server->log(), server->runs());
            for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT_MESSAGE(server->log(), traffic->goesOn());
            // Who asked for what there was not has been let go.
            std::size_t ended = 0;
            for (RawClient& each : attackers) ended += each.readable(0ms);
            CPPUNIT_ASSERT_MESSAGE(server->log(), attackers.size() - ended < 100);
        }
        CPPUNIT_ASSERT_EQUAL(0, ::prlimit(process, RLIMIT_AS, &before, nullptr));
        judge(32 << 20);
    }

private:
    /// Nobody waits for the name server: neither clients and workers, nor who stops the server.
    void brokerIsNotFound(const std::string& url) {
        FaultServer::Options options;
        options.environment = {"LD_PRELOAD=" RESOLVER_SHIM};
        options.settings = {"cluster.manager=" + url};
        start(options);
        const auto end = std::chrono::steady_clock::now() + 6s;  // longer than one look-up takes
        while (std::chrono::steady_clock::now() < end) CPPUNIT_ASSERT(traffic->goesOn());
        CPPUNIT_ASSERT_MESSAGE(server->log(),
                               server->log().find("broker.invalid") != std::string::npos);
        judge();
    }

    static std::string temporaryName() {
        return (std::filesystem::temp_directory_path() /
                ("socketio-log-" + std::to_string(::getpid())))
            .string();
    }

    static FaultServer::Options shimmed(const SharedNumbers& orders) {
        FaultServer::Options options;
        options.environment = {"LD_PRELOAD=" ALLOCATION_SHIM,
                               "SOCKETIO_ALLOCATIONS=" + orders.path()};
        options.settings = {"engine.pingInterval=2000", "engine.pingTimeout=2000",
                            "engine.connectTimeout=3000"};
        return options;
    }

    /// Each leaves some lines in a log with debug lines.
    void openSessions(int count) {
        for (int i = 0; i < count; ++i) {
            PollingClient client(server->port());
            client.connect();
            client.post("1");
        }
    }

    std::vector<RawClient> attack(int clients) {
        std::vector<RawClient> attackers;
        for (int i = 0; i < clients; ++i) {
            try {
                WebSocketClient client(server->port());
                client.connect();
                sendHalfAMessage(client.raw(), i);
                attackers.push_back(std::move(client.raw()));
            } catch (const std::runtime_error&) {
                // Refused, or cut off: as it should be.
            }
        }
        return attackers;
    }

    std::size_t addressSpace() const {
        std::ifstream statm("/proc/" + std::to_string(server->pid()) + "/statm");
        std::size_t pages = 0;
        statm >> pages;
        return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ResourceFaultTest);

}  // namespace socketio::test
