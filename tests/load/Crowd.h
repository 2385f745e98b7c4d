#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "HeldSession.h"
#include "LatencyHistogram.h"
#include "LoadLoop.h"

namespace socketio::test {

/// What a crowd has seen; all counts since it was made. Good traffic has no `early`, `late`,
/// `wrong`, `refused` and `dropped`, and when it has stopped and settled neither `unanswered` nor
/// `behind`.
struct CrowdCounts {
    std::uint64_t begun = 0;       ///< Sessions that were to join.
    std::uint64_t connected = 0;   ///< Now: not joined, but taken by the server's kernel.
    std::uint64_t joined = 0;      ///< Now.
    std::uint64_t everJoined = 0;  ///< Sessions.
    std::uint64_t left = 0;        ///< As they were told to.
    std::uint64_t leaving = 0;     ///< Now: the server has not ended the connection yet.
    std::uint64_t refused = 0;     ///< Ended before they had joined.
    std::uint64_t dropped = 0;     ///< Ended by the server.
    std::uint64_t echoes = 0;      ///< Sent.
    std::uint64_t answers = 0;     ///< Right ones.
    std::uint64_t unanswered = 0;  ///< Now: of the sessions that are joined.
    std::uint64_t broadcasts = 0;  ///< Received, once each.
    std::uint64_t behind = 0;      ///< Now: joined sessions that have not heard the last one.
    std::uint64_t early = 0;  ///< Answers and broadcasts before one that should have come first.
    std::uint64_t late = 0;   ///< After a later one, or for the second time.
    std::uint64_t wrong = 0;  ///< Packets of other kinds, or with other contents.
};

/// Many sessions, their traffic and the check of it.
///
///     echo        `["echo",<number>,<time>]`, acknowledged with its arguments; numbered per
///     session broadcast   `["n","<number> <time>"]`; numbered by who emits, from 1
///
/// A session that has just joined takes its first broadcast for the right one; expectBroadcast()
/// says which it must be.
///
/// Threads: confined to that of its loop.
class Crowd {
public:
    using MakeSession = std::function<std::unique_ptr<HeldSession>(HeldSession::Listener&)>;

    Crowd(LoadLoop& loop, std::uint16_t port, MakeSession make);
    ~Crowd();
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    /// So many more join, evenly over this time, however long those before them take.
    void join(std::size_t count, int milliseconds);
    /// So many that have joined leave at once, by reset or with a word.
    void leave(std::size_t count, bool reset);
    /// From now on every session sends an echo in each interval; 0: none does.
    void echoEvery(int milliseconds);
    /// All that have joined must hear the broadcast of this number next.
    void expectBroadcast(std::uint64_t number);
    /// So many sessions per minute leave, alternately by reset and with a word, and as many join.
    void churn(std::size_t perMinute);
    /// So many sessions join and leave at once, likewise, `atOnce` of them at a time.
    void cycle(std::size_t count, std::size_t atOnce);

    /// What is due, and what the network has, after waiting for it a few milliseconds.
    void turn();

    /// The last broadcast is the one of this number; 0: there was none.
    CrowdCounts counts(std::uint64_t lastBroadcast) const;

    // To be cleared by who has read them.
    LatencyHistogram answerTimes, broadcastTimes, joinTimes;

private:
    class Member;
    struct Schedule {
        std::uint64_t due(std::int64_t now) const;
        std::int64_t start = 0, nanoseconds = 0;  // for `count`
        std::uint64_t count = 0, done = 0;
    };

    Member& begin();
    void runSchedules();
    void runCycles();

    LoadLoop& _loop;
    const std::uint16_t _port;
    const MakeSession _make;
    std::vector<std::unique_ptr<Member>> _members;
    std::vector<Member*> _out;     // whose session is over
    std::vector<Member*> _cycled;  // have joined, and are to leave
    std::vector<Schedule> _joins;
    Schedule _echoes, _churn;
    std::size_t _nextEcho = 0;
    std::size_t _cycles = 0, _cyclesAtOnce = 0, _cycling = 0;
    bool _byReset = false;
    std::minstd_rand _random{1};
    CrowdCounts _counts;
};

}  // namespace socketio::test
