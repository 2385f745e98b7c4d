#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "socketio/protocol/Convert.h"

/// Makes a struct convertible to and from an object with a member per field:
///
///     struct Message { std::string user, text; std::optional<int> priority; };
///     SOCKETIO_FIELDS(Message, user, text, priority)
///
/// Stands after the struct, in the same namespace (a global struct: at global scope). A field that
/// is std::optional may be missing, and is left out when it is empty; any other missing field is an
/// error that names it. Members that are no fields are ignored.
///
/// Threads: the conversions are pure; the struct is borrowed for the call.
/// Errors:  what does not convert is told by the ConversionError, the field's name in front;
/// nothing
///          is thrown. A type that cannot be converted at all is a compile error.
/// Limits:  250 fields; with more than 50 of them g++ takes its time.
#define SOCKETIO_FIELDS(Type, ...)                                           \
    [[maybe_unused]] constexpr auto socketioFields(const Type*) {            \
        using SocketioType = Type;                                           \
        return ::std::tuple{SOCKETIO_FOR_EACH(SOCKETIO_FIELD, __VA_ARGS__)}; \
    }

#define SOCKETIO_FIELD(name) ::socketio::Field{#name, &SocketioType::name},

// A macro cannot call itself, but what it left over can be scanned again: 4^4 times here.
#define SOCKETIO_FOR_EACH(macro, ...) \
    __VA_OPT__(SOCKETIO_EXPAND(SOCKETIO_FOR_EACH_STEP(macro, __VA_ARGS__)))
#define SOCKETIO_FOR_EACH_STEP(macro, first, ...) \
    macro(first) __VA_OPT__(SOCKETIO_FOR_EACH_AGAIN SOCKETIO_PARENTHESES(macro, __VA_ARGS__))
#define SOCKETIO_FOR_EACH_AGAIN() SOCKETIO_FOR_EACH_STEP
#define SOCKETIO_PARENTHESES ()
#define SOCKETIO_EXPAND(...) \
    SOCKETIO_EXPAND4(SOCKETIO_EXPAND4(SOCKETIO_EXPAND4(SOCKETIO_EXPAND4(__VA_ARGS__))))
#define SOCKETIO_EXPAND4(...) \
    SOCKETIO_EXPAND3(SOCKETIO_EXPAND3(SOCKETIO_EXPAND3(SOCKETIO_EXPAND3(__VA_ARGS__))))
#define SOCKETIO_EXPAND3(...) \
    SOCKETIO_EXPAND2(SOCKETIO_EXPAND2(SOCKETIO_EXPAND2(SOCKETIO_EXPAND2(__VA_ARGS__))))
#define SOCKETIO_EXPAND2(...) \
    SOCKETIO_EXPAND1(SOCKETIO_EXPAND1(SOCKETIO_EXPAND1(SOCKETIO_EXPAND1(__VA_ARGS__))))
#define SOCKETIO_EXPAND1(...) __VA_ARGS__

namespace socketio {

/// A field of a struct: the name of its member in the object, and where it is in the struct.
template <class Type, class Class>
struct Field {
    const char* name;
    Type Class::*member;
};
template <class Type, class Class>
Field(const char*, Type Class::*) -> Field<Type, Class>;

template <class T>
concept HasFields = std::is_class_v<T> && requires(const T* type) {
    socketioFields(type);  // found in the namespace of T
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <HasFields T>
struct Convert<T> {
    static Value toValue(const T& value) {
        Value::Object object;
        std::apply(
            [&](const auto&... field) {
                object.reserve(sizeof...(field));
                (add(object, field.name, value.*field.member), ...);
            },
            socketioFields(static_cast<const T*>(nullptr)));
        return Value(std::move(object));
    }

    static bool fromValue(const Value& value, T& out, ConversionError& error) {
        if (!value.isObject()) return error.expected("an object", value);
        return std::apply(
            [&](const auto&... field) {
                return (read(value, field.name, out.*field.member, error) && ...);
            },
            socketioFields(static_cast<const T*>(nullptr)));
    }

private:
    template <class Item>
    static void add(Value::Object& object, const char* name, const Item& item) {
        static_assert(ConvertibleToValue<Item>, "this field cannot become a Value");
        if constexpr (kIsOptional<Item>)
            if (!item) return;
        object.emplace_back(name, Convert<Item>::toValue(item));
    }

    template <class Item>
    static bool read(const Value& object, const char* name, Item& item, ConversionError& error) {
        static_assert(ConvertibleFromValue<Item>, "this field cannot be made from a Value");
        const Value* const member = object.find(name);
        if (!member) {
            if constexpr (kIsOptional<Item>) {
                item.reset();
                return true;
            }
            error.because("missing");
            return error.inField(name);
        }
        return Convert<Item>::fromValue(*member, item, error) || error.inField(name);
    }
};

}  // namespace socketio
