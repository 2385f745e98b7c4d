// Chunked bodies: the same body however the bytes are cut, never beyond its limit.
#include <string>
#include <vector>

#include "socketio/protocol/HttpHead.h"

#include "Pieces.h"

namespace {

using socketio::ChunkedDecoder;
using socketio::fuzz::Exact;
using socketio::fuzz::require;
using Status = ChunkedDecoder::Status;

constexpr std::size_t kLimit = 4096;

struct Reading {
    Status status = Status::More;
    bool tooLarge = false;
    std::string error, body;
    std::size_t consumed = 0;

    bool operator==(const Reading&) const = default;
};

Reading readPieces(const std::vector<std::string_view>& pieces) {
    ChunkedDecoder decoder;
    Reading reading;
    for (const std::string_view piece : pieces) {
        const Exact exact(piece);
        std::size_t consumed = 0;
        reading.status = decoder.decode(exact, consumed, reading.body, kLimit);
        require(consumed <= piece.size(), "no more is used than was given");
        require(reading.body.size() <= kLimit, "the limit of the body");
        reading.consumed += consumed;
        if (reading.status != Status::More) break;
        require(consumed == piece.size(), "all is used while more is wanted");
    }
    reading.tooLarge = decoder.tooLarge();
    reading.error = decoder.error();
    return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = socketio::fuzz::view(data, size);
    const Reading whole = socketio::fuzz::sameHoweverCut(input, readPieces);
    require((whole.status == Status::Bad) == !whole.error.empty(), "a reason for Bad alone");
    if (whole.status != Status::Done) return 0;
    require(input.substr(0, whole.consumed).ends_with("\r\n\r\n"),
            "a body ends with an empty line");
    // What follows the body is no part of it.
    require(readPieces({input.substr(0, whole.consumed)}) == whole,
            "nothing beyond the end is needed");
    return 0;
}
