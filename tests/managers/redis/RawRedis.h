#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <Poco/Net/Context.h>

#include "RedisConnection.h"
#include "support/RedisServer.h"

namespace socketio::test {

/// A client that says what it likes.
class RawRedis {
public:
    explicit RawRedis(const RedisServer& server)
        : _endpoint{RedisUrl::parse("unix://" + server.socketPath()),
                    {.commandTimeout = std::chrono::seconds(20)},
                    1 << 20,
                    nullptr,
                    {}},
          _lookup("", 0),
          _connection(_endpoint) {
        _connection.open(_lookup);
    }

    RedisReply command(std::initializer_list<std::string_view> words) {
        std::string command;
        appendRedisCommand(command, words);
        _connection.send(command);
        return _connection.answer();
    }
    void publish(const std::string& payload, int times) {
        std::string commands;
        for (int i = 0; i < times; ++i)
            appendRedisCommand(commands, {"PUBLISH", "socketio", payload});
        _connection.send(commands);
        for (int i = 0; i < times; ++i) _connection.answer();
    }
    int subscribers() {
        return static_cast<int>(command({"PUBSUB", "NUMSUB", "socketio"}).items[1].integer);
    }

private:
    const RedisEndpoint _endpoint;
    HostLookup _lookup;
    RedisConnection _connection;
};

}  // namespace socketio::test
