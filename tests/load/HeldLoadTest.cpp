// Sections "hold" to "stampede": as many WebSocket sessions as one process takes.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;

/// SOCKETIO_LOAD_SECONDS in the environment is how long the sessions are held, half of it with
/// some of them replaced by others; SOCKETIO_LOAD_P99_MS is what 99 of 100 echoes must not exceed.
class HeldLoadTest : public LoadFixture {
    CPPUNIT_TEST_SUITE(HeldLoadTest);
    CPPUNIT_TEST(holdsThemWithTraffic);
    CPPUNIT_TEST(keepsMoreThanItTakesWaiting);
    CPPUNIT_TEST(survivesAResetOfAllAndTheirReturn);
    CPPUNIT_TEST(keepsABacklogWhileItStandsStill);
    CPPUNIT_TEST_SUITE_END();

public:
    void holdsThemWithTraffic() {
        const std::chrono::seconds time(fromEnvironment("SOCKETIO_LOAD_SECONDS", 60));
        LoadClients& clients = startAll();
        const std::size_t first = residentBytes();
        startTraffic();
        carryOn(time / 4);
        const std::size_t warm = residentBytes();
        carryOn(time / 4);
        const std::size_t held = residentBytes();
        settleTraffic();
        std::printf(
            "%s sessions held for %lld s: %s echoes, %s broadcasts received, echoes %s, "
            "broadcasts %s, memory %s KiB + %s, %s, %s KiB, %.1f KiB per session\n",
            grouped(count).c_str(), static_cast<long long>(time.count() / 2),
            grouped(clients.counts()["answers"]).c_str(),
            grouped(clients.counts()["broadcasts"]).c_str(), times("answer").c_str(),
            times("broadcast").c_str(), grouped(base.residentBytes >> 10).c_str(),
            grouped((first - base.residentBytes) >> 10).c_str(),
            grouped((warm - base.residentBytes) >> 10).c_str(),
            grouped((held - base.residentBytes) >> 10).c_str(),
            static_cast<double>(held - base.residentBytes) / 1024 / static_cast<double>(count));
        judgeLatency(clients);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), disconnectsSince());
        CPPUNIT_ASSERT(held < base.residentBytes + kPerSession * count);
        CPPUNIT_ASSERT(held <= warm + mayGrow(time / 4));

        const Footprint before = server->footprintNow();
        const std::uint64_t joined = clients.counts()["everJoined"];
        startTraffic();
        clients.churn(perMinute(time));
        carryOn(time / 2);
        clients.churn(0);
        waitForJoined(clients, count);
        CPPUNIT_ASSERT(clients.waitUntil(
            [](LoadClients::Counts& counts) { return counts["leaving"] == 0; }, kPatience));
        settleTraffic();
        const std::uint64_t replaced = clients.counts()["everJoined"] - joined;
        CPPUNIT_ASSERT(server->waitUntil(
            [&] { return server->connected() == count && disconnectsSince() == replaced; },
            kPatience));
        const Footprint after = server->footprintNow();
        std::printf(
            "%s of them replaced in %lld s: echoes %s, descriptors %zu -> %zu, threads "
            "%zu -> %zu, memory %s KiB more\n",
            grouped(replaced).c_str(), static_cast<long long>(time.count() / 2),
            times("answer").c_str(), before.descriptors, after.descriptors, before.threads,
            after.threads,
            std::to_string((static_cast<std::int64_t>(after.residentBytes) -
                            static_cast<std::int64_t>(before.residentBytes)) /
                           1024)
                .c_str());
        judgeLatency(clients);
        CPPUNIT_ASSERT(replaced > 0);
        CPPUNIT_ASSERT(differ(before.descriptors, after.descriptors) <= 2);
        CPPUNIT_ASSERT(differ(before.threads, after.threads) <= 2);
        CPPUNIT_ASSERT(after.residentBytes < base.residentBytes + kPerSession * count);
        end();
    }

    void keepsMoreThanItTakesWaiting() {
        constexpr std::size_t kMore = 2000, kLeave = 1000;
        constexpr auto kWindow = 4s;
        LoadClients& clients = startAll();
        // A broadcast costs more than what is to be seen here.
        startTraffic(kInterval, 1h);
        carryOn(kWindow);
        const auto before = cpuTime();
        carryOn(kWindow);
        const auto held = cpuTime() - before;

        LoadClients more("websocket", server->port());
        more.join(kMore, 500ms);
        CPPUNIT_ASSERT(more.waitUntil(
            [](LoadClients::Counts& counts) { return counts["connected"] == kMore; }, kPatience));
        const auto between = cpuTime();
        carryOn(kWindow);
        const auto crowded = cpuTime() - between;
        // They wait in the backlog.
        LoadClients::Counts waiting = more.counts();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMore), waiting["connected"]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), waiting["refused"] + waiting["everJoined"]);
        CPPUNIT_ASSERT_EQUAL(count, server->connected());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), disconnectsSince());

        const TimePoint left = Clock::system().now();
        clients.leave(kLeave, true);
        waitForJoined(more, kLeave);
        const Duration entered = Clock::system().now() - left;
        std::printf(
            "%s more wait: %.0f ms of CPU per second before, %.0f then; %s enter when as "
            "many leave, after %lld ms\n",
            grouped(kMore).c_str(), inMilliseconds(held) / inSeconds(kWindow),
            inMilliseconds(crowded) / inSeconds(kWindow), grouped(kLeave).c_str(),
            static_cast<long long>(inMilliseconds(entered)));
        // Who runs round the backlog takes all of a core.
        CPPUNIT_ASSERT(crowded < held + held / 10 + kWindow / 4);
        settleTraffic();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kLeave), more.counts()["joined"]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kLeave), disconnectsSince());

        // The others come in, too, when there is room again.
        clients.leave(kLeave, true);
        waitForJoined(more, kMore);
        more.leave(kMore, true);
        end();
    }

    void survivesAResetOfAllAndTheirReturn() {
        LoadClients& clients = startAll();
        startTraffic();
        const TimePoint reset = Clock::system().now();
        clients.leave(count, true);
        CPPUNIT_ASSERT(server->waitUntil([this] { return server->connected() == 0; }, kPatience));
        const Duration cleaned = Clock::system().now() - reset;
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(count), disconnectsSince());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->disconnectedTwice());
        CPPUNIT_ASSERT_EQUAL(std::string(), server->leftOver(base));

        clients.forgetTimes();
        const TimePoint back = Clock::system().now();
        clients.join(count, 10s);
        waitForJoined(clients, count);
        const Duration allBack = Clock::system().now() - back;
        std::printf(
            "%s reset at once: cleaned after %lld ms; all return within 10 s: in after "
            "%lld ms, to join took %s\n",
            grouped(count).c_str(), static_cast<long long>(inMilliseconds(cleaned)),
            static_cast<long long>(inMilliseconds(allBack)), times("join").c_str());
        CPPUNIT_ASSERT_EQUAL(count, server->connected());
        serveEverybody();
        end();
    }

    void keepsABacklogWhileItStandsStill() {
        std::size_t backlog = 0;
        std::ifstream("/proc/sys/net/core/somaxconn") >> backlog;
        backlog = std::min({backlog, std::size_t(4096), mostSessions()});
        CPPUNIT_ASSERT(backlog > 0);
        start();
        LoadClients& clients = addClients("websocket", server->port());
        takeBase();
        server->signal(SIGSTOP);
        clients.join(backlog, 0ms);
        const bool taken = clients.waitUntil(
            [&](LoadClients::Counts& counts) { return counts["connected"] == backlog; }, kPatience);
        server->signal(SIGCONT);
        CPPUNIT_ASSERT(taken);
        waitForJoined(clients, backlog);
        std::printf("%s came while the server stood still, and joined\n", grouped(backlog).c_str());
        serveEverybody();
        end();
    }

private:
    static double inMilliseconds(std::chrono::nanoseconds time) {
        return std::chrono::duration<double, std::milli>(time).count();
    }
    static double inSeconds(std::chrono::nanoseconds time) { return inMilliseconds(time) / 1000; }
    static std::size_t differ(std::size_t a, std::size_t b) { return a > b ? a - b : b - a; }

    /// One in twenty per minute; in the short form, in half of which too few would be replaced,
    /// one in five.
    std::size_t perMinute(std::chrono::seconds time) const {
        return count / (time < 5min ? 5 : 20);
    }

    LoadClients& startAll() {
        count = mostSessions();
        start();
        LoadClients& clients = addClients("websocket", server->port(), 2);
        takeBase();
        clients.forgetTimes();
        disconnectsBefore = server->disconnects("");
        const TimePoint begun = Clock::system().now();
        clients.join(count, 5s);
        waitForJoined(clients, count);
        std::printf("%s joined in %lld ms, each took %s\n", grouped(count).c_str(),
                    static_cast<long long>(inMilliseconds(Clock::system().now() - begun)),
                    times("join").c_str());
        CPPUNIT_ASSERT_EQUAL(std::string(), clients.faults());
        CPPUNIT_ASSERT_EQUAL(count, server->connected());
        return clients;
    }

    std::uint64_t disconnectsSince() const { return server->disconnects("") - disconnectsBefore; }

    void judgeLatency(LoadClients& clients) const {
        const std::size_t most = fromEnvironment("SOCKETIO_LOAD_P99_MS", 0);
        if (most > 0) CPPUNIT_ASSERT(clients.counts()["answer.p99"] <= 1000 * most);
    }

    std::size_t count = 0;
    std::uint64_t disconnectsBefore = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(HeldLoadTest);

}  // namespace socketio::test
