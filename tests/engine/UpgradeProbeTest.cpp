#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

class UpgradeProbeTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UpgradeProbeTest);
    CPPUNIT_TEST(goesStepByStep);
    CPPUNIT_TEST(releasesThePollAfterAHundredMilliseconds);
    CPPUNIT_TEST(releasesLaterPollsToo);
    CPPUNIT_TEST(aPacketReleasesThePollEarlier);
    CPPUNIT_TEST(movesWhatIsQueuedToTheWebSocketInOrder);
    CPPUNIT_TEST(movesTheRestOfASplitMessage);
    CPPUNIT_TEST(whatWaitsDuringTheProbeStillGoesOverPolling);
    CPPUNIT_TEST(losesNothingWhateverTheMoment);
    CPPUNIT_TEST(anythingElseEndsTheCandidateAlone);
    CPPUNIT_TEST(silenceEndsTheCandidateAlone);
    CPPUNIT_TEST(aCandidateThatGoesAwayLeavesPollingAlone);
    CPPUNIT_TEST(aSecondWebSocketIsClosed);
    CPPUNIT_TEST(pollsAreRefusedAfterTheUpgrade);
    CPPUNIT_TEST(aPostThatBeganBeforeTheUpgradeIsHeard);
    CPPUNIT_TEST(aPollThatIsStillParkedIsReleased);
    CPPUNIT_TEST(theCandidateMayAskForBase64);
    CPPUNIT_TEST(pausedInputStaysPaused);
    CPPUNIT_TEST(endingTheSessionDuringTheProbe);
    CPPUNIT_TEST(abandonedUpgradesLeaveNothing);
    CPPUNIT_TEST_SUITE_END();

public:
    void goesStepByStep() {
        for (const int revision : {3, 4}) {
            EngineFixture engine;
            const std::string query = engine.openPolling(revision);
            const auto poll = engine.get(query);
            const auto candidate = engine.openCandidate(query);
            ASSERT_LOG(Log{}, candidate->take());
            candidate->text("2probe");
            ASSERT_LOG(Log{"3probe"}, candidate->take());
            CPPUNIT_ASSERT(!engine.session().onWebSocket());
            engine.executor.advance(100ms);
            CPPUNIT_ASSERT_EQUAL(std::string(revision == 4 ? "6" : "1:6"), poll->body());
            candidate->text("5");
            CPPUNIT_ASSERT(engine.session().onWebSocket());
            ASSERT_LOG(Log{"upgrade"}, engine.listener().take());

            engine.send("down");
            ASSERT_LOG(Log{"4down"}, candidate->take());
            candidate->text("4up");
            ASSERT_LOG(Log{"text up"}, engine.listener().take());
            candidate->text("5");  // said twice
            CPPUNIT_ASSERT(!engine.session().closed());
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.executor.armedTimers());
        }
    }

    void releasesThePollAfterAHundredMilliseconds() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        const auto candidate = engine.openCandidate(query);
        engine.executor.advance(1s);
        candidate->text("2probe");
        engine.executor.advance(99ms);
        CPPUNIT_ASSERT(!poll->answered());
        engine.executor.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::string("6"), poll->body());
    }

    void releasesLaterPollsToo() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        for (int i = 0; i < 3; ++i) {
            engine.executor.advance(500ms);
            const auto poll = engine.get(query);
            engine.executor.advance(99ms);
            CPPUNIT_ASSERT(!poll->answered());
            engine.executor.advance(1ms);
            CPPUNIT_ASSERT_EQUAL(std::string("6"), poll->body());
        }
    }

    void aPacketReleasesThePollEarlier() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        engine.executor.advance(50ms);
        engine.send("early");
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("4early"), poll->body());
        engine.executor.advance(200ms);
        ASSERT_LOG(Log{"3probe"}, candidate->take());
    }

    void movesWhatIsQueuedToTheWebSocketInOrder() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query);
        engine.send("1");
        candidate->text("2probe");
        engine.send("2");
        engine.onSession([](EngineSession& s) {
            std::string text(EngineMessage::kHeadroom, ' ');
            s.send(EngineMessage::create(text + "3", {Binary("A"), Binary("B")}));
        });
        engine.send("4");
        engine.listener().react = [](const std::string&) {};
        candidate->text("5");
        engine.send("5");
        engine.executor.run();
        ASSERT_LOG((Log{"3probe", "41", "42", "43", "b:A", "b:B", "44", "45"}), candidate->take());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.session().queuedBytes());
    }

    void movesTheRestOfASplitMessage() {
        for (const int sent : {1, 2, 3}) {
            EngineOptions options;
            options.maxPacketsPerPoll = static_cast<std::size_t>(sent);
            EngineFixture engine(options);
            const std::string query = engine.openPolling();
            engine.onSession([](EngineSession& s) {
                std::string text(EngineMessage::kHeadroom, ' ');
                s.send(EngineMessage::create(text + "x", {Binary("A"), Binary("B"), Binary("C")}));
            });
            engine.get(query);
            const auto candidate = engine.openCandidate(query);
            candidate->text("2probe");
            candidate->take();
            candidate->text("5");
            Log rest{"b:A", "b:B", "b:C"};
            rest.erase(rest.begin(), rest.begin() + (sent - 1));
            ASSERT_LOG(rest, candidate->take());
        }
    }

    void whatWaitsDuringTheProbeStillGoesOverPolling() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        engine.send("x");
        CPPUNIT_ASSERT_EQUAL(std::string("4x"), engine.get(query)->body());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "4y")->body());
        candidate->text("5");
        ASSERT_LOG(Log{"3probe"}, candidate->take());
        ASSERT_LOG((Log{"text y", "upgrade"}), engine.listener().log);
    }

    /// Numbered messages both ways, with the steps of the upgrade at every possible place between.
    void losesNothingWhateverTheMoment() {
        constexpr int kMessages = 8;
        for (int open = 0; open < kMessages; ++open)
            for (int probe = open; probe < kMessages; ++probe)
                for (int done = probe; done < kMessages; ++done)
                    for (const bool runBetween : {false, true})
                        upgradeAt(open, probe, done, kMessages, runBetween);
    }

    void anythingElseEndsTheCandidateAlone() {
        struct Case {
            Log frames;
            const char* binary;
        };
        const Case cases[] = {
            {{"2"}, nullptr},
            {{"4hello"}, nullptr},
            {{""}, nullptr},
            {{"3probe"}, nullptr},
            {{"2probe "}, nullptr},
            {{"5"}, nullptr},
            {{}, "2probe"},
            {{"2probe"}, "5"},
            {{"2probe", "2probe"}, nullptr},
            {{"2probe", "4hello"}, nullptr},
            {{"2probe", "55"}, nullptr},
            {{"2probe", "1"}, nullptr},
        };
        for (const Case& c : cases) {
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto poll = engine.get(query);
            const auto candidate = engine.openCandidate(query);
            for (const std::string& frame : c.frames) candidate->text(frame);
            if (c.binary) candidate->binary(c.binary);
            const std::string name = joined(c.frames);
            CPPUNIT_ASSERT_MESSAGE(name, candidate->closeCode && *candidate->closeCode == 0);
            candidate->text("5");  // too late
            candidate->drop();
            CPPUNIT_ASSERT_MESSAGE(name, !engine.session().onWebSocket());
            CPPUNIT_ASSERT_MESSAGE(name, !engine.session().closed());
            CPPUNIT_ASSERT_MESSAGE(name, engine.listener().log.empty());
            engine.send("still here");
            engine.executor.run();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("4still here"), poll->body());
            // And another attempt may succeed.
            const auto second = engine.openCandidate(query);
            second->text("2probe");
            second->text("5");
            CPPUNIT_ASSERT_MESSAGE(name, engine.session().onWebSocket());
        }
    }

    void silenceEndsTheCandidateAlone() {
        for (const auto& [probed, timeout] :
             {std::pair(false, 10'000ms), std::pair(true, 10'000ms), std::pair(true, 3'000ms)}) {
            EngineOptions options;
            if (timeout != 10'000ms) options.upgradeTimeout = timeout;
            EngineFixture engine(options);
            const std::string query = engine.openPolling();
            const auto candidate = engine.openCandidate(query);
            if (probed) candidate->text("2probe");
            engine.executor.advance(timeout - 1ms);
            CPPUNIT_ASSERT(!candidate->closed());
            engine.executor.advance(1ms);
            CPPUNIT_ASSERT(candidate->closed());
            CPPUNIT_ASSERT(!engine.session().closed());
            const auto poll = engine.get(query);
            engine.executor.advance(1s);
            CPPUNIT_ASSERT(!poll->answered());
        }
    }

    void aCandidateThatGoesAwayLeavesPollingAlone() {
        for (const bool probed : {false, true}) {
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto candidate = engine.openCandidate(query);
            if (probed) candidate->text("2probe");
            candidate->drop(1006);
            CPPUNIT_ASSERT(!engine.session().closed());
            engine.send("x");
            CPPUNIT_ASSERT_EQUAL(std::string("4x"), engine.get(query)->body());
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.executor.armedTimers());
            CPPUNIT_ASSERT_EQUAL(1L, candidate.use_count());
        }
    }

    void aSecondWebSocketIsClosed() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto first = engine.openCandidate(query);
        const auto second = engine.openCandidate(query);
        CPPUNIT_ASSERT(second->closeCode && *second->closeCode == 0);
        CPPUNIT_ASSERT(!first->closed());
        first->text("2probe");
        first->text("5");
        const auto third = engine.openCandidate(query);
        CPPUNIT_ASSERT(third->closed());
        second->drop();
        third->text("4x");
        third->drop();
        CPPUNIT_ASSERT(!engine.session().closed());
        CPPUNIT_ASSERT(!first->closed());
        ASSERT_LOG(Log{"upgrade"}, engine.listener().log);

        // A session that began on a WebSocket has no use for another, either.
        const auto channel = engine.openWebSocket();
        const auto extra =
            engine.webSocket("EIO=4&transport=websocket&sid=" + engine.session().sid())->channel;
        CPPUNIT_ASSERT(extra->closed());
        CPPUNIT_ASSERT(!channel->closed());
    }

    void pollsAreRefusedAfterTheUpgrade() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        candidate->text("5");
        for (const auto& answer : {engine.get(query), engine.post(query, "4x")}) {
            CPPUNIT_ASSERT_EQUAL(400, answer->status());
            CPPUNIT_ASSERT_EQUAL(std::string(R"({"code":3,"message":"Bad request"})"),
                                 answer->body());
        }
        CPPUNIT_ASSERT(!engine.session().closed());
        ASSERT_LOG(Log{"upgrade"}, engine.listener().log);
    }

    void aPostThatBeganBeforeTheUpgradeIsHeard() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto post =
            FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4slow");
        post->holdBody = true;
        engine.begin(post);
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        candidate->text("5");
        post->deliverBody();
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), post->body());
        ASSERT_LOG((Log{"upgrade", "text slow"}), engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(400, engine.post(query, "4x")->status());
    }

    void aPollThatIsStillParkedIsReleased() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        engine.send("x");
        candidate->text("5");  // before the turn has ended
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("6"), poll->body());
        ASSERT_LOG((Log{"3probe", "4x"}), candidate->take());
    }

    void theCandidateMayAskForBase64() {
        for (const int revision : {3, 4}) {
            EngineFixture engine;
            const std::string query = engine.openPolling(revision);
            const auto candidate = engine.openCandidate(query + "&b64=1");
            candidate->text("2probe");
            candidate->text("5");
            candidate->take();
            engine.onSession(
                [](EngineSession& s) { s.send(EngineMessage::fromBinary("\x01\x02")); });
            ASSERT_LOG(Log{revision == 4 ? "bAQI=" : "b4AQI="}, candidate->take());
        }
    }

    void pausedInputStaysPaused() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query);
        candidate->text("2probe");
        engine.onSession([](EngineSession& s) { s.pauseInput(true); });
        CPPUNIT_ASSERT(!candidate->paused);
        candidate->text("5");
        CPPUNIT_ASSERT(candidate->paused);
        engine.onSession([](EngineSession& s) { s.pauseInput(false); });
        CPPUNIT_ASSERT(!candidate->paused);
    }

    void endingTheSessionDuringTheProbe() {
        const auto close = [](EngineSession& s) { s.close(CloseReason::ForcedClose); };
        {
            // Before the probe the client polls: it hears of it there.
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto candidate = engine.openCandidate(query);
            engine.onSession(close);
            CPPUNIT_ASSERT(candidate->closed());
            CPPUNIT_ASSERT_EQUAL(std::string("1"), engine.get(query)->body());
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        }
        {
            // After it the client may have stopped polling: it hears of it on the WebSocket.
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto candidate = engine.openCandidate(query);
            candidate->text("2probe");
            candidate->take();
            engine.send("last");
            engine.onSession(close);
            CPPUNIT_ASSERT(!candidate->closed());
            candidate->text("5");
            ASSERT_LOG(Log{"4last"}, candidate->take());
            CPPUNIT_ASSERT(candidate->closed());
            ASSERT_LOG(Log{"close forced close"}, engine.listener().log);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
            candidate->drop();
            CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
        }
        {
            // Or it polls once more.
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto candidate = engine.openCandidate(query);
            candidate->text("2probe");
            engine.onSession(close);
            CPPUNIT_ASSERT_EQUAL(std::string("1"), engine.get(query)->body());
            CPPUNIT_ASSERT(candidate->closed());
        }
        {
            // When the client broke a rule there is nothing to wait for.
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto candidate = engine.openCandidate(query);
            candidate->text("2probe");
            engine.post(query, "9");
            CPPUNIT_ASSERT(candidate->closed());
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        }
    }

    void abandonedUpgradesLeaveNothing() {
        EngineFixture engine;
        constexpr std::size_t kCount = 10'000;
        for (std::size_t i = 0; i < kCount / 50; ++i) {
            const std::string query = engine.openPolling();
            for (int attempt = 0; attempt < 50; ++attempt) {
                const auto candidate = engine.openCandidate(query);
                if (attempt % 3 == 1) candidate->text("2probe");
                if (attempt % 3 == 2) engine.get(query)->sent();
                if (attempt < 49) candidate->drop(1006);
                engine.send("x");
                if (attempt % 3 != 2) engine.get(query);
                engine.executor.run();
            }
        }
        CPPUNIT_ASSERT_EQUAL(kCount / 50, engine.server.sessionCount());
        engine.executor.advance(45s);
        engine.listeners.clear();
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.server.sessionCount());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        for (const auto& session : engine.sessions) CPPUNIT_ASSERT_EQUAL(1L, session.use_count());
    }

private:
    static void upgradeAt(int open, int probe, int done, int messages, bool runBetween) {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        std::shared_ptr<FakeWebSocketChannel> candidate;
        FakeExchange::Ptr poll = engine.get(query);
        Log received;
        const auto harvest = [&](bool pollAgain) {
            engine.executor.run();
            if (poll && poll->answered()) {
                std::string body = poll->body();
                for (std::size_t at = 0; at <= body.size();) {
                    const std::size_t end = std::min(body.find('\x1e', at), body.size());
                    const std::string packet = body.substr(at, end - at);
                    if (packet != "6") received.push_back(packet);
                    at = end + 1;
                }
                poll = pollAgain ? engine.get(query) : nullptr;
            }
            if (candidate)
                for (const std::string& frame : candidate->take())
                    if (frame != "3probe") received.push_back(frame);
        };
        bool upgraded = false, probed = false;
        Log expected, expectedUp;
        for (int i = 0; i < messages; ++i) {
            const std::string number = std::to_string(i);
            engine.send(number);
            expected.push_back("4" + number);
            if (runBetween) harvest(!probed);
            if (upgraded)
                candidate->text("4" + number);
            else
                CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "4" + number)->body());
            expectedUp.push_back("text " + number);
            if (i == open) candidate = engine.openCandidate(query);
            if (i == probe) {
                candidate->text("2probe");
                probed = true;
            }
            if (i == done) {
                // The client waits for its last poll, then upgrades.
                while (poll) {
                    engine.executor.advance(100ms);
                    harvest(false);
                }
                engine.send("switch");
                expected.emplace_back("4switch");
                candidate->text("5");
                expectedUp.emplace_back("upgrade");
                upgraded = true;
            }
        }
        harvest(false);
        ASSERT_LOG(expected, received);
        ASSERT_LOG(expectedUp, engine.listener().log);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(UpgradeProbeTest);

}  // namespace socketio
