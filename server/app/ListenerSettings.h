#pragma once

#include <string>

#include "SettingValues.h"
#include "Settings.h"

namespace socketio::app {

/// "http://127.0.0.1:5000"; an empty host or * means every address. UsageError names what else
/// there is.
void setAddress(Listener& listener, const SettingSource& source, const std::string& text);

/// One of the keys listen.NAME.*, by its last part.
void setListenerPart(Listener& listener, const std::string& part, const SettingSource& source,
                     const std::string& text);

}  // namespace socketio::app
