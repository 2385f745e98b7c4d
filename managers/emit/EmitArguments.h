#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "socketio/managers/PubSubManager.h"
#include "socketio/protocol/Value.h"

namespace socketio::emit {

/// The command line of poco-socketio-emit.
struct EmitArguments {
    std::string url;
    std::string channel = "socketio";
    std::string nsp = "/";
    EmitTarget target;
    QueueDialect dialect = QueueDialect::Json;
    std::chrono::seconds timeout{5};
    Value data;  ///< The event's name and its arguments.
    bool help = false, version = false;

    /// Throws Poco::SyntaxException that names the argument.
    static EmitArguments parse(const std::vector<std::string>& arguments);
    static const char* helpText();
};

}  // namespace socketio::emit
