#pragma once

#include <algorithm>
#include <cstddef>

#include "socketio/protocol/Value.h"

#include "Pieces.h"

namespace socketio::fuzz {

/// How deep `value` is nested; also checks that keys are unique in small objects.
inline std::size_t depthOf(const Value& value) {
    std::size_t depth = 0;
    for (const Value& item : value.asArray()) depth = std::max(depth, depthOf(item));
    const auto& members = value.asObject();
    for (const auto& member : members) {
        depth = std::max(depth, depthOf(member.second));
        if (members.size() < 100)
            require(value.find(member.first) == &member.second, "keys are unique");
    }
    return value.isArray() || value.isObject() ? depth + 1 : 0;
}

/// What is binary in a value.
struct Attachments {
    std::size_t count = 0;
    std::size_t bytes = 0;  ///< Of all together.
};

inline Attachments attachmentsIn(const Value& value) {
    if (value.isBinary()) return {1, value.asBinary().size()};
    Attachments sum;
    const auto add = [&sum](const Attachments& some) {
        sum.count += some.count;
        sum.bytes += some.bytes;
    };
    for (const Value& item : value.asArray()) add(attachmentsIn(item));
    for (const auto& member : value.asObject()) add(attachmentsIn(member.second));
    return sum;
}

}  // namespace socketio::fuzz
