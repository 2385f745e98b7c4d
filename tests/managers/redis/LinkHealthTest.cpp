#include <string>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LinkHealth.h"

namespace socketio {

using namespace std::chrono_literals;
using Link = LinkHealth::Link;

class LinkHealthTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LinkHealthTest);
    CPPUNIT_TEST(countsAnOutageWhenBothWorkAgain);
    CPPUNIT_TEST(aFirstConnectionIsNoReconnection);
    CPPUNIT_TEST(logsAtMostOneFailureIn10Seconds);
    CPPUNIT_TEST_SUITE_END();

public:
    void countsAnOutageWhenBothWorkAgain() {
        bothUp();
        CPPUNIT_ASSERT_EQUAL(std::string("r: gone"), down(Link::Listening, "gone"));
        CPPUNIT_ASSERT_EQUAL(std::string("r: gone"), health.error());
        down(Link::Publishing, "gone as well");
        now += 1500ms;
        CPPUNIT_ASSERT(!health.up(Link::Listening, now).reconnected);
        CPPUNIT_ASSERT_EQUAL(std::string("r: gone as well"), health.error());
        const LinkHealth::News news = health.up(Link::Publishing, now);
        CPPUNIT_ASSERT(news.reconnected && !news.bad);
        CPPUNIT_ASSERT_EQUAL(std::string("r: back after 1.5 s"), news.line);
        CPPUNIT_ASSERT_EQUAL(std::string(), health.error());
    }

    void aFirstConnectionIsNoReconnection() {
        CPPUNIT_ASSERT_EQUAL(std::string("r: refused"), down(Link::Listening, "refused"));
        down(Link::Publishing, "refused");
        now += 2s;
        health.up(Link::Publishing, now);
        const LinkHealth::News news = health.up(Link::Listening, now);
        CPPUNIT_ASSERT(!news.reconnected);
        CPPUNIT_ASSERT_EQUAL(std::string("r: reached after 2.0 s"), news.line);
    }

    void logsAtMostOneFailureIn10Seconds() {
        bothUp();
        int lines = 0, reconnects = 0;
        // Accepted and closed at once, ten times a second for a minute.
        for (int i = 0; i < 600; ++i, now += 100ms) {
            lines += !down(Link::Listening, "closed").empty();
            const LinkHealth::News news = health.up(Link::Listening, now);
            lines += !news.line.empty();
            reconnects += news.reconnected;
        }
        CPPUNIT_ASSERT_EQUAL(12, lines);  // each with its end
        CPPUNIT_ASSERT_EQUAL(600, reconnects);
        // Down all the time.
        now += 10s;
        CPPUNIT_ASSERT_EQUAL(std::string("r: refused"), down(Link::Listening, "refused"));
        now += 9900ms;
        CPPUNIT_ASSERT_EQUAL(std::string(), down(Link::Listening, "refused"));
        now += 100ms;
        CPPUNIT_ASSERT_EQUAL(std::string("r: still down after 10.0 s: refused"),
                             down(Link::Listening, "refused"));
    }

private:
    void bothUp() {
        CPPUNIT_ASSERT(health.up(Link::Listening, now).line.empty());
        const LinkHealth::News news = health.up(Link::Publishing, now);
        CPPUNIT_ASSERT(news.line.empty() && !news.reconnected);
    }
    std::string down(Link link, const std::string& why) { return health.down(link, why, now).line; }

    LinkHealth health{"r"};
    TimePoint now{1000s};
};

CPPUNIT_TEST_SUITE_REGISTRATION(LinkHealthTest);

}  // namespace socketio
