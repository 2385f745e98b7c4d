#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>

#include "FaultServer.h"
#include "LoadClients.h"

namespace socketio::test {

/// A server with the limit of descriptors that the load is meant for, crowds of clients, and the
/// traffic of section "held": an echo per session and a broadcast to all, each every ten seconds.
class LoadFixture : public CppUnit::TestFixture {
public:
    void tearDown() override;

protected:
    using Milliseconds = std::chrono::milliseconds;

    static constexpr std::size_t kDescriptors = 20'000;  ///< Of the server, if it may have them.
    static constexpr std::size_t kPerSession = 32 << 10;
    static constexpr Milliseconds kPatience{120'000};  ///< Of a machine with other things to do.
    static constexpr Milliseconds kInterval{10'000};   ///< Of echoes, and of broadcasts.

    /// The sessions that a server with the default limit of connections takes here: 19,000.
    static std::size_t mostSessions();

    void start(std::vector<std::string> settings = {});
    /// Of this kind; counted in everything below. A first few come and go: what the server
    /// allocates for them once belongs to `base`.
    LoadClients& addClients(const std::string& kind, std::uint16_t port, std::size_t processes = 1);
    void takeBase();

    /// Waits until the crowd has this many sessions, and the server, all crowds together.
    void waitForJoined(LoadClients& crowd, std::size_t count);

    void startTraffic(Milliseconds echoInterval = kInterval,
                      Milliseconds broadcastInterval = kInterval);
    /// Traffic goes on for so long, as long as nobody is dropped.
    void carryOn(Milliseconds time);
    /// The traffic ends, and all of it has arrived, once and in order.
    void settleTraffic();
    /// Traffic until every session has had an echo and a broadcast.
    void serveEverybody();

    /// Everybody leaves and nothing of them is left.
    void end(std::size_t mayKeepBytes = 8 << 20);
    void judgeWhatIsLeft(std::size_t mayKeepBytes = 8 << 20);

    /// By which memory may grow in this time: 1 MiB in ten minutes; in a short time pages that are
    /// used for the first time count for more.
    static std::size_t mayGrow(std::chrono::seconds time);
    std::size_t residentBytes() const { return server->footprintNow().residentBytes; }
    /// Of all threads of the server.
    std::chrono::nanoseconds cpuTime() const;
    /// "p50 1.2 p99 3.4 most 5.6 ms" of this kind of time, of the crowd where it is longest.
    std::string times(const char* kind);

    std::unique_ptr<FaultServer> server;
    std::vector<std::unique_ptr<LoadClients>> crowds;
    Footprint base;

    void broadcast();
    std::uint64_t broadcasts() const { return _broadcasts; }

private:
    std::uint64_t _broadcasts = 0;
    TimePoint _nextBroadcast{};
    Milliseconds _broadcastInterval = kInterval;
};

/// "12,345"
std::string grouped(std::uint64_t number);

}  // namespace socketio::test
