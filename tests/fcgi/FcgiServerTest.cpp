#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/fcgi/CgiRunner.h"
#include "socketio/middleware/Middleware.h"
#include "socketio/server/Server.h"

#include "FcgiFixture.h"
#include "support/EngineClient.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::FcgiAnswer;
using test::FcgiClient;
using test::FcgiPollingClient;
using test::FunctionApp;

namespace {

struct Hello : App {
    void begin(const Exchange::Ptr& exchange) override {
        exchange->respond(Response::text(200, "hello"));
    }
    void handle(const Exchange::Ptr&) override {}
};

/// A folder that is gone afterwards.
class Folder {
public:
    Folder() {
        char name[] = "/tmp/fcgi-test-XXXXXX";
        CPPUNIT_ASSERT(::mkdtemp(name));
        _path = name;
    }
    ~Folder() { std::filesystem::remove_all(_path); }
    std::string operator/(const std::string& name) const { return _path + "/" + name; }

private:
    std::string _path;
};

/// A Unix socket bound to `path`.
int boundTo(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    CPPUNIT_ASSERT_EQUAL(0,
                         ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address));
    return descriptor;
}

void expectHello(FcgiClient client) {
    CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.call("GET", "/").response.body);
}

/// What start() says about an address that it does not take.
std::string refusal(const FcgiServerOptions& options) {
    FcgiServer server(Hello{}, options);
    try {
        server.start();
    } catch (const Poco::Net::NetException& e) {
        return e.displayText();
    }
    return "none";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != text.npos;
}

/// Runs `work` in a child whose descriptor 0 is `descriptor`; its exit status.
template <class Work>
int inChild(int descriptor, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(descriptor, STDIN_FILENO);
        ::_exit(work());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace

class FcgiServerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FcgiServerTest);
    CPPUNIT_TEST(takesTheInheritedSocket);
    CPPUNIT_TEST(aSocketThatDoesNotListenIsNotInherited);
    CPPUNIT_TEST(runsAnAppAsCgi);
    CPPUNIT_TEST(listensOnTheLoopback);
    CPPUNIT_TEST(aPublicAddressNeedsAnOption);
    CPPUNIT_TEST(aUnixSocketBelongsToUserAndGroup);
    CPPUNIT_TEST(theSocketOfADeadServerIsReplaced);
    CPPUNIT_TEST(theSocketOfALiveServerIsLeftAlone);
    CPPUNIT_TEST(whatIsInTheWayIsNamed);
    CPPUNIT_TEST(aMountBecomesTheScriptName);
    CPPUNIT_TEST(badOptionsAreNamed);
    CPPUNIT_TEST(stopWaitsForRequestsInProgress);
    CPPUNIT_TEST(sharesAHubAndItsSessionsWithHttp);
    CPPUNIT_TEST_SUITE_END();

public:
    void listensOnTheLoopback() {  // F20
        FcgiServer server(Hello{}, {.port = 0});
        server.start();
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), server.address().host().toString());
        expectHello(FcgiClient(server.address().port()));
        CPPUNIT_ASSERT(
            contains(refusal({.port = server.address().port()}), server.address().toString()));
    }

    void aPublicAddressNeedsAnOption() {  // F20
        for (const char* host : {"0.0.0.0", "::", "192.0.2.1"}) {
            const std::string why = refusal({.host = host, .port = 0});
            CPPUNIT_ASSERT_MESSAGE(why, contains(why, host) && contains(why, "allowPublic"));
        }
        FcgiServer server(Hello{}, {.host = "0.0.0.0", .port = 0, .allowPublic = true});
        server.start();
        expectHello(FcgiClient(server.address().port()));
    }

    void aUnixSocketBelongsToUserAndGroup() {  // F20
        const Folder folder;
        const std::string path = folder / "socket";
        for (const unsigned mode : {0660u, 0600u}) {
            FcgiServer server(Hello{}, {.unixSocket = path, .unixMode = mode});
            server.start();
            struct stat status {};
            CPPUNIT_ASSERT_EQUAL(0, ::lstat(path.c_str(), &status));
            CPPUNIT_ASSERT_EQUAL(mode, static_cast<unsigned>(status.st_mode & 0777));
            CPPUNIT_ASSERT_EQUAL(path, server.address().toString());
            expectHello(FcgiClient(path));
            CPPUNIT_ASSERT(server.stop(5s));
            CPPUNIT_ASSERT(::lstat(path.c_str(), &status) != 0);
        }
    }

    void theSocketOfADeadServerIsReplaced() {
        const Folder folder;
        const std::string path = folder / "socket";
        ::close(boundTo(path));
        FcgiServer server(Hello{}, {.unixSocket = path});
        server.start();
        expectHello(FcgiClient(path));
    }

    void theSocketOfALiveServerIsLeftAlone() {
        const Folder folder;
        const std::string path = folder / "socket";
        FcgiServer server(Hello{}, {.unixSocket = path});
        server.start();
        const std::string why = refusal({.unixSocket = path});
        CPPUNIT_ASSERT_MESSAGE(why, contains(why, path) && contains(why, "another server"));
        expectHello(FcgiClient(path));
        // A server that took the path over keeps its file when the first one stops.
        std::filesystem::remove(path);
        FcgiServer second(Hello{}, {.unixSocket = path});
        second.start();
        server.stop(5s);
        expectHello(FcgiClient(path));
    }

    void whatIsInTheWayIsNamed() {
        const Folder folder;
        const std::string file = folder / "file";
        std::ofstream(file) << "precious";
        CPPUNIT_ASSERT(contains(refusal({.unixSocket = file}), file));
        CPPUNIT_ASSERT(std::filesystem::exists(file));
        const std::string nowhere = folder / "none/socket";
        CPPUNIT_ASSERT(contains(refusal({.unixSocket = nowhere}), nowhere));
        CPPUNIT_ASSERT(contains(refusal({.unixSocket = folder / std::string(108, 'x')}), "107"));
        CPPUNIT_ASSERT(contains(refusal({.host = "no.such.host.invalid"}), "no.such.host.invalid"));
    }

    void takesTheInheritedSocket() {
        const Folder folder;
        const std::string path = folder / "socket";
        const int listening = boundTo(path);
        CPPUNIT_ASSERT_EQUAL(0, ::listen(listening, 8));
        CPPUNIT_ASSERT_EQUAL(0, inChild(listening, [&] {
                                 FcgiServer server(Hello{}, {.inherited = true});
                                 server.start();
                                 FcgiClient client(path);
                                 const bool good = client.call("GET", "/").response.body == "hello";
                                 server.stop(5s);
                                 return good && std::filesystem::exists(path) ? 0 : 1;
                             }));
        ::close(listening);
    }

    void aSocketThatDoesNotListenIsNotInherited() {
        const int idle = ::socket(AF_INET, SOCK_STREAM, 0);
        CPPUNIT_ASSERT_EQUAL(0, inChild(idle, [] {
                                 const std::string why = refusal({.inherited = true});
                                 return contains(why, "descriptor 0") ? 0 : 1;
                             }));
        ::close(idle);
    }

    void aMountBecomesTheScriptName() {
        test::FcgiFixture fixture;
        fixture.options.mount = "/app";
        fixture.start();
        struct Case {
            const char *target, *script, *path;
        };
        for (const Case& c : {Case{"/app/x/y", "/app", "/x/y"}, Case{"/app", "/app", ""},
                              Case{"/apple", "", "/apple"}, Case{"/", "", "/"}}) {
            const FcgiAnswer answer = fixture.client().call("GET", c.target);
            CPPUNIT_ASSERT_EQUAL(std::string(c.script), test::variable(answer, "SCRIPT_NAME"));
            CPPUNIT_ASSERT_EQUAL(std::string(c.path), test::variable(answer, "PATH_INFO"));
        }
    }

    void badOptionsAreNamed() {
        for (const char* mount : {"app", "/app/", "/"})
            CPPUNIT_ASSERT_THROW(FcgiServer(Hello{}, {.mount = mount}),
                                 Poco::InvalidArgumentException);
        CPPUNIT_ASSERT_THROW(FcgiServer(std::shared_ptr<App>(), {}),
                             Poco::InvalidArgumentException);
    }

    void stopWaitsForRequestsInProgress() {
        Arrivals<Exchange::Ptr> parked;
        const auto app = std::make_shared<FunctionApp>();
        app->onBegin = [&](const Exchange::Ptr& exchange) { parked.put(exchange); };
        FcgiServer server(app, {.port = 0});
        server.start();
        FcgiClient busy(server.address().port()), idle(server.address().port());
        busy.send(FcgiClient::request(1, true, FcgiClient::params("GET", "/")));
        const Exchange::Ptr exchange = parked.take();
        std::thread stopping([&] { server.stop(20s); });
        CPPUNIT_ASSERT(idle.raw().closedWithin(5s));
        CPPUNIT_ASSERT(!busy.raw().readable(100ms));
        exchange->respond(Response::text(200, "done"));
        CPPUNIT_ASSERT_EQUAL(std::string("done"), busy.answer().response.body);
        CPPUNIT_ASSERT(busy.raw().closedWithin(5s));
        stopping.join();
    }

    // Polling comes by FastCGI, the WebSocket by HTTP, the session is one.
    void sharesAHubAndItsSessionsWithHttp() {
        Server sio;
        sio.on("connect", [](Socket&) {});
        sio.on("echo", [](Socket& socket, const std::string& text) { socket.emit("echo", text); });
        Hub hub;
        const auto app = std::make_shared<Middleware>(sio);
        FcgiServer fcgi(hub, app, {.port = 0, .webSocketRoute = true});
        HttpServer web(hub, app, {.host = "127.0.0.1", .port = 0});
        fcgi.start();
        web.start();
        FcgiPollingClient polling(fcgi.address().port());
        CPPUNIT_ASSERT_EQUAL(std::string("40{\"sid\":"), polling.connect().substr(0, 9));
        polling.post("42[\"echo\",\"by polling\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("42[\"echo\",\"by polling\"]"), polling.poll());
        FcgiClient parked = polling.startPoll();
        test::WebSocketClient socket(web.port(), polling.sid());
        socket.send("2probe");
        CPPUNIT_ASSERT_EQUAL(std::string("3probe"), socket.next());
        CPPUNIT_ASSERT_EQUAL(std::string("6"), parked.answer().response.body);
        socket.send("5");
        socket.send("42[\"echo\",\"by WebSocket\"]");
        CPPUNIT_ASSERT_EQUAL(std::string("42[\"echo\",\"by WebSocket\"]"), socket.next());
        web.stop(1s);
        fcgi.stop(1s);
    }

    void runsAnAppAsCgi() {
        int answer[2], request[2];
        CPPUNIT_ASSERT_EQUAL(0, ::pipe(answer));
        CPPUNIT_ASSERT_EQUAL(0, ::pipe(request));
        CPPUNIT_ASSERT_EQUAL(ssize_t{5}, ::write(request[1], "hello", 5));
        ::close(request[1]);
        const int status = inChild(request[0], [&] {
            ::dup2(answer[1], STDOUT_FILENO);
            ::clearenv();
            for (const auto& [name, value] : FcgiClient::params(
                     "POST", "/cgi/app", "hello", {{"PATH_INFO", "/page"}, {"SECRET", "x"}}))
                ::setenv(name.c_str(), value.c_str(), 1);
            const auto app = std::make_shared<FunctionApp>();
            app->onHandle = [](const Exchange::Ptr& exchange) {
                exchange->respond(test::described(*exchange));
            };
            return CgiRunner(app).run();
        });
        ::close(answer[1]);
        std::string text(64 * 1024, '\0');
        text.resize(static_cast<std::size_t>(::read(answer[0], text.data(), text.size())));
        ::close(answer[0]);
        ::close(request[0]);
        CPPUNIT_ASSERT_EQUAL(0, status);
        CPPUNIT_ASSERT(text.starts_with("Status: 200 OK\r\n"));
        CPPUNIT_ASSERT(text.ends_with("\n\nhello"));
        CPPUNIT_ASSERT(contains(text, "\nSCRIPT_NAME=/cgi/app\n"));
        CPPUNIT_ASSERT(contains(text, "\nPATH_INFO=/page\n"));
        CPPUNIT_ASSERT(!contains(text, "SECRET"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FcgiServerTest);

}  // namespace socketio
