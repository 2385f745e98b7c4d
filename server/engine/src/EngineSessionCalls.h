#pragma once

#include <string>

#include "EngineSessionImpl.h"

namespace socketio {

// What the sources of EngineSessionImpl share: marks that the listener is being made or called.

/// What closing a session in the middle of its OpenCallback leaves for later.
struct EngineSessionImpl::Opening {
    bool closed = false;
    std::string detail;
};

/// The listener stays while it is being called, however the session ends meanwhile.
class EngineSessionImpl::Dispatch {
public:
    explicit Dispatch(EngineSessionImpl& session) : _session(session) { ++_session._dispatching; }
    ~Dispatch() {
        if (--_session._dispatching == 0 && _session._state != State::Open)
            _session._listener.reset();
    }
    Dispatch(const Dispatch&) = delete;
    Dispatch& operator=(const Dispatch&) = delete;

private:
    EngineSessionImpl& _session;
};

}  // namespace socketio
