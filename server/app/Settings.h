#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Util/AbstractConfiguration.h>

#include "socketio/socketio.h"

namespace socketio::app {

/// Why the program cannot start, in one line for standard error.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What the program was told by its configuration file and, winning over it, its command line.
///
/// Threads: a plain value.
/// Errors:  read() throws UsageError naming the option, key or value that was wrong.
struct Settings {
    bool help = false, version = false;
    std::string www;  ///< The folder of the page; empty: nothing but Socket.IO.
    std::string logLevel = "information";
    MiddlewareOptions middleware;
    ServerOptions server;
    HttpServerOptions http;
    /// The file, for the keys `logging.*`; may be null.
    Poco::AutoPtr<Poco::Util::AbstractConfiguration> file;

    static Settings read(const std::vector<std::string>& arguments);
    static std::string helpText();
};

}  // namespace socketio::app
