#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Util/ServerApplication.h>

#include "Settings.h"

namespace socketio::app {

/// The server program after its settings have been read: listeners, applications, signals.
///
///     SIGTERM        unready for drainDelay, then an orderly end within stopTimeout
///     SIGINT         the orderly end at once
///     a second one   during the delay: no more of it; afterwards: the end of the process
///     SIGHUP         certificates and log files anew
///
/// Options, the configuration file and going into the background are not left to
/// Poco::Util::ServerApplication: it accepts abbreviated options, ends with status 78 for a wrong
/// one, knows no lines, and its parent process has left with status 0 before anything is known to
/// work.
///
/// Owner:   main(). Threads: run() on the main thread, with the signals above blocked in all.
/// Errors:  status 2, and one line on standard error that names what was wrong.
class ServerProgram : public Poco::Util::ServerApplication {
public:
    /// `onServing` is called once it serves; then it is time to leave the terminal.
    explicit ServerProgram(const Settings& settings, std::function<void()> onServing = {});
    ~ServerProgram() override;

    /// What is wrong with settings that can be read: folders, certificates, libraries. Nothing is
    /// listened on and no application is run.
    static std::vector<std::string> problems(const Settings& settings);

    /// Blocks the signals that run() waits for; before the first thread is made.
    static void holdSignals();

protected:
    void initialize(Application& self) override;
    int main(const std::vector<std::string>& arguments) override;
    const char* name() const override { return "poco-socketio"; }

private:
    struct Serving;

    void serve();

    const Settings& _settings;
    const std::function<void()> _onServing;
};

/// One line on standard error; returns the exit status 2.
int fail(const std::string& problem);

}  // namespace socketio::app
