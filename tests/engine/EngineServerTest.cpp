#include <set>
#include <stdexcept>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Exception.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "EngineFixture.h"

namespace socketio {

using namespace test;

namespace {

constexpr char kTransportUnknown[] = R"({"code":0,"message":"Transport unknown"})";
constexpr char kSessionUnknown[] = R"({"code":1,"message":"Session ID unknown"})";
constexpr char kBadMethod[] = R"({"code":2,"message":"Bad handshake method"})";
constexpr char kBadRequest[] = R"({"code":3,"message":"Bad request"})";
constexpr char kForbidden[] = R"({"code":4,"message":"Forbidden"})";
constexpr char kBadVersion[] = R"({"code":5,"message":"Unsupported protocol version"})";

std::string openJson(const std::string& sid, const std::string& upgrades) {
    return "{\"sid\":\"" + sid + "\",\"upgrades\":[" + upgrades +
           "],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}";
}

}  // namespace

class EngineServerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EngineServerTest);
    CPPUNIT_TEST(answersAPollingHandshake);
    CPPUNIT_TEST(answersAWebSocketHandshake);
    CPPUNIT_TEST(theOutboundLimitOfAWebSocketIsTheOption);
    CPPUNIT_TEST(refusesMoreThan64Parameters);
    CPPUNIT_TEST(refusesWhatIsNoHandshake);
    CPPUNIT_TEST(refusesWhatIsNoWebSocketHandshake);
    CPPUNIT_TEST(refusesRequestsThatDoNotFitTheirSession);
    CPPUNIT_TEST(servesOnlyTheRevisionsAndTransportsThatAreOn);
    CPPUNIT_TEST(announcesTheUpgradeOnlyWhereItIsPossible);
    CPPUNIT_TEST(whatTheCallbackSendsLeavesWithTheOpenPacket);
    CPPUNIT_TEST(aCallbackThatClosesIsHeard);
    CPPUNIT_TEST(aCallbackThatFailsLeavesNoSession);
    CPPUNIT_TEST(setsTheCookieOnTheFirstPollingAnswerOnly);
    CPPUNIT_TEST(everyAnswerForbidsCachingAndSniffing);
    CPPUNIT_TEST(answersPreflightRequests);
    CPPUNIT_TEST(offersCredentialsUnlessToldOtherwise);
    CPPUNIT_TEST(logsToTheLoggerItWasGiven);
    CPPUNIT_TEST(refusesForeignOriginsEverywhere);
    CPPUNIT_TEST(nothingOfTheRequestIsReflected);
    CPPUNIT_TEST(findsOpenSessionsOnly);
    CPPUNIT_TEST(refusesOptionsThatCannotBe);
    CPPUNIT_TEST(belongsToOneHub);
    CPPUNIT_TEST(stopClosesAThousandSessionsAtATime);
    CPPUNIT_TEST(stopDeliversWhatIsQueued);
    CPPUNIT_TEST(stopEndsTheRestAtItsDeadline);
    CPPUNIT_TEST(generatesIdsThatNeverRepeat);
    CPPUNIT_TEST(refusesNewSessionsBeforeItStops);
    CPPUNIT_TEST_SUITE_END();

public:
    void answersAPollingHandshake() {
        for (const int revision : {3, 4}) {
            EngineFixture engine;
            const auto answer =
                engine.get("EIO=" + std::to_string(revision) + "&transport=polling&t=Pq1x");
            CPPUNIT_ASSERT_EQUAL(200, answer->status());
            const std::string open = "0" + openJson(engine.session().sid(), "\"websocket\"");
            CPPUNIT_ASSERT_EQUAL(revision == 4 ? open : std::to_string(open.size()) + ":" + open,
                                 answer->body());
            CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=UTF-8"),
                                 answer->header("Content-Type"));
            CPPUNIT_ASSERT(engine.session().revision() ==
                           (revision == 4 ? EngineRevision::V4 : EngineRevision::V3));
            CPPUNIT_ASSERT(!engine.session().onWebSocket());
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.server.sessionCount());
            CPPUNIT_ASSERT(engine.session().environ()->query().find("t=Pq1x") !=
                           std::string_view::npos);
        }
    }

    void theOutboundLimitOfAWebSocketIsTheOption() {
        EngineOptions options;
        options.maxOutboundBytes = 50'000'000;
        EngineFixture engine(options);
        const auto exchange = engine.webSocket("EIO=4&transport=websocket");
        CPPUNIT_ASSERT_EQUAL(std::size_t(50'000'000), exchange->webSocketOptions.maxOutboundBytes);
        std::string query = engine.openPolling();
        query.replace(query.find("polling"), 7, "websocket");
        CPPUNIT_ASSERT_EQUAL(std::size_t(50'000'000),
                             engine.webSocket(query)->webSocketOptions.maxOutboundBytes);
    }

    void refusesMoreThan64Parameters() {
        EngineFixture engine;
        std::string query = "EIO=4&transport=polling";
        for (int i = 2; i < 64; ++i) query += "&p" + std::to_string(i) + "=x";
        CPPUNIT_ASSERT_EQUAL(200, engine.get(query)->status());
        const auto refused = engine.get(query + "&one=more");
        CPPUNIT_ASSERT_EQUAL(400, refused->status());
        CPPUNIT_ASSERT_EQUAL(std::string("{\"code\":3,\"message\":\"Bad request\"}"),
                             refused->body());
        CPPUNIT_ASSERT_EQUAL(400, engine.webSocket(query + "&one=more")->status());
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.server.sessionCount());
    }

    void answersAWebSocketHandshake() {
        for (const int revision : {3, 4}) {
            EngineFixture engine;
            const auto exchange =
                engine.webSocket("EIO=" + std::to_string(revision) + "&transport=websocket");
            CPPUNIT_ASSERT(exchange->channel);
            CPPUNIT_ASSERT_EQUAL(std::size_t(1'000'000),
                                 exchange->webSocketOptions.maxMessageBytes);
            ASSERT_LOG(Log{"0" + openJson(engine.session().sid(), "")}, exchange->channel->take());
            CPPUNIT_ASSERT(engine.session().onWebSocket());
        }
    }

    void refusesWhatIsNoHandshake() {
        struct Case {
            const char *method, *query;
            int status;
            const char* body;
        };
        const std::string many = "EIO=4&transport=polling" + [] {
            std::string more;
            for (int i = 0; i < 63; ++i) more += "&a=1";
            return more;
        }();
        const std::string longTransport = "EIO=4&transport=" + std::string(10'000, 'a');
        const std::string longSid = "EIO=4&transport=polling&sid=" + std::string(10'000, 'a');
        const Case cases[] = {
            {"GET", "", 400, kTransportUnknown},
            {"GET", "EIO=4", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=abc", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=Polling", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=__proto__", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=constructor", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=webtransport", 400, kTransportUnknown},
            {"GET", "EIO=4&transport=polling&transport=websocket", 400, kTransportUnknown},
            {"GET", longTransport.c_str(), 400, kTransportUnknown},
            {"POST", "EIO=4&transport=polling", 400, kBadMethod},
            {"PUT", "EIO=4&transport=polling", 400, kBadMethod},
            {"DELETE", "EIO=4&transport=polling", 400, kBadMethod},
            {"HEAD", "EIO=4&transport=polling", 400, kBadMethod},
            {"GET", "EIO=4&transport=websocket", 400, kBadRequest},
            {"GET", "transport=polling", 400, kBadVersion},
            {"GET", "EIO=&transport=polling", 400, kBadVersion},
            {"GET", "EIO=2&transport=polling", 400, kBadVersion},
            {"GET", "EIO=5&transport=polling", 400, kBadVersion},
            {"GET", "EIO=4x&transport=polling", 400, kBadVersion},
            {"GET", "EIO=04&transport=polling", 400, kBadVersion},
            {"GET", "EIO=+4&transport=polling", 400, kBadVersion},
            {"GET", "EIO=4&EIO=3&transport=polling", 400, kBadVersion},
            {"GET", "EIO[]=4&transport=polling", 400, kBadVersion},
            {"GET", "eio=4&transport=polling", 400, kBadVersion},
            {"GET", "EIO=4&transport=polling&sid=abc", 400, kSessionUnknown},
            {"GET", "EIO=4&transport=polling&sid=__proto__", 400, kSessionUnknown},
            {"GET", "EIO=4&transport=polling&sid=%00", 400, kSessionUnknown},
            {"GET", "EIO=4&transport=polling&sid=../../etc", 400, kSessionUnknown},
            {"GET", "EIO=4&transport=polling&sid=a&sid=b", 400, kSessionUnknown},
            {"POST", "EIO=4&transport=polling&sid=abc", 400, kSessionUnknown},
            {"GET", longSid.c_str(), 400, kSessionUnknown},
            {"GET", "EIO=4&transport=polling&j=0", 400, kBadRequest},
            {"GET", many.c_str(), 400, kBadRequest},
        };
        for (const Case& c : cases) {
            EngineFixture engine;
            const auto answer =
                engine.begin(FakeExchange::make(engine.executor, c.method, engine.target(c.query)));
            const std::string name = std::string(c.method) + " " + c.query;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, c.status, answer->status());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string(c.body), answer->body());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("application/json"),
                                         answer->header("Content-Type"));
            CPPUNIT_ASSERT_MESSAGE(name, engine.sessions.empty());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::size_t(0), engine.executor.armedTimers());
        }
    }

    void refusesWhatIsNoWebSocketHandshake() {
        struct Case {
            const char* query;
            int status;
            const char* body;
        };
        const Case cases[] = {
            {"EIO=4&transport=abc", 400, kTransportUnknown},
            {"EIO=5&transport=websocket", 400, kBadVersion},
            {"transport=websocket", 400, kBadVersion},
            {"EIO=4&transport=websocket&sid=abc", 400, kSessionUnknown},
        };
        for (const Case& c : cases) {
            EngineFixture engine;
            const auto answer = engine.webSocket(c.query);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, c.status, answer->status());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, std::string(c.body), answer->body());
            CPPUNIT_ASSERT_MESSAGE(c.query, engine.sessions.empty());
        }

        // Malformed, or through a front end that cannot upgrade.
        EngineFixture engine;
        const auto malformed = engine.get("EIO=4&transport=websocket", {{"Upgrade", "websocket"}});
        CPPUNIT_ASSERT_EQUAL(400, malformed->status());
        const auto old = engine.get("EIO=4&transport=websocket",
                                    {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "8"}});
        CPPUNIT_ASSERT_EQUAL(426, old->status());
        CPPUNIT_ASSERT_EQUAL(std::string("13"), old->header("Sec-WebSocket-Version"));

        // As the official server: a WebSocket that says polling is accepted and closed.
        const auto polling = engine.webSocket("EIO=4&transport=polling");
        CPPUNIT_ASSERT(polling->channel && polling->channel->closeCode);
        CPPUNIT_ASSERT(engine.sessions.empty());
    }

    void refusesRequestsThatDoNotFitTheirSession() {
        EngineFixture engine;
        const std::string polling = engine.openPolling(4);
        const std::string sid = "&sid=" + engine.session().sid();
        struct Case {
            const char* method;
            std::string query;
            int status;
            const char* body;
        };
        const Case cases[] = {
            {"GET", "EIO=3&transport=polling" + sid, 400, kBadRequest},
            {"GET", "transport=polling" + sid, 400, kBadVersion},
            {"GET", "EIO=5&transport=polling" + sid, 400, kBadVersion},
            {"GET", "EIO=4&transport=websocket" + sid, 400, kBadRequest},
            {"POST", "EIO=4&transport=websocket" + sid, 400, kBadRequest},
            {"POST", "EIO=3&transport=polling" + sid, 400, kBadRequest},
            {"GET", "EIO=4&transport=polling&j=1" + sid, 400, kBadRequest},
            {"GET", "EIO=4&transport=polling" + sid + sid, 400, kSessionUnknown},
            {"PUT", polling, 405, kBadRequest},
            {"DELETE", polling, 405, kBadRequest},
            {"HEAD", polling, 405, kBadRequest},
        };
        for (const Case& c : cases) {
            const auto answer =
                engine.begin(FakeExchange::make(engine.executor, c.method, engine.target(c.query)));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, c.status, answer->status());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.query, std::string(c.body), answer->body());
        }
        for (const char* query :
             {"EIO=3&transport=websocket", "transport=websocket", "EIO=5&transport=websocket"}) {
            const auto answer = engine.webSocket(query + sid);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, answer->status());
            CPPUNIT_ASSERT_MESSAGE(query, !answer->channel);
        }
        // The session has not noticed any of it.
        CPPUNIT_ASSERT(!engine.session().closed());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(polling, "4x")->body());

        // A session on a WebSocket has no polls.
        engine.openWebSocket(4);
        const std::string onWebSocket = "EIO=4&transport=polling&sid=" + engine.session().sid();
        CPPUNIT_ASSERT_EQUAL(std::string(kBadRequest), engine.get(onWebSocket)->body());
        CPPUNIT_ASSERT_EQUAL(std::string(kBadRequest), engine.post(onWebSocket, "4x")->body());
        CPPUNIT_ASSERT(!engine.session().closed());
    }

    void servesOnlyTheRevisionsAndTransportsThatAreOn() {
        EngineOptions options;
        options.engineIo3 = false;
        {
            EngineFixture engine(options);
            CPPUNIT_ASSERT_EQUAL(std::string(kBadVersion),
                                 engine.get("EIO=3&transport=polling")->body());
            CPPUNIT_ASSERT_EQUAL(200, engine.get("EIO=4&transport=polling")->status());
        }
        options.engineIo3 = true;
        options.engineIo4 = false;
        {
            EngineFixture engine(options);
            CPPUNIT_ASSERT_EQUAL(std::string(kBadVersion),
                                 engine.webSocket("EIO=4&transport=websocket")->body());
            CPPUNIT_ASSERT_EQUAL(200, engine.get("EIO=3&transport=polling")->status());
        }
        options = {};
        options.transports = {"websocket"};
        {
            EngineFixture engine(options);
            CPPUNIT_ASSERT_EQUAL(std::string(kTransportUnknown),
                                 engine.get("EIO=4&transport=polling")->body());
            CPPUNIT_ASSERT(engine.webSocket("EIO=4&transport=websocket")->channel);
        }
        options.transports = {"polling"};
        {
            EngineFixture engine(options);
            CPPUNIT_ASSERT_EQUAL(std::string(kTransportUnknown),
                                 engine.webSocket("EIO=4&transport=websocket")->body());
        }
    }

    void announcesTheUpgradeOnlyWhereItIsPossible() {
        const auto upgradesOf = [](EngineOptions options, Capabilities can) {
            EngineFixture engine(std::move(options));
            const auto answer = engine.begin(FakeExchange::make(
                engine.executor, "GET", engine.target("EIO=4&transport=polling"), {}, {}, 0, can));
            const std::string body = answer->body();
            const std::size_t from = body.find("\"upgrades\":") + 11;
            return body.substr(from, body.find(']') + 1 - from);
        };
        EngineOptions options;
        CPPUNIT_ASSERT_EQUAL(std::string(R"(["websocket"])"), upgradesOf(options, {true, true}));
        CPPUNIT_ASSERT_EQUAL(std::string("[]"), upgradesOf(options, {false, true}));
        options.transports = {"polling"};
        CPPUNIT_ASSERT_EQUAL(std::string("[]"), upgradesOf(options, {true, true}));
        options = {};
        options.allowUpgrades = false;
        CPPUNIT_ASSERT_EQUAL(std::string("[]"), upgradesOf(options, {true, true}));

        // Not announced, but accepted all the same.
        EngineFixture engine(options);
        const auto candidate = engine.openCandidate(engine.openPolling());
        candidate->text("2probe");
        candidate->text("5");
        CPPUNIT_ASSERT(engine.session().onWebSocket());
    }

    void whatTheCallbackSendsLeavesWithTheOpenPacket() {
        const auto sendTwo = [](EngineSession& session) {
            session.send(EngineMessage::fromText("one"));
            session.send(EngineMessage::fromText("two"));
        };
        {
            EngineFixture engine;
            engine.whenOpened = sendTwo;
            const std::string body = engine.get("EIO=4&transport=polling")->body();
            CPPUNIT_ASSERT_EQUAL(std::string("\x1e"
                                             "4one\x1e"
                                             "4two"),
                                 body.substr(body.find('}') + 1));
        }
        {
            EngineFixture engine;
            engine.whenOpened = sendTwo;
            const auto frames = engine.webSocket("EIO=3&transport=websocket")->channel->take();
            CPPUNIT_ASSERT_EQUAL(std::size_t(3), frames.size());
            CPPUNIT_ASSERT_EQUAL('0', frames[0][0]);
            CPPUNIT_ASSERT_EQUAL(std::string("4one"), frames[1]);
            CPPUNIT_ASSERT_EQUAL(std::string("4two"), frames[2]);
        }
        {
            // More than fits into one answer: the rest waits for the next poll.
            EngineFixture engine;
            engine.whenOpened = [](EngineSession& session) {
                for (int i = 0; i < 20; ++i) session.send(EngineMessage::fromText("m"));
            };
            const std::string body = engine.get("EIO=4&transport=polling")->body();
            CPPUNIT_ASSERT_EQUAL(15L, std::count(body.begin(), body.end(), '\x1e'));
            const auto rest = engine.get("EIO=4&transport=polling&sid=" + engine.session().sid());
            CPPUNIT_ASSERT_EQUAL(std::string("4m\x1e"
                                             "4m\x1e"
                                             "4m\x1e"
                                             "4m\x1e"
                                             "4m"),
                                 rest->body());
        }
    }

    void aCallbackThatClosesIsHeard() {
        const auto closing = [](EngineSession& session) {
            session.send(EngineMessage::fromText("bye"));
            session.close(CloseReason::ForcedClose, "refused");
        };
        {
            EngineFixture engine;
            engine.whenOpened = closing;
            const std::string body = engine.get("EIO=4&transport=polling")->body();
            CPPUNIT_ASSERT_EQUAL(std::string("\x1e"
                                             "4bye\x1e"
                                             "1"),
                                 body.substr(body.find('}') + 1));
            ASSERT_LOG(Log{"close forced close"}, engine.listener().log);
            CPPUNIT_ASSERT_EQUAL(std::string("refused"), engine.listener().closeDetail);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
            CPPUNIT_ASSERT_EQUAL(1L, engine.sessions.back().use_count());
        }
        {
            EngineFixture engine;
            engine.whenOpened = closing;
            const auto channel = engine.webSocket("EIO=4&transport=websocket")->channel;
            CPPUNIT_ASSERT_EQUAL(std::string("4bye"), channel->take().back());
            CPPUNIT_ASSERT(channel->closeCode && *channel->closeCode == 0);
            ASSERT_LOG(Log{"close forced close"}, engine.listener().log);
        }
    }

    void aCallbackThatFailsLeavesNoSession() {
        for (const bool throws : {false, true}) {
            EngineFixture engine;
            engine.refuseSessions = true;
            if (throws) engine.whenOpened = [](EngineSession&) { throw Poco::Exception("no"); };
            CPPUNIT_ASSERT_EQUAL(500, engine.get("EIO=4&transport=polling")->status());
            const auto exchange = engine.webSocket("EIO=4&transport=websocket");
            CPPUNIT_ASSERT(exchange->channel->closed());
            exchange->channel->drop();
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.server.sessionCount());
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
            for (const auto& session : engine.sessions)
                CPPUNIT_ASSERT_EQUAL(1L, session.use_count());
        }
    }

    void setsTheCookieOnTheFirstPollingAnswerOnly() {
        {
            EngineFixture engine;
            CPPUNIT_ASSERT_EQUAL(std::string(),
                                 engine.get("EIO=4&transport=polling")->header("Set-Cookie"));
        }
        EngineOptions options;
        options.cookie = EngineCookie{};
        EngineFixture engine(options);
        const auto first = engine.get("EIO=4&transport=polling");
        CPPUNIT_ASSERT_EQUAL("io=" + engine.session().sid() + "; Path=/; HttpOnly; SameSite=Lax",
                             first->header("Set-Cookie"));
        const std::string query = "EIO=4&transport=polling&sid=" + engine.session().sid();
        engine.send("x");
        CPPUNIT_ASSERT_EQUAL(std::string(), engine.get(query)->header("Set-Cookie"));
        CPPUNIT_ASSERT_EQUAL(std::string(), engine.post(query, "4x")->header("Set-Cookie"));

        const auto secure = engine.get("EIO=4&transport=polling", {{"HTTPS", "on"}});
        CPPUNIT_ASSERT_EQUAL(
            "io=" + engine.session().sid() + "; Path=/; HttpOnly; Secure; SameSite=Lax",
            secure->header("Set-Cookie"));

        options.cookie = EngineCookie{"lb",  "/app", "example.org",           "None",
                                      false, true,   std::chrono::seconds(60)};
        EngineFixture full(options);
        const auto answer = full.get("EIO=4&transport=polling");
        CPPUNIT_ASSERT_EQUAL("lb=" + full.session().sid() +
                                 "; Path=/app; Domain=example.org; Max-Age=60; Secure; "
                                 "SameSite=None",
                             answer->header("Set-Cookie"));
    }

    void everyAnswerForbidsCachingAndSniffing() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.send("x");
        for (const auto& answer :
             {engine.get("EIO=4&transport=polling"), engine.get(query), engine.post(query, "4x"),
              engine.get("EIO=9&transport=polling"), engine.get("EIO=4&transport=no"),
              engine.get("EIO=4&transport=polling", {{"Origin", "https://evil.example"}})}) {
            CPPUNIT_ASSERT_EQUAL(std::string("no-store"), answer->header("Cache-Control"));
            CPPUNIT_ASSERT_EQUAL(std::string("nosniff"), answer->header("X-Content-Type-Options"));
        }
        const auto explorer =
            engine.get("EIO=4&transport=polling", {{"User-Agent", "Mozilla/5.0 Trident/7.0"}});
        CPPUNIT_ASSERT_EQUAL(std::string("0"), explorer->header("X-XSS-Protection"));
    }

    void answersPreflightRequests() {
        EngineOptions options;
        options.corsAllowedOrigins = "https://good.example";
        EngineFixture engine(options);
        const auto preflight = [&](FakeExchange::Headers headers) {
            return engine.begin(FakeExchange::make(
                engine.executor, "OPTIONS", engine.target("EIO=4&transport=polling"), headers));
        };
        const auto good = preflight({{"Origin", "https://good.example"},
                                     {"Access-Control-Request-Method", "POST"},
                                     {"Access-Control-Request-Headers", "content-type, x-token"}});
        CPPUNIT_ASSERT_EQUAL(204, good->status());
        CPPUNIT_ASSERT_EQUAL(std::string(), good->body());
        CPPUNIT_ASSERT_EQUAL(std::string("https://good.example"),
                             good->header("Access-Control-Allow-Origin"));
        CPPUNIT_ASSERT_EQUAL(std::string("true"), good->header("Access-Control-Allow-Credentials"));
        CPPUNIT_ASSERT_EQUAL(std::string("OPTIONS, GET, POST"),
                             good->header("Access-Control-Allow-Methods"));
        CPPUNIT_ASSERT_EQUAL(std::string("content-type, x-token"),
                             good->header("Access-Control-Allow-Headers"));
        CPPUNIT_ASSERT(good->header("Vary").find("Origin") == 0);

        const auto bad = preflight({{"Origin", "https://evil.example"}});
        CPPUNIT_ASSERT_EQUAL(403, bad->status());
        CPPUNIT_ASSERT_EQUAL(std::string(), bad->header("Access-Control-Allow-Methods"));

        const auto none = preflight({});
        CPPUNIT_ASSERT_EQUAL(204, none->status());
        CPPUNIT_ASSERT_EQUAL(std::string(), none->header("Access-Control-Allow-Origin"));
        CPPUNIT_ASSERT(engine.sessions.empty());
    }

    void offersCredentialsUnlessToldOtherwise() {
        for (const bool offered : {true, false}) {
            EngineOptions options;
            options.corsAllowedOrigins = "https://good.example";
            options.corsCredentials = offered;
            EngineFixture engine(options);
            const FakeExchange::Headers origin = {{"Origin", "https://good.example"}};
            const std::string query = "EIO=4&transport=polling";
            const auto preflight = engine.begin(
                FakeExchange::make(engine.executor, "OPTIONS", engine.target(query), origin));
            for (const auto& answer : {engine.get(query, origin), preflight}) {
                CPPUNIT_ASSERT_EQUAL(std::string("https://good.example"),
                                     answer->header("Access-Control-Allow-Origin"));
                CPPUNIT_ASSERT_EQUAL(std::string(offered ? "true" : ""),
                                     answer->header("Access-Control-Allow-Credentials"));
            }
        }
    }

    void logsToTheLoggerItWasGiven() {
        class Channel : public Poco::Channel {
        public:
            void log(const Poco::Message& message) override { text += message.getText() + "\n"; }
            std::string text;
        };
        const Poco::AutoPtr<Channel> given(new Channel), usual(new Channel);
        Poco::Logger& own = Poco::Logger::get("engine.of.the.test");
        Poco::Logger& others = Poco::Logger::get("socketio.engine");
        for (const auto& [logger, channel] : {std::pair(&own, given), std::pair(&others, usual)}) {
            logger->setChannel(channel);
            logger->setLevel(Poco::Message::PRIO_DEBUG);
        }
        {
            EngineOptions options;
            options.engineioLogger = &own;
            options.corsAllowedOrigins =
                AllowedOrigins([](const std::string& origin, const Environ&) -> bool {
                    if (origin == "https://fails.example") throw std::runtime_error("oh no");
                    return false;
                });
            EngineFixture engine(options);
            const std::string query = engine.openPolling();
            engine.get(query, {{"Origin", "https://fails.example"}});
            engine.post(query, "no packet");
        }
        for (Poco::Logger* const logger : {&own, &others}) {
            logger->setChannel(nullptr);
            logger->setLevel(Poco::Message::PRIO_INFORMATION);
        }
        for (const char* line : {" opened over polling, EIO 4", "function failed: oh no",
                                 ": bad POST: ", " closed: parse error"})
            CPPUNIT_ASSERT_MESSAGE(given->text, given->text.find(line) != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string(), usual->text);
    }

    void refusesForeignOriginsEverywhere() {
        EngineFixture engine;
        const FakeExchange::Headers evil = {{"Host", "chat.example"},
                                            {"Origin", "https://evil.example"}};
        const FakeExchange::Headers own = {{"Host", "chat.example"},
                                           {"Origin", "http://chat.example"}};
        const std::string query = engine.openPolling();
        const auto check = [](const FakeExchange::Ptr& answer) {
            CPPUNIT_ASSERT_EQUAL(403, answer->status());
            CPPUNIT_ASSERT_EQUAL(std::string(kForbidden), answer->body());
            CPPUNIT_ASSERT_EQUAL(std::string(), answer->header("Access-Control-Allow-Origin"));
            CPPUNIT_ASSERT(!answer->channel);
        };
        check(engine.get("EIO=4&transport=polling", evil));
        check(engine.webSocket("EIO=4&transport=websocket", evil));
        check(engine.get(query, evil));
        const auto post = engine.post(query, "4x", evil);
        check(post);
        CPPUNIT_ASSERT(!post->bodyAsked);
        check(engine.webSocket("EIO=4&transport=websocket&sid=" + engine.session().sid(), evil));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), engine.sessions.size());
        CPPUNIT_ASSERT(engine.listener().log.empty());

        const auto good = engine.get("EIO=4&transport=polling", own);
        CPPUNIT_ASSERT_EQUAL(200, good->status());
        CPPUNIT_ASSERT_EQUAL(std::string("http://chat.example"),
                             good->header("Access-Control-Allow-Origin"));
        CPPUNIT_ASSERT_EQUAL(std::string("Origin"), good->header("Vary"));
        CPPUNIT_ASSERT(engine.webSocket("EIO=4&transport=websocket", own)->channel);
        // Errors of an allowed page can be read by it.
        CPPUNIT_ASSERT_EQUAL(
            std::string("http://chat.example"),
            engine.get("EIO=9&transport=polling", own)->header("Access-Control-Allow-Origin"));
    }

    void nothingOfTheRequestIsReflected() {
        EngineFixture engine;
        const std::string marker = "REFLECT<script>";
        const std::string escaped = "REFLECT%3Cscript%3E";
        for (const std::string& query :
             {"EIO=" + escaped + "&transport=polling", "EIO=4&transport=" + escaped,
              "EIO=4&transport=polling&sid=" + escaped, "EIO=4&transport=polling&j=" + escaped,
              "EIO=4&transport=polling&x=" + escaped}) {
            const auto answer = engine.get(query, {{"User-Agent", "REFLECT"}});
            CPPUNIT_ASSERT_MESSAGE(query, answer->body().find("REFLECT") == std::string::npos);
            for (const auto& field : answer->response->headers)
                CPPUNIT_ASSERT_MESSAGE(query, field.value.find("REFLECT") == std::string::npos);
        }
    }

    void findsOpenSessionsOnly() {
        EngineFixture engine;
        engine.openPolling();
        const std::string sid = engine.session().sid();
        CPPUNIT_ASSERT(engine.server.find(sid) == engine.sessions.back());
        CPPUNIT_ASSERT(!engine.server.find("other"));
        engine.onSession([](EngineSession& s) { s.close(CloseReason::ForcedClose); });
        CPPUNIT_ASSERT(!engine.server.find(sid));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.server.sessionCount());
    }

    void refusesOptionsThatCannotBe() {
        const auto none = [](const EngineSession::Ptr&) { return nullptr; };
        const auto refuse = [&](const char* name, auto change) {
            EngineOptions options;
            options.cookie = EngineCookie{};
            change(options);
            try {
                EngineServer server(options, none);
                CPPUNIT_FAIL(name);
            } catch (const Poco::InvalidArgumentException& e) {
                CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                       e.displayText().find(name) != std::string::npos);
            }
        };
        refuse("pingInterval", [](auto& o) { o.pingInterval = 0ms; });
        refuse("pingTimeout", [](auto& o) { o.pingTimeout = -1ms; });
        refuse("upgradeTimeout", [](auto& o) { o.upgradeTimeout = 0ms; });
        refuse("maxHttpBufferSize", [](auto& o) { o.maxHttpBufferSize = 0; });
        refuse("maxPacketsPerPayload", [](auto& o) { o.maxPacketsPerPayload = 0; });
        refuse("maxPacketsPerPoll", [](auto& o) { o.maxPacketsPerPoll = 0; });
        refuse("webtransport", [](auto& o) { o.transports = {"polling", "webtransport"}; });
        refuse("transports", [](auto& o) { o.transports.clear(); });
        refuse("cookie.name", [](auto& o) { o.cookie->name = "a b"; });
        refuse("cookie.name", [](auto& o) { o.cookie->name = ""; });
        refuse("cookie.path", [](auto& o) { o.cookie->path = "/;x=1"; });
        refuse("cookie.path", [](auto& o) { o.cookie->path = "/\r\nA: b"; });
        refuse("cookie.sameSite", [](auto& o) { o.cookie->sameSite = "lax"; });
    }

    void belongsToOneHub() {
        EngineFixture engine;
        engine.server.start(engine.executor);  // a second front end on the same hub
        ManualExecutor other;
        CPPUNIT_ASSERT_THROW(engine.server.start(other), Poco::IllegalStateException);
    }

    void stopClosesAThousandSessionsAtATime() {
        EngineFixture engine({}, 2);
        std::vector<std::shared_ptr<FakeWebSocketChannel>> channels;
        for (int i = 0; i < 2500; ++i)
            channels.push_back(
                engine.webSocket("EIO=4&transport=websocket", {}, i % 2 ? 1 : 0)->channel);
        const auto closed = [&] {
            return std::count_if(channels.begin(), channels.end(),
                                 [](const auto& c) { return c->closed(); });
        };
        // On a loop it does not wait.
        engine.executor.onLoop(0, [&] { engine.server.stop(engine.executor.clock().now() + 30s); });
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(1000L, closed());
        CPPUNIT_ASSERT_EQUAL(503, engine.get("EIO=4&transport=polling")->status());
        CPPUNIT_ASSERT_EQUAL(503, engine.webSocket("EIO=4&transport=websocket")->status());
        engine.executor.advance(199ms);
        CPPUNIT_ASSERT_EQUAL(1000L, closed());
        engine.executor.advance(1ms);
        CPPUNIT_ASSERT_EQUAL(2000L, closed());
        engine.executor.advance(200ms);
        CPPUNIT_ASSERT_EQUAL(2500L, closed());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.server.sessionCount());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        for (const auto& channel : channels)
            CPPUNIT_ASSERT_EQUAL(std::uint16_t(1001), channel->closeCode.value());
        for (const auto& listener : engine.listeners)
            ASSERT_LOG(Log{"close server shutting down"}, listener->log);
    }

    void stopDeliversWhatIsQueued() {
        EngineFixture engine;
        const std::string parked = engine.openPolling();
        const auto poll = engine.get(parked);
        const std::string between = engine.openPolling();
        engine.send("last words");
        engine.executor.onLoop(0, [&] { engine.server.stop(engine.executor.clock().now() + 30s); });
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), poll->body());
        CPPUNIT_ASSERT_EQUAL(std::string("4last words\x1e"
                                         "1"),
                             engine.get(between)->body());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
    }

    void stopEndsTheRestAtItsDeadline() {
        EngineFixture engine;
        engine.openPolling();
        engine.openPolling();
        engine.server.stop(engine.executor.clock().now());  // no time at all
        engine.executor.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.server.sessionCount());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), engine.executor.armedTimers());
        for (const auto& listener : engine.listeners)
            ASSERT_LOG(Log{"close server shutting down"}, listener->log);
        // With nobody there it returns at once, however far the deadline is.
        EngineFixture empty;
        empty.server.stop(empty.executor.clock().now() + 1000h);
    }

    void generatesIdsThatNeverRepeat() {
        constexpr std::size_t kCount = 20'000;
        std::set<std::string> ids;
        for (std::size_t i = 0; i < kCount; ++i) {
            const std::string id = generateId();
            CPPUNIT_ASSERT_EQUAL(std::size_t(20), id.size());
            CPPUNIT_ASSERT(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
                                                "yz0123456789-_") == std::string::npos);
            ids.insert(id);
        }
        CPPUNIT_ASSERT_EQUAL(kCount, ids.size());
    }

    void refusesNewSessionsBeforeItStops() {
        EngineFixture engine;
        const std::string query = engine.openPolling();
        engine.server.refuseNew();
        CPPUNIT_ASSERT_EQUAL(503, engine.get("EIO=4&transport=polling")->status());
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), engine.post(query, "4x")->body());
        CPPUNIT_ASSERT(!engine.session().closed());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineServerTest);

}  // namespace socketio
