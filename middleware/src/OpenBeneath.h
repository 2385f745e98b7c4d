#pragma once

#include <string>

#include "socketio/base/FileDescriptor.h"

namespace socketio {

/// Opens `path` for reading, relative to the folder and never outside of it: `..` and symbolic
/// links may not leave it. Devices and pipes do not block; the caller looks at what it got.
///
/// Uses openat2(RESOLVE_BENEATH) and, where the kernel or a sandbox does not have it,
/// openBeneathByName(). On failure the descriptor is not valid and errno says why: EXDEV for what
/// is outside.
/// Threads: thread-safe.
FileDescriptor openBeneath(const std::string& folder, const std::string& path);

/// The same by asking the kernel for the name of what was opened, before it can be read.
FileDescriptor openBeneathByName(const std::string& folder, const std::string& path);

}  // namespace socketio
