#include <string>
#include <string_view>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/JsonCodec.h"

#include "KombuEnvelope.h"

namespace socketio {

using namespace std::string_literals;

class KombuEnvelopeTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KombuEnvelopeTest);
    CPPUNIT_TEST(saysWhatAmqpWouldHaveSaid);
    CPPUNIT_TEST(readsWhatItWrote);
    CPPUNIT_TEST(readsBodiesOfBothEncodings);
    CPPUNIT_TEST(refusesWhatIsNone);
    CPPUNIT_TEST_SUITE_END();

public:
    void saysWhatAmqpWouldHaveSaid() {
        const auto text = JsonCodec::decode(KombuEnvelope::wrap("{\"a\": 1}", "so\"cketio"));
        CPPUNIT_ASSERT(text.ok());
        const Value& envelope = *text;
        CPPUNIT_ASSERT_EQUAL("eyJhIjogMX0="s, envelope["body"].asString());
        CPPUNIT_ASSERT_EQUAL("utf-8"s, envelope["content-encoding"].asString());
        CPPUNIT_ASSERT_EQUAL("text/plain"s, envelope["content-type"].asString());
        const Value& properties = envelope["properties"];
        CPPUNIT_ASSERT_EQUAL("base64"s, properties["body_encoding"].asString());
        CPPUNIT_ASSERT_EQUAL("so\"cketio"s, properties["delivery_info"]["exchange"].asString());
        CPPUNIT_ASSERT_EQUAL(std::size_t(36), properties["delivery_tag"].asString().size());

        const auto pickle = JsonCodec::decode(KombuEnvelope::wrap("\x80\x04N.", "socketio"));
        CPPUNIT_ASSERT(pickle.ok());
        CPPUNIT_ASSERT_EQUAL("gAROLg=="s, (*pickle)["body"].asString());
        CPPUNIT_ASSERT_EQUAL("binary"s, (*pickle)["content-encoding"].asString());
        CPPUNIT_ASSERT_EQUAL("application/data"s, (*pickle)["content-type"].asString());
    }

    void readsWhatItWrote() {
        for (const std::string& payload : {""s, "{}"s, "\x80\x04\0\xff."s, std::string(9999, 'x')})
            CPPUNIT_ASSERT(KombuEnvelope::unwrap(KombuEnvelope::wrap(payload, "e")) == payload);
    }

    void readsBodiesOfBothEncodings() {
        CPPUNIT_ASSERT(KombuEnvelope::unwrap(R"({"body": "plain"})") == "plain");
        CPPUNIT_ASSERT(KombuEnvelope::unwrap(R"({"body": "plain", "properties": {}})") == "plain");
        CPPUNIT_ASSERT(KombuEnvelope::unwrap(
                           R"({"body": "eA==", "properties": {"body_encoding": "base64"}})") ==
                       "x");
    }

    void refusesWhatIsNone() {
        for (const char* bytes : {
                 "",
                 "x",
                 "[]",
                 "{}",
                 R"({"body": 7})",
                 R"({"body": null})",
                 R"({"body": "eA==", "properties": {"body_encoding": "hex"}})",
                 R"({"body": "eA==", "properties": {"body_encoding": 7}})",
                 R"({"body": "e!==", "properties": {"body_encoding": "base64"}})",
             })
            CPPUNIT_ASSERT_MESSAGE(bytes, !KombuEnvelope::unwrap(bytes));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(KombuEnvelopeTest);

}  // namespace socketio
