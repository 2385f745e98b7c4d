#include <string>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/IpAddress.h"

namespace socketio {

class IpAddressTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(IpAddressTest);
    CPPUNIT_TEST(readsBothFamilies);
    CPPUNIT_TEST(refusesWhatIsNoAddress);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsBothFamilies() {
        struct Case {
            const char* text;
            bool v4;
            const char* shown;
        };
        const Case cases[] = {
            {"192.0.2.1", true, "192.0.2.1"},
            {"0.0.0.0", true, "0.0.0.0"},
            {"::1", false, "::1"},
            {"2001:DB8:0:0::7", false, "2001:db8::7"},
            {"::ffff:192.0.2.1", true, "192.0.2.1"},
            {"::ffff:c000:201", true, "192.0.2.1"},
            {"::192.0.2.1", false, "::192.0.2.1"},
        };
        for (const Case& c : cases) {
            const auto address = IpAddress::parse(c.text);
            CPPUNIT_ASSERT_MESSAGE(c.text, address);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text, c.v4, address->isV4());
            CPPUNIT_ASSERT_EQUAL(std::string(c.shown), address->text());
        }
    }

    void refusesWhatIsNoAddress() {
        for (const char* text :
             {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", " 1.2.3.4",
              "1.2.3.4 ", "1.2.3.4:80", "[::1]", "fe80::1%eth0",
              "::1::", "12345::", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"})
            CPPUNIT_ASSERT_MESSAGE(text, !IpAddress::parse(text));
        CPPUNIT_ASSERT(!IpAddress::parse(std::string_view("::1\0x", 5)));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(IpAddressTest);

}  // namespace socketio
