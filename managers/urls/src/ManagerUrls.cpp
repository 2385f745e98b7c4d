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

using Make = std::shared_ptr<ClientManager> (*)(const std::string& url, std::string channel,
                                                bool writeOnly, PubSubOptions options);

template <class Manager>
std::shared_ptr<ClientManager> make(const std::string& url, std::string channel, bool writeOnly,
                                    PubSubOptions options) {
    return std::make_shared<Manager>(url, std::move(channel), writeOnly, options);
}

struct Scheme {
    const char* name;
    Make make;
};

constexpr Scheme kSchemes[] = {
    {"memory",
     [](const std::string&, std::string, bool, PubSubOptions) -> std::shared_ptr<ClientManager> {
         return std::make_shared<MemoryManager>();
     }},
#ifdef SOCKETIO_WITH_REDIS
    {"redis", make<RedisManager>},
    {"rediss", make<RedisManager>},
    {"unix", make<RedisManager>},
    {"kombu+redis", make<KombuRedisManager>},
    {"kombu+rediss", make<KombuRedisManager>},
#endif
#ifdef SOCKETIO_WITH_AMQP
    {"amqp", make<AmqpManager>},
    {"amqps", make<AmqpManager>},
#endif
};

}  // namespace

std::shared_ptr<ClientManager> createManager(const std::string& url, std::string channel,
                                             bool writeOnly, PubSubOptions options) {
    const auto end = url.find("://");
    const std::string scheme = end == url.npos ? "" : lowerCase(url.substr(0, end));
    for (const Scheme& each : kSchemes)
        if (scheme == each.name)
            return each.make(scheme + url.substr(end), std::move(channel), writeOnly, options);
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
