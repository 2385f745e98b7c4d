#pragma once

#include <string>

#include "Settings.h"

namespace socketio::app {

/// What `--limits` prints: every limit, by area and always in the same order, a line each: the name
/// of its setting, the value that is in effect with these settings, its unit. "(fixed)": it has no
/// setting, since the protocol or the code behind it allows no other value. Lines that begin with
/// # name the areas.
std::string limitsText(const Settings& settings);

}  // namespace socketio::app
