#pragma once

#include <memory>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>

#include "LineWriter.h"
#include "Settings.h"

namespace socketio::app {

/// The logging of the program: one line an event, as text or as JSON, on standard error or in a
/// file, written by a thread of its own, so that a slow terminal stops no loop. Or what the keys
/// `logging.*` of the configuration say, see Poco::Util::LoggingConfigurator.
///
/// Owner:   main(). What was logged before the destructor is written by then.
/// Limits:  those of LineWriter; a line has at most 1,000 bytes, and control bytes are shown as
///          `\x1b`.
/// Errors:  the constructor throws Poco::Exception for keys that make no sense, UsageError for a
///          file that cannot be opened.
class Logging {
public:
    explicit Logging(const Settings& settings);
    ~Logging();
    Logging(const Logging&) = delete;
    Logging& operator=(const Logging&) = delete;

    /// The files anew, after their rotation; what fails is logged.
    void reopen();
    /// Waits until what was logged is written, at most 2 s.
    void flush();

    /// The access log; null when there is none.
    const std::shared_ptr<LineWriter>& access() const { return _access; }

private:
    std::shared_ptr<LineWriter> _lines, _access;
    std::vector<Poco::AutoPtr<Poco::Channel>> _fileChannels;  // of logging.*
};

/// `text` as one line that harms no terminal.
std::string printable(const std::string& text);

}  // namespace socketio::app
