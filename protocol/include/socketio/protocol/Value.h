#pragma once

#include <concepts>
#include <cstddef>
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
///     std::as_const(message)["user"].asString()        "ann"
///     std::as_const(message)["missing"]["deeper"]      null: reading never throws
///
/// A braced list of pairs that begin with a key makes an object; Value::array() makes an array.
/// As with std::map, [key] of a Value that is not const inserts what is missing.
///
/// Threads: a plain value, thread-compatible.
/// Errors:  asX() return a default for another type; only at() throws (Poco::NotFoundException or
///          Poco::RangeException naming the key).
/// Limits:  copying, comparing and destroying recurse: nest no deeper than JsonCodec reads.
class Value {
    template <class T>
    static constexpr bool kIsCharacter =
        std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
        std::same_as<T, char16_t> || std::same_as<T, char32_t>;
    template <class T>
    static constexpr bool kIsInteger =
        std::integral<T> && !std::same_as<T, bool> && !kIsCharacter<T>;

public:
    enum class Type : std::uint8_t { Null, Bool, Integer, Double, String, Binary, Array, Object };
    using Array = std::vector<Value>;
    using Member = std::pair<std::string, Value>;
    using Object = std::vector<Member>;  // in insertion order, keys unique
    struct Entry;                        // one {"key", value} of a braced list

    Value() = default;
    Value(const Value&) = default;
    Value(Value&&) noexcept = default;
    ~Value() = default;
    // `value = value["part"]` is safe: what holds the part goes after it was taken.
    Value& operator=(const Value& other) { return *this = Value(other); }
    Value& operator=(Value&& other) noexcept {
        Value taken(std::move(other));
        _data = std::move(taken._data);
        return *this;
    }
    Value(std::nullptr_t) {}
    // Templates, so that no pointer, string literal or character ever becomes `true` or a number.
    template <std::same_as<bool> T>
    Value(T value) : _data(value) {}
    /// Unsigned values above the range of int64 become doubles.
    template <std::integral T>
    requires(kIsInteger<T>) Value(T value) {
        if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
            if (value > static_cast<T>(INT64_MAX)) {
                _data = static_cast<double>(value);
                return;
            }
        }
        _data = static_cast<std::int64_t>(value);
    }
    template <std::floating_point T>
    Value(T value) : _data(static_cast<double>(value)) {}
    Value(const char* text) {
        if (text) _data.emplace<std::string>(text);  // a null pointer is null
    }
    Value(std::string_view text) : _data(std::in_place_type<std::string>, text) {}
    Value(std::string text) : _data(std::move(text)) {}
    Value(Binary bytes) : _data(std::move(bytes)) {}
    Value(Array items) : _data(std::move(items)) {}
    Value(Object members) : _data(std::move(members)) {}
    /// `{{"key", value}, ...}`: an object. Of a repeated key the last value counts.
    Value(std::initializer_list<Entry> members);

    static Value array(std::initializer_list<Value> items = {});
    static Value object(std::initializer_list<Entry> members = {});

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

    bool asBool(bool fallback = false) const { return get(fallback); }
    /// Truncates a double in range.
    std::int64_t asInteger(std::int64_t fallback = 0) const {
        if (const auto* real = std::get_if<double>(&_data))
            return *real >= -0x1p63 && *real < 0x1p63 ? static_cast<std::int64_t>(*real) : fallback;
        return get(fallback);
    }
    double asDouble(double fallback = 0) const {
        if (const auto* integer = std::get_if<std::int64_t>(&_data))
            return static_cast<double>(*integer);
        return get(fallback);
    }
    const std::string& asString() const { return get(kNoText); }  ///< Empty for another type.
    const Binary& asBinary() const { return get(kNoBytes); }
    const Array& asArray() const { return get(kNoItems); }
    const Object& asObject() const { return get(kNoMembers); }

    // The value as that type, to be changed; another type is replaced by an empty one.
    std::string& makeString() { return make<std::string>(); }
    Binary& makeBinary() { return make<Binary>(); }
    Array& makeArray() { return make<Array>(); }
    Object& makeObject() { return make<Object>(); }

    /// A member or an item; a missing one is a shared null.
    const Value& operator[](std::string_view key) const;
    const Value& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
    const Value& operator[](const std::string& key) const { return (*this)[std::string_view(key)]; }
    template <class Index>
    requires(kIsInteger<Index>) const Value& operator[](Index index) const {
        return item(static_cast<std::size_t>(index));
    }
    /// The member, inserted as null if missing; what is not an object becomes an empty one first.
    /// References to members last until one is inserted: set() copies one member to another.
    Value& operator[](std::string_view key);
    Value& operator[](const char* key) { return (*this)[std::string_view(key)]; }
    Value& operator[](const std::string& key) { return (*this)[std::string_view(key)]; }
    /// Reading only: an array never grows by accident. at() and push() write.
    template <class Index>
    requires(kIsInteger<Index>) const Value& operator[](Index index) {
        return item(static_cast<std::size_t>(index));
    }

    bool has(std::string_view key) const { return find(key) != nullptr; }
    const Value* find(std::string_view key) const;
    const Value& at(std::string_view key) const;
    const Value& at(std::size_t index) const;
    Value& at(std::string_view key);
    Value& at(std::size_t index);
    /// Items of an array, members of an object, otherwise 0.
    std::size_t size() const;
    bool empty() const { return size() == 0; }
    void push(Value item);  ///< Appends; what is not an array becomes an empty one first.
    void set(std::string_view key, Value value);  ///< As [key] = value.
    bool erase(std::string_view key);

    /// True when a Binary is in here, at any depth.
    bool containsBinary() const;

    /// Equal by type and content; numbers are compared as JavaScript does (1 equals 1.0); the
    /// order of members does not count.
    bool operator==(const Value& other) const;
    /// With text, without a temporary. A template, as `value == 0` must not mean a null pointer.
    template <class Text>
    requires(std::convertible_to<const Text&, std::string_view> &&
             !std::same_as<Text, std::nullptr_t>) bool
    operator==(const Text& text) const {
        if constexpr (std::is_pointer_v<Text>)
            if (!text) return isNull();
        return isString() && asString() == std::string_view(text);
    }

private:
    static const Value kNull;
    static const std::string kNoText;
    static const Binary kNoBytes;
    static const Array kNoItems;
    static const Object kNoMembers;

    template <class T>
    const T& get(const T& fallback) const {
        const T* value = std::get_if<T>(&_data);
        return value ? *value : fallback;
    }
    template <class T>
    T& make() {
        T* value = std::get_if<T>(&_data);
        return value ? *value : _data.emplace<T>();
    }
    const Value& item(std::size_t index) const;

    std::variant<std::monostate, bool, std::int64_t, double, std::string, Binary, Array, Object>
        _data;
};

/// The key is borrowed until the list has been read; the value is moved out of it.
struct Value::Entry {
    template <class Key>
    requires(std::convertible_to<const Key&, std::string_view> &&
             !std::same_as<Key, std::nullptr_t>) Entry(const Key& name, Value content)
        : key(name), value(std::move(content)) {}

    std::string_view key;
    mutable Value value;
};

}  // namespace socketio
