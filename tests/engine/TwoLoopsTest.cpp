#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

/// A session on loop 0 whose client is connected to loop 1.
class TwoLoopsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TwoLoopsTest);
    CPPUNIT_TEST(pollsAndPostsAreForwarded);
    CPPUNIT_TEST(theListenerIsCalledOnTheLoopOfTheSession);
    CPPUNIT_TEST(overlapsAreNoticed);
    CPPUNIT_TEST(anAbortedPollIsNoticed);
    CPPUNIT_TEST(anAbortBeforeTheSessionHasSeenThePollIsNoticed);
    CPPUNIT_TEST(anAnswerThatCrossedAnAbortEndsTheSession);
    CPPUNIT_TEST(aPostThatIsAbortedWhileHeldIsNoticed);
    CPPUNIT_TEST(anUpgradeBringsTheConnectionToTheLoopOfTheSession);
    CPPUNIT_TEST(refusesAPollThatCameAfterTheUpgradePacket);
    CPPUNIT_TEST(allowsPollsAgainWhenTheUpgradeFailed);
    CPPUNIT_TEST(allowsPollsWhenARefusedCandidateSentAnUpgradePacket);
    CPPUNIT_TEST(closesAWebSocketOfTheOtherLoop);
    CPPUNIT_TEST(keepsTheOrderOfMessages);
    CPPUNIT_TEST(aRefusedPollOfAnEndedSessionIsAnswered);
    CPPUNIT_TEST_SUITE_END();

public:
    void pollsAndPostsAreForwarded() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query, {}, 1);
        const auto post = engine.post(query, "4up", {}, 1);
        CPPUNIT_ASSERT(!post->answered());  // not before the session has taken it
        CPPUNIT_ASSERT(engine.listener().log.empty());
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), post->body());
        ASSERT_LOG(Log{"text up"}, engine.listener().log);
        CPPUNIT_ASSERT(!poll->answered());
        engine.send("down");
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("4down"), poll->body());
        CPPUNIT_ASSERT(poll->can().stream);

        // Too large, and a body that ends badly.
        EngineOptions options;
        options.maxHttpBufferSize = 5;
        EngineFixture small(options, 2);
        const std::string smallQuery = small.openPolling();
        const auto large = small.post(smallQuery, "4xxxxx", {}, 1);
        small.executor.run();
        CPPUNIT_ASSERT_EQUAL(413, large->status());
        CPPUNIT_ASSERT(!small.session().closed());
    }

    void theListenerIsCalledOnTheLoopOfTheSession() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        std::vector<Executor::LoopId> loops;
        engine.listener().react = [&](const std::string&) {
            loops.push_back(engine.executor.currentLoop());
        };
        engine.post(query, "4a", {}, 1);
        engine.executor.run();
        const auto candidate = engine.openCandidate(query, 1);
        candidate->text("2probe");
        candidate->text("5");
        candidate->text("4b");
        candidate->drop();
        engine.executor.run();
        ASSERT_LOG((Log{"text a", "upgrade", "text b", "close transport close"}),
                   engine.listener().log);
        CPPUNIT_ASSERT(loops.size() >= 3);
        for (const Executor::LoopId loop : loops) CPPUNIT_ASSERT_EQUAL(Executor::LoopId(0), loop);
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }

    void overlapsAreNoticed() {
        {
            EngineFixture engine({}, 2);
            const std::string query = engine.openPolling();
            const auto first = engine.get(query, {}, 0);
            const auto second = engine.get(query, {}, 1);
            engine.executor.run();
            CPPUNIT_ASSERT_EQUAL(std::string("1"), first->body());
            CPPUNIT_ASSERT_EQUAL(400, second->status());
            ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        }
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto first =
            FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4first", 1);
        first->holdBody = true;
        engine.begin(first);
        const auto second = engine.post(query, "4second", {}, 1);
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(400, second->status());
        first->deliverBody();
        engine.executor.run();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
    }

    void anAbortedPollIsNoticed() {
        EngineFixture engine({}, 2);
        const auto poll = engine.get(engine.openPolling(), {}, 1);
        engine.executor.run();
        poll->abort();
        CPPUNIT_ASSERT(!engine.session().closed());
        engine.executor.run();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
    }

    void anAbortBeforeTheSessionHasSeenThePollIsNoticed() {
        EngineFixture engine({}, 2);
        const auto poll = engine.get(engine.openPolling(), {}, 1);
        poll->abort();
        engine.executor.run();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }

    void anAnswerThatCrossedAnAbortEndsTheSession() {
        EngineFixture engine({}, 2);
        const auto poll = engine.get(engine.openPolling(), {}, 1);
        engine.executor.run();
        poll->abort();  // on its way to the session, which answers meanwhile
        engine.send("lost");
        engine.executor.run();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
    }

    void aPostThatIsAbortedWhileHeldIsNoticed() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        engine.onSession([](EngineSession& s) { s.pauseInput(true); });
        const auto post = engine.post(query, "4x", {}, 1);
        engine.executor.run();
        CPPUNIT_ASSERT(!post->answered());
        post->abort();
        engine.executor.run();
        ASSERT_LOG((Log{"text x", "close transport error"}), engine.listener().log);
    }

    void anUpgradeBringsTheConnectionToTheLoopOfTheSession() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query, {}, 1);
        const auto candidate = engine.openCandidate(query, 1);
        CPPUNIT_ASSERT_EQUAL(Executor::LoopId(0), candidate->loop());
        candidate->text("2probe");
        engine.executor.run();
        ASSERT_LOG(Log{"3probe"}, candidate->take());
        engine.executor.advance(100ms);
        CPPUNIT_ASSERT_EQUAL(std::string("6"), poll->body());
        engine.send("queued");
        candidate->text("5");
        candidate->text("4first");
        engine.executor.run();
        ASSERT_LOG(Log{"4queued"}, candidate->take());
        ASSERT_LOG((Log{"upgrade", "text first"}), engine.listener().log);
        candidate->queued = 123;
        CPPUNIT_ASSERT_EQUAL(std::size_t(123), engine.session().queuedBytes());
        engine.executor.advance(25s);
        ASSERT_LOG(Log{"2"}, candidate->take());

        // Another one is closed.
        const auto second = engine.openCandidate(query, 1);
        engine.executor.run();
        CPPUNIT_ASSERT(second->closed());
        CPPUNIT_ASSERT(!candidate->closed());
    }

    void refusesAPollThatCameAfterTheUpgradePacket() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query, 1);
        candidate->text("2probe");
        // The packet came first, but the loop of the session reads it in its next turn only.
        const auto poll = engine.get(query, {}, 1);
        const auto post = engine.post(query, "4x", {}, 1);
        engine.executor.post(0, [&] { candidate->text("5"); });
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(400, poll->status());
        CPPUNIT_ASSERT_EQUAL(400, post->status());
        CPPUNIT_ASSERT(engine.session().onWebSocket());
        ASSERT_LOG(Log{"upgrade"}, engine.listener().log);
    }

    void allowsPollsAgainWhenTheUpgradeFailed() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query, 1);
        candidate->text("5");  // without a probe it is no upgrade packet
        CPPUNIT_ASSERT(!engine.get(query)->answered());
        engine.executor.run();
        CPPUNIT_ASSERT(candidate->closed());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "4x")->body());
    }

    void allowsPollsWhenARefusedCandidateSentAnUpgradePacket() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto first = engine.openCandidate(query, 1);
        engine.executor.run();
        const auto second = engine.openCandidate(query, 1);
        second->text("2probe");
        second->text("5");
        engine.executor.run();
        CPPUNIT_ASSERT(second->closed());
        CPPUNIT_ASSERT(!first->closed());
        CPPUNIT_ASSERT(!engine.get(query)->answered());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "4x")->body());

        // One that was given up before its upgrade packet has come.
        first->text("2probe");
        engine.executor.run();
        engine.executor.advance(9s);
        EngineFixture late({}, 2);
        const std::string lateQuery = late.openPolling();
        const auto candidate = late.openCandidate(lateQuery, 1);
        candidate->text("2probe");
        late.executor.run();
        candidate->text("nonsense");
        candidate->text("5");
        late.executor.run();
        CPPUNIT_ASSERT(!late.get(lateQuery)->answered());
    }

    void closesAWebSocketOfTheOtherLoop() {
        EngineFixture engine({}, 2);
        const auto candidate = engine.openCandidate(engine.openPolling(), 1);
        candidate->text("2probe");
        candidate->text("5");
        engine.executor.run();
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        candidate->text("4on its way");
        engine.executor.run();
        CPPUNIT_ASSERT(candidate->closed());
        ASSERT_LOG((Log{"upgrade", "close forced close"}), engine.listener().log);
        candidate->drop();
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }

    void keepsTheOrderOfMessages() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto candidate = engine.openCandidate(query, 1);
        candidate->text("2probe");
        Log expected;
        const auto post = engine.post(query, "4p", {}, 1);
        expected.emplace_back("text p");
        engine.executor.run();
        candidate->text("5");
        expected.emplace_back("upgrade");
        for (int i = 0; i < 100; ++i) {
            candidate->text("4" + std::to_string(i));
            expected.push_back("text " + std::to_string(i));
            if (i % 7 == 0) engine.executor.run();
        }
        engine.executor.run();
        ASSERT_LOG(expected, engine.listener().log);
    }

    void aRefusedPollOfAnEndedSessionIsAnswered() {
        EngineFixture engine({}, 2);
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query, {}, 1);
        const auto post = engine.post(query, "4x", {}, 1);
        engine.onSession([](EngineSession& s) { s.close(CloseReason::TransportError); });
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(400, poll->status());
        CPPUNIT_ASSERT_EQUAL(400, post->status());
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TwoLoopsTest);

}  // namespace socketio
