// WebSocket frames of a client: the same events however the bytes are cut, within the limits.
#include <string>
#include <vector>

#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "Pieces.h"

namespace {

using socketio::WebSocketDecoder;
using socketio::fuzz::require;
using Type = WebSocketDecoder::EventType;

constexpr WebSocketDecoder::Limits kLimits{2048, 16};

struct Seen {
    Type type;
    std::string data;
    std::uint16_t code;
    std::string detail;

    bool operator==(const Seen&) const = default;
};

std::vector<Seen> readPieces(const std::vector<std::string_view>& pieces) {
    WebSocketDecoder decoder(kLimits);
    std::vector<Seen> seen;
    std::string left;
    std::size_t arrived = 0;
    for (const std::string_view piece : pieces) {
        std::vector<char> buffer(left.begin(), left.end());
        buffer.insert(buffer.end(), piece.begin(), piece.end());
        arrived += piece.size();
        char* at = buffer.data();
        char* const end = at + buffer.size();
        for (;;) {
            const WebSocketDecoder::Event event = decoder.next(at, end);
            require(at <= end, "no more is used than was given");
            if (event.type == Type::NeedMore) break;
            require(seen.empty() ||
                        (seen.back().type != Type::Close && seen.back().type != Type::Error),
                    "nothing follows an end");
            seen.push_back({event.type, std::string(event.data), event.code, event.detail});
        }
        require(end - at < 14, "only a header may be left");
        require(decoder.bufferedBytes() <= 2 * arrived + 32, "no memory for what has not come");
        left.assign(at, end);
    }
    return seen;
}

void check(const Seen& event) {
    switch (event.type) {
        case Type::Text:
            require(socketio::isValidUtf8(event.data), "text is UTF-8");
            [[fallthrough]];
        case Type::Binary:
            require(event.data.size() <= kLimits.maxMessageBytes, "the limit of a message");
            break;
        case Type::Close:
            require(socketio::isValidUtf8(event.data), "a reason is UTF-8");
            require(event.code >= 1000 && event.code < 5000, "a close code");
            [[fallthrough]];
        case Type::Ping:
        case Type::Pong:
            require(event.data.size() <= 125, "the limit of a control frame");
            break;
        case Type::Error:
            require(event.code == 1002 || event.code == 1007 || event.code == 1009,
                    "a code to answer with");
            break;
        case Type::NeedMore:
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = socketio::fuzz::view(data, size);
    const std::vector<Seen> whole = socketio::fuzz::sameHoweverCut(input, readPieces);
    for (const Seen& event : whole) check(event);
    return 0;
}
