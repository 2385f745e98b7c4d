#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <Poco/Exception.h>

#include "socketio/base/Mutex.h"
#include "socketio/managers/PubSubManager.h"

namespace socketio::test {

class BusManager;

/// A broker in memory: whatever is published is heard at once by everybody who listens.
///
/// Threads: thread-safe.
class Bus {
public:
    void publish(const std::string& payload);
    void join(BusManager* listener) {
        MutexLock lock(_mutex);
        _listeners.push_back(listener);
    }
    void leave(BusManager* listener) {
        MutexLock lock(_mutex);
        std::erase(_listeners, listener);
    }
    std::vector<std::string> published() const {
        MutexLock lock(_mutex);
        return _published;
    }

private:
    mutable Mutex _mutex;
    std::vector<BusManager*> _listeners SOCKETIO_GUARDED_BY(_mutex);
    std::vector<std::string> _published SOCKETIO_GUARDED_BY(_mutex);
};

/// A backend without a broker.
class BusManager : public PubSubManager {
public:
    explicit BusManager(std::shared_ptr<Bus> bus, bool writeOnly = false,
                        PubSubOptions options = {})
        : PubSubManager("bus", writeOnly, options), _bus(std::move(bus)) {}
    ~BusManager() override { shutdown(); }

    using PubSubManager::receive;

    std::atomic<int> starts{0}, stops{0};
    std::atomic<bool> refuses{false};  ///< publish(), as a full queue does.
    std::atomic<bool> failsToStart{false};

protected:
    void start() override {
        if (failsToStart) throw Poco::SystemException("no thread");
        ++starts;
        if (!writeOnly()) _bus->join(this);
    }
    void stop() override {
        ++stops;
        _bus->leave(this);
    }
    bool publish(std::string payload) override {
        if (refuses) return false;
        countPublished(1);
        _bus->publish(payload);
        return true;
    }
    bool flushQueue(TimePoint) override { return true; }

private:
    const std::shared_ptr<Bus> _bus;
};

inline void Bus::publish(const std::string& payload) {
    MutexLock lock(_mutex);
    _published.push_back(payload);
    for (BusManager* each : _listeners) each->receive({payload});
}

}  // namespace socketio::test
