#include <functional>
#include <stdexcept>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/exchange/App.h"

#include "support/FakeExchange.h"

namespace socketio {

using namespace test;

class AppTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AppTest);
    CPPUNIT_TEST(handlesTheCompleteRequestOnAWorker);
    CPPUNIT_TEST(answersWhatHandlersThrow);
    CPPUNIT_TEST(refusesBodiesOverTheLimit);
    CPPUNIT_TEST(refusesWorkThatFindsNoPlace);
    CPPUNIT_TEST(letsGoOfAClientThatWentAway);
    CPPUNIT_TEST_SUITE_END();

public:
    void handlesTheCompleteRequestOnAWorker() {
        ManualExecutor executor;
        Recorder app([&](const Exchange::Ptr& exchange) {
            CPPUNIT_ASSERT_EQUAL(Executor::kNoLoop, executor.currentLoop());
            exchange->respond(Response::text(200, "got " + exchange->body()));
        });
        const auto exchange = FakeExchange::make(executor, "POST", "/a%20b?c", {}, "data");
        exchange->holdBody = true;
        executor.onLoop(0, [&] { app.begin(exchange); });
        executor.run();
        CPPUNIT_ASSERT(!exchange->answered());
        exchange->deliverBody();
        CPPUNIT_ASSERT(!exchange->answered());
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("got data"), exchange->body());
        CPPUNIT_ASSERT_EQUAL(std::string("request /a b"), executor.described.back());
    }

    void answersWhatHandlersThrow() {
        const std::function<void()> throwers[] = {[] { throw std::runtime_error("secret"); },
                                                  [] { throw Poco::Exception("secret"); },
                                                  [] { throw 42; }};
        for (const auto& thrower : throwers) {
            ManualExecutor executor;
            Recorder app([&](const Exchange::Ptr&) { thrower(); });
            const auto exchange = FakeExchange::make(executor, "GET", "/");
            app.begin(exchange);
            executor.run();
            CPPUNIT_ASSERT_EQUAL(500, exchange->status());
            CPPUNIT_ASSERT(exchange->body().find("secret") == std::string::npos);
        }
    }

    void refusesBodiesOverTheLimit() {
        ManualExecutor executor;
        Recorder app([](const Exchange::Ptr&) { CPPUNIT_FAIL("handled"); });
        app.limit = 3;
        const auto exchange = FakeExchange::make(executor, "POST", "/", {}, "four");
        app.begin(exchange);
        executor.run();
        CPPUNIT_ASSERT_EQUAL(413, exchange->status());
    }

    void refusesWorkThatFindsNoPlace() {
        ManualExecutor executor;
        executor.refuseWork = true;
        Recorder app([](const Exchange::Ptr&) { CPPUNIT_FAIL("handled"); });
        const auto exchange = FakeExchange::make(executor, "GET", "/");
        app.begin(exchange);
        CPPUNIT_ASSERT_EQUAL(503, exchange->status());
    }

    void letsGoOfAClientThatWentAway() {
        ManualExecutor executor;
        Recorder app([](const Exchange::Ptr&) { CPPUNIT_FAIL("handled"); });
        auto exchange = FakeExchange::make(executor, "POST", "/", {}, "x");
        exchange->holdBody = true;
        app.begin(exchange);
        exchange->failBody(Exchange::BodyStatus::Incomplete);
        executor.run();
        CPPUNIT_ASSERT(!exchange->answered());
        CPPUNIT_ASSERT_EQUAL(1L, exchange.use_count());
    }

private:
    class Recorder : public App {
    public:
        explicit Recorder(std::function<void(const Exchange::Ptr&)> onRequest)
            : _onRequest(std::move(onRequest)) {}
        void handle(const Exchange::Ptr& exchange) override { _onRequest(exchange); }
        std::size_t maxBodyBytes() const override { return limit; }
        std::size_t limit = 1000;

    private:
        std::function<void(const Exchange::Ptr&)> _onRequest;
    };
};

CPPUNIT_TEST_SUITE_REGISTRATION(AppTest);

}  // namespace socketio
