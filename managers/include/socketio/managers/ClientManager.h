#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Clock.h"
#include "socketio/managers/EmitOptions.h"
#include "socketio/managers/PacketSink.h"

namespace socketio {

/// Whom an emit is for.
struct EmitTarget {
    std::vector<std::string> rooms;     ///< Empty: everybody in the namespace. A sid is a room.
    std::vector<std::string> skipSids;  ///< Left out.
    bool ignoreQueue = false;           ///< Only clients of this server.
    /// How long a manager with a queue waits for the answer of another server.
    Duration ackTimeout = std::chrono::seconds(60);
};

/// Who is in which room, here and, for managers with a message queue, on other servers. What
/// python-socketio calls BaseManager, method for method.
///
/// Owner:   Server, by shared_ptr; a write-only emitter has one without a server.
/// Threads: thread-safe. A join that has returned is seen by every emit that starts after it.
/// Errors:  unknown sids, rooms and namespaces are no-ops, except enterRoom(), which throws
///          Poco::NotFoundException for a sid that is not connected in the namespace, unless it may
///          be connected to another server.
class ClientManager {
public:
    virtual ~ClientManager() = default;

    /// Called by the server that takes the manager; the sink outlives it or is reset with nullptr.
    virtual void setSink(PacketSink* sink) = 0;
    /// Once, before the first request; a manager with a queue starts to listen here.
    virtual void initialize() {}
    virtual void shutdown() {}

    /// Enters the socket into its namespace and the room of its own sid.
    virtual void connect(const LocalSocketPtr& socket) = 0;
    virtual bool isConnected(std::string_view sid, std::string_view nsp) const = 0;
    /// From here isConnected() is false, while the rooms stay for the disconnect handler.
    virtual void preDisconnect(std::string_view sid, std::string_view nsp) = 0;
    /// Leaves every room and the namespace.
    virtual void disconnect(std::string_view sid, std::string_view nsp) = 0;

    virtual void enterRoom(std::string_view sid, std::string_view nsp, std::string_view room) = 0;
    virtual void leaveRoom(std::string_view sid, std::string_view nsp, std::string_view room) = 0;
    virtual void closeRoom(std::string_view room, std::string_view nsp) = 0;

    /// The rooms of a socket, its own included, in the order in which it entered.
    virtual std::vector<std::string> getRooms(std::string_view sid, std::string_view nsp) const = 0;
    virtual std::vector<std::string> getNamespaces() const = 0;
    /// The local sockets in a room ("" for the whole namespace).
    virtual std::vector<LocalSocketPtr> getParticipants(std::string_view nsp,
                                                        std::string_view room) const = 0;
    /// The local socket, or null.
    virtual LocalSocketPtr find(std::string_view sid, std::string_view nsp) const = 0;

    /// Emits an event, as Server::emit() does: what a program without a server calls.
    /// Throws Poco::InvalidArgumentException for a reserved name and for data that has no wire
    /// form.
    void emit(std::string_view event, const Arguments& arguments = {},
              const EmitOptions& options = {});

    /// Emits `data`, an array whose first item is the event's name. A socket in several of the
    /// rooms gets it once. Errors: those of PacketSink::deliver().
    virtual void emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                        const AckCallback& callback = {}) = 0;

    /// An ack packet arrived from a local client.
    virtual void triggerCallback(const LocalSocketPtr& socket, std::uint64_t id,
                                 Value::Array arguments) = 0;

    /// Disconnects a socket wherever it is; local ones unless a queue says otherwise.
    virtual void disconnectSocket(std::string_view sid, std::string_view nsp,
                                  bool ignoreQueue = false) = 0;
};

}  // namespace socketio
