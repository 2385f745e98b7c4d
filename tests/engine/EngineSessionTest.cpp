#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

class EngineSessionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EngineSessionTest);
    CPPUNIT_TEST(givesTheMessagesOfAWebSocketToTheListener);
    CPPUNIT_TEST(refusesBadPacketsOnAWebSocket);
    CPPUNIT_TEST(sharesTheFramesOfAMessage);
    CPPUNIT_TEST(closesAWebSocketInAnOrderlyWay);
    CPPUNIT_TEST(saysWhyAWebSocketEnded);
    CPPUNIT_TEST(actsOnTheClosePacketAtOnce);
    CPPUNIT_TEST(endsASlowReader);
    CPPUNIT_TEST(theFirstReasonWins);
    CPPUNIT_TEST(mayBeClosedInsideItsListener);
    CPPUNIT_TEST(answersTheParkedPollWhenItCloses);
    CPPUNIT_TEST(keepsTheCloseForTheNextPoll);
    CPPUNIT_TEST(keepsTheCloseNoLongerThanAClientMayBeSilent);
    CPPUNIT_TEST(deliversALongQueueBeforeTheClose);
    CPPUNIT_TEST(acceptsPostsWhileTheCloseWaits);
    CPPUNIT_TEST(sendsNothingAfterItsEnd);
    CPPUNIT_TEST(dropsTheEnvironWhenTold);
    CPPUNIT_TEST(pausesItsWebSocket);
    CPPUNIT_TEST(outlivesItsServerOnAConnection);
    CPPUNIT_TEST(namesItsCloseReasons);
    CPPUNIT_TEST_SUITE_END();

public:
    void givesTheMessagesOfAWebSocketToTheListener() {
        EngineFixture engine;
        auto channel = engine.openWebSocket(4);
        channel->text("4hello");
        channel->text("4");
        channel->binary("\x01\x02");
        channel->binary("");
        channel->text("bAQI=");
        channel->text("6");
        ASSERT_LOG((Log{"text hello", "text ", "binary \x01\x02", "binary ", "binary \x01\x02"}),
                   engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(6, engine.listener().ends);

        channel = engine.openWebSocket(3);
        channel->text("4hello");
        channel->binary("\x04\x01");
        channel->binary("\x04");
        channel->text("b4AQI=");
        ASSERT_LOG((Log{"text hello", "binary \x01", "binary ", "binary \x01\x02"}),
                   engine.listener().log);
    }

    void refusesBadPacketsOnAWebSocket() {
        struct Case {
            int revision;
            const char* text;
            const char* binary;
        };
        const Case cases[] = {{4, "", nullptr},     {4, "7", nullptr},      {4, "hello", nullptr},
                              {4, "b!", nullptr},   {4, "0{}", nullptr},    {3, "", nullptr},
                              {3, "9x", nullptr},   {3, "b5AQI=", nullptr}, {3, "bAQI=", nullptr},
                              {3, nullptr, ""},     {3, nullptr, "4hello"}, {3, nullptr, "\x02"},
                              {3, "b4AQ=", nullptr}};
        for (const Case& c : cases) {
            EngineFixture engine;
            const auto channel = engine.openWebSocket(c.revision);
            if (c.text)
                channel->text(c.text);
            else
                channel->binary(c.binary);
            const std::string name = c.text ? c.text : c.binary;
            ASSERT_LOG(Log{"close parse error"}, engine.listener().log);
            CPPUNIT_ASSERT_MESSAGE(name, channel->closed());
            channel->text("4late");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::size_t(1), engine.listener().log.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, 0, engine.listener().ends);
        }
    }

    void sharesTheFramesOfAMessage() {
        EngineFixture engine;
        const auto first = engine.openWebSocket(4);
        const auto second = engine.openWebSocket(4);
        std::string text(EngineMessage::kHeadroom, ' ');
        const auto message = EngineMessage::create(text + "all", {Binary("A")});
        for (const auto& session : engine.sessions)
            engine.executor.onLoop(0, [&] { CPPUNIT_ASSERT(session->send(message)); });
        CPPUNIT_ASSERT(first->sentFrames.back().view().data() ==
                       second->sentFrames.back().view().data());
        ASSERT_LOG((Log{"4all", "b:A"}), second->take());
    }

    void closesAWebSocketInAnOrderlyWay() {
        struct Case {
            CloseReason reason;
            std::uint16_t code;
        };
        for (const Case& c : {Case{CloseReason::ForcedClose, 0}, Case{CloseReason::ParseError, 0},
                              Case{CloseReason::ServerShuttingDown, 1001}}) {
            EngineFixture engine;
            const auto channel = engine.openWebSocket();
            engine.send("last");
            engine.onSession([&](EngineSession& s) { s.close(c.reason, "detail"); });
            ASSERT_LOG(Log{"4last"}, channel->take());
            CPPUNIT_ASSERT_EQUAL(c.code, channel->closeCode.value());
            ASSERT_LOG(Log{"close " + std::string(toString(c.reason))}, engine.listener().log);
            CPPUNIT_ASSERT_EQUAL(std::string("detail"), engine.listener().closeDetail);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
            channel->text("4late");
            channel->drop();
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.listener().log.size());
            CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
            CPPUNIT_ASSERT_EQUAL(1L, engine.listeners.back().use_count());
        }
    }

    void saysWhyAWebSocketEnded() {
        struct Case {
            std::uint16_t code;
            const char *detail, *reason;
        };
        const Case cases[] = {
            {1000, "", "close transport close"},
            {1001, "", "close transport close"},
            {1005, "", "close transport close"},
            {1006, "", "close transport close"},
            {1006, "outbound limit", "close transport error"},
            {1002, "bad mask", "close transport error"},
            {1007, "bad UTF-8", "close transport error"},
            {1009, "message too large", "close transport error"},
        };
        for (const Case& c : cases) {
            EngineFixture engine;
            engine.openWebSocket()->drop(c.code, c.detail);
            ASSERT_LOG(Log{c.reason}, engine.listener().log);
            CPPUNIT_ASSERT_EQUAL(std::string(c.detail), engine.listener().closeDetail);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
            CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
        }
    }

    void actsOnTheClosePacketAtOnce() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket();
        engine.send("unread");
        channel->text("1");
        ASSERT_LOG(Log{"close transport close"}, engine.listener().log);
        CPPUNIT_ASSERT(channel->closed());
        channel->drop();
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.listener().log.size());
    }

    void endsASlowReader() {
        EngineOptions options;
        options.maxOutboundBytes = 1000;
        EngineFixture engine(options);
        const auto channel = engine.openWebSocket();
        channel->queued = 900;
        engine.send("fits");
        CPPUNIT_ASSERT(!engine.session().closed());
        CPPUNIT_ASSERT_EQUAL(std::size_t(900), engine.session().queuedBytes());
        channel->queued = 999;
        engine.onSession([](EngineSession& s) {
            CPPUNIT_ASSERT(!s.send(EngineMessage::fromText("does not fit")));
        });
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::string("outbound limit"), engine.listener().closeDetail);
        CPPUNIT_ASSERT(channel->aborted);
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.listener().log.size());

        // One message may be larger when nothing waits before it.
        EngineFixture idle(options);
        const auto free = idle.openWebSocket();
        idle.send(std::string(2000, 'x'));
        CPPUNIT_ASSERT(!idle.session().closed());
        ASSERT_LOG(Log{"4" + std::string(2000, 'x')}, free->take());
        const std::string query = idle.openPolling();
        idle.send(std::string(2000, 'x'));
        CPPUNIT_ASSERT(!idle.session().closed());
        CPPUNIT_ASSERT_EQUAL("4" + std::string(2000, 'x'), idle.get(query)->body());

        // By default four messages of the largest size, and 4 MiB at least.
        CPPUNIT_ASSERT_EQUAL(std::size_t(4'194'304), EngineOptions().outboundLimit());
        EngineOptions classic;
        classic.maxHttpBufferSize = 100'000'000;
        CPPUNIT_ASSERT_EQUAL(std::size_t(400'000'000), classic.outboundLimit());
    }

    void theFirstReasonWins() {
        EngineFixture engine;
        engine.openWebSocket();
        engine.onSession([](EngineSession& s) {
            s.close(CloseReason::PingTimeout, "first");
            s.close(CloseReason::ForcedClose, "second");
        });
        ASSERT_LOG(Log{"close ping timeout"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), engine.listener().closeDetail);
    }

    void mayBeClosedInsideItsListener() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket();
        engine.listener().react = [&](const std::string& what) {
            if (what == "text x") engine.session().close(CloseReason::ForcedClose);
        };
        std::weak_ptr<RecordingListener> listener = engine.listeners.back();
        channel->text("4x");
        ASSERT_LOG((Log{"text x", "close forced close"}), engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(0, engine.listener().ends);
        engine.listeners.clear();
        CPPUNIT_ASSERT(listener.expired());

        // And closing again inside onClose does nothing.
        engine.openWebSocket();
        engine.listener().react = [&](const std::string& what) {
            if (what == "close forced close") engine.session().close(CloseReason::ParseError);
        };
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        ASSERT_LOG(Log{"close forced close"}, engine.listener().log);
    }

    void answersTheParkedPollWhenItCloses() {
        struct Case {
            CloseReason reason;
            const char* body;
        };
        for (const Case& c :
             {Case{CloseReason::ForcedClose, "1"}, Case{CloseReason::ServerShuttingDown, "1"},
              Case{CloseReason::ParseError, "1"}, Case{CloseReason::TransportError, "1"},
              Case{CloseReason::PingTimeout, "1"}, Case{CloseReason::TransportClose, "6"}}) {
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto poll = engine.get(query);
            engine.onSession([&](EngineSession& s) { s.close(c.reason); });
            CPPUNIT_ASSERT_EQUAL(std::string(c.body), poll->body());
            CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        }
        // What was sent just before goes with it.
        EngineFixture engine;
        const auto poll = engine.get(engine.openPolling());
        engine.send("41");
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("441\x1e"
                                         "1"),
                             poll->body());
    }

    void keepsTheCloseForTheNextPoll() {
        {
            EngineFixture engine;
            const std::string query = engine.openPolling();
            engine.send("41");
            engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
            ASSERT_LOG(Log{"close forced close"}, engine.listener().log);
            engine.executor.advance(29s);
            CPPUNIT_ASSERT_EQUAL(std::string("441\x1e"
                                             "1"),
                                 engine.get(query)->body());
            CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        }
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        engine.executor.advance(29'999ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.executor.armedTimers());
        engine.executor.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }

    void keepsTheCloseNoLongerThanAClientMayBeSilent() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.executor.advance(40s);  // of 45 without a sign of life
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        engine.executor.advance(4'999ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.executor.armedTimers());
        engine.executor.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
    }

    void deliversALongQueueBeforeTheClose() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        for (int i = 0; i < 31; ++i) engine.send("x");
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        engine.executor.run();
        const auto packets = [](const std::string& body) {
            return std::count(body.begin(), body.end(), '\x1e') + 1;
        };
        CPPUNIT_ASSERT_EQUAL(16L, packets(poll->body()));
        const std::string rest = engine.get(query)->body();
        CPPUNIT_ASSERT_EQUAL(16L, packets(rest));
        CPPUNIT_ASSERT_EQUAL('1', rest.back());
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
    }

    void acceptsPostsWhileTheCloseWaits() {
        // A pong that crosses our close must not cost the client what is queued for it.
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.send("41");
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "3")->body());
        CPPUNIT_ASSERT_EQUAL(std::string("441\x1e"
                                         "1"),
                             engine.get(query)->body());
        ASSERT_LOG(Log{"close forced close"}, engine.listener().log);
    }

    void sendsNothingAfterItsEnd() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket();
        engine.onSession([](EngineSession& s) {
            s.close(CloseReason::ForcedClose);
            CPPUNIT_ASSERT(!s.send(EngineMessage::fromText("x")));
            s.pauseInput(true);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), s.queuedBytes());
        });
        ASSERT_LOG(Log{}, channel->take());
        const std::string query = engine.openPolling();
        engine.onSession([](EngineSession& s) {
            s.close(CloseReason::ForcedClose);
            CPPUNIT_ASSERT(!s.send(EngineMessage::fromText("x")));
        });
        CPPUNIT_ASSERT_EQUAL(std::string("1"), engine.get(query)->body());
    }

    void dropsTheEnvironWhenTold() {
        EngineFixture engine;
        const auto exchange = engine.webSocket("EIO=4&transport=websocket&token=t");
        CPPUNIT_ASSERT_EQUAL(std::string("t"), engine.session().environ()->queryParameter("token"));
        CPPUNIT_ASSERT(engine.session().environ() == exchange->sharedEnviron());
        engine.session().dropEnviron();
        CPPUNIT_ASSERT(!engine.session().environ());
        CPPUNIT_ASSERT_EQUAL(1L, exchange->sharedEnviron().use_count());
    }

    void pausesItsWebSocket() {
        EngineFixture engine;
        const auto channel = engine.openWebSocket();
        engine.onSession([](EngineSession& s) { s.pauseInput(true); });
        CPPUNIT_ASSERT(channel->paused);
        channel->text("4read before");  // was in the buffer already
        ASSERT_LOG(Log{"text read before"}, engine.listener().log);
        engine.onSession([](EngineSession& s) { s.pauseInput(false); });
        CPPUNIT_ASSERT(!channel->paused);
    }

    void outlivesItsServerOnAConnection() {
        std::shared_ptr<FakeWebSocketChannel> channel;
        ManualExecutor executor;
        {
            EngineServer server({}, [](const EngineSession::Ptr&) {
                return std::make_shared<RecordingListener>();
            });
            server.start(executor);
            const auto exchange = FakeExchange::makeWebSocket(
                executor, EngineFixture::target("EIO=4&transport=websocket"));
            executor.onLoop(0, [&] { server.begin(exchange); });
            channel = exchange->channel;
        }
        channel->text("4x");
        channel->drop();
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), executor.armedTimers());
    }

    void namesItsCloseReasons() {
        CPPUNIT_ASSERT(toString(CloseReason::TransportClose) == "transport close");
        CPPUNIT_ASSERT(toString(CloseReason::TransportError) == "transport error");
        CPPUNIT_ASSERT(toString(CloseReason::PingTimeout) == "ping timeout");
        CPPUNIT_ASSERT(toString(CloseReason::ParseError) == "parse error");
        CPPUNIT_ASSERT(toString(CloseReason::ForcedClose) == "forced close");
        CPPUNIT_ASSERT(toString(CloseReason::ServerShuttingDown) == "server shutting down");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineSessionTest);

}  // namespace socketio
