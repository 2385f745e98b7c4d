#pragma once

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include "socketio/protocol/Convert.h"

namespace socketio {

/// Value as POCO's own types, for programs that have them already. With this header they convert
/// like any other type, in handlers and in emit.
///
///     null          an empty Var                 string    std::string
///     bool          bool                         array     Poco::JSON::Array::Ptr
///     integer       Poco::Int64                  object    Poco::JSON::Object::Ptr (order kept)
///     double        double                       binary    socketio::Binary
///
/// Threads: thread-safe, without state.
Poco::Dynamic::Var toPocoVar(const Value& value);
/// Null for another type.
Poco::JSON::Object::Ptr toPocoObject(const Value& value);
Poco::JSON::Array::Ptr toPocoArray(const Value& value);

/// The way back. Beyond the types above: every arithmetic type, Poco::DynamicStruct, and
/// std::vector, list and deque of Var; std::vector<unsigned char> is binary; other types as their
/// text. Throws Poco::BadCastException, naming the type, for what has no text either.
Value fromPoco(const Poco::Dynamic::Var& var);
Value fromPoco(const Poco::JSON::Object& object);
Value fromPoco(const Poco::JSON::Array& array);

template <>
struct Convert<Poco::Dynamic::Var> {
    static Value toValue(const Poco::Dynamic::Var& var) { return fromPoco(var); }
    static bool fromValue(const Value& value, Poco::Dynamic::Var& out, ConversionError&) {
        out = toPocoVar(value);
        return true;
    }
};

/// A null pointer is null.
template <>
struct Convert<Poco::JSON::Object::Ptr> {
    static Value toValue(const Poco::JSON::Object::Ptr& object) {
        return object ? fromPoco(*object) : Value();
    }
    static bool fromValue(const Value& value, Poco::JSON::Object::Ptr& out,
                          ConversionError& error) {
        out = toPocoObject(value);
        return out || error.expected("an object", value);
    }
};

template <>
struct Convert<Poco::JSON::Array::Ptr> {
    static Value toValue(const Poco::JSON::Array::Ptr& array) {
        return array ? fromPoco(*array) : Value();
    }
    static bool fromValue(const Value& value, Poco::JSON::Array::Ptr& out, ConversionError& error) {
        out = toPocoArray(value);
        return out || error.expected("an array", value);
    }
};

template <>
struct Convert<Poco::JSON::Object> {
    static Value toValue(const Poco::JSON::Object& object) { return fromPoco(object); }
    static bool fromValue(const Value& value, Poco::JSON::Object& out, ConversionError& error) {
        const Poco::JSON::Object::Ptr object = toPocoObject(value);
        if (!object) return error.expected("an object", value);
        out = *object;
        return true;
    }
};

template <>
struct Convert<Poco::JSON::Array> {
    static Value toValue(const Poco::JSON::Array& array) { return fromPoco(array); }
    static bool fromValue(const Value& value, Poco::JSON::Array& out, ConversionError& error) {
        const Poco::JSON::Array::Ptr array = toPocoArray(value);
        if (!array) return error.expected("an array", value);
        out = *array;
        return true;
    }
};

}  // namespace socketio
