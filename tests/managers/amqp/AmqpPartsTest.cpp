#include <string>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "AmqpUrl.h"
#include "ConfirmWindow.h"
#include "DeliveryHistory.h"

namespace socketio::amqp {

class AmqpUrlTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpUrlTest);
    CPPUNIT_TEST(readsUrlsAsKombuDoes);
    CPPUNIT_TEST(readsTheParametersOfTls);
    CPPUNIT_TEST(refusesWhatIsNone);
    CPPUNIT_TEST(neverShowsAPassword);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsUrlsAsKombuDoes() {
        struct Case {
            const char *url, *user, *password, *text;
        };
        const Case cases[] = {
            {"amqp://guest:guest@localhost:5672//", "guest", "guest", "amqp://localhost:5672//"},
            {"amqp://", "guest", "guest", "amqp://localhost:5672//"},
            {"amqp://host", "guest", "guest", "amqp://host:5672//"},
            {"amqp://host/", "guest", "guest", "amqp://host:5672//"},
            {"amqp://host/%2F", "guest", "guest", "amqp://host:5672//"},
            {"amqp://host:1/sio", "guest", "guest", "amqp://host:1/sio"},
            {"AMQPS://me@host", "me", "guest", "amqps://host:5671//"},
            {"amqp://me:a%3Ab%40%2f@host", "me", "a:b@/", "amqp://host:5672//"},
            {"amqp://me:a@b@host", "me", "a@b", "amqp://host:5672//"},
            {"amqp://me:@host", "me", "", "amqp://host:5672//"},
            {"amqp://[::1]:2/", "guest", "guest", "amqp://[::1]:2//"},
            {"amqp://[::1]", "guest", "guest", "amqp://[::1]:5672//"},
        };
        for (const Case& each : cases) {
            const AmqpUrl url = AmqpUrl::parse(each.url);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each.url, std::string(each.text), url.text());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each.url, std::string(each.user), url.user);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each.url, std::string(each.password), url.password);
        }
    }

    void readsTheParametersOfTls() {
        const AmqpUrl url = AmqpUrl::parse(
            "amqps://host?cacertfile=/a%20b&certfile=c&keyfile=k&verify=verify_none");
        CPPUNIT_ASSERT_EQUAL(std::string("/a b"), url.caFile);
        CPPUNIT_ASSERT_EQUAL(std::string("c"), url.certificateFile);
        CPPUNIT_ASSERT_EQUAL(std::string("k"), url.keyFile);
        CPPUNIT_ASSERT(!url.verify);
        CPPUNIT_ASSERT(AmqpUrl::parse("amqps://host").verify);
    }

    void refusesWhatIsNone() {
        for (const char* url :
             {"", "host", "amqp:host", "redis://host", "amqp://host:x", "amqp://host:0",
              "amqp://host:65536", "amqp://host:1x", "amqp://[::1", "amqp://[::1]x",
              "amqp://host?what=1", "amqps://host?verify=no", "amqps://host?keyfile=k"})
            CPPUNIT_ASSERT_THROW_MESSAGE(url, AmqpUrl::parse(url), Poco::SyntaxException);
    }

    void neverShowsAPassword() {
        for (const char* url :
             {"amqp://me:secret@host:x", "amqp://me:12/secret@host", "amqp://me:1?secret@host",
              "me:secret@host", "amq://me:secret@host", "amqp://me:secret@[host"}) {
            try {
                const AmqpUrl parsed = AmqpUrl::parse(url);
                CPPUNIT_FAIL(url);
            } catch (const Poco::SyntaxException& e) {
                CPPUNIT_ASSERT_MESSAGE(url, e.displayText().find("secret") == std::string::npos);
            }
        }
    }
};

class ConfirmWindowTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConfirmWindowTest);
    CPPUNIT_TEST(countsWhatIsConfirmed);
    CPPUNIT_TEST_SUITE_END();

public:
    void countsWhatIsConfirmed() {
        ConfirmWindow window;
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), window.settle(1, true));
        for (int i = 0; i < 10; ++i) window.published();
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), window.settle(3, false));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), window.settle(3, false));
        CPPUNIT_ASSERT_EQUAL(std::size_t(4), window.settle(5, true));  // 1, 2, 4, 5
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), window.settle(2, true));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), window.settle(11, true));  // never sent
        CPPUNIT_ASSERT_EQUAL(std::size_t(5), window.size());
        window.published();
        CPPUNIT_ASSERT_EQUAL(std::size_t(6), window.settle(11, true));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), window.size());
    }
};

class DeliveryHistoryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DeliveryHistoryTest);
    CPPUNIT_TEST(leavesOutWhatIsRepeated);
    CPPUNIT_TEST(equalMessagesAreNew);
    CPPUNIT_TEST(whatIsSettledIsNotRepeated);
    CPPUNIT_TEST(remembersOverSeveralLosses);
    CPPUNIT_TEST_SUITE_END();

public:
    void leavesOutWhatIsRepeated() {
        DeliveryHistory history(10);
        CPPUNIT_ASSERT(history.isNew(1, false, "a"));
        CPPUNIT_ASSERT(history.isNew(2, false, "b"));
        CPPUNIT_ASSERT(history.isNew(3, false, "c"));
        history.connectionLost();
        // The ack of the first one had arrived; d was on its way.
        CPPUNIT_ASSERT(!history.isNew(1, true, "b"));
        CPPUNIT_ASSERT(!history.isNew(2, true, "c"));
        CPPUNIT_ASSERT(history.isNew(3, true, "d"));
        CPPUNIT_ASSERT(history.isNew(4, false, "b"));
    }

    void equalMessagesAreNew() {
        DeliveryHistory history(10);
        CPPUNIT_ASSERT(history.isNew(1, false, "a"));
        CPPUNIT_ASSERT(history.isNew(2, false, "a"));
        history.connectionLost();
        CPPUNIT_ASSERT(!history.isNew(1, true, "a"));
        CPPUNIT_ASSERT(!history.isNew(2, true, "a"));
        CPPUNIT_ASSERT(history.isNew(3, true, "a"));
        CPPUNIT_ASSERT(history.isNew(4, false, "a"));
    }

    void whatIsSettledIsNotRepeated() {
        DeliveryHistory history(10);
        for (std::uint64_t tag = 1; tag <= 5; ++tag) history.isNew(tag, false, "tick");
        history.settled(4);
        history.connectionLost();
        CPPUNIT_ASSERT(!history.isNew(1, true, "tick"));
        CPPUNIT_ASSERT(history.isNew(2, true, "tick"));
    }

    void remembersOverSeveralLosses() {
        DeliveryHistory history(10);
        for (std::uint64_t tag = 1; tag <= 4; ++tag) history.isNew(tag, false, std::to_string(tag));
        history.connectionLost();
        CPPUNIT_ASSERT(!history.isNew(1, true, "1"));
        CPPUNIT_ASSERT(!history.isNew(2, true, "2"));
        history.connectionLost();
        for (const char* each : {"1", "2", "3", "4"}) CPPUNIT_ASSERT(!history.isNew(1, true, each));
        CPPUNIT_ASSERT(history.isNew(5, true, "5"));
        history.connectionLost();
        history.connectionLost();
        CPPUNIT_ASSERT(history.isNew(1, false, "6"));
        CPPUNIT_ASSERT(history.isNew(2, true, "5"));  // not repeated in its time: another one
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpUrlTest);
CPPUNIT_TEST_SUITE_REGISTRATION(ConfirmWindowTest);
CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryHistoryTest);

}  // namespace socketio::amqp
