#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "FaultServer.h"
#include "support/NumberedMessages.h"
#include "support/RawClient.h"

namespace socketio::test {

/// A client that polls and goes over to WebSocket as the official one does, while numbered messages
/// go both ways: with pauses of 0 to 50 ms between its steps, and in pieces.
///
/// Threads: one at a time.
/// Errors:  std::runtime_error when the session does not go as it should.
class UpgradingClient {
public:
    /// Where a WebSocket is cut off. Up to HalfOfUpgrade polling goes on; from Upgraded on the
    /// session ends.
    enum class Cut {
        Connected,
        HalfOfHandshake,
        Handshake,
        HalfOfProbe,
        Probe,
        ProbeAnswered,
        PollReleased,
        HalfOfUpgrade,
        Upgraded,
        FirstMessage,
        Never
    };
    static bool endsSession(Cut cut) { return cut == Cut::Upgraded || cut == Cut::FirstMessage; }

    /// `interval`: between two messages of either side in a pause. `revision`: of Engine.IO.
    UpgradingClient(FaultServer& server, NumberedMessages& messages,
                    NumberedMessages::Receiver serverSide, unsigned seed,
                    std::chrono::microseconds interval, int revision);

    /// Opens a session over polling, and exchanges messages for a moment.
    void open();
    /// Goes over to WebSocket, or is cut off; with a reset when `hard`. False when the server did
    /// not take the WebSocket: it had not yet seen the end of the one before.
    bool upgrade(Cut cut = Cut::Never, bool hard = false);
    /// Exchanges messages for a moment, then waits until all has come that was sent, and leaves.
    void finish();

    const std::string& sid() const { return _sid; }

private:
    using TimePoint = std::chrono::steady_clock::time_point;

    RawClient& webSocket() { return *_webSocket; }
    void pause();
    void emit();
    void say();
    /// Takes what comes until then.
    void listen(TimePoint until);
    void startPoll();
    void takePoll();
    void takeFrame();
    void handle(std::string_view packet);
    std::vector<std::string> split(std::string_view payload) const;
    void post(const std::string& payload);
    void sendInPieces(std::string_view bytes);
    bool isCut(Cut here, Cut wanted, bool hard);

    FaultServer& _server;
    NumberedMessages& _messages;
    const NumberedMessages::Receiver _receiver;
    const NumberedMessages::Stream _down, _up;
    std::mt19937 _random;
    const std::chrono::microseconds _interval;

    const int _revision;
    std::string _target, _sid;
    RawClient _getter, _poster;
    std::unique_ptr<RawClient> _webSocket;
    bool _polls = false;   // a GET waits for its answer
    bool _mayPoll = true;  // the next one follows
    bool _mayPost = true;  // otherwise what is said waits
    bool _upgraded = false;
    bool _probeAnswered = false, _closed = false, _bye = false, _echoed = false;
    std::vector<std::string> _held;
};

}  // namespace socketio::test
