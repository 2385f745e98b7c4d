#include <algorithm>
#include <ctime>
#include <string>
#include <tuple>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/EnginePayload.h"

namespace socketio {

using Code = DecodeError::Code;
using Type = EnginePacket::Type;
using Packets = std::vector<EnginePacket>;
using namespace std::string_literals;

namespace {

constexpr auto kV3 = EngineRevision::V3;
constexpr auto kV4 = EngineRevision::V4;

EnginePacket text(std::string data, Type type = Type::Message) {
    return {type, false, std::move(data)};
}
EnginePacket binary(std::string data) { return {Type::Message, true, std::move(data)}; }

std::string bodyOf(EngineRevision revision, bool base64Only, const Packets& packets,
                   bool& octetStream) {
    EnginePayloadWriter writer(revision, base64Only);
    for (const EnginePacket& packet : packets) writer.add(packet.type, packet.data, packet.binary);
    CPPUNIT_ASSERT_EQUAL(packets.size(), writer.packets());
    return writer.body(octetStream);
}

const std::string kEuro = "\xE2\x82\xAC", kEmoji = "\xF0\x9F\x98\x80", kAccent = "\xC3\xA9";

}  // namespace

class EnginePayloadTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EnginePayloadTest);
    CPPUNIT_TEST(writesEveryFormAndReadsItBack);
    CPPUNIT_TEST(writesNothingForNoPackets);
    CPPUNIT_TEST(readsWhatOtherClientsWrite);
    CPPUNIT_TEST(refusesTheWholeBodyAtOneFault);
    CPPUNIT_TEST(limitsTheNumberOfPackets);
    CPPUNIT_TEST(limitsTheSizeOfAPacket);
    CPPUNIT_TEST(takesLinearTime);
    CPPUNIT_TEST(readsJsonpForms);
    CPPUNIT_TEST(writesJsonp);
    CPPUNIT_TEST(countsUtf16Units);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesEveryFormAndReadsItBack() {
        const struct {
            EngineRevision revision;
            bool base64Only;
            Packets packets;
            std::string expected;
            bool octetStream;
        } cases[] = {
            {kV4, false, {text("hello")}, "4hello", false},
            {kV4,
             false,
             {text("a"), text("b"), text("", Type::Ping)},
             "4a\x1e"
             "4b\x1e"
             "2",
             false},
            {kV4,
             false,
             {text("a"), binary("\1\2\3\4")},
             "4a\x1e"
             "bAQIDBA==",
             false},
            {kV4, true, {binary("\1\2\3\4")}, "bAQIDBA==", false},
            {kV4, false, {binary("")}, "b", false},
            {kV4, false, {text(kEuro)}, "4" + kEuro, false},
            {kV4, false, {text("", Type::Noop)}, "6", false},
            {kV3, false, {text("hello")}, "6:4hello", false},
            {kV3, false, {text(kEuro)}, "2:4" + kEuro, false},
            {kV3, false, {text(kEmoji)}, "3:4" + kEmoji, false},
            {kV3,
             false,
             {text(kAccent + kEmoji + "x"), text("y")},
             "5:4" + kAccent + kEmoji + "x2:4y",
             false},
            {kV3, false, {text("a:b"), text("1:2")}, "4:4a:b4:41:2", false},
            {kV3, true, {binary("\1\2\3\4")}, "10:b4AQIDBA==", false},
            {kV3, true, {text("a"), binary("")}, "2:4a2:b4", false},
            {kV3,
             false,
             {text("0"), binary("\1\2\3")},
             "\0\2\xFF"
             "40\1\4\xFF\4\1\2\3"s,
             true},
            {kV3,
             false,
             {binary("\1\2\3"), text("0")},
             "\1\4\xFF\4\1\2\3\0\2\xFF"
             "40"s,
             true},
            {kV3,
             false,
             {text(kEuro), binary("")},
             "\0\4\xFF"
             "4"s +
                 kEuro + "\1\1\xFF\4",
             true},
            {kV3,
             false,
             {binary(std::string(122, 'x'))},
             "\1\1\2\3\xFF\4"s + std::string(122, 'x'),
             true},
        };
        for (const auto& c : cases) {
            bool octetStream = !c.octetStream;
            CPPUNIT_ASSERT_EQUAL(c.expected,
                                 bodyOf(c.revision, c.base64Only, c.packets, octetStream));
            CPPUNIT_ASSERT_EQUAL(c.octetStream, octetStream);
            const auto back = EnginePayload::decode(c.revision, octetStream, c.expected);
            CPPUNIT_ASSERT_MESSAGE(c.expected, back.ok());
            CPPUNIT_ASSERT_MESSAGE(c.expected, *back == c.packets);
        }
    }

    void writesNothingForNoPackets() {
        bool octetStream = true;
        CPPUNIT_ASSERT_EQUAL(""s, bodyOf(kV4, false, {}, octetStream));
        CPPUNIT_ASSERT(!octetStream);
        CPPUNIT_ASSERT_EQUAL("0:"s, bodyOf(kV3, false, {}, octetStream));
        CPPUNIT_ASSERT(!octetStream);
    }

    void readsWhatOtherClientsWrite() {
        const struct {
            EngineRevision revision;
            bool octetStream;
            std::string body;
            Packets expected;
        } cases[] = {
            {kV4,
             false,
             "40{\"token\":\"x\"}\x1e"
             "42[\"e\"]",
             {text("0{\"token\":\"x\"}"), text("2[\"e\"]")}},
            {kV4, false, "bAQIDBA", {binary("\1\2\3\4")}},
            {kV4, false, "1", {text("", Type::Close)}},
            {kV4, false, "5", {text("", Type::Upgrade)}},
            {kV4, false, "6", {text("", Type::Noop)}},
            {kV4, false, "0{}", {text("{}", Type::Open)}},
            {kV3, false, "06:4hello", {text("hello")}},
            {kV3, false, "6:4hello2:4" + kEuro, {text("hello"), text(kEuro)}},
            {kV3, false, "8:b4AQIDBA", {binary("\1\2\3\4")}},
            {kV3, false, "6:2probe", {text("probe", Type::Ping)}},
            // Text and base64 inside the binary form.
            {kV3,
             true,
             "\0\6\xFF"
             "b4AQID"s,
             {binary("\1\2\3")}},
            {kV3,
             true,
             "\0\0\2\xFF"
             "40"s,
             {text("0")}},
            {kV3, true, "\1\5\xFF\4\0\xFF\x1e\xC0"s, {binary("\0\xFF\x1e\xC0"s)}},
        };
        for (const auto& c : cases) {
            const auto packets = EnginePayload::decode(c.revision, c.octetStream, c.body);
            CPPUNIT_ASSERT_MESSAGE(c.body, packets.ok());
            CPPUNIT_ASSERT_MESSAGE(c.body, *packets == c.expected);
        }
    }

    void refusesTheWholeBodyAtOneFault() {
        const struct {
            EngineRevision revision;
            bool octetStream;
            std::string body;
            Code expected;
        } cases[] = {
            {kV4, false, "", Code::Empty},
            {kV4, false, "abc", Code::UnknownType},
            {kV4, false, "\x1e", Code::Empty},
            {kV4, false, "\x1e\x1e", Code::Empty},
            {kV4, false, "4a\x1e", Code::Empty},
            {kV4, false,
             "\x1e"
             "4a",
             Code::Empty},
            {kV4, false,
             "4a\x1e\x1e"
             "4b",
             Code::Empty},
            {kV4, false, "9", Code::UnknownType},
            {kV4, false,
             "4a\x1e"
             "9",
             Code::UnknownType},
            {kV4, false, "b!!!!", Code::BadBase64},
            {kV4, false, "bAQ=", Code::BadBase64},
            {kV4, false, "bAQI=\n", Code::BadBase64},
            {kV4, false, "4\xFF", Code::BadUtf8},
            {kV4, false,
             "4a\x1e"
             "4\xC3",
             Code::BadUtf8},
            {kV4, false,
             "4\xC3\x1e"
             "4\xA9",
             Code::BadUtf8},
            {kV4, false, "4\xED\xA0\x80", Code::BadUtf8},
            {kV4, true, "4a", Code::Malformed},
            {kV4, true, "\1\4\xFF\4\1\2\3"s, Code::Malformed},
            // text form of revision 3
            {kV3, false, "", Code::Empty},
            {kV3, false, "4hello", Code::Malformed},
            {kV3, false, "0:", Code::Empty},
            {kV3, false, "1:40:", Code::Empty},
            {kV3, false, ":4", Code::Malformed},
            {kV3, false, "6", Code::Malformed},
            {kV3, false, "6:", Code::Malformed},
            {kV3, false, "6:4hell", Code::Malformed},
            {kV3, false, "6:4hello7:4hello", Code::Malformed},
            {kV3, false, "6:4hellox", Code::Malformed},
            {kV3, false, "-1:4", Code::Malformed},
            {kV3, false, "+1:4", Code::Malformed},
            {kV3, false, " 1:4", Code::Malformed},
            {kV3, false, "1 :4", Code::Malformed},
            {kV3, false, "1.0:4", Code::Malformed},
            {kV3, false, "1e0:4", Code::Malformed},
            {kV3, false, "0x1:4", Code::Malformed},
            {kV3, false, "a:4", Code::Malformed},
            {kV3, false, "99999999999999999999:4", Code::Malformed},
            {kV3, false, "9999999999:4", Code::Malformed},
            {kV3, false, std::string(100'000, '1'), Code::Malformed},
            {kV3, false, "2:4" + kEmoji, Code::Malformed},  // half a character
            {kV3, false, "4:4" + kEuro, Code::Malformed},   // bytes in place of units
            {kV3, false, "1:7", Code::UnknownType},
            {kV3, false,
             "1:4"
             "1:7",
             Code::UnknownType},
            {kV3, false, "1:b", Code::UnknownType},
            {kV3, false, "6:b0AQID", Code::UnknownType},
            {kV3, false, "6:b4!!!!", Code::BadBase64},
            {kV3, false, "2:4\xFF", Code::BadUtf8},
            {kV3, false,
             "\0\2\xFF"
             "40"s,
             Code::BadUtf8},
            {kV3, false, "\0\2:40"s, Code::Malformed},
            // binary form of revision 3
            {kV3, true, "", Code::Empty},
            {kV3, true, "6:4hello", Code::Malformed},
            {kV3, true,
             "\2\2\xFF"
             "40"s,
             Code::Malformed},
            {kV3, true, "\0"s, Code::Malformed},
            {kV3, true, "\0\2"s, Code::Malformed},
            {kV3, true,
             "\0\xFF"
             "40"s,
             Code::Malformed},
            {kV3, true,
             "\0\2\xFF"
             "4"s,
             Code::Malformed},
            {kV3, true,
             "\0\3\xFF"
             "40"s,
             Code::Malformed},
            {kV3, true,
             "\0\2\xFF"
             "40x"s,
             Code::Malformed},
            {kV3, true,
             "\0\x0A\xFF"
             "40"s,
             Code::Malformed},
            {kV3, true,
             "\0\x32\xFF"
             "40"s,
             Code::Malformed},
            {kV3, true,
             "\0\x80\xFF"
             "40"s,
             Code::Malformed},
            {kV3, true, "\0\0\xFF"s, Code::Empty},
            {kV3, true, "\1\0\xFF"s, Code::Empty},
            {kV3, true,
             "\0\1\xFF"
             "7"s,
             Code::UnknownType},
            {kV3, true,
             "\0\2\xFF"
             "4\xFF"s,
             Code::BadUtf8},
            {kV3, true,
             "\1\2\xFF"
             "4x"s,
             Code::UnknownType},  // a digit in place of the number
            {kV3, true, "\1\2\xFF\2x"s, Code::UnknownType},
            {kV3, true, "\1\1\1\1\1\1\1\1\1\1\1\1\1\xFF\4"s, Code::Malformed},
            {kV3, true, "\1\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xFF\4"s, Code::Malformed},
            {kV3, true, "\1" + std::string(100'000, '\1'), Code::Malformed},
            {kV3, true,
             "\0\2\xFF"
             "40\1"s,
             Code::Malformed},
        };
        for (const auto& c : cases) {
            const auto packets = EnginePayload::decode(c.revision, c.octetStream, c.body);
            CPPUNIT_ASSERT_MESSAGE(c.body, !packets.ok());
            CPPUNIT_ASSERT_MESSAGE(c.body, packets.error().code == c.expected);
        }
    }

    void limitsTheNumberOfPackets() {
        for (const auto& [revision, octetStream, one, separator] :
             {std::tuple(kV4, false, "4a"s, "\x1e"s), std::tuple(kV3, false, "2:4a"s, ""s),
              std::tuple(kV3, true,
                         "\0\2\xFF"
                         "4a"s,
                         ""s),
              std::tuple(kV3, true, "\1\2\xFF\4a"s, ""s)}) {
            for (const std::size_t count : {17, 1000, 1001, 1025}) {
                std::string body = one;
                for (std::size_t i = 1; i < count; ++i) body += separator + one;
                const auto packets = EnginePayload::decode(revision, octetStream, body);
                CPPUNIT_ASSERT_EQUAL(count <= 1000, packets.ok());
                if (packets.ok())
                    CPPUNIT_ASSERT_EQUAL(count, packets->size());
                else
                    CPPUNIT_ASSERT(packets.error().code == Code::TooMany);
            }
        }
    }

    void limitsTheSizeOfAPacket() {
        EnginePayload::Limits limits;
        limits.maxPacketBytes = 10;
        for (std::size_t size = 0; size < 40; ++size) {
            const Packets textual{text(std::string(size, 'x')), text("y")};
            const Packets bytes{text("y"), binary(std::string(size, 'x'))};
            for (const EngineRevision revision : {kV3, kV4})
                for (const bool base64Only : {false, true})
                    for (const Packets& packets : {textual, bytes}) {
                        bool octetStream = false;
                        const std::string body = bodyOf(revision, base64Only, packets, octetStream);
                        const auto back =
                            EnginePayload::decode(revision, octetStream, body, limits);
                        CPPUNIT_ASSERT_EQUAL(size <= 10, back.ok());
                        CPPUNIT_ASSERT(back.ok() || back.error().code == Code::TooLarge);
                    }
        }
        // Refused by its size before it is looked at.
        const auto large = EnginePayload::decode(kV4, false, "b" + std::string(4'000'000, '!'));
        CPPUNIT_ASSERT(!large.ok() && large.error().code == Code::TooLarge);
    }

    void takesLinearTime() {
        // Eight times the bytes: 8 times the time, or 64 times if the rest is looked at again for
        // each packet.
        const auto seconds = [](EngineRevision revision, bool octetStream, const std::string& one,
                                std::size_t count) {
            std::string body;
            for (std::size_t i = 0; i < count; ++i) body += one;
            const EnginePayload::Limits limits{1'000'000, 1'000'000};
            const std::clock_t begin = std::clock();
            const auto packets = EnginePayload::decode(revision, octetStream, body, limits);
            const double taken = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
            CPPUNIT_ASSERT(packets.ok());
            return taken;
        };
        for (const auto& [revision, octetStream, one] : {std::tuple(kV3, false, "2:4" + kEuro),
                                                         std::tuple(kV3, true,
                                                                    "\0\4\xFF"
                                                                    "4"s +
                                                                        kEuro),
                                                         std::tuple(kV3, true, "\1\2\xFF\4x"s),
                                                         std::tuple(kV4, false,
                                                                    "4\x1e"
                                                                    "4"s)}) {
            bool linear = false;
            for (int attempt = 0; attempt < 5 && !linear; ++attempt) {
                const double small = seconds(revision, octetStream, one, 10'000);
                const double large = seconds(revision, octetStream, one, 80'000);
                linear = large < 30 * std::max(small, 0.0005);
            }
            CPPUNIT_ASSERT_MESSAGE(one, linear);
        }
    }

    void readsJsonpForms() {
        const struct {
            std::string body;
            std::string expected;
        } cases[] = {
            {"d=4hello", "4hello"},
            {"d=", ""},
            {"d=4a+b", "4a b"},
            {"d=4a%2Bb", "4a+b"},
            {"d=4%E2%82%AC", "4" + kEuro},
            {"d=4%e2%82%ac", "4" + kEuro},
            {"x=1&d=4a&y=2", "4a"},
            {"d=4a&d=4b", "4a"},
            {"d=4a%1E4b",
             "4a\x1e"
             "4b"},
            {"d=4a%5Cnb", "4a\nb"},           // \n: a newline
            {"d=4a%5C%5Cnb", "4a\\nb"},       // \\n: what was \n
            {"d=4a%5C%5C%5Cnb", "4a\\\\nb"},  // \\\n
            {"d=%5Cn%5Cn", "\n\n"},
            {"d=%5Cx%5C", "\\x\\"},
            {"d=4a%0Ab", "4a\nb"},
            {"d=a=b", "a=b"},
        };
        for (const auto& c : cases) {
            const auto payload = EnginePayload::decodeJsonpForm(c.body);
            CPPUNIT_ASSERT_MESSAGE(c.body, payload.ok());
            CPPUNIT_ASSERT_EQUAL(c.expected, *payload);
        }
        for (const char* bad : {"", "4hello", "x=4hello", "dd=4", "D=4", "d", "d=%", "d=%4",
                                "d=%4g", "d=%zz", "&", "x=1&y=d=4"}) {
            const auto payload = EnginePayload::decodeJsonpForm(bad);
            CPPUNIT_ASSERT_MESSAGE(bad, !payload.ok());
            CPPUNIT_ASSERT_MESSAGE(bad, payload.error().code == Code::Malformed);
        }
    }

    void writesJsonp() {
        const struct {
            const char* index;
            std::string payload;
            std::string expected;
        } cases[] = {
            {"0", "4hello", R"(___eio[0]("4hello");)"},
            {"12", "", R"(___eio[12]("");)"},
            {"a1b2", "x", R"(___eio[12]("x");)"},
            {"1;alert(1)", "x", R"(___eio[11]("x");)"},
            {"<script>", "x", R"(___eio[]("x");)"},
            {"1", "4\"\\\n", R"(___eio[1]("4\"\\\n");)"},
            {"1",
             "4a\x1e"
             "4b",
             "___eio[1](\"4a\\u001e4b\");"},
            {"1", kEuro, "___eio[1](\"" + kEuro + "\");"},
            {"1", "\xE2\x80\xA8\xE2\x80\xA9", R"(___eio[1]("\u2028\u2029");)"},
            {"1", "a\xE2\x80\xA7\xE2\x80\xA8z", "___eio[1](\"a\xE2\x80\xA7\\u2028z\");"},
            {"1", "</script>", R"(___eio[1]("</script>");)"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL(c.expected, EnginePayload::encodeJsonp(c.index, c.payload));
    }

    void countsUtf16Units() {
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, utf16Length(""));
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, utf16Length("hello"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, utf16Length(kAccent));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, utf16Length(kEuro));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, utf16Length(kEmoji));
        // Every length and place, against the reader.
        std::string mixed;
        const std::string pieces[] = {"a", kAccent, kEuro, kEmoji, "0123456789"};
        for (int i = 0; i < 200; ++i) {
            mixed += pieces[i * 7 % 5];
            bool octetStream = false;
            const Packets packets{text(mixed), text("end")};
            const std::string body = bodyOf(kV3, false, packets, octetStream);
            const auto back = EnginePayload::decode(kV3, false, body);
            CPPUNIT_ASSERT(back.ok());
            CPPUNIT_ASSERT(*back == packets);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EnginePayloadTest);

}  // namespace socketio
