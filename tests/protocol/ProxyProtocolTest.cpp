#include <string>
#include <string_view>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/ProxyProtocol.h"

namespace socketio {

namespace {

using namespace std::string_literals;
using Status = ProxyHeader::Status;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(unsigned char command, unsigned char family, const std::string& payload) {
    std::string bytes = kSignature;
    bytes += static_cast<char>(command);
    bytes += static_cast<char>(family);
    bytes += static_cast<char>(payload.size() >> 8);
    bytes += static_cast<char>(payload.size() & 0xff);
    return bytes + payload;
}

const std::string kV4 = "\xC0\x00\x02\x01\xC6\x33\x64\x07\xDC\x04\x01\xBB"s;
const std::string kV6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s +
                        "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x02\xDC\x04\x01\xBB"s;

}  // namespace

class ProxyProtocolTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProxyProtocolTest);
    CPPUNIT_TEST(readsGoodHeaders);
    CPPUNIT_TEST(refusesBadLines);
    CPPUNIT_TEST(refusesBadBinaryHeaders);
    CPPUNIT_TEST(waitsForTheRestHoweverItIsCut);
    CPPUNIT_TEST(refusesWhatCannotBecomeOneAtOnce);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsGoodHeaders() {
        const std::string tls = "\x20\x00\x05\x01\x00\x00\x00\x00"s;
        const std::string noTls = "\x20\x00\x05\x00\x00\x00\x00\x00"s;
        struct Case {
            std::string bytes;
            bool proxied, secure;
            std::string source, destination;
            int sourcePort, destinationPort;
        };
        const Case cases[] = {
            {"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", true, false, "192.0.2.1",
             "198.51.100.7", 56324, 443},
            {"PROXY TCP6 2001:db8::1 ::ffff:198.51.100.7 0 65535\r\n", true, false, "2001:db8::1",
             "198.51.100.7", 0, 65535},
            {"PROXY UNKNOWN\r\n", false, false, "", "", 0, 0},
            {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", false, false, "", "",
             0, 0},
            {binary(0x21, 0x11, kV4), true, false, "192.0.2.1", "198.51.100.7", 56324, 443},
            {binary(0x21, 0x11, kV4 + tls), true, true, "192.0.2.1", "198.51.100.7", 56324, 443},
            {binary(0x21, 0x11, kV4 + noTls), true, false, "192.0.2.1", "198.51.100.7", 56324, 443},
            {binary(0x21, 0x11, kV4 + "\x04\x00\x02zz"s), true, false, "192.0.2.1", "198.51.100.7",
             56324, 443},
            {binary(0x21, 0x21, kV6), true, false, "2001:db8::1", "2001:db8::2", 56324, 443},
            {binary(0x21, 0x31, std::string(216, 'u')), false, false, "", "", 0, 0},
            {binary(0x21, 0x00, "anything"), false, false, "", "", 0, 0},
            {binary(0x20, 0x00, ""), false, false, "", "", 0, 0},
            {binary(0x20, 0x11, kV4), false, false, "", "", 0, 0},
            {binary(0x20, 0xff, "junk"), false, false, "", "", 0, 0},
        };
        for (const Case& c : cases) {
            ProxyHeader header;
            std::size_t size = 0;
            CPPUNIT_ASSERT_MESSAGE(c.bytes,
                                   header.parse(c.bytes + "GET /", size) == Status::Complete);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bytes, c.bytes.size(), size);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bytes, c.proxied, header.proxied);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bytes, c.secure, header.secure);
            CPPUNIT_ASSERT_EQUAL(c.source, header.sourceAddress);
            CPPUNIT_ASSERT_EQUAL(c.destination, header.destinationAddress);
            CPPUNIT_ASSERT_EQUAL(c.sourcePort, int(header.sourcePort));
            CPPUNIT_ASSERT_EQUAL(c.destinationPort, int(header.destinationPort));
        }
    }

    void refusesBadLines() {
        for (const std::string line : {"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n",
                                       "PROXY TCP4  192.0.2.1 198.51.100.7 56324 443\r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 56324 65536\r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 +1 443\r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 080 443\r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7 0x50 443\r\n",
                                       "PROXY TCP4 192.0.2.1 198.51.100.7  443\r\n",
                                       "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n",
                                       "PROXY TCP4 ::1 ::1 1 2\r\n",
                                       "PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n",
                                       "PROXY TCP5 ::1 ::1 1 2\r\n",
                                       "PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n",
                                       "PROXY tcp4 192.0.2.1 1.1.1.1 1 2\r\n",
                                       "PROXY \r\n",
                                       "PROXY\r\n",
                                       "proxy UNKNOWN\r\n",
                                       "PROXY UNKNOWN \x01\r\n",
                                       "PROXY TCP4\t192.0.2.1 198.51.100.7 1 2\r\n",
                                       "GET / HTTP/1.1\r\n",
                                       "PROXY TCP4 evil.example 198.51.100.7 1 2\r\n"}) {
            ProxyHeader header;
            std::size_t size = 0;
            CPPUNIT_ASSERT_MESSAGE(line, header.parse(line, size) == Status::Bad);
            CPPUNIT_ASSERT(*header.error != '\0' && size == 0);
        }
        ProxyHeader header;
        std::size_t size = 0;
        const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
        CPPUNIT_ASSERT_EQUAL(std::size_t(107), longest.size());
        CPPUNIT_ASSERT(header.parse(longest, size) == Status::Complete);
        const std::string longer = "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n";
        CPPUNIT_ASSERT(header.parse(longer, size) == Status::Bad);
        CPPUNIT_ASSERT(header.parse(longer.substr(0, 107), size) == Status::Bad);
    }

    void refusesBadBinaryHeaders() {
        std::string oversized = binary(0x21, 0x11, kV4);
        oversized[14] = '\x0f';
        oversized[15] = '\xf1';  // 4081: with the head one more than kMaxBytes
        const std::string cases[] = {
            binary(0x11, 0x11, kV4),                      // version 1
            binary(0x22, 0x11, kV4),                      // a command that there is not
            binary(0x21, 0x12, kV4),                      // UDP
            binary(0x21, 0x22, kV6),                      //
            binary(0x21, 0x41, kV4),                      // a family that there is not
            binary(0x21, 0x11, kV4.substr(0, 11)),        // shorter than its addresses
            binary(0x21, 0x21, kV4),                      //
            binary(0x21, 0x31, std::string(215, 'u')),    //
            binary(0x21, 0x11, kV4 + "\x04"s),            // half an extension
            binary(0x21, 0x11, kV4 + "\x04\x00\x03zz"s),  //
            binary(0x21, 0x11, kV4 + "\x20\x00\x04\x01\x00\x00\x00"s),
            oversized,
        };
        for (const std::string& bytes : cases) {
            ProxyHeader header;
            std::size_t size = 0;
            CPPUNIT_ASSERT_MESSAGE(bytes, header.parse(bytes, size) == Status::Bad);
        }
    }

    void waitsForTheRestHoweverItIsCut() {
        for (const std::string& bytes : {"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"s,
                                         binary(0x21, 0x21, kV6), binary(0x20, 0x00, "")})
            for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
                ProxyHeader header;
                std::size_t size = 0;
                CPPUNIT_ASSERT_MESSAGE(
                    bytes.substr(0, cut),
                    header.parse(bytes.substr(0, cut), size) == Status::Incomplete);
            }
    }

    void refusesWhatCannotBecomeOneAtOnce() {
        for (const std::string& bytes : {"G"s, "PROXYx"s, "\r\n\r\nx"s, "\x16\x03\x01"s, " PROXY"s,
                                         kSignature + "\x31"s + std::string(3, '\0')}) {
            ProxyHeader header;
            std::size_t size = 0;
            CPPUNIT_ASSERT_MESSAGE(bytes, header.parse(bytes, size) == Status::Bad);
        }
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProxyProtocolTest);

}  // namespace socketio
