#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/managers/RedisManager.h"

#include "RawRedis.h"
#include "TrafficFaults.h"
#include "support/RedisServer.h"
#include "support/Waiting.h"

namespace socketio::test {

using std::chrono::seconds;

class RedisTrafficFaultsTest : public TrafficFaults {
    CPPUNIT_TEST_SUITE(RedisTrafficFaultsTest);
    FAULT_TEST(redisIsKilledAndBackAfterFiveSeconds);
    FAULT_TEST(redisStandsStill);
    FAULT_TEST(redisDropsItsSubscribers);
    FAULT_TEST(aMessageIsTooLargeForRedis);
    FAULT_TEST(aServerIsKilled);
    FAULT_TEST(hostileMessages);
    CPPUNIT_TEST_SUITE_END();

public:
    void redisIsKilledAndBackAfterFiveSeconds() {
        begin();
        _server.kill();
        CPPUNIT_ASSERT(eventually([&] {
            for (std::size_t server = 0; server < NumberedCluster::kServers; ++server)
                if (cluster().node(server).manager->lastError().empty()) return false;
            return true;
        }));
        const NumberedMessages::Mark noticed = cluster().messages().mark();
        goOn(seconds(5));
        _server.start();
        comesBack(seconds(2));
        end("Redis killed for 5 s");
        // What was emitted in the outage waited, and everybody got it: who publishes waits for
        // the listeners of the others, but only for a second.
        const auto lost = cluster().messages().lost([](auto, auto) { return true; }, noticed);
        inTime(lost == 0, std::to_string(lost) + " of the outage lost");
    }

    // Longer than it takes to be noticed, and longer than messages wait.
    void redisStandsStill() {
        begin();
        _server.pause();
        goOn(seconds(30));
        _server.resume();
        comesBack(seconds(2));
        end("Redis stopped for 30 s");
        CPPUNIT_ASSERT(dropped() > 0);
    }

    void redisDropsItsSubscribers() {
        begin();
        RawRedis(_server).command({"CLIENT", "KILL", "TYPE", "pubsub"});
        comesBack(seconds(2));
        end("Redis drops its subscribers");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), dropped());
    }

    // Redis cuts all who should hear more than 32 MB at once.
    void aMessageIsTooLargeForRedis() {
        begin();
        say(std::string(64 << 20, 'x'), 1);
        CPPUNIT_ASSERT(eventually([&] {
            for (std::size_t server = 0; server < NumberedCluster::kServers; ++server)
                if (cluster().counted(server).reconnects < 1) return false;
            return true;
        }));
        comesBack(seconds(2));
        end("a message of 64 MB");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), dropped());
    }

private:
    std::size_t hugeBytes() const override { return 20 << 20; }
    std::shared_ptr<PubSubManager> makeManager() override {
        return std::make_shared<RedisManager>(url());
    }
    std::string url() override { return _server.url(); }
    void say(const std::string& payload, int times) override {
        RawRedis redis(_server);
        for (; times > 0; times -= 10'000) redis.publish(payload, std::min(times, 10'000));
    }

    RedisServer _server;
};
CPPUNIT_TEST_SUITE_REGISTRATION(RedisTrafficFaultsTest);

}  // namespace socketio::test
