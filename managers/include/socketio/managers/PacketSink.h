#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/protocol/Value.h"

namespace socketio {

/// Called with the arguments of an acknowledgement.
using AckCallback = std::function<void(const Value::Array& arguments)>;

/// One client in one namespace, as far as a manager knows it.
///
/// Owner:   its client in the server, and the rooms it is in, by shared_ptr.
/// Threads: thread-safe.
class LocalSocket {
public:
    virtual ~LocalSocket() = default;
    virtual const std::string& sid() const = 0;
    virtual const std::string& nsp() const = 0;
};
using LocalSocketPtr = std::shared_ptr<LocalSocket>;

/// What a manager needs of the server: a way to reach sockets. A manager is tested with a sink
/// that writes down what it gets.
///
/// Threads: thread-safe; never called while the manager holds a lock.
class PacketSink {
public:
    virtual ~PacketSink() = default;

    /// Encodes the event once and queues it for every recipient. `data` is the whole array, the
    /// event's name first. With `callback` each recipient gets an ack id of its own, and the
    /// callback runs once per recipient that answers.
    /// Throws Poco::InvalidArgumentException for data that has no wire form (NaN, more than 10
    /// attachments), or Poco::PoolOverflowException when a recipient has as many acks outstanding
    /// as are allowed (1,024); nothing is sent then.
    virtual void deliver(std::vector<LocalSocketPtr> recipients, const std::string& nsp,
                         const Value& data, const AckCallback& callback) = 0;

    /// An acknowledgement arrived (from the client, or for a callback through another server).
    virtual void acknowledge(const LocalSocketPtr& socket, std::uint64_t id,
                             Value::Array arguments) = 0;

    /// Runs a callback whose answer came from another server, where the application's code may run
    /// and block; never inside this call, unless nothing can block in it. Without `arguments` it is
    /// only let go: what it holds is the application's, too.
    virtual void runCallback(AckCallback callback, std::optional<Value::Array> arguments) = 0;

    /// Disconnects a local socket: packet, handler, cleaning up.
    virtual void disconnect(const LocalSocketPtr& socket) = 0;
};

}  // namespace socketio
