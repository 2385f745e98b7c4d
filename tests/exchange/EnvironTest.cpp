#include <utility>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/exchange/Environ.h"

namespace socketio {

class EnvironTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EnvironTest);
    CPPUNIT_TEST(keepsVariablesInOrder);
    CPPUNIT_TEST(replacesWhatIsThere);
    CPPUNIT_TEST(mayBeSetFromItsOwnBlock);
    CPPUNIT_TEST(namesHeadersAsCgiDoes);
    CPPUNIT_TEST(joinsRepeatedHeaders);
    CPPUNIT_TEST(leavesOutWhatMustNotGetIn);
    CPPUNIT_TEST(readsQueryParameters);
    CPPUNIT_TEST(givesBackSpareRoom);
    CPPUNIT_TEST(takesValuesOfItsOwn);
    CPPUNIT_TEST_SUITE_END();

public:
    // They move when it grows.
    void takesValuesOfItsOwn() {
        Environ environ;
        const std::string value(1000, 'v');
        environ.set("A", value);
        for (int i = 0; i < 100; ++i) {
            const std::string name = "N" + std::to_string(i);
            environ.set(name, environ.get("A"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, value, std::string(environ.get(name)));
            CPPUNIT_ASSERT(environ.addVariable("HTTP_" + name, environ.get(name)));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, value, std::string(environ.get("HTTP_" + name)));
        }
    }

    void keepsVariablesInOrder() {
        Environ environ;
        CPPUNIT_ASSERT(!environ.has("A"));
        CPPUNIT_ASSERT(environ.get("A").empty());
        environ.set("B", "1");
        environ.set("A", "");
        environ.set("AB", std::string(100'000, 'x'));
        std::vector<std::pair<std::string, std::string>> seen;
        environ.forEach(
            [&](std::string_view name, std::string_view value) { seen.emplace_back(name, value); });
        CPPUNIT_ASSERT_EQUAL(std::size_t(3), seen.size());
        CPPUNIT_ASSERT_EQUAL(std::string("B"), seen[0].first);
        CPPUNIT_ASSERT_EQUAL(std::string("A"), seen[1].first);
        CPPUNIT_ASSERT(environ.has("A") && environ["A"].empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t(100'000), environ["AB"].size());
        CPPUNIT_ASSERT(!environ.has("ABC") && !environ.has(""));
    }

    void replacesWhatIsThere() {
        Environ environ;
        environ.set("A", "1");
        environ.set("B", "2");
        environ.set("C", "3");
        environ.set("B", "a longer value");
        CPPUNIT_ASSERT(environ["A"] == "1" && environ["B"] == "a longer value");
        CPPUNIT_ASSERT(environ["C"] == "3");
        int count = 0;
        environ.forEach([&](std::string_view, std::string_view) { ++count; });
        CPPUNIT_ASSERT_EQUAL(3, count);
    }

    void mayBeSetFromItsOwnBlock() {
        Environ environ;
        environ.set("A", std::string(50, 'a'));
        environ.set("B", "b");
        environ.set("A", environ["A"].substr(10));
        environ.set("B", environ["A"]);
        CPPUNIT_ASSERT(environ["A"] == std::string(40, 'a'));
        CPPUNIT_ASSERT(environ["B"] == std::string(40, 'a'));
    }

    void namesHeadersAsCgiDoes() {
        Environ environ;
        CPPUNIT_ASSERT(environ.addHeader("User-Agent", "test/1"));
        CPPUNIT_ASSERT(environ.addHeader("content-TYPE", "text/plain"));
        CPPUNIT_ASSERT(environ.addHeader("Content-Length", "5"));
        CPPUNIT_ASSERT(environ.addHeader("Remote-Addr", "6.6.6.6"));
        CPPUNIT_ASSERT(environ["HTTP_USER_AGENT"] == "test/1");
        CPPUNIT_ASSERT(environ["CONTENT_TYPE"] == "text/plain");
        CPPUNIT_ASSERT(environ["CONTENT_LENGTH"] == "5");
        CPPUNIT_ASSERT(!environ.has("HTTP_CONTENT_TYPE"));
        // Headers cannot take the place of what the server says.
        CPPUNIT_ASSERT(!environ.has("REMOTE_ADDR"));
        CPPUNIT_ASSERT(environ["HTTP_REMOTE_ADDR"] == "6.6.6.6");
        for (const char* name : {"user-agent", "User-Agent", "USER-AGENT"})
            CPPUNIT_ASSERT(environ.header(name) == "test/1");
        CPPUNIT_ASSERT(environ.header("Content-Type") == "text/plain");
        CPPUNIT_ASSERT(environ.header("absent").empty());
    }

    void joinsRepeatedHeaders() {
        Environ environ;
        environ.addHeader("Cookie", "a=1");
        environ.addHeader("Accept", "x");
        environ.addHeader("cookie", "b=2");
        environ.addHeader("ACCEPT", "y");
        environ.addHeader("Accept", "z");
        CPPUNIT_ASSERT(environ["HTTP_COOKIE"] == "a=1; b=2");
        CPPUNIT_ASSERT(environ["HTTP_ACCEPT"] == "x,y,z");
    }

    void leavesOutWhatMustNotGetIn() {
        Environ environ;
        for (const char* name : {"X_Forwarded_For", "Content_Length", "_", "Proxy", "PROXY", ""})
            CPPUNIT_ASSERT_MESSAGE(name, !environ.addHeader(name, "evil"));
        CPPUNIT_ASSERT(!environ.addHeader(std::string(70'000, 'x'), "evil"));
        for (const char c : {'\0', '\r', '\n'}) {
            const std::string value = std::string("a") + c + "b";
            CPPUNIT_ASSERT(!environ.addHeader("X-A", value));
            environ.set("PATH_INFO", value);
        }
        environ.set("", "evil");
        environ.set(std::string(70'000, 'x'), "evil");
        environ.forEach([](std::string_view name, std::string_view) {
            CPPUNIT_FAIL("got in: " + std::string(name.substr(0, 50)));
        });
        CPPUNIT_ASSERT(environ.addHeader("Proxy-Authorization", "x"));
        CPPUNIT_ASSERT(environ.addHeader("X-Tab", "a\tb"));
    }

    void readsQueryParameters() {
        struct Case {
            const char *query, *name, *value;
        };
        const Case cases[] = {
            {"a=1", "a", "1"},     {"a=1&b=2", "b", "2"},
            {"a=1&a=2", "a", "2"}, {"a=1&a=", "a", ""},
            {"", "a", ""},         {"b=1", "a", ""},
            {"a", "a", ""},        {"aa=1", "a", ""},
            {"a=b=c", "a", "b=c"}, {"a=x%20y+z", "a", "x y z"},
            {"%61=1", "a", "1"},   {"a+b=1", "a b", "1"},
            {"&&a=1&&", "a", "1"}, {"=1", "", "1"},
            {"a=%00", "b", ""},    {"sid=x&t=1", "sid", "x"},
            {"a=%zz", "a", "%zz"},
        };
        for (const Case& c : cases) {
            Environ environ;
            environ.set("QUERY_STRING", c.query);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, std::string(c.value),
                                         environ.queryParameter(c.name));
        }
    }

    void givesBackSpareRoom() {
        Environ environ;
        environ.reserve(4096);
        environ.set("A", std::string(100, 'x'));
        environ.shrink();
        CPPUNIT_ASSERT(environ.bytes() < 200);
        CPPUNIT_ASSERT_EQUAL(std::size_t(100), environ["A"].size());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EnvironTest);

}  // namespace socketio
