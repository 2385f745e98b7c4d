#pragma once

#include <string>
#include <vector>

#include "SettingKey.h"

namespace socketio::app {

/// The keys that have a name and a default, in the order in which they are shown, by area. Those
/// with a name of the user's in them (listen.NAME.address, mount.NAME.path) SettingsReader knows.
///
/// A new option gets its key here, and its comment in conf/poco-socketio.properties; a test
/// compares the two.
class SettingsKeys {
public:
    static const std::vector<SettingKey>& all();
    static const SettingKey* find(const std::string& name);
    /// "; did you mean server.port?" for a key that is nearly one; otherwise empty.
    static std::string suggestion(const std::string& key);

private:
    static std::vector<SettingKey> programKeys();  // server., files., health.
    static std::vector<SettingKey> tlsKeys();
    static std::vector<SettingKey> logKeys();  // log., access.
    static std::vector<SettingKey> engineKeys();
    static std::vector<SettingKey> socketKeys();
    static std::vector<SettingKey> clusterKeys();
    static std::vector<SettingKey> httpKeys();
    static std::vector<SettingKey> fastCgiKeys();
    static std::vector<SettingKey> hubKeys();
};

}  // namespace socketio::app
