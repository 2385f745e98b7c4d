#include <memory>
#include <string>

#include "socketio/managers/AmqpManager.h"

#include "NothingLost.h"
#include "RabbitServer.h"

namespace socketio::test {

class RabbitNothingLostTest : public NothingLost {
    CPPUNIT_TEST_SUITE(RabbitNothingLostTest);
    NOTHING_LOST_TESTS;
    CPPUNIT_TEST_SUITE_END();

    std::string broker() const override { return "RabbitMQ"; }
    std::shared_ptr<PubSubManager> makeManager() override {
        return std::make_shared<AmqpManager>(RabbitServer::shared().url());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RabbitNothingLostTest);

}  // namespace socketio::test
