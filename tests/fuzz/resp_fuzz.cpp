// What Redis says: the same replies however the bytes are cut, and never more kept than allowed.
#include <string>
#include <vector>

#include "Pieces.h"
#include "RespReader.h"

namespace {

using socketio::RedisReply;
using socketio::RespReader;
using socketio::fuzz::require;

constexpr std::size_t kKeepBytes = 100;

struct Reading {
    std::string replies;
    bool broken = false;

    bool operator==(const Reading&) const = default;
};

void append(std::string& out, const RedisReply& reply) {
    out += std::to_string(static_cast<int>(reply.type)) + " " + std::to_string(reply.integer) +
           " " + std::to_string(reply.text.size()) + " " + reply.text + "\n";
    for (const RedisReply& each : reply.items) append(out, each);
}

std::size_t bulkBytes(const RedisReply& reply) {
    std::size_t size = reply.type == RedisReply::Type::Bulk ? reply.text.size() : 0;
    for (const RedisReply& each : reply.items) size += bulkBytes(each);
    return size;
}

Reading read(const std::vector<std::string_view>& pieces) {
    Reading reading;
    RespReader reader(kKeepBytes);
    for (const std::string_view piece : pieces) {
        const socketio::fuzz::Exact exact(piece);
        std::string_view input = exact;
        for (;;) {
            RedisReply reply;
            const auto complete = reader.read(input, reply);
            if (!complete.ok()) {
                reading.broken = true;
                return reading;
            }
            if (!*complete) break;
            require(reply.items.size() <= static_cast<std::size_t>(RespReader::kItems),
                    "few items");
            require(bulkBytes(reply) <= kKeepBytes, "short strings");
            append(reading.replies, reply);
        }
        require(input.empty(), "all is taken when more is needed");
    }
    return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    socketio::fuzz::sameHoweverCut(socketio::fuzz::view(data, size), read);
    return 0;
}
