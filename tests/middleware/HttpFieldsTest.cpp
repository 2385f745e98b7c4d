#include <cppunit/extensions/HelperMacros.h>

#include "HttpFields.h"

namespace socketio {

class HttpFieldsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpFieldsTest);
    CPPUNIT_TEST(comparesEntityTags);
    CPPUNIT_TEST(readsRanges);
    CPPUNIT_TEST_SUITE_END();

public:
    void comparesEntityTags();
    void readsRanges();
};
CPPUNIT_TEST_SUITE_REGISTRATION(HttpFieldsTest);

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
