#include <deque>
#include <list>
#include <string>
#include <vector>

#include <Poco/DateTime.h>
#include <Poco/Dynamic/Struct.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/JsonCodec.h"
#include "socketio/protocol/PocoConvert.h"

namespace socketio {

using Poco::Dynamic::Var;

namespace {
struct WithoutText {};
}  // namespace

class PocoConvertTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PocoConvertTest);
    CPPUNIT_TEST(valuesThereAndBack);
    CPPUNIT_TEST(everyArithmeticType);
    CPPUNIT_TEST(containersOfVar);
    CPPUNIT_TEST(whatPocoParsedKeepsItsOrder);
    CPPUNIT_TEST(otherTypesAsTheirText);
    CPPUNIT_TEST(convertsLikeAnyOtherType);
    CPPUNIT_TEST_SUITE_END();

public:
    void valuesThereAndBack() {
        const Value cases[] = {
            nullptr,
            true,
            42,
            INT64_MIN,
            1.5,
            "text",
            Binary("\x01\x02"),
            Value::array(),
            Value::object(),
            Value::array({1, "a", nullptr, Value::array({true})}),
            {{"z", 1}, {"a", {{"deep", Value::array({{{"b", Binary("x")}}})}}}},
        };
        for (const Value& value : cases) {
            const Value back = fromPoco(toPocoVar(value));
            CPPUNIT_ASSERT(back == value);
            CPPUNIT_ASSERT(back.type() == value.type());
        }
        const auto object = toPocoObject({{"z", 1}, {"a", 2}});
        CPPUNIT_ASSERT_EQUAL(std::string("z"), object->getNames().front());
        CPPUNIT_ASSERT(toPocoObject(5).isNull() && toPocoArray("x").isNull());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, toPocoArray(Value::array({1, 2}))->size());
    }

    void everyArithmeticType() {
        const struct {
            Var var;
            Value expected;
        } cases[] = {
            {Poco::Int8(-1), -1},
            {Poco::UInt8(200), 200},
            {Poco::Int16(-300), -300},
            {Poco::UInt16(300), 300},
            {Poco::Int32(-70000), -70000},
            {Poco::UInt32(4000000000u), 4000000000u},
            {Poco::Int64(-5), -5},
            {Poco::UInt64(5), 5},
            {Poco::UInt64(UINT64_MAX), 18446744073709551615.0},
            {1.5f, 1.5},
            {1.5, 1.5},
            {false, false},
            {'c', "c"},
        };
        for (const auto& c : cases) {
            const Value value = fromPoco(c.var);
            CPPUNIT_ASSERT_MESSAGE(c.var.toString(), value == c.expected);
            CPPUNIT_ASSERT_MESSAGE(c.var.toString(), value.type() == c.expected.type());
        }
    }

    void containersOfVar() {
        const Value expected = Value::array({1, "a"});
        CPPUNIT_ASSERT(fromPoco(Var(std::vector<Var>{1, std::string("a")})) == expected);
        CPPUNIT_ASSERT(fromPoco(Var(std::list<Var>{1, std::string("a")})) == expected);
        CPPUNIT_ASSERT(fromPoco(Var(std::deque<Var>{1, std::string("a")})) == expected);
        Poco::DynamicStruct members;
        members["k"] = 5;
        CPPUNIT_ASSERT(fromPoco(Var(members)) == Value({{"k", 5}}));
        Poco::OrderedDynamicStruct ordered;
        ordered["z"] = 1;
        ordered["a"] = 2;
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"z":1,"a":2})"),
                             JsonCodec::encode(fromPoco(Var(ordered))));
        CPPUNIT_ASSERT(fromPoco(Var(std::vector<unsigned char>{1, 2})) == Value(Binary("\1\2")));
        CPPUNIT_ASSERT(fromPoco(Var(std::vector<unsigned char>{})) == Value(Binary()));
    }

    void whatPocoParsedKeepsItsOrder() {
        const std::string text = R"({"z":[1,2.5,"x",null,true,{}],"a":{"m":-1}})";
        Poco::JSON::ParseHandler::Ptr handler = new Poco::JSON::ParseHandler(true);
        Poco::JSON::Parser parser(handler);
        CPPUNIT_ASSERT_EQUAL(text, JsonCodec::encode(fromPoco(parser.parse(text))));

        Poco::JSON::Object sorted;
        sorted.set("b", 1);
        sorted.set("a", Poco::JSON::Array());
        CPPUNIT_ASSERT(fromPoco(sorted) == Value({{"a", Value::array()}, {"b", 1}}));
    }

    void otherTypesAsTheirText() {
        const Value date = fromPoco(Var(Poco::DateTime(2020, 2, 3, 4, 5, 6)));
        CPPUNIT_ASSERT(date.isString());
        CPPUNIT_ASSERT_EQUAL(std::string("2020-02-03"), date.asString().substr(0, 10));
        try {
            (void)fromPoco(Var(WithoutText()));
            CPPUNIT_FAIL("a type without text");
        } catch (const Poco::BadCastException& e) {
            CPPUNIT_ASSERT(e.displayText().find("WithoutText") != std::string::npos);
        }
    }

    void convertsLikeAnyOtherType() {
        Poco::JSON::Object::Ptr object = new Poco::JSON::Object;
        object->set("n", 1);
        CPPUNIT_ASSERT(Arguments(object)[0] == Value({{"n", 1}}));
        CPPUNIT_ASSERT(Arguments(*object)[0] == Value({{"n", 1}}));
        CPPUNIT_ASSERT(Arguments(Var(5))[0] == 5);
        CPPUNIT_ASSERT(Arguments(Poco::JSON::Object::Ptr())[0].isNull());

        const auto back = fromValue<Poco::JSON::Object::Ptr>(Value({{"n", 1}}));
        CPPUNIT_ASSERT(back.ok() && (*back)->getValue<int>("n") == 1);
        const auto array = fromValue<Poco::JSON::Array>(Value::array({1, 2}));
        CPPUNIT_ASSERT(array.ok() && array->getElement<int>(1) == 2);
        const auto wrong = fromValue<Poco::JSON::Array::Ptr>(5);
        CPPUNIT_ASSERT(!wrong.ok());
        CPPUNIT_ASSERT_EQUAL(std::string("expected an array, got an integer"),
                             wrong.error().message());
        CPPUNIT_ASSERT(fromValue<Var>("x")->extract<std::string>() == "x");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PocoConvertTest);

}  // namespace socketio
