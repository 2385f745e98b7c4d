// The JSON codec. An input is one JSON text. What was read is written and read again: the same
// value, and from then on the same text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/JsonCodec.h"

#include "Pieces.h"
#include "Values.h"

using socketio::Binary;
using socketio::JsonCodec;
using socketio::Value;
using socketio::fuzz::depthOf;
using socketio::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = socketio::fuzz::view(data, size);

    // Any bytes make a string, and what is written is always UTF-8.
    const std::string literal = JsonCodec::encode(Value(text), "");
    require(socketio::isValidUtf8(literal), "what is written is UTF-8");
    const auto literalBack = JsonCodec::decode(literal);
    require(literalBack.ok() && literalBack->isString(), "any string can be written and read");
    if (socketio::isValidUtf8(text)) require(literalBack->asString() == text, "text survives");

    const auto value = JsonCodec::decode(text);
    const auto shallow = JsonCodec::decode(text, 3);
    if (!value.ok()) {
        require(!shallow.ok(), "a smaller limit accepts no more");
        return 0;
    }
    require(socketio::isValidUtf8(text), "only UTF-8 is accepted");
    const std::size_t depth = depthOf(*value);
    require(depth <= JsonCodec::kMaxDepth, "the depth limit holds");
    require(shallow.ok() == (depth <= 3), "the depth limit is exact");

    std::string written;
    std::vector<Binary> attachments;
    require(JsonCodec::encodeTo(written, *value, &attachments).ok(),
            "what was read can be written");
    require(attachments.empty(), "nothing read is binary");
    const auto back = JsonCodec::decode(written);
    require(back.ok(), "what was written can be read");
    require(*back == *value, "values survive");
    require(JsonCodec::encode(*back, "") == written, "the text is stable");
    return 0;
}
