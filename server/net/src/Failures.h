#pragma once

#include "socketio/net/Hub.h"

namespace socketio {

/// Counts and logs the exception in flight, once a second at most. `where` says what it ended.
/// Only inside of a catch block. Thread-safe.
void reportFailure(HubCounters& counters, const char* where) noexcept;

}  // namespace socketio
