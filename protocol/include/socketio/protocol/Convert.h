#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "socketio/protocol/Value.h"

namespace socketio {

/// Why a Value is not the C++ type that was asked for, and where in it: `user.tags[2]: expected a
/// string, got an integer`.
///
/// Threads: a plain value. Made on failure only; of what a peer sent it holds the keys of a map
/// alone,
///          as they are: whoever logs them escapes them.
struct ConversionError {
    std::string where;   ///< `user.tags[2]`; empty for the value itself.
    std::string reason;  ///< `expected a string, got an integer`

    std::string message() const { return where.empty() ? reason : where + ": " + reason; }

    // For conversions, which call them on the way out; all return false.
    bool expected(std::string_view what, const Value& got);
    bool because(std::string_view why);
    bool inField(std::string_view name);
    bool inItem(std::size_t index);
};

/// `null`, `a bool`, `an integer`, `a string`...
std::string_view describe(Value::Type type);

/// How a C++ type becomes a Value and back. A type of your own is declared with SOCKETIO_FIELDS
/// (Fields.h) or by a specialisation in namespace socketio with one or both of
///
///     static Value toValue(const T& value);
///     static bool fromValue(const Value& value, T& out, ConversionError& error);
///
/// fromValue() returns false with `error` filled, and `out` in any state.
///
/// Here: bool, integers (checked against their range), floating point, strings, Binary, Value,
/// std::optional (null), vector, array, deque, list, set, unordered_set, pair and tuple (arrays),
/// map and unordered_map with std::string keys (objects), nested at will. Views and literals are
/// converted in one direction only.
template <class T>
struct Convert;

template <class T>
concept ConvertibleToValue = requires(const T& value) {
    { Convert<T>::toValue(value) } -> std::same_as<Value>;
};
template <class T>
concept ConvertibleFromValue = std::default_initializable<T> &&
    requires(const Value& value, T& out, ConversionError& error) {
    { Convert<T>::fromValue(value, out, error) } -> std::same_as<bool>;
};

template <class T>
requires ConvertibleToValue<std::decay_t<T>> Value toValue(T&& value) {
    return Convert<std::decay_t<T>>::toValue(std::forward<T>(value));
}

/// A converted value or the reason why there is none.
template <class T>
class [[nodiscard]] Conversion {
public:
    Conversion(T value) : _state(std::in_place_index<0>, std::move(value)) {}
    Conversion(ConversionError error) : _state(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return _state.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& value() & { return std::get<0>(_state); }
    const T& value() const& { return std::get<0>(_state); }
    T&& value() && { return std::get<0>(std::move(_state)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    const T* operator->() const { return &value(); }
    const ConversionError& error() const { return std::get<1>(_state); }

private:
    std::variant<T, ConversionError> _state;
};

/// Fills `out` from a value; a value that may be used up (`std::move`) gives its strings away.
template <ConvertibleFromValue T>
bool fromValue(const Value& value, T& out, ConversionError& error) {
    return Convert<T>::fromValue(value, out, error);
}
template <ConvertibleFromValue T>
bool fromValue(Value&& value, T& out, ConversionError& error) {
    return Convert<T>::fromValue(std::move(value), out, error);
}
template <ConvertibleFromValue T>
Conversion<T> fromValue(const Value& value) {
    T out{};
    ConversionError error;
    if (Convert<T>::fromValue(value, out, error)) return Conversion<T>(std::move(out));
    return Conversion<T>(std::move(error));
}

template <class T>
inline constexpr bool kIsTuple = false;
template <class... T>
inline constexpr bool kIsTuple<std::tuple<T...>> = true;

/// The data of an emit: nothing, one value of any convertible type, or a std::tuple of several. A
/// container is one argument, and so is a braced list of pairs (an object).
///
///     emit("e")                                 ["e"]
///     emit("e", 42)                             ["e",42]
///     emit("e", std::vector{1, 2})              ["e",[1,2]]
///     emit("e", std::tuple{1, "a"})             ["e",1,"a"]
///     emit("e", {{"user", "ann"}, {"n", 1}})    ["e",{"user":"ann","n":1}]
///
/// Threads: a plain value.
class Arguments {
public:
    Arguments() = default;

    template <class T>
    requires(ConvertibleToValue<std::decay_t<T>> && !std::same_as<std::decay_t<T>, Arguments> &&
             !kIsTuple<std::decay_t<T>>) Arguments(T&& value) {
        reserve(1);
        _items.push_back(toValue(std::forward<T>(value)));
    }

    template <class... T>
    requires(ConvertibleToValue<T>&&...) Arguments(std::tuple<T...> values) {
        if constexpr (sizeof...(T) > 0) {
            reserve(sizeof...(T));
            std::apply([this](T&... each) { (_items.push_back(toValue(std::move(each))), ...); },
                       values);
        }
    }

    Arguments(std::initializer_list<Value::Entry> members) {
        reserve(1);
        _items.push_back(Value(members));
    }

    /// Each item is an argument.
    static Arguments fromArray(Value::Array items);

    std::size_t size() const { return _items.empty() ? 0 : _items.size() - 1; }
    bool empty() const { return size() == 0; }
    const Value& operator[](std::size_t index) const { return _items[index + 1]; }
    std::span<const Value> values() const { return std::span<const Value>(_items).last(size()); }

    /// The arguments alone: the data of an acknowledgement.
    Value::Array array() const&;
    Value::Array array() &&;
    /// `[name, arguments...]`: the data of an event. The second form copies nothing. A reserved
    /// name is a Poco::InvalidArgumentException.
    Value event(std::string_view name) const&;
    Value event(std::string_view name) &&;

private:
    void reserve(std::size_t count);

    // Either empty, or a free place for the event's name and then the arguments.
    Value::Array _items;
};

// ---- the conversions themselves -----------------------------------------------------------------

template <>
struct Convert<Value> {
    static Value toValue(const Value& value) { return value; }
    static Value toValue(Value&& value) { return std::move(value); }
    static bool fromValue(const Value& value, Value& out, ConversionError&) {
        out = value;
        return true;
    }
    static bool fromValue(Value&& value, Value& out, ConversionError&) {
        out = std::move(value);
        return true;
    }
};

template <>
struct Convert<std::nullptr_t> {
    static Value toValue(std::nullptr_t) { return {}; }
};

template <>
struct Convert<bool> {
    static Value toValue(bool value) { return value; }
    static bool fromValue(const Value& value, bool& out, ConversionError& error) {
        if (!value.isBool()) return error.expected("a bool", value);
        out = value.asBool();
        return true;
    }
};

/// JavaScript has one type of numbers: 3.0 is an integer, too.
template <std::integral T>
requires(std::constructible_from<Value, T> && !std::same_as<T, bool>) struct Convert<T> {
    static Value toValue(T value) { return value; }
    static bool fromValue(const Value& value, T& out, ConversionError& error) {
        if (value.isInteger()) {
            const std::int64_t number = value.asInteger();
            if (!std::in_range<T>(number)) return outOfRange(error);
            out = static_cast<T>(number);
            return true;
        }
        if (!value.isDouble()) return error.expected("an integer", value);
        const double number = value.asDouble();
        if (number != std::trunc(number)) return error.expected("an integer", value);
        // Both bounds are powers of two (or 0), hence exact as doubles.
        constexpr double kEnd =
            2.0 * static_cast<double>(T(1) << (std::numeric_limits<T>::digits - 1));
        constexpr double kBegin = std::is_signed_v<T> ? -kEnd : 0.0;
        if (!(number >= kBegin && number < kEnd)) return outOfRange(error);
        out = static_cast<T>(number);
        return true;
    }

private:
    static bool outOfRange(ConversionError& error) {
        return error.because("integer out of range " +
                             std::to_string(std::numeric_limits<T>::min()) + " to " +
                             std::to_string(std::numeric_limits<T>::max()));
    }
};

template <std::floating_point T>
struct Convert<T> {
    static Value toValue(T value) { return value; }
    static bool fromValue(const Value& value, T& out, ConversionError& error) {
        if (!value.isNumber()) return error.expected("a number", value);
        const double number = value.asDouble();
        if (std::isfinite(number) &&
            std::fabs(number) > static_cast<long double>(std::numeric_limits<T>::max()))
            return error.because("number out of range");
        out = static_cast<T>(number);
        return true;
    }
};

template <>
struct Convert<std::string> {
    static Value toValue(std::string value) { return Value(std::move(value)); }
    static bool fromValue(const Value& value, std::string& out, ConversionError& error) {
        if (!value.isString()) return error.expected("a string", value);
        out = value.asString();
        return true;
    }
    static bool fromValue(Value&& value, std::string& out, ConversionError& error) {
        if (!value.isString()) return error.expected("a string", value);
        out = std::move(value.makeString());
        return true;
    }
};
template <>
struct Convert<std::string_view> {
    static Value toValue(std::string_view value) { return value; }
};
template <>
struct Convert<const char*> {
    static Value toValue(const char* value) { return value; }
};
template <>
struct Convert<char*> {
    static Value toValue(const char* value) { return value; }
};

template <>
struct Convert<Binary> {
    static Value toValue(Binary value) { return Value(std::move(value)); }
    static bool fromValue(const Value& value, Binary& out, ConversionError& error) {
        if (!value.isBinary()) return error.expected("binary", value);
        out = value.asBinary();
        return true;
    }
    static bool fromValue(Value&& value, Binary& out, ConversionError& error) {
        if (!value.isBinary()) return error.expected("binary", value);
        out = std::move(value.makeBinary());
        return true;
    }
};

template <>
struct Convert<Value::Object> {
    static Value toValue(Value::Object value) { return Value(std::move(value)); }
    static bool fromValue(const Value& value, Value::Object& out, ConversionError& error) {
        if (!value.isObject()) return error.expected("an object", value);
        out = value.asObject();
        return true;
    }
};

template <class T>
struct Convert<std::optional<T>> {
    static Value toValue(const std::optional<T>& value) requires ConvertibleToValue<T> {
        return value ? Convert<T>::toValue(*value) : Value();
    }
    static bool fromValue(const Value& value, std::optional<T>& out,
                          ConversionError& error) requires ConvertibleFromValue<T> {
        if (value.isNull()) {
            out.reset();
            return true;
        }
        return Convert<T>::fromValue(value, out.emplace(), error);
    }
};

/// Arrays: any container that grows by insert(end, item).
template <class Container>
struct ConvertSequence {
    using Item = typename Container::value_type;

    static Value toValue(const Container& items) requires ConvertibleToValue<Item> {
        Value::Array array;
        array.reserve(items.size());
        for (const auto& item : items) array.push_back(Convert<Item>::toValue(item));
        return Value(std::move(array));
    }
    static bool fromValue(const Value& value, Container& out,
                          ConversionError& error) requires ConvertibleFromValue<Item> {
        if (!value.isArray()) return error.expected("an array", value);
        out.clear();
        if constexpr (requires { out.reserve(1); }) out.reserve(value.size());
        for (const Value& each : value.asArray()) {
            Item item{};
            if (!Convert<Item>::fromValue(each, item, error))
                return error.inItem(static_cast<std::size_t>(&each - value.asArray().data()));
            out.insert(out.end(), std::move(item));
        }
        return true;
    }
};
template <class T, class A>
struct Convert<std::vector<T, A>> : ConvertSequence<std::vector<T, A>> {};
template <class T, class A>
struct Convert<std::deque<T, A>> : ConvertSequence<std::deque<T, A>> {};
template <class T, class A>
struct Convert<std::list<T, A>> : ConvertSequence<std::list<T, A>> {};
template <class T, class C, class A>
struct Convert<std::set<T, C, A>> : ConvertSequence<std::set<T, C, A>> {};
template <class T, class H, class E, class A>
struct Convert<std::unordered_set<T, H, E, A>> : ConvertSequence<std::unordered_set<T, H, E, A>> {};

/// The array of an event itself, the one container that can be moved.
template <>
struct Convert<Value::Array> {
    static Value toValue(Value::Array items) { return Value(std::move(items)); }
    static bool fromValue(const Value& value, Value::Array& out, ConversionError& error) {
        if (!value.isArray()) return error.expected("an array", value);
        out = value.asArray();
        return true;
    }
};

/// Objects: maps from std::string.
template <class Map>
struct ConvertMap {
    using Item = typename Map::mapped_type;

    static Value toValue(const Map& members) requires ConvertibleToValue<Item> {
        Value::Object object;
        object.reserve(members.size());
        for (const auto& [key, item] : members)
            object.emplace_back(key, Convert<Item>::toValue(item));
        return Value(std::move(object));
    }
    static bool fromValue(const Value& value, Map& out,
                          ConversionError& error) requires ConvertibleFromValue<Item> {
        if (!value.isObject()) return error.expected("an object", value);
        out.clear();
        for (const auto& [key, each] : value.asObject()) {
            Item item{};
            if (!Convert<Item>::fromValue(each, item, error)) return error.inField(key);
            out.emplace(key, std::move(item));
        }
        return true;
    }
};
template <class T, class C, class A>
struct Convert<std::map<std::string, T, C, A>> : ConvertMap<std::map<std::string, T, C, A>> {};
template <class T, class H, class E, class A>
struct Convert<std::unordered_map<std::string, T, H, E, A>>
    : ConvertMap<std::unordered_map<std::string, T, H, E, A>> {};

/// Arrays of a fixed size, each item of its own type.
template <class Tuple, class... T>
struct ConvertTuple {
    static Value toValue(const Tuple& items) requires(ConvertibleToValue<T>&&...) {
        [[maybe_unused]] Value::Array array;
        array.reserve(sizeof...(T));
        std::apply([&](const T&... each) { (array.push_back(Convert<T>::toValue(each)), ...); },
                   items);
        return Value(std::move(array));
    }
    static bool fromValue(const Value& value, Tuple& out,
                          ConversionError& error) requires(ConvertibleFromValue<T>&&...) {
        if (!value.isArray()) return error.expected("an array", value);
        if (value.size() != sizeof...(T))
            return error.because("expected an array of " + std::to_string(sizeof...(T)) +
                                 " items, got " + std::to_string(value.size()));
        return std::apply(
            [&value, &error](T&... each) {
                [[maybe_unused]] std::size_t at = 0;
                [[maybe_unused]] const auto one = [&]<class Item>(Item& item) {
                    const std::size_t index = at++;
                    return Convert<Item>::fromValue(value[index], item, error) ||
                           error.inItem(index);
                };
                return (one(each) && ...);
            },
            out);
    }
};
template <class... T>
struct Convert<std::tuple<T...>> : ConvertTuple<std::tuple<T...>, T...> {};
template <class A, class B>
struct Convert<std::pair<A, B>> : ConvertTuple<std::pair<A, B>, A, B> {};

template <class T, std::size_t N>
struct Convert<std::array<T, N>> {
    static Value toValue(const std::array<T, N>& items) requires ConvertibleToValue<T> {
        Value::Array array;
        array.reserve(N);
        for (const T& item : items) array.push_back(Convert<T>::toValue(item));
        return Value(std::move(array));
    }
    static bool fromValue(const Value& value, std::array<T, N>& out,
                          ConversionError& error) requires ConvertibleFromValue<T> {
        if (!value.isArray()) return error.expected("an array", value);
        if (value.size() != N)
            return error.because("expected an array of " + std::to_string(N) + " items, got " +
                                 std::to_string(value.size()));
        for (std::size_t i = 0; i < N; ++i)
            if (!Convert<T>::fromValue(value[i], out[i], error)) return error.inItem(i);
        return true;
    }
};

}  // namespace socketio
