#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <chrono>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/managers/AmqpManager.h"

#include "RabbitServer.h"
#include "TrafficFaults.h"
#include "support/Waiting.h"

namespace socketio::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Says on the channel what it likes.
class RawRabbit {
public:
    explicit RawRabbit(std::uint16_t port) {
        amqp_socket_t* const socket = amqp_tcp_socket_new(_state);
        if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK)
            throw std::runtime_error("no RabbitMQ");
        require(amqp_login(_state, "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
        amqp_channel_open(_state, 1);
        require(amqp_get_rpc_reply(_state));
    }
    ~RawRabbit() { amqp_destroy_connection(_state); }
    RawRabbit(const RawRabbit&) = delete;
    RawRabbit& operator=(const RawRabbit&) = delete;

    /// Returns when the broker has all of it.
    void publish(const std::string& payload, int times) {
        const amqp_bytes_t body{payload.size(), const_cast<char*>(payload.data())};
        for (int i = 0; i < times; ++i)
            amqp_basic_publish(_state, 1, amqp_cstring_bytes("socketio"), amqp_empty_bytes, 0, 0,
                               nullptr, body);
        require(amqp_channel_close(_state, 1, AMQP_REPLY_SUCCESS));
    }

private:
    static void require(const amqp_rpc_reply_t& reply) {
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("RabbitMQ refuses");
    }

    const amqp_connection_state_t _state = amqp_new_connection();
};

}  // namespace

class RabbitTrafficFaultsTest : public TrafficFaults {
    CPPUNIT_TEST_SUITE(RabbitTrafficFaultsTest);
    FAULT_TEST(theBrokerIsRestarted);
    FAULT_TEST(theBrokerClosesAllConnections);
    FAULT_TEST(theBrokerClosesTheConnectionsThatListen);
    FAULT_TEST(aQueueIsDeleted);
    FAULT_TEST(theBrokerHasNoMemory);
    FAULT_TEST(aServerIsKilled);
    FAULT_TEST(hostileMessages);
    CPPUNIT_TEST_SUITE_END();

public:
    void theBrokerIsRestarted() {
        begin();
        rabbit().kill();
        const NumberedMessages::Mark outage = cluster().messages().mark();
        goOn(seconds(2));
        rabbit().start();
        comesBack(seconds(2), outage);
        end("RabbitMQ restarted");
    }

    // Those that publish as well: what the broker had not confirmed may be lost, no more.
    void theBrokerClosesAllConnections() {
        begin();
        rabbit().control({"close_all_connections", "test"});
        comesBack(seconds(2));
        const std::uint64_t missed = end("RabbitMQ closes all connections");
        CPPUNIT_ASSERT(missed <= dropped() * (NumberedCluster::kServers - 1));
    }

    // The queues are kept, and so is what is in them.
    void theBrokerClosesTheConnectionsThatListen() {
        begin();
        int closed = 0;
        std::istringstream lines(
            rabbit().control({"list_connections", "pid", "client_properties"}));
        for (std::string line; std::getline(lines, line);)
            if (line.find("poco-socketio: listens") != line.npos) {
                rabbit().control({"close_connection", line.substr(0, line.find('\t')), "test"});
                ++closed;
            }
        CPPUNIT_ASSERT_EQUAL(static_cast<int>(NumberedCluster::kServers), closed);
        CPPUNIT_ASSERT(eventually([&] {
            for (std::size_t server = 0; server < NumberedCluster::kServers; ++server)
                if (cluster().counted(server).reconnects < 1) return false;
            return true;
        }));
        comesBack(seconds(2));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), end("RabbitMQ closes what listens"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), dropped());
    }

    void aQueueIsDeleted() {
        begin();
        const auto& manager = dynamic_cast<AmqpManager&>(*cluster().node(1).manager);
        rabbit().control({"delete_queue", manager.queueName()});
        comesBack(seconds(2));
        const std::uint64_t missed = end("a queue deleted");
        CPPUNIT_ASSERT_EQUAL(missed, cluster().counted(1).missed);  // nobody else's
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), dropped());
    }

    void theBrokerHasNoMemory() {
        _options.publishAge = seconds(2);
        begin();
        rabbit().control({"set_vm_memory_high_watermark", "0.0001"});
        CPPUNIT_ASSERT(eventually([&] { return dropped() > 0; }));
        goOn(seconds(2));
        rabbit().control({"set_vm_memory_high_watermark", "0.4"});
        comesBack(seconds(2));
        // Every message that a sender gave up is missed by the two others, and no other one.
        const std::uint64_t missed = end("RabbitMQ's memory alarm");
        CPPUNIT_ASSERT_EQUAL(dropped() * (NumberedCluster::kServers - 1), missed);
    }

private:
    static RabbitServer& rabbit() { return RabbitServer::shared(); }

    std::shared_ptr<PubSubManager> makeManager() override {
        return std::make_shared<AmqpManager>(url(), "socketio", false, _options);
    }
    std::string url() override { return rabbit().url(); }
    void say(const std::string& payload, int times) override {
        RawRabbit(rabbit().port()).publish(payload, times);
    }

    PubSubOptions _options;
};
CPPUNIT_TEST_SUITE_REGISTRATION(RabbitTrafficFaultsTest);

}  // namespace socketio::test
