#pragma once

#include <cstddef>
#include <cstdint>

#include "FaultServer.h"
#include "NumberedSession.h"

namespace socketio::test {

/// Numbered messages through one server, one way: what "nothing lost" is measured with.
struct NumberedCell {
    enum class Direction { Up, Down };

    NumberedSession::Way way;
    Direction direction = Direction::Down;
    std::uint16_t port = 0;  ///< Of the server, or of what stands in front of it.
    std::size_t messages = 20'000;
    const char* inFront = "";  ///< For the name: "nginx, ".

    /// "WebSocket, TLS, binary, up"
    std::string name() const;

    struct Result {
        Verdict verdict;
        double seconds = 0;
        std::uint64_t answers = 0, compressed = 0;  ///< Of polls.
        std::uint64_t ended = 0;                    ///< Sessions that did not live to the end.
    };
    /// With four clients. Down: one message after the other to all of them and to each alone. Up:
    /// from all at once, 1 to 16 in one POST or write. Nobody is more ahead of the slowest than the
    /// queues hold.
    Result run(FaultServer& server) const;
};

/// "12,345"
std::string withCommas(std::uint64_t number);

}  // namespace socketio::test
