#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace socketio {

/// A stream connection between two owners: its descriptor and what has been read ahead.
///
/// Owner:   whoever holds it; closes the descriptor unless it was released.
/// Threads: thread-compatible.
class DetachedConnection {
public:
    DetachedConnection() = default;
    explicit DetachedConnection(int descriptor, std::string readAhead = {})
        : input(std::move(readAhead)), _descriptor(descriptor) {}
    ~DetachedConnection();
    DetachedConnection(DetachedConnection&& other) noexcept { *this = std::move(other); }
    DetachedConnection& operator=(DetachedConnection&& other) noexcept;

    int descriptor() const { return _descriptor; }
    int release() { return std::exchange(_descriptor, -1); }

    std::string input;  ///< Bytes that come before those in the socket.

    /// Where they are not those of the socket, as when it leads to a relay.
    struct Addresses {
        std::string peer, local;
        std::uint16_t peerPort = 0, localPort = 0;
        bool secure = false;  ///< TLS is spoken on the way to the peer.
    };
    bool relayed = false;  ///< `addresses` hold.
    Addresses addresses;

private:
    int _descriptor = -1;
};

/// A front end that serves connections which others accepted. HttpServer is one.
///
/// Owner: the application. Threads: thread-safe.
class ConnectionSink {
public:
    virtual ~ConnectionSink() = default;

    /// Serves the connection from now on. False, and `connection` left as it is, when the front end
    /// does not run or has no room.
    [[nodiscard]] virtual bool adopt(DetachedConnection& connection) = 0;
};

}  // namespace socketio
