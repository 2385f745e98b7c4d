#include "Failures.h"

#include <string>

#include "socketio/base/Clock.h"
#include "socketio/base/Log.h"

namespace socketio {

void reportFailure(HubCounters& counters, const char* where) noexcept {
    counters.failures.fetch_add(1, std::memory_order_relaxed);
    try {
        if (const auto leftOut = counters.failureLines.pass(Clock::system().now()))
            Log("socketio.net")
                .critical(std::string(where) + ": " + exceptionText() +
                          LogThrottle::more(*leftOut));
    } catch (...) {  // counted, at least
    }
}

}  // namespace socketio
