#include <fstream>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "RespReader.h"

namespace socketio {

namespace {

using Type = RedisReply::Type;
using Code = DecodeError::Code;

/// The reply as text: `+OK -ERR :1 $text _ [$a $b]`.
std::string show(const RedisReply& reply) {
    switch (reply.type) {
        case Type::Text:
            return "+" + reply.text;
        case Type::Error:
            return "-" + reply.text;
        case Type::Integer:
            return ":" + std::to_string(reply.integer);
        case Type::Bulk:
            return "$" + reply.text;
        case Type::Null:
            return "_";
        case Type::Array:
            break;
    }
    std::string text = "[";
    for (const RedisReply& each : reply.items) text += (text.size() > 1 ? " " : "") + show(each);
    return text + "]";
}

/// All replies in the bytes, which come in pieces of that size; at an error `!` and no more.
std::string readAll(std::string_view bytes, std::size_t pieceSize, std::size_t keepBytes = 1000) {
    RespReader reader(keepBytes);
    std::string all;
    while (!bytes.empty()) {
        std::string_view piece = bytes.substr(0, pieceSize);
        bytes.remove_prefix(piece.size());
        for (;;) {
            RedisReply reply;
            const Result<bool> complete = reader.read(piece, reply);
            if (!complete.ok()) return all + "!";
            if (!*complete) break;
            all += show(reply) + ";";
        }
    }
    return all;
}

long peakKilobytes() {
    std::ifstream file("/proc/self/status");
    std::string word;
    while (file >> word)
        if (word == "VmPeak:") {
            long value = 0;
            file >> value;
            return value;
        }
    return 0;
}

}  // namespace

class RespReaderTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RespReaderTest);
    CPPUNIT_TEST(readsEveryReplyHoweverItIsCut);
    CPPUNIT_TEST(refusesWhatIsNoReply);
    CPPUNIT_TEST(takesNoMemoryForWhatIsOnlyAnnounced);
    CPPUNIT_TEST(cutsAStringThatIsTooLongAndGoesOn);
    CPPUNIT_TEST(limitsTheLengthOfALine);
    CPPUNIT_TEST(writesCommands);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsEveryReplyHoweverItIsCut() {
        struct Case {
            std::string bytes, expected;
        };
        const Case cases[] = {
            {"+OK\r\n", "+OK;"},
            {"+\r\n", "+;"},
            {"-ERR no\r\n:7\r\n:-1\r\n", "-ERR no;:7;:-1;"},
            {":9223372036854775807\r\n", ":9223372036854775807;"},
            {"$5\r\nhello\r\n", "$hello;"},
            {"$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n", "$;_;_;[];"},
            {"$4\r\n\r\n+\n\r\n", "$\r\n+\n;"},
            {"*3\r\n$7\r\nmessage\r\n$8\r\nsocketio\r\n$2\r\n{}\r\n+x\r\n",
             "[$message $socketio ${}];+x;"},
            {"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", "[$subscribe $a :1];"},
            {"*2\r\n$4\r\npong\r\n$0\r\n\r\n*1\r\n$-1\r\n*1\r\n-E\r\n", "[$pong $];[_];[-E];"},
            {"*8\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n",
             "[:1 :2 :3 :4 :5 :6 :7 :8];"},
            {"*2\r\n$3\r\nabc\r\n$10\r\nhalf", ""},
        };
        for (const Case& c : cases)
            for (const std::size_t size :
                 {std::size_t(1), std::size_t(2), std::size_t(3), c.bytes.size()})
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bytes, c.expected, readAll(c.bytes, size));
    }

    void refusesWhatIsNoReply() {
        struct Case {
            std::string bytes;
            Code expected;
        };
        const Case cases[] = {
            {"$9223372036854775807\r\n", Code::TooLarge},
            {"$536870913\r\n", Code::TooLarge},
            {"*1000000000\r\n", Code::TooMany},
            {"*9\r\n", Code::TooMany},
            {"*1\r\n*1\r\n", Code::UnknownType},
            {"$-2\r\n", Code::Malformed},
            {"*-2\r\n", Code::Malformed},
            {"$99999999999999999999\r\n", Code::Malformed},
            {"$\r\n", Code::Malformed},
            {"$+5\r\nhello\r\n", Code::Malformed},
            {"$0x5\r\nhello\r\n", Code::Malformed},
            {"$5 \r\nhello\r\n", Code::Malformed},
            {":\r\n", Code::Malformed},
            {":1.5\r\n", Code::Malformed},
            {"$2\r\nabc\r\n", Code::Malformed},
            {"$2\r\nab\n\n", Code::Malformed},
            {"+OK\n", Code::Malformed},
            {"+a\rb\r\n", Code::Malformed},
            {"\r\n", Code::Malformed},
            {"HTTP/1.1 400 Bad Request\r\n", Code::UnknownType},
            {"%1\r\n", Code::UnknownType},
            {"_\r\n", Code::UnknownType},
        };
        for (const Case& c : cases) {
            std::string_view input = c.bytes;
            RespReader reader(1000);
            RedisReply reply;
            const Result<bool> complete = reader.read(input, reply);
            CPPUNIT_ASSERT_MESSAGE(c.bytes, !complete.ok());
            CPPUNIT_ASSERT_MESSAGE(c.bytes, complete.error().code == c.expected);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bytes, std::string("!"), readAll(c.bytes, 1));
        }
    }

    void takesNoMemoryForWhatIsOnlyAnnounced() {
        const long before = peakKilobytes();
        for (const char* announced : {"$536870912\r\nabc", "*8\r\n$536870912\r\nabc"}) {
            std::string_view input = announced;
            RespReader reader(std::size_t(1) << 40);
            RedisReply reply;
            const Result<bool> complete = reader.read(input, reply);
            CPPUNIT_ASSERT(complete.ok() && !*complete);
        }
        CPPUNIT_ASSERT(before > 0);
        CPPUNIT_ASSERT(peakKilobytes() - before < 64 * 1024);
    }

    void cutsAStringThatIsTooLongAndGoesOn() {
        for (const std::size_t size : {1, 5, 100}) {
            CPPUNIT_ASSERT_EQUAL(std::string("$0123;+OK;"),
                                 readAll("$10\r\n0123456789\r\n+OK\r\n", size, 4));
            // The limit is for all strings of a reply, and for each reply anew.
            CPPUNIT_ASSERT_EQUAL(
                std::string("[$ab $cd $];[$ef $];"),
                readAll("*3\r\n$2\r\nab\r\n$3\r\ncdx\r\n$1\r\ny\r\n*2\r\n$2\r\nef\r\n$0\r\n\r\n",
                        size, 4));
        }
    }

    void limitsTheLengthOfALine() {
        const std::string longest = "+" + std::string(RespReader::kLineBytes - 3, 'x') + "\r\n";
        const std::string longer = "+" + std::string(RespReader::kLineBytes - 2, 'x') + "\r\n";
        for (const std::size_t size : {std::size_t(1000), longer.size()}) {
            CPPUNIT_ASSERT_EQUAL(longest.size() - 1, readAll(longest, size).size());
            CPPUNIT_ASSERT_EQUAL(std::string("!"), readAll(longer, size));
        }
        // One without an end is not collected.
        CPPUNIT_ASSERT_EQUAL(std::string("!"), readAll(std::string(100'000, '+'), 1000));
    }

    void writesCommands() {
        std::string out = "+";
        appendRedisCommand(out, {"PUBLISH", "a", std::string_view("\0\r\n", 3)});
        CPPUNIT_ASSERT_EQUAL(std::string("+*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$3\r\n\0\r\n\r\n", 34),
                             out);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RespReaderTest);

}  // namespace socketio
