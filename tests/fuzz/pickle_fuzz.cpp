// The reader of pickles. An input is one pickle. What was read is written and read again.
#include <algorithm>
#include <string>
#include <vector>

#include "Pickle.h"
#include "Pieces.h"

namespace {

using socketio::Pickle;
using socketio::Value;
using socketio::fuzz::require;

/// How deep `value` is nested; also checks that keys are unique in small objects.
std::size_t depthOf(const Value& value) {
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const socketio::fuzz::Exact bytes(socketio::fuzz::view(data, size));
    std::vector<std::string> tuples;
    const auto value = Pickle::decode(bytes, &tuples);
    if (!value.ok()) {
        require(tuples.empty(), "nothing comes out of what is refused");
        return 0;
    }
    require(depthOf(*value) <= Pickle::kMaxDepth, "the depth limit holds");
    for (const std::string& key : tuples) {
        const Value* const tuple = value->find(key);
        require(tuple && tuple->isArray(), "tuples are arrays");
    }

    std::string written;
    Pickle::begin(written);
    require(Pickle::value(written, *value), "what was read can be written");
    Pickle::end(written);
    const auto again = Pickle::decode(written);
    require(again.ok() && *again == *value, "the same value again");
    return 0;
}
