#include <stdexcept>
#include <string>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Log.h"

namespace socketio {

namespace {

/// Writes down what it gets, until its disk is full.
class DiskChannel : public Poco::Channel {
public:
    void log(const Poco::Message& message) override {
        ++count;
        if (full) throw Poco::WriteFileException("no space left on device");
        text += std::to_string(message.getPriority()) + message.getText() + " ";
    }
    std::string text;
    int count = 0;
    bool full = false;
};

}  // namespace

class LogTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LogTest);
    CPPUNIT_TEST(writesWithThePriority);
    CPPUNIT_TEST(aChannelThatFailsIsNotHeardOf);
    CPPUNIT_TEST(whateverWasThrownHasAText);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        channel = new DiskChannel;
        Poco::Logger::get("socketio.log.test").setChannel(channel);
        Poco::Logger::get("socketio.log.test").setLevel(Poco::Message::PRIO_INFORMATION);
    }
    void tearDown() override { Poco::Logger::get("socketio.log.test").setChannel(nullptr); }

    void writesWithThePriority() {
        const Log log("socketio.log.test");
        log.critical("c");
        log.error("e");
        log.warning("w");
        log.information("i");
        log.debug("d");
        CPPUNIT_ASSERT_EQUAL(std::string("2c 3e 4w 6i "), channel->text);
        CPPUNIT_ASSERT(log.information() && !log.debug());
    }

    void whateverWasThrownHasAText() {
        const auto textOf = [](auto thrown) {
            try {
                throw thrown;
            } catch (...) {
                return exceptionText();
            }
        };
        CPPUNIT_ASSERT_EQUAL(std::string("Timeout: too late"),
                             textOf(Poco::TimeoutException("too late")));
        CPPUNIT_ASSERT_EQUAL(std::string("no"), textOf(std::runtime_error("no")));
        CPPUNIT_ASSERT_EQUAL(std::string("an exception of unknown type"), textOf(42));
    }

    void aChannelThatFailsIsNotHeardOf() {
        const Log log(Poco::Logger::get("socketio.log.test"));
        channel->full = true;
        log.critical("c");
        log.error("e");
        log.warning("w");
        log.information("i");
        CPPUNIT_ASSERT_EQUAL(4, channel->count);
    }

private:
    Poco::AutoPtr<DiskChannel> channel;
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogTest);

}  // namespace socketio
