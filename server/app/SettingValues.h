#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "ConfigFile.h"

namespace socketio::app {

/// Where the text of a setting comes from.
struct SettingSource {
    std::string where;   ///< For errors: "--port", or "server.port in FILE, line 3".
    std::string folder;  ///< What a relative path is relative to, with a slash at its end.
};

// Texts as the values that they stand for. What is none is a UsageError that names the source, the
// text and what is allowed.

[[noreturn]] void bad(const SettingSource& source, const std::string& text,
                      const std::string& expected);

struct NumberRange {
    std::uint64_t least, most;
    const char* unit = "";
};
constexpr std::uint64_t kAnySize = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kDay = 86'400'000;  // in milliseconds

std::uint64_t number(const SettingSource& source, const std::string& text,
                     const NumberRange& range);
bool yesOrNo(const SettingSource& source, const std::string& text);
/// Permissions in octal.
unsigned fileMode(const SettingSource& source, const std::string& text);
/// Nothing, or what begins with a slash.
void checkUrlPath(const SettingSource& source, const std::string& text);
/// Paths in a file are relative to the file, so that it works from everywhere; and to the folder
/// at the start otherwise, which --daemon leaves.
std::string absolute(const SettingSource& source, const std::string& path);

/// What is between commas, without blanks around it.
std::vector<std::string> split(const std::string& text);
std::string joined(const std::vector<std::string>& parts);
/// What may stand in the place of NAME in listen.NAME.address.
bool isName(const std::string& text);

}  // namespace socketio::app
