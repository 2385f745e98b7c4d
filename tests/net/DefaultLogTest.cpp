#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/NullChannel.h>
#include <cppunit/extensions/HelperMacros.h>

#include "DefaultLog.h"

namespace socketio::test {

namespace {

using Poco::Logger;

class DefaultLogTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DefaultLogTest);
    CPPUNIT_TEST(warningsAreSeenInAProgramThatHasNoLog);
    CPPUNIT_TEST(theChannelOfTheProgramIsUsedEvenIfItCameLater);
    CPPUNIT_TEST(aLoggerWithAChannelOfItsOwnKeepsIt);
    CPPUNIT_TEST_SUITE_END();

    Poco::AutoPtr<Poco::Channel> _root{Logger::root().getChannel(), true};

public:
    void setUp() override {
        Logger::setChannel("socketio", nullptr);
        Logger::root().setChannel(nullptr);
    }
    void tearDown() override {
        Logger::root().setChannel(_root);
        Logger::setChannel("socketio", _root);
        Logger::setLevel("socketio", Logger::root().getLevel());
    }

    void warningsAreSeenInAProgramThatHasNoLog() {
        Logger& early = Logger::get("socketio.early");
        CPPUNIT_ASSERT(!early.getChannel());
        ensureLogChannel();
        for (Logger* logger : {&early, &Logger::get("socketio.late")}) {
            CPPUNIT_ASSERT(logger->getChannel());
            CPPUNIT_ASSERT(logger->warning());
            CPPUNIT_ASSERT(!logger->notice());
        }
        CPPUNIT_ASSERT(!Logger::root().getChannel());
    }

    void theChannelOfTheProgramIsUsedEvenIfItCameLater() {
        Logger& ours = Logger::get("socketio.early");
        const Poco::AutoPtr<Poco::Channel> channel(new Poco::NullChannel);
        Logger::root().setChannel(channel);
        ensureLogChannel();
        CPPUNIT_ASSERT(ours.getChannel() == channel);
        CPPUNIT_ASSERT_EQUAL(Logger::root().getLevel(), ours.getLevel());
    }

    void aLoggerWithAChannelOfItsOwnKeepsIt() {
        Logger& ours = Logger::get("socketio.early");
        const Poco::AutoPtr<Poco::Channel> channel(new Poco::NullChannel);
        ours.setChannel(channel);
        ensureLogChannel();
        CPPUNIT_ASSERT(ours.getChannel() == channel);
        CPPUNIT_ASSERT(Logger::get("socketio").getChannel() != channel);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DefaultLogTest);

}  // namespace

}  // namespace socketio::test
