#include <string>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/managers/ManagerUrls.h"

namespace socketio {

class ManagerUrlsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ManagerUrlsTest);
    CPPUNIT_TEST(makesTheManagerOfTheScheme);
    CPPUNIT_TEST(anUnknownSchemeListsThoseThereAre);
    CPPUNIT_TEST(neverShowsAPassword);
    CPPUNIT_TEST_SUITE_END();

public:
    void makesTheManagerOfTheScheme() {
        CPPUNIT_ASSERT(createManager("memory://"));
        CPPUNIT_ASSERT(!std::dynamic_pointer_cast<PubSubManager>(createManager("memory://")));
        for (const char* url : {
#ifdef SOCKETIO_WITH_REDIS
                 "redis://",
                 "REDIS://localhost:1/2",
                 "rediss://localhost",
                 "unix:///tmp/none",
#endif
#ifdef SOCKETIO_WITH_AMQP
                 "amqp://",
                 "amqps://me:secret@localhost//",
#endif
             }) {
            PubSubOptions options;
            options.dialect = QueueDialect::Pickle;
            const auto manager =
                std::dynamic_pointer_cast<PubSubManager>(createManager(url, "c", true, options));
            CPPUNIT_ASSERT_MESSAGE(url, manager);
            CPPUNIT_ASSERT_EQUAL(std::string("c"), manager->channel());
            CPPUNIT_ASSERT(manager->writeOnly());
        }
#ifdef SOCKETIO_WITH_REDIS
        struct Case {
            const char *url, *channel;
        };
        const Case cases[] = {{"kombu+redis://", "/0.c"},
                              {"kombu+redis://localhost", "/0.c"},
                              {"kombu+redis://me:secret@localhost:1/", "/0.c"},
                              {"kombu+redis://localhost/3", "/3.c"},
                              {"kombu+redis://localhost/03", "/3.c"},
                              {"kombu+rediss://localhost/4?ssl_cert_reqs=none", "/4.c"}};
        for (const Case& each : cases) {
            const auto manager =
                std::dynamic_pointer_cast<PubSubManager>(createManager(each.url, "c"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each.url, std::string(each.channel), manager->channel());
        }
#endif
    }

    void anUnknownSchemeListsThoseThereAre() {
        for (const char* url : {"zmq://localhost", "localhost:6379", "", "://", "redis:/x"}) {
            const std::string error = errorOf(url);
            CPPUNIT_ASSERT_MESSAGE(error, error.find("memory://") != error.npos);
#ifdef SOCKETIO_WITH_REDIS
            CPPUNIT_ASSERT_MESSAGE(error, error.find("kombu+redis://") != error.npos);
#endif
#ifdef SOCKETIO_WITH_AMQP
            CPPUNIT_ASSERT_MESSAGE(error, error.find("amqps://") != error.npos);
#endif
        }
        CPPUNIT_ASSERT(errorOf("zmq://localhost").find("zmq://;") != std::string::npos);
    }

    void neverShowsAPassword() {
        for (const char* url :
             {"zmq://me:secret@localhost", "me:secret@localhost", "kombu+redis://me:secret@host:x",
              "redis://me:secret@host:x", "amqp://me:secret@host:x"})
            CPPUNIT_ASSERT_MESSAGE(url, errorOf(url).find("secret") == std::string::npos);
    }

private:
    static std::string errorOf(const std::string& url) {
        try {
            createManager(url);
        } catch (const Poco::SyntaxException& e) {
            return e.displayText();
        }
        CPPUNIT_FAIL("taken: " + url);
        return {};
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ManagerUrlsTest);

}  // namespace socketio
