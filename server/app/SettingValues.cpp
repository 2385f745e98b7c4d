#include "SettingValues.h"

#include <algorithm>
#include <cctype>

#include <Poco/StringTokenizer.h>

#include "socketio/base/Text.h"

namespace socketio::app {

void bad(const SettingSource& source, const std::string& text, const std::string& expected) {
    throw UsageError(source.where + ": \"" + text + "\" is not " + expected);
}

std::uint64_t number(const SettingSource& source, const std::string& text,
                     const NumberRange& range) {
    const auto value = parseNumber<std::uint64_t>(text);
    if (!value || *value < range.least || *value > range.most)
        bad(source, text,
            "a number from " + std::to_string(range.least) + " to " + std::to_string(range.most) +
                range.unit);
    return *value;
}

bool yesOrNo(const SettingSource& source, const std::string& text) {
    if (text == "true" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "no" || text == "off") return false;
    bad(source, text, "true or false");
}

unsigned fileMode(const SettingSource& source, const std::string& text) {
    const auto mode = parseNumber<unsigned>(text, 8);
    if (!mode || *mode > 0777) bad(source, text, "permissions in octal such as 0660");
    return *mode;
}

void checkUrlPath(const SettingSource& source, const std::string& value) {
    if (!value.empty() && value.front() != '/') bad(source, value, "a path such as /healthz");
}

std::string absolute(const SettingSource& source, const std::string& path) {
    if (path.empty() || path.front() == '/') return path;
    return source.folder + path;
}

std::vector<std::string> split(const std::string& text) {
    const Poco::StringTokenizer parts(
        text, ",", Poco::StringTokenizer::TOK_TRIM | Poco::StringTokenizer::TOK_IGNORE_EMPTY);
    return {parts.begin(), parts.end()};
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text.append(text.empty() ? "" : ", ").append(part);
    return text;
}

bool isName(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_';
    });
}

}  // namespace socketio::app
