// What a web server, or somebody in its place, may send, and what has to follow.
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/middleware/EnvironLint.h"
#include "socketio/middleware/Middleware.h"
#include "socketio/server/Server.h"

#include "FcgiFixture.h"
#include "support/Waiting.h"
#include "support/WatchedThread.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::body;
using test::eventually;
using test::FcgiAnswer;
using test::FcgiClient;
using test::FcgiFixture;
using test::FcgiParams;
using test::FcgiPollingClient;
using test::FcgiRawRecord;
using test::LoopTime;
using test::variable;
using test::WatchedThread;

namespace {

const std::string kGood = FcgiClient::request(1, true, FcgiClient::params("GET", "/next"));

/// Sends the same bytes in one piece, byte by byte, and cut in the middle.
template <class Test>
void inEveryCut(const std::string& bytes, Test test) {
    std::set<std::size_t> sizes{bytes.size(), bytes.size() / 2 + 1};
    sizes.insert(bytes.size() < 3000 ? 1 : 777);
    for (const std::size_t size : sizes)
        test([&bytes, size](FcgiClient& client) { client.raw().sendInPieces(bytes, size); },
             " in pieces of " + std::to_string(size));
}

std::string params(const FcgiParams& more, std::string_view method = "GET",
                   std::string_view content = {}) {
    return FcgiClient::request(1, true, FcgiClient::params(method, "/path?a=b", content, more),
                               content);
}

std::string without(const std::string& name) {
    FcgiParams all = FcgiClient::params("GET", "/path?a=b");
    std::erase_if(all, [&](const auto& param) { return param.first == name; });
    return FcgiClient::request(1, true, all);
}

}  // namespace

class FcgiConnectionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FcgiConnectionTest);
    CPPUNIT_TEST(answersARequest);
    CPPUNIT_TEST(whatBreaksTheProtocolIsClosed);
    CPPUNIT_TEST(whatIsUnknownIsSkippedOrNamed);
    CPPUNIT_TEST(longContentAndPaddingAreUsedUpExactly);
    CPPUNIT_TEST(lengthsBeyondTheLimitsAreRefusedAtOnce);
    CPPUNIT_TEST(parametersMayBeCutAnywhere);
    CPPUNIT_TEST(tooManyParametersAre431);
    CPPUNIT_TEST(badParametersAre400);
    CPPUNIT_TEST(missingVariablesAreFilledIn);
    CPPUNIT_TEST(believesForwardedHeadersOfTrustedProxies);
    CPPUNIT_TEST(badLengthsOfTheBodyAre400);
    CPPUNIT_TEST(bodiesOfEverySizeArrive);
    CPPUNIT_TEST(aBodyOverTheLimitIs413AndTheConnectionGoesOn);
    CPPUNIT_TEST(aBodyThatNeverEndsIsClosed);
    CPPUNIT_TEST(requestsAreMultiplexed);
    CPPUNIT_TEST(largeAnswersOfSeveralRequestsWaitTogether);
    CPPUNIT_TEST(moreRequestsThanTheLimitAreOverloaded);
    CPPUNIT_TEST(rolesButTheResponderAreUnknown);
    CPPUNIT_TEST(theConnectionIsKeptWhenAsked);
    CPPUNIT_TEST(aKeptConnectionTakesTenThousandRequests);
    CPPUNIT_TEST(abortAndCloseEndAParkedRequest);
    CPPUNIT_TEST(abortAndCloseEndAParkedPoll);
    CPPUNIT_TEST(valuesAreAnswered);
    CPPUNIT_TEST(longAnswersAreCutIntoRecords);
    CPPUNIT_TEST(answersInPieces);
    CPPUNIT_TEST(aWriterWaitsForASlowWebServer);
    CPPUNIT_TEST(headersThatWouldBreakTheAnswerAreLeftOut);
    CPPUNIT_TEST(headAndBodylessAnswers);
    CPPUNIT_TEST(fifteenHundredConnectionsAtOnce);
    CPPUNIT_TEST(slowRecordsAreClosed);
    CPPUNIT_TEST(idleConnectionsAreClosed);
    CPPUNIT_TEST(variablesOfHeaders);
    CPPUNIT_TEST(upgradesAreOfferedOnlyWithARoute);
    CPPUNIT_TEST(aRequestThatIsLetGoIs500);
    CPPUNIT_TEST(anAnswerThatIsNotFinishedEndsTheConnection);
    CPPUNIT_TEST(halfClosedClientsAreAnswered);
    CPPUNIT_TEST(heldBodiesPauseTheConnection);
    CPPUNIT_TEST(keepsTheRulesOfEnvironAndExchange);
    CPPUNIT_TEST_SUITE_END();

    FcgiFixture fixture;

    /// The next request on the same connection is answered.
    void expectGood(FcgiClient& client, const std::string& what) {
        client.send(kGood);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string("/next"),
                                     variable(client.answer(), "PATH_INFO"));
    }

    void expectClosed(const std::string& bytes, const std::string& what) {
        inEveryCut(bytes, [&](auto send, const std::string& how) {
            FcgiClient client = fixture.client();
            try {
                send(client);
            } catch (const std::exception&) {  // closed before all was sent
            }
            CPPUNIT_ASSERT_MESSAGE(what + how, client.raw().closedWithin(5s));
        });
    }

public:
    void answersARequest() {
        fixture.start();
        inEveryCut(params({{"HTTP_X_TEST", "yes"}}, "POST", "hello"),
                   [&](auto send, const std::string& how) {
                       FcgiClient client = fixture.client();
                       send(client);
                       const FcgiAnswer answer = client.answer();
                       CPPUNIT_ASSERT_EQUAL_MESSAGE(how, 200, answer.response.status);
                       CPPUNIT_ASSERT_EQUAL(std::string("OK"), answer.response.reason);
                       CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=utf-8"),
                                            answer.response.header("Content-Type"));
                       CPPUNIT_ASSERT_EQUAL(std::to_string(answer.response.body.size()),
                                            answer.response.header("Content-Length"));
                       CPPUNIT_ASSERT_EQUAL(std::string("hello"), body(answer));
                       CPPUNIT_ASSERT_EQUAL(std::string("yes"), variable(answer, "HTTP_X_TEST"));
                       CPPUNIT_ASSERT_EQUAL(std::string("/path"), variable(answer, "PATH_INFO"));
                       CPPUNIT_ASSERT_EQUAL(std::string(""), variable(answer, "SCRIPT_NAME"));
                       CPPUNIT_ASSERT_EQUAL(std::string("a=b"), variable(answer, "QUERY_STRING"));
                   });
    }

    void whatBreaksTheProtocolIsClosed() {  // F1, F2, F10
        fixture.app->onHandle = nullptr;
        Arrivals<Exchange::Ptr> parked;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        fixture.start();
        using R = FcgiRawRecord;
        const auto version = [](char number) {
            std::string bytes = kGood;
            bytes[0] = number;
            return bytes;
        };
        const std::string begun = FcgiClient::begin(1, true);
        const std::string sent = FcgiClient::request(1, true, FcgiClient::params("GET", "/"));
        const std::pair<const char*, std::string> cases[] = {
            {"version 0", version(0)},
            {"version 2", version(2)},
            {"version 255", version('\xff')},
            {"BeginRequest with id 0", FcgiClient::begin(0, true)},
            {"BeginRequest of 7 bytes", FcgiClient::record(R::Begin, 1, std::string(7, '\0'))},
            {"empty BeginRequest", FcgiClient::record(R::Begin, 1)},
            {"BeginRequest twice", begun + begun},
            {"BeginRequest for a request in progress", sent + begun},
            {"Params with id 0", FcgiClient::record(R::Params, 0, "x")},
            {"Stdin with id 0", FcgiClient::record(R::Stdin, 0, "x")},
            {"AbortRequest with id 0", FcgiClient::record(R::Abort, 0)},
            {"Stdin before the end of Params", begun + FcgiClient::record(R::Stdin, 1, "x")},
            {"Params behind their end", sent + FcgiClient::record(R::Params, 1, "x")},
            {"Stdin behind its end", sent + FcgiClient::record(R::Stdin, 1, "x")},
            {"GetValues with an id", FcgiClient::record(R::GetValues, 1)},
            {"EndRequest", FcgiClient::record(R::End, 1, std::string(8, '\0'))},
            {"Stdout", FcgiClient::record(R::Stdout, 1, "x")},
            {"Stderr", FcgiClient::record(R::Stderr, 1, "x")},
            {"GetValuesResult", FcgiClient::record(R::GetValuesResult, 0)},
            {"UnknownType", FcgiClient::record(R::UnknownType, 0, std::string(8, '\0'))},
            {"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        };
        for (const auto& [what, bytes] : cases) expectClosed(bytes, what);
        CPPUNIT_ASSERT(fixture.counters().broken >= std::size(cases) * 2);
    }

    void whatIsUnknownIsSkippedOrNamed() {  // F1, F2
        fixture.start();
        using R = FcgiRawRecord;
        struct Case {
            const char* what;
            std::string bytes;
            int named;  // by an UnknownType record, or 0
        };
        const Case cases[] = {
            {"type 0 with id 0", FcgiClient::record(0, 0), 0x100},
            {"type 12 with id 0", FcgiClient::record(12, 0, "content", 3), 12},
            {"type 255 with id 0", FcgiClient::record(255, 0), 255},
            {"type 0 with an id", FcgiClient::record(0, 1), 0},
            {"type 12 with an id", FcgiClient::record(12, 1, "content", 9), 0},
            {"type 255 with an id", FcgiClient::record(255, 1, "x"), 0},
            {"Params never begun", FcgiClient::record(R::Params, 7, FcgiClient::pair("A", "b")), 0},
            {"Stdin never begun", FcgiClient::record(R::Stdin, 7, "stray"), 0},
            {"AbortRequest never begun", FcgiClient::record(R::Abort, 7), 0},
            {"Data never begun", FcgiClient::record(R::Data, 7, "x"), 0},
        };
        for (const Case& c : cases)
            inEveryCut(c.bytes, [&](auto send, const std::string& how) {
                FcgiClient client = fixture.client();
                send(client);
                if (c.named) {
                    const FcgiRawRecord record = client.read();
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, int{R::UnknownType}, record.type);
                    CPPUNIT_ASSERT_EQUAL(
                        std::string(1, static_cast<char>(c.named & 0xff)) + std::string(7, '\0'),
                        record.content);
                    CPPUNIT_ASSERT_EQUAL(0, record.id);
                }
                expectGood(client, c.what + how);
            });
        // Behind the end of a request its records belong to nobody, not to the next one.
        FcgiClient client = fixture.client();
        client.send(kGood);
        client.answer();
        client.send(FcgiClient::record(R::Stdin, 1, "stray") +
                    FcgiClient::record(R::Params, 1, FcgiClient::pair("HTTP_STRAY", "x")) +
                    FcgiClient::record(R::Abort, 1) + params({}, "POST", "mine"));
        const FcgiAnswer answer = client.answer();
        CPPUNIT_ASSERT_EQUAL(std::string("mine"), body(answer));
        CPPUNIT_ASSERT_EQUAL(std::string("(absent)"), variable(answer, "HTTP_STRAY"));
    }

    void longContentAndPaddingAreUsedUpExactly() {  // F3
        fixture.start();
        using R = FcgiRawRecord;
        const std::string full(65'535, '\x01');
        const std::string begin = std::string("\0\1\1\0\0\0\0\0", 8) + std::string(65'527, '\x01');
        const std::pair<const char*, std::string> skipped[] = {
            {"Abort", FcgiClient::record(R::Abort, 9, full, 255)},
            {"Params", FcgiClient::record(R::Params, 9, full, 255)},
            {"Stdin", FcgiClient::record(R::Stdin, 9, full, 255)},
            {"Data", FcgiClient::record(R::Data, 9, full, 255)},
            {"unknown", FcgiClient::record(77, 9, full, 255)},
        };
        for (const auto& [what, bytes] : skipped) {
            FcgiClient client = fixture.client();
            client.send(bytes);
            expectGood(client, what);
        }
        FcgiClient client = fixture.client();
        client.send(FcgiClient::record(R::GetValues, 0, full, 255));
        CPPUNIT_ASSERT_EQUAL(int{R::GetValuesResult}, client.read().type);
        client.send(FcgiClient::record(78, 0, full, 255));
        CPPUNIT_ASSERT_EQUAL(int{R::UnknownType}, client.read().type);
        expectGood(client, "management records");
        // A request whose every record is padded as far as it goes.
        const std::string pairs = FcgiClient::pairs(
            FcgiClient::params("POST", "/x", full, {{"HTTP_X", std::string(60'000, 'x')}}));
        client.send(FcgiClient::record(R::Begin, 1, begin, 255) +
                    FcgiClient::record(R::Params, 1, pairs, 255) +
                    FcgiClient::record(R::Params, 1, {}, 255) +
                    FcgiClient::record(R::Stdin, 1, full, 255) +
                    FcgiClient::record(R::Stdin, 1, {}, 255));
        CPPUNIT_ASSERT(body(client.answer()) == full);
        expectGood(client, "padded records");
    }

    void lengthsBeyondTheLimitsAreRefusedAtOnce() {  // F4
        fixture.start();
        for (const std::string length :
             {"\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\x80\xff\xff\xff"})
            for (const bool asValue : {false, true}) {
                // 0x7F is no long length: 127 bytes, of which ten come. That waits for more.
                if (length[0] == '\x7f') continue;
                const std::string bytes =
                    FcgiClient::begin(1, true) +
                    FcgiClient::record(
                        FcgiRawRecord::Params, 1,
                        (asValue ? "\x01" + length : length + "\x01") + "0123456789");
                inEveryCut(bytes, [&](auto send, const std::string&) {
                    FcgiClient client = fixture.client();
                    const auto sent = std::chrono::steady_clock::now();
                    send(client);
                    CPPUNIT_ASSERT_EQUAL(431, client.answer().response.status);
                    CPPUNIT_ASSERT(client.raw().closedWithin(2s));
                    // Not at a deadline: those are 10 s away.
                    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - sent < 5s);
                });
            }
    }

    void parametersMayBeCutAnywhere() {  // F5
        fixture.start();
        const std::string longName = "HTTP_" + std::string(200, 'N');
        const std::string pairs = FcgiClient::pairs({{"REQUEST_METHOD", "GET"},
                                                     {"SCRIPT_NAME", "/cut"},
                                                     {longName, std::string(300, 'v')},
                                                     {"HTTP_X", std::string(127, 'a')},
                                                     {"HTTP_Y", std::string(128, 'b')},
                                                     {"HTTP_EMPTY", ""}});
        FcgiClient client = fixture.client();
        std::string expected;
        for (std::size_t cut = 0; cut < pairs.size(); ++cut) {
            std::string bytes = FcgiClient::begin(1, true);
            if (cut > 0)
                bytes +=
                    FcgiClient::record(FcgiRawRecord::Params, 1, pairs.substr(0, cut), cut % 9);
            bytes += FcgiClient::record(FcgiRawRecord::Params, 1, pairs.substr(cut)) +
                     FcgiClient::record(FcgiRawRecord::Params, 1) +
                     FcgiClient::record(FcgiRawRecord::Stdin, 1);
            client.send(bytes);
            const FcgiAnswer answer = client.answer();
            if (cut == 0) {
                expected = answer.response.body;
                CPPUNIT_ASSERT_EQUAL(std::string(300, 'v'), variable(answer, longName));
                CPPUNIT_ASSERT_EQUAL(std::string(), variable(answer, "HTTP_EMPTY"));
            }
            CPPUNIT_ASSERT_EQUAL(expected, answer.response.body);
        }
    }

    void tooManyParametersAre431() {  // F6
        fixture.start();
        const auto many = [](int count) {
            FcgiParams more;
            for (int i = 0; i < count; ++i) more.emplace_back("HTTP_N" + std::to_string(i), "v");
            return params(more);
        };
        const int ours = static_cast<int>(FcgiClient::params("GET", "/").size());
        struct Case {
            const char* what;
            std::string bytes;
            int status;
        };
        const std::size_t base =
            FcgiClient::pairs(
                FcgiClient::params("GET", "/path?a=b", {}, {{"HTTP_X", std::string(128, 'x')}}))
                .size() -
            128;
        const Case cases[] = {
            {"512 pairs", many(512 - ours), 200},
            {"513 pairs", many(513 - ours), 431},
            {"10,000 pairs", many(10'000), 431},
            {"64 KiB", params({{"HTTP_X", std::string(65'536 - base, 'x')}}), 200},
            {"64 KiB and a byte", params({{"HTTP_X", std::string(65'537 - base, 'x')}}), 431},
            {"1 MiB", params({{"HTTP_X", std::string(1 << 20, 'x')}}), 431},
        };
        for (const Case& c : cases) {
            FcgiClient client = fixture.client();
            client.raw().trySend(c.bytes);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, c.status, client.answer().response.status);
            if (c.status == 431)
                CPPUNIT_ASSERT_MESSAGE(c.what, client.raw().closedWithin(5s));
            else
                expectGood(client, c.what);
        }
        CPPUNIT_ASSERT(fixture.reached(Limit::Params) >= 1);
        CPPUNIT_ASSERT(fixture.reached(Limit::ParamsBytes) >= 2);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(4),
                             fixture.reached(Limit::Params) + fixture.reached(Limit::ParamsBytes));
    }

    void badParametersAre400() {  // F6, F7
        fixture.start();
        const std::string cutOff =
            FcgiClient::begin(1, true) +
            FcgiClient::record(FcgiRawRecord::Params, 1, "\x0e\x03REQUEST_METHODGE") +
            FcgiClient::record(FcgiRawRecord::Params, 1) +
            FcgiClient::record(FcgiRawRecord::Stdin, 1);
        struct Case {
            const char* what;
            std::string bytes;
            int status;
        };
        const Case cases[] = {
            {"an empty name", params({{"", "x"}}), 400},
            {"= in a name", params({{"HTTP_A=B", "x"}}), 400},
            {"NUL in a name", params({{std::string("HTTP_A\0B", 8), "x"}}), 400},
            {"LF in a name", params({{"HTTP_A\nB", "x"}}), 400},
            {"CR LF in a header", params({{"HTTP_A", "x\r\nB: y"}}), 400},
            {"NUL in a header", params({{"HTTP_A", std::string("x\0y", 3)}}), 400},
            {"no method", without("REQUEST_METHOD"), 400},
            {"an empty method", params({{"REQUEST_METHOD", ""}}), 400},
            {"a strange method", params({{"REQUEST_METHOD", "G=\":<>(e)"}}), 400},
            {"a long method", params({{"REQUEST_METHOD", std::string(33, 'A')}}), 400},
            {"TRACE", params({{"REQUEST_METHOD", "TRACE"}}), 405},
            {"CONNECT", params({{"REQUEST_METHOD", "CONNECT"}}), 405},
            {"LF in the path", params({{"SCRIPT_NAME", "/a\nb"}}), 400},
            {"NUL in the path", params({{"PATH_INFO", std::string("/\0", 2)}}), 400},
            {"%0a in a path that only the URI tells",
             params({{"SCRIPT_NAME", ""}, {"REQUEST_URI", "/a%0ab"}}), 400},
            {"a path without a slash", params({{"SCRIPT_NAME", "path"}}), 400},
            {"no path at all", params({{"SCRIPT_NAME", ""}, {"REQUEST_URI", ""}}), 400},
            {"parameters that are cut off", cutOff, 400},
        };
        for (const Case& c : cases)
            inEveryCut(c.bytes, [&](auto send, const std::string& how) {
                FcgiClient client = fixture.client();
                send(client);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what + how, c.status,
                                             client.answer().response.status);
                expectGood(client, c.what + how);
            });
    }

    void missingVariablesAreFilledIn() {  // F7
        fixture.start();
        struct Case {
            const char* what;
            std::string bytes;
            const char *name, *value;
        };
        const Case cases[] = {
            {"no QUERY_STRING", without("QUERY_STRING"), "QUERY_STRING", "a=b"},
            {"no REQUEST_URI", without("REQUEST_URI"), "REQUEST_URI", "/path?a=b"},
            {"no SCRIPT_NAME", without("SCRIPT_NAME"), "PATH_INFO", "/path"},
            {"an empty PATH_INFO", params({{"PATH_INFO", ""}}), "PATH_INFO", "/path"},
            {"a SCRIPT_NAME and a PATH_INFO", params({{"PATH_INFO", "/more"}}), "PATH_INFO",
             "/path/more"},
            {"no REMOTE_ADDR", without("REMOTE_ADDR"), "REMOTE_ADDR", "unknown"},
            {"no SERVER_NAME", without("SERVER_NAME"), "SERVER_NAME", "example.org"},
            {"a nameless server", params({{"SERVER_NAME", "_"}}), "SERVER_NAME", "example.org"},
            {"no SERVER_PORT", without("SERVER_PORT"), "SERVER_PORT", "80"},
            {"no SERVER_PROTOCOL", without("SERVER_PROTOCOL"), "SERVER_PROTOCOL", "HTTP/1.1"},
            {"no GATEWAY_INTERFACE", without("GATEWAY_INTERFACE"), "GATEWAY_INTERFACE", "CGI/1.1"},
            {"HTTPS on", params({{"HTTPS", "on"}}), "HTTPS", "on"},
            {"HTTPS 1", params({{"HTTPS", "1"}}), "HTTPS", "on"},
            {"HTTPS off", params({{"HTTPS", "off"}}), "HTTPS", "(absent)"},
            {"an empty HTTPS", params({{"HTTPS", ""}}), "HTTPS", "(absent)"},
            {"an empty CONTENT_TYPE", params({}), "CONTENT_TYPE", "(absent)"},
            {"an empty CONTENT_LENGTH", params({}), "CONTENT_LENGTH", "(absent)"},
            {"a certificate", params({{"SSL_CLIENT_CERT", "a\nb"}}), "SSL_CLIENT_CERT", "(absent)"},
            {"a variable of its own", params({{"APP_MODE", "test"}}), "APP_MODE", "test"},
        };
        for (const Case& c : cases) {
            FcgiClient client = fixture.client();
            client.send(c.bytes);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, std::string(c.value),
                                         variable(client.answer(), c.name));
        }
    }

    // The web server says who its peer is; what that one says about clients counts when it is
    // trusted.
    void believesForwardedHeadersOfTrustedProxies() {
        const FcgiParams forwarded{{"HTTP_X_FORWARDED_FOR", "6.6.6.6, 198.51.100.1"},
                                   {"HTTP_X_FORWARDED_PROTO", "https"},
                                   {"HTTP_X_FORWARDED_HOST", "chat.example"}};
        const std::string balancer = "10.0.0.5", stranger = "192.0.2.7";
        struct Case {
            const char* what;
            TrustedProxies proxies;
            std::string peer, expected;
        };
        const Case cases[] = {
            {"a trusted proxy", {"10.0.0.0/8"}, balancer, "198.51.100.1 on chat.example 443 /path"},
            {"a stranger", {"10.0.0.0/8"}, stranger, "192.0.2.7 (absent) example.org 80 /path"},
            {"nobody is trusted", {}, balancer, "10.0.0.5 (absent) example.org 80 /path"},
            // Not the connection between the web server and us.
            {"the web server", {"127.0.0.1"}, balancer, "10.0.0.5 (absent) example.org 80 /path"},
            {"an unknown peer",
             {"0.0.0.0/0", "::/0", "unix"},
             "",
             "unknown (absent) example.org 80 /path"},
        };
        for (const Case& c : cases) {
            test::FcgiFixture server;
            server.options.trustedProxies = c.proxies;
            server.start();
            FcgiParams all = forwarded;
            all.emplace_back("REMOTE_ADDR", c.peer);
            const FcgiAnswer answer = server.client().call("GET", "/path", {}, all);
            std::string seen = variable(answer, "REMOTE_ADDR");
            for (const char* name : {"HTTPS", "HTTP_HOST", "SERVER_PORT", "PATH_INFO"})
                seen += " " + variable(answer, name);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.what, c.expected, seen);
        }
    }

    void badLengthsOfTheBodyAre400() {  // F8
        fixture.start();
        const auto post = [](const std::string& length, std::string_view content) {
            FcgiParams all = FcgiClient::params("POST", "/path", {}, {{"CONTENT_LENGTH", length}});
            if (length == "absent") {
                all.pop_back();
                std::erase_if(all, [](const auto& p) { return p.first == "CONTENT_LENGTH"; });
            }
            return FcgiClient::request(1, true, all, content);
        };
        struct Case {
            const char* length;
            std::string_view content;
            int status;
        };
        const Case cases[] = {
            {"-1", "x", 400},     {"+1", "x", 400},
            {"abc", "x", 400},    {"1x", "x", 400},
            {" 1", "x", 400},     {"0x1", "x", 400},
            {"1,0", "x", 400},    {"99999999999999999999", "x", 400},
            {"6", "12345", 400},  // larger than stdin
            {"4", "12345", 400},  // smaller
            {"absent", "x", 400}, {"", "x", 400},
            {"0", "x", 400},      {"1000000000000", "x", 413},
            {"5", "12345", 200},  {"005", "12345", 200},
            {"absent", "", 200},  {"0", "", 200},
        };
        for (const Case& c : cases)
            inEveryCut(post(c.length, c.content), [&](auto send, const std::string& how) {
                FcgiClient client = fixture.client();
                send(client);
                const FcgiAnswer answer = client.answer();
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.length + how, c.status, answer.response.status);
                if (c.status == 200)
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(c.length, std::string(c.content), body(answer));
                expectGood(client, c.length + how);
            });
    }

    void bodiesOfEverySizeArrive() {
        fixture.start();
        FcgiClient client = fixture.client();
        for (const std::size_t size :
             {1u, 65'534u, 65'535u, 65'536u, 131'070u, 200'000u, 1'000'000u}) {
            std::string content(size, '\0');
            for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 >> 3);
            CPPUNIT_ASSERT(body(client.call("POST", "/", content)) == content);
        }
    }

    void aBodyOverTheLimitIs413AndTheConnectionGoesOn() {
        fixture.app->maxBody = 1000;
        fixture.start();
        FcgiClient client = fixture.client();
        const FcgiAnswer answer = client.call("POST", "/", std::string(300'000, 'x'));
        CPPUNIT_ASSERT_EQUAL(413, answer.response.status);
        CPPUNIT_ASSERT_EQUAL(std::string(), answer.response.body);
        expectGood(client, "behind a body that was skipped");
        CPPUNIT_ASSERT_EQUAL(200, client.call("POST", "/", std::string(1000, 'x')).response.status);
    }

    void aBodyThatNeverEndsIsClosed() {  // F9
        fixture.options.limits.bodyTime = 400ms;
        fixture.options.limits.bodyGrace = 200ms;
        fixture.start();
        const std::string head =
            FcgiClient::begin(1, true) +
            FcgiClient::record(FcgiRawRecord::Params, 1,
                               FcgiClient::pairs(FcgiClient::params("POST", "/", "12345"))) +
            FcgiClient::record(FcgiRawRecord::Params, 1);
        for (const std::string& rest :
             {std::string(), FcgiClient::record(FcgiRawRecord::Stdin, 1, "123"),
              FcgiClient::record(FcgiRawRecord::Stdin, 1, "12345"),
              FcgiClient::record(FcgiRawRecord::Stdin, 1, "12345").substr(0, 9)}) {
            FcgiClient client = fixture.client();
            client.send(head + rest);
            CPPUNIT_ASSERT_EQUAL(408, client.answer().response.status);
            CPPUNIT_ASSERT(client.raw().closedWithin(5s));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, fixture.counters().timeouts.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, fixture.reached(Limit::BodyTime) +
                                                   fixture.reached(Limit::MinBodyRate));
    }

    void requestsAreMultiplexed() {  // F10
        Arrivals<Exchange::Ptr> parked;
        fixture.app->onHandle = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        fixture.start();
        FcgiClient client = fixture.client();
        // Their records are mixed.
        const auto request = [](int id) {
            return FcgiClient::request(
                id, true,
                FcgiClient::params("POST", "/" + std::to_string(id), "body" + std::to_string(id)),
                "body" + std::to_string(id));
        };
        std::string left[3] = {request(1), request(2), request(65'535)};
        for (bool more = true; more;) {
            more = false;
            for (std::string& bytes : left) {
                if (bytes.empty()) continue;
                const std::size_t size = 8 + static_cast<unsigned char>(bytes[4]) * 256u +
                                         static_cast<unsigned char>(bytes[5]);
                client.send(bytes.substr(0, size));
                bytes.erase(0, size);
                more = true;
            }
        }
        std::map<std::string, Exchange::Ptr> exchanges;
        for (int i = 0; i < 3; ++i) {
            const Exchange::Ptr exchange = parked.take();
            exchanges[std::string(exchange->environ().path())] = exchange;
        }
        for (const int id : {65'535, 1, 2}) {  // answered in another order
            const Exchange::Ptr exchange = exchanges["/" + std::to_string(id)];
            CPPUNIT_ASSERT_EQUAL("body" + std::to_string(id), exchange->body());
            exchange->respond(Response::text(200, "answer " + std::to_string(id)));
            CPPUNIT_ASSERT_EQUAL("answer " + std::to_string(id), client.answer(id).response.body);
        }
    }

    // As many large answers as there are requests in progress, and no further request.
    void largeAnswersOfSeveralRequestsWaitTogether() {
        constexpr int kRequests = 6, kPieces = 10;
        const auto piece = [](int id) { return std::string(300'000, static_cast<char>('a' + id)); };
        const auto request = [](int id) {
            return FcgiClient::request(id, true,
                                       FcgiClient::params("GET", "/" + std::to_string(id)));
        };
        Arrivals<Exchange::Ptr> parked;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        fixture.start();
        FcgiClient client(fixture.port(), {.receiveBuffer = 4096});
        std::vector<Exchange::Ptr> exchanges;
        for (int id = 1; id <= kRequests; ++id) {
            client.send(request(id));
            exchanges.push_back(parked.take());
        }
        // On the loop, where write() does not wait: all of it before anything is sent.
        fixture.server->hub().post(exchanges[0]->loop(), [&] {
            for (int id = 2; id <= kRequests; id += 2) exchanges[id - 1]->start(200, {});
            for (int i = 0; i < kPieces; ++i)
                for (int id = 2; id <= kRequests; id += 2) exchanges[id - 1]->write(piece(id));
            for (int id = 1; id <= kRequests; id += 2) {
                std::string whole;
                for (int i = 0; i < kPieces; ++i) whole += piece(id);
                exchanges[id - 1]->respond(Response::text(200, std::move(whole)));
            }
            for (int id = 2; id <= kRequests; id += 2) exchanges[id - 1]->finish();
        });
        LoopTime::turn(fixture.server->hub());
        client.send(request(kRequests + 1));
        LoopTime::turn(fixture.server->hub(), client.raw());
        CPPUNIT_ASSERT(parked.empty());
        for (int id = 1; id <= kRequests; ++id) {
            std::string expected;
            for (int i = 0; i < kPieces; ++i) expected += piece(id);
            CPPUNIT_ASSERT_MESSAGE(std::to_string(id), client.answer(id).response.body == expected);
        }
        parked.take()->respond(Response::text(200, "next"));
        CPPUNIT_ASSERT_EQUAL(std::string("next"), client.answer(kRequests + 1).response.body);
    }

    void moreRequestsThanTheLimitAreOverloaded() {  // F10
        for (const std::size_t limit : {1u, 3u}) {
            FcgiFixture limited;
            Arrivals<Exchange::Ptr> parked;
            limited.app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
            limited.options.limits.concurrentRequests = limit;
            limited.start();
            FcgiClient client = limited.client();
            std::vector<Exchange::Ptr> exchanges;
            for (int id = 1; id <= static_cast<int>(limit) + 1; ++id)
                client.send(FcgiClient::request(id, true, FcgiClient::params("GET", "/")));
            const int last = static_cast<int>(limit) + 1;
            CPPUNIT_ASSERT_EQUAL(limit == 1 ? 1 : 2, client.answer(last).protocolStatus);
            client.send(FcgiClient::record(FcgiRawRecord::GetValues, 0,
                                           FcgiClient::pair("FCGI_MPXS_CONNS", "")));
            CPPUNIT_ASSERT_EQUAL(FcgiClient::pair("FCGI_MPXS_CONNS", limit == 1 ? "0" : "1"),
                                 client.read().content);
            for (std::size_t i = 0; i < limit; ++i)
                parked.take()->respond(Response::text(200, "late"));
            for (int id = 1; id < last; ++id)
                CPPUNIT_ASSERT_EQUAL(std::string("late"), client.answer(id).response.body);
            client.send(FcgiClient::request(last, true, FcgiClient::params("GET", "/")));
            parked.take()->respond(Response::text(200, "again"));
            CPPUNIT_ASSERT_EQUAL(std::string("again"), client.answer(last).response.body);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), limited.reached(Limit::ConcurrentRequests));
        }
    }

    void rolesButTheResponderAreUnknown() {  // F11
        fixture.start();
        for (const int role : {0, 2, 3, 255, 256, 65'535})
            for (const bool keep : {true, false}) {
                FcgiClient client = fixture.client();
                std::string bytes = FcgiClient::request(1, keep, FcgiClient::params("GET", "/"));
                bytes.replace(0, 16, FcgiClient::begin(1, keep, role));
                client.raw().trySend(bytes);
                const FcgiAnswer answer = client.answer();
                CPPUNIT_ASSERT_EQUAL(3, answer.protocolStatus);
                CPPUNIT_ASSERT_EQUAL(std::string(), answer.raw);
                if (keep)
                    expectGood(client, "role " + std::to_string(role));
                else
                    CPPUNIT_ASSERT(client.raw().closedWithin(5s));
            }
    }

    void theConnectionIsKeptWhenAsked() {  // F12
        fixture.start();
        FcgiClient client = fixture.client();
        client.call("GET", "/");
        expectGood(client, "kept");
        client.call("GET", "/", {}, {}, false);
        CPPUNIT_ASSERT(client.raw().closedWithin(5s));
    }

    void aKeptConnectionTakesTenThousandRequests() {  // F12
        fixture.app->onBegin = [](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(200, "ok"));
        };
        fixture.start();
        FcgiClient client = fixture.client();
        const std::string request = FcgiClient::request(1, true, FcgiClient::params("GET", "/"));
        for (int i = 0; i < 10'000; ++i) {
            client.send(request);
            CPPUNIT_ASSERT_EQUAL(std::string("ok"), client.answer().response.body);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{10'000}, fixture.counters().requests.load());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, fixture.server->hub().connectionCount());
    }

    void abortAndCloseEndAParkedRequest() {  // F13
        Arrivals<Exchange::Ptr> parked;
        Arrivals<int> aborted;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->onAbort([&] { aborted.put(1); });
            parked.put(exchange);
        };
        fixture.start();
        {
            FcgiClient client = fixture.client();
            client.send(kGood);
            const Exchange::Ptr exchange = parked.take();
            client.send(FcgiClient::record(FcgiRawRecord::Abort, 1));
            aborted.take();
            const FcgiAnswer answer = client.answer();
            CPPUNIT_ASSERT_EQUAL(0, answer.protocolStatus);
            CPPUNIT_ASSERT_EQUAL(std::string(), answer.raw);
            CPPUNIT_ASSERT(exchange->finished());
            exchange->respond(Response::text(200, "too late"));
            client.send(kGood);  // the connection is as good as before
            parked.take()->respond(Response::text(200, "next"));
            CPPUNIT_ASSERT_EQUAL(std::string("next"), client.answer().response.body);
        }
        for (const bool reset : {false, true}) {
            FcgiClient client = fixture.client();
            client.send(kGood);
            const Exchange::Ptr exchange = parked.take();
            if (reset)
                client.raw().reset();
            else
                client.raw().close();
            aborted.take();
            CPPUNIT_ASSERT(exchange->finished());
        }
        CPPUNIT_ASSERT(eventually([&] { return fixture.server->hub().connectionCount() == 0; }));
    }

    void abortAndCloseEndAParkedPoll() {  // F13
        Server sio;
        Arrivals<std::string> disconnected;
        sio.on("connect", [](Socket&) {});
        sio.on("disconnect", [&](Socket&, DisconnectReason reason) {
            disconnected.put(std::string(toString(reason)));
        });
        FcgiServer server(Middleware(sio), {.port = 0});
        server.start();
        const std::uint16_t port = server.address().port();
        for (const bool abort : {true, false}) {
            FcgiPollingClient polling(port);
            polling.connect();
            FcgiClient poll = polling.startPoll();
            CPPUNIT_ASSERT(!poll.raw().readable(50ms));  // parked
            if (abort)
                poll.send(FcgiClient::record(FcgiRawRecord::Abort, 1));
            else
                poll.raw().close();
            CPPUNIT_ASSERT_EQUAL(std::string("transport error"), disconnected.take());
            const FcgiAnswer answer = FcgiClient(port).call("GET", polling.target());
            CPPUNIT_ASSERT_EQUAL(400, answer.response.status);
        }
        server.stop(1s);
    }

    void valuesAreAnswered() {  // F14
        fixture.start();
        const auto ask = [&](const FcgiParams& names) {
            FcgiClient client = fixture.client();
            client.send(FcgiClient::record(FcgiRawRecord::GetValues, 0, FcgiClient::pairs(names)));
            const FcgiRawRecord record = client.read();
            CPPUNIT_ASSERT_EQUAL(int{FcgiRawRecord::GetValuesResult}, record.type);
            CPPUNIT_ASSERT_EQUAL(0, record.id);
            expectGood(client, "behind GetValues");
            return record.content;
        };
        const std::string connections =
            std::to_string(fixture.server->hub().options().maxConnections);
        const std::string requests =
            std::to_string(fixture.server->hub().options().maxConnections * 32);
        CPPUNIT_ASSERT_EQUAL(std::string(), ask({}));
        CPPUNIT_ASSERT_EQUAL(std::string(), ask({{"FCGI_UNKNOWN", ""}, {"", ""}}));
        CPPUNIT_ASSERT_EQUAL(FcgiClient::pair("FCGI_MPXS_CONNS", "1"),
                             ask({{"X", "y"}, {"FCGI_MPXS_CONNS", ""}}));
        const std::string all = FcgiClient::pairs({{"FCGI_MAX_CONNS", connections},
                                                   {"FCGI_MAX_REQS", requests},
                                                   {"FCGI_MPXS_CONNS", "1"}});
        CPPUNIT_ASSERT_EQUAL(all, ask({{"FCGI_MPXS_CONNS", ""},
                                       {"FCGI_MAX_CONNS", "7"},
                                       {"FCGI_MAX_REQS", ""},
                                       {"FCGI_MAX_REQS", ""}}));
        FcgiParams many;
        for (int i = 0; i < 10'000; ++i) many.emplace_back("N" + std::to_string(i % 1000), "");
        many.emplace_back("FCGI_MAX_CONNS", "");
        CPPUNIT_ASSERT_EQUAL(FcgiClient::pair("FCGI_MAX_CONNS", connections), ask(many));
    }

    void longAnswersAreCutIntoRecords() {  // F15
        std::string content;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->respond({200, {{"Content-Type", "application/octet-stream"}}, content});
        };
        fixture.start();
        FcgiClient client = fixture.client();
        for (const std::size_t size :
             {0u, 1u, 65'400u, 65'535u, 65'536u, 131'070u, 200'000u, 5'000'000u}) {
            content.resize(size);
            for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 17 >> 2);
            const FcgiAnswer answer = client.call("GET", "/");  // checks every record
            CPPUNIT_ASSERT(answer.response.body == content);
            CPPUNIT_ASSERT_EQUAL(0, answer.protocolStatus);
            CPPUNIT_ASSERT_EQUAL(std::to_string(size), answer.response.header("Content-Length"));
        }
    }

    void answersInPieces() {
        fixture.app->onHandle = [](const Exchange::Ptr& exchange) {
            const bool announced = exchange->environ().query() == "announced";
            HeaderList headers{{"Content-Type", "text/plain"}};
            if (announced) headers.add("Content-Length", "600003");
            exchange->start(200, headers);
            exchange->write("abc");
            exchange->write(std::string(300'000, 'x'));
            exchange->write({});
            exchange->write(std::string(300'000, 'y') + (announced ? "never sent" : ""));
            exchange->finish();
        };
        fixture.start();
        FcgiClient client = fixture.client();
        for (const char* target : {"/", "/?announced"}) {
            const FcgiAnswer answer = client.call("GET", target);
            CPPUNIT_ASSERT(answer.response.body ==
                           "abc" + std::string(300'000, 'x') + std::string(300'000, 'y'));
            CPPUNIT_ASSERT_EQUAL(std::string(target[1] ? "600003" : ""),
                                 answer.response.header("Content-Length"));
            CPPUNIT_ASSERT_EQUAL(std::string(), answer.response.header("Transfer-Encoding"));
        }
    }

    void aWriterWaitsForASlowWebServer() {
        std::atomic<int> written{0};
        Arrivals<bool> ended;
        WatchedThread writer;
        fixture.app->onHandle = [&](const Exchange::Ptr& exchange) {
            writer.isThisOne();
            exchange->start(200, {});
            bool taken = true;
            for (int i = 0; i < 400 && taken; ++i) {
                taken = exchange->write(std::string(64 * 1024, 'x'));
                if (taken) ++written;
            }
            exchange->finish();
            ended.put(taken);
        };
        fixture.start();
        FcgiClient client(fixture.port(), {.receiveBuffer = 4096});
        client.send(kGood);
        CPPUNIT_ASSERT(eventually([&] { return written > 3; }));
        CPPUNIT_ASSERT(writer.comesToAStop(fixture.server->hub(), [&] { return written.load(); }));
        CPPUNIT_ASSERT(ended.empty());
        CPPUNIT_ASSERT(written < 200);  // of 25 MB no more than the kernel's buffers hold
        client.raw().close();
        CPPUNIT_ASSERT(!ended.take());
        // And one that reads gets all of it.
        FcgiClient reader = fixture.client();
        reader.send(kGood);
        CPPUNIT_ASSERT_EQUAL(std::size_t{400 * 64 * 1024}, reader.answer().response.body.size());
        CPPUNIT_ASSERT(ended.take());
    }

    void headersThatWouldBreakTheAnswerAreLeftOut() {  // F16
        fixture.app->onBegin = [](const Exchange::Ptr& exchange) {
            Response response = Response::text(200, "ok");
            response.headers.add("X-Good", "yes");
            response.headers.add("X-Bad", "a\r\nSet-Cookie: evil=1");
            response.headers.add("X-Bad\r\nSet-Cookie", "evil=1");
            response.headers.add("Status", "500 Broken");
            response.headers.add("Connection", "close");
            response.headers.add("Transfer-Encoding", "chunked");
            response.headers.add("Content-Length", "1");
            exchange->respond(response);
        };
        fixture.start();
        const FcgiAnswer answer = fixture.client().call("GET", "/");
        CPPUNIT_ASSERT_EQUAL(
            std::string(
                "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Good: yes\r\n"
                "Content-Length: 2\r\n\r\nok"),
            answer.raw);
    }

    void headAndBodylessAnswers() {
        fixture.app->onBegin = [](const Exchange::Ptr& exchange) {
            const std::string_view path = exchange->environ().path();
            const int status = std::stoi(std::string(path.substr(1)));
            if (exchange->environ().query() == "pieces") {
                exchange->start(status, {{"Content-Length", "5"}});
                exchange->write("12345");
                exchange->finish();
            } else {
                exchange->respond({status, {}, status == 204 ? "" : "12345"});
            }
        };
        fixture.start();
        struct Case {
            const char *method, *target, *raw;
        };
        const Case cases[] = {
            {"GET", "/200", "Status: 200 OK\r\nContent-Length: 5\r\n\r\n12345"},
            {"HEAD", "/200", "Status: 200 OK\r\nContent-Length: 5\r\n\r\n"},
            {"GET", "/204", "Status: 204 No Content\r\n\r\n"},
            {"HEAD", "/204", "Status: 204 No Content\r\n\r\n"},
            {"GET", "/304", "Status: 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
            {"GET", "/700", "Status: 500 Internal Server Error\r\nContent-Length: 5\r\n\r\n12345"},
            {"GET", "/200?pieces", "Status: 200 OK\r\nContent-Length: 5\r\n\r\n12345"},
            {"HEAD", "/200?pieces", "Status: 200 OK\r\nContent-Length: 5\r\n\r\n"},
            {"GET", "/204?pieces", "Status: 204 No Content\r\n\r\n"},
        };
        FcgiClient client = fixture.client();
        for (const Case& c : cases)
            CPPUNIT_ASSERT_EQUAL(std::string(c.raw), client.call(c.method, c.target).raw);
    }

    void fifteenHundredConnectionsAtOnce() {  // F17
        constexpr int kConnections = 1500;
        Arrivals<Exchange::Ptr> parked;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        fixture.start();
        std::vector<FcgiClient> clients;
        clients.reserve(kConnections);
        for (int i = 0; i < kConnections; ++i) {
            clients.push_back(fixture.client());
            clients.back().send(
                FcgiClient::request(1, true, FcgiClient::params("GET", "/" + std::to_string(i))));
        }
        std::vector<Exchange::Ptr> exchanges;
        for (int i = 0; i < kConnections; ++i) exchanges.push_back(parked.take());
        CPPUNIT_ASSERT_EQUAL(std::size_t{kConnections}, fixture.server->hub().connectionCount());
        CPPUNIT_ASSERT(clients.back().raw().descriptor() > 1024);
        for (const auto& exchange : exchanges)
            exchange->respond(Response::text(200, exchange->environ().path()));
        for (int i = 0; i < kConnections; ++i)
            CPPUNIT_ASSERT_EQUAL("/" + std::to_string(i),
                                 clients[static_cast<std::size_t>(i)].answer().response.body);
    }

    void slowRecordsAreClosed() {  // F18
        fixture.options.limits.headTime = 300ms;
        fixture.start();
        const std::string begun = FcgiClient::begin(1, true);
        const std::string pairs = FcgiClient::pairs(FcgiClient::params("GET", "/"));
        const std::pair<const char*, std::string> cases[] = {
            {"nothing", ""},
            {"half a header", begun.substr(0, 5)},
            {"half a record", begun.substr(0, 12)},
            {"BeginRequest alone", begun},
            {"parameters without an end",
             begun + FcgiClient::record(FcgiRawRecord::Params, 1, pairs)},
            {"half a record behind an answer", kGood + begun.substr(0, 7)},
            {"half of a padding", FcgiClient::record(77, 1, "x", 100).substr(0, 50)},
        };
        for (const auto& [what, bytes] : cases) {
            FcgiClient client = fixture.client();
            client.send(bytes);
            if (bytes.starts_with(kGood)) client.answer();
            CPPUNIT_ASSERT_MESSAGE(what, client.raw().closedWithin(5s));
        }
        // A byte now and then does not help.
        FcgiClient client = fixture.client();
        bool closed = false;
        for (const char c : kGood.substr(0, 100)) {
            if ((closed = client.raw().closedWithin(60ms))) break;
            client.raw().trySend({&c, 1});
        }
        CPPUNIT_ASSERT(closed);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(std::size(cases) + 1), fixture.reached(Limit::HeadTime));
        // A request in progress is not in a hurry.
        Arrivals<Exchange::Ptr> parked;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        FcgiClient patient = fixture.client();
        patient.send(kGood);
        const Exchange::Ptr exchange = parked.take();
        CPPUNIT_ASSERT(!patient.raw().closedWithin(700ms));
        exchange->respond(Response::text(200, "at last"));
        CPPUNIT_ASSERT_EQUAL(std::string("at last"), patient.answer().response.body);
    }

    void idleConnectionsAreClosed() {
        fixture.options.limits.keepAliveTime = 200ms;
        fixture.start();
        FcgiClient client = fixture.client();
        expectGood(client, "first");
        CPPUNIT_ASSERT(client.raw().closedWithin(5s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), fixture.reached(Limit::KeepAliveTime));
    }

    void variablesOfHeaders() {  // F19
        fixture.start();
        const FcgiAnswer answer = fixture.client().call("GET", "/", {},
                                                        {{"HTTP_PROXY", "http://evil"},
                                                         {"HTTP_X_FORWARDED_FOR", "192.0.2.1"},
                                                         {"HTTP_X_FORWARDED_FOR", "192.0.2.2"},
                                                         {"HTTP_COOKIE", "a=1"},
                                                         {"HTTP_COOKIE", "b=2"},
                                                         {"HTTP_HOST", "chosen.example:8080"},
                                                         {"HTTP_CONTENT_TYPE", "text/evil"},
                                                         {"HTTP_CONTENT_LENGTH", "7"},
                                                         {"REMOTE_ADDR", "192.0.2.9"}});
        CPPUNIT_ASSERT_EQUAL(std::string("(absent)"), variable(answer, "HTTP_PROXY"));
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.1,192.0.2.2"),
                             variable(answer, "HTTP_X_FORWARDED_FOR"));
        CPPUNIT_ASSERT_EQUAL(std::string("a=1; b=2"), variable(answer, "HTTP_COOKIE"));
        CPPUNIT_ASSERT_EQUAL(std::string("chosen.example:8080"), variable(answer, "HTTP_HOST"));
        CPPUNIT_ASSERT_EQUAL(std::string("(absent)"), variable(answer, "HTTP_CONTENT_TYPE"));
        CPPUNIT_ASSERT_EQUAL(std::string("(absent)"), variable(answer, "HTTP_CONTENT_LENGTH"));
        CPPUNIT_ASSERT_EQUAL(std::string("192.0.2.9"), variable(answer, "REMOTE_ADDR"));
    }

    void upgradesAreOfferedOnlyWithARoute() {  // F21
        for (const bool route : {false, true}) {
            Server sio;
            sio.on("connect", [](Socket&) {});
            FcgiServer server(Middleware(sio), {.port = 0, .webSocketRoute = route});
            server.start();
            const FcgiPollingClient client(server.address().port());
            const bool offered =
                client.openPacket().find("\"upgrades\":[\"websocket\"]") != std::string::npos;
            const bool none = client.openPacket().find("\"upgrades\":[]") != std::string::npos;
            CPPUNIT_ASSERT_EQUAL(route, offered);
            CPPUNIT_ASSERT_EQUAL(!route, none);
            // The WebSocket itself cannot come this way.
            for (const std::string& sid : {std::string(), "&sid=" + client.sid()}) {
                const FcgiAnswer answer =
                    FcgiClient(server.address().port())
                        .call("GET", "/socket.io/?EIO=4&transport=websocket" + sid, {},
                              {{"HTTP_UPGRADE", "websocket"},
                               {"HTTP_CONNECTION", "Upgrade"},
                               {"HTTP_SEC_WEBSOCKET_VERSION", "13"},
                               {"HTTP_SEC_WEBSOCKET_KEY", "dGhlIHNhbXBsZSBub25jZQ=="}});
                CPPUNIT_ASSERT_EQUAL(400, answer.response.status);
            }
            server.stop(200ms);
        }
    }

    void aRequestThatIsLetGoIs500() {
        fixture.app->onBegin = [](const Exchange::Ptr&) {};
        fixture.start();
        FcgiClient client = fixture.client();
        CPPUNIT_ASSERT_EQUAL(500, client.call("GET", "/").response.status);
        fixture.app->onBegin = [](const Exchange::Ptr&) { throw std::runtime_error("broken"); };
        CPPUNIT_ASSERT_EQUAL(500, client.call("GET", "/").response.status);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, fixture.counters().dropped.load());
    }

    void anAnswerThatIsNotFinishedEndsTheConnection() {
        fixture.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->start(200, {});
            exchange->write("half");
        };
        fixture.start();
        FcgiClient client = fixture.client();
        client.send(kGood);
        const std::string rest = client.raw().readToEnd();
        CPPUNIT_ASSERT(rest.find(std::string("\1\3\0\1", 4)) == rest.npos);  // no EndRequest
    }

    void halfClosedClientsAreAnswered() {
        fixture.start();
        FcgiClient client = fixture.client();
        client.send(params({}, "POST", "all of it"));
        client.raw().shutdownWrite();
        CPPUNIT_ASSERT_EQUAL(std::string("all of it"), body(client.answer()));
        CPPUNIT_ASSERT(client.raw().closedWithin(5s));
        // A body that ends with the connection is no body.
        FcgiClient cut = fixture.client();
        const std::string bytes = params({}, "POST", "all of it");
        cut.send(bytes.substr(0, bytes.size() - 8));
        cut.raw().shutdownWrite();
        CPPUNIT_ASSERT_EQUAL(std::string(), cut.answer().raw);
    }

    void heldBodiesPauseTheConnection() {
        Arrivals<Exchange::Ptr> parked;
        fixture.app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        fixture.app->maxBody = 10'000'000;
        fixture.start();
        const std::string content(8'000'000, 'x');
        FcgiClient client = fixture.client();
        std::thread sender([&] {
            client.raw().trySend(
                FcgiClient::request(1, true, FcgiClient::params("POST", "/", content), content));
        });
        const Exchange::Ptr exchange = parked.take();
        std::promise<std::size_t> size;
        fixture.server->hub().post(exchange->loop(), [&] {
            exchange->receiveBody(10'000'000, [&](Exchange::BodyStatus status) {
                size.set_value(status == Exchange::BodyStatus::Complete ? exchange->body().size()
                                                                        : 0);
            });
        });
        CPPUNIT_ASSERT_EQUAL(content.size(), size.get_future().get());
        exchange->respond(Response::text(200, "got it"));
        sender.join();
        CPPUNIT_ASSERT_EQUAL(std::string("got it"), client.answer().response.body);
    }

    void keepsTheRulesOfEnvironAndExchange() {
        const auto report = std::make_shared<EnvironLint::Report>();
        FcgiServer server(std::make_shared<EnvironLint>(fixture.app, report), {.port = 0});
        server.start();
        FcgiClient client(server.address().port());
        client.call("GET", "/a/b?c=d");
        client.call("POST", "/", "body");
        client.send(FcgiClient::request(1, true, {{"REQUEST_METHOD", "GET"}, {"PATH_INFO", "/x"}}));
        CPPUNIT_ASSERT_EQUAL(200, client.answer().response.status);
        server.stop(1s);
        CPPUNIT_ASSERT_EQUAL(std::string(), report->text());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FcgiConnectionTest);

}  // namespace socketio
