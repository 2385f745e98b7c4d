#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/engine/EngineMessage.h"

namespace socketio {

class EngineMessageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EngineMessageTest);
    CPPUNIT_TEST(buildsTheHeaderInPlace);
    CPPUNIT_TEST(putsAttachmentsAfterTheText);
    CPPUNIT_TEST(encodesOnceForAllRecipients);
    CPPUNIT_TEST(leavesOutWhatHasGoneAlready);
    CPPUNIT_TEST(givesItsPacketsToAPollingBody);
    CPPUNIT_TEST(mayBeBinaryAlone);
    CPPUNIT_TEST_SUITE_END();

public:
    void buildsTheHeaderInPlace() {
        struct Case {
            std::size_t text;
            std::string header;
        };
        const Case cases[] = {
            {0, "\x81\x01"},
            {124, "\x81\x7d"},
            {125, std::string("\x81\x7e\x00\x7e", 4)},
            {65'534, "\x81\x7e\xff\xff"},
            {65'535, std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10)},
        };
        for (const Case& c : cases) {
            const std::string text(c.text, 'x');
            const auto message = EngineMessage::fromText(text);
            for (const auto revision : {EngineRevision::V3, EngineRevision::V4})
                for (const bool base64 : {false, true})
                    CPPUNIT_ASSERT(message->webSocketFrames(revision, base64).view() ==
                                   c.header + "4" + text);
            CPPUNIT_ASSERT(message->text() == text);
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), message->packets());
            CPPUNIT_ASSERT(message->bytes() >= c.text + 1);
        }
        // The bytes that were given are the bytes that are sent.
        std::string text(EngineMessage::kHeadroom, '?');
        text += std::string(100, 'y');
        const char* const data = text.data();
        const auto message = EngineMessage::create(std::move(text));
        CPPUNIT_ASSERT(message->text().data() == data + EngineMessage::kHeadroom);
    }

    void putsAttachmentsAfterTheText() {
        const auto message = make("t", {Binary("\x01\x02"), Binary("")});
        CPPUNIT_ASSERT(message->webSocketFrames(EngineRevision::V4, false).view() ==
                       std::string("\x81\x02"
                                   "4t"
                                   "\x82\x02\x01\x02\x82\x00",
                                   10));
        CPPUNIT_ASSERT(message->webSocketFrames(EngineRevision::V3, false).view() ==
                       "\x81\x02"
                       "4t"
                       "\x82\x03\x04\x01\x02\x82\x01\x04");
        CPPUNIT_ASSERT(message->webSocketFrames(EngineRevision::V4, true).view() ==
                       "\x81\x02"
                       "4t"
                       "\x81\x05"
                       "bAQI="
                       "\x81\x01"
                       "b");
        CPPUNIT_ASSERT(message->webSocketFrames(EngineRevision::V3, true).view() ==
                       "\x81\x02"
                       "4t"
                       "\x81\x06"
                       "b4AQI="
                       "\x81\x02"
                       "b4");
        CPPUNIT_ASSERT_EQUAL(std::size_t(3), message->packets());
    }

    void encodesOnceForAllRecipients() {
        const auto message = make("t", {Binary("A")});
        for (const auto revision : {EngineRevision::V3, EngineRevision::V4})
            CPPUNIT_ASSERT(message->webSocketFrames(revision, false).view().data() ==
                           message->webSocketFrames(revision, false).view().data());
    }

    void leavesOutWhatHasGoneAlready() {
        const auto message = make("t", {Binary("A"), Binary("B")});
        const auto from = [&](std::size_t index) {
            return std::string(
                message->webSocketFramesFrom(index, EngineRevision::V4, false).view());
        };
        CPPUNIT_ASSERT_EQUAL(std::string("\x81\x02"
                                         "4t\x82\x01"
                                         "A\x82\x01"
                                         "B"),
                             from(0));
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x01"
                                         "A\x82\x01"
                                         "B"),
                             from(1));
        CPPUNIT_ASSERT_EQUAL(std::string("\x82\x01"
                                         "B"),
                             from(2));
    }

    void givesItsPacketsToAPollingBody() {
        const auto message = make("t", {Binary("A")});
        EnginePayloadWriter writer(EngineRevision::V4, false);
        for (std::size_t i = 0; i < message->packets(); ++i) message->addTo(writer, i);
        bool octetStream = true;
        CPPUNIT_ASSERT_EQUAL(std::string("4t\x1e"
                                         "bQQ=="),
                             writer.body(octetStream));
    }

    void mayBeBinaryAlone() {
        const auto message = EngineMessage::fromBinary("A");
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), message->packets());
        CPPUNIT_ASSERT(message->webSocketFrames(EngineRevision::V4, false).view() ==
                       "\x82\x01"
                       "A");
        EnginePayloadWriter writer(EngineRevision::V4, false);
        message->addTo(writer, 0);
        bool octetStream = true;
        CPPUNIT_ASSERT_EQUAL(std::string("bQQ=="), writer.body(octetStream));
    }

private:
    static EngineMessage::Ptr make(std::string_view text, std::vector<Binary> attachments) {
        std::string bytes(EngineMessage::kHeadroom, '?');
        bytes += text;
        return EngineMessage::create(std::move(bytes), std::move(attachments));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineMessageTest);

}  // namespace socketio
