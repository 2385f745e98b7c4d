#include "socketio/protocol/Convert.h"

#include <iterator>

#include <Poco/Exception.h>

#include "socketio/protocol/SocketPacket.h"

namespace socketio {

namespace {

void refuseReserved(std::string_view event) {
    if (isReservedEvent(event))
        throw Poco::InvalidArgumentException("emit(): the event name \"" + std::string(event) +
                                             "\" is reserved");
}

}  // namespace

std::string_view describe(Value::Type type) {
    switch (type) {
        case Value::Type::Null:
            return "null";
        case Value::Type::Bool:
            return "a bool";
        case Value::Type::Integer:
            return "an integer";
        case Value::Type::Double:
            return "a double";
        case Value::Type::String:
            return "a string";
        case Value::Type::Binary:
            return "binary";
        case Value::Type::Array:
            return "an array";
        case Value::Type::Object:
            return "an object";
    }
    return "nothing";
}

bool ConversionError::expected(std::string_view what, const Value& got) {
    reason = "expected ";
    reason += what;
    reason += ", got ";
    reason += describe(got.type());
    return false;
}

bool ConversionError::because(std::string_view why) {
    reason = why;
    return false;
}

bool ConversionError::inField(std::string_view name) {
    // The key of a map is the peer's text: cut, so that it cannot fill a log.
    constexpr std::size_t kMaxName = 64;
    std::string outer(name.substr(0, kMaxName));
    if (!where.empty() && where.front() != '[') outer += '.';
    where.insert(0, outer);
    return false;
}

bool ConversionError::inItem(std::size_t index) {
    std::string outer = "[" + std::to_string(index) + "]";
    if (!where.empty() && where.front() != '[') outer += '.';
    where.insert(0, outer);
    return false;
}

Arguments Arguments::fromArray(Value::Array items) {
    Arguments result;
    if (!items.empty()) {
        result.reserve(items.size());
        result._items.insert(result._items.end(), std::make_move_iterator(items.begin()),
                             std::make_move_iterator(items.end()));
    }
    return result;
}

void Arguments::reserve(std::size_t count) {
    _items.reserve(count + 1);
    _items.emplace_back();
}

Value::Array Arguments::array() const& {
    const std::span<const Value> items = values();
    return Value::Array(items.begin(), items.end());
}

Value::Array Arguments::array() && {
    if (!_items.empty()) _items.erase(_items.begin());
    return std::move(_items);
}

Value Arguments::event(std::string_view name) const& {
    refuseReserved(name);
    Value::Array items;
    items.reserve(size() + 1);
    items.emplace_back(name);
    const std::span<const Value> rest = values();
    items.insert(items.end(), rest.begin(), rest.end());
    return Value(std::move(items));
}

Value Arguments::event(std::string_view name) && {
    refuseReserved(name);
    if (_items.empty()) _items.emplace_back();
    _items.front() = name;
    return Value(std::move(_items));
}

}  // namespace socketio
