#include <algorithm>
#include <clocale>
#include <cmath>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/JsonCodec.h"

namespace socketio {

using Code = DecodeError::Code;
using namespace std::string_literals;

class JsonCodecTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(JsonCodecTest);
    CPPUNIT_TEST(readsAndWritesAgain);
    CPPUNIT_TEST(refusesWhatIsNotJson);
    CPPUNIT_TEST(readsNumbersAsTheirTypes);
    CPPUNIT_TEST(writesNumbersAsJavaScript);
    CPPUNIT_TEST(numbersDoNotDependOnTheLocale);
    CPPUNIT_TEST(everyDoubleSurvives);
    CPPUNIT_TEST(readsStrings);
    CPPUNIT_TEST(writesStrings);
    CPPUNIT_TEST(specialBytesAreFoundAtEveryPlace);
    CPPUNIT_TEST(loneSurrogatesSurvive);
    CPPUNIT_TEST(replacesWhatIsNotUtf8);
    CPPUNIT_TEST(writesAsPython);
    CPPUNIT_TEST(replacesButKeepsSurrogates);
    CPPUNIT_TEST(depthHasALimit);
    CPPUNIT_TEST(theLastOfARepeatedKeyCountsAtItsFirstPlace);
    CPPUNIT_TEST(manyMembersTakeLinearTime);
    CPPUNIT_TEST(binaryBecomesPlaceholders);
    CPPUNIT_TEST(refusesWhatHasNoTextAndLeavesNoTrace);
    CPPUNIT_TEST(writesLongTexts);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsAndWritesAgain() {
        const struct {
            const char* text;
            const char* written;  // nullptr: the same
        } cases[] = {
            {"null", nullptr},
            {"true", nullptr},
            {"false", nullptr},
            {"0", nullptr},
            {"\"\"", nullptr},
            {"[]", nullptr},
            {"{}", nullptr},
            {"[[],{},[{}]]", nullptr},
            {R"(["chat message",{"user":"ann","text":"hello world","n":42}])", nullptr},
            {R"({"b":1,"a":2,"c":3})", nullptr},
            {R"({"":0})", nullptr},
            {R"({"__proto__":1,"constructor":2})", nullptr},
            {" \t\r\n[ 1 , 2 ]\n", "[1,2]"},
            {"{ \"a\" : 1 ,\r\n\"b\" :[ ] }", R"({"a":1,"b":[]})"},
            {"[1,2,3,4,5,6,7,8,9,10]", nullptr},
            {R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10})", nullptr},
        };
        for (const auto& c : cases) {
            const auto value = JsonCodec::decode(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, value.ok());
            CPPUNIT_ASSERT_EQUAL(std::string(c.written ? c.written : c.text),
                                 JsonCodec::encode(*value, "refused"));
        }
    }

    void refusesWhatIsNotJson() {
        const struct {
            std::string text;
            Code expected;
        } cases[] = {
            {"", Code::Empty},
            {" ", Code::BadJson},
            {"nul", Code::BadJson},
            {"nulL", Code::BadJson},
            {"nulls", Code::BadJson},
            {"True", Code::BadJson},
            {"undefined", Code::BadJson},
            {"NaN", Code::BadJson},
            {"Infinity", Code::BadJson},
            {"-Infinity", Code::BadJson},
            {"1 2", Code::BadJson},
            {"[1]]", Code::BadJson},
            {"{}x", Code::BadJson},
            {"[", Code::BadJson},
            {"]", Code::BadJson},
            {"[1", Code::BadJson},
            {"[1,", Code::BadJson},
            {"[1,]", Code::BadJson},
            {"[,1]", Code::BadJson},
            {"[1 2]", Code::BadJson},
            {"[1}", Code::BadJson},
            {"{", Code::BadJson},
            {"{\"a\"", Code::BadJson},
            {"{\"a\":", Code::BadJson},
            {"{\"a\":1", Code::BadJson},
            {"{\"a\":1,}", Code::BadJson},
            {"{\"a\" 1}", Code::BadJson},
            {"{\"a\":}", Code::BadJson},
            {"{a:1}", Code::BadJson},
            {"{'a':1}", Code::BadJson},
            {"{1:1}", Code::BadJson},
            {"{\"a\":1]", Code::BadJson},
            {"{,}", Code::BadJson},
            {"// c\n1", Code::BadJson},
            {"/**/1", Code::BadJson},
            {"\xEF\xBB\xBF[]", Code::BadJson},  // a byte order mark
            {"\v1", Code::BadJson},
            {"\xC2\xA0[]", Code::BadJson},  // a no-break space is no white space here
            {"1\0"s, Code::BadJson},
            {"\0"s, Code::BadJson},
            // numbers
            {"+1", Code::BadJson},
            {"-", Code::BadJson},
            {"--1", Code::BadJson},
            {"01", Code::BadJson},
            {"-01", Code::BadJson},
            {"00", Code::BadJson},
            {"1.", Code::BadJson},
            {".5", Code::BadJson},
            {"-.5", Code::BadJson},
            {"1e", Code::BadJson},
            {"1e+", Code::BadJson},
            {"1.e1", Code::BadJson},
            {"1e1.5", Code::BadJson},
            {"0x10", Code::BadJson},
            {"1_000", Code::BadJson},
            {"1a", Code::BadJson},
            {"1e400", Code::BadJson},
            {"-1e400", Code::BadJson},
            {"1e99999999999999999999999", Code::BadJson},
            {"0.1e309999999999999999999", Code::BadJson},
            {std::string(400, '9'), Code::BadJson},
            {std::string(400, '9') + "e-10", Code::BadJson},
            {"0." + std::string(400, '0') + "1e800", Code::BadJson},
            // strings
            {"\"", Code::BadJson},
            {"\"a", Code::BadJson},
            {"\"\\\"", Code::BadJson},
            {"\"\\", Code::BadJson},
            {"\"\\x41\"", Code::BadJson},
            {"\"\\'\"", Code::BadJson},
            {"\"\\u\"", Code::BadJson},
            {"\"\\u12\"", Code::BadJson},
            {"\"\\u123g\"", Code::BadJson},
            {"\"\\u123", Code::BadJson},
            {"\"\\U0041\"", Code::BadJson},
            {"\"\\ud800\\u12\"", Code::BadJson},
            {"\"\\ud800\\uzzzz\"", Code::BadJson},
            {"'a'", Code::BadJson},
            {"\"a\nb\"", Code::BadJson},
            {"\"a\tb\"", Code::BadJson},
            {"\"\x1f\"", Code::BadJson},
            {"\"a\0b\""s, Code::BadJson},
            // UTF-8
            {"\"\x80\"", Code::BadUtf8},
            {"\"\xC3\"", Code::BadUtf8},
            {"\"\xC3(\"", Code::BadUtf8},
            {"\"\xC0\xAF\"", Code::BadUtf8},
            {"\"\xC1\xBF\"", Code::BadUtf8},
            {"\"\xE2\x82\"", Code::BadUtf8},
            {"\"\xE0\x9F\xBF\"", Code::BadUtf8},
            {"\"\xED\xA0\x80\"", Code::BadUtf8},  // a surrogate must be escaped
            {"\"\xED\xBF\xBF\"", Code::BadUtf8},
            {"\"\xF0\x8F\xBF\xBF\"", Code::BadUtf8},
            {"\"\xF0\x9F\x98\"", Code::BadUtf8},
            {"\"\xF4\x90\x80\x80\"", Code::BadUtf8},
            {"\"\xF5\x80\x80\x80\"", Code::BadUtf8},
            {"\"\xFF\"", Code::BadUtf8},
            {"{\"\xFF\":1}", Code::BadUtf8},
            {"\"12345678901234567890\xFF\"", Code::BadUtf8},
            {"\"\xE2\x82", Code::BadUtf8},
        };
        for (const auto& c : cases) {
            const auto value = JsonCodec::decode(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, !value.ok());
            CPPUNIT_ASSERT_MESSAGE(c.text, value.error().code == c.expected);
            CPPUNIT_ASSERT_MESSAGE(c.text, *value.error().detail != '\0');
        }
    }

    void readsNumbersAsTheirTypes() {
        const struct {
            const char* text;
            Value expected;
        } cases[] = {
            {"0", 0},
            {"-0", 0},
            {"42", 42},
            {"-42", -42},
            {"123456789012345678", 123456789012345678},
            {"9223372036854775807", INT64_MAX},
            {"-9223372036854775808", INT64_MIN},
            {"9223372036854775808", 9223372036854775808.0},
            {"-9223372036854775809", -9223372036854775808.0},
            {"100000000000000000000", 1e20},
            {"0.0", 0.0},
            {"-0.0", -0.0},
            {"1.0", 1.0},
            {"0.1", 0.1},
            {"1e3", 1000.0},
            {"1E3", 1000.0},
            {"1e+3", 1000.0},
            {"1.5e-3", 0.0015},
            {"0e0", 0.0},
            {"0e99999999999999999999", 0.0},
            {"5e-324", 5e-324},
            {"2.2250738585072014e-308", 2.2250738585072014e-308},
            {"1.7976931348623157e308", 1.7976931348623157e308},
            {"1e-400", 0.0},
            {"-1e-400", -0.0},
            {"1e-99999999999999999999", 0.0},
            {"0.00001e-9223372036854775807", 0.0},
        };
        for (const auto& c : cases) {
            const auto value = JsonCodec::decode(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, value.ok());
            CPPUNIT_ASSERT_MESSAGE(c.text, value->type() == c.expected.type());
            CPPUNIT_ASSERT_MESSAGE(c.text, *value == c.expected);
            CPPUNIT_ASSERT_MESSAGE(
                c.text, std::signbit(value->asDouble()) == std::signbit(c.expected.asDouble()));
        }
        const auto tiny = JsonCodec::decode("0." + std::string(400, '0') + "1");
        CPPUNIT_ASSERT(tiny.ok() && *tiny == 0);
        const auto balanced = JsonCodec::decode("0." + std::string(399, '0') + "1e400");
        CPPUNIT_ASSERT(balanced.ok() && *balanced == 1);
        const auto manyDigits = JsonCodec::decode("0." + std::string(1'000'000, '3'));
        CPPUNIT_ASSERT(manyDigits.ok() && *manyDigits == 1.0 / 3);
    }

    void writesNumbersAsJavaScript() {
        const struct {
            Value number;
            const char* expected;
        } cases[] = {
            {0, "0"},
            {-1, "-1"},
            {INT64_MAX, "9223372036854775807"},
            {INT64_MIN, "-9223372036854775808"},
            {0.0, "0"},
            {-0.0, "0"},
            {1.0, "1"},
            {100.0, "100"},
            {-100.0, "-100"},
            {0.1, "0.1"},
            {0.5, "0.5"},
            {-1.5, "-1.5"},
            {123.456, "123.456"},
            {1.0 / 3, "0.3333333333333333"},
            {0.1 + 0.2, "0.30000000000000004"},
            {1e5, "100000"},
            {1e15, "1000000000000000"},
            {9007199254740992.0, "9007199254740992"},
            {9007199254740994.0, "9007199254740994"},
            {1e20, "100000000000000000000"},
            {123456789012345680000.0, "123456789012345680000"},
            {1e21, "1e+21"},
            {-1e21, "-1e+21"},
            {1.5e21, "1.5e+21"},
            {1.2345e22, "1.2345e+22"},
            {1e100, "1e+100"},
            {1e-5, "0.00001"},
            {0.000001, "0.000001"},
            {0.0000015, "0.0000015"},
            {1e-7, "1e-7"},
            {1.5e-7, "1.5e-7"},
            {-1e-7, "-1e-7"},
            {5e-324, "5e-324"},
            {2.2250738585072014e-308, "2.2250738585072014e-308"},
            {1.7976931348623157e308, "1.7976931348623157e+308"},
            {9223372036854775808.0, "9223372036854776000"},
            {4.35, "4.35"},
            {0.000035, "0.000035"},
            {1e23, "1e+23"},
            {100.5f, "100.5"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), JsonCodec::encode(c.number, "refused"));
    }

    void numbersDoNotDependOnTheLocale() {
        const std::string before = std::setlocale(LC_ALL, nullptr);
        for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"})
            if (std::setlocale(LC_ALL, locale)) break;
        const auto value = JsonCodec::decode("1.5e0");
        const std::string text = JsonCodec::encode(1.5);
        std::setlocale(LC_ALL, before.c_str());
        CPPUNIT_ASSERT(value.ok() && *value == 1.5);
        CPPUNIT_ASSERT_EQUAL("1.5"s, text);
    }

    void everyDoubleSurvives() {
        std::uint64_t bits = 1;
        for (int i = 0; i < 20'000; ++i) {
            bits = bits * 6364136223846793005u + 1442695040888963407u;  // Knuth's generator
            double number;
            const std::uint64_t mixed = bits ^ bits >> 29;
            static_assert(sizeof number == sizeof mixed);
            std::copy_n(reinterpret_cast<const char*>(&mixed), sizeof number,
                        reinterpret_cast<char*>(&number));
            if (!std::isfinite(number)) continue;
            const std::string text = JsonCodec::encode(number, "refused");
            const auto read = JsonCodec::decode(text);
            CPPUNIT_ASSERT_MESSAGE(text, read.ok());
            CPPUNIT_ASSERT_MESSAGE(text, *read == number);
        }
    }

    void readsStrings() {
        const struct {
            const char* text;
            std::string expected;
        } cases[] = {
            {R"("")", ""},
            {R"("a")", "a"},
            {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
            {R"("\u0041\u00e9\u20ac")", "A\xC3\xA9\xE2\x82\xAC"},
            {R"("\u20AC")", "\xE2\x82\xAC"},
            {R"("\u0000")", "\0"s},
            {R"("a\u0000b")", "a\0b"s},
            {R"("\ud83d\ude00")", "\xF0\x9F\x98\x80"},
            {R"("\uD83D\uDE00x")", "\xF0\x9F\x98\x80x"},
            {R"("\uffff")", "\xEF\xBF\xBF"},
            {R"("\udbff\udfff")", "\xF4\x8F\xBF\xBF"},
            {"\"\xE2\x82\xAC\xF0\x9F\x98\x80\"", "\xE2\x82\xAC\xF0\x9F\x98\x80"},
            {"\"\x7F\"", "\x7F"},
            {"\"\xE2\x80\xA8\"", "\xE2\x80\xA8"},
            {"\"\xEF\xBF\xBE\xEF\xB7\x90\"", "\xEF\xBF\xBE\xEF\xB7\x90"},  // noncharacters
            {R"("plain\nescape after a run")", "plain\nescape after a run"},
        };
        for (const auto& c : cases) {
            const auto value = JsonCodec::decode(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, value.ok());
            CPPUNIT_ASSERT_MESSAGE(c.text, value->isString());
            CPPUNIT_ASSERT_EQUAL(c.expected, value->asString());
        }
    }

    void writesStrings() {
        const struct {
            std::string text;
            const char* expected;
        } cases[] = {
            {"", R"("")"},
            {"plain", R"("plain")"},
            {"\"\\/\b\f\n\r\t", R"("\"\\/\b\f\n\r\t")"},
            {"\0\x01\x1f\x7f"s, "\"\\u0000\\u0001\\u001f\x7f\""},
            {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
            {"\xE2\x80\xA8", "\"\xE2\x80\xA8\""},
            {"</script>", R"("</script>")"},
        };
        for (const auto& c : cases) {
            std::string out = "before";
            appendJsonString(out, c.text);
            CPPUNIT_ASSERT_EQUAL("before"s + c.expected, out);
        }
    }

    void specialBytesAreFoundAtEveryPlace() {
        // The scanner takes eight bytes at a time: each place in a word, and the tail.
        const std::vector<std::string> specials{"\"", "\\", "\n", "\x1f", "\0"s, "\xC3\xA9"};
        for (const std::string& special : specials)
            for (std::size_t size = 0; size < 40; ++size) {
                std::string text(size, '~');
                const std::string rest(20, ' ');
                const std::string with = text + special + rest;
                const auto back = JsonCodec::decode(JsonCodec::encode(with));
                CPPUNIT_ASSERT(back.ok() && *back == with);
                if (special != "\xC3\xA9" && special != "\"" && special != "\\")
                    CPPUNIT_ASSERT(!JsonCodec::decode("\"" + with + "\"").ok());
            }
    }

    void loneSurrogatesSurvive() {
        const struct {
            const char* text;
            std::string kept;
        } cases[] = {
            {R"("\ud800")", "\xED\xA0\x80"},
            {R"("\udfff")", "\xED\xBF\xBF"},
            {R"("\udc00\ud800")", "\xED\xB0\x80\xED\xA0\x80"},
            {R"("\ud83dx")", "\xED\xA0\xBDx"},
            {R"("\ud800\ud800")", "\xED\xA0\x80\xED\xA0\x80"},
        };
        for (const auto& c : cases) {
            const auto value = JsonCodec::decode(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, value.ok());
            CPPUNIT_ASSERT_MESSAGE(c.text, value->asString() == c.kept);
            CPPUNIT_ASSERT_EQUAL(std::string(c.text), JsonCodec::encode(*value));
        }
        const auto pairAfterLone = JsonCodec::decode(R"("\ud800\ud83d\ude00")");
        CPPUNIT_ASSERT(pairAfterLone.ok() && *pairAfterLone == "\xED\xA0\x80\xF0\x9F\x98\x80");
    }

    void writesAsPython() {
        // json.dumps() of Python 3.11.
        const struct {
            Value value;
            const char* expected;
        } cases[] = {
            {Value(), "null"},
            {Value::array(), "[]"},
            {Value::object(), "{}"},
            {Value::array({1, true, "x"}), "[1, true, \"x\"]"},
            {Value{{"a", Value::array({1, Value{{"b", 2}}})}, {"c", nullptr}},
             "{\"a\": [1, {\"b\": 2}], \"c\": null}"},
            {Value("\x7f\n\"\\\x01"), "\"\x7f\\n\\\"\\\\\\u0001\""},
            {Value("a\xc3\xa9z\xe2\x82\xac"), "\"a\\u00e9z\\u20ac\""},
            {Value("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), "\"\\ud83d\\ude00\\udbff\\udfff\""},
            {Value("\xed\xa0\x80"), "\"\\ud800\""},
            {Value("a\xff\xc3"), "\"a\\ufffd\\ufffd\""},
        };
        for (const auto& c : cases) {
            std::string text;
            CPPUNIT_ASSERT(JsonCodec::encodeTo(text, c.value, nullptr, JsonStyle::Python).ok());
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), text);
            if (!c.value.isString() || text.find("\\ufffd") != std::string::npos) continue;
            CPPUNIT_ASSERT(*JsonCodec::decode(text) == c.value);
            text.clear();
            appendJsonString(text, c.value.asString(), JsonStyle::Python);
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), text);
        }
        std::string text;
        std::vector<Binary> attachments;
        CPPUNIT_ASSERT(JsonCodec::encodeTo(text, Value::array({Value(Binary("x"))}), &attachments,
                                           JsonStyle::Python)
                           .ok());
        CPPUNIT_ASSERT_EQUAL(std::string("[{\"_placeholder\": true, \"num\": 0}]"), text);
        // A smaller depth, exactly.
        const Value two = Value::array({Value::array()});
        CPPUNIT_ASSERT(JsonCodec::encodeTo(text, two, nullptr, JsonStyle::JavaScript, 2).ok());
        CPPUNIT_ASSERT(!JsonCodec::encodeTo(text, two, nullptr, JsonStyle::JavaScript, 1).ok());
    }

    void replacesButKeepsSurrogates() {
        const struct {
            const char *text, *expected;
        } cases[] = {
            {"", ""},
            {"a\xc3\xa9", "a\xc3\xa9"},
            {"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xb0\x80"},
            {"a\xff"
             "b",
             "a\xef\xbf\xbd"
             "b"},
            {"\xed\xa0", "\xef\xbf\xbd\xef\xbf\xbd"},
            {"\xc3", "\xef\xbf\xbd"},
        };
        for (const auto& c : cases) {
            std::string out = "+";
            CPPUNIT_ASSERT_EQUAL(c.text == std::string(c.expected), appendWtf8(out, c.text));
            CPPUNIT_ASSERT_EQUAL('+' + std::string(c.expected), out);
        }
    }

    void replacesWhatIsNotUtf8() {
        const std::string cases[] = {
            "\xFF", "a\xC3", "\xC0\xAF", "\xE2\x82", "\xED\xA0", "\xF5\x80\x80\x80", "ok\x80ok"};
        for (const std::string& bytes : cases) {
            const std::string text = JsonCodec::encode(bytes);
            CPPUNIT_ASSERT_MESSAGE(text, text.find("\xEF\xBF\xBD") != std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(text, JsonCodec::decode(text).ok());
        }
        CPPUNIT_ASSERT_EQUAL("\"ok\xEF\xBF\xBDok\""s, JsonCodec::encode("ok\x80ok"));
    }

    void depthHasALimit() {
        const auto nested = [](std::size_t depth) {
            return std::string(depth, '[') + std::string(depth, ']');
        };
        CPPUNIT_ASSERT(JsonCodec::decode(nested(128)).ok());
        for (const std::size_t depth : {129, 1000, 100'000}) {
            for (const std::string& text : {nested(depth), std::string(depth, '[')}) {
                const auto value = JsonCodec::decode(text);
                CPPUNIT_ASSERT(!value.ok() && value.error().code == Code::TooDeep);
            }
            std::string objects;
            for (std::size_t i = 0; i < depth; ++i) objects += "{\"a\":";
            const auto value = JsonCodec::decode(objects);
            CPPUNIT_ASSERT(!value.ok() && value.error().code == Code::TooDeep);
        }
        CPPUNIT_ASSERT(JsonCodec::decode(nested(3), 3).ok());
        CPPUNIT_ASSERT(!JsonCodec::decode(nested(4), 3).ok());
        CPPUNIT_ASSERT(JsonCodec::decode("5", 0).ok());
        CPPUNIT_ASSERT(!JsonCodec::decode("[]", 0).ok());
        // Depth, not count.
        CPPUNIT_ASSERT(JsonCodec::decode("[[],[],[]]", 2).ok());
        // No caller can ask for more than the stack allows.
        CPPUNIT_ASSERT(!JsonCodec::decode(nested(100'000), 1'000'000).ok());

        Value deep = Value::array();
        for (int i = 1; i < 128; ++i) deep = Value::array({deep});
        CPPUNIT_ASSERT_EQUAL(nested(128), JsonCodec::encode(deep, "refused"));
        deep = Value::array({deep});
        std::string out;
        const auto result = JsonCodec::encodeTo(out, deep);
        CPPUNIT_ASSERT(!result.ok() && result.error().code == Code::TooDeep);
    }

    void theLastOfARepeatedKeyCountsAtItsFirstPlace() {
        const struct {
            const char* text;
            const char* expected;
        } cases[] = {
            {R"({"a":1,"a":2})", R"({"a":2})"},
            {R"({"a":1,"b":2,"a":3})", R"({"a":3,"b":2})"},
            {R"({"a":1,"b":2,"a":3,"b":4,"c":5,"a":6})", R"({"a":6,"b":4,"c":5})"},
            {R"({"":1,"":2})", R"({"":2})"},
            {R"({"a":1,"\u0061":2})", R"({"a":2})"},
            {R"([{"a":{"x":1,"x":[2]},"a":3}])", R"([{"a":3}])"},
        };
        for (const auto& c : cases) {
            const auto value = JsonCodec::decode(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, value.ok());
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), JsonCodec::encode(*value));
        }
        // On both sides of where a table takes over from comparing.
        for (int keys = 1; keys < 40; ++keys) {
            std::string text = "{", expected = "{";
            for (int round = 0; round < 3; ++round)
                for (int i = 0; i < keys; ++i) {
                    const std::string key = "\"k" + std::to_string(i) + "\":";
                    text += (text.size() > 1 ? "," : "") + key + std::to_string(round);
                    if (round == 2) expected += (expected.size() > 1 ? "," : "") + key + "2";
                }
            const auto value = JsonCodec::decode(text + "}");
            CPPUNIT_ASSERT(value.ok());
            CPPUNIT_ASSERT_EQUAL(expected + "}", JsonCodec::encode(*value));
        }
    }

    void manyMembersTakeLinearTime() {
        // Eight times the members: 8 times the time, or 64 times if each is compared with each.
        const auto seconds = [](int members, const char* format) {
            std::string text = "{";
            for (int i = 0; i < members; ++i) {
                char member[40];
                std::snprintf(member, sizeof member, format, i ? "," : "", i);
                text += member;
            }
            text += '}';
            const std::clock_t begin = std::clock();
            const auto value = JsonCodec::decode(text);
            const double taken = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
            CPPUNIT_ASSERT(value.ok());
            return taken;
        };
        for (const char* format :
             {"%s\"%d\":0", "%s\"a long common prefix %d\":0", "%s\"same\":%d"}) {
            bool linear = false;
            for (int attempt = 0; attempt < 5 && !linear; ++attempt) {
                const double small = seconds(5'000, format), large = seconds(40'000, format);
                linear = large < 30 * std::max(small, 0.0005);
            }
            CPPUNIT_ASSERT_MESSAGE(format, linear);
        }
    }

    void binaryBecomesPlaceholders() {
        const Value value =
            Value::array({"photo",
                          {{"a", Binary("one")}, {"list", Value::array({Binary("two"), 5})}},
                          Binary()});
        std::vector<Binary> attachments;
        std::string out = "52-";
        CPPUNIT_ASSERT(JsonCodec::encodeTo(out, value, &attachments).ok());
        CPPUNIT_ASSERT_EQUAL(
            R"(52-["photo",{"a":{"_placeholder":true,"num":0},"list":[{"_placeholder":true,"num":1},5]},{"_placeholder":true,"num":2}])"s,
            out);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, attachments.size());
        CPPUNIT_ASSERT(attachments[0] == Binary("one") && attachments[1] == Binary("two") &&
                       attachments[2] == Binary());

        // Numbers go on from what is there.
        out.clear();
        CPPUNIT_ASSERT(JsonCodec::encodeTo(out, Binary("x"), &attachments).ok());
        CPPUNIT_ASSERT_EQUAL(R"({"_placeholder":true,"num":3})"s, out);
    }

    void refusesWhatHasNoTextAndLeavesNoTrace() {
        const double infinity = std::numeric_limits<double>::infinity();
        const Value bad[] = {std::nan(""), infinity, -infinity};
        for (const Value& number : bad) {
            std::vector<Binary> attachments{Binary("kept")};
            std::string out = "kept";
            const Value value =
                Value::array({"text", Binary("x"), std::string(5000, 'x'), {{"n", number}}});
            const auto result = JsonCodec::encodeTo(out, value, &attachments);
            CPPUNIT_ASSERT(!result.ok() && result.error().code == Code::BadJson);
            CPPUNIT_ASSERT_EQUAL("kept"s, out);
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, attachments.size());
        }
        std::string out;
        CPPUNIT_ASSERT(!JsonCodec::encodeTo(out, Value::array({Binary("x")})).ok());
        CPPUNIT_ASSERT(out.empty());
        CPPUNIT_ASSERT_EQUAL("instead"s, JsonCodec::encode(Binary("x"), "instead"));
    }

    void writesLongTexts() {
        // Around the size of the writer's buffer, in one piece and in many.
        for (std::size_t size = 0; size < 1200; size += 7) {
            Value value = Value::array({std::string(size, 'a')});
            for (std::size_t i = 0; i < size / 7; ++i) value.push(static_cast<int>(i) * 1001);
            value.push({{"escaped", std::string(size / 3, '\n')}});
            const auto back = JsonCodec::decode(JsonCodec::encode(value));
            CPPUNIT_ASSERT(back.ok() && *back == value);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(JsonCodecTest);

}  // namespace socketio
