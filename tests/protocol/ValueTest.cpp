#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/Value.h"

namespace socketio {

class ValueTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ValueTest);
    CPPUNIT_TEST(everyLiteralBecomesTheTypeOneExpects);
    CPPUNIT_TEST(bracesMakeWhatTheySay);
    CPPUNIT_TEST(pointersAndCharactersAreNoValues);
    CPPUNIT_TEST(readingNeverThrowsAndNeverInserts);
    CPPUNIT_TEST(numbersAsNumbers);
    CPPUNIT_TEST(writesMembersInOrder);
    CPPUNIT_TEST(anotherTypeIsReplacedByWriting);
    CPPUNIT_TEST(atThrowsNamingTheKey);
    CPPUNIT_TEST(erasesMembers);
    CPPUNIT_TEST(copiesAreDeepAndMovesLeaveNothingShared);
    CPPUNIT_TEST(aPartMayReplaceTheWhole);
    CPPUNIT_TEST(comparesByContent);
    CPPUNIT_TEST(comparesLargeObjectsInAnyOrder);
    CPPUNIT_TEST(findsBinaryAtAnyDepth);
    CPPUNIT_TEST_SUITE_END();

public:
    void everyLiteralBecomesTheTypeOneExpects() {
        using Type = Value::Type;
        const struct {
            const char* what;
            Value value;
            Type expected;
        } cases[] = {
            {"nothing", Value(), Type::Null},
            {"nullptr", nullptr, Type::Null},
            {"a null pointer to text", static_cast<const char*>(nullptr), Type::Null},
            {"true", true, Type::Bool},
            {"0", 0, Type::Integer},
            {"0L", 0L, Type::Integer},
            {"0u", 0u, Type::Integer},
            {"short", static_cast<short>(1), Type::Integer},
            {"int8", static_cast<std::int8_t>(-1), Type::Integer},
            {"uint8", static_cast<std::uint8_t>(1), Type::Integer},
            {"size_t", std::size_t{1}, Type::Integer},
            {"the greatest int64", INT64_MAX, Type::Integer},
            {"above int64", static_cast<std::uint64_t>(INT64_MAX) + 1, Type::Double},
            {"double", 1.0, Type::Double},
            {"float", 1.0f, Type::Double},
            {"literal", "text", Type::String},
            {"string", std::string("text"), Type::String},
            {"string_view", std::string_view("text"), Type::String},
            {"binary", Binary("ab"), Type::Binary},
            {"array", Value::array({1}), Type::Array},
            {"empty array", Value::array(), Type::Array},
            {"vector", std::vector<Value>{1, 2}, Type::Array},
            {"object", Value::object({{"a", 1}}), Type::Object},
            {"empty object", Value::object(), Type::Object},
            {"pairs", {{"a", 1}}, Type::Object},
        };
        for (const auto& c : cases) CPPUNIT_ASSERT_MESSAGE(c.what, c.value.type() == c.expected);
    }

    void bracesMakeWhatTheySay() {
        CPPUNIT_ASSERT(Value{"x"} == "x");
        CPPUNIT_ASSERT(Value{}.isNull());
        const Value empty = {};
        CPPUNIT_ASSERT(empty.isNull());
        CPPUNIT_ASSERT(Value{5} == 5);

        const Value object = {{"k", 1}};
        CPPUNIT_ASSERT(Value{object} == object);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, Value{object}.size());
        const Value textual = {{"a", "b"}};  // not a string from two iterators
        CPPUNIT_ASSERT(textual.isObject() && textual["a"] == "b");
        const Value two = {{"a", "b"}, {"c", "d"}};
        CPPUNIT_ASSERT(two.isObject() && two["c"] == "d");
        const Value nested = {{"a", {{"b", {{"c", 3}}}}}};
        CPPUNIT_ASSERT(nested["a"]["b"]["c"] == 3);
        const Value repeated = {{"a", 1}, {"b", 2}, {"a", 3}};
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, repeated.size());
        CPPUNIT_ASSERT(repeated["a"] == 3);
        CPPUNIT_ASSERT_EQUAL(std::string("a"), repeated.asObject()[0].first);

        const std::string key = "run time";
        const Value computed = {{key, true}, {std::string_view("view"), nullptr}};
        CPPUNIT_ASSERT(computed["run time"] == true && computed.has("view"));

        const Value strings = Value::array({"a", "b"});
        CPPUNIT_ASSERT(strings.isArray() && strings.size() == 2 && strings[1] == "b");
        const Value one = Value::array({object});
        CPPUNIT_ASSERT(one.isArray() && one.size() == 1 && one[0] == object);
        const Value objects = Value::array({{{"a", 1}}, {{"a", 2}}});
        CPPUNIT_ASSERT(objects.size() == 2 && objects[1]["a"] == 2);
    }

    void pointersAndCharactersAreNoValues() {
        static_assert(!std::is_constructible_v<Value, int*>);
        static_assert(!std::is_constructible_v<Value, const void*>);
        static_assert(!std::is_constructible_v<Value, char>);
        static_assert(!std::is_constructible_v<Value, wchar_t>);
        static_assert(std::is_nothrow_move_constructible_v<Value>);
        CPPUNIT_ASSERT(Value("false").isString());
    }

    void readingNeverThrowsAndNeverInserts() {
        const Value value = {{"a", {{"b", Value::array({1, "x"})}}}, {"text", "t"}};
        CPPUNIT_ASSERT(value["a"]["b"][0] == 1);
        CPPUNIT_ASSERT(value["a"]["b"][1u] == "x");
        CPPUNIT_ASSERT(value["a"]["b"][2].isNull());
        CPPUNIT_ASSERT(value["a"]["b"][-1].isNull());
        CPPUNIT_ASSERT(value["missing"]["deeper"][7]["still"].isNull());
        CPPUNIT_ASSERT(value["text"]["of a string"].isNull());
        CPPUNIT_ASSERT(value["text"][0].isNull());
        CPPUNIT_ASSERT(value[0].isNull());  // an object has no items
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, value.size());
        CPPUNIT_ASSERT(value.find("missing") == nullptr && !value.has("missing"));

        Value array = Value::array({1, 2});
        CPPUNIT_ASSERT(array[0] == 1 && array[5].isNull());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, array.size());

        const Value null;
        CPPUNIT_ASSERT(null.asString().empty() && null.asArray().empty() &&
                       null.asObject().empty() && null.asBinary().size() == 0);
        CPPUNIT_ASSERT(null.asBool(true) && null.asInteger(7) == 7 && null.asDouble(.5) == .5);
        CPPUNIT_ASSERT(null.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, Value("text").size());
    }

    void numbersAsNumbers() {
        CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, Value(3.9).asInteger());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-3}, Value(-3.9).asInteger());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Value(1e300).asInteger(7));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Value(0x1p63).asInteger(7));
        CPPUNIT_ASSERT_EQUAL(INT64_MIN, Value(-0x1p63).asInteger(7));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Value(std::nan("")).asInteger(7));
        CPPUNIT_ASSERT_EQUAL(3.0, Value(3).asDouble());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, Value(true).asInteger(7));
        CPPUNIT_ASSERT(!Value(1).asBool());
        CPPUNIT_ASSERT_EQUAL(18446744073709551615.0, Value(UINT64_MAX).asDouble());
    }

    void writesMembersInOrder() {
        Value value;
        value["z"] = 1;
        value["a"]["deep"] = "x";
        value["z"] = 2;
        value.set("m", nullptr);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, value.size());
        CPPUNIT_ASSERT_EQUAL(std::string("z"), value.asObject()[0].first);
        CPPUNIT_ASSERT_EQUAL(std::string("a"), value.asObject()[1].first);
        CPPUNIT_ASSERT(std::as_const(value)["z"] == 2);
        CPPUNIT_ASSERT(std::as_const(value)["a"]["deep"] == "x");

        Value list;
        list.push(1);
        list.push("two");
        list.at(0) = "one";
        CPPUNIT_ASSERT(list == Value::array({"one", "two"}));
        list.makeArray().pop_back();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, list.size());
    }

    void anotherTypeIsReplacedByWriting() {
        Value value = "text";
        value["key"] = 1;
        CPPUNIT_ASSERT(value == Value({{"key", 1}}));
        value.push(2);
        CPPUNIT_ASSERT(value == Value::array({2}));
        value.makeString() += "new";
        CPPUNIT_ASSERT(value == "new");
        value.makeBinary().bytes += "b";
        CPPUNIT_ASSERT(value == Value(Binary("b")));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value.makeBinary().size());
    }

    void atThrowsNamingTheKey() {
        const Value value = {{"list", Value::array({1})}};
        CPPUNIT_ASSERT(value.at("list").at(0) == 1);
        try {
            (void)value.at("absent");
            CPPUNIT_FAIL("at() of an absent member");
        } catch (const Poco::NotFoundException& e) {
            CPPUNIT_ASSERT(e.message().find("absent") != std::string::npos);
        }
        try {
            (void)value.at("list").at(1);
            CPPUNIT_FAIL("at() behind the end");
        } catch (const Poco::RangeException& e) {
            CPPUNIT_ASSERT(e.message().find('1') != std::string::npos);
        }
        CPPUNIT_ASSERT_THROW((void)Value(5).at("x"), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW((void)Value(5).at(0), Poco::RangeException);
    }

    void erasesMembers() {
        Value value = {{"a", 1}, {"b", 2}};
        CPPUNIT_ASSERT(value.erase("a"));
        CPPUNIT_ASSERT(!value.erase("a"));
        CPPUNIT_ASSERT(value == Value({{"b", 2}}));
        CPPUNIT_ASSERT(!Value(1).erase("a"));
    }

    void copiesAreDeepAndMovesLeaveNothingShared() {
        Value original = {{"list", Value::array({1, 2})}};
        Value copy = original;
        copy["list"].push(3);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, std::as_const(original)["list"].size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, std::as_const(copy)["list"].size());

        Value moved = std::move(copy);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, std::as_const(moved)["list"].size());
    }

    void aPartMayReplaceTheWhole() {
        Value value = {{"list", Value::array({1, "a long enough text to be allocated"})}};
        value = value["list"];
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, value.size());
        value = std::as_const(value)[1];
        CPPUNIT_ASSERT(value == "a long enough text to be allocated");
        value = Value({{"deep", {{"deeper", 5}}}});
        value = std::move(value["deep"]["deeper"]);
        CPPUNIT_ASSERT(value == 5);
        const Value& same = value;
        value = same;
        CPPUNIT_ASSERT(value == 5);
        value = {{"a", 1}, {"b", 2}};
        value.set("c", value["a"]);
        value.push(value);
        CPPUNIT_ASSERT(value.isArray() && value.size() == 1);
    }

    void comparesByContent() {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const struct {
            const char* what;
            Value a, b;
            bool equal;
        } cases[] = {
            {"null", nullptr, nullptr, true},
            {"null and false", nullptr, false, false},
            {"null and 0", nullptr, 0, false},
            {"true", true, true, true},
            {"true and 1", true, 1, false},
            {"1 and 1.0", 1, 1.0, true},
            {"1.0 and 1", 1.0, 1, true},
            {"1 and 1.5", 1, 1.5, false},
            {"0 and -0", 0, -0.0, true},
            {"NaN", nan, nan, false},
            {"text", "a", "a", true},
            {"text and binary", "a", Binary("a"), false},
            {"text and number", "1", 1, false},
            {"binary", Binary("a"), Binary("a"), true},
            {"arrays", Value::array({1, "a"}), Value::array({1, "a"}), true},
            {"order of items", Value::array({1, 2}), Value::array({2, 1}), false},
            {"length", Value::array({1}), Value::array({1, 2}), false},
            {"array and object", Value::array(), Value::object(), false},
            {"objects", {{"a", 1}, {"b", 2}}, {{"a", 1}, {"b", 2}}, true},
            {"order of members", {{"a", 1}, {"b", 2}}, {{"b", 2}, {"a", 1}}, true},
            {"other member", {{"a", 1}, {"b", 2}}, {{"a", 1}, {"c", 2}}, false},
            {"other value", {{"a", 1}, {"b", 2}}, {{"b", 1}, {"a", 1}}, false},
            {"fewer members", {{"a", 1}, {"b", 2}}, {{"a", 1}}, false},
            {"deep",
             {{"a", Value::array({{{"b", 1}}})}},
             {{"a", Value::array({{{"b", 2}}})}},
             false},
        };
        for (const auto& c : cases) {
            CPPUNIT_ASSERT_MESSAGE(c.what, (c.a == c.b) == c.equal);
            CPPUNIT_ASSERT_MESSAGE(c.what, (c.b != c.a) == !c.equal);
        }
        const Value text = "letmein";
        CPPUNIT_ASSERT(text == "letmein" && "letmein" == text && text != "x");
        CPPUNIT_ASSERT(text == std::string("letmein") && text == std::string_view("letmein"));
        CPPUNIT_ASSERT(Value(5) != "5" && Value() != "");
        CPPUNIT_ASSERT(Value(0) == 0 && Value() != 0 && Value("") != 0);  // no null pointer
        const char* const nowhere = nullptr;
        CPPUNIT_ASSERT(Value() == nullptr && Value() == nowhere && Value(0) != nullptr);
    }

    void comparesLargeObjectsInAnyOrder() {
        Value::Object forward, backward;
        for (int i = 0; i < 50'000; ++i) forward.emplace_back("key" + std::to_string(i), i);
        backward.assign(forward.rbegin(), forward.rend());
        const Value a(forward), b(backward);
        CPPUNIT_ASSERT(a == b);
        backward[123].second = -1;
        CPPUNIT_ASSERT(a != Value(backward));
    }

    void findsBinaryAtAnyDepth() {
        CPPUNIT_ASSERT(Value(Binary("x")).containsBinary());
        CPPUNIT_ASSERT(Value({{"a", Value::array({1, {{"b", Binary("x")}}})}}).containsBinary());
        CPPUNIT_ASSERT(!Value({{"a", Value::array({1, "x"})}}).containsBinary());
        CPPUNIT_ASSERT(!Value().containsBinary());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ValueTest);

}  // namespace socketio
