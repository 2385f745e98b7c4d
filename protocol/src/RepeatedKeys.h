#pragma once

#include "socketio/protocol/Value.h"

namespace socketio {

/// Of members with the same key the last value counts, at the first place (as in JavaScript).
/// Time and memory are linear in the members, whatever keys a peer chooses.
void dropRepeatedKeys(Value::Object& members);

}  // namespace socketio
