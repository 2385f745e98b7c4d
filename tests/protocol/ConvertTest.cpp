#include <array>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/Fields.h"
#include "socketio/protocol/JsonCodec.h"

struct GlobalStruct {
    int only = 0;
};
SOCKETIO_FIELDS(GlobalStruct, only)

namespace chat {

struct Message {
    std::string user, text;
    std::optional<int> priority;
    bool operator==(const Message&) const = default;
};
SOCKETIO_FIELDS(Message, user, text, priority)

struct Tree {
    std::string name;
    std::vector<Tree> children;
};
SOCKETIO_FIELDS(Tree, name, children);

struct Outer {
    struct Inner {
        double x = 0, y = 0;
    };
    Inner position;
    std::map<std::string, std::vector<Inner>> paths;
    socketio::Value anything;
};
SOCKETIO_FIELDS(Outer::Inner, x, y)
SOCKETIO_FIELDS(Outer, position, paths, anything)

struct Wide {
    int a1 = 1, a2 = 2, a3 = 3, a4 = 4, a5 = 5, a6 = 6, a7 = 7, a8 = 8, a9 = 9, a10 = 10;
    int b1 = 1, b2 = 2, b3 = 3, b4 = 4, b5 = 5, b6 = 6, b7 = 7, b8 = 8, b9 = 9, b10 = 10;
    int c1 = 1, c2 = 2, c3 = 3, c4 = 4, c5 = 5, c6 = 6, c7 = 7, c8 = 8, c9 = 9, c10 = 10;
};
SOCKETIO_FIELDS(Wide, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, b1, b2, b3, b4, b5, b6, b7, b8, b9,
                b10, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10)

struct Base {
    int inherited = 0;
};
struct Derived : Base {
    int own = 0;
};
SOCKETIO_FIELDS(Derived, inherited, own)

enum class Colour { Red, Green };

}  // namespace chat

namespace socketio {

/// A type of the application with a conversion of its own.
template <>
struct Convert<chat::Colour> {
    static Value toValue(chat::Colour colour) {
        return colour == chat::Colour::Red ? "red" : "green";
    }
    static bool fromValue(const Value& value, chat::Colour& out, ConversionError& error) {
        if (value == "red")
            out = chat::Colour::Red;
        else if (value == "green")
            out = chat::Colour::Green;
        else
            return error.because("no such colour");
        return true;
    }
};

namespace {

// The signature of Server::emit, as far as its arguments go.
std::string emit(std::string_view event, const Arguments& arguments = {}, int = 0) {
    return JsonCodec::encode(arguments.event(event), "refused");
}

template <class T>
std::string errorOf(const Value& value) {
    const Conversion<T> result = fromValue<T>(value);
    return result.ok() ? "converted" : result.error().message();
}

template <class T>
void assertRoundTrip(const T& value, const std::string& json) {
    CPPUNIT_ASSERT_EQUAL(json, JsonCodec::encode(toValue(value), "refused"));
    const auto read = JsonCodec::decode(json);
    CPPUNIT_ASSERT_MESSAGE(json, read.ok());
    const auto back = fromValue<T>(*read);
    CPPUNIT_ASSERT_MESSAGE(json, back.ok());
    CPPUNIT_ASSERT_MESSAGE(json, *back == value);
}

}  // namespace

class ConvertTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConvertTest);
    CPPUNIT_TEST(standardTypesThereAndBack);
    CPPUNIT_TEST(binaryAndValueThereAndBack);
    CPPUNIT_TEST(viewsAndLiteralsOneWay);
    CPPUNIT_TEST(integersAreCheckedAgainstTheirRange);
    CPPUNIT_TEST(floatsAreCheckedAgainstTheirRange);
    CPPUNIT_TEST(typesAreNotMixedUp);
    CPPUNIT_TEST(errorsSayWhereAndWhat);
    CPPUNIT_TEST(structsThereAndBack);
    CPPUNIT_TEST(optionalFieldsMayBeMissing);
    CPPUNIT_TEST(thirtyFields);
    CPPUNIT_TEST(ownConversions);
    CPPUNIT_TEST(valuesThatMayBeUsedUpGiveTheirStrings);
    CPPUNIT_TEST(whatDoesNotConvertDoesNotCompile);
    CPPUNIT_TEST(argumentsOfAnEmit);
    CPPUNIT_TEST(argumentsKeepWhatTheyHold);
    CPPUNIT_TEST_SUITE_END();

public:
    void standardTypesThereAndBack() {
        assertRoundTrip(true, "true");
        assertRoundTrip(42, "42");
        assertRoundTrip(std::int64_t{-5}, "-5");
        assertRoundTrip(std::uint8_t{255}, "255");
        assertRoundTrip(1.5, "1.5");
        assertRoundTrip(1.5f, "1.5");
        assertRoundTrip(2.0, "2");  // written without a point, read as a double again
        assertRoundTrip(std::string("text"), "\"text\"");
        assertRoundTrip(std::optional<int>(), "null");
        assertRoundTrip(std::optional<int>(5), "5");
        assertRoundTrip(std::vector<int>{1, 2, 3}, "[1,2,3]");
        assertRoundTrip(std::vector<int>(), "[]");
        assertRoundTrip(std::vector<bool>{true, false}, "[true,false]");
        assertRoundTrip(std::vector<std::string>{"a", "b"}, R"(["a","b"])");
        assertRoundTrip(std::deque<int>{1, 2}, "[1,2]");
        assertRoundTrip(std::list<int>{1, 2}, "[1,2]");
        assertRoundTrip(std::set<int>{2, 1}, "[1,2]");
        assertRoundTrip(std::unordered_set<int>{7}, "[7]");
        assertRoundTrip(std::array<int, 2>{1, 2}, "[1,2]");
        assertRoundTrip(std::pair<int, std::string>(1, "a"), R"([1,"a"])");
        assertRoundTrip(std::tuple<int, std::string, bool>(1, "a", true), R"([1,"a",true])");
        assertRoundTrip(std::tuple<>(), "[]");
        assertRoundTrip(std::map<std::string, int>{{"b", 2}, {"a", 1}}, R"({"a":1,"b":2})");
        assertRoundTrip(std::unordered_map<std::string, int>{{"a", 1}}, R"({"a":1})");
        assertRoundTrip(std::map<std::string, std::vector<std::optional<int>>>{{"a", {1, {}}}},
                        R"({"a":[1,null]})");
    }

    void binaryAndValueThereAndBack() {
        const Value binary = Binary("\x01\x02");
        CPPUNIT_ASSERT(toValue(Binary("\x01\x02")) == binary);
        CPPUNIT_ASSERT(*fromValue<Binary>(binary) == Binary("\x01\x02"));
        CPPUNIT_ASSERT(fromValue<std::vector<Binary>>(Value::array({binary, binary}))->size() == 2);

        const Value value = {{"a", Value::array({1, nullptr})}};
        CPPUNIT_ASSERT(toValue(value) == value && *fromValue<Value>(value) == value);
        CPPUNIT_ASSERT(*fromValue<Value>(Value()) == nullptr);
        CPPUNIT_ASSERT(*fromValue<Value::Object>(value) == value.asObject());
        CPPUNIT_ASSERT(toValue(value.asObject()) == value);
        CPPUNIT_ASSERT(*fromValue<Value::Array>(value["a"]) == value["a"].asArray());
    }

    void viewsAndLiteralsOneWay() {
        const char* pointer = "pointer";
        char buffer[] = "buffer";
        CPPUNIT_ASSERT(toValue("literal") == "literal");
        CPPUNIT_ASSERT(toValue(pointer) == "pointer");
        CPPUNIT_ASSERT(toValue(buffer) == "buffer");
        CPPUNIT_ASSERT(toValue(std::string_view("view")) == "view");
        CPPUNIT_ASSERT(toValue(nullptr).isNull());
        CPPUNIT_ASSERT(toValue(std::vector<const char*>{"a"}) == Value::array({"a"}));
    }

    void integersAreCheckedAgainstTheirRange() {
        CPPUNIT_ASSERT_EQUAL(127, int(*fromValue<std::int8_t>(127)));
        CPPUNIT_ASSERT(!fromValue<std::int8_t>(128).ok());
        CPPUNIT_ASSERT(!fromValue<std::int8_t>(-129).ok());
        CPPUNIT_ASSERT(!fromValue<unsigned>(-1).ok());
        CPPUNIT_ASSERT(!fromValue<int>(std::int64_t{1} << 31).ok());
        CPPUNIT_ASSERT(*fromValue<std::int64_t>(INT64_MIN) == INT64_MIN);
        // Numbers of JavaScript have no type of their own.
        CPPUNIT_ASSERT_EQUAL(1000, *fromValue<int>(1000.0));
        CPPUNIT_ASSERT(!fromValue<int>(1000.5).ok());
        CPPUNIT_ASSERT(!fromValue<int>(0x1p31).ok());
        CPPUNIT_ASSERT_EQUAL(INT32_MIN, *fromValue<int>(-0x1p31));
        CPPUNIT_ASSERT(!fromValue<std::int64_t>(0x1p63).ok());
        CPPUNIT_ASSERT_EQUAL(INT64_MIN, *fromValue<std::int64_t>(-0x1p63));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1} << 63, *fromValue<std::uint64_t>(0x1p63));
        CPPUNIT_ASSERT(!fromValue<std::uint64_t>(0x1p64).ok());
        CPPUNIT_ASSERT(!fromValue<std::uint64_t>(-1.0).ok());
        CPPUNIT_ASSERT_EQUAL(std::string("integer out of range 0 to 255"),
                             errorOf<std::uint8_t>(256));
    }

    void floatsAreCheckedAgainstTheirRange() {
        CPPUNIT_ASSERT_EQUAL(5.0, *fromValue<double>(5));
        CPPUNIT_ASSERT_EQUAL(0.5f, *fromValue<float>(0.5));
        CPPUNIT_ASSERT(!fromValue<float>(1e300).ok());
        CPPUNIT_ASSERT(!fromValue<float>(-1e300).ok());
        CPPUNIT_ASSERT(!fromValue<double>("1").ok());
    }

    void typesAreNotMixedUp() {
        const Value values[] = {nullptr,        true,           1, 1.5, "1", Binary("1"),
                                Value::array(), Value::object()};
        // How many of them each type takes.
        const auto taken = [&values]<class T>(const T*) {
            int count = 0;
            for (const Value& value : values) count += fromValue<T>(value).ok() ? 1 : 0;
            return count;
        };
        CPPUNIT_ASSERT_EQUAL(1, taken(static_cast<bool*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(1, taken(static_cast<int*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(2, taken(static_cast<double*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(1, taken(static_cast<std::string*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(1, taken(static_cast<Binary*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(1, taken(static_cast<std::vector<int>*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(1, (taken(static_cast<std::map<std::string, int>*>(nullptr))));
        CPPUNIT_ASSERT_EQUAL(2, taken(static_cast<std::optional<int>*>(nullptr)));
        CPPUNIT_ASSERT_EQUAL(8, taken(static_cast<Value*>(nullptr)));
    }

    void errorsSayWhereAndWhat() {
        using Map = std::map<std::string, std::vector<int>>;
        const struct {
            std::string message;
            const char* expected;
        } cases[] = {
            {errorOf<int>("x"), "expected an integer, got a string"},
            {errorOf<int>(1.5), "expected an integer, got a double"},
            {errorOf<std::string>(nullptr), "expected a string, got null"},
            {errorOf<bool>(1), "expected a bool, got an integer"},
            {errorOf<double>(true), "expected a number, got a bool"},
            {errorOf<Binary>("x"), "expected binary, got a string"},
            {errorOf<std::vector<int>>(5), "expected an array, got an integer"},
            {errorOf<std::vector<int>>(Value::array({1, 2, "x"})),
             "[2]: expected an integer, got a string"},
            {errorOf<Map>(Value({{"a", Value::array({1, nullptr})}})),
             "a[1]: expected an integer, got null"},
            {errorOf<std::vector<Map>>(Value::array({{{"a", 5}}})),
             "[0].a: expected an array, got an integer"},
            {errorOf<std::array<int, 2>>(Value::array({1})), "expected an array of 2 items, got 1"},
            {errorOf<std::tuple<int, int>>(Value::array({1, 2, 3})),
             "expected an array of 2 items, got 3"},
            {errorOf<std::pair<int, std::string>>(Value::array({1, 2})),
             "[1]: expected a string, got an integer"},
            {errorOf<std::optional<int>>("x"), "expected an integer, got a string"},
            {errorOf<chat::Message>("x"), "expected an object, got a string"},
            {errorOf<chat::Message>(Value({{"user", "ann"}})), "text: missing"},
            {errorOf<chat::Message>(Value({{"user", "ann"}, {"text", 5}})),
             "text: expected a string, got an integer"},
            {errorOf<chat::Message>(Value({{"user", "a"}, {"text", "t"}, {"priority", "high"}})),
             "priority: expected an integer, got a string"},
            {errorOf<std::vector<chat::Tree>>(Value::array(
                 {{{"name", "root"}, {"children", Value::array({{{"name", "leaf"}}})}}})),
             "[0].children[0].children: missing"},
            {errorOf<chat::Outer>(Value({{"position", {{"x", 1}, {"y", "2"}}}})),
             "position.y: expected a number, got a string"},
        };
        for (const auto& c : cases) CPPUNIT_ASSERT_EQUAL(std::string(c.expected), c.message);
        // A peer's key cannot fill the log.
        CPPUNIT_ASSERT(errorOf<Map>(Value({{std::string(100'000, 'k'), 5}})).size() < 200);
    }

    void structsThereAndBack() {
        assertRoundTrip(chat::Message{"ann", "hi", 3},
                        R"({"user":"ann","text":"hi","priority":3})");
        CPPUNIT_ASSERT_EQUAL(7, fromValue<GlobalStruct>(Value({{"only", 7}}))->only);
        const auto derived = fromValue<chat::Derived>(Value({{"own", 1}, {"inherited", 2}}));
        CPPUNIT_ASSERT(derived.ok() && derived->own == 1 && derived->inherited == 2);

        const chat::Tree tree{"root", {{"leaf", {}}, {"branch", {{"leaf", {}}}}}};
        const auto back = fromValue<chat::Tree>(toValue(tree));
        CPPUNIT_ASSERT(back.ok());
        CPPUNIT_ASSERT_EQUAL(std::string("leaf"), back->children[1].children[0].name);

        chat::Outer outer;
        outer.position = {1, 2};
        outer.paths["a"] = {{3, 4}};
        outer.anything = Value::array({nullptr});
        CPPUNIT_ASSERT_EQUAL(
            std::string(
                R"({"position":{"x":1,"y":2},"paths":{"a":[{"x":3,"y":4}]},"anything":[null]})"),
            JsonCodec::encode(toValue(outer)));
        CPPUNIT_ASSERT(fromValue<chat::Outer>(toValue(outer))->paths.at("a")[0].y == 4);
        // Members that are no fields do no harm.
        CPPUNIT_ASSERT(fromValue<GlobalStruct>(Value({{"x", 1}, {"only", 2}})).ok());
    }

    void optionalFieldsMayBeMissing() {
        const Value without = {{"user", "ann"}, {"text", "hi"}};
        CPPUNIT_ASSERT((*fromValue<chat::Message>(without) == chat::Message{"ann", "hi", {}}));
        const Value null = {{"user", "ann"}, {"text", "hi"}, {"priority", nullptr}};
        CPPUNIT_ASSERT((*fromValue<chat::Message>(null) == chat::Message{"ann", "hi", {}}));
        CPPUNIT_ASSERT(toValue(chat::Message{"ann", "hi", {}}) == without);  // no key at all

        chat::Message reused{"", "", 5};
        ConversionError error;
        CPPUNIT_ASSERT(fromValue(without, reused, error));
        CPPUNIT_ASSERT(!reused.priority);
    }

    void thirtyFields() {
        const Value value = toValue(chat::Wide{});
        CPPUNIT_ASSERT_EQUAL(std::size_t{30}, value.size());
        CPPUNIT_ASSERT_EQUAL(std::string("a1"), value.asObject().front().first);
        CPPUNIT_ASSERT_EQUAL(std::string("c10"), value.asObject().back().first);
        Value changed = value;
        changed["c10"] = 99;
        CPPUNIT_ASSERT_EQUAL(99, fromValue<chat::Wide>(changed)->c10);
        changed.erase("b7");
        CPPUNIT_ASSERT_EQUAL(std::string("b7: missing"), errorOf<chat::Wide>(changed));
    }

    void ownConversions() {
        using Colours = std::vector<chat::Colour>;
        CPPUNIT_ASSERT(toValue(Colours{chat::Colour::Green}) == Value::array({"green"}));
        CPPUNIT_ASSERT((*fromValue<Colours>(Value::array({"red"})) == Colours{chat::Colour::Red}));
        CPPUNIT_ASSERT_EQUAL(std::string("[1]: no such colour"),
                             errorOf<Colours>(Value::array({"red", "blue"})));
        CPPUNIT_ASSERT_EQUAL(std::string(R"(["e","red"])"), emit("e", chat::Colour::Red));
    }

    void valuesThatMayBeUsedUpGiveTheirStrings() {
        const std::string longText(1000, 'x');
        Value value = longText;
        const char* const bytes = value.asString().data();
        std::string text;
        ConversionError error;
        CPPUNIT_ASSERT(fromValue(std::move(value), text, error));
        CPPUNIT_ASSERT(text == longText && text.data() == bytes);

        std::string source = longText;
        const char* const sourceBytes = source.data();
        CPPUNIT_ASSERT(toValue(std::move(source)).asString().data() == sourceBytes);
    }

    void whatDoesNotConvertDoesNotCompile() {
        static_assert(!ConvertibleToValue<char> && !ConvertibleToValue<int*>);
        static_assert(!ConvertibleToValue<void*> && !ConvertibleToValue<std::vector<void*>>);
        static_assert(!ConvertibleToValue<std::map<int, int>>);
        static_assert(!ConvertibleFromValue<std::string_view>);
        static_assert(!ConvertibleFromValue<const char*>);
        static_assert(!ConvertibleFromValue<std::vector<std::string_view>>);
        static_assert(!std::is_constructible_v<Arguments, int*>);
        static_assert(ConvertibleToValue<chat::Message> && ConvertibleFromValue<chat::Message>);
        static_assert(ConvertibleFromValue<std::vector<chat::Tree>>);
    }

    void argumentsOfAnEmit() {
        const chat::Message message{"ann", "hi", {}};
        const std::string text = "text";
        const std::tuple lvalue{1, "a"};
        const std::vector<Value> values{1, "a"};
        const struct {
            std::string sent;
            const char* expected;
        } cases[] = {
            {emit("e"), R"(["e"])"},
            {emit("e", {}), R"(["e"])"},
            {emit("e", {}, 1), R"(["e"])"},
            {emit("e", "text"), R"(["e","text"])"},
            {emit("e", text), R"(["e","text"])"},
            {emit("e", std::string_view("text")), R"(["e","text"])"},
            {emit("e", 42), R"(["e",42])"},
            {emit("e", 0), R"(["e",0])"},
            {emit("e", 1.5, 3), R"(["e",1.5])"},
            {emit("e", true), R"(["e",true])"},
            {emit("e", nullptr), R"(["e",null])"},
            {emit("e", Value()), R"(["e",null])"},
            {emit("e", Value{{"a", 1}}), R"(["e",{"a":1}])"},
            {emit("e", message), R"(["e",{"user":"ann","text":"hi"}])"},
            {emit("e", chat::Message{"ann", "hi", {}}), R"(["e",{"user":"ann","text":"hi"}])"},
            {emit("e", {{"user", "ann"}, {"n", 1}}), R"(["e",{"user":"ann","n":1}])"},
            {emit("e", {{"user", "ann"}}), R"(["e",{"user":"ann"}])"},
            {emit("e", {{"list", Value::array({1})}}, 2), R"(["e",{"list":[1]}])"},
            {emit("e", {"text"}), R"(["e","text"])"},
            {emit("e", std::vector{1, 2}), R"(["e",[1,2]])"},
            {emit("e", values), R"(["e",[1,"a"]])"},
            {emit("e", Value::array({1, 2})), R"(["e",[1,2]])"},
            {emit("e", std::pair(1, 2)), R"(["e",[1,2]])"},
            {emit("e", std::array{1, 2}), R"(["e",[1,2]])"},
            {emit("e", std::map<std::string, int>{{"a", 1}}), R"(["e",{"a":1}])"},
            {emit("e", std::tuple{1, "a"}), R"(["e",1,"a"])"},
            {emit("e", lvalue), R"(["e",1,"a"])"},
            {emit("e", std::tuple{message, 1}), R"(["e",{"user":"ann","text":"hi"},1])"},
            {emit("e", std::tuple{std::vector{1}}), R"(["e",[1]])"},
            {emit("e", std::tuple<>{}), R"(["e"])"},
            {emit("e", std::optional<int>()), R"(["e",null])"},
            {emit("e", Arguments::fromArray({1, 2})), R"(["e",1,2])"},
            {emit("e", Arguments::fromArray({})), R"(["e"])"},
        };
        for (const auto& c : cases) CPPUNIT_ASSERT_EQUAL(std::string(c.expected), c.sent);
    }

    void argumentsKeepWhatTheyHold() {
        Arguments arguments = std::tuple{1, "two"};
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, arguments.size());
        CPPUNIT_ASSERT(arguments[0] == 1 && arguments[1] == "two");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, arguments.values().size());
        Arguments copy{arguments};
        CPPUNIT_ASSERT(copy.event("e") == Value::array({"e", 1, "two"}));
        CPPUNIT_ASSERT(copy.event("f") == Value::array({"f", 1, "two"}));
        CPPUNIT_ASSERT(Value(copy.array()) == Value::array({1, "two"}));
        CPPUNIT_ASSERT(Value(std::move(copy).array()) == Value::array({1, "two"}));
        CPPUNIT_ASSERT(std::move(arguments).event("e") == Value::array({"e", 1, "two"}));

        const Arguments none;
        CPPUNIT_ASSERT(none.empty() && none.values().empty() && none.array().empty());
        CPPUNIT_ASSERT(none.event("e") == Value::array({"e"}));
        CPPUNIT_ASSERT(Arguments().event("e") == Value::array({"e"}));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConvertTest);

}  // namespace socketio
