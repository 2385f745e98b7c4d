#include "socketio/base/Clock.h"

namespace socketio {

namespace {

class SystemClock : public Clock {
public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& Clock::system() {
    // Never destroyed: a server with static storage asks for the time while the process ends.
    static const Clock& clock = *new SystemClock;
    return clock;
}

}  // namespace socketio
