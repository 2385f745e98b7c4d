#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Result.h"

namespace socketio {

/// What Redis says: an answer, or a message of a channel.
struct RedisReply {
    enum class Type : char { Text, Error, Integer, Bulk, Array, Null };

    Type type = Type::Null;
    std::string text;  ///< Of Text, Error and Bulk.
    std::int64_t integer = 0;
    std::vector<RedisReply> items;  ///< Of an Array; none of them is one.
};

/// Reads RESP2 (redis.io, "Redis serialization protocol"), in pieces as they come, as much of it
/// as publishing and listening needs. What is announced is never believed: memory is taken for
/// what has come.
///
/// Threads: confined to one.
/// Limits:  a line of 64 KiB, 8 items, no array in an array, a string of 512 MiB (Redis' own). The
///          strings of one reply are kept up to `keepBytes` in all; of longer ones the rest is read
///          and thrown away, so that the connection outlives a message that is too large.
class RespReader {
public:
    static constexpr std::size_t kLineBytes = 64 * 1024;
    static constexpr std::int64_t kItems = 8;
    static constexpr std::int64_t kBulkBytes = 512 * 1024 * 1024;

    explicit RespReader(std::size_t keepBytes) : _keepBytes(keepBytes) {}

    /// Takes the bytes of one reply from the front of `input`. True when it is complete and in
    /// `reply`, false when all was taken and more is needed. Of no use after an error.
    Result<bool> read(std::string_view& input, RedisReply& reply);

private:
    RedisReply& item() { return _itemsLeft > 0 ? _reply.items.back() : _reply; }
    Result<bool> readHead(std::string_view line);  // true when it completed the reply
    Result<bool> readBulk(std::string_view& input);
    bool itemComplete();

    const std::size_t _keepBytes;
    std::size_t _kept = 0;
    RedisReply _reply;
    std::string _line;            // what has come of a line
    std::int64_t _itemsLeft = 0;  // of the array, the one that is being read included
    std::size_t _bulkLeft = 0;    // of the string and the CR LF behind it
};

/// Appends a command in the form in which Redis reads it.
void appendRedisCommand(std::string& out, std::initializer_list<std::string_view> words);

}  // namespace socketio
