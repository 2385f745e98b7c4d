// A wall clock that jumps, a process that stands still, and a network that is slow or loses.
#include <chrono>
#include <csignal>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

#include "FaultFixture.h"
#include "SharedNumbers.h"
#include "TcpGate.h"

namespace socketio::test {

using namespace std::chrono_literals;

/// The heartbeat is shortened: 1 s and 800 ms for 25 s and 20 s.
class TimeFaultTest : public FaultFixture {
    CPPUNIT_TEST_SUITE(TimeFaultTest);
    CPPUNIT_TEST(theClockJumps);
    CPPUNIT_TEST(theProcessStandsStillForAMoment);
    CPPUNIT_TEST(theProcessStandsStillForLongerThanAHeartbeat);
    CPPUNIT_TEST(theNetworkIsSlow);
    CPPUNIT_TEST(theNetworkLoses);
    CPPUNIT_TEST(theNetworkIsCutIntoBytes);
    CPPUNIT_TEST(theNetworkIsNarrow);
    CPPUNIT_TEST_SUITE_END();

public:
    void theClockJumps() {
        SharedNumbers offset;
        FaultServer::Options options = heartbeats();
        options.environment = {"LD_PRELOAD=" CLOCK_SHIM, "SOCKETIO_CLOCK=" + offset.path()};
        start(options);
        // There, back, beyond, and a day; in each of them for more than a heartbeat.
        for (const std::time_t jump : {3'600, 0, -3'600, 86'400, 0}) {
            offset[0] = jump;
            waitWithTraffic(2s);
            const std::string date = RawClient(server->port()).get("/healthz").header("Date");
            int zone = 0;
            const std::time_t shown =
                Poco::DateTimeParser::parse(Poco::DateTimeFormat::HTTP_FORMAT, date, zone)
                    .timestamp()
                    .epochTime();
            const std::time_t off = shown - std::time(nullptr) - jump;
            CPPUNIT_ASSERT_MESSAGE(date, off >= -10 && off <= 10);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), lostForTime());
        judge();
    }

    void theProcessStandsStillForAMoment() {
        start(heartbeats());
        standStill(800ms);
        waitWithTraffic(2s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), lostForTime());
        judge();
    }

    // Whoever has said something meanwhile is heard before he is judged; who had nothing to say is
    // asked.
    void theProcessStandsStillForLongerThanAHeartbeat() {
        start(heartbeats());
        WebSocketClient silent(server->port());
        const std::string sid = sidIn(silent.connect());
        standStill(4s);
        CPPUNIT_ASSERT(silent.raw().readable(5s));
        const std::string packet = silent.frame().payload;
        CPPUNIT_ASSERT_EQUAL(std::string("2"), packet);
        silent.send("3");
        waitWithTraffic(500ms);
        CPPUNIT_ASSERT_EQUAL(std::string(), server->reasonOf(sid));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), lostForTime());
        silent.raw().close();
        judge();
    }

    void theNetworkIsSlow() { behind({.delay = 100ms, .jitter = 25ms}, 20ms); }

    void theNetworkLoses() {
        const std::uint64_t lost =
            behind({.delay = 5ms, .jitter = 2ms, .loss = 0.01, .retransmission = 200ms}, 5ms);
        CPPUNIT_ASSERT(lost > 0);
    }

    void theNetworkIsCutIntoBytes() { behind({.segment = 1}, 5ms); }

    void theNetworkIsNarrow() { behind({.bytesPerSecond = 65'536}, 10ms); }

private:
    static FaultServer::Options heartbeats() {
        FaultServer::Options options;
        options.settings = {"engine.pingInterval=1000", "engine.pingTimeout=800"};
        return options;
    }

    void waitWithTraffic(std::chrono::milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) CPPUNIT_ASSERT(traffic->goesOn());
    }

    void standStill(std::chrono::milliseconds time) {
        server->signal(SIGSTOP);
        std::this_thread::sleep_for(time);  // the fault itself
        server->signal(SIGCONT);
    }

    std::uint64_t lostForTime() const { return server->disconnects("ping timeout"); }

    /// Traffic through such a network. Returns how many segments
    /// were lost.
    std::uint64_t behind(const TcpGate::Network& network, std::chrono::microseconds interval) {
        FaultServer::Options options;
        // Heartbeats that fit into a delay of 200 ms and more, there and back, behind a queue.
        options.settings = {"engine.pingInterval=1000", "engine.pingTimeout=3000"};
        start(options);
        std::uint64_t lost = 0;
        {
            TcpGate gate(server->port());
            gate.become(network);
            // One crowd at a time, since the server reports to one checker.
            CPPUNIT_ASSERT_EQUAL(std::string(), traffic->stop());
            traffic.reset();
            FaultTraffic::Options clients;
            clients.webSockets = 3;
            clients.pollers = 2;
            clients.port = gate.port();
            clients.interval = interval;
            traffic = std::make_unique<FaultTraffic>(*server, clients);
            waitWithTraffic(3s);
            lost = gate.lost();
            CPPUNIT_ASSERT_EQUAL(std::string(), traffic->stop());
            traffic.reset();
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->disconnects("ping timeout"));
        traffic = std::make_unique<FaultTraffic>(*server);
        judge();
        return lost;
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TimeFaultTest);

}  // namespace socketio::test
