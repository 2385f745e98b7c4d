#include "socketio/managers/ManagerUrls.h"

#include <utility>

#include <Poco/Exception.h>

#include "socketio/base/Log.h"
#include "socketio/base/Text.h"
#include "socketio/managers/MemoryManager.h"

#ifdef SOCKETIO_WITH_REDIS
#include "socketio/managers/RedisManager.h"

#include "KombuRedisManager.h"
#endif
#ifdef SOCKETIO_WITH_AMQP
#include "socketio/managers/AmqpManager.h"
#endif

namespace socketio {

namespace {

struct Given {
    const std::string& url;
    std::string channel;
    bool writeOnly;
    const PubSubOptions& options;
    const BrokerOptions& broker;
};
using Make = std::shared_ptr<ClientManager> (*)(Given given);

#ifdef SOCKETIO_WITH_REDIS
template <class Manager>
std::shared_ptr<ClientManager> makeRedis(Given given) {
    return std::make_shared<Manager>(
        given.url, std::move(given.channel), given.writeOnly, given.options,
        RedisOptions{given.broker.redisConnectTimeout, given.broker.redisCommandTimeout,
                     given.broker.redisPingInterval});
}
#endif

#ifdef SOCKETIO_WITH_AMQP
std::shared_ptr<ClientManager> makeAmqp(Given given) {
    return std::make_shared<AmqpManager>(
        given.url, std::move(given.channel), given.writeOnly, given.options,
        AmqpOptions{given.broker.amqpHeartbeat, given.broker.amqpTimeout,
                    given.broker.amqpPrefetch});
}
#endif

struct Scheme {
    const char* name;
    Make make;
};

constexpr Scheme kSchemes[] = {
    {"memory",
     [](Given) -> std::shared_ptr<ClientManager> { return std::make_shared<MemoryManager>(); }},
#ifdef SOCKETIO_WITH_REDIS
    {"redis", makeRedis<RedisManager>},
    {"rediss", makeRedis<RedisManager>},
    {"unix", makeRedis<RedisManager>},
    {"kombu+redis", makeRedis<KombuRedisManager>},
    {"kombu+rediss", makeRedis<KombuRedisManager>},
#endif
#ifdef SOCKETIO_WITH_AMQP
    {"amqp", makeAmqp},
    {"amqps", makeAmqp},
#endif
};

}  // namespace

std::shared_ptr<ClientManager> createManager(const std::string& url, std::string channel,
                                             bool writeOnly, PubSubOptions options,
                                             const BrokerOptions& broker) {
    const auto end = url.find("://");
    const std::string scheme = end == url.npos ? "" : lowerCase(url.substr(0, end));
    for (const Scheme& each : kSchemes)
        if (scheme == each.name)
            return each.make(
                {scheme + url.substr(end), std::move(channel), writeOnly, options, broker});
    std::string known;
    for (const Scheme& each : kSchemes)
        known.append(known.empty() ? "" : ", ").append(each.name).append("://");
    // Without a scheme nothing is shown, for it may be anything.
    throw Poco::SyntaxException(
        (end == url.npos ? "the URL of the client manager has no scheme"
                         : "no client manager is called " + escapedForLog(scheme, 30) + "://") +
        "; there are " + known);
}

}  // namespace socketio
