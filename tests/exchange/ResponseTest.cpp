#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/exchange/Response.h"

namespace socketio {

class ResponseTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ResponseTest);
    CPPUNIT_TEST(keepsHeadersInOrder);
    CPPUNIT_TEST(refusesWhatCouldNotStandInAHeader);
    CPPUNIT_TEST(findsHeadersInAnyCase);
    CPPUNIT_TEST(makesTheUsualAnswers);
    CPPUNIT_TEST(hasAPhraseForEveryStatus);
    CPPUNIT_TEST_SUITE_END();

public:
    void keepsHeadersInOrder() {
        HeaderList headers{{"B", "1"}, {"A", "2"}};
        CPPUNIT_ASSERT(headers.add("B", "3"));
        std::string all;
        for (const auto& field : headers) all += field.name + "=" + field.value + " ";
        CPPUNIT_ASSERT_EQUAL(std::string("B=1 A=2 B=3 "), all);
        CPPUNIT_ASSERT_EQUAL(std::size_t(3), headers.size());
        CPPUNIT_ASSERT(HeaderList().empty());
    }

    void refusesWhatCouldNotStandInAHeader() {
        HeaderList headers{{"X-Good", "kept"}, {"X Bad", "dropped"}, {"X-Bad", "a\r\nB: c"}};
        for (const char* name : {"", "A B", "A:", "A\r", "A\n", "A\t", "\xc3\xa4", "A\"", "(A)"})
            CPPUNIT_ASSERT_MESSAGE(name, !headers.add(name, "v"));
        for (const std::string& value :
             {std::string("a\r\nb"), std::string("a\nb"), std::string("a\rb"),
              std::string("a\0b", 3), std::string("\x1b[0m"), std::string("\x7f")}) {
            CPPUNIT_ASSERT(!headers.add("X-Good", value));
            CPPUNIT_ASSERT(!headers.set("X-Good", value));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), headers.size());
        CPPUNIT_ASSERT(headers.get("X-Good") == "kept");
        CPPUNIT_ASSERT(headers.add("X-Utf8", "\xc3\xa4\tb"));
        CPPUNIT_ASSERT(headers.add("!#$%&'*+-.^_`|~0aZ", ""));
    }

    void findsHeadersInAnyCase() {
        HeaderList headers{{"Content-Type", "a"}, {"X", "1"}, {"content-type", "b"}};
        CPPUNIT_ASSERT(headers.get("CONTENT-TYPE") == "a");
        CPPUNIT_ASSERT(headers.has("x") && !headers.has("Y"));
        CPPUNIT_ASSERT(headers.get("Y").empty());
        CPPUNIT_ASSERT(headers.set("CONTENT-type", "c"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), headers.size());
        CPPUNIT_ASSERT(headers.get("Content-Type") == "c");
        headers.remove("x");
        CPPUNIT_ASSERT(!headers.has("X"));
    }

    void makesTheUsualAnswers() {
        const Response text = Response::text(400, "no");
        CPPUNIT_ASSERT_EQUAL(400, text.status);
        CPPUNIT_ASSERT(text.headers.get("Content-Type") == "text/plain; charset=utf-8");
        CPPUNIT_ASSERT_EQUAL(std::string("no"), text.body);
        CPPUNIT_ASSERT(Response::json(200, "{}").headers.get("content-type") == "application/json");
        const Response notFound = Response::notFound();
        CPPUNIT_ASSERT_EQUAL(404, notFound.status);
        CPPUNIT_ASSERT_EQUAL(std::string("Not Found"), notFound.body);
        CPPUNIT_ASSERT(notFound.headers.get("Content-Type") == "text/plain");
    }

    void hasAPhraseForEveryStatus() {
        CPPUNIT_ASSERT(reasonPhrase(200) == "OK");
        CPPUNIT_ASSERT(reasonPhrase(404) == "Not Found");
        CPPUNIT_ASSERT(reasonPhrase(413) == "Content Too Large");
        CPPUNIT_ASSERT(reasonPhrase(101) == "Switching Protocols");
        for (int status = 100; status < 600; ++status)
            CPPUNIT_ASSERT(!reasonPhrase(status).empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ResponseTest);

}  // namespace socketio
