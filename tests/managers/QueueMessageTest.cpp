// What is on the wire: python-socketio's bytes, both ways.
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Text.h"
#include "socketio/protocol/JsonCodec.h"

#include "PubSubSuite.h"  // show()
#include "QueueMessage.h"

namespace socketio {

using namespace std::string_literals;
using Method = QueueMessage::Method;
using test::show;

class QueueMessageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(QueueMessageTest);
    CPPUNIT_TEST(writesAsPythonDoes);
    CPPUNIT_TEST(writesTheArgumentsOfEachDialect);
    CPPUNIT_TEST(readsTheArgumentsOfEachDialect);
    CPPUNIT_TEST(whatIsWrittenCanBeRead);
    CPPUNIT_TEST(readsCapturedMessages);
    CPPUNIT_TEST(recognisesItsOwn);
    CPPUNIT_TEST(readsPicklesOnlyIfItMay);
    CPPUNIT_TEST(theDepthIsThatOfTheReader);
    CPPUNIT_TEST_SUITE_END();

public:
    void writesAsPythonDoes() {
        QueueMessage emit;
        emit.nsp = "/";
        emit.rooms = {"sid1"};
        emit.callbackRoom = "sid1";
        emit.callbackNsp = "/";
        emit.id = 1;
        CPPUNIT_ASSERT_EQUAL(
            R"({"method": "emit", "event": "evt2", "data": [["\u00e9", 2, {"_placeholder": true, )"
            R"("num": 0}], "eno="], "binary": true, "namespace": "/", "room": "sid1", )"
            R"("skip_sid": null, "callback": ["sid1", "/", 1], "binary_callback": true, )"
            R"("seq": 5, "host_id": "H"})"s,
            text(emit, Value::array({"evt2", "\xc3\xa9", 2, Value(Binary("zz"))})));
        QueueMessage toRooms;
        toRooms.nsp = "/";
        toRooms.rooms = {"a", "b"};
        CPPUNIT_ASSERT_EQUAL(
            R"({"method": "emit", "event": "e6", "data": ["x"], "binary": false, )"
            R"("namespace": "/", "room": ["a", "b"], "skip_sid": null, "callback": null, )"
            R"("seq": 5, "host_id": "H"})"s,
            text(toRooms, Value::array({"e6", "x"})));
        QueueMessage toAll;
        toAll.nsp = "/";
        toAll.skipSids = {"s"};
        CPPUNIT_ASSERT_EQUAL(
            R"({"method": "emit", "event": "e3", "data": [], "binary": false, "namespace": "/", )"
            R"("room": null, "skip_sid": "s", "callback": null, "seq": 5, "host_id": "H"})"s,
            text(toAll, Value::array({"e3"})));
        CPPUNIT_ASSERT_EQUAL(R"({"method": "close_room", "room": "room1", "namespace": "/", )"
                             R"("seq": 5, "host_id": "H"})"s,
                             text(about(Method::CloseRoom, "", "room1")));
        CPPUNIT_ASSERT_EQUAL(R"({"method": "disconnect", "sid": "s", "namespace": "/", )"
                             R"("seq": 5, "host_id": "H"})"s,
                             text(about(Method::Disconnect, "s", "")));
        CPPUNIT_ASSERT_EQUAL(R"({"method": "enter_room", "sid": "s", "room": "r", )"
                             R"("namespace": "/", "seq": 5, "host_id": "H"})"s,
                             text(about(Method::EnterRoom, "s", "r")));
        CPPUNIT_ASSERT_EQUAL(R"({"method": "leave_room", "sid": "s", "room": "r", )"
                             R"("namespace": "/", "seq": 5, "host_id": "H"})"s,
                             text(about(Method::LeaveRoom, "s", "r")));
        QueueMessage callback = about(Method::Callback, "sid1", "");
        callback.addressee = "addressee";
        callback.id = 1;
        CPPUNIT_ASSERT_EQUAL(R"({"method": "callback", "host_id": "addressee", "sid": "sid1", )"
                             R"("namespace": "/", "id": 1, "args": ["ok", 2], "seq": 5, )"
                             R"("from": "H"})"s,
                             text(callback, Value::array({"ok", 2})));
        CPPUNIT_ASSERT_EQUAL(
            R"({"method": "callback", "host_id": "addressee", "sid": "sid1", "namespace": "/", )"
            R"("id": 1, "args": [[{"_placeholder": true, "num": 0}], "QUI="], "binary": true, )"
            R"("seq": 5, "from": "H"})"s,
            text(callback, Value::array({Value(Binary("AB"))})));
        // A pickle, as 5.7 reads it.
        CPPUNIT_ASSERT_EQUAL(
            "\x80\x03}(X\x06\0\0\0methodX\x0a\0\0\0disconnectX\x03\0\0\0sid"
            "X\x01\0\0\0sX\x09\0\0\0namespaceX\x01\0\0\0/X\x03\0\0\0seqK\x05"
            "X\x07\0\0\0host_idX\x01\0\0\0Hu."s,
            text(about(Method::Disconnect, "s", ""), {}, QueueDialect::Pickle));
    }

    void writesTheArgumentsOfEachDialect() {
        const Value binary = Value(Binary("\0\1"s));
        const struct {
            Value::Array arguments;
            std::string json, legacy, pickle;
        } cases[] = {
            {{}, "[], \"binary\": false", "null, \"binary\": false", "N"},
            {{Value()}, "[null], \"binary\": false", "null, \"binary\": false", "(Nt"},
            {{Value(5)}, "[5], \"binary\": false", "5, \"binary\": false", "K\x05"},
            {{Value(-5)}, "[-5], \"binary\": false", "-5, \"binary\": false", "J\xfb\xff\xff\xff"},
            {{Value(1LL << 40)},
             "[1099511627776], \"binary\": false",
             "1099511627776, \"binary\": false",
             "\x8a\x08\0\0\0\0\0\1\0\0"s},
            {{Value(0.5)},
             "[0.5], \"binary\": false",
             "0.5, \"binary\": false",
             "G\x3f\xe0\0\0\0\0\0\0"s},
            {{Value(true), Value(false)},
             "[true, false], \"binary\": false",
             "[true, false], \"binary\": false",
             "(\x88\x89t"},
            {{Value("x")}, "[\"x\"], \"binary\": false", "\"x\", \"binary\": false", "X\1\0\0\0x"s},
            {{Value("\xed\xa0\x80")},
             "[\"\\ud800\"], \"binary\": false",
             "\"\\ud800\", \"binary\": false",
             "X\3\0\0\0\xed\xa0\x80"s},
            {{Value("\xff")},
             "[\"\\ufffd\"], \"binary\": false",
             "\"\\ufffd\", \"binary\": false",
             "X\3\0\0\0\xef\xbf\xbd"s},
            {{Value::array({1, 2})},
             "[[1, 2]], \"binary\": false",
             "[1, 2], \"binary\": false",
             "](K\1K\2e"},
            {{Value::array()}, "[[]], \"binary\": false", "[], \"binary\": false", "]"},
            {{Value::object()}, "[{}], \"binary\": false", "{}, \"binary\": false", "}"},
            {{Value{{"a", 1}}},
             "[{\"a\": 1}], \"binary\": false",
             "{\"a\": 1}, \"binary\": false",
             "}(X\1\0\0\0aK\1u"s},
            {{Value(1), Value("x")},
             "[1, \"x\"], \"binary\": false",
             "[1, \"x\"], \"binary\": false",
             "(K\1X\1\0\0\0xt"s},
            {{binary},
             "[[{\"_placeholder\": true, \"num\": 0}], \"AAE=\"], \"binary\": true",
             "[{\"_placeholder\": true, \"num\": 0}, \"AAE=\"], \"binary\": true",
             "C\2\0\1"s},
            {{Value(Binary(std::string(300, 'x')))},
             {},
             {},
             "B\x2c\1\0\0"s + std::string(300, 'x')},
        };
        for (const auto& c : cases) {
            QueueMessage message;
            message.nsp = "/";
            Value::Array data = c.arguments;
            data.insert(data.begin(), Value("e"));
            const std::string name = show(Value(data)).substr(0, 200);
            const auto around = [](const std::string& inner) {
                return "\"data\": " + inner + ", \"namespace\"";
            };
            const auto has = [&](QueueDialect dialect, const std::string& expected) {
                const std::string written = text(message, Value(data), dialect);
                CPPUNIT_ASSERT_MESSAGE(name + " in " + written,
                                       written.find(expected) != std::string::npos);
            };
            if (!c.json.empty()) {
                has(QueueDialect::Json, around(c.json));
                has(QueueDialect::LegacyJson, around(c.legacy));
            }
            has(QueueDialect::Pickle, "X\4\0\0\0data"s + c.pickle + "X\x09\0\0\0namespace"s);
        }
    }

    void readsTheArgumentsOfEachDialect() {
        const struct {
            std::string data;    // and further members
            std::string json;    // what it is read as
            std::string legacy;  // the same where that is the dialect
        } cases[] = {
            // Without "binary": 5.14.0, hand-written, or others that know one argument.
            {R"({"a":1})", "[\"e\",{\"a\":1}]", "[\"e\",{\"a\":1}]"},
            {R"("x")", "[\"e\",\"x\"]", "[\"e\",\"x\"]"},
            {"null", "[\"e\"]", "[\"e\"]"},
            {"[1,2]", "[\"e\",[1,2]]", "[\"e\",[1,2]]"},
            {"[null]", "[\"e\",[null]]", "[\"e\",[null]]"},
            {"[]", "[\"e\",[]]", "[\"e\",[]]"},
            // 5.15.1 and later.
            {R"({"a":1}, "binary": false)", "[\"e\",{\"a\":1}]", "[\"e\",{\"a\":1}]"},
            {R"(5, "binary": false)", "[\"e\",5]", "[\"e\",5]"},
            {R"(null, "binary": false)", "[\"e\"]", "[\"e\"]"},
            {R"([1,2], "binary": false)", "[\"e\",1,2]", "[\"e\",[1,2]]"},
            {R"(["x"], "binary": false)", "[\"e\",\"x\"]", "[\"e\",[\"x\"]]"},
            {R"([[1,2]], "binary": false)", "[\"e\",[1,2]]", "[\"e\",[[1,2]]]"},
            {R"([null], "binary": false)", "[\"e\"]", "[\"e\",[null]]"},
            {R"([null, null], "binary": null)", "[\"e\",null,null]", "[\"e\",[null,null]]"},
            {R"([], "binary": false)", "[\"e\"]", "[\"e\",[]]"},
            {R"([null], "binary": false, "seq": 1)", "[\"e\",null]", "[\"e\",[null]]"},  // ours
            {R"([[{"_placeholder":true,"num":0},5],"QUI="], "binary": true)",
             "[\"e\",{\"_placeholder\":true,\"num\":0},5]+AB",
             "[\"e\",[{\"_placeholder\":true,\"num\":0},5]]+AB"},
            {R"([{"_placeholder":true,"num":0},"QUI="], "binary": true)",
             "[\"e\",{\"_placeholder\":true,\"num\":0}]+AB",
             "[\"e\",{\"_placeholder\":true,\"num\":0}]+AB"},
            {R"([[{"_placeholder":true,"num":1}],"QUI=","Qw=="], "binary": true)",
             "[\"e\",{\"_placeholder\":true,\"num\":0}]+C",
             "[\"e\",[{\"_placeholder\":true,\"num\":0}]]+C"},
            // Placeholders mean nothing where there is no binary.
            {R"([{"_placeholder":true,"num":7}], "binary": false)",
             "[\"e\",{\"_placeholder\":true,\"num\":7}]",
             "[\"e\",[{\"_placeholder\":true,\"num\":7}]]"},
        };
        for (const auto& c : cases) {
            const std::string bytes =
                R"({"method":"emit","event":"e","namespace":"/","data":)" + c.data + "}";
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, c.json, read(bytes));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, c.legacy, read(bytes, QueueDialect::LegacyJson));
        }
        const struct {
            std::string data, expected;
        } pickles[] = {
            {"N", "[\"e\"]"},
            {"K\5", "[\"e\",5]"},
            {"](K\1K\2e", "[\"e\",[1,2]]"},
            {"(K\1K\2t", "[\"e\",1,2]"},
            {"K\1\x85", "[\"e\",1]"},
            {"N\x85", "[\"e\",null]"},
            {")", "[\"e\"]"},
            {"C\2AB", "[\"e\",{\"_placeholder\":true,\"num\":0}]+AB"},
            {"]C\2ABa", "[\"e\",[{\"_placeholder\":true,\"num\":0}]]+AB"},
        };
        for (const auto& c : pickles) {
            const std::string bytes =
                "\x80\3}(X\6\0\0\0methodX\4\0\0\0emitX\5\0\0\0eventX\1\0\0\0e"
                "X\x09\0\0\0namespaceX\1\0\0\0/X\4\0\0\0data"s +
                c.data + "u.";
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.data, c.expected, read(bytes));
        }
    }

    void whatIsWrittenCanBeRead() {
        const Value binary = Value(Binary(std::string("\0\xff", 2)));
        const std::vector<Value> all = {
            Value::array({"e"}),
            Value::array({"e", 1}),
            Value::array({"e", Value{{"a", Value::array({1.5, nullptr, true, "\xed\xb0\x80"})}}}),
            Value::array({"e", "\xf0\x9f\x98\x80", INT64_MIN, INT64_MAX, 1e300, -0.25}),
            Value::array({"e", binary, Value{{"k", Value::array({binary})}}}),
        };
        for (const QueueDialect dialect : {QueueDialect::Json, QueueDialect::Pickle}) {
            for (const Value& data : all) {
                QueueMessage message;
                message.nsp = "/chat";
                message.rooms = {"r", "s\"\xc3\xa9"};
                message.skipSids = {"x"};
                message.id = 1LL << 52;
                message.callbackRoom = "r";
                message.callbackNsp = "/chat";
                auto back = QueueMessage::decode(text(message, data, dialect));
                CPPUNIT_ASSERT(back.ok());
                CPPUNIT_ASSERT_EQUAL(show(data), show(back->data));
                CPPUNIT_ASSERT(back->method == Method::Emit && back->nsp == message.nsp);
                CPPUNIT_ASSERT(back->rooms == message.rooms && back->skipSids == message.skipSids);
                CPPUNIT_ASSERT(back->id == message.id && back->callbackRoom == "r");
                CPPUNIT_ASSERT(back->callbackNsp == "/chat" && back->binaryCallback);
                CPPUNIT_ASSERT(back->sender == "H" && back->sequence == 5u);
            }
            QueueMessage callback = about(Method::Callback, "r", "");
            callback.addressee = "A";
            callback.id = 7;
            const Value values = Value::array({binary, 1, Value::array()});
            auto back = QueueMessage::decode(text(callback, values, dialect));
            CPPUNIT_ASSERT(back.ok());
            CPPUNIT_ASSERT(back->method == Method::Callback && back->data == values);
            CPPUNIT_ASSERT(back->sender == "H" && back->addressee == "A" && back->id == 7);
            for (const Method method : {Method::EnterRoom, Method::LeaveRoom, Method::CloseRoom}) {
                back = QueueMessage::decode(text(about(method, "s", "r"), {}, dialect));
                CPPUNIT_ASSERT(back.ok() && back->method == method);
                CPPUNIT_ASSERT(back->rooms == std::vector<std::string>{"r"});
                CPPUNIT_ASSERT_EQUAL(std::string(method == Method::CloseRoom ? "" : "s"),
                                     back->sid);
            }
        }
    }

    void readsCapturedMessages() {
        // python-socketio 5.7.2, python 3.11:
        // manager.emit('evt', ('\xe9', [1.5, b'\0']), '/', room='sid1', callback=f)
        const std::string_view digits =
            "8004958d000000000000007d94288c066d6574686f64948c04656d6974948c056576656e74948c03657674"
            "948c0464617461948c02c3a9945d9428473ff8000000000000430100946586948c096e616d657370616365"
            "948c012f948c04726f6f6d948c0473696431948c08736b69705f736964944e8c0863616c6c6261636b9468"
            "0d680b4b0187948c07686f73745f6964948c014894752e";
        std::string old;
        for (std::size_t at = 0; at < digits.size(); at += 2)
            old += static_cast<char>(hexDigit(digits[at]) * 16 + hexDigit(digits[at + 1]));
        auto message = QueueMessage::decode(old);
        CPPUNIT_ASSERT(message.ok());
        CPPUNIT_ASSERT_EQUAL("[\"evt\",\"\xc3\xa9\",[1.5,{\"_placeholder\":true,\"num\":0}]]+\0"s,
                             show(message->data));
        CPPUNIT_ASSERT(message->rooms == std::vector<std::string>{"sid1"});
        CPPUNIT_ASSERT(message->callbackRoom == "sid1" && message->callbackNsp == "/");
        CPPUNIT_ASSERT(message->id == 1 && message->sender == "H" && !message->sequence);
        CPPUNIT_ASSERT(!message->binaryCallback);
        // 5.16, a callback.
        message = QueueMessage::decode(
            R"({"method": "callback", "host_id": "addressee", "sid": "sid1", "namespace": "/", )"
            R"("id": 1, "args": ["ok", 2]})");
        CPPUNIT_ASSERT(message.ok() && message->addressee == "addressee");
        CPPUNIT_ASSERT(message->sender.empty() && message->sid == "sid1" && message->id == 1);
        CPPUNIT_ASSERT_EQUAL("[\"ok\",2]"s, show(message->data));
    }

    void recognisesItsOwn() {
        QueueMessage callback = about(Method::Callback, "r", "");
        callback.addressee = "A";
        callback.id = 7;
        for (const QueueDialect dialect : {QueueDialect::Json, QueueDialect::Pickle}) {
            for (const std::string& bytes : {text(about(Method::Disconnect, "s", ""), {}, dialect),
                                             text(callback, Value::array({}), dialect)}) {
                CPPUNIT_ASSERT(QueueMessage::isFrom(bytes, "H"));
                CPPUNIT_ASSERT(!QueueMessage::isFrom(bytes, "I"));
                CPPUNIT_ASSERT(!QueueMessage::isFrom(bytes, "A"));
                CPPUNIT_ASSERT(!QueueMessage::isFrom(bytes, "HH"));
            }
        }
        // Another's callback to H, however its keys are ordered.
        CPPUNIT_ASSERT(!QueueMessage::isFrom(
            R"({"method": "callback", "sid": "s", "id": 1, "args": [], "host_id": "H"})", "H"));
        CPPUNIT_ASSERT(!QueueMessage::isFrom("", "H"));
        CPPUNIT_ASSERT(!QueueMessage::isFrom("{", "H"));
    }

    void readsPicklesOnlyIfItMay() {
        const std::string bytes =
            text(about(Method::Disconnect, "s", ""), {}, QueueDialect::Pickle);
        CPPUNIT_ASSERT(QueueMessage::decode(bytes, QueueDialect::Json, true).ok());
        CPPUNIT_ASSERT(!QueueMessage::decode(bytes, QueueDialect::Json, false).ok());
    }

    void theDepthIsThatOfTheReader() {
        for (const QueueDialect dialect :
             {QueueDialect::Json, QueueDialect::LegacyJson, QueueDialect::Pickle}) {
            Value data = Value(Binary("x"));
            bool refused = false;
            for (int depth = 0; depth < 140 && !refused; ++depth) {
                QueueMessage message;
                message.nsp = "/";
                const Value event = Value::array({"e", data});
                auto written = message.encode(dialect, event);
                refused = !written.ok();
                CPPUNIT_ASSERT(!refused || depth > 120);
                if (refused) break;
                QueueMessage::finish(*written, dialect, Method::Emit, 1, "H");
                CPPUNIT_ASSERT(QueueMessage::decode(*written, dialect).ok());
                data = Value::array({data});
            }
            CPPUNIT_ASSERT(refused);
        }
    }

private:
    static QueueMessage about(Method method, const std::string& sid, const std::string& room) {
        QueueMessage message;
        message.method = method;
        message.nsp = "/";
        message.sid = sid;
        if (!room.empty()) message.rooms = {room};
        return message;
    }
    static std::string text(const QueueMessage& message, const Value& values = {},
                            QueueDialect dialect = QueueDialect::Json) {
        auto written = message.encode(dialect, values);
        CPPUNIT_ASSERT(written.ok());
        QueueMessage::finish(*written, dialect, message.method, 5, "H");
        return *written;
    }
    static std::string read(const std::string& bytes, QueueDialect json = QueueDialect::Json) {
        const auto message = QueueMessage::decode(bytes, json);
        return message.ok() ? show(message->data) : message.error().detail;
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(QueueMessageTest);

}  // namespace socketio
