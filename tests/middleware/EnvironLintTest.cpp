#include <functional>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/middleware/EnvironLint.h"

#include "TestExchange.h"

namespace socketio {

using test::ask;
using test::environFor;

namespace {

/// Does with a request what a test tells it to, in begin().
class ScriptedApp : public App {
public:
    using Script = std::function<void(const Exchange::Ptr&)>;
    explicit ScriptedApp(Script script) : _script(std::move(script)) {}
    void begin(const Exchange::Ptr& exchange) override { _script(exchange); }
    void handle(const Exchange::Ptr& exchange) override { _script(exchange); }

private:
    Script _script;
};

/// A well-behaved app that uses App::begin().
class EchoApp : public App {
public:
    void handle(const Exchange::Ptr& exchange) override {
        exchange->respond(Response::text(200, exchange->body()));
    }
};

}  // namespace

class EnvironLintTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EnvironLintTest);
    CPPUNIT_TEST(findsNothingInAGoodEnviron);
    CPPUNIT_TEST(findsWhatIsWrongWithAnEnviron);
    CPPUNIT_TEST(findsNothingInAGoodAnswer);
    CPPUNIT_TEST(findsWhatAnAppDoesWrong);
    CPPUNIT_TEST(findsWhatAFrontEndDoesWrong);
    CPPUNIT_TEST(keepsARequestUntilItsBodyHasCome);
    CPPUNIT_TEST(letsGoOfARequestThatWasAborted);
    CPPUNIT_TEST_SUITE_END();

    using Script = ScriptedApp::Script;

public:
    void findsNothingInAGoodEnviron() {
        CPPUNIT_ASSERT_EQUAL(std::string(), join(EnvironLint::check(environFor("GET", "/a?b=c"))));
        Environ environ = environFor("OPTIONS", "*");
        environ.set("HTTPS", "on");
        environ.addHeader("X-Forwarded-For", "::1");
        environ.addHeader("Content-Length", "0");
        CPPUNIT_ASSERT_EQUAL(std::string(), join(EnvironLint::check(environ)));
        Environ mounted = environFor("GET", "");
        mounted.set("SCRIPT_NAME", "/app");
        mounted.set("REQUEST_URI", "/app");
        CPPUNIT_ASSERT_EQUAL(std::string(), join(EnvironLint::check(mounted)));
    }

    void findsWhatIsWrongWithAnEnviron() {
        struct Case {
            const char* name;
            std::string value;
            const char* expected;
        };
        const Case cases[] = {
            {"REQUEST_METHOD", "", "REQUEST_METHOD is \"\""},
            {"REQUEST_METHOD", "GET /", "REQUEST_METHOD is \"GET /\""},
            {"SCRIPT_NAME", "/", "SCRIPT_NAME is \"/\""},
            {"SCRIPT_NAME", "app", "SCRIPT_NAME is \"app\""},
            {"PATH_INFO", "a", "PATH_INFO is \"a\""},
            {"PATH_INFO", "*", "PATH_INFO is \"*\""},
            {"PATH_INFO", "", "SCRIPT_NAME and PATH_INFO are both empty"},
            {"QUERY_STRING", "?a=1", "QUERY_STRING is \"?a=1\""},
            {"REQUEST_URI", "", "REQUEST_URI is \"\""},
            {"SERVER_NAME", "", "SERVER_NAME is \"\""},
            {"SERVER_PORT", "", "SERVER_PORT is \"\""},
            {"SERVER_PORT", "65536", "SERVER_PORT is \"65536\""},
            {"SERVER_PORT", "http", "SERVER_PORT is \"http\""},
            {"SERVER_PROTOCOL", "1.1", "SERVER_PROTOCOL is \"1.1\""},
            {"REMOTE_ADDR", "", "REMOTE_ADDR is \"\""},
            {"REMOTE_PORT", "-1", "REMOTE_PORT is \"-1\""},
            {"GATEWAY_INTERFACE", "FastCGI", "GATEWAY_INTERFACE is \"FastCGI\""},
            {"HTTPS", "off", "HTTPS is \"off\""},
            {"CONTENT_LENGTH", "1x", "CONTENT_LENGTH is \"1x\""},
            {"HTTP_PROXY", "http://evil", "HTTP_PROXY must not get in"},
            {"HTTP_CONTENT_TYPE", "text/plain", "HTTP_CONTENT_TYPE must not get in"},
            {"HTTP_CONTENT_LENGTH", "1", "HTTP_CONTENT_LENGTH must not get in"},
            {"HTTP_user", "", "\"HTTP_user\" is no name of a variable"},
            {"HTTP_A-B", "", "\"HTTP_A-B\" is no name of a variable"},
            {"HTTP_A B", "", "\"HTTP_A B\" is no name of a variable"},
        };
        for (const Case& c : cases) {
            Environ environ = environFor("GET", "/a");
            environ.set(c.name, c.value);
            CPPUNIT_ASSERT_EQUAL(std::string(c.expected) + "\n", join(EnvironLint::check(environ)));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(10), EnvironLint::check(Environ()).size());
    }

    void findsNothingInAGoodAnswer() {
        const Script good[] = {
            [](const auto& e) { e->respond(Response::text(200, "hello")); },
            [](const auto& e) {
                e->respond({204, {}, {}});
            },
            [](const auto& e) {
                e->respond({200,
                            {{"Content-Length", "0"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}},
                            {}});
            },
            [](const auto& e) {
                e->start(200, {{"Content-Length", "4"}, {"Content-Type", "text/plain"}});
                e->write("ab");
                e->write("cd");
                e->finish();
            },
            [](const auto& e) {
                e->start(200, {});
                e->finish();
            },
        };
        for (const Script& script : good)
            CPPUNIT_ASSERT_EQUAL(std::string(), run(script, environFor("GET", "/x")));
        CPPUNIT_ASSERT_EQUAL(std::string(), run(
                                                [](const auto& e) {
                                                    e->start(200, {{"Content-Length", "4"}});
                                                    e->finish();
                                                },
                                                environFor("HEAD", "/x")));
    }

    void findsWhatAnAppDoesWrong() {
        struct Case {
            const char* expected;
            Script script;
        };
        const Case cases[] = {
            {"the app let go of the request without an answer", [](const auto&) {}},
            {"respond() is a second answer",
             [](const auto& e) {
                 e->respond(Response::text(200, "a"));
                 e->respond(Response::text(200, "b"));
             }},
            {"start() is a second answer",
             [](const auto& e) {
                 e->respond(Response::text(200, "a"));
                 e->start(200, {});
             }},
            {"the app started an answer and never finished it",
             [](const auto& e) { e->start(200, {}); }},
            {"write() outside of start() and finish()",
             [](const auto& e) {
                 e->respond(Response::text(200, "a"));
                 e->write("b");
             }},
            {"finish() without start(), or a second finish()",
             [](const auto& e) {
                 e->start(200, {});
                 e->finish();
                 e->finish();
             }},
            {"more bytes were written than Content-Length says",
             [](const auto& e) {
                 e->start(200, {{"Content-Length", "1"}});
                 e->write("ab");
                 e->finish();
             }},
            {"fewer bytes were written than Content-Length says",
             [](const auto& e) {
                 e->start(200, {{"Content-Length", "3"}});
                 e->write("ab");
                 e->finish();
             }},
            {"status 99",
             [](const auto& e) {
                 e->respond({99, {}, {}});
             }},
            {"status 100",
             [](const auto& e) {
                 e->respond({100, {}, {}});
             }},
            {"status 600",
             [](const auto& e) {
                 e->respond({600, {}, {}});
             }},
            {"a body with status 304",
             [](const auto& e) {
                 e->respond({304, {{"Content-Type", "text/plain"}}, "x"});
             }},
            {"a body without Content-Type",
             [](const auto& e) {
                 e->respond({200, {}, "x"});
             }},
            {"Content-Length differs from the body",
             [](const auto& e) {
                 e->respond({200, {{"Content-Type", "text/plain"}, {"Content-Length", "2"}}, "x"});
             }},
            {"Content-Length that is no number",
             [](const auto& e) {
                 e->start(200, {{"Content-Length", "x"}}), e->finish();
             }},
            {"Content-Length with status 204",
             [](const auto& e) {
                 e->respond({204, {{"Content-Length", "0"}}, {}});
             }},
            {"header Connection belongs to the front end",
             [](const auto& e) {
                 e->respond({204, {{"Connection", "keep-alive"}}, {}});
             }},
            {"header Transfer-Encoding belongs to the front end",
             [](const auto& e) {
                 e->respond({204, {{"Transfer-Encoding", "chunked"}}, {}});
             }},
            {"header Status stands for the status line in CGI",
             [](const auto& e) {
                 e->respond({204, {{"Status", "200"}}, {}});
             }},
            {"header etag twice",
             [](const auto& e) {
                 e->respond({204, {{"ETag", "1"}, {"etag", "2"}}, {}});
             }},
            {"receiveBody() was called twice",
             [](const auto& e) {
                 e->receiveBody(1, [](auto) {});
                 e->receiveBody(1, [](auto) {});
                 e->respond({204, {}, {}});
             }},
            {"receiveBody() after an answer",
             [](const auto& e) {
                 e->respond({204, {}, {}});
                 e->receiveBody(1, [](auto) {});
             }},
            {"upgrade() of what is no WebSocket handshake", [](const auto& e) { e->upgrade(); }},
        };
        for (const Case& c : cases)
            CPPUNIT_ASSERT_EQUAL(std::string("GET /x: ") + c.expected + "\n",
                                 run(c.script, environFor("GET", "/x")));
        CPPUNIT_ASSERT_EQUAL(std::string("HEAD /x: write() of a body to a HEAD request\n"),
                             run(
                                 [](const auto& e) {
                                     e->start(200, {});
                                     e->write("a");
                                     e->finish();
                                 },
                                 environFor("HEAD", "/x")));
    }

    void findsWhatAFrontEndDoesWrong() {
        EnvironLint lint{EchoApp()};
        const auto environ = std::make_shared<const Environ>(environFor("POST", "/x"));
        const auto exchange = std::make_shared<test::TestExchange>(executor, environ);
        lint.begin(exchange);  // on no loop
        const auto bodyCallback = exchange->bodyCallback;
        const std::string offLoop =
            "POST /x: begin() not on the exchange's loop\n"
            "POST /x: receiveBody() not on the exchange's loop\n";
        CPPUNIT_ASSERT_EQUAL(offLoop, lint.report()->text());
        executor.onLoop(0, [&] {
            const auto abort = exchange->abortCallback;
            exchange->deliver("body");
            executor.run();
            CPPUNIT_ASSERT_EQUAL(std::string("body"), exchange->body);
            abort();
        });
        CPPUNIT_ASSERT_EQUAL(offLoop, lint.report()->text());  // the app had let go already

        EnvironLint keeping{ScriptedApp([this](const Exchange::Ptr& e) {
            kept = e;
            e->onSent([] {});
            e->onAbort([] {});
        })};
        const auto second = std::make_shared<test::TestExchange>(executor, environ);
        executor.onLoop(0, [&] {
            keeping.begin(second);
            const auto abort = second->abortCallback;
            second->sentCallback();
            kept->respond(Response::text(200, "a"));
            abort();
            abort();
        });
        kept.reset();
        CPPUNIT_ASSERT_EQUAL(
            std::string("POST /x: onSent() called back before the answer was complete\n"
                        "POST /x: onAbort() called back after an answer\n"
                        "POST /x: onAbort() called back twice\n"
                        "POST /x: onAbort() called back after an answer\n"),
            keeping.report()->text());
    }

    void keepsARequestUntilItsBodyHasCome() {
        EnvironLint lint{EchoApp()};
        const auto exchange = ask(executor, lint, environFor("POST", "/x"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1'000'000), *exchange->bodyLimit);
        CPPUNIT_ASSERT_EQUAL(0, exchange->answers);
        executor.onLoop(0, [&] { exchange->deliver("hello"); });
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), exchange->body);
        CPPUNIT_ASSERT_EQUAL(std::string(), lint.report()->text());
        CPPUNIT_ASSERT_EQUAL(1L, exchange.use_count());
    }

    void letsGoOfARequestThatWasAborted() {
        EnvironLint lint{EchoApp()};
        const auto exchange = ask(executor, lint, environFor("POST", "/x"));
        executor.onLoop(0, [&] { exchange->abort(); });
        CPPUNIT_ASSERT_EQUAL(1L, exchange.use_count());
        CPPUNIT_ASSERT_EQUAL(std::string(), lint.report()->text());
    }

private:
    static std::string join(const std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& line : lines) text += line + "\n";
        return text;
    }

    /// The report of one request to an app that does `script`.
    std::string run(const Script& script, Environ environ) {
        EnvironLint lint{ScriptedApp(script)};
        ask(executor, lint, std::move(environ));
        return lint.report()->text();
    }

    test::ManualExecutor executor;
    Exchange::Ptr kept;
};
CPPUNIT_TEST_SUITE_REGISTRATION(EnvironLintTest);

}  // namespace socketio
