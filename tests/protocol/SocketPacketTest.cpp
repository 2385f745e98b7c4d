#include <limits>
#include <string>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/SocketPacket.h"

namespace socketio {

namespace {

using namespace std::string_literals;
using Type = SocketPacket::Type;

/// Writes brackets around the text, so that one sees that it was asked; refuses `refuse`.
class LoudJson : public JsonInterface {
public:
    std::string dumps(const Value& value) const override {
        if (value[0] == "refuse") throw Poco::DataFormatException("refused");
        if (value[0] == "throw") throw 42;
        return "<" + JsonCodec::encode(value) + ">";
    }
    Value loads(std::string_view) const override { return {}; }
};

std::string encoded(const SocketPacket& packet) {
    const auto result = encodeSocketPacket(packet);
    CPPUNIT_ASSERT(result.ok());
    return result->text;
}

SocketPacket event(Value data, std::string nsp = "/") {
    SocketPacket packet;
    packet.nsp = std::move(nsp);
    packet.data = std::move(data);
    return packet;
}

Value nested(std::size_t depth) {
    Value value = 1;
    for (std::size_t i = 0; i < depth; ++i) {
        Value outer = Value::array();
        outer.push(std::move(value));
        value = std::move(outer);
    }
    return value;
}

}  // namespace

class SocketPacketTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SocketPacketTest);
    CPPUNIT_TEST(writesEveryType);
    CPPUNIT_TEST(leavesRoomInFront);
    CPPUNIT_TEST(takesAttachmentsOutDepthFirst);
    CPPUNIT_TEST(leavesRoomInFrontOfAttachments);
    CPPUNIT_TEST(refusesTheEleventhAttachment);
    CPPUNIT_TEST(refusesBinaryWhereItCannotTravel);
    CPPUNIT_TEST(refusesWhatJsonCannotSay);
    CPPUNIT_TEST(usesAnotherJsonCodec);
    CPPUNIT_TEST(turnsExceptionsOfTheJsonCodecIntoErrors);
    CPPUNIT_TEST(allocatesOnceForASmallEvent);
    CPPUNIT_TEST(knowsReservedEvents);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesEveryType() {
        const struct {
            Type type;
            const char* nsp;
            std::optional<std::uint64_t> id;
            Value data;
            const char* expected;
        } cases[] = {
            {Type::Connect, "/", {}, {}, "0"},
            {Type::Connect, "/chat", {}, {}, "0/chat,"},
            {Type::Connect, "/", {}, {{"sid", "abc"}}, "0{\"sid\":\"abc\"}"},
            {Type::Connect, "/chat", {}, {{"sid", "abc"}}, "0/chat,{\"sid\":\"abc\"}"},
            {Type::Disconnect, "/", {}, {}, "1"},
            {Type::Disconnect, "/chat", {}, {}, "1/chat,"},
            {Type::Event, "/", {}, Value::array({"a"}), "2[\"a\"]"},
            {Type::Event, "/chat", 7, Value::array({"a", 1, nullptr}), "2/chat,7[\"a\",1,null]"},
            {Type::Event, "/", 0, Value::array({"a", {{"b", "\xC3\xA4\""}}}),
             "20[\"a\",{\"b\":\"\xC3\xA4\\\"\"}]"},
            {Type::Event, "/", kMaxAckId, Value::array({"a"}), "29007199254740991[\"a\"]"},
            {Type::Ack, "/", 12, Value::array(), "312[]"},
            {Type::Ack, "/chat", 1, Value::array({true}), "3/chat,1[true]"},
            {Type::ConnectError, "/", {}, {{"message", "no"}}, "4{\"message\":\"no\"}"},
            {Type::ConnectError, "/no", {}, "nope", "4/no,\"nope\""},
        };
        for (const auto& c : cases) {
            const auto result =
                encodeSocketPacket(c.type, c.nsp, c.id, c.data.isNull() ? nullptr : &c.data);
            CPPUNIT_ASSERT(result.ok());
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), result->text);
            CPPUNIT_ASSERT(result->attachments.empty());
            const SocketPacket packet{c.type, c.nsp, c.id, c.data};
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected), encoded(packet));
        }
    }

    void leavesRoomInFront() {
        const auto result = encodeSocketPacket(event(Value::array({"a"})), 11);
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT_EQUAL("2[\"a\"]"s, result->text.substr(11));
    }

    void takesAttachmentsOutDepthFirst() {
        SocketPacket packet =
            event(Value::array({"photo",
                                Binary("one"),
                                {{"a", Value::array({Binary("two"), {{"b", Binary("three")}}})},
                                 {"c", Binary("")}},
                                Binary("five")}),
                  "/chat");
        packet.id = 7;
        const auto result = encodeSocketPacket(packet);
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT_EQUAL(
            "55-/chat,7[\"photo\",{\"_placeholder\":true,\"num\":0},"
            "{\"a\":[{\"_placeholder\":true,\"num\":1},{\"b\":{\"_placeholder\":true,\"num\":2}}],"
            "\"c\":{\"_placeholder\":true,\"num\":3}},{\"_placeholder\":true,\"num\":4}]"s,
            result->text);
        const char* const parts[] = {"one", "two", "three", "", "five"};
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, result->attachments.size());
        for (std::size_t i = 0; i < 5; ++i)
            CPPUNIT_ASSERT_EQUAL(std::string(parts[i]), result->attachments[i].bytes);

        packet.type = Type::Ack;
        packet.nsp = "/";
        packet.data = Value::array({Binary("x")});
        CPPUNIT_ASSERT_EQUAL("61-7[{\"_placeholder\":true,\"num\":0}]"s, encoded(packet));
    }

    void leavesRoomInFrontOfAttachments() {
        Value data = Value::array({"e"});
        for (int i = 0; i < 10; ++i) data.push(Binary("x"));
        const auto result = encodeSocketPacket(event(data), 5);
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT_EQUAL("510-[\"e\",{\"_placeholder\":true,\"num\":0},"s,
                             result->text.substr(5, 39));
    }

    void refusesTheEleventhAttachment() {
        Value data = Value::array({"e"});
        for (int i = 0; i < 10; ++i) data.push(Binary("x"));
        CPPUNIT_ASSERT(encodeSocketPacket(event(data)).ok());
        data.push(Binary("x"));
        for (const JsonInterface* json : {static_cast<const JsonInterface*>(nullptr),
                                          static_cast<const JsonInterface*>(&_json)}) {
            const auto result = encodeSocketPacket(event(data), 0, json);
            CPPUNIT_ASSERT(!result.ok());
            CPPUNIT_ASSERT(DecodeError::Code::TooMany == result.error().code);
        }
    }

    void refusesBinaryWhereItCannotTravel() {
        for (const Type type : {Type::Connect, Type::ConnectError})
            for (const JsonInterface* json : {static_cast<const JsonInterface*>(nullptr),
                                              static_cast<const JsonInterface*>(&_json)}) {
                const Value data = {{"sid", Binary("x")}};
                CPPUNIT_ASSERT(!encodeSocketPacket(type, "/", {}, &data, 0, json).ok());
            }
    }

    void refusesWhatJsonCannotSay() {
        const double infinity = std::numeric_limits<double>::infinity();
        for (const double number :
             {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
            const auto result = encodeSocketPacket(event(Value::array({"a", number})));
            CPPUNIT_ASSERT(!result.ok());
            CPPUNIT_ASSERT(DecodeError::Code::BadJson == result.error().code);
        }
        CPPUNIT_ASSERT(encodeSocketPacket(event(nested(JsonCodec::kMaxDepth))).ok());
        const auto result = encodeSocketPacket(event(nested(JsonCodec::kMaxDepth + 1)));
        CPPUNIT_ASSERT(!result.ok());
        CPPUNIT_ASSERT(DecodeError::Code::TooDeep == result.error().code);
    }

    void usesAnotherJsonCodec() {
        const Value plain = Value::array({"a"});
        auto result = encodeSocketPacket(Type::Event, "/n", 1, &plain, 3, &_json);
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT_EQUAL("2/n,1<[\"a\"]>"s, result->text.substr(3));
        const Value binary = Value::array({"a", {{"b", Value::array({Binary("x")})}}, Binary("y")});
        result = encodeSocketPacket(Type::Event, "/", {}, &binary, 0, &_json);
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT_EQUAL(
            "52-<[\"a\",{\"b\":[{\"_placeholder\":true,\"num\":0}]},"
            "{\"_placeholder\":true,\"num\":1}]>"s,
            result->text);
        CPPUNIT_ASSERT_EQUAL("x"s, result->attachments[0].bytes);
        CPPUNIT_ASSERT_EQUAL("y"s, result->attachments[1].bytes);
        CPPUNIT_ASSERT(binary.containsBinary());  // the caller's data stays
    }

    void turnsExceptionsOfTheJsonCodecIntoErrors() {
        for (const char* const name : {"refuse", "throw"})
            for (const Value& data : {Value::array({name}), Value::array({name, Binary("x")})}) {
                const auto result = encodeSocketPacket(Type::Event, "/", {}, &data, 0, &_json);
                CPPUNIT_ASSERT(!result.ok());
                CPPUNIT_ASSERT(DecodeError::Code::BadJson == result.error().code);
            }
    }

    void allocatesOnceForASmallEvent() {
        // The room taken at first was enough if nothing had to be grown: twice as much would be
        // there otherwise.
        const Value data =
            Value::array({"chat message", {{"user", "ann"}, {"text", "hello world"}, {"n", 42}}});
        const auto result = encodeSocketPacket(Type::Event, "/", 7, &data, 14);
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT(result->text.capacity() < 2 * result->text.size());
    }

    void knowsReservedEvents() {
        for (const char* const name : {"connect", "connect_error", "disconnect", "disconnecting",
                                       "newListener", "removeListener"})
            CPPUNIT_ASSERT_MESSAGE(name, isReservedEvent(name));
        for (const char* const name :
             {"", "c", "connec", "connected", "Connect", "message", "error", "ping", "connecting",
              "newlistener", "removeListeners", "d", "__proto__"})
            CPPUNIT_ASSERT_MESSAGE(name, !isReservedEvent(name));
    }

private:
    LoudJson _json;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SocketPacketTest);

}  // namespace socketio
