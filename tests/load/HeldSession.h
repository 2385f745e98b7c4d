#pragma once

#include <cstdint>
#include <string_view>

namespace socketio::test {

/// A Socket.IO session in "/", over whatever carries it; joined and left any number of times.
///
/// Threads: confined to its LoadLoop. Listeners join and leave sessions after the loop's turn only.
class HeldSession {
public:
    class Listener {
    public:
        virtual ~Listener() = default;
        virtual void onJoined(HeldSession& session) = 0;
        /// A Socket.IO packet, without what wraps it.
        virtual void onPacket(HeldSession& session, std::string_view packet) = 0;
        /// It was refused, or ended otherwise than by reset().
        virtual void onEnded(HeldSession& session) = 0;
    };

    virtual ~HeldSession() = default;

    virtual void join(std::uint16_t port) = 0;
    /// The server's kernel has taken its connection.
    virtual bool connected() const = 0;
    virtual void send(std::string_view packet) = 0;
    /// Leaves with a word; onEnded() follows.
    virtual void leave() = 0;
    /// Leaves without one: the connection is reset.
    virtual void reset() = 0;
};

}  // namespace socketio::test
