#include <string>
#include <utility>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/fcgi/FcgiRecord.h"

namespace socketio {

using namespace std::string_literals;
using Event = FcgiRecordReader::Event;
using Type = FcgiRecord::Type;

class FcgiRecordTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FcgiRecordTest);
    CPPUNIT_TEST(writesWhatTheTextSays);
    CPPUNIT_TEST(cutsStreamsIntoRecords);
    CPPUNIT_TEST(readsRecordsHoweverTheyAreCut);
    CPPUNIT_TEST(aVersionButOneIsBad);
    CPPUNIT_TEST(readsPairs);
    CPPUNIT_TEST(refusesPairsOverTheLimits);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesWhatTheTextSays() {
        std::string out;
        appendFcgiHeader(out, Type::Stdout, 0x1234, 0xabcd);
        CPPUNIT_ASSERT_EQUAL("\x01\x06\x12\x34\xab\xcd\0\0"s, out);
        out.clear();
        appendFcgiBeginRequest(out, 1, FcgiRecord::kResponder, FcgiRecord::kKeepConnection);
        CPPUNIT_ASSERT_EQUAL("\1\1\0\1\0\x8\0\0\0\1\1\0\0\0\0\0"s, out);
        out.clear();
        appendFcgiEndRequest(out, 258, 0x01020304, FcgiRecord::Status::UnknownRole);
        CPPUNIT_ASSERT_EQUAL("\1\3\1\2\0\x8\0\0\1\2\3\4\3\0\0\0"s, out);
        out.clear();
        appendFcgiUnknownType(out, 99);
        CPPUNIT_ASSERT_EQUAL("\1\xb\0\0\0\x8\0\0\x63\0\0\0\0\0\0\0"s, out);
        out.clear();
        appendFcgiPair(out, "NAME", "value");
        CPPUNIT_ASSERT_EQUAL("\4\5NAMEvalue"s, out);
        out.clear();
        appendFcgiPair(out, std::string(127, 'n'), std::string(128, 'v'));
        CPPUNIT_ASSERT_EQUAL("\x7f\x80\0\0\x80"s + std::string(127, 'n') + std::string(128, 'v'),
                             out);
    }

    void cutsStreamsIntoRecords() {
        for (const std::size_t size : {0u, 1u, 65'535u, 65'536u, 200'000u}) {
            const std::string bytes(size, 'x');
            std::string out, read;
            appendFcgiStream(out, Type::Stdin, 7, bytes);
            FcgiRecordReader reader;
            std::string_view rest(out);
            std::size_t records = 0;
            for (Event event = reader.next(rest); event != Event::NeedMore;
                 event = reader.next(rest)) {
                if (event == Event::Record) ++records;
                if (event == Event::Content) read += reader.content();
            }
            CPPUNIT_ASSERT(read == bytes);
            CPPUNIT_ASSERT_EQUAL((size + 65'534) / 65'535, records);
            CPPUNIT_ASSERT_EQUAL(size + 8 * records, out.size());
        }
    }

    void readsRecordsHoweverTheyAreCut() {
        // The reserved byte is not looked at; padding is skipped.
        const std::string bytes = "\1\5\1\2\0\3\2\x55"s + "abc" + "pp" + "\1\2\0\1\0\0\0\0"s;
        for (std::size_t size = 1; size <= bytes.size(); ++size) {
            FcgiRecordReader reader;
            std::string log;
            for (std::size_t at = 0; at < bytes.size(); at += size) {
                std::string_view piece = std::string_view(bytes).substr(at, size);
                for (bool more = true; more;) {
                    switch (reader.next(piece)) {
                        case Event::NeedMore:
                            more = false;
                            break;
                        case Event::Record:
                            log += "[" + std::to_string(static_cast<int>(reader.record().type)) +
                                   " " + std::to_string(reader.record().id) + " ";
                            break;
                        case Event::Content:
                            log += reader.content();
                            break;
                        case Event::End:
                            log += "]";
                            break;
                        case Event::Bad:
                            CPPUNIT_FAIL("bad");
                    }
                }
            }
            CPPUNIT_ASSERT_EQUAL("[5 258 abc][2 1 ]"s, log);
        }
    }

    void aVersionButOneIsBad() {
        for (const char version : {'\0', '\2', '\xff', 'G'}) {
            FcgiRecordReader reader;
            const std::string bytes(1, version);  // told by its first byte
            std::string_view rest(bytes);
            CPPUNIT_ASSERT(reader.next(rest) == Event::Bad);
            CPPUNIT_ASSERT(reader.next(rest) == Event::Bad);
        }
    }

    void readsPairs() {
        const std::string value(300, 'v');
        const std::string bytes =
            "\1\2"s + "Abc" + "\0\0"s + "\x80\0\0\1\x80\0\1\x2c"s + "L" + value;
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            FcgiPairs pairs;
            CPPUNIT_ASSERT(pairs.append(std::string_view(bytes).substr(0, cut), {}));
            CPPUNIT_ASSERT_EQUAL(cut == 0 || cut == 5 || cut == 7 || cut == bytes.size(),
                                 pairs.whole());
            CPPUNIT_ASSERT(pairs.append(std::string_view(bytes).substr(cut), {}));
            CPPUNIT_ASSERT(pairs.whole());
            CPPUNIT_ASSERT_EQUAL(std::size_t{3}, pairs.size());
            CPPUNIT_ASSERT(pairs[0].first == "A" && pairs[0].second == "bc");
            CPPUNIT_ASSERT(pairs[1].first.empty() && pairs[1].second.empty());
            CPPUNIT_ASSERT(pairs[2].first == "L" && pairs[2].second == value);
        }
    }

    void refusesPairsOverTheLimits() {
        const FcgiPairs::Limits limits{.bytes = 100, .pairs = 3};
        struct Case {
            const char* what;
            std::string bytes;
            bool good;
        };
        const Case cases[] = {
            {"100 bytes", "\1\x61"s + "A" + std::string(97, 'v'), true},
            {"101 bytes", "\1\x62"s + "A" + std::string(98, 'v'), false},
            {"three pairs", "\1\0A\1\0B\1\0C"s, true},
            {"four pairs", "\1\0A\1\0B\1\0C\1\0D"s, false},
            {"a name that does not fit", "\x65"s, false},
            {"a value that does not fit", "\1\x62"s, false},
            {"a name of 2^31-1", "\xff\xff\xff\xff"s, false},
            {"a value of 2^31-1", "\1\xff\xff\xff\xff"s, false},
            {"the beginning of a length", "\xff\xff\xff"s, true},
        };
        for (const Case& c : cases) {
            FcgiPairs pairs;
            bool good = true;
            for (const char byte : c.bytes) good = pairs.append({&byte, 1}, limits);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, c.good, good);
            if (c.good) continue;
            CPPUNIT_ASSERT_MESSAGE(c.what, !pairs.append("", limits));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, std::size_t{0}, pairs.bytes());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FcgiRecordTest);

}  // namespace socketio
