// What every manager, and every one with a queue, has to do; over RabbitMQ.
#include <memory>
#include <string>

#include "socketio/managers/AmqpManager.h"

#include "../PubSubSuite.h"
#include "AmqpPublisher.h"
#include "RabbitServer.h"

namespace socketio {

namespace {

std::string newChannel() {
    static int number = 0;
    return "suite" + std::to_string(++number);
}

}  // namespace

class AmqpLocalTest : public test::ManagerSuite {
    CPPUNIT_TEST_SUB_SUITE(AmqpLocalTest, test::ManagerSuite);
    CPPUNIT_TEST_SUITE_END();

public:
    std::shared_ptr<ClientManager> makeManager() override {
        return std::make_shared<AmqpManager>(test::RabbitServer::shared().url(), newChannel());
    }
    bool isAlone() const override { return false; }
};

class AmqpSuiteTest : public test::PubSubSuite {
    CPPUNIT_TEST_SUB_SUITE(AmqpSuiteTest, test::PubSubSuite);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        _channel = newChannel();
        _raw = std::make_unique<amqp::AmqpPublisher>(
            _url, _options, _channel, PubSubOptions(),
            amqp::AmqpPublisher::Counts{[](std::size_t) {}, [](std::size_t) {}},
            [](const std::string&, bool) {});
        _raw->start();
        PubSubSuite::setUp();
    }
    void tearDown() override {
        PubSubSuite::tearDown();
        _raw->requestStop();
        _raw->join(Clock::system().now() + std::chrono::seconds(5));
        _raw.reset();
    }

    std::shared_ptr<PubSubManager> makeManager(bool writeOnly, PubSubOptions options) override {
        return std::make_shared<AmqpManager>(test::RabbitServer::shared().url(), _channel,
                                             writeOnly, options);
    }
    void inject(const std::string& payload) override {
        CPPUNIT_ASSERT(_raw->publish(payload));
        CPPUNIT_ASSERT(_raw->flush(Clock::system().now() + std::chrono::seconds(10)));
    }

private:
    const amqp::AmqpUrl _url = amqp::AmqpUrl::parse(test::RabbitServer::shared().url());
    const AmqpOptions _options{};
    std::string _channel;
    std::unique_ptr<amqp::AmqpPublisher> _raw;
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpLocalTest);
CPPUNIT_TEST_SUITE_REGISTRATION(AmqpSuiteTest);

}  // namespace socketio
