#include "UpgradeProbe.h"

#include "EngineSessionImpl.h"

namespace socketio {

namespace {

// As the official server: what is on its way to the client meanwhile may release the poll, too.
constexpr std::chrono::milliseconds kReleaseAfter{100};

}  // namespace

UpgradeProbe::UpgradeProbe(EngineSessionImpl& session,
                           std::shared_ptr<WebSocketTransport> candidate)
    : _session(session),
      _candidate(std::move(candidate)),
      _timeout(&UpgradeProbe::timedOut, this),
      _release(&UpgradeProbe::releasePoll, this) {
    session.timers().armAfter(_timeout, session.options().upgradeTimeout);
}

UpgradeProbe::Step UpgradeProbe::step(bool binary, std::string_view data) {
    if (!binary && !_probed && data == "2probe") {
        _probed = true;
        return Step::Probe;
    }
    return !binary && _probed && data == "5" ? Step::Upgrade : Step::Wrong;
}

void UpgradeProbe::releasePollSoon() {
    if (!_release.armed()) _session.timers().armAfter(_release, kReleaseAfter);
}

void UpgradeProbe::timedOut(void* self) {
    static_cast<UpgradeProbe*>(self)->_session.upgradeTimedOut();  // destroys *self
}

void UpgradeProbe::releasePoll(void* self) {
    static_cast<UpgradeProbe*>(self)->_session.releasePoll();
}

}  // namespace socketio
