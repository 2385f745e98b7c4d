#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>
#include <zlib.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

namespace {

constexpr char kBadRequest[] = R"({"code":3,"message":"Bad request"})";

std::string inflated(const std::string& packed, int windowBits) {
    z_stream stream{};
    CPPUNIT_ASSERT_EQUAL(Z_OK, inflateInit2(&stream, windowBits));
    std::string out(10'000'000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CPPUNIT_ASSERT_EQUAL(Z_STREAM_END, inflate(&stream, Z_FINISH));
    CPPUNIT_ASSERT_EQUAL(uInt(0), stream.avail_in);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

std::string bytesOf(std::initializer_list<int> values) {
    std::string bytes;
    for (const int value : values) bytes += static_cast<char>(value);
    return bytes;
}

}  // namespace

class PollingTransportTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PollingTransportTest);
    CPPUNIT_TEST(parksAPollUntilThereIsSomething);
    CPPUNIT_TEST(aBurstGoesIntoOneAnswer);
    CPPUNIT_TEST(answersAtOnceWithWhatWaits);
    CPPUNIT_TEST(sendsSixteenPacketsToRevision4AndAnyNumberToRevision3);
    CPPUNIT_TEST(splitsAMessageBetweenAnswers);
    CPPUNIT_TEST(sendsBinaryAsTheRevisionWantsIt);
    CPPUNIT_TEST(handsThePacketsOfAPostToTheListener);
    CPPUNIT_TEST(readsThePayloadsOfRevision3);
    CPPUNIT_TEST(refusesBadPostsAndEndsTheSession);
    CPPUNIT_TEST(actsOnEachKindOfPacket);
    CPPUNIT_TEST(limitsThePacketsOfAPost);
    CPPUNIT_TEST(refusesBodiesOverTheLimitAndGoesOn);
    CPPUNIT_TEST(refusesPackedBodiesAndGoesOn);
    CPPUNIT_TEST(refusesBinaryBodiesOfRevision4);
    CPPUNIT_TEST(overlappingPollsEndTheSession);
    CPPUNIT_TEST(aPollAfterOneThatIsDueIsNoOverlap);
    CPPUNIT_TEST(overlappingPostsEndTheSessionAtTheHead);
    CPPUNIT_TEST(anAbortedPollEndsTheSession);
    CPPUNIT_TEST(aClientThatLeavesInTheMiddleOfAnAnswerEndsTheSession);
    CPPUNIT_TEST(anAbortedPostEndsTheSession);
    CPPUNIT_TEST(aPausedListenerHoldsTheAnswerOfAPost);
    CPPUNIT_TEST(aHeldPostThatIsAbortedEndsTheSession);
    CPPUNIT_TEST(aListenerThatFindsAParseErrorMakesThePostBad);
    CPPUNIT_TEST(theClosePacketEndsTheSession);
    CPPUNIT_TEST(aQueueThatOverflowsEndsTheSession);
    CPPUNIT_TEST(packsLargeAnswers);
    CPPUNIT_TEST(packsVeryLargeAnswersOnAWorker);
    CPPUNIT_TEST(speaksJsonpWhenItIsOn);
    CPPUNIT_TEST(keepsNothingAlive);
    CPPUNIT_TEST_SUITE_END();

public:
    void parksAPollUntilThereIsSomething() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        engine.executor.advance(20s);
        CPPUNIT_ASSERT(!poll->answered());
        engine.send("hello");
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(200, poll->status());
        CPPUNIT_ASSERT_EQUAL(std::string("4hello"), poll->body());
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=UTF-8"),
                             poll->header("Content-Type"));
    }

    void aBurstGoesIntoOneAnswer() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        engine.send("1");
        engine.send("2");
        engine.send("3");
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("41\x1e"
                                         "42\x1e"
                                         "43"),
                             poll->body());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.session().queuedBytes());
    }

    void answersAtOnceWithWhatWaits() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.send("a");
        engine.send("b");
        CPPUNIT_ASSERT(engine.session().queuedBytes() > 0);
        CPPUNIT_ASSERT_EQUAL(std::string("4a\x1e"
                                         "4b"),
                             engine.get(query)->body());
        CPPUNIT_ASSERT(!engine.get(query)->answered());
    }

    void sendsSixteenPacketsToRevision4AndAnyNumberToRevision3() {
        EngineFixture engine;
        std::string query = engine.openPolling(4);
        for (int i = 0; i < 40; ++i) engine.send("x");
        const auto count = [](const std::string& body, char separator) {
            return std::count(body.begin(), body.end(), separator);
        };
        CPPUNIT_ASSERT_EQUAL(15L, count(engine.get(query)->body(), '\x1e'));
        CPPUNIT_ASSERT_EQUAL(15L, count(engine.get(query)->body(), '\x1e'));
        CPPUNIT_ASSERT_EQUAL(7L, count(engine.get(query)->body(), '\x1e'));
        CPPUNIT_ASSERT(!engine.get(query)->answered());

        query = engine.openPolling(3);
        for (int i = 0; i < 40; ++i) engine.send("x");
        CPPUNIT_ASSERT_EQUAL(40L, count(engine.get(query)->body(), ':'));
    }

    void splitsAMessageBetweenAnswers() {
        EngineOptions options;
        options.maxPacketsPerPoll = 2;
        EngineFixture engine(options);
        const std::string query = engine.openPolling();
        engine.onSession([](EngineSession& s) {
            std::string text(EngineMessage::kHeadroom, ' ');
            s.send(EngineMessage::create(text + "event", {Binary("A"), Binary("B"), Binary("C")}));
        });
        engine.send("next");
        CPPUNIT_ASSERT_EQUAL(std::string("4event\x1e"
                                         "bQQ=="),
                             engine.get(query)->body());
        CPPUNIT_ASSERT_EQUAL(std::string("bQg==\x1e"
                                         "bQw=="),
                             engine.get(query)->body());
        CPPUNIT_ASSERT_EQUAL(std::string("4next"), engine.get(query)->body());
    }

    void sendsBinaryAsTheRevisionWantsIt() {
        const auto send = [](EngineFixture& engine) {
            engine.onSession([](EngineSession& s) {
                std::string text(EngineMessage::kHeadroom, ' ');
                s.send(EngineMessage::create(text + "€", {Binary("\x01\x02")}));
            });
        };
        EngineFixture engine;
        std::string query = engine.openPolling(4);
        send(engine);
        CPPUNIT_ASSERT_EQUAL(std::string("4€\x1e"
                                         "bAQI="),
                             engine.get(query)->body());

        query = engine.openPolling(3);
        send(engine);
        const auto binary = engine.get(query);
        CPPUNIT_ASSERT_EQUAL(bytesOf({0, 4, 255}) + "4€" + bytesOf({1, 3, 255, 4, 1, 2}),
                             binary->body());
        CPPUNIT_ASSERT_EQUAL(std::string("application/octet-stream"),
                             binary->header("Content-Type"));

        query = engine.openPolling(3, "&b64=1");
        send(engine);
        const auto text = engine.get(query);
        CPPUNIT_ASSERT_EQUAL(std::string("2:4€6:b4AQI="), text->body());
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=UTF-8"),
                             text->header("Content-Type"));
    }

    void handsThePacketsOfAPostToTheListener() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto answer = engine.post(query,
                                        "4one\x1e"
                                        "bAQI=\x1e"
                                        "4\x1e"
                                        "6\x1e"
                                        "4two");
        CPPUNIT_ASSERT_EQUAL(200, answer->status());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), answer->body());
        CPPUNIT_ASSERT_EQUAL(std::string("text/html"), answer->header("Content-Type"));
        ASSERT_LOG((Log{"text one", "binary \x01\x02", "text ", "text two"}),
                   engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(1, engine.listener().ends);
    }

    void readsThePayloadsOfRevision3() {
        EngineFixture engine;
        const std::string query = engine.openPolling(3);
        CPPUNIT_ASSERT_EQUAL(std::string("ok"),
                             engine
                                 .post(query, "2:4€10:b4AQIDBA==3:4😀",
                                       {{"Content-Type", "text/plain;charset=UTF-8"}})
                                 ->body());
        CPPUNIT_ASSERT_EQUAL(
            std::string("ok"),
            engine
                .post(query, bytesOf({0, 2, 255}) + "4x" + bytesOf({1, 2, 255, 4, 9}),
                      {{"Content-Type", "application/octet-stream"}})
                ->body());
        ASSERT_LOG((Log{"text €", "binary \x01\x02\x03\x04", "text 😀", "text x", "binary \x09"}),
                   engine.listener().log);
    }

    void refusesBadPostsAndEndsTheSession() {
        for (const char* body :
             {"", "abc", "\x1e", "\x1e\x1e", "4a\x1e", "9", "b!!!!", "4\xff", "0{}", "5", "2",
              "4a\x1e"
              "9"}) {
            EngineFixture engine;
            const std::string query = engine.openPolling(4);
            const auto poll = engine.get(query);
            const auto answer = engine.post(query, body);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, answer->status());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, std::string(kBadRequest), answer->body());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, std::string("1"), poll->body());
            const Log& log = engine.listener().log;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, std::size_t(1), log.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                body, std::string(*body == '2' ? "close transport error" : "close parse error"),
                log[0]);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, engine.get(query)->status());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, std::size_t(0), engine.executor.armedTimers());
        }
        for (const char* body : {"", "4x", "9:4x", "x:4x", "1:9", "3:b4!", "-1:4"}) {
            EngineFixture engine;
            const std::string query = engine.openPolling(3);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 400, engine.post(query, body)->status());
            ASSERT_LOG(Log{"close parse error"}, engine.listener().log);
        }
    }

    void actsOnEachKindOfPacket() {
        // Packets before a bad one are handed out, as their payload was whole; nothing after it.
        EngineFixture engine;
        const std::string query = engine.openPolling(4);
        CPPUNIT_ASSERT_EQUAL(400, engine
                                      .post(query,
                                            "4before\x1e"
                                            "0{}\x1e"
                                            "4after")
                                      ->status());
        ASSERT_LOG((Log{"text before", "close parse error"}), engine.listener().log);

        // noop and an unsolicited pong mean nothing
        const std::string next = engine.openPolling(4);
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine
                                                    .post(next,
                                                          "6\x1e"
                                                          "3\x1e"
                                                          "3x")
                                                    ->body());
        CPPUNIT_ASSERT(engine.listener().log.empty());
    }

    void limitsThePacketsOfAPost() {
        const auto payload = [](int packets) {
            std::string body = "40";
            for (int i = 1; i < packets; ++i)
                body +=
                    "\x1e"
                    "4" +
                    std::to_string(i);
            return body;
        };
        EngineFixture engine;
        std::string query = engine.openPolling();
        for (const int packets : {17, 1000}) {
            CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, payload(packets))->body());
            const Log log = engine.listener().take();
            CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(packets), log.size());
            for (int i = 0; i < packets; ++i)
                CPPUNIT_ASSERT_EQUAL("text " + std::to_string(i), log[static_cast<std::size_t>(i)]);
        }
        CPPUNIT_ASSERT_EQUAL(400, engine.post(query, payload(1001))->status());
        ASSERT_LOG(Log{"close parse error"}, engine.listener().log);
    }

    void refusesBodiesOverTheLimitAndGoesOn() {
        EngineOptions options;
        options.maxHttpBufferSize = 10;
        EngineFixture engine(options);
        const std::string query = engine.openPolling();
        const auto tooLarge = engine.post(query, "4" + std::string(10, 'x'));
        CPPUNIT_ASSERT_EQUAL(413, tooLarge->status());
        CPPUNIT_ASSERT_EQUAL(std::string(), tooLarge->body());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"),
                             engine.post(query, "4" + std::string(9, 'x'))->body());
        ASSERT_LOG(Log{"text xxxxxxxxx"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(
            std::size_t(10),
            engine.webSocket("EIO=4&transport=websocket")->webSocketOptions.maxMessageBytes);
    }

    void refusesPackedBodiesAndGoesOn() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto packed = engine.post(query, "4x", {{"Content-Encoding", "gzip"}});
        CPPUNIT_ASSERT_EQUAL(415, packed->status());
        CPPUNIT_ASSERT(!packed->bodyAsked);
        CPPUNIT_ASSERT_EQUAL(std::string("ok"),
                             engine.post(query, "4y", {{"Content-Encoding", "identity"}})->body());
        ASSERT_LOG(Log{"text y"}, engine.listener().log);
    }

    void refusesBinaryBodiesOfRevision4() {
        for (const char* type : {"application/octet-stream", "Application/Octet-Stream; x=1"}) {
            EngineFixture engine;
            const auto answer = engine.post(engine.openPolling(4), "4x", {{"Content-Type", type}});
            CPPUNIT_ASSERT_EQUAL(400, answer->status());
            ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        }
    }

    void overlappingPollsEndTheSession() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto first = engine.get(query);
        const auto second = engine.get(query);
        CPPUNIT_ASSERT_EQUAL(200, first->status());
        CPPUNIT_ASSERT_EQUAL(std::string("1"), first->body());
        CPPUNIT_ASSERT_EQUAL(400, second->status());
        CPPUNIT_ASSERT_EQUAL(std::string(kBadRequest), second->body());
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::string("overlapping polls"), engine.listener().closeDetail);
        CPPUNIT_ASSERT_EQUAL(std::string(R"({"code":1,"message":"Session ID unknown"})"),
                             engine.get(query)->body());
    }

    void aPollAfterOneThatIsDueIsNoOverlap() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto first = engine.get(query);
        engine.send("due");
        const auto second = engine.get(query);
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("4due"), first->body());
        CPPUNIT_ASSERT(!second->answered());
        engine.send("next");
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("4next"), second->body());
    }

    void overlappingPostsEndTheSessionAtTheHead() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto first =
            FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4first");
        first->holdBody = true;
        engine.begin(first);
        CPPUNIT_ASSERT(!first->answered());
        const auto second =
            FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4second");
        second->holdBody = true;
        engine.begin(second);
        CPPUNIT_ASSERT_EQUAL(400, second->status());  // though its body has not come
        CPPUNIT_ASSERT_EQUAL(400, first->status());
        first->deliverBody();
        second->deliverBody();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::string("overlapping posts"), engine.listener().closeDetail);
    }

    void anAbortedPollEndsTheSession() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        poll->abort();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::string("poll aborted"), engine.listener().closeDetail);
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
    }

    void aClientThatLeavesInTheMiddleOfAnAnswerEndsTheSession() {
        for (const bool leaves : {true, false}) {
            EngineFixture engine;
            const std::string query = engine.openPolling();
            engine.send(std::string(100'000, 'x'));
            const auto poll = FakeExchange::make(engine.executor, "GET", engine.target(query));
            poll->autoSend = false;
            engine.begin(poll);
            CPPUNIT_ASSERT_EQUAL(std::size_t(100'001), poll->body().size());
            if (leaves)
                poll->abort();
            else
                poll->sent();
            engine.executor.run();
            CPPUNIT_ASSERT_EQUAL(leaves, engine.session().closed());
            if (leaves) ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        }
    }

    void anAbortedPostEndsTheSession() {
        for (const auto status :
             {Exchange::BodyStatus::Incomplete, Exchange::BodyStatus::Invalid}) {
            EngineFixture engine;
            const std::string query = engine.openPolling();
            const auto post =
                FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4x");
            post->holdBody = true;
            engine.begin(post);
            post->failBody(status);
            ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        }
    }

    void aPausedListenerHoldsTheAnswerOfAPost() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.listener().react = [&](const std::string& what) {
            if (what == "text 2") engine.session().pauseInput(true);
        };
        const auto post = engine.post(query,
                                      "41\x1e"
                                      "42\x1e"
                                      "43");
        ASSERT_LOG((Log{"text 1", "text 2", "text 3"}), engine.listener().log);
        CPPUNIT_ASSERT(!post->answered());
        engine.executor.advance(10min);
        CPPUNIT_ASSERT(!engine.session().closed());
        engine.onSession([](EngineSession& s) { s.pauseInput(false); });
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), post->body());

        // Resumed while its packets are still being handed out.
        engine.listener().react = [&](const std::string& what) {
            if (what == "text 4") engine.session().pauseInput(true);
            if (what == "end") engine.session().pauseInput(false);
        };
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "44")->body());

        // A second POST beside one that is held is an overlap, and the first was good.
        engine.listener().react = [&](const std::string& what) {
            if (what == "text 5") engine.session().pauseInput(true);
        };
        const auto held = engine.post(query, "45");
        CPPUNIT_ASSERT_EQUAL(400, engine.post(query, "46")->status());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), held->body());
        CPPUNIT_ASSERT_EQUAL(std::string("close transport error"), engine.listener().log.back());
    }

    void aHeldPostThatIsAbortedEndsTheSession() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.onSession([](EngineSession& s) { s.pauseInput(true); });
        engine.post(query, "4x")->abort();
        ASSERT_LOG((Log{"text x", "close transport error"}), engine.listener().log);
    }

    void aListenerThatFindsAParseErrorMakesThePostBad() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.listener().react = [&](const std::string& what) {
            if (what == "text bad") engine.session().close(CloseReason::ParseError);
        };
        CPPUNIT_ASSERT_EQUAL(400, engine
                                      .post(query,
                                            "4bad\x1e"
                                            "4more")
                                      ->status());
        ASSERT_LOG((Log{"text bad", "close parse error"}), engine.listener().log);

        // A handler that ends the session on its own account does not.
        const std::string other = engine.openPolling();
        engine.listener().react = [&](const std::string& what) {
            if (what == "text bye") engine.session().close(CloseReason::ForcedClose);
        };
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(other, "4bye")->body());
    }

    void theClosePacketEndsTheSession() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        const auto poll = engine.get(query);
        const auto post = engine.post(query,
                                      "4last\x1e"
                                      "1\x1e"
                                      "4late");
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), post->body());
        CPPUNIT_ASSERT_EQUAL(std::string("6"), poll->body());
        ASSERT_LOG((Log{"text last", "close transport close"}), engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());

        // With packets that wait for it: it does not want them any more.
        const std::string other = engine.openPolling();
        for (int i = 0; i < 5; ++i) engine.send("unread");
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(other, "1")->body());
        ASSERT_LOG(Log{"close transport close"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
    }

    void aQueueThatOverflowsEndsTheSession() {
        EngineOptions options;
        options.maxOutboundBytes = 100'000;
        EngineFixture engine(options);
        const std::string query = engine.openPolling();
        const EngineMessage::Ptr message = EngineMessage::fromText(std::string(1000, 'x'));
        int accepted = 0;
        engine.onSession([&](EngineSession& s) {
            while (s.send(message)) ++accepted;
        });
        CPPUNIT_ASSERT(accepted > 90 && accepted < 100);
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        CPPUNIT_ASSERT_EQUAL(std::string("outbound limit"), engine.listener().closeDetail);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        CPPUNIT_ASSERT_EQUAL(400, engine.get(query)->status());

        // Empty messages count, too.
        engine.openPolling();
        int empty = 0;
        engine.onSession([&](EngineSession& s) {
            while (s.send(EngineMessage::fromText(""))) ++empty;
        });
        CPPUNIT_ASSERT(empty < 5000);
    }

    void packsLargeAnswers() {
        const auto answerTo = [](const char* acceptEncoding, std::size_t size,
                                 EngineOptions options = {}) {
            EngineFixture engine(options);
            const std::string query = engine.openPolling();
            engine.send(std::string(size - 1, 'x'));
            return engine.get(query, {{"Accept-Encoding", acceptEncoding}});
        };
        const std::string body = "4" + std::string(1023, 'x');
        const auto gzip = answerTo("gzip, deflate, br", 1024);
        CPPUNIT_ASSERT_EQUAL(std::string("gzip"), gzip->header("Content-Encoding"));
        CPPUNIT_ASSERT_EQUAL(body, inflated(gzip->body(), 31));
        CPPUNIT_ASSERT_EQUAL(std::string("Origin, Accept-Encoding"), gzip->header("Vary"));
        CPPUNIT_ASSERT_EQUAL(std::string("no-store"), gzip->header("Cache-Control"));

        const auto deflate = answerTo("gzip;q=0.5, deflate", 1024);
        CPPUNIT_ASSERT_EQUAL(std::string("deflate"), deflate->header("Content-Encoding"));
        CPPUNIT_ASSERT_EQUAL(body, inflated(deflate->body(), 15));

        const auto small = answerTo("gzip", 1023);
        CPPUNIT_ASSERT_EQUAL(std::string(), small->header("Content-Encoding"));
        CPPUNIT_ASSERT_EQUAL(std::string("4") + std::string(1022, 'x'), small->body());

        for (const char* none : {"", "br", "gzip;q=0, deflate;q=0", "*;q=0", "gzip;q=abc"}) {
            const auto plain = answerTo(none, 1024);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(none, std::string(), plain->header("Content-Encoding"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(none, body, plain->body());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(none, std::string("Origin, Accept-Encoding"),
                                         plain->header("Vary"));
        }
        EngineOptions off;
        off.httpCompression = false;
        CPPUNIT_ASSERT_EQUAL(body, answerTo("gzip", 1024, off)->body());
    }

    void packsVeryLargeAnswersOnAWorker() {
        for (const bool refused : {false, true}) {
            EngineFixture engine;
            engine.executor.refuseWork = refused;
            const std::string query = engine.openPolling();
            const std::string text(500'000, 'x');
            engine.send(text);
            const auto poll = engine.get(query, {{"Accept-Encoding", "gzip"}});
            CPPUNIT_ASSERT_EQUAL(refused, poll->answered());
            engine.executor.run();
            CPPUNIT_ASSERT_EQUAL(std::string(refused ? "" : "gzip"),
                                 poll->header("Content-Encoding"));
            // Without a worker that is free the client does not wait for one.
            CPPUNIT_ASSERT_EQUAL("4" + text, refused ? poll->body() : inflated(poll->body(), 31));
        }
        // The client goes away meanwhile.
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.send(std::string(500'000, 'x'));
        engine.get(query, {{"Accept-Encoding", "gzip"}})->abort();
        ASSERT_LOG(Log{"close transport error"}, engine.listener().log);
        engine.executor.run();
    }

    void speaksJsonpWhenItIsOn() {
        EngineOptions options;
        options.jsonp = true;
        options.compressionThreshold = 100'000;
        for (const char* bad : {"a", "1;alert(1)", "%3Cscript%3E", "", "12345678901"}) {
            EngineFixture engine(options);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                bad, 400, engine.get("EIO=3&transport=polling&j=" + std::string(bad))->status());
        }
        EngineFixture engine(options);
        const auto open = engine.get("EIO=3&transport=polling&b64=1&j=7");
        CPPUNIT_ASSERT_EQUAL(std::string("___eio[7](\""), open->body().substr(0, 11));
        CPPUNIT_ASSERT_EQUAL(std::string("application/javascript; charset=UTF-8"),
                             open->header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL(std::string("nosniff"), open->header("X-Content-Type-Options"));
        const std::string query = "EIO=3&transport=polling&b64=1&j=7&sid=" + engine.session().sid();
        engine.onSession([](EngineSession& s) {
            std::string text(EngineMessage::kHeadroom, ' ');
            s.send(EngineMessage::create(text + "\"\\", {Binary("A")}));
        });
        CPPUNIT_ASSERT_EQUAL(std::string(R"(___eio[7]("3:4\"\\6:b4QQ==");)"),
                             engine.get(query)->body());
        const auto post = engine.post(query, "d=7%3A4a%5C%5Cnb%5Cn",
                                      {{"Content-Type", "application/x-www-form-urlencoded"}});
        CPPUNIT_ASSERT_EQUAL(400, post->status());  // its length says 7, but it has 6 characters
        const std::string again = "EIO=4&transport=polling&j=1";
        engine.get(again);
        CPPUNIT_ASSERT_EQUAL(
            std::string("ok"),
            engine.post(again + "&sid=" + engine.session().sid(), "d=4a%5C%5Cnb%5Cnc")->body());
        ASSERT_LOG(Log{"text a\\nb\nc"}, engine.listener().log);
    }

    void keepsNothingAlive() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        std::weak_ptr<FakeExchange> poll = engine.get(query);
        CPPUNIT_ASSERT(!poll.expired());
        engine.send("x");
        engine.executor.run();
        CPPUNIT_ASSERT(poll.expired());
        std::weak_ptr<FakeExchange> post = engine.post(query, "4x");
        CPPUNIT_ASSERT(post.expired());
        std::weak_ptr<FakeExchange> unfinished;
        {
            const auto exchange =
                FakeExchange::make(engine.executor, "POST", engine.target(query), {}, "4x");
            exchange->holdBody = true;
            unfinished = engine.begin(exchange);
        }
        poll = engine.get(query);
        engine.onSession([](EngineSession& s) { s.close(CloseReason::TransportError); });
        CPPUNIT_ASSERT(poll.expired());
        CPPUNIT_ASSERT(unfinished.expired());
        CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PollingTransportTest);

}  // namespace socketio
