#include <memory>
#include <string>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/middleware/Health.h"
#include "socketio/middleware/Mounts.h"

#include "support/FakeExchange.h"

namespace socketio {

using test::FakeExchange;
using test::ManualExecutor;

namespace {

/// Answers with what it sees.
struct Echo : App {
    explicit Echo(std::string word) : name(std::move(word)) {}
    bool stop(TimePoint) override {
        ++stops;
        return true;
    }
    void begin(const Exchange::Ptr& exchange) override {
        const Environ& environ = exchange->environ();
        exchange->respond(Response::text(200, name + ":" + std::string(environ["SCRIPT_NAME"]) +
                                                  ":" + std::string(environ.path())));
    }
    void handle(const Exchange::Ptr&) override {}
    std::string name;
    int stops = 0;
};

}  // namespace

/// Health and Mounts: who gets which request.
class HealthTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HealthTest);
    CPPUNIT_TEST(answersForBalancers);
    CPPUNIT_TEST(isUnreadyFromItsStopOn);
    CPPUNIT_TEST(givesRequestsToWhatIsMountedThere);
    CPPUNIT_TEST(refusesMountsThatCannotBe);
    CPPUNIT_TEST_SUITE_END();

public:
    void answersForBalancers() {
        Health health(std::make_shared<Echo>("app"));
        CPPUNIT_ASSERT_EQUAL(200, ask(health, "GET", "/healthz").status);
        CPPUNIT_ASSERT_EQUAL(200, ask(health, "HEAD", "/readyz").status);
        CPPUNIT_ASSERT_EQUAL(405, ask(health, "POST", "/readyz").status);
        health.setReady(false);
        CPPUNIT_ASSERT_EQUAL(200, ask(health, "GET", "/healthz").status);
        CPPUNIT_ASSERT_EQUAL(503, ask(health, "GET", "/readyz").status);
        CPPUNIT_ASSERT_EQUAL(std::string("app::/readyz/x"), ask(health, "GET", "/readyz/x").body);
        health.setReady(true);
        CPPUNIT_ASSERT_EQUAL(200, ask(health, "GET", "/readyz").status);

        Health off(std::make_shared<Echo>("app"), {.live = "", .ready = "/up"});
        CPPUNIT_ASSERT_EQUAL(std::string("app::/healthz"), ask(off, "GET", "/healthz").body);
        CPPUNIT_ASSERT_EQUAL(std::string("ok\n"), ask(off, "GET", "/up").body);
        CPPUNIT_ASSERT_THROW(Health(std::make_shared<Echo>("app"), {.live = "up", .ready = ""}),
                             Poco::InvalidArgumentException);
    }

    void isUnreadyFromItsStopOn() {
        const auto app = std::make_shared<Echo>("app");
        Health health(app);
        health.stop(executor.clock().now());
        CPPUNIT_ASSERT(!health.ready());
        CPPUNIT_ASSERT_EQUAL(1, app->stops);
    }

    void givesRequestsToWhatIsMountedThere() {
        Mounts mounts({{"/docs", std::make_shared<Echo>("docs")},
                       {"/docs/api/", std::make_shared<Echo>("api")}},
                      std::make_shared<Echo>("rest"));
        struct Case {
            const char *path, *answer;
        };
        const Case cases[] = {
            {"/docs/", "docs:/docs:/"},          {"/docs/a/b", "docs:/docs:/a/b"},
            {"/docs/api/x", "api:/docs/api:/x"}, {"/docs/apix", "docs:/docs:/apix"},
            {"/docsearch", "rest::/docsearch"},  {"/", "rest::/"},
        };
        for (const Case& c : cases)
            CPPUNIT_ASSERT_EQUAL(std::string(c.answer), ask(mounts, "GET", c.path).body);
        const Response redirect = ask(mounts, "GET", "/docs?a=b");
        CPPUNIT_ASSERT_EQUAL(301, redirect.status);
        CPPUNIT_ASSERT_EQUAL(std::string("/docs/?a=b"),
                             std::string(redirect.headers.get("Location")));
        CPPUNIT_ASSERT_EQUAL(std::string("docs:/docs:"), ask(mounts, "POST", "/docs").body);
        Mounts alone({{"/a", std::make_shared<Echo>("a")}});
        CPPUNIT_ASSERT_EQUAL(404, ask(alone, "GET", "/b").status);
    }

    void refusesMountsThatCannotBe() {
        const auto app = std::make_shared<Echo>("a");
        using List = std::vector<Mounts::Mount>;
        const List bad[] = {{{"", app}},
                            {{"/", app}},
                            {{"docs", app}},
                            {{"/a", nullptr}},
                            {{"/a", app}, {"/a/", app}}};
        for (const List& list : bad)
            CPPUNIT_ASSERT_THROW(Mounts{list}, Poco::InvalidArgumentException);
    }

private:
    Response ask(App& app, const char* method, const char* target) {
        const auto exchange = FakeExchange::make(executor, method, target);
        app.begin(exchange);
        CPPUNIT_ASSERT(exchange->response.has_value());
        return *exchange->response;
    }

    ManualExecutor executor;
};
CPPUNIT_TEST_SUITE_REGISTRATION(HealthTest);

}  // namespace socketio
