#include <string>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "RedisUrl.h"

namespace socketio {

class RedisUrlTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RedisUrlTest);
    CPPUNIT_TEST(readsTheForms);
    CPPUNIT_TEST(readsTheParametersOfTls);
    CPPUNIT_TEST(saysWhatIsWrong);
    CPPUNIT_TEST(neverShowsAPassword);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsTheForms() {
        struct Case {
            const char *url, *address, *user, *password;
            unsigned database;
        };
        const Case cases[] = {
            {"redis://", "localhost:6379", "", "", 0},
            {"redis:///", "localhost:6379", "", "", 0},
            {"REDIS://localhost:6379/0", "localhost:6379", "", "", 0},
            {"redis://example.org", "example.org:6379", "", "", 0},
            {"redis://example.org:7000/15", "example.org:7000", "", "", 15},
            {"redis://:7000", "localhost:7000", "", "", 0},
            {"redis://[::1]:7000/1", "[::1]:7000", "", "", 1},
            {"redis://[fe80::1]", "[fe80::1]:6379", "", "", 0},
            {"redis://:secret@h", "h:6379", "", "secret", 0},
            {"redis://ann:secret@h:1/2", "h:1", "ann", "secret", 2},
            {"redis://ann@h", "h:6379", "ann", "", 0},
            {"redis://a%40b:%2F%3a%25@h", "h:6379", "a@b", "/:%", 0},
            {"redis://ann:a:b@h", "h:6379", "ann", "a:b", 0},
            {"redis://ann:a@b@h", "h:6379", "ann", "a@b", 0},
            {"redis://h?db=3", "h:6379", "", "", 3},
            {"redis://h/1?db=3&username=ann&password=a%26b", "h:6379", "ann", "a&b", 3},
            {"redis://h/1#fragment", "h:6379", "", "", 1},
            {"rediss://h", "h:6379", "", "", 0},
            {"unix:///run/redis.sock", "/run/redis.sock", "", "", 0},
            {"unix://ann:secret@/run/redis.sock?db=2", "/run/redis.sock", "ann", "secret", 2},
            {"unix:///a%20b", "/a b", "", "", 0},
        };
        for (const Case& c : cases) {
            const RedisUrl url = RedisUrl::parse(c.url);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.address), url.address());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.user), url.user);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.password), url.password);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, c.database, url.database);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.url, std::string(c.url).find("rediss") == 0, url.tls);
        }
    }

    void readsTheParametersOfTls() {
        const RedisUrl plain = RedisUrl::parse("rediss://h");
        CPPUNIT_ASSERT(plain.verify && plain.checkHostname && plain.caFile.empty());
        const RedisUrl all = RedisUrl::parse(
            "rediss://h?ssl_ca_certs=/a/ca.pem&ssl_cert_reqs=none&ssl_check_hostname=False"
            "&ssl_certfile=c.pem&ssl_keyfile=k.pem");
        CPPUNIT_ASSERT(!all.verify && !all.checkHostname);
        CPPUNIT_ASSERT_EQUAL(std::string("/a/ca.pem c.pem k.pem"),
                             all.caFile + " " + all.certificateFile + " " + all.keyFile);
        CPPUNIT_ASSERT(RedisUrl::parse("rediss://h?ssl_cert_reqs=required").verify);
    }

    void saysWhatIsWrong() {
        struct Case {
            std::string url, says;
        };
        const Case cases[] = {
            {"", "redis://"},
            {"localhost:6379", "redis://"},
            {"http://localhost", "redis://, rediss:// or unix://"},
            {"redis://h:0", "port"},
            {"redis://h:65536", "port"},
            {"redis://h:x", "port"},
            {"redis://h:", "port"},
            {"redis://h:+1", "port"},
            {"redis://::1", "brackets"},
            {"redis://[::1", "]"},
            {"redis://[::1]x", "brackets"},
            {"redis://a b", "host"},
            {"redis://a%00b", "host"},
            {"redis://h/x", "database"},
            {"redis://h/-1", "database"},
            {"redis://h/1/2", "database"},
            {"redis://h?db=", "database"},
            {"redis://h?dbs=1", "\"dbs\""},
            {"redis://h?ssl_ca_certs=x", "rediss://"},
            {"rediss://h?ssl_cert_reqs=no", "ssl_cert_reqs"},
            {"rediss://h?ssl_check_hostname=1", "ssl_check_hostname"},
            {"rediss://h?ssl_certfile=x", "ssl_keyfile"},
            {"unix://relative/path", "path"},
            {"unix://", "path"},
            {"unix:///", "path"},
            {"unix:///a%00b", "path"},
            {"unix:///" + std::string(200, 'x'), "too long"},
        };
        for (const Case& c : cases) {
            const std::string text = error(c.url);
            CPPUNIT_ASSERT_MESSAGE(c.url + ": " + text, text.find(c.says) != text.npos);
        }
    }

    void neverShowsAPassword() {
        for (const char* url : {
                 "ann:hunter2@localhost",
                 "redis:/ann:hunter2@localhost",
                 "mysql://ann:hunter2@localhost",
                 "redis://ann:hunter2@localhost:x",
                 "redis://ann:hunter2@localhost/x",
                 "redis://ann:hunter2@localhost?x=1",
                 "redis://ann:/hunter2@localhost",
                 "redis://ann:12?hunter2@localhost",
                 "redis://ann:12#hunter2@localhost",
                 "redis://ann:?hunter2@localhost",
                 "redis://ann:#hunter2@localhost",
                 "redis://:hunter2",
                 "redis://ann:hunter2/0",
                 "redis://localhost?password=hunter2&x=1",
                 "unix://ann:hunter2@localhost/x/y",
             }) {
            const std::string text = error(url);
            CPPUNIT_ASSERT_MESSAGE(url, !text.empty());
            CPPUNIT_ASSERT_MESSAGE(text, text.find("hunter2") == text.npos);
        }
    }

private:
    static std::string error(const std::string& url) {
        try {
            RedisUrl::parse(url);
        } catch (const Poco::SyntaxException& e) {
            return e.displayText();
        }
        return {};
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RedisUrlTest);

}  // namespace socketio
