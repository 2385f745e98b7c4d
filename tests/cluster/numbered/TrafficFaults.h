#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <Poco/AutoPtr.h>
#include <cppunit/TestCaller.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LiveTraffic.h"

namespace socketio::test {

class LogLines;

/// Faults while numbered messages go between three servers. Whatever happens: no server stops,
/// nothing is lost, doubled or swapped for the clients of the sender's own server, nothing doubled
/// or swapped for others, and what those miss is what Counters::missed of their server says.
///
/// Limits in time are checked apart from all else: a scenario in which something was late, but
/// nothing wrong, runs once more and has to be in time then. A machine that stands still for a
/// moment fails no test by that.
///
/// A fixture of a broker derives from it, and names its tests with FAULT_TEST.
class TrafficFaults : public CppUnit::TestFixture {
public:
    TrafficFaults();
    ~TrafficFaults() override;
    void tearDown() override;

    // The same for every broker.
    void aServerIsKilled();
    void hostileMessages();

    /// What was late since the last call, in words; empty when nothing was.
    std::string takeLate() { return std::exchange(_late, {}); }

protected:
    virtual std::shared_ptr<PubSubManager> makeManager() = 0;
    virtual std::string url() = 0;
    /// Somebody who knows the channel says this on it.
    virtual void say(const std::string& payload, int times) = 0;

    /// Of a message that no server takes, but the broker does.
    virtual std::size_t hugeBytes() const { return 64 << 20; }

    /// The cluster, with traffic, for the length of the test.
    void begin(const std::vector<NumberedCluster::Receiver>& others = {});
    /// Traffic alone, for so long. Local clients must hear each other all the while; `each` is
    /// called whenever they have.
    void goOn(
        Duration time, const std::function<void()>& each = [] {});
    /// The broker is back: servers must hear one another again within `limit`. What waited comes
    /// first, and takes its time; it counts as well when it was sent after `outage`.
    void comesBack(Duration limit) { comesBack(limit, _cluster->messages().mark()); }
    void comesBack(Duration limit, const NumberedMessages::Mark& outage);
    /// Ends the traffic and checks all that is promised. Returns how many messages were missed in
    /// all, by each server once.
    std::uint64_t end(const char* fault);

    NumberedCluster& cluster() { return *_cluster; }
    std::uint64_t dropped() const;
    /// For a condition that holds unless something was late; says what was.
    void inTime(bool holds, const std::string& what);

private:
    using Where = LiveTraffic::Where;
    /// Something sent after `since` must be heard at all, and within `limit`. Returns how long it
    /// took.
    Duration hears(Where where, Duration limit, const NumberedMessages::Mark& since);
    Duration hears(Where where, Duration limit) {
        return hears(where, limit, _cluster->messages().mark());
    }

    std::unique_ptr<NumberedCluster> _cluster;
    std::unique_ptr<LiveTraffic> _traffic;
    Poco::AutoPtr<LogLines> _log;
    std::optional<Duration> _back;  // what comesBack() took
    TimePoint _began{};
    std::string _late;
};

/// A test of TrafficFaults: once more when it was late.
template <class Fixture>
class FaultTest : public CppUnit::TestCaller<Fixture> {
public:
    FaultTest(const std::string& name, void (Fixture::*test)(), Fixture* fixture)
        : CppUnit::TestCaller<Fixture>(name, test, fixture), _fixture(*fixture) {}

    void runTest() override {
        CppUnit::TestCaller<Fixture>::runTest();
        const std::string late = _fixture.takeLate();
        if (late.empty()) return;
        std::printf("%s: once more, as it was late:%s\n", this->getName().c_str(), late.c_str());
        this->tearDown();
        this->setUp();
        CppUnit::TestCaller<Fixture>::runTest();
        CPPUNIT_ASSERT_EQUAL(std::string(), _fixture.takeLate());
    }

private:
    Fixture& _fixture;
};

#define FAULT_TEST(method)                                                       \
    CPPUNIT_TEST_SUITE_ADD_TEST((new socketio::test::FaultTest<TestFixtureType>( \
        context.getTestNameFor(#method), &TestFixtureType::method, context.makeFixture())))

}  // namespace socketio::test
