// What every manager with a queue has to do, through a real redis-server.
#include <memory>
#include <string>

#include "../PubSubSuite.h"
#include "RawRedis.h"
#include "support/RedisServer.h"

namespace socketio {

class RedisSuiteTest : public test::PubSubSuite {
    CPPUNIT_TEST_SUB_SUITE(RedisSuiteTest, test::PubSubSuite);
    CPPUNIT_TEST_SUITE_END();

public:
    std::shared_ptr<PubSubManager> makeManager(bool writeOnly, PubSubOptions options) override {
        return std::make_shared<RedisManager>(server.url(), "socketio", writeOnly, options);
    }
    void inject(const std::string& payload) override { raw.publish(payload, 1); }

private:
    test::RedisServer server;
    test::RawRedis raw{server};
};

CPPUNIT_TEST_SUITE_REGISTRATION(RedisSuiteTest);

}  // namespace socketio
