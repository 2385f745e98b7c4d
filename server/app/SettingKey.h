#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "SettingValues.h"
#include "Settings.h"

namespace socketio::app {

/// One key: how to set what it stands for, and how to show what that is.
struct SettingKey {
    const char* name;
    std::function<void(Settings&, const SettingSource&, const std::string& text)> set;
    std::function<std::string(const Settings&)> get;
};

// What kinds of keys there are. `Get` gives the member of a Settings.

template <class Get>
SettingKey whole(const char* name, Get get, std::uint64_t least, std::uint64_t most,
                 const char* unit = "") {
    using Number = std::remove_reference_t<decltype(get(std::declval<Settings&>()))>;
    return {name,
            [get, range = NumberRange{least, most, unit}](Settings& s, const SettingSource& source,
                                                          const std::string& text) {
                get(s) = static_cast<Number>(number(source, text, range));
            },
            [get](const Settings& s) { return std::to_string(get(const_cast<Settings&>(s))); }};
}
template <class Get>
SettingKey bytes(const char* name, Get get, std::uint64_t least = 0) {
    return whole(name, get, least, kAnySize, " bytes");
}
template <class Get>
SettingKey milliseconds(const char* name, Get get, std::uint64_t least = 1) {
    return {
        name,
        [get, range = NumberRange{least, kDay, " milliseconds"}](
            Settings& s, const SettingSource& source, const std::string& text) {
            get(s) = std::chrono::milliseconds(number(source, text, range));
        },
        [get](const Settings& s) { return std::to_string(get(const_cast<Settings&>(s)).count()); }};
}
template <class Get>
SettingKey flag(const char* name, Get get) {
    return {name,
            [get](Settings& s, const SettingSource& source, const std::string& text) {
                get(s) = yesOrNo(source, text);
            },
            [get](const Settings& s) {
                return std::string(get(const_cast<Settings&>(s)) ? "true" : "false");
            }};
}
template <class Get>
SettingKey text(const char* name, Get get) {
    return {name,
            [get](Settings& s, const SettingSource&, const std::string& value) { get(s) = value; },
            [get](const Settings& s) { return std::string(get(const_cast<Settings&>(s))); }};
}
template <class Get>
SettingKey path(const char* name, Get get) {
    return {name,
            [get](Settings& s, const SettingSource& source, const std::string& value) {
                get(s) = absolute(source, value);
            },
            [get](const Settings& s) { return std::string(get(const_cast<Settings&>(s))); }};
}
/// A list of paths.
template <class Get>
SettingKey paths(const char* name, Get get) {
    return {name,
            [get](Settings& s, const SettingSource& source, const std::string& value) {
                get(s).clear();
                for (const std::string& each : split(value))
                    get(s).push_back(absolute(source, each));
            },
            [get](const Settings& s) { return joined(get(const_cast<Settings&>(s))); }};
}
/// One of some words.
template <class Get, class T>
SettingKey choice(const char* name, Get get, std::vector<std::pair<std::string, T>> words) {
    return {name,
            [get, words](Settings& s, const SettingSource& source, const std::string& value) {
                std::string allowed;
                for (std::size_t i = 0; i < words.size(); ++i) {
                    if (words[i].first == value) {
                        get(s) = words[i].second;
                        return;
                    }
                    allowed.append(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ");
                    allowed += words[i].first;
                }
                bad(source, value, allowed);
            },
            [get, words](const Settings& s) {
                for (const auto& [word, value] : words)
                    if (get(const_cast<Settings&>(s)) == value) return word;
                return std::string();
            }};
}

template <class Get>
SettingKey urlPath(const char* name, Get get) {
    SettingKey key = text(name, get);
    key.set = [get](Settings& s, const SettingSource& source, const std::string& value) {
        checkUrlPath(source, value);
        get(s) = value;
    };
    return key;
}

}  // namespace socketio::app
