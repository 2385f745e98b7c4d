#pragma once

#include <string>
#include <vector>

#include "socketio/managers/RedisManager.h"

namespace socketio {

/// Redis as python-socketio's KombuManager uses it: the Redis channel is `/<database>.<channel>`,
/// and each message is in a KombuEnvelope.
class KombuRedisManager final : public RedisManager {
public:
    /// `kombu+redis://...` or `kombu+rediss://...`; the rest as for a RedisManager.
    KombuRedisManager(const std::string& url, std::string channel, bool writeOnly,
                      PubSubOptions options, RedisOptions redis);
    ~KombuRedisManager() override;

protected:
    bool publish(std::string payload) override;
    void received(std::vector<std::string> payloads) override;

private:
    const std::string _exchange;
};

}  // namespace socketio
