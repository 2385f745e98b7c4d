#include <string>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/EnginePacket.h"

namespace socketio {

using Code = DecodeError::Code;
using Type = EnginePacket::Type;
using namespace std::string_literals;

class EnginePacketTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EnginePacketTest);
    CPPUNIT_TEST(readsPackets);
    CPPUNIT_TEST(refusesWhatIsNotAPacket);
    CPPUNIT_TEST(readsBinaryOfRevisionThree);
    CPPUNIT_TEST(base64OfKnownTexts);
    CPPUNIT_TEST(base64OfEveryByteAndLength);
    CPPUNIT_TEST(base64WithoutPadding);
    CPPUNIT_TEST(refusesWhatIsNotBase64);
    CPPUNIT_TEST(knowsUtf8);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsPackets() {
        const struct {
            std::string bytes;
            EnginePacket expected;
        } cases[] = {
            {"0{}", {Type::Open, false, "{}"}},
            {"1", {Type::Close, false, ""}},
            {"2", {Type::Ping, false, ""}},
            {"2probe", {Type::Ping, false, "probe"}},
            {"3probe", {Type::Pong, false, "probe"}},
            {"4hello", {Type::Message, false, "hello"}},
            {"4", {Type::Message, false, ""}},
            {"4\0x"s, {Type::Message, false, "\0x"s}},
            {"5", {Type::Upgrade, false, ""}},
            {"6", {Type::Noop, false, ""}},
            {"b", {Type::Message, true, ""}},  // an empty attachment
            {"bAQID", {Type::Message, true, "\1\2\3"}},
            {"bAQIDBA==", {Type::Message, true, "\1\2\3\4"}},
            {"bAQIDBA", {Type::Message, true, "\1\2\3\4"}},
        };
        for (const auto& c : cases) {
            const auto packet = EnginePacket::decode(c.bytes);
            CPPUNIT_ASSERT_MESSAGE(c.bytes, packet.ok());
            CPPUNIT_ASSERT_MESSAGE(c.bytes, *packet == c.expected);
        }
        const auto type = EnginePacket::typeOf("2probe");
        CPPUNIT_ASSERT(type.ok() && *type == Type::Ping);
    }

    void refusesWhatIsNotAPacket() {
        const struct {
            std::string bytes;
            Code expected;
        } cases[] = {
            {"", Code::Empty},           {"7", Code::UnknownType},
            {"9", Code::UnknownType},    {"hello", Code::UnknownType},
            {"abc", Code::UnknownType},  {" 4", Code::UnknownType},
            {"\0"s, Code::UnknownType},  {"\4\1\2"s, Code::UnknownType},
            {"/", Code::UnknownType},    {"-1", Code::UnknownType},
            {"\xFF", Code::UnknownType}, {"B", Code::UnknownType},
            {"b!!!!", Code::BadBase64},  {"b4AQID", Code::BadBase64},
            {"bAQ=", Code::BadBase64},
        };
        for (const auto& c : cases) {
            const auto packet = EnginePacket::decode(c.bytes);
            CPPUNIT_ASSERT_MESSAGE(c.bytes, !packet.ok());
            CPPUNIT_ASSERT_MESSAGE(c.bytes, packet.error().code == c.expected);
            if (c.bytes.empty() || c.bytes[0] != 'b') {
                const auto type = EnginePacket::typeOf(c.bytes);
                CPPUNIT_ASSERT_MESSAGE(c.bytes, !type.ok() && type.error().code == c.expected);
            }
        }
    }

    void readsBinaryOfRevisionThree() {
        const auto v3 = EngineRevision::V3;
        const auto packet = EnginePacket::decode("b4AQID", v3);
        CPPUNIT_ASSERT(packet.ok());
        CPPUNIT_ASSERT((*packet == EnginePacket{Type::Message, true, "\1\2\3"}));
        CPPUNIT_ASSERT(EnginePacket::decode("b4", v3).ok());
        CPPUNIT_ASSERT(EnginePacket::decode("4x", v3).ok());
        for (const char* bad : {"b", "bAQID", "b0AQID", "b2", "b7AQID", "bb4AQID"}) {
            const auto refused = EnginePacket::decode(bad, v3);
            CPPUNIT_ASSERT_MESSAGE(bad, !refused.ok());
            CPPUNIT_ASSERT_MESSAGE(bad, refused.error().code == Code::UnknownType);
        }
        CPPUNIT_ASSERT(!EnginePacket::decode("b4!", v3).ok());
    }

    void base64OfKnownTexts() {
        const struct {
            const char* bytes;
            const char* text;
        } cases[] = {
            // RFC 4648 §10
            {"", ""},
            {"f", "Zg=="},
            {"fo", "Zm8="},
            {"foo", "Zm9v"},
            {"foob", "Zm9vYg=="},
            {"fooba", "Zm9vYmE="},
            {"foobar", "Zm9vYmFy"},
            {"\xFB\xFF\xBF", "+/+/"},
        };
        for (const auto& c : cases) {
            std::string out = "before";
            appendBase64(out, c.bytes);
            CPPUNIT_ASSERT_EQUAL("before"s + c.text, out);
            const auto back = decodeBase64(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, back.ok());
            CPPUNIT_ASSERT_EQUAL(std::string(c.bytes), *back);
        }
    }

    void base64OfEveryByteAndLength() {
        std::string bytes;
        for (int i = 0; i < 600; ++i) {
            std::string text;
            appendBase64(text, bytes);
            CPPUNIT_ASSERT_EQUAL((bytes.size() + 2) / 3 * 4, text.size());
            const auto back = decodeBase64(text);
            CPPUNIT_ASSERT(back.ok());
            CPPUNIT_ASSERT(*back == bytes);
            bytes += static_cast<char>(i * 7 + i / 256);
        }
    }

    void base64WithoutPadding() {
        const struct {
            const char* text;
            const char* expected;
        } cases[] = {{"Zg", "f"}, {"Zm8", "fo"}, {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}};
        for (const auto& c : cases) {
            const auto back = decodeBase64(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, back.ok());
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), *back);
        }
    }

    void refusesWhatIsNotBase64() {
        const std::string cases[] = {
            "A",
            "AAAAA",
            "=",
            "==",
            "===",
            "====",
            "A=",
            "A==",
            "A===",
            "AA=",
            "AAA==",
            "AAAA=",
            "AAAA==",
            "AAAA====",
            "Zg==Zg==",
            "Zg=a",
            "Z=g=",
            "=Zg=",
            "Zm 9v",
            "Zm9v\n",
            "\nZm9v",
            "Zm9v ",
            "Zm\r\n9v",
            "Zm9v\r\n",
            "Zm-v",
            "Zm_v",
            "Zm9*",
            "Zm9v!!!!",
            "\0\0\0\0"s,
            "Zm9\0"s,
            "Zm9\x80",
            "\xFF\xFF\xFF\xFF",
            "Zh==",
            "Zm9=",
            "Zh",
            "Zm9",
            "AAAAAAAAAAAAAAA\xC3",
            "Zm9v,AAA",
        };
        for (const std::string& text : cases) {
            const auto back = decodeBase64(text);
            CPPUNIT_ASSERT_MESSAGE(text, !back.ok());
            CPPUNIT_ASSERT_MESSAGE(text, back.error().code == Code::BadBase64);
        }
        // A wrong character at every place.
        for (std::size_t at = 0; at < 8; ++at) {
            std::string text = "AAAAAAAA";
            text[at] = '?';
            CPPUNIT_ASSERT_MESSAGE(text, !decodeBase64(text).ok());
        }
    }

    void knowsUtf8() {
        const std::string good[] = {
            "",
            "ascii and more of it, longer than a word",
            "\0"s,
            "\xC2\x80",
            "\xDF\xBF",
            "\xE0\xA0\x80",
            "\xED\x9F\xBF",
            "\xEE\x80\x80",
            "\xEF\xBF\xBF",
            "\xF0\x90\x80\x80",
            "\xF4\x8F\xBF\xBF",
            "0123456789abcde\xE2\x82\xAC",
        };
        for (const std::string& text : good) CPPUNIT_ASSERT_MESSAGE(text, isValidUtf8(text));
        const std::string bad[] = {
            "\x80",
            "\xBF",
            "\xC0\x80",
            "\xC1\xBF",
            "\xC2",
            "\xC2\x41",
            "\xE0\x9F\xBF",
            "\xE2\x82",
            "\xED\xA0\x80",
            "\xED\xBF\xBF",
            "\xF0\x8F\xBF\xBF",
            "\xF0\x9F\x98",
            "\xF4\x90\x80\x80",
            "\xF5\x80\x80\x80",
            "\xFF",
            "0123456789abcde\xE2\x82",
            "\xE2\x82\xAC\x80",
        };
        for (const std::string& text : bad) CPPUNIT_ASSERT_MESSAGE(text, !isValidUtf8(text));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EnginePacketTest);

}  // namespace socketio
