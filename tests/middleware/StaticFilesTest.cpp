#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <Poco/Exception.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/middleware/EnvironLint.h"
#include "socketio/middleware/StaticFiles.h"

#include "TemporaryFolder.h"
#include "TestExchange.h"

namespace socketio {

using test::ask;
using test::environFor;

namespace {

/// Answers everything with its name and remembers whether it was started and stopped.
class NamedApp : public App {
public:
    void start(Executor&) override { ++started; }
    bool stop(TimePoint) override {
        ++stopped;
        return true;
    }
    void begin(const Exchange::Ptr& exchange) override {
        begunOnLoop = exchange->executor().currentLoop() == exchange->loop();
        handle(exchange);
    }
    void handle(const Exchange::Ptr& exchange) override {
        exchange->respond(Response::text(200, "fallback"));
    }
    int started = 0, stopped = 0;
    bool begunOnLoop = false;
};

}  // namespace

class StaticFilesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(StaticFilesTest);
    CPPUNIT_TEST(servesFilesWithTheirTypes);
    CPPUNIT_TEST(servesTheIndexOfAFolder);
    CPPUNIT_TEST(redirectsAFolderWithoutItsSlash);
    CPPUNIT_TEST(hasNoWayOutOfItsFolder);
    CPPUNIT_TEST(refusesOtherMethods);
    CPPUNIT_TEST(answersHeadWithoutABody);
    CPPUNIT_TEST(answersConditionalRequests);
    CPPUNIT_TEST(answersRanges);
    CPPUNIT_TEST(givesANewTagToAChangedFile);
    CPPUNIT_TEST(streamsLargeFilesInPieces);
    CPPUNIT_TEST(sendsARangeOfALargeFile);
    CPPUNIT_TEST(stopsReadingWhenTheClientHasGone);
    CPPUNIT_TEST(leavesAnAnswerUnfinishedWhenTheFileShrinks);
    CPPUNIT_TEST(aSlowDownloadHoldsNoWorker);
    CPPUNIT_TEST(limitsTheNumberOfStreams);
    CPPUNIT_TEST(asksItsFallback);
    CPPUNIT_TEST(saysWhenWorkersAreBusy);
    CPPUNIT_TEST(namesAFolderThatCannotBeRead);
    CPPUNIT_TEST(survivesTheLossOfItsFolder);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        folder.write("www/index.html", "<h1>home</h1>");
        folder.write("www/page.html", "0123456789");
        folder.write("www/sub/index.html", "sub");
        folder.write("www/empty/readme.txt", "");
        folder.write("www/.hidden", "secret");
        folder.write("www/.git/config", "secret");
        folder.write("www/with space+plus.txt", "space");
        folder.write("www/na\xc3\xafve.txt", "utf-8");
        folder.write("secret.txt", "secret");
        std::filesystem::create_directory(folder / "www/bare");
    }
    void tearDown() override { CPPUNIT_ASSERT_EQUAL(std::string(), report->text()); }

    /// A request through EnvironLint.
    std::shared_ptr<test::TestExchange> get(
        std::string_view target,
        std::initializer_list<std::pair<std::string_view, std::string_view>> headers = {},
        std::string_view method = "GET") {
        return ask(executor, lint(), environFor(method, target, headers));
    }
    EnvironLint& lint() {
        if (!app) app = std::make_unique<EnvironLint>(StaticFiles(folder / "www", options), report);
        return *app;
    }

    void servesFilesWithTheirTypes() {
        struct Case {
            const char *name, *type;
        };
        const Case cases[] = {
            {"a.html", "text/html; charset=utf-8"},
            {"a.HTML", "text/html; charset=utf-8"},
            {"a.css", "text/css; charset=utf-8"},
            {"a.js", "text/javascript; charset=utf-8"},
            {"a.min.mjs", "text/javascript; charset=utf-8"},
            {"a.json", "application/json; charset=utf-8"},
            {"a.svg", "image/svg+xml; charset=utf-8"},
            {"a.png", "image/png"},
            {"a.woff2", "font/woff2"},
            {"a.wasm", "application/wasm"},
            {"a.txt", "text/plain; charset=utf-8"},
            {"a.tar.gz", "application/gzip"},
            {"a.unknown", "application/octet-stream"},
            {"plain", "application/octet-stream"},
            {"dotted.html/plain", "application/octet-stream"},
            {"a.special", "application/x-special"},
        };
        options.contentTypes["special"] = "application/x-special";
        for (const Case& c : cases) {
            folder.write(std::string("www/") + c.name, c.name);
            const auto answer = get(std::string("/") + c.name);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, 200, answer->status);
            CPPUNIT_ASSERT_EQUAL(std::string(c.name), answer->body);
            CPPUNIT_ASSERT_EQUAL(std::string(c.type),
                                 std::string(answer->headers.get("Content-Type")));
            CPPUNIT_ASSERT_EQUAL(std::string("nosniff"),
                                 std::string(answer->headers.get("X-Content-Type-Options")));
            CPPUNIT_ASSERT_EQUAL(std::string("no-cache"),
                                 std::string(answer->headers.get("Cache-Control")));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("space"), get("/with space+plus.txt")->body);
        CPPUNIT_ASSERT_EQUAL(std::string("utf-8"), get("/na\xc3\xafve.txt")->body);
        CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), get("/page.html?v=1")->body);
        const auto empty = get("/empty/readme.txt");
        CPPUNIT_ASSERT_EQUAL(200, empty->status);
        CPPUNIT_ASSERT_EQUAL(std::string(), empty->body);
    }

    void servesTheIndexOfAFolder() {
        CPPUNIT_ASSERT_EQUAL(std::string("<h1>home</h1>"), get("/")->body);
        CPPUNIT_ASSERT_EQUAL(std::string("text/html; charset=utf-8"),
                             std::string(get("/")->headers.get("Content-Type")));
        CPPUNIT_ASSERT_EQUAL(std::string("sub"), get("/sub/")->body);
        CPPUNIT_ASSERT_EQUAL(404, get("/empty/")->status);
        CPPUNIT_ASSERT_EQUAL(404, get("/empty")->status);
        CPPUNIT_ASSERT_EQUAL(404, get("/page.html/")->status);
        CPPUNIT_ASSERT_EQUAL(404, get("/page.html/x")->status);

        options.index = "page.html";
        options.cacheControl = "max-age=60";
        app.reset();
        CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), get("/")->body);
        CPPUNIT_ASSERT_EQUAL(std::string("max-age=60"),
                             std::string(get("/")->headers.get("Cache-Control")));
        CPPUNIT_ASSERT_EQUAL(404, get("/sub/")->status);
        options.index.clear();  // no folder is served
        app.reset();
        CPPUNIT_ASSERT_EQUAL(404, get("/")->status);
        CPPUNIT_ASSERT_EQUAL(200, get("/page.html")->status);
    }

    void redirectsAFolderWithoutItsSlash() {
        folder.write("www/a b\xc3\xa9/index.html", "");
        struct Case {
            const char *target, *location;
        };
        const Case cases[] = {
            {"/sub", "/sub/"},
            {"/sub?a=1&b=%20", "/sub/?a=1&b=%20"},
            {"//sub", "/sub/"},  // never "//sub/", which is another host
            {"/a b\xc3\xa9", "/a%20b%C3%A9/"},
        };
        for (const Case& c : cases) {
            const auto answer = get(c.target);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.target, 301, answer->status);
            CPPUNIT_ASSERT_EQUAL(std::string(c.location),
                                 std::string(answer->headers.get("Location")));
        }
        Environ mounted = environFor("GET", "/sub");
        mounted.set("SCRIPT_NAME", "/files");
        CPPUNIT_ASSERT_EQUAL(
            std::string("/files/sub/"),
            std::string(ask(executor, lint(), std::move(mounted))->headers.get("Location")));
    }

    void hasNoWayOutOfItsFolder() {
        CPPUNIT_ASSERT_EQUAL(0, ::symlink("../secret.txt", (folder / "www/link.txt").c_str()));
        CPPUNIT_ASSERT_EQUAL(0, ::symlink("..", (folder / "www/up").c_str()));
        CPPUNIT_ASSERT_EQUAL(
            0, ::symlink((folder / "secret.txt").c_str(), (folder / "www/absolute").c_str()));
        CPPUNIT_ASSERT_EQUAL(0, ::symlink("loop", (folder / "www/loop").c_str()));
        CPPUNIT_ASSERT_EQUAL(0, ::symlink("page.html", (folder / "www/good").c_str()));
        CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((folder / "www/pipe").c_str(), 0600));
        const std::string cases[] = {"/../secret.txt",
                                     "/..",
                                     "/sub/../../secret.txt",
                                     "/sub/../page.html",
                                     "/./page.html",
                                     "/..\\secret.txt",
                                     "/..%2fsecret.txt",
                                     "/page.html\x01",
                                     "/page.html\x7f",
                                     "/link.txt",
                                     "/up/secret.txt",
                                     "/absolute",
                                     "/loop",
                                     "/pipe",
                                     "/.hidden",
                                     "/.git/config",
                                     "/" + std::string(300, 'a'),
                                     "/" + std::string(5000, 'a'),
                                     "/missing"};
        for (const std::string& path : cases) {
            const auto answer = get(path);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 404, answer->status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("Not Found"), answer->body);
        }
        CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), get("/good")->body);
        options.dotFiles = true;
        app.reset();
        CPPUNIT_ASSERT_EQUAL(std::string("secret"), get("/.hidden")->body);
        CPPUNIT_ASSERT_EQUAL(404, get("/../secret.txt")->status);
        StaticFiles files(folder / "www");
        CPPUNIT_ASSERT_EQUAL(404, ask(executor, files, environFor("GET", ""))->status);
        CPPUNIT_ASSERT_EQUAL(404, ask(executor, files, environFor("GET", "page.html"))->status);
    }

    void refusesOtherMethods() {
        for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "PATCH"}) {
            const auto answer = get("/page.html", {}, method);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(method, 405, answer->status);
            CPPUNIT_ASSERT_EQUAL(std::string("GET, HEAD"),
                                 std::string(answer->headers.get("Allow")));
        }
    }

    void answersHeadWithoutABody() {
        folder.write("www/large.bin", std::string(300 * 1024, 'x'));
        const auto small = get("/page.html", {{"Range", "bytes=0-1"}}, "HEAD");
        CPPUNIT_ASSERT_EQUAL(200, small->status);
        CPPUNIT_ASSERT_EQUAL(std::string("10"), std::string(small->headers.get("Content-Length")));
        CPPUNIT_ASSERT(small->done);
        CPPUNIT_ASSERT(small->body.empty());
        const auto large = get("/large.bin", {}, "HEAD");
        CPPUNIT_ASSERT_EQUAL(std::string("307200"),
                             std::string(large->headers.get("Content-Length")));
        CPPUNIT_ASSERT(large->body.empty());
        CPPUNIT_ASSERT_EQUAL(404, get("/missing", {}, "HEAD")->status);
    }

    void answersConditionalRequests() {
        const timeval times[2] = {{784111777, 0}, {784111777, 0}};
        CPPUNIT_ASSERT_EQUAL(0, ::utimes((folder / "www/page.html").c_str(), times));
        const auto first = get("/page.html");
        const std::string tag(first->headers.get("ETag"));
        CPPUNIT_ASSERT(tag.size() > 2 && tag.front() == '"' && tag.back() == '"');
        CPPUNIT_ASSERT_EQUAL(std::string("Sun, 06 Nov 1994 08:49:37 GMT"),
                             std::string(first->headers.get("Last-Modified")));
        struct Case {
            std::string name, value;
            int status;
        };
        const Case cases[] = {
            {"If-None-Match", tag, 304},
            {"If-None-Match", "W/" + tag, 304},
            {"If-None-Match", "\"other\", " + tag, 304},
            {"If-None-Match", "*", 304},
            {"If-None-Match", "\"other\"", 200},
            {"If-None-Match", "rubbish", 200},
            {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 304},
            {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:38 GMT", 304},
            {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", 200},
            {"If-Modified-Since", "yesterday", 200},
            {"If-Match", tag, 200},
            {"If-Match", "*", 200},
            {"If-Match", "W/" + tag, 412},
            {"If-Match", "\"other\"", 412},
            {"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 200},
            {"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", 412},
        };
        for (const Case& c : cases) {
            const auto answer = get("/page.html", {{c.name, c.value}});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name + ": " + c.value, c.status, answer->status);
            if (c.status != 304) continue;
            CPPUNIT_ASSERT(answer->body.empty());
            CPPUNIT_ASSERT_EQUAL(tag, std::string(answer->headers.get("ETag")));
            CPPUNIT_ASSERT(!answer->headers.has("Content-Type"));
        }
        // The tag says more than the date.
        CPPUNIT_ASSERT_EQUAL(
            200, get("/page.html", {{"If-None-Match", "\"other\""},
                                    {"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}})
                     ->status);
        CPPUNIT_ASSERT_EQUAL(304, get("/page.html", {{"If-None-Match", tag}}, "HEAD")->status);
    }

    void answersRanges() {
        const std::string tag(get("/page.html")->headers.get("ETag"));
        const std::string modified(get("/page.html")->headers.get("Last-Modified"));
        struct Case {
            std::string range, ifRange;
            int status;
            const char *body, *contentRange;
        };
        const Case cases[] = {
            {"bytes=2-4", "", 206, "234", "bytes 2-4/10"},
            {"bytes=7-", "", 206, "789", "bytes 7-9/10"},
            {"bytes=-2", "", 206, "89", "bytes 8-9/10"},
            {"bytes=0-99", "", 206, "0123456789", "bytes 0-9/10"},
            {"bytes=10-", "", 416, "Range Not Satisfiable", "bytes */10"},
            {"bytes=0-1,3-4", "", 200, "0123456789", ""},
            {"bytes=4-2", "", 200, "0123456789", ""},
            {"lines=1-2", "", 200, "0123456789", ""},
            {"bytes=2-4", tag, 206, "234", "bytes 2-4/10"},
            {"bytes=2-4", modified, 206, "234", "bytes 2-4/10"},
            {"bytes=2-4", "W/" + tag, 200, "0123456789", ""},
            {"bytes=2-4", "\"other\"", 200, "0123456789", ""},
            {"bytes=2-4", "Sun, 06 Nov 1994 08:49:37 GMT", 200, "0123456789", ""},
        };
        for (const Case& c : cases) {
            Environ environ = environFor("GET", "/page.html", {{"Range", c.range}});
            if (!c.ifRange.empty()) environ.addHeader("If-Range", c.ifRange);
            const auto answer = ask(executor, lint(), std::move(environ));
            const std::string name = c.range + " " + c.ifRange;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, c.status, answer->status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string(c.body), answer->body);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string(c.contentRange),
                                         std::string(answer->headers.get("Content-Range")));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("bytes"),
                             std::string(get("/page.html")->headers.get("Accept-Ranges")));
    }

    void givesANewTagToAChangedFile() {
        const timeval before[2] = {{1000, 1}, {1000, 1}}, after[2] = {{1000, 2}, {1000, 2}};
        const std::string path = folder / "www/page.html";
        CPPUNIT_ASSERT_EQUAL(0, ::utimes(path.c_str(), before));
        const std::string tag(get("/page.html")->headers.get("ETag"));
        CPPUNIT_ASSERT_EQUAL(0, ::utimes(path.c_str(), after));
        CPPUNIT_ASSERT(tag != get("/page.html")->headers.get("ETag"));
        folder.write("www/page.html", "01234567890");
        CPPUNIT_ASSERT_EQUAL(0, ::utimes(path.c_str(), before));
        CPPUNIT_ASSERT(tag != get("/page.html")->headers.get("ETag"));
    }

    std::string large(std::size_t size) {
        std::string bytes(size, '\0');
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
        folder.write("www/large.bin", bytes);
        return bytes;
    }

    void streamsLargeFilesInPieces() {
        const std::string atOnce = large(256 * 1024);
        const auto whole = get("/large.bin");
        CPPUNIT_ASSERT(!whole->streamed && whole->body == atOnce);

        const std::string bytes = large(1'000'001);
        const auto answer = get("/large.bin");
        CPPUNIT_ASSERT(answer->streamed && answer->done);
        CPPUNIT_ASSERT_EQUAL(std::string("1000001"),
                             std::string(answer->headers.get("Content-Length")));
        CPPUNIT_ASSERT(answer->body == bytes);
        CPPUNIT_ASSERT(answer->largestPiece <= 128 * 1024);
    }

    void sendsARangeOfALargeFile() {
        const std::string bytes = large(1'000'001);
        const auto answer = get("/large.bin", {{"Range", "bytes=5-800004"}});
        CPPUNIT_ASSERT_EQUAL(206, answer->status);
        CPPUNIT_ASSERT(answer->body == bytes.substr(5, 800'000));
        CPPUNIT_ASSERT_EQUAL(std::string("800000"),
                             std::string(answer->headers.get("Content-Length")));
        CPPUNIT_ASSERT_EQUAL(std::string("bytes 5-800004/1000001"),
                             std::string(answer->headers.get("Content-Range")));
    }

    void stopsReadingWhenTheClientHasGone() {
        large(1'000'001);
        StaticFiles files(folder / "www", options);
        const auto exchange = std::make_shared<test::TestExchange>(
            executor, std::make_shared<const Environ>(environFor("GET", "/large.bin")));
        int writes = 0;
        exchange->whenWriting = [&] { exchange->gone = ++writes == 3; };
        executor.onLoop(0, [&] { files.begin(exchange); });
        executor.run();
        CPPUNIT_ASSERT_EQUAL(3, writes);
        CPPUNIT_ASSERT(!exchange->done);
    }

    void leavesAnAnswerUnfinishedWhenTheFileShrinks() {
        large(1'000'001);
        StaticFiles files(folder / "www", options);
        const auto exchange = std::make_shared<test::TestExchange>(
            executor, std::make_shared<const Environ>(environFor("GET", "/large.bin")));
        exchange->whenWriting = [&] {
            CPPUNIT_ASSERT_EQUAL(0, ::truncate((folder / "www/large.bin").c_str(), 200'000));
        };
        executor.onLoop(0, [&] { files.begin(exchange); });
        executor.run();
        CPPUNIT_ASSERT_EQUAL(1, exchange->answers);
        CPPUNIT_ASSERT(!exchange->done);
        CPPUNIT_ASSERT(exchange->body.size() < 200'000);
        CPPUNIT_ASSERT_EQUAL(1L, exchange.use_count());
    }

    void aSlowDownloadHoldsNoWorker() {
        const std::string bytes = large(1'000'001);
        StaticFiles files(folder / "www", options);
        const auto exchange = std::make_shared<test::TestExchange>(
            executor, std::make_shared<const Environ>(environFor("GET", "/large.bin")));
        exchange->full = true;
        executor.onLoop(0, [&] { files.begin(exchange); });
        executor.run();  // nothing is left to run: it waits for the client
        CPPUNIT_ASSERT(!exchange->done && exchange->writable);
        CPPUNIT_ASSERT(exchange->body.size() <= 128 * 1024);
        exchange->drain();
        executor.run();
        CPPUNIT_ASSERT(exchange->done && exchange->body == bytes);
        CPPUNIT_ASSERT_EQUAL(1L, exchange.use_count());
    }

    void limitsTheNumberOfStreams() {
        large(1'000'001);
        options.maxStreams = 1;
        const auto files = std::make_shared<StaticFiles>(folder / "www", options);
        const auto exchange = std::make_shared<test::TestExchange>(
            executor, std::make_shared<const Environ>(environFor("GET", "/large.bin")));
        int during = 0;
        exchange->whenWriting = [&] {
            if (during != 0) return;
            const auto second = std::make_shared<test::TestExchange>(
                executor, std::make_shared<const Environ>(environFor("GET", "/large.bin")));
            files->handle(second);
            during = second->status;
            const auto small = std::make_shared<test::TestExchange>(
                executor, std::make_shared<const Environ>(environFor("GET", "/page.html")));
            files->handle(small);
            CPPUNIT_ASSERT_EQUAL(200, small->status);
        };
        files->handle(exchange);
        executor.run();
        CPPUNIT_ASSERT_EQUAL(503, during);
        CPPUNIT_ASSERT_EQUAL(200, exchange->status);
        CPPUNIT_ASSERT_EQUAL(200, ask(executor, *files, environFor("GET", "/large.bin"))->status);
    }

    void asksItsFallback() {
        const auto fallback = std::make_shared<NamedApp>();
        options.fallback = fallback;
        CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), get("/page.html")->body);
        CPPUNIT_ASSERT_EQUAL(std::string("fallback"), get("/missing")->body);
        CPPUNIT_ASSERT(fallback->begunOnLoop);
        CPPUNIT_ASSERT_EQUAL(std::string("fallback"), get("/../page.html")->body);
        CPPUNIT_ASSERT_EQUAL(std::string("fallback"), get("/page.html", {}, "POST")->body);
        lint().start(executor);
        lint().stop({});
        CPPUNIT_ASSERT_EQUAL(1, fallback->started);
        CPPUNIT_ASSERT_EQUAL(1, fallback->stopped);
    }

    void saysWhenWorkersAreBusy() {
        executor.refuseWork = true;
        CPPUNIT_ASSERT_EQUAL(503, get("/page.html")->status);
    }

    void namesAFolderThatCannotBeRead() {
        for (const char* name : {"missing", "www/page.html"}) {
            const std::string path = folder / name;
            try {
                StaticFiles files(path);
                CPPUNIT_FAIL("no exception for " + path);
            } catch (const Poco::FileException& e) {
                CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                       e.displayText().find(path) != std::string::npos);
            }
        }
        CPPUNIT_ASSERT(StaticFiles(".").folder().starts_with('/'));
    }

    void survivesTheLossOfItsFolder() {
        CPPUNIT_ASSERT_EQUAL(200, get("/page.html")->status);
        std::filesystem::rename(folder / "www", folder / "old");
        CPPUNIT_ASSERT_EQUAL(404, get("/page.html")->status);
        folder.write("www/page.html", "new");
        CPPUNIT_ASSERT_EQUAL(std::string("new"), get("/page.html")->body);
    }

private:
    test::TemporaryFolder folder;
    test::ManualExecutor executor;
    StaticFilesOptions options;
    std::shared_ptr<EnvironLint::Report> report = std::make_shared<EnvironLint::Report>();
    std::unique_ptr<EnvironLint> app;
};
CPPUNIT_TEST_SUITE_REGISTRATION(StaticFilesTest);

}  // namespace socketio
