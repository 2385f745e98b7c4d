#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "socketio/managers/RedisManager.h"
#include "socketio/protocol/JsonCodec.h"

#include "support/Journal.h"
#include "support/Waiting.h"

namespace socketio::test {

/// A server as its manager sees it, with one client in "/": what the client gets is in `journal`.
class RedisPeer {
public:
    explicit RedisPeer(const std::string& url, RedisOptions redis = {}, PubSubOptions options = {})
        : manager(std::make_shared<RedisManager>(url, "socketio", false, options, redis)),
          _sink(*this) {
        manager->setSink(&_sink);
        manager->initialize();
        manager->connect(std::make_shared<Client>(manager->hostId()));
    }
    ~RedisPeer() {
        manager->shutdown();
        manager->setSink(nullptr);
    }
    RedisPeer(const RedisPeer&) = delete;
    RedisPeer& operator=(const RedisPeer&) = delete;

    /// To the clients of all others.
    void emit(const std::string& event, int number = 0) {
        manager->emitTo("/", Value(Value::Array{Value(event), Value(number)}),
                        {.rooms = {}, .skipSids = {manager->hostId()}});
    }
    static std::string line(const std::string& event, int number = 0) {
        return "[\"" + event + "\"," + std::to_string(number) + "]";
    }
    /// What came of one event, "1 2 3".
    std::string numbers(const std::string& event) const {
        const std::string begin = "[\"" + event + "\",";
        std::string all;
        for (const std::string& each : journal.lines())
            if (each.compare(0, begin.size(), begin) == 0)
                all += (all.empty() ? "" : " ") +
                       each.substr(begin.size(), each.size() - begin.size() - 1);
        return all;
    }
    bool errorSays(const std::string& text) const {
        return manager->lastError().find(text) != std::string::npos;
    }

    Journal journal;
    const std::shared_ptr<RedisManager> manager;
    /// When set, the client takes what it gets only when it is open.
    std::atomic<const Gate*> gate{nullptr};

private:
    struct Client : LocalSocket {
        explicit Client(std::string sid) : _sid(std::move(sid)) {}
        const std::string& sid() const override { return _sid; }
        const std::string& nsp() const override { return _nsp; }
        const std::string _sid, _nsp = "/";
    };
    struct Sink : PacketSink {
        explicit Sink(RedisPeer& to) : peer(to) {}
        void deliver(std::vector<LocalSocketPtr>, const std::string&, const Value& data,
                     const AckCallback&) override {
            if (const Gate* const closed = peer.gate) closed->wait();
            peer.journal.add(JsonCodec::encode(data));
        }
        void acknowledge(const LocalSocketPtr&, std::uint64_t, Value::Array) override {}
        void runCallback(AckCallback, std::optional<Value::Array>) override {}
        void disconnect(const LocalSocketPtr&) override {}
        RedisPeer& peer;
    };
    Sink _sink;
};

/// Waits until what one emits reaches the other.
inline bool connected(RedisPeer& from, RedisPeer& to) {
    return eventually([&] {
        from.emit("probe");
        return to.journal.count(RedisPeer::line("probe")) > 0;
    });
}

/// "1 2 3 ... last"
inline std::string numbersTo(int last, int first = 1) {
    std::string all;
    for (int i = first; i <= last; ++i) all += (all.empty() ? "" : " ") + std::to_string(i);
    return all;
}

}  // namespace socketio::test
