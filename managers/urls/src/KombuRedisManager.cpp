#include "KombuRedisManager.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "KombuEnvelope.h"

namespace socketio {

namespace {

constexpr std::string_view kPrefix = "kombu+";

/// The number in `redis://host:port/<number>`. One that is none is for RedisManager to refuse.
std::string databaseOf(std::string_view url) {
    url.remove_prefix(std::min(url.find("://"), url.size() - 3) + 3);
    url = url.substr(0, url.find('?'));
    const auto slash = url.find('/');
    std::string_view number = slash == url.npos ? "" : url.substr(slash + 1);
    while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
    return number.empty() ? "0" : std::string(number);
}

}  // namespace

KombuRedisManager::KombuRedisManager(const std::string& url, std::string channel, bool writeOnly,
                                     PubSubOptions options, RedisOptions redis)
    : RedisManager(url.substr(kPrefix.size()), "/" + databaseOf(url) + "." + channel, writeOnly,
                   options, redis),
      _exchange(std::move(channel)) {}

KombuRedisManager::~KombuRedisManager() {
    shutdown();  // its threads call received()
}

bool KombuRedisManager::publish(std::string payload) {
    return RedisManager::publish(KombuEnvelope::wrap(payload, _exchange));
}

void KombuRedisManager::received(std::vector<std::string> payloads) {
    // What is in no envelope is not understood, whatever it would be without one.
    for (std::string& each : payloads) each = KombuEnvelope::unwrap(each).value_or("");
    receive(std::move(payloads));
}

}  // namespace socketio
