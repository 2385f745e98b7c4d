#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <Poco/AutoPtr.h>
#include <cppunit/TestFixture.h>

#include "LiveTraffic.h"

namespace socketio::test {

class LogLines;

/// Faults while numbered messages go between three servers. Whatever happens: no server stops,
/// nothing is lost, doubled or swapped for the clients of the sender's own server, nothing doubled
/// or swapped for others, and what those miss is what Counters::missed of their server says.
///
/// A fixture of a broker derives from it.
class TrafficFaults : public CppUnit::TestFixture {
public:
    TrafficFaults();
    ~TrafficFaults() override;
    void tearDown() override;

    // The same for every broker.
    void aServerIsKilled();
    void hostileMessages();

protected:
    virtual std::shared_ptr<PubSubManager> makeManager() = 0;
    virtual std::string url() = 0;
    /// Somebody who knows the channel says this on it.
    virtual void say(const std::string& payload, int times) = 0;

    /// Of a message that no server takes, but the broker does.
    virtual std::size_t hugeBytes() const { return 64 << 20; }

    /// The cluster, with traffic, for the length of the test.
    void begin(const std::vector<NumberedCluster::Receiver>& others = {});
    /// Traffic alone, for so long. Local clients must hear each other all the while.
    void goOn(Duration time);
    /// The broker is back: servers must hear one another again within `limit`.
    void comesBack(Duration limit);
    /// Ends the traffic and checks all that is promised. Returns how many messages were missed in
    /// all, by each server once.
    std::uint64_t end(const char* fault);

    NumberedCluster& cluster() { return *_cluster; }
    LiveTraffic& traffic() { return *_traffic; }
    std::uint64_t dropped() const;
    std::size_t logged() const;

private:
    std::unique_ptr<NumberedCluster> _cluster;
    std::unique_ptr<LiveTraffic> _traffic;
    Poco::AutoPtr<LogLines> _log;
    std::optional<Duration> _back;  // what comesBack() took
};

}  // namespace socketio::test
