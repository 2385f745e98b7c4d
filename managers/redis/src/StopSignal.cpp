#include "StopSignal.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <Poco/Exception.h>

namespace socketio {

StopSignal::StopSignal() : _event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!_event.valid()) throw Poco::SystemException("eventfd", std::strerror(errno));
}

void StopSignal::stop() {
    _stopped.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    // It cannot fail: nobody else adds to the counter.
    [[maybe_unused]] const ssize_t written = ::write(_event.get(), &one, sizeof one);
}

bool StopSignal::wait(int descriptor, short events, TimePoint deadline) const {
    for (;;) {
        if (stopped()) throw Stopped();
        const Duration left = std::max(deadline - Clock::system().now(), Duration::zero());
        const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        const timespec time{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
        pollfd ready[2] = {{_event.get(), POLLIN, 0}, {descriptor, events, 0}};
        const int count = ::ppoll(ready, 2, &time, nullptr);
        if (count < 0 && errno != EINTR) throw Poco::SystemException("poll", std::strerror(errno));
        if (count > 0 && ready[1].revents != 0) return true;
        if (count == 0 && Clock::system().now() >= deadline) return false;
    }
}

}  // namespace socketio
