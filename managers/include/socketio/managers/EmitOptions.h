#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "socketio/managers/Callback.h"

namespace socketio {

/// One name or several: rooms, socket ids.
///
///     .room = "lobby"     .room = {"lobby", "bar"}     .room = socket.rooms()
class Names {
public:
    Names() = default;
    Names(const char* name) {
        if (name) _names.emplace_back(name);
    }
    Names(std::string_view name) : _names{std::string(name)} {}
    Names(std::string name) { _names.push_back(std::move(name)); }
    Names(std::vector<std::string> names) : _names(std::move(names)) {}
    Names(std::initializer_list<std::string> names) : _names(names) {}

    bool empty() const { return _names.empty(); }
    const std::vector<std::string>& list() const& { return _names; }
    std::vector<std::string> list() && { return std::move(_names); }

private:
    std::vector<std::string> _names;
};

/// Where an emit goes and who is told of the answer.
///
/// Threads: a plain value.
struct EmitOptions {
    Names room = {};     ///< Empty: everybody in the namespace. A socket id is a room.
    Names skipSid = {};  ///< Left out.
    /// Empty: "/" for Server, its own for a Namespace.
    std::string nsp = {};
    /// Called with what a client acknowledges, converted to its parameters; once per client that
    /// answers. It runs in order with the handlers of that client. Dropped after ackTimeout. With a
    /// PubSubManager it needs one room, and runs once: in order with the client's handlers when the
    /// room is the sid of a client of this server, otherwise in order with other such callbacks.
    Callback callback = {};
    bool ignoreQueue = false;  ///< Only clients of this server.
};

}  // namespace socketio
