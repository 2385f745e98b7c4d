#include "socketio/protocol/PocoConvert.h"

#include <deque>
#include <list>
#include <string>
#include <typeinfo>
#include <vector>

#include <Poco/Dynamic/Struct.h>
#include <Poco/Exception.h>

namespace socketio {

namespace {

using Poco::Dynamic::Var;

template <class Container>
Value arrayOf(const Container& items) {
    Value::Array array;
    array.reserve(items.size());
    for (const Var& item : items) array.push_back(fromPoco(item));
    return Value(std::move(array));
}

template <class Struct>
Value objectOf(const Struct& members) {
    Value::Object object;
    object.reserve(members.size());
    for (const auto& [key, item] : members) object.emplace_back(key, fromPoco(item));
    return Value(std::move(object));
}

}  // namespace

Var toPocoVar(const Value& value) {
    switch (value.type()) {
        case Value::Type::Null:
            return {};
        case Value::Type::Bool:
            return value.asBool();
        case Value::Type::Integer:
            return static_cast<Poco::Int64>(value.asInteger());
        case Value::Type::Double:
            return value.asDouble();
        case Value::Type::String:
            return value.asString();
        case Value::Type::Binary:
            return value.asBinary();
        case Value::Type::Array:
            return toPocoArray(value);
        case Value::Type::Object:
            return toPocoObject(value);
    }
    return {};
}

Poco::JSON::Object::Ptr toPocoObject(const Value& value) {
    if (!value.isObject()) return {};
    Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    for (const auto& [key, member] : value.asObject()) object->set(key, toPocoVar(member));
    return object;
}

Poco::JSON::Array::Ptr toPocoArray(const Value& value) {
    if (!value.isArray()) return {};
    Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
    for (const Value& item : value.asArray()) array->add(toPocoVar(item));
    return array;
}

Value fromPoco(const Poco::JSON::Object& object) {
    Value::Object members;
    members.reserve(object.size());
    for (const std::string& key : object.getNames())
        members.emplace_back(key, fromPoco(object.get(key)));
    return Value(std::move(members));
}

Value fromPoco(const Poco::JSON::Array& array) { return arrayOf(array); }

Value fromPoco(const Var& var) {
    if (var.isEmpty()) return {};
    const std::type_info& type = var.type();
    if (type == typeid(std::string)) return var.extract<std::string>();
    if (type == typeid(bool)) return var.extract<bool>();
    if (type == typeid(char)) return std::string(1, var.extract<char>());
    if (var.isInteger()) {
        if (var.isSigned()) return static_cast<std::int64_t>(var.convert<Poco::Int64>());
        return static_cast<std::uint64_t>(var.convert<Poco::UInt64>());
    }
    if (type == typeid(double) || type == typeid(float)) return var.convert<double>();
    if (type == typeid(Poco::JSON::Object::Ptr))
        return toValue(var.extract<Poco::JSON::Object::Ptr>());
    if (type == typeid(Poco::JSON::Array::Ptr))
        return toValue(var.extract<Poco::JSON::Array::Ptr>());
    if (type == typeid(Poco::JSON::Object)) return fromPoco(var.extract<Poco::JSON::Object>());
    if (type == typeid(Poco::JSON::Array)) return fromPoco(var.extract<Poco::JSON::Array>());
    if (type == typeid(Binary)) return var.extract<Binary>();
    if (type == typeid(std::vector<unsigned char>)) {
        const auto& bytes = var.extract<std::vector<unsigned char>>();
        return Binary(bytes.data(), bytes.size());
    }
    if (type == typeid(std::vector<Var>)) return arrayOf(var.extract<std::vector<Var>>());
    if (type == typeid(std::list<Var>)) return arrayOf(var.extract<std::list<Var>>());
    if (type == typeid(std::deque<Var>)) return arrayOf(var.extract<std::deque<Var>>());
    if (type == typeid(Poco::DynamicStruct)) return objectOf(var.extract<Poco::DynamicStruct>());
    if (type == typeid(Poco::OrderedDynamicStruct))
        return objectOf(var.extract<Poco::OrderedDynamicStruct>());
    try {
        return var.convert<std::string>();
    } catch (const Poco::Exception&) {
        throw Poco::BadCastException("no Value for a Var of type", type.name());
    }
}

}  // namespace socketio
