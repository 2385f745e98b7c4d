#include "socketio/protocol/Value.h"

#include <algorithm>
#include <cmath>

#include <Poco/Exception.h>

namespace socketio {

namespace {

// Positions in order of their keys: comparing large objects member by member would be quadratic.
std::vector<const Value::Member*> sortedByKey(const Value::Object& object) {
    std::vector<const Value::Member*> members;
    members.reserve(object.size());
    for (const Value::Member& member : object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    return members;
}

bool sameMembers(const Value::Object& a, const Value::Object& b) {
    if (a.size() != b.size()) return false;
    std::size_t at = 0;
    while (at < a.size() && a[at].first == b[at].first) {
        if (!(a[at].second == b[at].second)) return false;
        ++at;
    }
    if (at == a.size()) return true;
    const auto left = sortedByKey(a), right = sortedByKey(b);
    return std::equal(left.begin(), left.end(), right.begin(),
                      [](const auto* x, const auto* y) { return *x == *y; });
}

}  // namespace

const Value Value::kNull;
const std::string Value::kNoText;
const Binary Value::kNoBytes;
const Value::Array Value::kNoItems;
const Value::Object Value::kNoMembers;

Value::Value(std::initializer_list<Entry> members) {
    Object& object = _data.emplace<Object>();
    object.reserve(members.size());
    for (const Entry& member : members) set(member.key, std::move(member.value));
}

Value Value::array(std::initializer_list<Value> items) { return Value(Array(items)); }

Value Value::object(std::initializer_list<Entry> members) { return Value(members); }

const Value* Value::find(std::string_view key) const {
    if (const auto* object = std::get_if<Object>(&_data))
        for (const Member& member : *object)
            if (member.first == key) return &member.second;
    return nullptr;
}

const Value& Value::operator[](std::string_view key) const {
    const Value* value = find(key);
    return value ? *value : kNull;
}

Value& Value::operator[](std::string_view key) {
    Object& object = makeObject();
    for (Member& member : object)
        if (member.first == key) return member.second;
    return object.emplace_back(std::string(key), Value()).second;
}

const Value& Value::item(std::size_t index) const {
    const Array& items = asArray();
    return index < items.size() ? items[index] : kNull;
}

const Value& Value::at(std::string_view key) const {
    const Value* value = find(key);
    if (!value) throw Poco::NotFoundException("no member", std::string(key));
    return *value;
}

const Value& Value::at(std::size_t index) const {
    const Array& items = asArray();
    if (index >= items.size()) throw Poco::RangeException("no item", std::to_string(index));
    return items[index];
}

Value& Value::at(std::string_view key) { return const_cast<Value&>(std::as_const(*this).at(key)); }

Value& Value::at(std::size_t index) { return const_cast<Value&>(std::as_const(*this).at(index)); }

std::size_t Value::size() const {
    if (const auto* items = std::get_if<Array>(&_data)) return items->size();
    if (const auto* members = std::get_if<Object>(&_data)) return members->size();
    return 0;
}

void Value::push(Value item) { makeArray().push_back(std::move(item)); }

void Value::set(std::string_view key, Value value) { (*this)[key] = std::move(value); }

bool Value::erase(std::string_view key) {
    auto* object = std::get_if<Object>(&_data);
    if (!object) return false;
    return std::erase_if(*object, [key](const Member& member) { return member.first == key; }) > 0;
}

bool Value::containsBinary() const {
    switch (type()) {
        case Type::Binary:
            return true;
        case Type::Array:
            return std::any_of(asArray().begin(), asArray().end(),
                               [](const Value& item) { return item.containsBinary(); });
        case Type::Object:
            return std::any_of(asObject().begin(), asObject().end(),
                               [](const Member& member) { return member.second.containsBinary(); });
        default:
            return false;
    }
}

bool Value::operator==(const Value& other) const {
    if (type() != other.type())
        return isNumber() && other.isNumber() && asDouble() == other.asDouble();
    switch (type()) {
        case Type::Null:
            return true;
        case Type::Bool:
            return asBool() == other.asBool();
        case Type::Integer:
            return asInteger() == other.asInteger();
        case Type::Double:
            return asDouble() == other.asDouble();
        case Type::String:
            return asString() == other.asString();
        case Type::Binary:
            return asBinary() == other.asBinary();
        case Type::Array:
            return asArray() == other.asArray();
        case Type::Object:
            return sameMembers(asObject(), other.asObject());
    }
    return false;
}

}  // namespace socketio
