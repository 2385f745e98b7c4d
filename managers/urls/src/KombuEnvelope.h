#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace socketio {

/// What kombu's Redis transport sends in place of a body: a JSON object with the body in base64
/// and the properties that AMQP would have carried.
///
/// Threads: pure functions.
struct KombuEnvelope {
    static std::string wrap(std::string_view payload, std::string_view exchange);
    /// Nothing when it is none.
    static std::optional<std::string> unwrap(std::string_view envelope);
};

}  // namespace socketio
