#include <string>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/SocketPacketDecoder.h"

#include "Deliveries.h"

namespace socketio {

namespace {

using namespace std::string_literals;
using Code = DecodeError::Code;
using Type = SocketPacket::Type;

constexpr std::size_t kMaxBytes = 1000;

/// A packet as one readable line; binary parts as <bytes>.
std::string describe(const Value& value) {
    if (value.isBinary()) return "<" + value.asBinary().bytes + ">";
    std::string out;
    if (value.isArray()) {
        for (const Value& item : value.asArray()) out += (out.empty() ? "" : ",") + describe(item);
        return "[" + out + "]";
    }
    if (value.isObject()) {
        for (const auto& [key, member] : value.asObject())
            out += (out.empty() ? "" : ",") + key + ":" + describe(member);
        return "{" + out + "}";
    }
    return JsonCodec::encode(value);
}

std::string describe(const SocketPacket& packet) {
    constexpr const char* kNames[] = {"connect", "disconnect", "event", "ack", "error"};
    std::string out = kNames[static_cast<int>(packet.type)] + (" " + packet.nsp);
    if (packet.id) out += " #" + std::to_string(*packet.id);
    if (!packet.data.isNull()) out += " " + describe(packet.data);
    return out;
}

/// "B" and the bytes of an attachment, or a text message.
std::string read(SocketPacketDecoder& decoder, const std::vector<std::string>& messages) {
    std::string out;
    for (const std::string& message : messages) {
        const bool binary = message.starts_with('B');
        const std::vector<char> exact(message.begin() + (binary ? 1 : 0), message.end());
        const std::string_view bytes(exact.data(), exact.size());
        const auto result = binary ? decoder.binary(bytes) : decoder.text(bytes);
        if (!result)
            out += "!" + std::to_string(static_cast<int>(result.error().code)) + " " +
                   result.error().detail;
        else
            out += *result ? describe(**result) : "-";
        out += "; ";
    }
    return out;
}

std::string read(const std::vector<std::string>& messages, int revision = 5) {
    SocketPacketDecoder decoder(revision, kMaxBytes);
    return read(decoder, messages);
}

void assertReads(const std::string& expected, const std::string& message, int revision = 5) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(message), expected + "; ", read({message}, revision));
}

void assertRefused(const std::string& message, int revision = 5) {
    SocketPacketDecoder decoder(revision, kMaxBytes);
    const std::string verdict = read(decoder, {message});
    CPPUNIT_ASSERT_MESSAGE(printable(message) + " gave " + verdict, verdict.starts_with('!'));
    CPPUNIT_ASSERT(!decoder.pending());
    // It is over: nothing is accepted from now on.
    const auto later = decoder.text("2[\"a\"]");
    CPPUNIT_ASSERT(!later.ok() && later.error().code == Code::OutOfOrder);
    CPPUNIT_ASSERT(!decoder.binary("x").ok());
}

void assertRefused(const std::string& message, Code code, int revision = 5) {
    assertRefused(message, revision);
    SocketPacketDecoder decoder(revision, kMaxBytes);
    const auto result = decoder.text(message);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(message), static_cast<int>(code),
                                 static_cast<int>(result.error().code));
}

std::string placeholder(const std::string& num) {
    return "{\"_placeholder\":true,\"num\":" + num + "}";
}

/// Wraps another text around the JSON, so that one sees that it was asked.
class OtherJson : public JsonInterface {
public:
    std::string dumps(const Value&) const override { return {}; }
    Value loads(std::string_view text) const override {
        if (text == "throw") throw 42;
        if (text == "deep") {
            Value value = 1;
            for (int i = 0; i < 1000; ++i) value = Value(Value::Array{std::move(value)});
            return Value(Value::Array{"e", std::move(value)});
        }
        if (!text.starts_with('<')) throw Poco::DataFormatException("no bracket");
        return JsonCodec::decode(text.substr(1, text.size() - 2)).value();
    }
};

}  // namespace

class SocketPacketDecoderTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SocketPacketDecoderTest);
    CPPUNIT_TEST(readsEveryType);
    CPPUNIT_TEST(readsNamespacesOfRevision4);
    CPPUNIT_TEST(refusesWhatIsNoPacket);
    CPPUNIT_TEST(refusesWhatIsNoEvent);
    CPPUNIT_TEST(refusesReservedEventNames);
    CPPUNIT_TEST(acceptsOrdinaryEventNames);
    CPPUNIT_TEST(limitsNames);
    CPPUNIT_TEST(readsAckIdsExactly);
    CPPUNIT_TEST(checksThePayloadOfEachType);
    CPPUNIT_TEST(readsConnectErrorsOfEachRevision);
    CPPUNIT_TEST(refusesBadJson);
    CPPUNIT_TEST(putsAttachmentsIntoTheirPlaces);
    CPPUNIT_TEST(refusesBadAttachmentCounts);
    CPPUNIT_TEST(refusesBadPlaceholders);
    CPPUNIT_TEST(placeholdersInPlainPacketsAreData);
    CPPUNIT_TEST(dropsAttachmentsThatAreNotNamed);
    CPPUNIT_TEST(refusesMessagesOutOfOrder);
    CPPUNIT_TEST(limitsTheBytesOfAttachments);
    CPPUNIT_TEST(tellsWhatIsPending);
    CPPUNIT_TEST(usesAnotherJsonCodec);
    CPPUNIT_TEST(readsWhatTheEncoderWrites);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsEveryType() {
        for (const int revision : {4, 5}) {
            assertReads("connect /", "0", revision);
            assertReads("connect / {}", "0{}", revision);
            assertReads("connect / {token:\"x\"}", "0{\"token\":\"x\"}", revision);
            assertReads("connect /chat", "0/chat,", revision);
            assertReads("connect /chat", "0/chat", revision);
            assertReads("connect /a/b {c:1}", "0/a/b,{\"c\":1}", revision);
            assertReads("connect /", "0/", revision);
            assertReads("connect /*", "0/*,", revision);
            assertReads("disconnect /", "1", revision);
            assertReads("disconnect /chat", "1/chat,", revision);
            assertReads("disconnect /chat", "1/chat", revision);
            assertReads("event / [\"a\"]", "2[\"a\"]", revision);
            assertReads("event / #12 [\"a\",{b:null}]", "212[\"a\",{\"b\":null}]", revision);
            assertReads("event /chat #7 [\"a\"]", "2/chat,7[\"a\"]", revision);
            assertReads("event / [1,2]", "2[1,2]", revision);
            assertReads("event / [\"a\"]", "2 [ \"a\" ] ", revision);
            assertReads("ack / #0 []", "30[]", revision);
            assertReads("ack /chat #12 [\"x\",true]", "3/chat,12[\"x\",true]", revision);
            assertReads("error / {message:\"no\"}", "4{\"message\":\"no\"}", revision);
            assertReads("error /no \"nope\"", "4/no,\"nope\"", revision);
        }
    }

    void readsNamespacesOfRevision4() {
        assertReads("connect /q {token:\"abc\",x:\"1\"}", "0/q?token=abc&x=1,", 4);
        assertReads("connect /q {token:\"abc\"}", "0/q?token=abc", 4);
        assertReads("connect /q {}", "0/q?,", 4);
        assertReads("connect / {a:\"b c/\xC3\xA4\"}", "0/?a=b+c%2F%c3%A4,", 4);
        assertReads("connect /q {a:[\"1\",\"2\",\"3\"],b:\"\"}", "0/q?a=1&a=2&&b&a=3,", 4);
        assertReads("connect /q {a:\"b=c\",:\"d\",e:\"%\",f:\"%zz%4\"}",
                    "0/q?a=b=c&=d&e=%&f=%zz%4,", 4);
        assertReads("connect /q {a:\"b\"}", "0/q?a=b,{\"c\":1}", 4);
        assertReads("event /q [\"e\"]", "2/q?token=abc,[\"e\"]", 4);
        assertReads("event /q #5 [\"e\"]", "2/q?token=abc&x=1,5[\"e\"]", 4);
        assertReads("disconnect /q", "1/q?x,", 4);
        assertReads("ack /q #1 []", "3/q?x,1[]", 4);
        assertRefused("0/q?a=%ff,", Code::BadUtf8, 4);
        assertRefused("0/q?%c3=a,", Code::BadUtf8, 4);
        std::string many = "0/q?a";
        for (int i = 1; i < 64; ++i) many += "&a" + std::to_string(i);
        CPPUNIT_ASSERT(read({many + ","}, 4).starts_with("connect /q {a:"));
        assertRefused(many + "&b,", Code::TooMany, 4);
        // In revision 5 a question mark is a character like any other.
        assertReads("connect /q?x=1", "0/q?x=1,", 5);
        assertReads("event /q?x=1 [\"e\"]", "2/q?x=1,[\"e\"]", 5);
    }

    void refusesWhatIsNoPacket() {
        assertRefused("", Code::Empty);
        for (const char* const message : {"7", "8", "9", "a", "-1", " 2[\"a\"]", "[\"a\"]", "{}",
                                          "\xEF\xBB\xBF", "7[\"a\"]", "2abc[\"a\"]", "x2[\"a\"]"})
            assertRefused(message);
        assertRefused("7[\"a\"]", Code::UnknownType);
        assertRefused("\0"s, Code::UnknownType);
    }

    void refusesWhatIsNoEvent() {
        for (const char* const message :
             {"2",       "2[]",           "2{}",        "2\"x\"",
              "2null",   "2true",         "2[null]",    "2[{\"toString\":\"foo\"}]",
              "2[true]", "2[false]",      "2[[\"x\"]]", "2[{}]",
              "2[1.5]",  "2/chat",        "2/chat,",    "2/chat,5",
              "212",     "2/chat[\"a\"]", "2,[\"a\"]",  "2chat,[\"a\"]"})
            for (const int revision : {4, 5}) assertRefused(message, revision);
    }

    void refusesReservedEventNames() {
        for (const char* const name : {"connect", "connect_error", "disconnect", "disconnecting",
                                       "newListener", "removeListener"}) {
            const std::string json = "[\""s + name + "\"]";
            assertRefused("2" + json, Code::Reserved);
            assertRefused("2/chat,7" + json, Code::Reserved);
            assertRefused("2" + json, Code::Reserved, 4);
            assertRefused("51-[\""s + name + "\"," + placeholder("0") + "]", Code::Reserved);
        }
        assertRefused("2[\"conn\\u0065ct\"]", Code::Reserved);
        // In an acknowledgement they are data.
        assertReads("ack / #1 [\"connect\"]", "31[\"connect\"]");
    }

    void acceptsOrdinaryEventNames() {
        for (const char* const name : {"message", "error", "", "__proto__", "constructor",
                                       "hasOwnProperty", "ping", "connecting", " ", "\xC3\xA4"})
            assertReads("event / [\""s + name + "\"]", "2[\""s + name + "\"]");
        assertReads("event / [\"a\\u0000b\"]", "2[\"a\\u0000b\"]");
        assertReads("event / [-5]", "2[-5]");
        assertReads("event / [9007199254740993,\"x\"]", "2[9007199254740993,\"x\"]");
    }

    void limitsNames() {
        const std::string name(1024, 'a');
        assertReads("event / [\"" + name + "\"]", "2[\"" + name + "\"]");
        assertRefused("2[\"a" + name + "\"]", Code::TooLarge);
        const std::string nsp = "/" + std::string(254, 'n');
        assertReads("connect " + nsp, "0" + nsp + ",");
        assertReads("connect " + nsp + " {x:\"" + std::string(500, 'q') + "\"}",
                    "0" + nsp + "?x=" + std::string(500, 'q') + ",", 4);
        assertRefused("0" + nsp + "n,", Code::TooLarge);
        assertRefused("2" + nsp + "n,[\"a\"]", Code::TooLarge);
        assertRefused("0/" + std::string(10'000, 'n'), Code::TooLarge);
        assertReads("connect /\xC3\xA4", "0/\xC3\xA4,");
        assertRefused("0/\xC3,", Code::BadUtf8);
        assertRefused("2/\xED\xA0\x80,[\"e\"]", Code::BadUtf8);
    }

    void readsAckIdsExactly() {
        assertReads("event / #0 [\"e\"]", "20[\"e\"]");
        assertReads("event / #9007199254740991 [\"e\"]", "29007199254740991[\"e\"]");
        assertReads("ack / #9007199254740991 []", "39007199254740991[]");
        assertReads("event / #7 [\"e\"]", "2007[\"e\"]");
        assertRefused("29007199254740992[\"e\"]", Code::TooLarge);
        assertRefused("29007199254740993[\"e\"]", Code::TooLarge);
        assertRefused("29999999999999999[\"e\"]", Code::TooLarge);
        assertRefused("218446744073709551617[\"e\"]", Code::TooLarge);
        assertRefused("2" + std::string(100, '1') + "[\"e\"]", Code::TooLarge);
        assertRefused("3" + std::string(100, '0') + "[]", Code::TooLarge);
        for (const char* const message :
             {"2-1[\"e\"]", "21.5[\"e\"]", "2+1[\"e\"]", "21e3[\"e\"]", "20x1[\"e\"]", "3-1[]",
              "3xyz[]", "31,[]", "2\xD9\xA1[\"e\"]"})
            assertRefused(message);
    }

    void checksThePayloadOfEachType() {
        for (const int revision : {4, 5}) {
            for (const char* const message :
                 {"0[1]", "0\"x\"", "0nul", "0null", "01", "0true", "0[]", "0*", "0chat", "0/a,[]",
                  "0/a,null", "0{}{}", "0/a,1{}"})
                assertRefused(message, revision);
            for (const char* const message :
                 {"1{}", "1[]", "1null", "1\"x\"", "11", "1/a,{}", "1 "})
                assertRefused(message, revision);
            for (const char* const message :
                 {"3", "3[]", "31", "31{}", "31null", "31\"x\"", "3/a,[]", "3/a,1", "3{}"})
                assertRefused(message, revision);
        }
    }

    void readsConnectErrorsOfEachRevision() {
        for (const char* const message : {"4", "4null", "41", "4[]", "4true", "4/a,", "4{"})
            assertRefused(message, 5);
        assertReads("error /", "4", 4);
        assertReads("error / 1", "41", 4);
        assertReads("error / [1]", "4[1]", 4);
        assertReads("error /a", "4/a,", 4);
        assertRefused("4{", 4);
        assertRefused("4nope", 4);
    }

    void refusesBadJson() {
        for (const std::string& json :
             {"[\"e\",]"s, "[\"e\""s, "[\"e\"]x"s, "[\"e\"]]"s, "['e']"s, "[\"e\",NaN]"s,
              "[\"e\",1e400]"s, "[\"e\",01]"s, "[\"e\",\"\x01\"]"s, "[\"e\",\"\xFF\"]"s,
              "[\"e\",\"\xED\xA0\x80\"]"s, "\xEF\xBB\xBF[\"e\"]"s, "[\"e\",\"\\x\"]"s,
              std::string(100'000, '['), "[\"e\"]\0"s, "[\"e\",{\"a\":1,}]"s, "[\"e\",undefined]"s})
            assertRefused("2" + json);
        const std::string open(127, '['), shut(127, ']');
        CPPUNIT_ASSERT(read({"2[\"e\"," + open + shut + "]"}).starts_with("event / "));
        assertRefused("2[\"e\",[" + open + shut + "]]", Code::TooDeep);
        assertReads("event / [\"e\",{a:2}]", "2[\"e\",{\"a\":1,\"a\":2}]");
        CPPUNIT_ASSERT(read({"2[\"e\",\"\\ud800\",-0,\"\\u0000\"]"}).starts_with("event / "));
    }

    void putsAttachmentsIntoTheirPlaces() {
        const std::string p0 = placeholder("0"), p1 = placeholder("1");
        for (const int revision : {4, 5}) {
            CPPUNIT_ASSERT_EQUAL("-; event / [\"e\",<one>]; "s,
                                 read({"51-[\"e\"," + p0 + "]", "Bone"}, revision));
            CPPUNIT_ASSERT_EQUAL(
                "-; -; event /chat #7 [\"e\",<one>,{a:[<two>]}]; "s,
                read({"52-/chat,7[\"e\"," + p0 + ",{\"a\":[" + p1 + "]}]", "Bone", "Btwo"},
                     revision));
            CPPUNIT_ASSERT_EQUAL("-; ack / #7 [<>]; "s, read({"61-7[" + p0 + "]", "B"}, revision));
        }
        // By number, whatever the order in the text.
        CPPUNIT_ASSERT_EQUAL("-; -; event / [\"e\",<two>,<one>]; "s,
                             read({"52-[\"e\"," + p1 + "," + p0 + "]", "Bone", "Btwo"}));
        // JavaScript does not tell these numbers apart, and further members do not count.
        CPPUNIT_ASSERT_EQUAL("-; -; event / [\"e\",<two>,<one>]; "s,
                             read({"52-[\"e\",{\"num\":1.0,\"x\":2,\"_placeholder\":true}," +
                                       placeholder("-0") + "]",
                                   "Bone", "Btwo"}));
        // One packet after the other.
        CPPUNIT_ASSERT_EQUAL(
            "-; event / [\"a\",<1>]; event / [\"b\"]; -; event / [\"c\",<2>]; "s,
            read({"51-[\"a\"," + p0 + "]", "B1", "2[\"b\"]", "51-[\"c\"," + p0 + "]", "B2"}));
        std::string ten = "510-[\"e\"";
        std::vector<std::string> messages(11);
        std::string expected;
        for (int i = 0; i < 10; ++i) {
            ten += "," + placeholder(std::to_string(i));
            messages[static_cast<std::size_t>(i) + 1] = "B" + std::to_string(i);
            expected += ",<" + std::to_string(i) + ">";
        }
        messages[0] = ten + "]";
        CPPUNIT_ASSERT_EQUAL("-; -; -; -; -; -; -; -; -; -; event / [\"e\"" + expected + "]; ",
                             read(messages));
    }

    void refusesBadAttachmentCounts() {
        const std::string event = "[\"e\"," + placeholder("0") + "]";
        assertRefused("50-[\"e\"]", Code::Malformed);
        assertRefused("60-1[]", Code::Malformed);
        assertRefused("50-" + event);
        assertRefused("511-" + event, Code::TooMany);
        assertRefused("599-" + event, Code::TooMany);
        assertRefused("5999999999999-" + event, Code::TooMany);
        assertRefused("5" + std::string(1'000'000, '9') + "-" + event, Code::TooMany);
        assertRefused("5" + std::string(1'000'000, '1'), Code::TooMany);
        for (const char* const count : {"", "-", "-1-", "a-", "1", "1.0-", "+1-", " 1-", "1 -",
                                        "0x1-", "1e0-", "1--", "1/-", "1-1-"})
            assertRefused("5"s + count + event);
        for (const char* const whole :
             {"5", "5-", "51", "51-", "6", "61-", "61-1", "51-/a", "51-/a,"})
            assertRefused(whole);
    }

    void refusesBadPlaceholders() {
        for (const char* const num :
             {"1", "-1", "1.5", "0.5", "1e9", "9223372036854775808", "\"0\"", "null", "\"splice\"",
              "true", "[]", "[0]", "{}", "-9223372036854775808", "1e300", "\"length\""})
            assertRefused("51-[\"e\"," + placeholder(num) + "]", Code::Malformed);
        assertRefused("51-[\"e\",{\"_placeholder\":true}]", Code::Malformed);
        assertRefused("51-[\"e\",{\"a\":[{\"b\":{\"_placeholder\":true}}]}]", Code::Malformed);
        // Two places for one attachment.
        assertRefused("51-[\"e\"," + placeholder("0") + "," + placeholder("0") + "]",
                      Code::Malformed);
        assertRefused("52-[\"e\",[" + placeholder("1") + "],{\"a\":" + placeholder("1") + "}]",
                      Code::Malformed);
        assertRefused("61-1" + placeholder("0"));
        assertRefused("51-" + placeholder("0"));
        assertRefused("51-[" + placeholder("0") + "]");
    }

    void placeholdersInPlainPacketsAreData() {
        assertReads("event / [\"e\",{_placeholder:true,num:0}]",
                    "2[\"e\"," + placeholder("0") + "]");
        assertReads("ack / #1 [{_placeholder:true,num:-1}]", "31[" + placeholder("-1") + "]");
        // Only `true` makes a placeholder.
        CPPUNIT_ASSERT_EQUAL(
            "-; event / [\"e\",{_placeholder:false,num:0},{_placeholder:1,num:0},"
            "{_placeholder:\"true\"},<x>]; "s,
            read({"51-[\"e\",{\"_placeholder\":false,\"num\":0},{\"_placeholder\":1,\"num\":0},"
                  "{\"_placeholder\":\"true\"}," +
                      placeholder("0") + "]",
                  "Bx"}));
        // What an attachment holds is not looked at.
        CPPUNIT_ASSERT_EQUAL("-; event / [\"e\",<" + placeholder("0") + ">]; ",
                             read({"51-[\"e\"," + placeholder("0") + "]", "B" + placeholder("0")}));
    }

    void dropsAttachmentsThatAreNotNamed() {
        CPPUNIT_ASSERT_EQUAL("-; event / [\"e\"]; "s, read({"51-[\"e\"]", "Bx"}));
        CPPUNIT_ASSERT_EQUAL("-; -; event / [\"e\",<y>]; "s,
                             read({"52-[\"e\"," + placeholder("1") + "]", "Bx", "By"}));
        // They count all the same.
        SocketPacketDecoder decoder(5, 4);
        CPPUNIT_ASSERT(read(decoder, {"51-[\"e\"]", "Babcde"}).starts_with("-; !"));
    }

    void refusesMessagesOutOfOrder() {
        const std::string two = "52-[\"e\"," + placeholder("0") + "," + placeholder("1") + "]";
        SocketPacketDecoder decoder(5, kMaxBytes);
        CPPUNIT_ASSERT(!decoder.binary("x").ok());
        CPPUNIT_ASSERT(!decoder.text("2[\"a\"]").ok());
        for (const std::string& text : {"2[\"a\"]"s, "1"s, ""s, two}) {
            const std::string verdict = read({two, "Bx", text, "By", "2[\"a\"]"});
            CPPUNIT_ASSERT_MESSAGE(verdict, verdict.starts_with("-; -; !"));
            CPPUNIT_ASSERT_MESSAGE(verdict, verdict.find("event") == std::string::npos);
        }
        const std::string verdict = read({"51-[\"e\"," + placeholder("0") + "]", "Bx", "By"});
        CPPUNIT_ASSERT_MESSAGE(verdict, verdict.starts_with("-; event / [\"e\",<x>]; !"));
    }

    void limitsTheBytesOfAttachments() {
        const std::string two = "52-[\"e\"," + placeholder("0") + "," + placeholder("1") + "]";
        const auto part = [](std::size_t size) { return "B" + std::string(size, 'x'); };
        CPPUNIT_ASSERT(read({two, part(400), part(600)}).starts_with("-; -; event"));
        CPPUNIT_ASSERT(read({two, part(400), part(601)}).starts_with("-; -; !"));
        CPPUNIT_ASSERT(read({two, part(1000), part(0)}).starts_with("-; -; event"));
        CPPUNIT_ASSERT(read({two, part(1001)}).starts_with("-; !"));
        // Each packet begins anew.
        CPPUNIT_ASSERT(
            read({two, part(500), part(500), two, part(500), part(500)}).ends_with("x>]; "));
    }

    void tellsWhatIsPending() {
        SocketPacketDecoder decoder(5, kMaxBytes);
        CPPUNIT_ASSERT(!decoder.pending());
        CPPUNIT_ASSERT(decoder.pendingNsp().empty());
        CPPUNIT_ASSERT(decoder.text("52-/chat,[\"e\"]").ok());
        CPPUNIT_ASSERT(decoder.pending());
        CPPUNIT_ASSERT_EQUAL("/chat"s, std::string(decoder.pendingNsp()));
        CPPUNIT_ASSERT(decoder.binary("x").ok());
        CPPUNIT_ASSERT(decoder.pending());
        CPPUNIT_ASSERT(decoder.binary("x").ok());
        CPPUNIT_ASSERT(!decoder.pending());
        CPPUNIT_ASSERT(decoder.pendingNsp().empty());
        CPPUNIT_ASSERT(decoder.text("51-[\"e\"]").ok());
        CPPUNIT_ASSERT(!decoder.text("1").ok());
        CPPUNIT_ASSERT(!decoder.pending());
    }

    void usesAnotherJsonCodec() {
        const OtherJson json;
        const auto reads = [&json](const std::vector<std::string>& messages) {
            SocketPacketDecoder decoder(5, kMaxBytes, &json);
            return read(decoder, messages);
        };
        CPPUNIT_ASSERT_EQUAL("event / #1 [\"e\"]; "s, reads({"21<[\"e\"]>"}));
        CPPUNIT_ASSERT_EQUAL("-; event / [\"e\",<x>]; "s,
                             reads({"51-<[\"e\"," + placeholder("0") + "]>", "Bx"}));
        const std::string badJson = "!" + std::to_string(static_cast<int>(Code::BadJson));
        CPPUNIT_ASSERT(reads({"2[\"e\"]"}).starts_with(badJson));
        CPPUNIT_ASSERT(reads({"2throw"}).starts_with(badJson));
        CPPUNIT_ASSERT(reads({"51-deep", "Bx"})
                           .starts_with("!" + std::to_string(static_cast<int>(Code::TooDeep))));
    }

    void readsWhatTheEncoderWrites() {
        const SocketPacket packets[] = {
            {Type::Connect, "/", {}, {}},
            {Type::Connect, "/chat", {}, {{"token", "x"}}},
            {Type::Disconnect, "/chat", {}, {}},
            {Type::Event, "/", 5, Value::array({"a", 1.5, true, nullptr, {{"b", "c"}}})},
            {Type::Event, "/chat", {}, Value::array({"a", {{"b", Binary("\0\xFF"s)}}, Binary("")})},
            {Type::Ack, "/chat", 0, Value::array({Value::array({Binary("x")})})},
            {Type::ConnectError, "/", {}, {{"message", "no"}, {"data", 1}}},
        };
        for (const SocketPacket& packet : packets) {
            const auto encoded = encodeSocketPacket(packet);
            CPPUNIT_ASSERT(encoded.ok());
            SocketPacketDecoder decoder(5, kMaxBytes);
            auto decoded = decoder.text(encoded->text);
            for (const Binary& attachment : encoded->attachments) {
                CPPUNIT_ASSERT(decoded.ok() && !*decoded);
                decoded = decoder.binary(attachment.view());
            }
            CPPUNIT_ASSERT(decoded.ok() && *decoded);
            CPPUNIT_ASSERT_EQUAL(describe(packet), describe(**decoded));
            CPPUNIT_ASSERT(packet.data == (*decoded)->data);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SocketPacketDecoderTest);

}  // namespace socketio
