// The reader of pickles. An input is one pickle. What was read is written and read again.
#include <string>
#include <vector>

#include "Pickle.h"
#include "Pieces.h"
#include "Values.h"

using socketio::Pickle;
using socketio::Value;
using socketio::fuzz::depthOf;
using socketio::fuzz::require;

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
