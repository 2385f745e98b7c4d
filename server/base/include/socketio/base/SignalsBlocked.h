#pragma once

#include <csignal>

namespace socketio {

/// No signal reaches the threads that are made while one of these lives: a new thread has the mask
/// of its maker, and signals are for the thread that waits for them.
///
/// Threads: confined to the one that made it, which is deaf to signals meanwhile as well.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &_before);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &_before, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t _before;
};

}  // namespace socketio
