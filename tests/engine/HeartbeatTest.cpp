#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

/// The heartbeat of EngineSession, in both directions and over both transports, to the millisecond.
class HeartbeatTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HeartbeatTest);
    CPPUNIT_TEST(pingsAClientOfRevision4AndTimesItOut);
    CPPUNIT_TEST(aPongStartsTheNextInterval);
    CPPUNIT_TEST(pingsWhenTheIntervalIsShorterThanTheTimeout);
    CPPUNIT_TEST(pingsThroughAParkedPoll);
    CPPUNIT_TEST(aPingWaitsForTheNextPollOnce);
    CPPUNIT_TEST(answersAClientOfRevision3AndTimesItOut);
    CPPUNIT_TEST(timesOutAClientOfRevision3AfterItsUpgrade);
    CPPUNIT_TEST(heartbeatsInTheWrongDirectionAreErrors);
    CPPUNIT_TEST(unsolicitedPongsAnswerNoPing);
    CPPUNIT_TEST(otherPacketsCostNoTimerWork);
    CPPUNIT_TEST(timeBeginsWhenTheAnswerHasLeft);
    CPPUNIT_TEST(aHandshakeThatIsNeverSentTimesOut);
    CPPUNIT_TEST(pausedReadingSuspendsTheDeadline);
    CPPUNIT_TEST(aPausedClientOfRevision4StillGetsPings);
    CPPUNIT_TEST(aPausedClientOfRevision3StillGetsPongs);
    CPPUNIT_TEST(manyShortPausesDoNotDelayThePings);
    CPPUNIT_TEST(withoutMonitoringNobodyIsTimedOut);
    CPPUNIT_TEST(aPendingPollIsAnsweredAtTheTimeout);
    CPPUNIT_TEST(whoWasNotAskedIsAskedBeforeHeIsJudged);
    CPPUNIT_TEST(whoeverSpokeWhileTheProcessStoodStillIsHeard);
    CPPUNIT_TEST_SUITE_END();

public:
    void whoWasNotAskedIsAskedBeforeHeIsJudged() {
        {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(4);
            standStill(engine, 60s);
            CPPUNIT_ASSERT(!engine.session().closed());
            ASSERT_LOG(Log{"2"}, channel->take());
            engine.assertEndsAfter(20s);
        }
        // For a moment only, but that in which the ping was due.
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        engine.executor.advance(24'900ms);
        standStill(engine, 20'100ms);
        ASSERT_LOG(Log{"2"}, channel->take());
        engine.assertEndsAfter(20s);
    }

    void whoeverSpokeWhileTheProcessStoodStillIsHeard() {
        {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(4);
            engine.executor.advance(25s);
            ASSERT_LOG(Log{"2"}, channel->take());
            standStill(engine, 60s);  // the pong waits in the socket, behind many others
            CPPUNIT_ASSERT(!engine.session().closed());
            channel->text("3");
            assertPingedAfter(25s, engine, *channel);
            engine.assertEndsAfter(20s);
        }
        EngineFixture engine;
        const auto channel = engine.openWebSocket(3);
        standStill(engine, 60s);
        CPPUNIT_ASSERT(!engine.session().closed());
        engine.assertEndsAfter(20s);
    }

    void pingsAClientOfRevision4AndTimesItOut() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        assertPingedAfter(25s, engine, *channel);
        engine.assertEndsAfter(20s);
        ASSERT_LOG(Log{}, channel->take());
        CPPUNIT_ASSERT(channel->closed());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
    }

    void aPongStartsTheNextInterval() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        engine.executor.advance(25s);
        ASSERT_LOG(Log{"2"}, channel->take());
        engine.executor.advance(3s);
        channel->text("3");
        assertPingedAfter(25s, engine, *channel);  // 28 s + 25 s
        engine.assertEndsAfter(20s);
    }

    void pingsWhenTheIntervalIsShorterThanTheTimeout() {
        EngineOptions options;
        options.pingInterval = 100ms;
        options.pingTimeout = 1000ms;
        EngineFixture engine(options);
        const auto channel = engine.openWebSocket(4);
        for (int i = 0; i < 30; ++i) {
            assertPingedAfter(100ms, engine, *channel);
            channel->text("3");
        }
        engine.executor.advance(100ms);
        ASSERT_LOG(Log{"2"}, channel->take());
        engine.assertEndsAfter(1s);
        ASSERT_LOG(Log{}, channel->take());  // one ping at a time
    }

    void pingsThroughAParkedPoll() {
        EngineFixture engine;
        const std::string query = engine.openPolling(4);
        const auto poll = engine.get(query);
        engine.executor.advance(24'999ms);
        CPPUNIT_ASSERT(!poll->answered());
        engine.executor.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), poll->body());
        engine.post(query, "3");
        const auto next = engine.get(query);
        engine.executor.advance(25s);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), next->body());
        engine.executor.advance(20s);
        ASSERT_LOG(Log{"close ping timeout"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
    }

    void aPingWaitsForTheNextPollOnce() {
        EngineOptions options;
        options.monitorClients = false;
        EngineFixture engine(options);
        const std::string query = engine.openPolling(4);
        engine.executor.advance(10min);
        CPPUNIT_ASSERT_EQUAL(std::string("2"), engine.get(query)->body());
    }

    void answersAClientOfRevision3AndTimesItOut() {
        {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(3);
            engine.executor.advance(25s);
            ASSERT_LOG(Log{}, channel->take());
            channel->text("2");
            ASSERT_LOG(Log{"3"}, channel->take());
            engine.assertEndsAfter(45s);
            ASSERT_LOG(Log{}, channel->take());
        }
        EngineFixture engine;
        const std::string query = engine.openPolling(3);
        const auto poll = engine.get(query);
        engine.post(query, "1:2");
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("1:3"), poll->body());
        engine.assertEndsAfter(45s);
    }

    void timesOutAClientOfRevision3AfterItsUpgrade() {
        EngineFixture engine;
        const auto candidate = engine.openCandidate(engine.openPolling(3));
        candidate->text("2probe");
        candidate->text("5");
        CPPUNIT_ASSERT(engine.session().onWebSocket());
        engine.executor.advance(30s);
        candidate->text("2");
        engine.assertEndsAfter(45s);
    }

    void heartbeatsInTheWrongDirectionAreErrors() {
        for (const auto& [revision, packet] : {std::pair(4, "2"), std::pair(3, "3")}) {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(revision);
            channel->text(packet);
            ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
            CPPUNIT_ASSERT(channel->closed());

            EngineFixture polling;
            const std::string query = polling.openPolling(revision);
            const std::string body = revision == 4 ? packet : std::string("1:") + packet;
            CPPUNIT_ASSERT_EQUAL(400, polling.post(query, body)->status());
            ASSERT_LOG(Log{"close transport error"}, polling.listener().log);
        }
    }

    void unsolicitedPongsAnswerNoPing() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        for (int i = 0; i < 100'000; ++i) channel->text("3");
        engine.executor.advance(10s);
        channel->text("3");
        engine.executor.advance(15s);
        ASSERT_LOG(Log{"2"}, channel->take());
        // They are bytes like any others: a sign of life, but no answer to a ping.
        engine.executor.advance(20s);
        ASSERT_LOG(Log{}, channel->take());
        engine.assertEndsAfter(10s);
    }

    void otherPacketsCostNoTimerWork() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(3);
        engine.executor.advance(20s);
        const TimePoint before = nextTimer(engine);
        for (int i = 0; i < 10; ++i) channel->text("2");
        channel->text("4hello");
        engine.send("answer");
        CPPUNIT_ASSERT(before == nextTimer(engine));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.executor.armedTimers());
        engine.assertEndsAfter(45s);
    }

    void timeBeginsWhenTheAnswerHasLeft() {
        EngineFixture engine;
        const auto handshake = openUnsent(engine, 3);
        engine.executor.advance(10s);
        handshake->sent();
        engine.assertEndsAfter(45s);
    }

    void aHandshakeThatIsNeverSentTimesOut() {
        EngineFixture engine;
        const auto handshake = openUnsent(engine, 4);
        engine.executor.advance(45s);
        CPPUNIT_ASSERT(engine.session().closed());
        handshake->sent();  // too late to matter
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
    }

    void pausedReadingSuspendsTheDeadline() {
        for (const int revision : {3, 4}) {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(revision);
            engine.executor.advance(40s);
            engine.pauseInput(true);
            CPPUNIT_ASSERT(channel->paused);
            engine.executor.advance(10min);
            CPPUNIT_ASSERT(!engine.session().closed());
            engine.pauseInput(false);
            CPPUNIT_ASSERT(!channel->paused);
            engine.assertEndsAfter(5s);
        }
    }

    void aPausedClientOfRevision4StillGetsPings() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        engine.pauseInput(true);
        // Its pongs are not read, but it ends the connection when it hears nothing for 45 s.
        for (int i = 0; i < 5; ++i) {
            engine.executor.advance(25s);
            ASSERT_LOG(Log{"2"}, channel->take());
        }
        engine.pauseInput(false);
        for (int i = 0; i < 5; ++i) channel->text("3");
        assertPingedAfter(25s, engine, *channel);
    }

    void aPausedClientOfRevision3StillGetsPongs() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(3);
        engine.pauseInput(true);
        for (int i = 0; i < 5; ++i) {
            engine.executor.advance(10s);
            ASSERT_LOG(Log{"3"}, channel->take());
        }
        engine.pauseInput(false);
        engine.executor.advance(30s);
        ASSERT_LOG(Log{}, channel->take());
    }

    void manyShortPausesDoNotDelayThePings() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        for (int i = 0; i < 25; ++i) {
            engine.pauseInput(true);
            engine.executor.advance(900ms);
            engine.pauseInput(false);
            engine.executor.advance(100ms);
        }
        ASSERT_LOG(Log{"2"}, channel->take());
        channel->text("3");
        // The pauses before the pong count for nothing after it.
        engine.assertEndsAfter(45s);
    }

    void withoutMonitoringNobodyIsTimedOut() {
        EngineOptions options;
        options.monitorClients = false;
        EngineFixture engine(options);
        const auto v4 = engine.openWebSocket(4);
        engine.executor.advance(25s);
        ASSERT_LOG(Log{"2"}, v4->take());
        engine.executor.advance(25s);
        ASSERT_LOG(Log{"2"}, v4->take());
        CPPUNIT_ASSERT(!engine.session().closed());
        engine.openWebSocket(3);
        engine.executor.advance(1h);
        CPPUNIT_ASSERT(!engine.session().closed());
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), engine.server.sessionCount());
    }

    void aPendingPollIsAnsweredAtTheTimeout() {
        EngineFixture engine;
        const std::string query = engine.openPolling(3);
        const auto poll = engine.get(query);
        engine.executor.advance(45s);
        CPPUNIT_ASSERT_EQUAL(std::string("1:1"), poll->body());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }

private:
    // Time passes, and nothing runs meanwhile.
    static void standStill(EngineFixture& engine, Duration time) {
        engine.executor.fakeClock().advance(time);
        engine.executor.advance(0ms);
    }
    /// A ping comes after `time`, to the millisecond.
    static void assertPingedAfter(Duration time, EngineFixture& engine,
                                  FakeWebSocketChannel& channel) {
        engine.executor.advance(time - 1ms);
        ASSERT_LOG(Log{}, channel.take());
        engine.executor.advance(1ms);
        ASSERT_LOG(Log{"2"}, channel.take());
    }
    /// A session on polling; its handshake's answer leaves when it is told so.
    static FakeExchange::Ptr openUnsent(EngineFixture& engine, int revision) {
        auto handshake = FakeExchange::make(
            engine.executor, "GET",
            engine.target("EIO=" + std::to_string(revision) + "&transport=polling"));
        handshake->autoSend = false;
        return engine.begin(std::move(handshake));
    }
    static TimePoint nextTimer(EngineFixture& engine) {
        return static_cast<FakeTimers&>(engine.executor.timers(0)).next();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HeartbeatTest);

}  // namespace socketio
