#pragma once

#include <string>
#include <vector>

namespace socketio::app {

/// An option of the command line; `value` and `key` may be null, `name` too in a line that goes on
/// with the help of the one before.
struct CommandLineOption {
    const char *name, *value, *key, *help;
};
const std::vector<CommandLineOption>& commandLineOptions();

struct GivenOption {
    const CommandLineOption* option = nullptr;
    std::string value;  ///< Empty for an option without.
};
/// What was given, in its order: --name, --name VALUE and --name=VALUE. UsageError names what no
/// option is, and a value that is missing.
std::vector<GivenOption> readCommandLine(const std::vector<std::string>& arguments);

/// The text of --help.
std::string commandLineHelp();

}  // namespace socketio::app
