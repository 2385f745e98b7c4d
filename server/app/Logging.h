#pragma once

#include <string>

#include "Settings.h"

namespace socketio::app {

/// The logging of the program: one line an event on standard error, written by a thread of its
/// own, so that a slow terminal stops no loop. Or what the keys `logging.*` of the configuration
/// file say, see Poco::Util::LoggingConfigurator.
///
/// Owner:   main(). What was logged before the destructor is written by then.
/// Limits:  10,000 lines wait, further ones are dropped and counted; a line has at most 1,000
///          bytes, and control bytes are shown as `\x1b`.
/// Errors:  the constructor throws Poco::Exception for keys that make no sense.
class Logging {
public:
    explicit Logging(const Settings& settings);
    ~Logging();
    Logging(const Logging&) = delete;
    Logging& operator=(const Logging&) = delete;
};

/// `text` as one line that harms no terminal.
std::string printable(const std::string& text);

}  // namespace socketio::app
