#include <set>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/AddressKey.h"
#include "socketio/base/Limits.h"

namespace socketio {

using namespace std::chrono_literals;

namespace {

class Lines : public Poco::Channel {
public:
    void log(const Poco::Message& message) override { lines.push_back(message.getText()); }
    std::vector<std::string> lines;
};

}  // namespace

class LimitsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LimitsTest);
    CPPUNIT_TEST(eachHasANameOfItsOwn);
    CPPUNIT_TEST(countsAllAndWritesALineASecond);
    CPPUNIT_TEST(everydayLifeIsForDebugging);
    CPPUNIT_TEST(clientsAreToldApartByTheirAddresses);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        channel = new Lines;
        logger.setChannel(channel);
        logger.setLevel(Poco::Message::PRIO_INFORMATION);
    }
    void tearDown() override { logger.setChannel(nullptr); }

    void eachHasANameOfItsOwn() {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < kLimitCount; ++i) names.insert(toString(static_cast<Limit>(i)));
        CPPUNIT_ASSERT_EQUAL(kLimitCount, names.size());
    }

    void countsAllAndWritesALineASecond() {
        LimitCounters limits;
        const Log log(logger);
        TimePoint now = TimePoint() + 1h;
        int made = 0;
        const auto text = [&made] {
            ++made;
            return std::string("a peer did it");
        };
        for (int i = 0; i < 500; ++i) limits.reached(Limit::Headers, log, now, text);
        // Others have their own.
        limits.reached(Limit::HeadTime, log, now, "a slow one");
        now += 999ms;
        limits.reached(Limit::Headers, log, now, text);
        now += 1ms;
        limits.reached(Limit::Headers, log, now, text);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(502), limits.count(Limit::Headers));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), limits.count(Limit::HeadTime));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), limits.count(Limit::BodyTime));
        const std::vector<std::string> expected{"a peer did it [limit headers]",
                                                "a slow one [limit headTime]",
                                                "a peer did it [limit headers] (and 500 more)"};
        CPPUNIT_ASSERT(expected == channel->lines);
        CPPUNIT_ASSERT_EQUAL(2, made);  // no text is made for nothing
    }

    void everydayLifeIsForDebugging() {
        LimitCounters limits;
        const Log log(logger);
        limits.reached(Limit::KeepAliveTime, log, TimePoint() + 1h, "idle");
        CPPUNIT_ASSERT(channel->lines.empty());
        logger.setLevel(Poco::Message::PRIO_DEBUG);
        limits.reached(Limit::KeepAliveTime, log, TimePoint() + 1h, "idle");
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), channel->lines.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), limits.count(Limit::KeepAliveTime));
    }

    void clientsAreToldApartByTheirAddresses() {
        const char* same[][2] = {
            {"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db9::1", "2001:db9::ffff:1"}, {"::1", "::2"}};
        for (const auto& [one, other] : same) {
            CPPUNIT_ASSERT_MESSAGE(one, addressKey(one).value_or(0) != 0);
            CPPUNIT_ASSERT_MESSAGE(one, addressKey(one) == addressKey(other));
        }
        const char* different[][2] = {
            {"192.0.2.1", "192.0.2.2"}, {"2001:db9::1", "2001:db9:0:1::1"}, {"0.0.0.1", "::1"}};
        for (const auto& [one, other] : different)
            CPPUNIT_ASSERT_MESSAGE(one, addressKey(one) != addressKey(other));
        for (const char* none : {"", "unix", "192.0.2", "example.org", "1.2.3.4 "})
            CPPUNIT_ASSERT_MESSAGE(none, !addressKey(none));
    }

private:
    Poco::Logger& logger = Poco::Logger::get("socketio.test.limits");
    Poco::AutoPtr<Lines> channel;
};

CPPUNIT_TEST_SUITE_REGISTRATION(LimitsTest);

}  // namespace socketio
