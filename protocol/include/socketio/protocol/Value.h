#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace socketio {

/// Bytes that travel as a Socket.IO attachment.
struct Binary {
    std::string bytes;

    Binary() = default;
    explicit Binary(std::string data) : bytes(std::move(data)) {}
    Binary(const void* data, std::size_t size) : bytes(static_cast<const char*>(data), size) {}

    std::string_view view() const { return bytes; }
    std::size_t size() const { return bytes.size(); }
    bool operator==(const Binary&) const = default;
};

/// What an event carries: JSON's types, integers apart from doubles, and bytes as a type of their
/// own. Objects keep the order of insertion.
///
///     Value message = {{"user", "ann"}, {"tags", Value::array({"a", "b"})}, {"n", 42}};
///     message["user"].asString()        "ann"
///     message["missing"]["deeper"]      null: reading never throws
///
/// A braced list of pairs that all begin with a string makes an object; Value::array() and
/// Value::object() say which of the two is meant.
///
/// Threads: a plain value, thread-compatible.
/// Errors:  asX() return a default for another type; only at() throws (Poco::NotFoundException or
///          Poco::RangeException naming the key).
class Value {
public:
    enum class Type : std::uint8_t { Null, Bool, Integer, Double, String, Binary, Array, Object };
    using Array = std::vector<Value>;
    using Member = std::pair<std::string, Value>;
    using Object = std::vector<Member>;  // in insertion order, keys unique

    Value() = default;
    Value(std::nullptr_t) {}
    // A template, so that no pointer or string literal ever becomes `true`.
    template <class T>
    requires std::is_same_v<T, bool> Value(T value) : _data(value) {}
    /// Unsigned values above the range of int64 become doubles.
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
        Value(T value) {
        if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
            if (value > static_cast<T>(INT64_MAX)) {
                _data = static_cast<double>(value);
                return;
            }
        }
        _data = static_cast<std::int64_t>(value);
    }
    template <class T>
    requires std::is_floating_point_v<T> Value(T value) : _data(static_cast<double>(value)) {}
    Value(const char* value) : _data(std::string(value)) {}
    Value(std::string_view value) : _data(std::string(value)) {}
    Value(std::string value) : _data(std::move(value)) {}
    Value(Binary value) : _data(std::move(value)) {}
    Value(Array value) : _data(std::move(value)) {}
    Value(Object value) : _data(std::move(value)) {}
    /// `{{"key", value}, ...}`: an object.
    Value(std::initializer_list<std::pair<const char*, Value>> members);

    static Value array(std::initializer_list<Value> items = {});
    static Value object(std::initializer_list<std::pair<const char*, Value>> members = {});

    Type type() const { return static_cast<Type>(_data.index()); }
    bool isNull() const { return type() == Type::Null; }
    bool isBool() const { return type() == Type::Bool; }
    bool isInteger() const { return type() == Type::Integer; }
    bool isDouble() const { return type() == Type::Double; }
    bool isNumber() const { return isInteger() || isDouble(); }
    bool isString() const { return type() == Type::String; }
    bool isBinary() const { return type() == Type::Binary; }
    bool isArray() const { return type() == Type::Array; }
    bool isObject() const { return type() == Type::Object; }

    bool asBool(bool fallback = false) const;
    std::int64_t asInteger(std::int64_t fallback = 0) const;  ///< Truncates a double in range.
    double asDouble(double fallback = 0) const;
    const std::string& asString() const;  ///< Empty for another type.
    const Binary& asBinary() const;
    const Array& asArray() const;
    const Object& asObject() const;
    Array& makeArray();    ///< The array; another type is replaced by an empty one.
    Object& makeObject();  ///< The object; another type is replaced by an empty one.

    /// A member or an item; a missing one is a shared null.
    const Value& operator[](std::string_view key) const;
    const Value& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
    const Value& operator[](const std::string& key) const { return (*this)[std::string_view(key)]; }
    template <class Index>
    requires(std::is_integral_v<Index> && !std::is_same_v<Index, bool> &&
             !std::is_same_v<Index, char>) const Value&
    operator[](Index index) const {
        return item(static_cast<std::size_t>(index));
    }
    /// Sets a member; null becomes an object first.
    Value& operator[](std::string_view key);
    Value& operator[](const char* key) { return (*this)[std::string_view(key)]; }
    Value& operator[](const std::string& key) { return (*this)[std::string_view(key)]; }

    bool has(std::string_view key) const { return find(key) != nullptr; }
    const Value* find(std::string_view key) const;
    const Value& at(std::string_view key) const;
    const Value& at(std::size_t index) const;
    /// Items of an array, members of an object, otherwise 0.
    std::size_t size() const;
    bool empty() const { return size() == 0; }
    void push(Value item);  ///< Appends; null becomes an array first.
    void set(std::string_view key, Value value);
    bool erase(std::string_view key);

    /// True when a Binary is in here, at any depth.
    bool containsBinary() const;

    /// Equal by type and content; 1 and 1.0 are equal; the order of members does not count.
    bool operator==(const Value& other) const;

private:
    const Value& item(std::size_t index) const;

    std::variant<std::monostate, bool, std::int64_t, double, std::string, Binary, Array, Object>
        _data;
};

}  // namespace socketio
