#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "NumberedCluster.h"

namespace socketio::test {

/// Numbered messages at a steady pace from every server of a cluster, in turn to all and to a room
/// in which are half of the clients, the first of each server among them: that one hears all there
/// is, so that what it misses is what its server misses.
///
/// Threads: one at a time; it sends on threads of its own.
class LiveTraffic {
public:
    /// `others` hear what is for all, as well.
    LiveTraffic(NumberedCluster& cluster, unsigned perSecondAndServer,
                const std::vector<NumberedCluster::Receiver>& others = {});
    ~LiveTraffic() { stop(); }

    void stop();

    /// From every server, at its own clients or at those of the others.
    enum class Where { AtHome, Elsewhere };
    /// Waits until something is heard that was sent after `since`, or that is sent from now on;
    /// false when it does not come in time.
    bool heard(Where where, Duration within, const NumberedMessages::Mark& since);
    bool heard(Where where, Duration within) {
        return heard(where, within, _cluster.messages().mark());
    }

    /// Receipts that are missing.
    std::uint64_t lostAtHome() const;
    /// By this client from other servers; of messages to all only, or of all messages.
    std::uint64_t lostFromElsewhere(NumberedCluster::Receiver receiver, bool toAllOnly) const;

    /// After stop(): how long an emit took, at the worst and but for one in a hundred.
    Duration longestEmit() const;
    Duration usualEmit() const;

private:
    void send(std::size_t server, Duration interval);
    bool isHome(NumberedMessages::Stream stream, NumberedCluster::Receiver receiver) const {
        return serverOf(stream) == _cluster.serverOf(receiver);
    }
    std::size_t serverOf(NumberedMessages::Stream stream) const {
        return (stream - _first) % NumberedCluster::kServers;
    }

    NumberedCluster& _cluster;
    const std::size_t _all;           // receivers of the cluster
    NumberedMessages::Stream _first;  // of six: to all, from each server; to the room
    std::vector<Duration> _times[NumberedCluster::kServers];
    std::vector<Duration> _sorted;
    std::atomic<bool> _stopping{false};
    std::vector<std::thread> _threads;
};

}  // namespace socketio::test
