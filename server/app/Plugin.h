#pragma once

#include <memory>
#include <string>
#include <vector>

#include "socketio/server/Application.h"

namespace socketio::app {

/// Loads a shared library and makes an object of each application in it. The library is mapped from
/// then on until the process ends: code that objects, callbacks and tables of the C++ runtime may
/// still point to is never taken away.
///
/// With `copy`, a copy under a name of its own is loaded and its file removed: the linker may write
/// the library anew at any time, and dlopen() takes the same file for the same library.
///
/// Errors: UsageError naming the library and why it does not load: not there, symbols missing, no
///         application in it, compiled for another version.
std::vector<std::shared_ptr<Application>> loadApplications(const std::string& path, bool copy);

}  // namespace socketio::app
