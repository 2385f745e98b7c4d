#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/engine/EngineMessage.h"
#include "socketio/exchange/Environ.h"
#include "socketio/managers/PacketSink.h"
#include "socketio/protocol/Convert.h"
#include "socketio/server/EmitOptions.h"

namespace socketio {

class Acknowledgements;
class Client;
class Server;
class ServerCore;

/// One client in one namespace: what handlers are given.
///
/// Owner:   its client and the rooms it is in, by shared_ptr; shared_from_this() keeps it longer.
///          A socket that has been disconnected does nothing more.
/// Threads: thread-safe.
/// Errors:  as for the functions of Server with the same names.
class Socket final : public LocalSocket, public std::enable_shared_from_this<Socket> {
public:
    Socket(std::shared_ptr<Client> client, std::string sid, std::string nsp);
    ~Socket() override;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    const std::string& sid() const override { return _sid; }
    const std::string& nsp() const override { return _nsp; }
    Server& server() const;

    /// True from the answer to the client's CONNECT to the disconnection by either side.
    bool connected() const;
    /// "polling" or "websocket", as it is now.
    std::string_view transport() const;
    /// The revision of the Socket.IO protocol: 5, or 4 for clients of Engine.IO 3.
    int protocol() const;
    /// The request of the handshake. With keepEnviron = false it is empty outside the connect
    /// handler.
    const Environ& environ() const;

    /// Emits to this client alone; before it is connected the event waits until it is.
    void emit(std::string_view event, Arguments arguments = {}, Callback callback = {});
    /// Emits the event "message".
    void send(Arguments arguments, Callback callback = {});
    /// Emits and waits for the acknowledgement; see Server::call().
    Value call(std::string_view event, Arguments arguments = {},
               std::chrono::milliseconds timeout = std::chrono::seconds(60));

    /// Throws Poco::NotFoundException when it is not connected any more.
    void join(std::string_view room);
    void leave(std::string_view room);
    /// In the order of entry; the first is its own id.
    std::vector<std::string> rooms() const;

    /// Leaves the namespace: the client is told, then the disconnect handler runs. With `close`
    /// the session ends, too, and with it the client's other namespaces.
    void disconnect(bool close = false);

    /// What the application keeps with this socket; null at first.
    Value getSession() const;
    void saveSession(Value session);

    /// The session's side, for the library's own classes.
    Client& client() const { return *_client; }

private:
    friend class Client;
    friend class ServerCore;

    enum class State : std::uint8_t {
        Connecting,  // the connect handler has not accepted yet: what is sent to it waits
        Connected,
        Closed,
    };

    bool replaced() const;

    const std::shared_ptr<Client> _client;
    const std::string _sid;
    const std::string _nsp;

    std::atomic<State> _state{State::Connecting};  // written on the loop
    std::atomic<bool> _dropped{false};             // disconnect() was called: no more events
    bool _disconnectWanted = false;                // on the loop: called while connecting
    bool _closeWanted = false;                     // on the loop: and the session is to end
    bool _accepted = false;                        // on the strand
    bool _finished = false;                        // on the strand
    bool _acksClosed = false;                      // Client::_mutex

    // What waits for the CONNECT answer; on the loop.
    struct Held;
    std::unique_ptr<Held> _held;

    std::unique_ptr<Acknowledgements> _acks;  // Client::_mutex; null until the first callback
    std::unique_ptr<Value> _session;          // Client::_mutex; null until saved
};

}  // namespace socketio
