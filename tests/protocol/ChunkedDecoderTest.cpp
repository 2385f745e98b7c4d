#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/HttpHead.h"

#include "Deliveries.h"

namespace socketio {

namespace {

using namespace std::string_literals;
using Status = ChunkedDecoder::Status;

constexpr std::size_t kLimit = 100'000;

/// What the decoder makes of pieces: the body and how many bytes it was, or the reason against it.
std::string read(const Pieces& pieces, std::size_t limit) {
    ChunkedDecoder decoder;
    std::string body;
    std::size_t total = 0;
    for (const std::string_view piece : pieces) {
        const std::vector<char> exact(piece.begin(), piece.end());
        std::size_t consumed = 0;
        const Status status = decoder.decode({exact.data(), exact.size()}, consumed, body, limit);
        total += consumed;
        CPPUNIT_ASSERT(body.size() <= limit);
        if (status == Status::Bad)
            return (decoder.tooLarge() ? "413 "s : "400 "s) + decoder.error();
        if (status == Status::Done) return "done " + std::to_string(total) + " " + body;
        CPPUNIT_ASSERT_EQUAL(piece.size(), consumed);
    }
    return "more " + body;
}

std::string readAnyhow(std::string_view bytes, std::size_t limit = kLimit) {
    const std::string whole = read({bytes}, limit);
    forEachDelivery(bytes, [&](const Pieces& pieces, const std::string& how) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(how + ": " + printable(bytes), whole, read(pieces, limit));
    });
    return whole;
}

void assertBad(const std::string& bytes) {
    const std::string verdict = readAnyhow(bytes);
    CPPUNIT_ASSERT_MESSAGE(printable(bytes) + " gave " + verdict, verdict.starts_with("400 "));
}

}  // namespace

class ChunkedDecoderTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ChunkedDecoderTest);
    CPPUNIT_TEST(readsBodies);
    CPPUNIT_TEST(leavesWhatFollowsTheBody);
    CPPUNIT_TEST(refusesBadSizes);
    CPPUNIT_TEST(refusesBadLineEnds);
    CPPUNIT_TEST(refusesDataThatDoesNotFitItsSize);
    CPPUNIT_TEST(refusesBadExtensions);
    CPPUNIT_TEST(refusesBadTrailers);
    CPPUNIT_TEST(limitsALine);
    CPPUNIT_TEST(limitsAllLinesTogether);
    CPPUNIT_TEST(smallChunksWithoutExtensionsAreNotOverhead);
    CPPUNIT_TEST(limitsTheTrailer);
    CPPUNIT_TEST(limitsTheBody);
    CPPUNIT_TEST(staysDoneAndStaysBad);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsBodies() {
        const struct {
            std::string bytes, body;
        } cases[] = {
            {"0\r\n\r\n", ""},
            {"5\r\nhello\r\n0\r\n\r\n", "hello"},
            {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
            {"000000001\r\na\r\n000\r\n\r\n", "a"},
            {"0000000000000001\r\na\r\n0000000000000000\r\n\r\n", "a"},
            {"1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyz"},
            {"1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", "abcdefghijklmnopqrstuvwxyz"},
            {"7\r\n0\r\n\r\nab\r\n0\r\n\r\n", "0\r\n\r\nab"},
            {"2\r\n\0\xFF\r\n0\r\n\r\n"s, "\0\xFF"s},
            {"1;a\r\nx\r\n0\r\n\r\n", "x"},
            {"1;a=b;c=\"d e\"\t; f\r\nx\r\n0;last\r\n\r\n", "x"},
            {"1;\r\nx\r\n0\r\n\r\n", "x"},
            {"1\r\nx\r\n0\r\nA: b\r\n\r\n", "x"},
            {"1\r\nx\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: y\r\nA:\r\n\r\n", "x"},
            {"1\r\nx\r\n0\r\nA: \t\x80\xFF\r\n\r\n", "x"},
        };
        for (const auto& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(c.bytes),
                                         "done " + std::to_string(c.bytes.size()) + " " + c.body,
                                         readAnyhow(c.bytes));
        CPPUNIT_ASSERT_EQUAL("more hel"s, readAnyhow("5\r\nhel"));
        CPPUNIT_ASSERT_EQUAL("more hello"s, readAnyhow("5\r\nhello\r\n0\r\n"));
    }

    void leavesWhatFollowsTheBody() {
        CPPUNIT_ASSERT_EQUAL("done 13 abc"s, readAnyhow("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n"));
    }

    void refusesBadSizes() {
        const char* const sizes[] = {
            "0x1",
            "+1",
            "-1",
            "1_0",
            " 1",
            "1 ",
            "\t1",
            "1\t",
            "",
            "G",
            "1G",
            "1 ;a",
            ";a",
            "1,1",
            "00000000000000001",  // 17 digits
            "FFFFFFFFFFFFFFFF",
            "8000000000000000",
            "FFFFFFFFFFFFFFFFF",
            "10000000000000001",
            "\xD9\xA1",
        };
        for (const char* const size : sizes) assertBad(std::string(size) + "\r\na\r\n0\r\n\r\n");
    }

    void refusesBadLineEnds() {
        assertBad("1\na\r\n0\r\n\r\n");
        assertBad("1\r\na\n0\r\n\r\n");
        assertBad("1\r\na\r\n0\n\r\n");
        assertBad("1\r\na\r\n0\r\n\n");
        assertBad("1\ra\r\n0\r\n\r\n");
        assertBad("1\r\ra\r\n0\r\n\r\n");
        assertBad("1\r\na\r0\r\n\r\n");
        assertBad("1\r\na\r\r\n0\r\n\r\n");
        assertBad("1;a\na\r\n0\r\n\r\n");
        assertBad("0\r\n\r\r");
        assertBad("0\r\nA: b\n\r\n");
        assertBad("0\r\nA: b\rC: d\r\n\r\n");
    }

    void refusesDataThatDoesNotFitItsSize() {
        assertBad("1\r\nab\r\n0\r\n\r\n");
        assertBad("3\r\nab\r\n0\r\n\r\n");
        assertBad("2\r\nab0\r\n\r\n");
        assertBad("2\r\nab\r\n\r\n0\r\n\r\n");
        assertBad("0\r\nXX\r\n\r\n");
    }

    void refusesBadExtensions() {
        assertBad("1;a\rb\r\nx\r\n0\r\n\r\n");
        assertBad("1;a\0b\r\nx\r\n0\r\n\r\n"s);
        assertBad("1;a\x7F\r\nx\r\n0\r\n\r\n");
        assertBad("1;a\x80\r\nx\r\n0\r\n\r\n");
        assertBad("1;a=\"\n\"\r\nx\r\n0\r\n\r\n");
    }

    void refusesBadTrailers() {
        for (const std::string& trailer :
             {"A"s, ": b"s, " A: b"s, "A : b"s, "A: b\r\n c"s, "A: \0"s, "\x80: b"s, "A: \x7F"s})
            assertBad("1\r\nx\r\n0\r\n" + trailer + "\r\n\r\n");
    }

    void limitsALine() {
        const auto line = [](std::size_t size) {  // with its CRLF
            return "1;" + std::string(size - 4, 'e') + "\r\nx\r\n0\r\n\r\n";
        };
        CPPUNIT_ASSERT(readAnyhow(line(256)).starts_with("done"));
        CPPUNIT_ASSERT_EQUAL("400 chunk line too long"s, readAnyhow(line(257)));
        assertBad("1;" + std::string(1 << 16, 'e'));
    }

    void limitsAllLinesTogether() {
        // 100 bytes of each line count as overhead: 163 lines fit into 16 KiB, 164 do not.
        const std::string chunk = "1;" + std::string(112, 'e') + "\r\nx\r\n";
        std::string bytes;
        for (int i = 0; i < 163; ++i) bytes += chunk;
        CPPUNIT_ASSERT(read({bytes + "0\r\n\r\n"}, kLimit).starts_with("done"));
        CPPUNIT_ASSERT_EQUAL("400 chunk line too long"s, readAnyhow(bytes + chunk));
    }

    void smallChunksWithoutExtensionsAreNotOverhead() {
        std::string bytes;
        for (int i = 0; i < 50'000; ++i) bytes += "1\r\nx\r\n";
        CPPUNIT_ASSERT(read({bytes + "0\r\n\r\n"}, kLimit).starts_with("done 300005 xxx"));
    }

    void limitsTheTrailer() {
        const auto trailer = [](std::size_t size) {  // with the empty line
            std::string fields;
            for (std::size_t left = size - 2; left > 0;) {
                const std::size_t line = left < 200 ? left : 100;
                fields += "A:" + std::string(line - 4, 'b') + "\r\n";
                left -= line;
            }
            return "0\r\n" + fields + "\r\n";
        };
        CPPUNIT_ASSERT(read({trailer(4096)}, kLimit).starts_with("done"));
        CPPUNIT_ASSERT_EQUAL("400 trailer too long"s, read({trailer(4097)}, kLimit));
        assertBad("0\r\nA:" + std::string(1 << 16, 'b'));
    }

    void limitsTheBody() {
        CPPUNIT_ASSERT_EQUAL("done 15 hello"s, readAnyhow("5\r\nhello\r\n0\r\n\r\n", 5));
        CPPUNIT_ASSERT_EQUAL("413 body too large"s, readAnyhow("6\r\nhello!\r\n0\r\n\r\n", 5));
        CPPUNIT_ASSERT_EQUAL("413 body too large"s,
                             readAnyhow("3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n", 5));
        // Refused by the size already, before any data.
        CPPUNIT_ASSERT_EQUAL("413 body too large"s, readAnyhow("7FFFFFFFFFFFFFFF\r\n", 5));
        CPPUNIT_ASSERT_EQUAL("done 5 "s, readAnyhow("0\r\n\r\n", 0));
    }

    void staysDoneAndStaysBad() {
        ChunkedDecoder decoder;
        std::string body;
        std::size_t consumed = 99;
        CPPUNIT_ASSERT(Status::Done == decoder.decode("0\r\n\r\n", consumed, body, kLimit));
        CPPUNIT_ASSERT(Status::Done == decoder.decode("1\r\nx\r\n", consumed, body, kLimit));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, consumed);
        ChunkedDecoder other;
        CPPUNIT_ASSERT(Status::Bad == other.decode("x", consumed, body, kLimit));
        CPPUNIT_ASSERT(Status::Bad == other.decode("0\r\n\r\n", consumed, body, kLimit));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, consumed);
        CPPUNIT_ASSERT(body.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChunkedDecoderTest);

}  // namespace socketio
