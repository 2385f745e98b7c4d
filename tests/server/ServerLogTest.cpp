#include <atomic>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "ServerLog.h"
#include "support/ManualExecutor.h"

namespace socketio {

using namespace std::chrono_literals;

namespace {

class Lines : public Poco::Channel {
public:
    void log(const Poco::Message& message) override { lines.push_back(message.getText()); }
    std::vector<std::string> lines;
};

}  // namespace

class ServerLogTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ServerLogTest);
    CPPUNIT_TEST(writesAHundredLinesASecondOfEachKind);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesAHundredLinesASecondOfEachKind() {
        const Poco::AutoPtr<Lines> channel(new Lines);
        Poco::Logger& logger = Poco::Logger::get("socketio.test.server-log");
        logger.setChannel(channel);
        logger.setLevel(Poco::Message::PRIO_INFORMATION);
        test::FakeClock clock;
        std::atomic<std::uint64_t> leftOut{0};
        ServerLog log(logger, {}, leftOut);
        log.setClock(clock);

        for (int i = 0; i < 150; ++i) log.error(ServerLog::Kind::Handler, "bad");
        CPPUNIT_ASSERT_EQUAL(std::size_t(100), channel->lines.size());
        // The others have their own.
        for (int i = 0; i < 15; ++i) log.warning(ServerLog::Kind::Packet, "worse");
        CPPUNIT_ASSERT_EQUAL(std::size_t(110), channel->lines.size());

        clock.advance(999ms);
        log.error(ServerLog::Kind::Handler, "bad");
        CPPUNIT_ASSERT_EQUAL(std::size_t(110), channel->lines.size());
        clock.advance(1ms);
        log.error(ServerLog::Kind::Handler, "bad");
        log.error(ServerLog::Kind::Handler, "bad");
        CPPUNIT_ASSERT_EQUAL(std::size_t(112), channel->lines.size());
        CPPUNIT_ASSERT_EQUAL(std::string("bad (51 similar lines before it were left out)"),
                             channel->lines[110]);
        CPPUNIT_ASSERT_EQUAL(std::string("bad"), channel->lines[111]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(50 + 5 + 1), leftOut.load());
        log.error(ServerLog::Kind::Task, std::string(5000, 'x'));
        CPPUNIT_ASSERT_EQUAL(std::string(1000, 'x') + "...", channel->lines[112]);
        logger.setChannel(nullptr);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ServerLogTest);

}  // namespace socketio
