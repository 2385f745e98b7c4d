#include <algorithm>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

/// What counts as a sign of life of a client whose heartbeat is late: all that it sends.
class LivenessTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LivenessTest);
    CPPUNIT_TEST(anyPacketIsASignOfLife);
    CPPUNIT_TEST(aPartOfAMessageIsASignOfLife);
    CPPUNIT_TEST(aPostIsASignOfLifeFromItsHeadOn);
    CPPUNIT_TEST(aPollIsNone);
    CPPUNIT_TEST(aClientThatSendsButNeverPongsGetsItsPings);
    CPPUNIT_TEST(aPongBehindMuchElseIsAsGoodAsEver);
    CPPUNIT_TEST(whoIsReadAgainHasTimeToBeRead);
    CPPUNIT_TEST_SUITE_END();

public:
    void anyPacketIsASignOfLife() {
        for (const int revision : {3, 4}) {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(revision);
            engine.executor.advance(40s);
            channel->text("4x");
            engine.assertEndsAfter(45s);
        }
    }

    void aPartOfAMessageIsASignOfLife() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        engine.executor.advance(44s);
        channel->received = engine.executor.clock().now();  // no whole message
        engine.assertEndsAfter(45s);
    }

    void aPostIsASignOfLifeFromItsHeadOn() {
        EngineFixture engine;
        const std::string query = engine.openPolling(4);
        engine.executor.advance(40s);
        const auto post =
            FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4x");
        post->holdBody = true;
        engine.begin(post);
        engine.executor.advance(20s);
        CPPUNIT_ASSERT(!engine.session().closed());
        post->deliverBody();
        engine.assertEndsAfter(45s);
    }

    void aPollIsNone() {
        EngineFixture engine;
        const std::string query = engine.openPolling(4);
        engine.executor.advance(40s);
        engine.get(query);  // fetches the ping
        engine.get(query);
        engine.assertEndsAfter(5s);
    }

    void aClientThatSendsButNeverPongsGetsItsPings() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        Duration silence{}, longest{};
        for (int second = 0; second < 1000; ++second) {
            engine.executor.advance(1s);
            silence += 1s;
            if (channel->take() == Log{"2"}) silence = Duration::zero();
            longest = std::max(longest, silence);
            if (second % 7 == 0) channel->text("4x");
        }
        CPPUNIT_ASSERT(!engine.session().closed());
        // It would give up after 45 s.
        CPPUNIT_ASSERT(longest < 45s);
    }

    void aPongBehindMuchElseIsAsGoodAsEver() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        engine.executor.advance(24s);
        engine.pauseInput(true);
        engine.executor.advance(30s);
        engine.pauseInput(false);
        // It had sent much before it saw the ping, and is not read faster than its handlers go.
        for (int i = 0; i < 10; ++i) {
            channel->text("4event");
            engine.pauseInput(true);
            engine.executor.advance(10s);
            engine.pauseInput(false);
            engine.executor.advance(10s);
            CPPUNIT_ASSERT(!engine.session().closed());
        }
        channel->take();
        channel->text("3");
        engine.executor.advance(24'999ms);
        ASSERT_LOG(Log{}, channel->take());
        engine.executor.advance(1ms);
        ASSERT_LOG(Log{"2"}, channel->take());
    }

    void whoIsReadAgainHasTimeToBeRead() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket(4);
        engine.executor.advance(44'999ms);
        engine.pauseInput(true);
        engine.executor.advance(1min);
        engine.pauseInput(false);
        engine.executor.advance(999ms);
        CPPUNIT_ASSERT(!engine.session().closed());
        channel->text("4x");
        engine.assertEndsAfter(45s);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LivenessTest);

}  // namespace socketio
