#include <set>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "Pickle.h"
#include "PubSubSuite.h"  // show()

namespace socketio {

using namespace std::string_literals;
using test::show;

class PickleTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PickleTest);
    CPPUNIT_TEST(readsPlainData);
    CPPUNIT_TEST(sharesObjectsAsPythonDoes);
    CPPUNIT_TEST(tellsTuplesFromLists);
    CPPUNIT_TEST(refusesEveryOtherOpcode);
    CPPUNIT_TEST(refusesWhatIsMalformed);
    CPPUNIT_TEST(endsAtTheLimits);
    CPPUNIT_TEST(refusesEveryPartOfAGoodOne);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsPlainData() {
        const struct {
            std::string bytes, expected;
        } cases[] = {
            {"N", "null"},
            {"\x88", "true"},
            {"\x89", "false"},
            {"K\xff", "255"},
            {"M\1\2", "513"},
            {"J\xff\xff\xff\xff", "-1"},
            {"J\0\0\0\x80"s, "-2147483648"},
            {"\x8a\0"s, "0"},
            {"\x8a\1\xff", "-1"},
            {"\x8a\2\xff\0"s, "255"},
            {"\x8a\x08\0\0\0\0\0\0\0\x80"s, "-9223372036854775808"},
            {"\x8a\x09\0\0\0\0\0\0\0\x80\0"s, "9223372036854776000"},
            {"\x8b\1\0\0\0\x7f"s, "127"},
            {"G\x3f\xf8\0\0\0\0\0\0"s, "1.5"},
            {"G\xc0\x04\0\0\0\0\0\0"s, "-2.5"},
            {"\x8c\2\xc3\xa9", "\"\xc3\xa9\""},
            {"X\1\0\0\0x"s, "\"x\""},
            {"\x8d\1\0\0\0\0\0\0\0x"s, "\"x\""},
            {"X\3\0\0\0\xed\xa0\x80"s, "\"\\ud800\""},
            {"C\2\0\1"s, "{\"_placeholder\":true,\"num\":0}+\0\1"s},
            {"B\1\0\0\0x"s, "{\"_placeholder\":true,\"num\":0}+x"},
            {"\x8e\1\0\0\0\0\0\0\0x"s, "{\"_placeholder\":true,\"num\":0}+x"},
            {"\x96\1\0\0\0\0\0\0\0x"s, "{\"_placeholder\":true,\"num\":0}+x"},
            {"]", "[]"},
            {"]K\1a", "[1]"},
            {"](K\1K\2e", "[1,2]"},
            {"](e", "[]"},
            {")", "[]"},
            {"K\1\x85", "[1]"},
            {"K\1K\2\x86", "[1,2]"},
            {"K\1K\2K\3\x87", "[1,2,3]"},
            {"(K\1K\2K\3K\4t", "[1,2,3,4]"},
            {"}", "{}"},
            {"}\x8c\1aK\1s", "{\"a\":1}"},
            {"}(\x8c\1aK\1\x8c\1bNu", "{\"a\":1,\"b\":null}"},
            {"}(K\5K\1u", "{\"5\":1}"},
            {"\x95\1\0\0\0\0\0\0\0K\1"s, "1"},  // a frame
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bytes, c.expected, read("\x80\4" + c.bytes + "."));
    }

    void sharesObjectsAsPythonDoes() {
        // BINPUT and BINGET, MEMOIZE, and a list that grows after it was remembered.
        CPPUNIT_ASSERT_EQUAL("[\"x\",\"x\"]"s, read("\x80\3](X\1\0\0\0xq\7h\7e."s));
        CPPUNIT_ASSERT_EQUAL("[\"x\",\"x\"]"s, read("\x80\3](X\1\0\0\0xr\7\0\0\0j\7\0\0\0e."s));
        CPPUNIT_ASSERT_EQUAL("[[1],[1]]"s, read("\x80\4]\x94(]\x94K\1ah\1e."));
        // A list in itself: [...]
        CPPUNIT_ASSERT_EQUAL("pickle nested too deep"s, read("\x80\4]\x94h\0a."s));
        // a = [a, a] twenty times over would be a million lists.
        std::string doubling = "\x80\4]\x94";
        for (char i = 0; i < 40; ++i) doubling += "](h"s + i + "h"s + i + "e\x94";
        CPPUNIT_ASSERT_EQUAL("pickle with more or less than one object"s, read(doubling + '.'));
        doubling = "\x80\4]\x94";
        for (char i = 0; i < 40; ++i) doubling += "h"s + i + "h"s + i + "\x86\x94";
        for (int i = 0; i < 40; ++i) doubling += "\x86";
        CPPUNIT_ASSERT_EQUAL("pickle too large"s, read(doubling + '.'));
    }

    void tellsTuplesFromLists() {
        std::vector<std::string> tuples;
        const auto value = Pickle::decode(
            "\x80\4}(\x8c\1aK\1\x85\x8c\1b]\x8c\1c)\x8c\1d}\x8c\1eK\1\x85su.", &tuples);
        CPPUNIT_ASSERT(value.ok());
        CPPUNIT_ASSERT_EQUAL("{\"a\":[1],\"b\":[],\"c\":[],\"d\":{\"e\":[1]}}"s, show(*value));
        CPPUNIT_ASSERT((std::vector<std::string>{"a", "c"} == tuples));
    }

    void refusesEveryOtherOpcode() {
        // What looks names up or calls, what a stack machine has besides, and what is no opcode.
        const std::string known =
            "(.N\x88\x89JKM\x8a\x8bG\x8cX\x8d"
            "CB\x8e\x96]ae)\x85\x86\x87t}suhjqr\x94\x95\x80";
        int refused = 0;
        for (int opcode = 0; opcode < 256; ++opcode) {
            if (known.find(static_cast<char>(opcode)) != std::string::npos) continue;
            // With something of everything on the stack, and text for operands.
            const std::string bytes = "\x80\4NN(\x8c\2os\x8c\6system"s + static_cast<char>(opcode) +
                                      "os\nsystem\n." + std::string(9, 0);
            CPPUNIT_ASSERT_EQUAL("pickle of something else than plain data"s, read(bytes));
            ++refused;
        }
        CPPUNIT_ASSERT_EQUAL(256 - static_cast<int>(known.size()), refused);
        // The classic: os.system("id").
        CPPUNIT_ASSERT_EQUAL(
            "pickle of something else than plain data"s,
            read("\x80\4\x95\x1d\0\0\0\0\0\0\0\x8c\5posix\x94\x8c\6system\x94\x93\x94\x8c\2id\x94"
                 "\x85\x94R\x94."s));
    }

    void refusesWhatIsMalformed() {
        const std::string bad[] = {
            "",
            "N.",
            "\x80",
            "\x80\6N.",
            "\x80\4",
            "\x80\4.",
            "\x80\4N",
            "\x80\4NN.",
            "\x80\4(N.",
            "\x80\4N.N",
            "\x80\4t.",
            "\x80\4K\1a.",
            "\x80\4NK\1a.",
            "\x80\4]}s.",
            "\x80\4](K\1s.",
            "\x80\4}(K\1u.",
            "\x80\4}(Nu.",
            "\x80\4}(]Nu.",
            "\x80\4}(NNu.",
            "\x80\4}(\x88Nu.",
            "\x80\4}(\x8c\1aN\x8c\1aNu.",
            "\x80\4}(\x8c\1"
            "5NK\5Nu.",
            "\x80\4\x85.",
            "\x80\4N(\x85.",
            "\x80\4N\x86.",
            "\x80\4]N(aNt\x87.",
            "\x80\4(N\x87.",
            "\x80\4h\0."s,
            "\x80\4Nq\1\x30h\0."s,
            "\x80\4q\0N."s,
            "\x80\4j\xff\xff\xff\xff.",
            "\x80\4Nr\xff\xff\xff\xff.",
            "\x80\4\x94.",
            "\x80\4X\5\0\0\0abc."s,
            "\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
            "abc.",
            "\x80\4\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"
            "abc.",
            "\x80\4\x8c\1\xff.",
            "\x80\4\x8c\2\xc3.N.",
            "\x80\4\x8a\x0b\0\0\0\0\0\0\0\0\0\0\1."s,
            "\x80\4\x8b\xff\xff\xff\xff.",
            "\x80\4G\x7f\xf0\0\0\0\0\0\0."s,
            "\x80\4G\x7f\xf8\0\0\0\0\0\0."s,
            "\x80\4G\0\0."s,
            "\x80\4\x95\xff\0\0\0\0\0\0\0N."s,
        };
        for (const std::string& each : bad) {
            const auto value = Pickle::decode(each);
            CPPUNIT_ASSERT_MESSAGE(each, !value.ok());
        }
    }

    void endsAtTheLimits() {
        const auto nested = [](std::size_t depth) {
            std::string bytes = "\x80\4N";
            bytes.append(depth, '\x85');
            return bytes + '.';
        };
        CPPUNIT_ASSERT(Pickle::decode(nested(Pickle::kMaxDepth)).ok());
        CPPUNIT_ASSERT_EQUAL("pickle nested too deep"s, read(nested(Pickle::kMaxDepth + 1)));
        CPPUNIT_ASSERT_EQUAL("pickle nested too deep"s, read(nested(100'000)));
        const auto many = [](std::size_t items) {
            return "\x80\4](" + std::string(items, 'N') + "e.";
        };
        CPPUNIT_ASSERT(Pickle::decode(many(Pickle::kMaxItems - 1)).ok());
        CPPUNIT_ASSERT_EQUAL("pickle with too many items"s, read(many(Pickle::kMaxItems)));
        CPPUNIT_ASSERT_EQUAL("pickle with too many items"s,
                             read("\x80\4N" + std::string(Pickle::kMaxItems + 1, '(')));
        CPPUNIT_ASSERT_EQUAL("pickle with too many items"s, read("\x80\4Nr\x40\x42\x0f\0."s));
        // A megabyte, a hundred times from the memo.
        std::string large = "\x80\4](B\0\0\x10\0"s + std::string(1 << 20, 'x') + '\x94';
        for (int i = 0; i < 100; ++i) large += "h\0"s;
        CPPUNIT_ASSERT_EQUAL("pickle too large"s, read(large + "e."));
    }

    void refusesEveryPartOfAGoodOne() {
        const std::string good =
            "\x80\4}(\x8c\1a](K\1G\x3f\xf8\0\0\0\0\0\0X\1\0\0\0xe\x8c\1b"
            "C\1xK\2\x86u."s;
        CPPUNIT_ASSERT(Pickle::decode(good).ok());
        for (std::size_t size = 0; size < good.size(); ++size)
            CPPUNIT_ASSERT(!Pickle::decode(std::string(good, 0, size)).ok());
    }

private:
    static std::string read(const std::string& bytes) {
        const auto value = Pickle::decode(bytes);
        return value.ok() ? show(*value) : value.error().detail;
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PickleTest);

}  // namespace socketio
