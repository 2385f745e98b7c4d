#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Mutex.h"
#include "socketio/managers/ClientManager.h"

namespace socketio {

/// Rooms in the memory of this process: python-socketio's BaseManager, and the manager of a server
/// that was given none. A manager with a message queue derives from it and publishes as well.
///
/// The room of a socket's own id is no object of its own as long as nobody else enters it, so an
/// idle client costs one table entry.
///
/// Threads: thread-safe. One mutex guards all tables; emit() copies the recipients' pointers under
///          it and delivers without it.
/// Limits:  none; a socket is in as many rooms as the application puts it in.
class MemoryManager : public ClientManager {
public:
    MemoryManager();
    ~MemoryManager() override;
    MemoryManager(const MemoryManager&) = delete;
    MemoryManager& operator=(const MemoryManager&) = delete;

    void setSink(PacketSink* sink) override { _sink.store(sink, std::memory_order_release); }

    void connect(const LocalSocketPtr& socket) override;
    bool isConnected(std::string_view sid, std::string_view nsp) const override;
    void preDisconnect(std::string_view sid, std::string_view nsp) override;
    void disconnect(std::string_view sid, std::string_view nsp) override;

    void enterRoom(std::string_view sid, std::string_view nsp, std::string_view room) override;
    void leaveRoom(std::string_view sid, std::string_view nsp, std::string_view room) override;
    void closeRoom(std::string_view room, std::string_view nsp) override;

    std::vector<std::string> getRooms(std::string_view sid, std::string_view nsp) const override;
    std::vector<std::string> getNamespaces() const override;
    std::vector<LocalSocketPtr> getParticipants(std::string_view nsp,
                                                std::string_view room) const override;
    LocalSocketPtr find(std::string_view sid, std::string_view nsp) const override;

    void emitTo(const std::string& nsp, const Value& data, const EmitTarget& target,
                const AckCallback& callback = {}) override;
    void triggerCallback(const LocalSocketPtr& socket, std::uint64_t id,
                         Value::Array arguments) override;
    void disconnectSocket(std::string_view sid, std::string_view nsp,
                          bool ignoreQueue = false) override;

protected:
    PacketSink* sink() const { return _sink.load(std::memory_order_acquire); }

    /// The local sockets that `target` means, each once. Sockets that are being disconnected are
    /// among them: they hear what their disconnect handler says.
    std::vector<LocalSocketPtr> recipients(std::string_view nsp, const EmitTarget& target) const;

private:
    struct Room;
    struct Member;
    struct Namespace;
    struct Tables;

    Namespace* findNamespace(std::string_view nsp) const SOCKETIO_REQUIRES(_mutex);
    Member* findMember(std::string_view sid, std::string_view nsp) const SOCKETIO_REQUIRES(_mutex);

    mutable Mutex _mutex;  // a leaf: no callback runs and no socket is destroyed while it is held
    const std::unique_ptr<Tables> _tables SOCKETIO_GUARDED_BY(_mutex);
    std::atomic<PacketSink*> _sink{nullptr};
};

}  // namespace socketio
