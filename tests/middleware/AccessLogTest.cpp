#include <memory>
#include <string>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/middleware/AccessLog.h"

#include "support/FakeExchange.h"

namespace socketio {

using test::FakeExchange;
using test::ManualExecutor;

/// What stands in a line, and when it is written.
class AccessLogTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AccessLogTest);
    CPPUNIT_TEST(writesTheFormatsOfWebServers);
    CPPUNIT_TEST(hidesTheValuesOfQueries);
    CPPUNIT_TEST(keepsALineALine);
    CPPUNIT_TEST(logsWhenTheAnswerIsGivenAndOnce);
    CPPUNIT_TEST(logsWhoWentAway);
    CPPUNIT_TEST_SUITE_END();

public:
    using Format = AccessLogOptions::Format;
    using Query = AccessLogOptions::Query;

    void writesTheFormatsOfWebServers() {
        const auto exchange = FakeExchange::make(
            executor, "GET", "/a%20b?EIO=4",
            {{"Referer", "http://h/p"}, {"User-Agent", "curl/8"}, {"Cookie", "secret"}});
        AccessLog::Entry entry;
        entry.began = std::chrono::system_clock::from_time_t(1'700'000'000);
        entry.took = std::chrono::microseconds(1500);
        entry.status = 200;
        entry.bytes = 12;
        const std::string common =
            AccessLog::line(exchange->environ(), entry, Format::Common, Query::Names);
        CPPUNIT_ASSERT_MESSAGE(common, common.starts_with("127.0.0.1 - - [1"));
        CPPUNIT_ASSERT_MESSAGE(
            common, common.ends_with("/Nov/2023:22:13:20 +0000] \"GET /a%20b?EIO=4 HTTP/1.1\" 200 "
                                     "12\n") ||
                        common.find("+0000") == std::string::npos);  // another time zone
        CPPUNIT_ASSERT(AccessLog::line(exchange->environ(), entry, Format::Combined, Query::Names)
                           .ends_with("200 12 \"http://h/p\" \"curl/8\"\n"));
        CPPUNIT_ASSERT_EQUAL(
            std::string("{\"time\":\"2023-11-14T22:13:20.000Z\",\"remote\":\"127.0.0.1\","
                        "\"method\":\"GET\",\"target\":\"/a%20b?EIO=4\",\"protocol\":\"HTTP/1.1\","
                        "\"status\":200,\"bytes\":12,\"ms\":1.500,\"referer\":\"http://h/p\","
                        "\"agent\":\"curl/8\"}\n"),
            AccessLog::line(exchange->environ(), entry, Format::Json, Query::Names));
    }

    void hidesTheValuesOfQueries() {
        struct Case {
            const char *target, *names, *none, *all;
        };
        const Case cases[] = {
            {"/", "/", "/", "/"},
            {"/?", "/", "/", "/"},
            {"/x?EIO=4&transport=polling&sid=s3", "/x?EIO=4&transport=polling&sid=*", "/x",
             "/x?EIO=4&transport=polling&sid=s3"},
            {"/x?a=1&b=2&c", "/x?a=*&b=*&*", "/x", "/x?a=1&b=2&c"},
            {"/x?secret", "/x?*", "/x", "/x?secret"},
            {"/x?a=b=c&&=d", "/x?a=*&*&=*", "/x", "/x?a=b=c&&=d"},
            {"/x?EIOX=4", "/x?EIOX=*", "/x", "/x?EIOX=4"},
        };
        for (const Case& c : cases) {
            const auto exchange = FakeExchange::make(executor, "GET", c.target);
            const auto target = [&](Query query) {
                const std::string line =
                    AccessLog::line(exchange->environ(), {}, Format::Common, query);
                const std::size_t at = line.find("\"GET ") + 5;
                return line.substr(at, line.find(" HTTP/1.1\"") - at);
            };
            CPPUNIT_ASSERT_EQUAL(std::string(c.names), target(Query::Names));
            CPPUNIT_ASSERT_EQUAL(std::string(c.none), target(Query::None));
            if (std::string(c.target) != "/?")
                CPPUNIT_ASSERT_EQUAL(std::string(c.all), target(Query::All));
        }
        const std::pair<const char*, const char*> referers[] = {
            {"http://h/p?token=1#x", "http://h/p"},
            {"http://user:pw@h:8/p", "http://h:8/p"},
            {"http://a@b@h/p@q", "http://h/p@q"},
            {"about:blank", "about:blank"},
        };
        for (const auto& [sent, logged] : referers) {
            const auto exchange = FakeExchange::make(executor, "GET", "/", {{"Referer", sent}});
            const std::string line =
                AccessLog::line(exchange->environ(), {}, Format::Combined, Query::Names);
            CPPUNIT_ASSERT_MESSAGE(
                line, line.find('"' + std::string(logged) + "\" \"-\"") != std::string::npos);
        }
    }

    void keepsALineALine() {
        const std::string wild = "x\x1b[2J\"\\\t\x7f\xff" + std::string(100'000, 'y');
        const auto exchange = FakeExchange::make(executor, "GET", "/" + wild + "?" + wild + "=1",
                                                 {{"User-Agent", wild}, {"Referer", wild}});
        for (const Format format : {Format::Common, Format::Combined, Format::Json})
            for (const Query query : {Query::Names, Query::All}) {
                const std::string line = AccessLog::line(exchange->environ(), {}, format, query);
                CPPUNIT_ASSERT(line.size() <= 1024 + 64);
                CPPUNIT_ASSERT_EQUAL(line.size() - 1, line.find('\n'));
                for (const char c : line) CPPUNIT_ASSERT(c == '\n' || (c >= 0x20 && c < 0x7f));
                CPPUNIT_ASSERT_MESSAGE(
                    line,
                    line.find(format == Format::Json ? "x\\\\x1b[2J\\\\x22\\\\x5c"
                                                     : "x\\x1b[2J\\x22\\x5c") != std::string::npos);
            }
    }

    void logsWhenTheAnswerIsGivenAndOnce() {
        const auto app = std::make_shared<Keeping>();
        AccessLog log(app, options());
        log.begin(FakeExchange::make(executor, "GET", "/parked"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), lines.size());
        app->exchange->respond(Response::text(201, "four"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), lines.size());
        CPPUNIT_ASSERT_MESSAGE(
            lines[0], lines[0].find("\"GET /parked HTTP/1.1\" 201 4") != std::string::npos);
        app->exchange->respond(Response::text(500, "again"));
        app->exchange.reset();
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), lines.size());

        log.begin(FakeExchange::make(executor, "HEAD", "/head"));
        app->exchange->respond(Response::text(200, "body"));
        CPPUNIT_ASSERT_MESSAGE(lines[1], lines[1].find("200 -") != std::string::npos);
    }

    void logsWhoWentAway() {
        const auto app = std::make_shared<Keeping>();
        AccessLog log(app, options());
        log.begin(FakeExchange::make(executor, "GET", "/dropped"));
        app->exchange.reset();  // the front end answers 500
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), lines.size());
        CPPUNIT_ASSERT_MESSAGE(lines[0], lines[0].find("\" 500 -") != std::string::npos);
    }

private:
    struct Keeping : App {
        void begin(const Exchange::Ptr& begun) override { exchange = begun; }
        void handle(const Exchange::Ptr&) override {}
        Exchange::Ptr exchange;
    };

    AccessLogOptions options() {
        AccessLogOptions options;
        options.format = Format::Common;
        options.write = [this](std::string_view line) { lines.emplace_back(line); };
        return options;
    }

    ManualExecutor executor;
    std::vector<std::string> lines;
};
CPPUNIT_TEST_SUITE_REGISTRATION(AccessLogTest);

}  // namespace socketio
