#include <algorithm>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>
#include <zlib.h>

#include "socketio/middleware/EnvironLint.h"
#include "socketio/middleware/Middleware.h"
#include "socketio/middleware/StaticFiles.h"
#include "socketio/server/Server.h"

#include "TemporaryFolder.h"
#include "TestExchange.h"

namespace socketio {

using test::ask;
using test::environFor;

namespace {

/// The app beside the Socket.IO server.
class OtherApp : public App {
public:
    struct Calls {
        int starts = 0, stops = 0;
    };
    explicit OtherApp(std::shared_ptr<Calls> calls = std::make_shared<Calls>())
        : _calls(std::move(calls)) {}
    void start(Executor&) override { ++_calls->starts; }
    bool stop(TimePoint) override {
        ++_calls->stops;
        return true;
    }
    void handle(const Exchange::Ptr& exchange) override {
        exchange->respond(Response::text(200, "other"));
    }
    void begin(const Exchange::Ptr& exchange) override { handle(exchange); }

private:
    std::shared_ptr<Calls> _calls;
};

std::string gunzip(const std::string& packed) {
    z_stream stream{};
    CPPUNIT_ASSERT_EQUAL(Z_OK, inflateInit2(&stream, 15 + 16));
    std::string plain(1 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    CPPUNIT_ASSERT_EQUAL(Z_STREAM_END, inflate(&stream, Z_FINISH));
    plain.resize(stream.total_out);
    inflateEnd(&stream);
    return plain;
}

}  // namespace

class MiddlewareTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MiddlewareTest);
    CPPUNIT_TEST(routesByThePath);
    CPPUNIT_TEST(answersNotFoundWithoutAnApp);
    CPPUNIT_TEST(takesAnyPath);
    CPPUNIT_TEST(servesThePathWithoutItsSlashWhenTold);
    CPPUNIT_TEST(startsAndStopsServerAndApp);
    CPPUNIT_TEST(takesAppsByValueAndByPointer);
    CPPUNIT_TEST(bringsARequestBackToItsLoop);
    CPPUNIT_TEST(servesTheOfficialClient);
    CPPUNIT_TEST(packsTheOfficialClient);
    CPPUNIT_TEST(knowsTheClientThatABrowserHas);
    CPPUNIT_TEST(leavesOtherNamesToTheEngine);
    CPPUNIT_TEST(namesAClientFolderThatCannotBeUsed);
    CPPUNIT_TEST_SUITE_END();

public:
    void tearDown() override {
        CPPUNIT_ASSERT_EQUAL(std::string(), report->text());
        server.stop(executor.clock().now());
    }

    /// Who answered: the engine says what it misses in JSON.
    std::string whoAnswers(EnvironLint& app, std::string_view target) {
        const auto answer = ask(executor, app, environFor("GET", target));
        if (answer->body == "other") return "app";
        if (answer->status == 404) return "nobody";
        return answer->status == 400 && answer->body.starts_with("{\"code\":") ? "engine" : "?";
    }
    template <class... Argument>
    EnvironLint middleware(Argument&&... argument) {
        EnvironLint app(Middleware(server, std::forward<Argument>(argument)...), report);
        app.start(executor);
        return app;
    }

    void routesByThePath() {
        EnvironLint app = middleware(OtherApp());
        struct Case {
            const char *target, *who;
        };
        const Case cases[] = {
            {"/socket.io/", "engine"},
            {"/socket.io/?x=1", "engine"},
            {"/socket.io/zz", "engine"},
            {"/socket.io//", "engine"},
            {"/socket.io", "app"},
            {"/socket.io?x=1", "app"},
            {"/socket.iox/", "app"},
            {"/Socket.IO/", "app"},
            {"//socket.io/", "app"},
            {"/a/socket.io/", "app"},
            {"/", "app"},
            {"/index.html", "app"},
        };
        for (const Case& c : cases)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.target, std::string(c.who), whoAnswers(app, c.target));
        Environ mounted = environFor("GET", "");
        mounted.set("SCRIPT_NAME", "/socket.io");
        mounted.set("REQUEST_URI", "/socket.io");
        CPPUNIT_ASSERT_EQUAL(std::string("other"), ask(executor, app, std::move(mounted))->body);
    }

    void answersNotFoundWithoutAnApp() {
        EnvironLint app = middleware();
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(app, "/socket.io/"));
        for (const char* method : {"GET", "POST", "OPTIONS"}) {
            const auto answer = ask(executor, app, environFor(method, "/socket.io"));
            CPPUNIT_ASSERT_EQUAL(404, answer->status);
            CPPUNIT_ASSERT_EQUAL(std::string("Not Found"), answer->body);
            CPPUNIT_ASSERT_EQUAL(std::string("text/plain"),
                                 std::string(answer->headers.get("Content-Type")));
        }
    }

    void takesAnyPath() {
        struct Case {
            const char *path, *engine, *other;
        };
        const Case cases[] = {
            {"chat", "/chat/", "/socket.io/"},
            {"/chat/", "/chat/", "/chat"},
            {"//a/b//", "/a/b/", "/a/"},
        };
        for (const Case& c : cases) {
            EnvironLint app = middleware(OtherApp(), MiddlewareOptions{.path = c.path});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.path, std::string("engine"), whoAnswers(app, c.engine));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.path, std::string("app"), whoAnswers(app, c.other));
        }
        EnvironLint byValue = middleware(OtherApp(), "live");
        EnvironLint byPointer = middleware(std::make_shared<OtherApp>(), std::string("/live"));
        for (EnvironLint* app : {&byValue, &byPointer}) {
            CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(*app, "/live/"));
            CPPUNIT_ASSERT_EQUAL(std::string("app"), whoAnswers(*app, "/socket.io/"));
        }
        EnvironLint everything = middleware(OtherApp(), MiddlewareOptions{.path = "/"});
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(everything, "/"));
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(everything, "/x"));
    }

    void servesThePathWithoutItsSlashWhenTold() {
        EnvironLint app = middleware(OtherApp(), MiddlewareOptions{.addTrailingSlash = false});
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(app, "/socket.io"));
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(app, "/socket.io/"));
        CPPUNIT_ASSERT_EQUAL(std::string("app"), whoAnswers(app, "/socket.iox"));
    }

    void startsAndStopsServerAndApp() {
        const auto calls = std::make_shared<OtherApp::Calls>();
        Middleware app(server, OtherApp(calls));
        app.start(executor);
        app.start(executor);  // a second front end on the same hub
        CPPUNIT_ASSERT_EQUAL(2, calls->starts);
        test::ManualExecutor another;
        CPPUNIT_ASSERT_THROW(app.start(another), Poco::IllegalStateException);
        app.stop(executor.clock().now());
        CPPUNIT_ASSERT_EQUAL(1, calls->stops);
    }

    void takesAppsByValueAndByPointer() {
        EnvironLint byValue = middleware(OtherApp());
        EnvironLint byPointer = middleware(std::make_shared<OtherApp>());
        EnvironLint byBase = middleware(std::shared_ptr<App>(std::make_shared<OtherApp>()));
        OtherApp named;
        EnvironLint byCopy = middleware(named);
        EnvironLint none = middleware(std::shared_ptr<App>());
        for (EnvironLint* app : {&byValue, &byPointer, &byBase, &byCopy})
            CPPUNIT_ASSERT_EQUAL(std::string("app"), whoAnswers(*app, "/x"));
        CPPUNIT_ASSERT_EQUAL(std::string("nobody"), whoAnswers(none, "/x"));
        Server second;
        EnvironLint nested =
            middleware(Middleware(second, OtherApp(), MiddlewareOptions{.path = "second"}));
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(nested, "/socket.io/"));
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(nested, "/second/"));
        CPPUNIT_ASSERT_EQUAL(std::string("app"), whoAnswers(nested, "/third/"));
        second.stop(executor.clock().now());
    }

    void bringsARequestBackToItsLoop() {
        Middleware app(server, OtherApp());
        app.start(executor);
        const auto exchange = std::make_shared<test::TestExchange>(
            executor, std::make_shared<const Environ>(environFor("GET", "/x")));
        app.handle(exchange);
        CPPUNIT_ASSERT(!exchange->done);
        executor.run();
        CPPUNIT_ASSERT_EQUAL(std::string("other"), exchange->body);
    }

    // ---- the official client ----

    static constexpr const char* kNames[] = {"socket.io.js",
                                             "socket.io.min.js",
                                             "socket.io.esm.min.js",
                                             "socket.io.msgpack.min.js",
                                             "socket.io.js.map",
                                             "socket.io.min.js.map",
                                             "socket.io.esm.min.js.map",
                                             "socket.io.msgpack.min.js.map"};

    /// A folder as npm makes it.
    EnvironLint withClient() {
        for (const std::string name : kNames) folder.write(name, contents(name));
        folder.write("socket.io.other.js", "no");
        folder.write("package.json", "{}");
        return middleware(OtherApp(), MiddlewareOptions{.clientFolder = folder.path()});
    }
    static std::string contents(const std::string& name) {
        std::string text = "/*!\n * Socket.IO v4.8.1\n * " + name + "\n */\n";
        for (int i = 0; i < 200; ++i) text += "let x" + std::to_string(i) + ";\n";
        return text;
    }

    void servesTheOfficialClient() {
        EnvironLint app = withClient();
        for (const std::string name : kNames) {
            const auto answer =
                ask(executor, app, environFor("GET", "/socket.io/" + name + "?v=1&transport=x"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, 200, answer->status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, contents(name), answer->body);
            CPPUNIT_ASSERT_EQUAL(
                std::string(name.ends_with(".map") ? "application/json; charset=utf-8"
                                                   : "application/javascript; charset=utf-8"),
                std::string(answer->headers.get("Content-Type")));
            CPPUNIT_ASSERT_EQUAL(std::string("\"4.8.1\""),
                                 std::string(answer->headers.get("ETag")));
            CPPUNIT_ASSERT_EQUAL(std::string("public, max-age=0"),
                                 std::string(answer->headers.get("Cache-Control")));
            CPPUNIT_ASSERT_EQUAL(std::string("Accept-Encoding"),
                                 std::string(answer->headers.get("Vary")));
            CPPUNIT_ASSERT(!answer->headers.has("Content-Encoding"));
        }
        const auto post = ask(executor, app, environFor("POST", "/socket.io/socket.io.js"));
        CPPUNIT_ASSERT_EQUAL(405, post->status);
        CPPUNIT_ASSERT_EQUAL(std::string("GET, HEAD"), std::string(post->headers.get("Allow")));
        CPPUNIT_ASSERT_EQUAL(
            200, ask(executor, app, environFor("HEAD", "/socket.io/socket.io.js"))->status);
    }

    void packsTheOfficialClient() {
        EnvironLint app = withClient();
        const auto packed = ask(executor, app,
                                environFor("GET", "/socket.io/socket.io.min.js",
                                           {{"Accept-Encoding", "br, gzip;q=0.8"}}));
        CPPUNIT_ASSERT_EQUAL(200, packed->status);
        CPPUNIT_ASSERT_EQUAL(std::string("gzip"),
                             std::string(packed->headers.get("Content-Encoding")));
        CPPUNIT_ASSERT_EQUAL(std::string("W/\"4.8.1\""), std::string(packed->headers.get("ETag")));
        CPPUNIT_ASSERT_EQUAL(std::string("Accept-Encoding"),
                             std::string(packed->headers.get("Vary")));
        CPPUNIT_ASSERT(packed->body.size() < contents("socket.io.min.js").size() / 2);
        CPPUNIT_ASSERT_EQUAL(contents("socket.io.min.js"), gunzip(packed->body));
        const auto refused = ask(executor, app,
                                 environFor("GET", "/socket.io/socket.io.min.js",
                                            {{"Accept-Encoding", "gzip;q=0, identity"}}));
        CPPUNIT_ASSERT(!refused->headers.has("Content-Encoding"));
        CPPUNIT_ASSERT_EQUAL(contents("socket.io.min.js"), refused->body);
    }

    void knowsTheClientThatABrowserHas() {
        EnvironLint app = withClient();
        struct Case {
            const char* known;
            int status;
        };
        const Case cases[] = {
            {"\"4.8.1\"", 304}, {"W/\"4.8.1\"", 304}, {"\"4.8.0\", \"4.8.1\"", 304},
            {"\"4.8.0\"", 200}, {"4.8.1", 200},       {"*", 304},
        };
        for (const Case& c : cases)
            for (const char* encoding : {"", "gzip"}) {
                const auto answer =
                    ask(executor, app,
                        environFor("GET", "/socket.io/socket.io.js",
                                   {{"If-None-Match", c.known}, {"Accept-Encoding", encoding}}));
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.known, c.status, answer->status);
                CPPUNIT_ASSERT_EQUAL(c.status == 304, answer->body.empty());
            }
    }

    void leavesOtherNamesToTheEngine() {
        EnvironLint app = withClient();
        for (const char* name : {"socket.io.other.js", "package.json", "Socket.io.js", "../x",
                                 "socket.io.js/", "socket.io.min.js.gz", ""})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("engine"),
                                         whoAnswers(app, std::string("/socket.io/") + name));
        EnvironLint without = middleware(OtherApp());
        CPPUNIT_ASSERT_EQUAL(std::string("engine"), whoAnswers(without, "/socket.io/socket.io.js"));
    }

    void namesAClientFolderThatCannotBeUsed() {
        folder.write("file", "x");
        folder.write("empty/readme", "x");
        for (const std::string name : {"missing", "file", "empty"}) {
            const std::string path = folder / name;
            try {
                Middleware app(server, {.clientFolder = path});
                CPPUNIT_FAIL("no exception for " + path);
            } catch (const Poco::FileException& e) {
                CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                       e.displayText().find(path) != std::string::npos);
            }
        }
    }

private:
    test::TemporaryFolder folder;
    test::ManualExecutor executor;
    Server server;
    std::shared_ptr<EnvironLint::Report> report = std::make_shared<EnvironLint::Report>();
};
CPPUNIT_TEST_SUITE_REGISTRATION(MiddlewareTest);

}  // namespace socketio
