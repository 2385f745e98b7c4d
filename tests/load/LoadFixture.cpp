#include "LoadFixture.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <sys/resource.h>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadLoop.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

std::size_t descriptorLimit(std::size_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::min<std::size_t>(wanted, limit.rlim_max);
}

}  // namespace

void LoadFixture::tearDown() {
    crowds.clear();
    server.reset();
}

std::size_t LoadFixture::mostSessions() { return descriptorLimit(kDescriptors) - 1000; }

void LoadFixture::start(std::vector<std::string> settings) {
    FaultServer::Options options;
    options.limits = {"--nofile=" + std::to_string(descriptorLimit(kDescriptors))};
    options.settings = std::move(settings);
    server = std::make_unique<FaultServer>(options);
}

LoadClients& LoadFixture::addClients(const std::string& kind, std::uint16_t port,
                                     std::size_t processes) {
    return *crowds.emplace_back(std::make_unique<LoadClients>(kind, port, processes));
}

void LoadFixture::takeBase() {
    constexpr std::size_t kFirst = 100;
    std::size_t descriptors = server->footprintNow().descriptors;
    for (const auto& each : crowds) {
        each->join(kFirst, 0ms);
        waitForJoined(*each, kFirst);
        each->leave(kFirst / 2, false);
        each->leave(kFirst / 2, true);
        descriptors += each->keptConnections();
    }
    // Handlers have run before the last connections are closed.
    CPPUNIT_ASSERT(server->waitUntil(
        [&] {
            return server->connected() == 0 && server->footprintNow().descriptors <= descriptors;
        },
        kPatience));
    base = server->footprint();
}

void LoadFixture::waitForJoined(LoadClients& crowd, std::size_t count) {
    if (crowd.waitUntil(
            [&](LoadClients::Counts& counts) {
                return counts["joined"] == count || counts["refused"] + counts["dropped"] > 0;
            },
            kPatience))
        return;
    LoadClients::Counts counts = crowd.counts();
    CPPUNIT_FAIL(std::to_string(counts["joined"]) + " of " + std::to_string(count) + " joined, " +
                 std::to_string(counts["connected"]) + " connected, " +
                 std::to_string(counts["refused"]) + " refused; " + server->log());
}

void LoadFixture::startTraffic(Milliseconds echoInterval, Milliseconds broadcastInterval) {
    _broadcastInterval = broadcastInterval;
    _nextBroadcast = Clock::system().now();
    for (const auto& each : crowds) {
        each->expectBroadcast(_broadcasts + 1);
        each->forgetTimes();
        each->echoEvery(echoInterval);
    }
    broadcast();
}

void LoadFixture::broadcast() {
    ++_broadcasts;
    _nextBroadcast += _broadcastInterval;
    for (const auto& each : crowds) each->lastBroadcast(_broadcasts);
    server->emit("*", std::to_string(_broadcasts) + " " + std::to_string(LoadLoop::now()));
}

void LoadFixture::carryOn(Milliseconds time) {
    const TimePoint end = Clock::system().now() + time;
    const std::uint64_t timeouts = server->disconnects("ping timeout");
    const auto troubled = [&] { return server->disconnects("ping timeout") != timeouts; };
    for (TimePoint now; (now = Clock::system().now()) < end;) {
        CPPUNIT_ASSERT(!server->waitUntil(troubled, std::min(end, _nextBroadcast) - now));
        if (Clock::system().now() >= _nextBroadcast) broadcast();
    }
}

void LoadFixture::settleTraffic() {
    for (const auto& each : crowds) each->echoEvery(0ms);
    broadcast();  // whoever has joined meanwhile hears one
    for (const auto& each : crowds) {
        each->waitUntil(
            [](LoadClients::Counts& counts) {
                return counts["unanswered"] + counts["behind"] == 0;
            },
            kPatience);
        CPPUNIT_ASSERT_EQUAL(std::string(), each->faults());
        LoadClients::Counts counts = each->counts();
        CPPUNIT_ASSERT(counts["answers"] > 0);
        CPPUNIT_ASSERT(counts["broadcasts"] > 0);
    }
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->disconnects("ping timeout"));
}

void LoadFixture::serveEverybody() {
    std::vector<std::uint64_t> all;
    for (const auto& each : crowds) {
        LoadClients::Counts counts = each->counts();
        all.push_back(counts["answers"] + counts["joined"]);
    }
    startTraffic(3s);
    for (std::size_t i = 0; i < crowds.size(); ++i)
        CPPUNIT_ASSERT(crowds[i]->waitUntil(
            [&](LoadClients::Counts& counts) { return counts["answers"] >= all[i]; }, kPatience));
    settleTraffic();
}

void LoadFixture::end(std::size_t mayKeepBytes) {
    for (const auto& each : crowds) each->leave(each->counts()["joined"], true);
    judgeWhatIsLeft(mayKeepBytes);
}

void LoadFixture::judgeWhatIsLeft(std::size_t mayKeepBytes) {
    CPPUNIT_ASSERT(server->waitUntil([this] { return server->connected() == 0; }, kPatience));
    CPPUNIT_ASSERT_EQUAL(server->connects(), server->disconnects(""));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->disconnectedTwice());
    CPPUNIT_ASSERT_EQUAL(std::string(), server->leftOver(base, mayKeepBytes));
    CPPUNIT_ASSERT_EQUAL(0, server->stop());
}

std::size_t LoadFixture::mayGrow(std::chrono::seconds time) {
    constexpr std::chrono::seconds kLong = 10min;
    constexpr std::size_t kMiB = 1 << 20;
    return time < kLong ? 4 * kMiB
                        : kMiB * static_cast<std::size_t>(time.count()) /
                              static_cast<std::size_t>(kLong.count());
}

std::chrono::nanoseconds LoadFixture::cpuTime() const {
    clockid_t clock{};
    timespec used{};
    CPPUNIT_ASSERT(::clock_getcpuclockid(server->pid(), &clock) == 0 &&
                   ::clock_gettime(clock, &used) == 0);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::string LoadFixture::times(const char* kind) {
    std::string text;
    for (const char* const which : {".p50", ".p99", ".most"}) {
        std::uint64_t most = 0;
        for (const auto& each : crowds)
            most = std::max(most, each->counts()[kind + std::string(which)]);
        char number[64];
        std::snprintf(number, sizeof number, "%s %.1f", which + 1,
                      static_cast<double>(most) / 1000);
        text += (text.empty() ? "" : ", ") + std::string(number);
    }
    return text + " ms";
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, ",");
    return text;
}

}  // namespace socketio::test
