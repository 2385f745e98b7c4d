// Section "descriptors above 1,024": what is opened when they are all taken works as well, so that
// no select() is left anywhere.
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadFixture.h"
#include "LoadLoop.h"
#include "RabbitServer.h"
#include "TemporaryFolder.h"
#include "support/RawClient.h"
#include "support/RedisServer.h"
#include "support/Waiting.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kSetSize = 1024;  // FD_SETSIZE

/// What each descriptor of the process is: a path, or "socket:[inode]".
std::map<std::size_t, std::string> descriptors(pid_t pid) {
    std::map<std::size_t, std::string> all;
    std::error_code gone;  // closed meanwhile
    for (const auto& each :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
        if (const auto target = std::filesystem::read_symlink(each.path(), gone); !gone)
            all[std::stoul(each.path().filename())] = target;
    return all;
}

/// The connections of the process to this port of the loopback.
std::vector<std::size_t> connectionsTo(std::uint16_t port, pid_t pid) {
    std::set<std::string> sockets;
    for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::string number, local, remote, state, skipped, inode;
            words >> number >> local >> remote >> state;
            for (int i = 0; i < 5; ++i) words >> skipped;
            words >> inode;
            constexpr const char* kEstablished = "01";
            if (state == kEstablished &&
                std::stoul(remote.substr(remote.find(':') + 1), nullptr, 16) == port)
                sockets.insert("socket:[" + inode + "]");
        }
    }
    std::vector<std::size_t> found;
    for (const auto& [descriptor, what] : descriptors(pid))
        if (sockets.count(what) > 0) found.push_back(descriptor);
    return found;
}

}  // namespace

class DescriptorsTest : public LoadFixture {
    CPPUNIT_TEST_SUITE(DescriptorsTest);
    CPPUNIT_TEST(joinsOthersOverRedis);
    CPPUNIT_TEST(joinsOthersOverRabbit);
    CPPUNIT_TEST(takesClientsOfEveryKind);
    CPPUNIT_TEST(logsAndServesFiles);
    CPPUNIT_TEST_SUITE_END();

public:
    void joinsOthersOverRedis() {
        RedisServer redis({"--port", "{port}"}, false);
        joinsOthers(redis.url(), redis.port(), "redis", [&] { redis.start(); });
    }

    void joinsOthersOverRabbit() {
        RabbitServer rabbit;
        rabbit.kill();
        joinsOthers(rabbit.url(), rabbit.port(), "rabbitmq", [&] { rabbit.start(); });
    }

    void takesClientsOfEveryKind() {
        start();
        LoadClients& crowd = takeThemAll();
        constexpr std::size_t kCount = 20;
        addClients("polling", server->port());
        addClients("fastcgi", server->fastCgiPort());
        addClients("tls", server->tlsPort());
        for (std::size_t i = 1; i < crowds.size(); ++i) {
            crowds[i]->join(kCount, 0ms);
            waitForJoined(*crowds[i], kCount);
        }
        serveEverybody();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMany), crowd.counts()["joined"]);
    }

    void logsAndServesFiles() {
        const TemporaryFolder folder;
        const std::string logs[] = {folder.path() + "/server.log", folder.path() + "/access.log"};
        const std::string content(3 << 20, 'x');
        std::ofstream(folder.path() + "/large") << content;
        start({"log.file=" + logs[0], "log.level=debug", "access.file=" + logs[1],
               "server.www=" + folder.path()});
        takeThemAll();
        for (const std::string& each : logs) std::filesystem::rename(each, each + ".old");
        server->signal(SIGHUP);
        for (const std::string& each : logs)
            CPPUNIT_ASSERT(eventually([&] { return std::filesystem::exists(each); }));
        RawClient client(server->port(), {"127.0.0.1", kPatience});
        CPPUNIT_ASSERT(client.get("/large").body == content);
        for (const std::string& each : logs)
            CPPUNIT_ASSERT(eventually([&] { return std::filesystem::file_size(each) > 0; }));
        // The second to be opened may get the descriptor that the first had before.
        bool high = false;
        for (const auto& [descriptor, what] : descriptors(server->pid()))
            high |= (what == logs[0] || what == logs[1]) && descriptor > kSetSize;
        CPPUNIT_ASSERT(high);
    }

private:
    static constexpr std::size_t kMany = 2000;

    /// So many clients that no descriptor below 1,024 is free.
    LoadClients& takeThemAll() {
        LoadClients& clients = addClients("websocket", server->port());
        clients.join(kMany, 0ms);
        waitForJoined(clients, kMany);
        std::size_t low = 0;
        for (const auto& [descriptor, what] : descriptors(server->pid()))
            low += descriptor < kSetSize;
        CPPUNIT_ASSERT_EQUAL(kSetSize, low);
        return clients;
    }

    /// A server whose broker starts when its clients are there, and one that has few.
    void joinsOthers(const std::string& url, std::uint16_t port, const char* name,
                     const std::function<void()>& startBroker) {
        const std::string setting = "cluster.manager=" + url;
        start({setting});
        takeThemAll();
        FaultServer::Options options;
        options.settings = {setting};
        FaultServer other(options);
        addClients("websocket", other.port());
        crowds[1]->join(5, 0ms);
        CPPUNIT_ASSERT(crowds[1]->waitUntil(
            [](LoadClients::Counts& counts) { return counts["joined"] == 5; }, kPatience));
        startBroker();

        // Until both have subscribed, what the other emits is lost; then nothing is.
        for (FaultServer* const each : {&other, server.get()})
            CPPUNIT_ASSERT(eventually([&] { return emitFrom(*each, 200ms); }, kPatience));
        std::vector<std::uint64_t> lost;
        for (const auto& each : crowds) lost.push_back(each->counts()["early"]);
        for (int i = 0; i < 3; ++i)
            for (FaultServer* const each : {&other, server.get()})
                CPPUNIT_ASSERT(emitFrom(*each, kPatience));
        for (std::size_t i = 0; i < crowds.size(); ++i) {
            LoadClients::Counts counts = crowds[i]->counts();
            CPPUNIT_ASSERT_EQUAL(lost[i], counts["early"]);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0),
                                 counts["late"] + counts["wrong"] + counts["dropped"]);
        }
        const std::vector<std::size_t> connections = connectionsTo(port, server->pid());
        CPPUNIT_ASSERT(!connections.empty());
        for (const std::size_t each : connections) CPPUNIT_ASSERT(each > kSetSize);
        std::printf("%s: heard by %s clients, over the descriptor %zu\n", name,
                    grouped(kMany).c_str(), connections[0]);
    }

    /// True when all clients of both have heard it in time.
    bool emitFrom(FaultServer& who, Milliseconds time) {
        for (const auto& each : crowds) each->lastBroadcast(_number + 1);
        who.emit("*", std::to_string(++_number) + " " + std::to_string(LoadLoop::now()));
        for (const auto& each : crowds)
            if (!each->waitUntil([](LoadClients::Counts& counts) { return counts["behind"] == 0; },
                                 time))
                return false;
        return true;
    }

    std::uint64_t _number = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(DescriptorsTest);

}  // namespace socketio::test
