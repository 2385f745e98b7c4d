#pragma once

#include <chrono>
#include <stdexcept>

#include "socketio/base/Executor.h"

#include "support/ManualExecutor.h"
#include "support/RawClient.h"
#include "support/Waiting.h"

namespace socketio::test {

/// Time for a running hub (HubOptions::clock): it stands still until the test goes on.
///
///     options.clock = &time.clock;     hub.start();
///     time.advance(hub, 10s);          // what was due has happened, and has been sent
///
/// Owner:   the test; outlives the hub.
/// Threads: the test's.
class LoopTime {
public:
    FakeClock clock;

    void advance(Executor& hub, Duration time) {
        clock.advance(time);
        turn(hub);
    }

    /// Returns when every loop has read what had come, fired what was due and sent what follows
    /// from it.
    static void turn(Executor& hub) {
        // Once more, since what a turn has put back is looked at in the next one.
        barrier(hub);
        barrier(hub);
    }

    /// The same, with what `client` has sent among it.
    static void turn(Executor& hub, RawClient& client) {
        client.waitUntilReceived();
        turn(hub);
    }

    /// Goes on by `limit`. Throws unless `client` hears something, or the end, then and not a
    /// tick of the timers earlier.
    void expectAt(Executor& hub, RawClient& client, Duration limit) {
        constexpr Duration kTick = std::chrono::milliseconds(5);
        turn(hub, client);
        advance(hub, limit - kTick);
        if (client.readable(std::chrono::milliseconds(0)))
            throw std::runtime_error("LoopTime: something came before the limit");
        advance(hub, kTick);
        if (!client.readable(std::chrono::seconds(5)))
            throw std::runtime_error("LoopTime: nothing came at the limit");
    }
};

}  // namespace socketio::test
