#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "socketio/base/Executor.h"
#include "socketio/base/Timers.h"

#include "SessionTable.h"

namespace socketio {

/// Closes all sessions of a server that stops, some at a time, so that their clients do not all
/// come to the next server in the same moment.
///
/// Owner:   EngineServer, and the tasks on their way, by shared_ptr.
/// Threads: confined to loop 0, except start() and dropRest(), which post there.
class Shutdown : public std::enable_shared_from_this<Shutdown> {
public:
    /// So many sessions at a time, and what lies between.
    struct Pace {
        std::size_t sessions;
        Duration interval;
    };
    Shutdown(Executor& executor, std::vector<SessionTable::Ptr> sessions, Duration time,
             const Pace& pace);

    void start();
    /// Ends `sessions`, and what is left of the others, at once.
    void dropRest(std::vector<SessionTable::Ptr> sessions);

private:
    void closeSome();
    static void timerFired(void* self);

    Executor& _executor;
    std::vector<SessionTable::Ptr> _sessions;
    std::size_t _next = 0;
    const std::size_t _batch;
    const Duration _pause;
    Timer _timer;
};

}  // namespace socketio
