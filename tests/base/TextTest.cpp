#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Text.h"

namespace socketio {

class TextTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TextTest);
    CPPUNIT_TEST(comparesAsciiOnly);
    CPPUNIT_TEST(takesListsApart);
    CPPUNIT_TEST(knowsTokensAndControls);
    CPPUNIT_TEST(findsEveryByteWhereverItIs);
    CPPUNIT_TEST(decodesPercentEscapes);
    CPPUNIT_TEST(encodesPaths);
    CPPUNIT_TEST(writesAndReadsDates);
    CPPUNIT_TEST(refusesWhatIsNoDate);
    CPPUNIT_TEST(weighsCodings);
    CPPUNIT_TEST_SUITE_END();

public:
    void comparesAsciiOnly() {
        CPPUNIT_ASSERT(equalsIgnoreCase("Keep-ALIVE", "keep-alive"));
        CPPUNIT_ASSERT(!equalsIgnoreCase("close", "closed"));
        CPPUNIT_ASSERT(!equalsIgnoreCase("@", "`") && !equalsIgnoreCase("[", "{"));
        CPPUNIT_ASSERT(!equalsIgnoreCase("\xc4", "\xe4"));
        CPPUNIT_ASSERT_EQUAL(std::string("a[@z\xc4"), lowerCase(std::string_view("A[@Z\xc4")));
    }

    void takesListsApart() {
        std::string_view list = " a ,\tb;q=1,,c";
        std::vector<std::string> items;
        while (!list.empty()) items.emplace_back(takeItem(list));
        CPPUNIT_ASSERT(items == std::vector<std::string>({"a", "b;q=1", "", "c"}));
        CPPUNIT_ASSERT(listsItem("keep-alive, Upgrade", "upgrade"));
        CPPUNIT_ASSERT(!listsItem("keep-alive, Upgraded", "upgrade") && !listsItem("", "upgrade"));
    }

    void knowsTokensAndControls() {
        CPPUNIT_ASSERT(isToken("X-Forwarded-For") && isToken("!#$%&'*+-.^_`|~"));
        for (const char* text : {"", "a b", "a:", "\"a\"", "\xe4"})
            CPPUNIT_ASSERT_MESSAGE(text, !isToken(text));
        CPPUNIT_ASSERT(!isToken(std::string_view("a\0b", 3)));
        CPPUNIT_ASSERT(isControl('\t') && isControl('\x7f') && isControl('\0'));
        CPPUNIT_ASSERT(!isControl(' ') && !isControl('\x80'));
    }

    void findsEveryByteWhereverItIs() {
        for (const std::size_t size : {1u, 7u, 8u, 9u, 16u, 23u}) {
            for (std::size_t at = 0; at < size; ++at) {
                for (int byte = 0; byte < 256; ++byte) {
                    std::string text(size, 'x');
                    text[at] = static_cast<char>(byte);
                    const std::string what = std::to_string(byte) + " at " + std::to_string(at) +
                                             " of " + std::to_string(size);
                    const auto any = [&](auto test) { return anyWord(text, test); };
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, byte < 0x21, any([](std::uint64_t word) {
                                                     return hasByteBelow(word, 0x21);
                                                 }));
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, byte > 0x7e, any([](std::uint64_t word) {
                                                     return hasByteAbove(word, 0x7e);
                                                 }));
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, byte == '=', any([](std::uint64_t word) {
                                                     return hasByte(word, '=');
                                                 }));
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, byte == 0 || byte == '\r' || byte == '\n',
                                                 breaksLines(text));
                }
            }
        }
        CPPUNIT_ASSERT(!breaksLines("") && !anyWord("", [](std::uint64_t) { return true; }));
    }

    void decodesPercentEscapes() {
        CPPUNIT_ASSERT_EQUAL(std::string("a/b c"), percentDecode("a%2Fb%20c"));
        CPPUNIT_ASSERT_EQUAL(std::string("a+b"), percentDecode("a+b"));
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), percentDecode("a+b", true));
        CPPUNIT_ASSERT_EQUAL(std::string("\xe2\x82\xac"), percentDecode("%e2%82%AC"));
        for (const char* text : {"%", "%2", "%zz", "%2z", "100%", "%%"})
            CPPUNIT_ASSERT_EQUAL(std::string(text), percentDecode(text));
        CPPUNIT_ASSERT_EQUAL(std::string("%%"), percentDecode("%%25"));
        CPPUNIT_ASSERT_EQUAL(std::string(1, '\0'), percentDecode("%00"));
    }

    void encodesPaths() {
        CPPUNIT_ASSERT_EQUAL(std::string("/a%20b/~c;d=%C3%A4%25%3F%23"),
                             percentEncodePath("/a b/~c;d=\xc3\xa4%?#"));
    }

    void writesAndReadsDates() {
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

    void refusesWhatIsNoDate() {
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
        for (const char* text : cases)
            CPPUNIT_ASSERT_MESSAGE(text, !parseHttpDate(text).has_value());
    }

    void weighsCodings() {
        const int absent = CodingWeights::kAbsent;
        struct Case {
            const char* accept;
            int gzip, deflate, identity;
        };
        const Case cases[] = {
            {"", absent, absent, absent},
            {"gzip", 1000, absent, absent},
            {"X-GZIP;q=0.5 , deflate; q=0.25", 500, 250, absent},
            {"*", 1000, 1000, absent},
            {"*;q=0, gzip", 1000, 0, absent},
            {"gzip;q=0, *", 0, 1000, absent},
            {"gzip;q=0.000, deflate;q=0.5.", 0, 0, absent},
            {"gzipp", absent, absent, absent},
            {"gzip;q=1.1, deflate;q=x, identity;q=0.001", 0, 0, 1},
            {"gzip;level=9;q=0.7", 700, absent, absent},
            {"br, zstd", absent, absent, absent},
        };
        for (const Case& c : cases) {
            const CodingWeights weights = CodingWeights::parse(c.accept);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.accept, c.gzip, weights.gzip);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.accept, c.deflate, weights.deflate);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.accept, c.identity, weights.identity);
        }
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TextTest);

}  // namespace socketio
