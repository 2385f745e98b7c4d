#pragma once

#include <exception>
#include <string>
#include <utility>

#include "socketio/protocol/Convert.h"

namespace socketio {

/// Thrown by a connect handler: the client gets CONNECT_ERROR with `message` and, when given,
/// `data`.
///
///     throw ConnectionRefused("bad token", Value{{"code", 401}});
///
/// A client of protocol 4 gets `data`, or else the message, as the official server has it.
///
/// Threads: a plain value.
/// Errors:  data that has no wire form (NaN) is logged, and the client gets kDefaultMessage.
class ConnectionRefused : public std::exception {
public:
    static constexpr const char* kDefaultMessage = "Connection rejected by server";

    explicit ConnectionRefused(std::string message = kDefaultMessage)
        : _message(std::move(message)) {}
    template <class Data>
    ConnectionRefused(std::string message, Data&& data)
        : _message(std::move(message)), _data(toValue(std::forward<Data>(data))), _hasData(true) {}

    const char* what() const noexcept override { return _message.c_str(); }
    const std::string& message() const { return _message; }
    bool hasData() const { return _hasData; }
    const Value& data() const { return _data; }

private:
    std::string _message;
    Value _data;
    bool _hasData = false;
};

}  // namespace socketio
