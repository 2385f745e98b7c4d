#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace socketio::app {

/// Why the program cannot start, in one line for standard error.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One setting of a configuration file and where it stands.
struct ConfigEntry {
    std::string key, value;
    unsigned line = 0;
};

/// Reads a configuration file, by its extension: `.xml`, `.json`, anything else as properties.
///
///     properties   server.port = 80                as Poco::Util::PropertyFileConfiguration reads
///     XML          <config><server><port>80</port></server></config>, or <server port="80"/>
///     JSON         {"server": {"port": 80}}        or {"server.port": 80}
///
/// A list is written with commas, in JSON also as an array. `${key}` stands for another key of the
/// file, `${system.env.NAME}` and the like for what Poco::Util::SystemConfiguration knows.
///
/// Errors: UsageError naming the file and the line: it cannot be read, is malformed, or has a key
///         twice.
std::vector<ConfigEntry> readConfigFile(const std::string& path);

}  // namespace socketio::app
