#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "Client.h"

namespace socketio {

// What the sources of Client share: the tasks of its strand. Those for events and acknowledgements
// fit into a Task without an allocation.

constexpr std::uint64_t kNoAck = ~std::uint64_t{0};  // of an event that asks for no acknowledgement

// What a task counts besides the memory of its data.
constexpr std::size_t kTaskBytes = 128;

/// What a value takes in memory, about: JSON that is made for it takes 45 times its text.
std::size_t memoryOf(const Value& value);
std::size_t memoryOf(const Value::Array& items);

struct Client::EventTask {
    SocketPtr socket;
    Value::Array data;
    std::uint64_t id;

    void operator()() {
        Client& client = *socket->_client;
        client.guarded([&] {
            if (client.belongsToWorker(data.front()))
                client._strand->defer(EventTask(std::move(*this)));
            else
                client.runEvent(socket, std::move(data), id);
        });
    }
};

// An event whose handler runs beside those of the others.
struct Client::ApartEvent {
    SocketPtr socket;
    std::shared_ptr<const HandlerTable> handlers;
    Value::Array data;
    std::uint64_t id;
    std::size_t bytes;
};

struct Client::FinishTask {
    SocketPtr socket;
    DisconnectReason reason;
    std::unique_ptr<std::string> detail;

    void operator()() {
        Client& client = *socket->_client;
        bool elsewhere = false;
        client.guarded([&] { elsewhere = client._core->belongsToWorker("disconnect"); });
        if (elsewhere)
            client._strand->defer(FinishTask(std::move(*this)));
        else
            client.finish(socket, reason, detail.get());
    }
};

struct Client::ConnectTask {
    SocketPtr socket;
    Value auth;

    void operator()() {
        Client& client = *socket->_client;
        client.guarded([&] {
            if (client._core->belongsToWorker("connect"))
                client._strand->defer(ConnectTask(std::move(*this)));
            else
                client.runConnect(socket, std::move(auth));
        });
    }
};

template <class What>
void Client::reached(Limit limit, const What& what) const {
    Executor& executor = _core->executor();
    executor.limits().reached(limit, _core->log().log(), executor.clock().now(), what);
}

// Marks what the calling thread does, until it goes out of scope.
class Client::RunningScope {
public:
    explicit RunningScope(const Running& now) : _before(std::exchange(running(), now)) {}
    ~RunningScope() { running() = _before; }
    RunningScope(const RunningScope&) = delete;
    RunningScope& operator=(const RunningScope&) = delete;

private:
    Running _before;
};

}  // namespace socketio
