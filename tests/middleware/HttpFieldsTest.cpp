#include <cppunit/extensions/HelperMacros.h>

#include "HttpFields.h"

namespace socketio {

class HttpFieldsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpFieldsTest);
    CPPUNIT_TEST(writesAndReadsDates);
    CPPUNIT_TEST(refusesWhatIsNoDate);
    CPPUNIT_TEST(comparesEntityTags);
    CPPUNIT_TEST(readsAcceptEncoding);
    CPPUNIT_TEST(readsRanges);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesAndReadsDates();
    void refusesWhatIsNoDate();
    void comparesEntityTags();
    void readsAcceptEncoding();
    void readsRanges();
};
CPPUNIT_TEST_SUITE_REGISTRATION(HttpFieldsTest);

void HttpFieldsTest::writesAndReadsDates() {
    struct Case {
        std::time_t time;
        const char* text;
    };
    const Case cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951826200, "Tue, 29 Feb 2000 12:10:00 GMT"},
        {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
    };
    for (const Case& c : cases) {
        CPPUNIT_ASSERT_EQUAL(std::string(c.text), formatHttpDate(c.time));
        const auto parsed = parseHttpDate(c.text);
        CPPUNIT_ASSERT_MESSAGE(c.text, parsed.has_value());
        CPPUNIT_ASSERT_EQUAL(c.time, *parsed);
    }
}

void HttpFieldsTest::refusesWhatIsNoDate() {
    const char* const cases[] = {"",
                                 "0",
                                 "Sun, 06 Nov 1994 08:49:37",
                                 "Sun, 06 Nov 1994 08:49:37 CET",
                                 "Sun, 06 Foo 1994 08:49:37 GMT",
                                 "Wed, 30 Feb 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 24:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:60:37 GMT",
                                 "Sun,  6 Nov 1994 08:49:37 GMT",
                                 "Sun, +6 Nov 1994 08:49:37 GMT",
                                 "Sunday, 06-Nov-94 08:49:37 GMT"};
    for (const char* text : cases) CPPUNIT_ASSERT_MESSAGE(text, !parseHttpDate(text).has_value());
}

void HttpFieldsTest::comparesEntityTags() {
    struct Case {
        const char *list, *tag;
        bool weak, strong;
    };
    const Case cases[] = {
        {"\"a\"", "\"a\"", true, true},
        {"W/\"a\"", "\"a\"", true, false},
        {"\"a\"", "W/\"a\"", true, false},
        {"\"x\", \"a\"", "\"a\"", true, true},
        {"\"x\" ,, \"a\"", "\"a\"", true, true},
        {"\"x,\\\"\", \"a\"", "\"a\"", false, false},
        {"*", "\"a\"", true, true},
        {" * ", "\"a\"", true, true},
        {"\"b\"", "\"a\"", false, false},
        {"a", "\"a\"", false, false},
        {"\"a", "\"a\"", false, false},
        {"\"A\"", "\"a\"", false, false},
        {"w/\"a\"", "\"a\"", false, false},
        {"\"x\" \"a\"", "\"a\"", false, false},
        {"", "\"a\"", false, false},
    };
    for (const Case& c : cases) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(c.list, c.weak, matchesEntityTag(c.list, c.tag, true));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(c.list, c.strong, matchesEntityTag(c.list, c.tag, false));
    }
}

void HttpFieldsTest::readsAcceptEncoding() {
    struct Case {
        const char* field;
        bool gzip;
    };
    const Case cases[] = {
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"x-gzip", true},
        {"gzip, deflate, br", true},
        {"deflate,gzip ; q=0.5", true},
        {"br", false},
        {"identity", false},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"gzip;q=0.001", true},
        {"*", true},
        {"*;q=0", false},
        {"gzip;q=0, *", false},
        {"*;q=0, gzip", true},
        {"gzip;q=2", false},
        {"gzip;q=1.5", false},
        {"gzip;q=x", false},
        {"gzip;q=0.5.", false},
        {"gzipp", false},
    };
    for (const Case& c : cases) CPPUNIT_ASSERT_EQUAL_MESSAGE(c.field, c.gzip, acceptsGzip(c.field));
}

void HttpFieldsTest::readsRanges() {
    using Kind = ByteRange::Kind;
    struct Case {
        const char* field;
        std::uint64_t size;
        Kind kind;
        std::uint64_t first, length;
    };
    const Case cases[] = {
        {"bytes=0-0", 10, Kind::Part, 0, 1},
        {"bytes=0-9", 10, Kind::Part, 0, 10},
        {"bytes=3-", 10, Kind::Part, 3, 7},
        {"bytes=3-99", 10, Kind::Part, 3, 7},
        {"bytes=3-99999999999999999999999", 10, Kind::Part, 3, 7},
        {"bytes=-3", 10, Kind::Part, 7, 3},
        {"bytes=-99", 10, Kind::Part, 0, 10},
        {"Bytes= 1-2 ", 10, Kind::Part, 1, 2},
        {"bytes=10-", 10, Kind::Unsatisfiable, 0, 0},
        {"bytes=99999999999999999999999-", 10, Kind::Unsatisfiable, 0, 0},
        {"bytes=-0", 10, Kind::Unsatisfiable, 0, 0},
        {"bytes=0-", 0, Kind::Unsatisfiable, 0, 0},
        {"bytes=-1", 0, Kind::Unsatisfiable, 0, 0},
        {"", 10, Kind::Whole, 0, 10},
        {"bytes=", 10, Kind::Whole, 0, 10},
        {"bytes=-", 10, Kind::Whole, 0, 10},
        {"bytes=2-1", 10, Kind::Whole, 0, 10},
        {"bytes=a-b", 10, Kind::Whole, 0, 10},
        {"bytes=1-2-3", 10, Kind::Whole, 0, 10},
        {"bytes=0-1,3-4", 10, Kind::Whole, 0, 10},
        {"bytes=+1-2", 10, Kind::Whole, 0, 10},
        {"lines=0-1", 10, Kind::Whole, 0, 10},
    };
    for (const Case& c : cases) {
        const ByteRange range = ByteRange::parse(c.field, c.size);
        CPPUNIT_ASSERT_MESSAGE(c.field, range.kind == c.kind);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(c.field, c.first, range.first);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(c.field, c.length, range.length);
    }
}

}  // namespace socketio
