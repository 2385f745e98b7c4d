#include <cstring>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/WebSocketFrame.h"

#include "Deliveries.h"

namespace socketio {

namespace {

using namespace std::string_literals;
using Type = WebSocketDecoder::EventType;

constexpr int kFin = 0x80, kRsv1 = 0x40, kRsv2 = 0x20, kRsv3 = 0x10;
constexpr int kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

/// How the length is written: in its shortest form, or in one that is too long.
enum class Length { Shortest, In16Bits, In64Bits };

std::string bigEndian(std::uint64_t value, int bytes) {
    std::string out;
    while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xFF);
    return out;
}

/// A masked frame; `first` is its first byte.
std::string frame(int first, std::string payload, Length length = Length::Shortest) {
    const std::size_t size = payload.size();
    std::string out(1, static_cast<char>(first));
    if (length == Length::In64Bits || (length == Length::Shortest && size > 0xFFFF))
        out += '\xFF' + bigEndian(size, 8);
    else if (length == Length::In16Bits || size > 125)
        out += '\xFE' + bigEndian(size, 2);
    else
        out += static_cast<char>(0x80 | size);
    const std::string mask = "\x37\xFA\x21\x3D";
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    return out + mask + payload;
}

std::string text(const std::string& payload) { return frame(kFin | kText, payload); }
std::string binary(const std::string& payload) { return frame(kFin | kBinary, payload); }
std::string ping(const std::string& payload) { return frame(kFin | kPing, payload); }
std::string close(int code, const std::string& reason = "") {
    return frame(kFin | kClose, bigEndian(static_cast<std::uint64_t>(code), 2) + reason);
}

std::string describe(const WebSocketDecoder::Event& event) {
    const std::string data(event.data);
    switch (event.type) {
        case Type::Text:
            return "text(" + data + ") ";
        case Type::Binary:
            return "binary(" + data + ") ";
        case Type::Ping:
            return "ping(" + data + ") ";
        case Type::Pong:
            return "pong(" + data + ") ";
        case Type::Close:
            return "close(" + std::to_string(event.code) + ":" + data + ") ";
        case Type::Error:
            return "error(" + std::to_string(event.code) + " " + event.detail + ") ";
        case Type::NeedMore:
            break;
    }
    return "";
}

/// What comes of bytes that arrive in pieces; what the decoder leaves is given again, each time in
/// memory of just its size.
std::string read(const Pieces& pieces, const WebSocketDecoder::Limits& limits) {
    WebSocketDecoder decoder(limits);
    std::string events;
    std::string left;
    for (const std::string_view piece : pieces) {
        std::vector<char> buffer(left.begin(), left.end());
        buffer.insert(buffer.end(), piece.begin(), piece.end());
        char* at = buffer.data();
        char* const end = at + buffer.size();
        for (;;) {
            const WebSocketDecoder::Event event = decoder.next(at, end);
            CPPUNIT_ASSERT(at <= end);
            if (event.type == Type::NeedMore) break;
            events += describe(event);
        }
        left.assign(at, end);
        CPPUNIT_ASSERT(left.size() < 14);
    }
    return events;
}

void assertReads(const std::string& expected, const std::string& bytes,
                 const WebSocketDecoder::Limits& limits = {}) {
    forEachDelivery(bytes, [&](const Pieces& pieces, const std::string& how) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(how + ": " + printable(bytes), expected, read(pieces, limits));
    });
}

/// The bytes end in an error with that code; what came before it is `before`.
void assertFails(int code, const std::string& bytes, const std::string& before = "",
                 const WebSocketDecoder::Limits& limits = {}) {
    const std::string whole = read({bytes}, limits);
    const std::string expected = before + "error(" + std::to_string(code) + " ";
    CPPUNIT_ASSERT_MESSAGE(printable(bytes) + " gave " + whole, whole.starts_with(expected));
    // Whatever follows is not looked at.
    CPPUNIT_ASSERT_EQUAL(whole, read({bytes + text("more")}, limits));
    assertReads(whole, bytes, limits);
}

}  // namespace

class WebSocketFrameTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(WebSocketFrameTest);
    CPPUNIT_TEST(writesTheExamplesOfTheStandard);
    CPPUNIT_TEST(writesLengthsInTheirShortestForm);
    CPPUNIT_TEST(writesCloseFrames);
    CPPUNIT_TEST(answersTheKeyOfTheStandard);
    CPPUNIT_TEST(knowsKeys);
    CPPUNIT_TEST(readsTheExamplesOfTheStandard);
    CPPUNIT_TEST(readsMessagesOfEverySize);
    CPPUNIT_TEST(readsPingsAndPongs);
    CPPUNIT_TEST(refusesReservedBits);
    CPPUNIT_TEST(refusesUnknownOpcodes);
    CPPUNIT_TEST(refusesFramesWithoutMask);
    CPPUNIT_TEST(refusesBadLengths);
    CPPUNIT_TEST(refusesBadControlFrames);
    CPPUNIT_TEST(joinsFragments);
    CPPUNIT_TEST(letsControlFramesInBetween);
    CPPUNIT_TEST(refusesFragmentsOutOfOrder);
    CPPUNIT_TEST(acceptsEveryKindOfUtf8);
    CPPUNIT_TEST(refusesWhatIsNotUtf8);
    CPPUNIT_TEST(failsAtTheFirstBadByteOfText);
    CPPUNIT_TEST(doesNotCheckBinaryForUtf8);
    CPPUNIT_TEST(readsCloseFrames);
    CPPUNIT_TEST(refusesBadCloseFrames);
    CPPUNIT_TEST(nothingFollowsAClose);
    CPPUNIT_TEST(limitsTheMessage);
    CPPUNIT_TEST(limitsTheFragments);
    CPPUNIT_TEST(judgesAHeaderByItsFirstBytes);
    CPPUNIT_TEST(givesWholeMessagesWithoutACopy);
    CPPUNIT_TEST(keepsNoMoreThanHasArrived);
    CPPUNIT_TEST(unmasksAtEveryAlignment);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesTheExamplesOfTheStandard() {  // RFC 6455 §5.7
        std::string out;
        appendWebSocketFrame(out, WebSocketOpcode::Text, "Hello");
        CPPUNIT_ASSERT_EQUAL("\x81\x05Hello"s, out);
        out.clear();
        appendWebSocketFrame(out, WebSocketOpcode::Pong, "Hello");
        CPPUNIT_ASSERT_EQUAL("\x8A\x05Hello"s, out);
        out.clear();
        appendWebSocketFrame(out, WebSocketOpcode::Binary, std::string(256, 'x'));
        CPPUNIT_ASSERT_EQUAL("\x82\x7E\x01\x00"s + std::string(256, 'x'), out);
        out.clear();
        appendWebSocketFrame(out, WebSocketOpcode::Binary, std::string(65536, 'x'));
        CPPUNIT_ASSERT_EQUAL("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s, out.substr(0, 10));
        CPPUNIT_ASSERT_EQUAL(std::size_t{65546}, out.size());
    }

    void writesLengthsInTheirShortestForm() {
        const struct {
            std::uint64_t payload;
            std::string header;
        } cases[] = {
            {0, "\x82\x00"s},
            {125, "\x82\x7D"s},
            {126, "\x82\x7E\x00\x7E"s},
            {65535, "\x82\x7E\xFF\xFF"s},
            {65536, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s},
            {0x7FFFFFFFFFFFFFFF, "\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s},
        };
        for (const auto& c : cases) {
            char room[kMaxWebSocketHeaderBytes];
            char* const end = room + sizeof room;
            const std::size_t size =
                writeWebSocketHeaderBefore(end, WebSocketOpcode::Binary, c.payload);
            CPPUNIT_ASSERT_EQUAL(printable(c.header), printable({end - size, size}));
        }
    }

    void writesCloseFrames() {
        std::string out;
        appendWebSocketClose(out, 0);
        appendWebSocketClose(out, 1009);
        appendWebSocketClose(out, 1000, "bye");
        CPPUNIT_ASSERT_EQUAL("\x88\x00\x88\x02\x03\xF1\x88\x05\x03\xE8"s + "bye", out);
        // A reason that does not fit is cut between two characters.
        out.clear();
        appendWebSocketClose(out, 1000, std::string(122, 'a') + "\xE2\x82\xAC");
        CPPUNIT_ASSERT_EQUAL("\x88\x7C\x03\xE8"s + std::string(122, 'a'), out);
        out.clear();
        appendWebSocketClose(out, 1000, std::string(123, 'a'));
        CPPUNIT_ASSERT_EQUAL("\x88\x7D\x03\xE8"s + std::string(123, 'a'), out);
    }

    void answersTheKeyOfTheStandard() {  // RFC 6455 §1.3
        CPPUNIT_ASSERT_EQUAL("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="s,
                             webSocketAcceptKey("dGhlIHNhbXBsZSBub25jZQ=="));
    }

    void knowsKeys() {
        CPPUNIT_ASSERT(isWebSocketKey("dGhlIHNhbXBsZSBub25jZQ=="));
        CPPUNIT_ASSERT(isWebSocketKey("++++////+++++++/////+A=="));
        const char* const bad[] = {
            "",
            "==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25j",      // 15 bytes
            "dGhlIHNhbXBsZSBub25jZQo=",  // 17 bytes
            "dGhlIHNhbXBsZSBub25j===",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25jZ-==",
            "dGhlIHNhbXBsZSBub25jZ\x80==",
            "dGhlIHNhbXBsZSBub25jZ ==",
            " dGhlIHNhbXBsZSBub25jZQ=",
        };
        for (const char* const key : bad) CPPUNIT_ASSERT_MESSAGE(key, !isWebSocketKey(key));
    }

    void readsTheExamplesOfTheStandard() {  // RFC 6455 §5.7
        assertReads("text(Hello) ", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assertReads("text(Hello) ", frame(kText, "Hel") + frame(kFin | kContinuation, "lo"));
        assertReads("pong(Hello) ", "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }

    void readsMessagesOfEverySize() {  // Autobahn 1
        for (const std::size_t size :
             {0, 1, 2, 7, 8, 9, 15, 16, 17, 124, 125, 126, 127, 128, 1000, 65535, 65536, 65537}) {
            const std::string payload(size, '*');
            const std::string bytes(size, '\xFE');
            assertReads("text(" + payload + ") ", text(payload));
            assertReads("binary(" + bytes + ") ", binary(bytes));
        }
        assertReads("text(a) binary(b) text() text(c) ",
                    text("a") + binary("b") + text("") + text("c"));
    }

    void readsPingsAndPongs() {  // Autobahn 2
        assertReads("ping() ", ping(""));
        assertReads("ping(Hello, world!) ", ping("Hello, world!"));
        const std::string odd = "\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF"s;
        assertReads("ping(" + odd + ") ", ping(odd));
        const std::string most(125, '\xFE');
        assertReads("ping(" + most + ") ", ping(most));
        assertReads("pong() ", frame(kFin | kPong, ""));
        assertReads("pong(unsolicited) ping(a) ", frame(kFin | kPong, "unsolicited") + ping("a"));
        std::string ten, expected;
        for (int i = 0; i < 10; ++i) {
            ten += ping("payload-" + std::to_string(i));
            expected += "ping(payload-" + std::to_string(i) + ") ";
        }
        assertReads(expected, ten);
    }

    void refusesReservedBits() {  // Autobahn 3
        for (int bits = kRsv3; bits <= (kRsv1 | kRsv2 | kRsv3); bits += kRsv3)
            for (const int opcode : {kText, kBinary, kClose, kPing, kPong}) {
                assertFails(1002, frame(kFin | bits | opcode, "*"));
                assertFails(1002, text("a") + ping("b") + frame(kFin | bits | opcode, ""),
                            "text(a) ping(b) ");
            }
        assertFails(1002, frame(kText, "a") + frame(kFin | kRsv1 | kContinuation, "b"));
    }

    void refusesUnknownOpcodes() {  // Autobahn 4
        for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
            assertFails(1002, frame(kFin | opcode, ""));
            assertFails(1002, frame(opcode, "a"));
            assertFails(1002, text("a") + frame(kFin | opcode, "b") + ping(""), "text(a) ");
            assertFails(1002, frame(kText, "a") + frame(kFin | opcode, "b"));
        }
    }

    void refusesFramesWithoutMask() {
        assertFails(1002, "\x81\x05Hello");
        assertFails(1002, "\x82\x7E\x01\x00"s);
        assertFails(1002, "\x88\x00"s);
        assertFails(1002, "\x89\x00"s);
        assertFails(1002, text("a") + "\x81\x01"s + "a", "text(a) ");
    }

    void refusesBadLengths() {
        assertFails(1002, frame(kFin | kText, "", Length::In16Bits));
        assertFails(1002, frame(kFin | kText, std::string(125, 'a'), Length::In16Bits));
        assertFails(1002, frame(kFin | kText, "", Length::In64Bits));
        assertFails(1002, frame(kFin | kText, std::string(126, 'a'), Length::In64Bits));
        assertFails(1002, frame(kFin | kText, std::string(65535, 'a'), Length::In64Bits));
        // The highest bit of 64 has to be 0; it is not a matter of size.
        assertFails(1002, "\x82\xFF\x80\x00\x00\x00\x00\x00\x00\x00"s);
        assertFails(1002, "\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s);
        assertFails(1009, "\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s);
        assertFails(1009, "\x82\xFF\x00\x00\x00\x00\x80\x00\x00\x00"s);
    }

    void refusesBadControlFrames() {
        for (const int opcode : {kClose, kPing, kPong}) {
            assertFails(1002, frame(kFin | opcode, std::string(126, 'a')));
            assertFails(1002, frame(kFin | opcode, std::string(65536, 'a')));
            assertFails(1002, frame(kFin | opcode, "ab", Length::In16Bits));
            assertFails(1002, frame(kFin | opcode, "ab", Length::In64Bits));
            assertFails(1002, frame(opcode, "ab"));
            assertFails(1002, frame(opcode, "ab") + frame(kFin | kContinuation, "c"));
        }
    }

    void joinsFragments() {  // Autobahn 5
        assertReads("text(ab) ", frame(kText, "a") + frame(kFin | kContinuation, "b"));
        assertReads("text(abc) ", frame(kText, "a") + frame(kContinuation, "b") +
                                      frame(kFin | kContinuation, "c"));
        assertReads("text() ",
                    frame(kText, "") + frame(kContinuation, "") + frame(kFin | kContinuation, ""));
        assertReads("text(middle) ", frame(kText, "") + frame(kContinuation, "middle") +
                                         frame(kFin | kContinuation, ""));
        assertReads("text(last) ", frame(kText, "") + frame(kContinuation, "") +
                                       frame(kFin | kContinuation, "last"));
        assertReads("binary(\x01\xFF) text(a) ",
                    frame(kBinary, "\x01") + frame(kFin | kContinuation, "\xFF") + text("a"));
        std::string bytes = frame(kText, "a");
        for (int i = 0; i < 200; ++i) bytes += frame(kContinuation, "b");
        bytes += frame(kFin | kContinuation, "");
        assertReads("text(a" + std::string(200, 'b') + ") ", bytes);
        assertReads("text(" + std::string(3000, 'a') + ") ",
                    frame(kText, std::string(1000, 'a')) +
                        frame(kContinuation, std::string(1000, 'a')) +
                        frame(kFin | kContinuation, std::string(1000, 'a')));
    }

    void letsControlFramesInBetween() {  // Autobahn 5.6 to 5.8, 5.19, 5.20
        assertReads("ping(p) text(ab) ",
                    frame(kText, "a") + ping("p") + frame(kFin | kContinuation, "b"));
        assertReads("ping(1) ping(2) text(abcde) ping(3) text(x) ",
                    frame(kText, "a") + frame(kContinuation, "b") + ping("1") +
                        frame(kContinuation, "c") + frame(kContinuation, "d") + ping("2") +
                        frame(kFin | kContinuation, "e") + ping("3") + text("x"));
        // Between the bytes of one character, too.
        assertReads("ping(\xFF) pong() text(\xE2\x82\xAC) ",
                    frame(kText, "\xE2") + ping("\xFF") + frame(kContinuation, "\x82") +
                        frame(kFin | kPong, "") + frame(kFin | kContinuation, "\xAC"));
        assertReads("close(1000:) ", frame(kText, "a") + close(1000));
    }

    void refusesFragmentsOutOfOrder() {  // Autobahn 5.9 to 5.18
        assertFails(1002, frame(kFin | kContinuation, "a"));
        assertFails(1002, frame(kContinuation, "a"));
        assertFails(1002, frame(kFin | kContinuation, "") + text("a"));
        assertFails(1002, frame(kText, "a") + text("b"));
        assertFails(1002, frame(kText, "a") + frame(kText, "b"));
        assertFails(1002, frame(kText, "a") + binary("b"));
        assertFails(1002, frame(kBinary, "") + frame(kBinary, ""));
        assertFails(1002, text("a") + frame(kContinuation, "b"), "text(a) ");
        assertFails(
            1002,
            frame(kText, "a") + frame(kFin | kContinuation, "b") + frame(kFin | kContinuation, "c"),
            "text(ab) ");
    }

    void acceptsEveryKindOfUtf8() {  // Autobahn 6
        const std::string good[] = {
            "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!",
            "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5",
            "\0"s,
            "\x7F",
            "\xC2\x80",
            "\xDF\xBF",
            "\xE0\xA0\x80",
            "\xED\x9F\xBF",
            "\xEE\x80\x80",
            "\xEF\xBF\xBD",
            "\xEF\xBF\xBE",  // U+FFFE, a noncharacter
            "\xEF\xBF\xBF",
            "\xF0\x90\x80\x80",
            "\xF0\x9F\xBF\xBF",
            "\xF4\x8F\xBF\xBF",
            "\xEF\xBB\xBFx",  // a byte order mark is a character here
            std::string(15, 'a') + "\xC3\xA4" + std::string(16, 'b') + "\xF0\x9F\x98\x80" +
                std::string(31, 'c'),
        };
        for (const std::string& payload : good) {
            assertReads("text(" + payload + ") ", text(payload));
            std::string fragments;
            for (std::size_t i = 0; i < payload.size(); ++i)
                fragments += frame(i == 0 ? kText : kContinuation, payload.substr(i, 1));
            assertReads("text(" + payload + ") ", fragments + frame(kFin | kContinuation, ""));
        }
    }

    void refusesWhatIsNotUtf8() {  // Autobahn 6
        const std::string bad[] = {
            "\x80",
            "\xBF",
            "\x80\xBF\x80\xBF",
            "\xC0\x80",
            "\xC0\xAF",
            "\xC1\xBF",
            "\xC2",
            "\xC2 ",
            "\xC2\xC2",
            "\xDF",
            "\xE0\x80\xAF",
            "\xE0\x9F\xBF",
            "\xE0\xA0",
            "\xE2\x82",
            "\xE2\x82 ",
            "\xE2\x28\xA1",
            "\xED\xA0\x80",  // surrogates
            "\xED\xAD\xBF",
            "\xED\xBF\xBF",
            "\xED\xA0\xBD\xED\xB8\x80",
            "\xF0\x80\x80\xAF",
            "\xF0\x8F\xBF\xBF",
            "\xF0\x90\x80",
            "\xF0\x28\x8C\xBC",
            "\xF4\x90\x80\x80",
            "\xF5\x80\x80\x80",
            "\xF7\xBF\xBF\xBF",
            "\xF8\x88\x80\x80\x80",
            "\xFB\xBF\xBF\xBF\xBF",
            "\xFC\x84\x80\x80\x80\x80",
            "\xFE",
            "\xFF",
            "\xFE\xFE\xFF\xFF",
            "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80"
            "edited",
            std::string(16, 'a') + "\xFF" + std::string(16, 'b'),
            std::string(31, 'a') + "\xC3",
        };
        for (const std::string& payload : bad) {
            assertFails(1007, text(payload));
            assertFails(1007, text("good") + text(payload), "text(good) ");
            for (std::size_t cut = 0; cut <= payload.size(); ++cut)
                assertFails(1007, frame(kText, payload.substr(0, cut)) +
                                      frame(kFin | kContinuation, payload.substr(cut)));
        }
    }

    void failsAtTheFirstBadByteOfText() {  // Autobahn 6.4
        // The frame announces more, and the message goes on: neither is waited for.
        const std::string whole = frame(kText, "good \xF4\x90 and much more");
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const bool seen = size >= 6 + 7;
            const std::string verdict = read({std::string_view(whole).substr(0, size)}, {});
            CPPUNIT_ASSERT_EQUAL(seen ? "error(1007 text is not UTF-8) "s : ""s, verdict);
        }
    }

    void doesNotCheckBinaryForUtf8() {
        assertReads("binary(\xFF\xC0) ", binary("\xFF\xC0"));
        assertReads("binary(\xFF\xC0) ",
                    frame(kBinary, "\xFF") + frame(kFin | kContinuation, "\xC0"));
        assertReads("binary(\xE2) text(a) ", binary("\xE2") + text("a"));
    }

    void readsCloseFrames() {  // Autobahn 7.3, 7.7
        assertReads("close(1005:) ", frame(kFin | kClose, ""));
        assertReads("close(1000:) ", close(1000));
        assertReads("close(1000:Hello World!) ", close(1000, "Hello World!"));
        const std::string most(123, '*');
        assertReads("close(1000:" + most + ") ", close(1000, most));
        assertReads("close(1000:\xE2\x82\xAC) ", close(1000, "\xE2\x82\xAC"));
        for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                               1014, 3000, 3999, 4000, 4999})
            assertReads("close(" + std::to_string(code) + ":) ", close(code));
    }

    void refusesBadCloseFrames() {  // Autobahn 7.3.2, 7.5.1, 7.9, 7.13
        assertFails(1002, frame(kFin | kClose, "\x03"));
        for (const int code :
             {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 5001, 65535}) {
            assertFails(1002, close(code));
            assertFails(1002, close(code, "reason"));
        }
        assertFails(1007, close(1000, "\xCE\xBA\xE1\xBD\xB9\xED\xA0\x80"));
        assertFails(1007, close(1000, "\xFF"));
        assertFails(1007, close(1000, "cut \xE2\x82"));
        assertFails(1002, close(999, "\xFF"));
    }

    void nothingFollowsAClose() {  // Autobahn 7.1
        assertReads("close(1000:) ", close(1000) + text("a"));
        assertReads("close(1000:) ", close(1000) + close(1000));
        assertReads("close(1000:) ", close(1000) + ping("a"));
        assertReads("close(1000:) ", close(1000) + "\xFF\xFF garbage");
        assertReads("close(1000:) ",
                    frame(kText, "half") + close(1000) + frame(kFin | kContinuation, "other half"));
    }

    void limitsTheMessage() {  // Autobahn 9, with our limits
        WebSocketDecoder::Limits limits;
        limits.maxMessageBytes = 10;
        assertReads("text(0123456789) ", text("0123456789"), limits);
        assertFails(1009, text("0123456789a"), "", limits);
        assertReads("text(0123456789) ",
                    frame(kText, "01234") + frame(kFin | kContinuation, "56789"), limits);
        assertFails(1009, frame(kText, "01234") + frame(kFin | kContinuation, "56789a"), "",
                    limits);
        // Control frames do not count, and each message begins anew.
        assertReads("ping(0123456789abc) text(0123456789) text(0123456789) ",
                    frame(kText, "01234") + ping("0123456789abc") +
                        frame(kFin | kContinuation, "56789") + text("0123456789"),
                    limits);
        // Decided by the header, before any of the payload.
        CPPUNIT_ASSERT_EQUAL("error(1009 message too large) "s, read({"\x82\x8B"}, limits));
        CPPUNIT_ASSERT_EQUAL(
            "error(1009 message too large) "s,
            read({std::string_view("\x82\xFF\x00\x00\x00\x00\x80\x00\x00\x00", 10)}, {}));
        const std::string most(1'000'000, 'a');
        CPPUNIT_ASSERT("text(" + most + ") " == read({text(most)}, {}));
        CPPUNIT_ASSERT_EQUAL("error(1009 message too large) "s, read({text(most + "a")}, {}));
    }

    void limitsTheFragments() {
        WebSocketDecoder::Limits limits;
        limits.maxFragments = 3;
        const std::string last = frame(kFin | kContinuation, "");
        assertReads("text(ab) text(a) ",
                    frame(kText, "a") + frame(kContinuation, "b") + last + text("a"), limits);
        assertFails(1009,
                    frame(kText, "a") + frame(kContinuation, "") + frame(kContinuation, "") + last,
                    "", limits);
        // Empty ones count, control frames in between do not.
        assertReads(
            "ping() ping() ping() text(a) ",
            frame(kText, "a") + ping("") + frame(kContinuation, "") + ping("") + ping("") + last,
            limits);
        std::string many = frame(kText, "");
        for (int i = 1; i < 1024; ++i) many += frame(kContinuation, "");
        CPPUNIT_ASSERT_EQUAL(""s, read({many}, {}));
        CPPUNIT_ASSERT_EQUAL("error(1009 too many fragments) "s, read({many + last}, {}));
    }

    void judgesAHeaderByItsFirstBytes() {
        const struct {
            std::string bytes;
            int code;
        } cases[] = {
            {"\xC1", 1002},              // reserved bit
            {"\x83", 1002},              // opcode
            {"\x09", 1002},              // fragmented ping
            {"\x80", 1002},              // continuation of nothing
            {"\x81\x05", 1002},          // no mask
            {"\x88\xFE", 1002},          // long close
            {"\x81\xFE\x00\x7D"s, 1002}  // long form of a short length
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_MESSAGE(
                printable(c.bytes),
                read({c.bytes}, {}).starts_with("error(" + std::to_string(c.code)));
    }

    void givesWholeMessagesWithoutACopy() {
        std::string bytes =
            text("first") + frame(kBinary, "") + frame(kFin | kContinuation, "two") + ping("three");
        WebSocketDecoder decoder({});
        char* at = bytes.data();
        char* const end = at + bytes.size();
        for (const char* expected : {"first", "two", "three"}) {
            const WebSocketDecoder::Event event = decoder.next(at, end);
            CPPUNIT_ASSERT_EQUAL(std::string(expected), std::string(event.data));
            CPPUNIT_ASSERT(event.data.data() > bytes.data() && event.data.data() < end);
        }
        CPPUNIT_ASSERT(Type::NeedMore == decoder.next(at, end).type);
        CPPUNIT_ASSERT(at == end);
    }

    void keepsNoMoreThanHasArrived() {
        const std::string bytes = text(std::string(900'000, 'a'));
        WebSocketDecoder decoder({});
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, decoder.bufferedBytes());
        std::size_t arrived = 0;
        Type last = Type::NeedMore;
        for (std::size_t size = 14; arrived < bytes.size(); size = 4096) {
            std::string piece = bytes.substr(arrived, size);
            arrived += piece.size();
            char* at = piece.data();
            last = decoder.next(at, at + piece.size()).type;
            CPPUNIT_ASSERT(at == piece.data() + piece.size());
            CPPUNIT_ASSERT(decoder.bufferedBytes() <= 2 * arrived + 32);
        }
        CPPUNIT_ASSERT(Type::Text == last);
        char none = 0;
        char* at = &none;
        CPPUNIT_ASSERT(Type::NeedMore == decoder.next(at, at).type);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, decoder.bufferedBytes());
    }

    void unmasksAtEveryAlignment() {
        std::string payload;
        for (int i = 0; i < 67; ++i) payload += static_cast<char>(i * 37);
        const std::string bytes = binary(payload);
        for (std::size_t shift = 0; shift < 8; ++shift) {
            alignas(8) char room[256];
            std::memcpy(room + shift, bytes.data(), bytes.size());
            WebSocketDecoder decoder({});
            char* at = room + shift;
            CPPUNIT_ASSERT(payload == decoder.next(at, at + bytes.size()).data);
        }
        // In three pieces, so that the middle one begins and ends anywhere in the mask.
        for (std::size_t first = 6; first < bytes.size(); ++first)
            for (std::size_t second = first; second < bytes.size(); ++second) {
                const std::string_view all(bytes);
                CPPUNIT_ASSERT_EQUAL("binary(" + payload + ") ",
                                     read({all.substr(0, first), all.substr(first, second - first),
                                           all.substr(second)},
                                          {}));
            }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebSocketFrameTest);

}  // namespace socketio
