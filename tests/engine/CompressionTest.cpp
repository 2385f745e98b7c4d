#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "Compression.h"

namespace socketio {

class CompressionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CompressionTest);
    CPPUNIT_TEST(choosesByWeight);
    CPPUNIT_TEST(packsEveryTimeAnew);
    CPPUNIT_TEST_SUITE_END();

public:
    void choosesByWeight() {
        using enum ContentCoding;
        struct Case {
            std::string accept;
            ContentCoding expected;
        };
        const Case cases[] = {
            {"", Identity},
            {"gzip", Gzip},
            {"GZIP", Gzip},
            {"x-gzip", Gzip},
            {"deflate", Deflate},
            {"deflate, gzip", Gzip},
            {"gzip, deflate, br, zstd", Gzip},
            {"br", Identity},
            {"identity", Identity},
            {"*", Gzip},
            {"gzip;q=0", Identity},
            {"gzip; q=0.0", Identity},
            {"gzip;q=0.000, deflate", Deflate},
            {"gzip;q=0, *", Deflate},
            {"gzip;q=0, deflate;q=0", Identity},
            {"*;q=0", Identity},
            {"*;q=0, gzip", Gzip},
            {"gzip;q=0.5, deflate;q=0.6", Deflate},
            {"gzip;q=0.501, deflate;q=0.5", Gzip},
            {"gzip;q=0.5, identity;q=0.8", Identity},
            {"gzip;q=0.5, identity;q=0.5", Gzip},
            {"gzip;q=abc", Identity},
            {"gzip;q=", Identity},
            {"gzip;q=2", Identity},
            {"gzip;q=1.5", Identity},
            {"gzip;q=-1", Identity},
            {"gzip;q=0.12345", Identity},
            {"gzip;Q=1", Gzip},
            {"gzip;x=1;q=0", Identity},
            {" gzip\t; q = 0.3 , ", Gzip},
            {"gzipx", Identity},
            {",,,;;;,=", Identity},
            {std::string(8000, ','), Identity},
            {std::string(8000, ';'), Identity},
        };
        for (const Case& c : cases)
            CPPUNIT_ASSERT_MESSAGE(c.accept, negotiateCoding(c.accept) == c.expected);
    }

    void packsEveryTimeAnew() {
        std::string first, second;
        const std::string text(5000, 'a');
        CPPUNIT_ASSERT(compress(ContentCoding::Gzip, text, first));
        CPPUNIT_ASSERT(compress(ContentCoding::Gzip, std::string(100, 'b'), second));
        CPPUNIT_ASSERT(compress(ContentCoding::Gzip, text, second));
        CPPUNIT_ASSERT(first == second);
        CPPUNIT_ASSERT(first.size() < 100);
        CPPUNIT_ASSERT(first.substr(0, 2) == "\x1f\x8b");
        CPPUNIT_ASSERT(compress(ContentCoding::Deflate, text, second));
        CPPUNIT_ASSERT_EQUAL('\x78', second[0]);
        CPPUNIT_ASSERT(!compress(ContentCoding::Identity, text, second));
        CPPUNIT_ASSERT(toString(ContentCoding::Deflate) == "deflate");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CompressionTest);

}  // namespace socketio
