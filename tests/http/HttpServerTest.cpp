#include <atomic>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "HttpFixture.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::eventually;
using test::FunctionApp;
using test::HttpFixture;
using test::RawClient;

namespace {

struct Hello : App {
    void begin(const Exchange::Ptr& exchange) override {
        exchange->respond(Response::text(200, "hello"));
    }
    void handle(const Exchange::Ptr&) override {}
};

HttpServerOptions anyPort() {
    HttpServerOptions options;
    options.host = "127.0.0.1";
    options.port = 0;
    options.hub.ioThreads = 1;
    return options;
}

/// A signal must not come before run() has taken it over.
void waitForHandlerOf(int number) {
    struct sigaction action {};
    do {
        std::this_thread::yield();
        ::sigaction(number, nullptr, &action);
    } while (action.sa_handler == SIG_DFL);
}

}  // namespace

class HttpServerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpServerTest);
    CPPUNIT_TEST(takesAnAppByValueOrShared);
    CPPUNIT_TEST(listensOnEveryAddressByDefault);
    CPPUNIT_TEST(aPortInUseIsNamed);
    CPPUNIT_TEST(aHostThatIsUnknownIsNamed);
    CPPUNIT_TEST(startsOnce);
    CPPUNIT_TEST(requestsWaitUntilTheAppHasStarted);
    CPPUNIT_TEST(twoServersShareAHub);
    CPPUNIT_TEST(stopClosesIdleConnections);
    CPPUNIT_TEST(stopWaitsForRequestsInProgress);
    CPPUNIT_TEST(stopCutsOffWhatTakesTooLong);
    CPPUNIT_TEST(stopTellsThatCodeOfTheAppRunsOn);
    CPPUNIT_TEST(stopLetsTheAppEndItsRequests);
    CPPUNIT_TEST(stopTwiceGivesTheSame);
    CPPUNIT_TEST(runReturnsAfterStop);
    CPPUNIT_TEST(runStopsAtASignal);
    CPPUNIT_TEST(runLeavesAHandlerThatNeverReturns);
    CPPUNIT_TEST(aSecondSignalEndsTheProcess);
    CPPUNIT_TEST(anExchangeMayOutliveItsServer);
    CPPUNIT_TEST(servesOnSeveralLoops);
    CPPUNIT_TEST(namesItselfWhereARequestDoesNot);
    CPPUNIT_TEST_SUITE_END();

public:
    void takesAnAppByValueOrShared() {
        HttpServer byValue(Hello{}, anyPort());
        HttpServer shared(std::make_shared<Hello>(), {.host = "127.0.0.1", .port = 0});
        for (HttpServer* server : {&byValue, &shared}) {
            server->start();
            CPPUNIT_ASSERT(server->port() != 0);
            CPPUNIT_ASSERT_EQUAL(server->port(), server->address().port());
            RawClient client(server->port());
            CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.get("/").body);
        }
    }

    void listensOnEveryAddressByDefault() {
        HttpServer server(Hello{}, {.port = 0});
        server.start();
        RawClient v4(server.port());
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), v4.get("/").body);
        if (server.address().host().isWildcard() &&
            server.address().family() == Poco::Net::SocketAddress::IPv6) {
            RawClient v6(server.port(), {.host = "::1"});
            CPPUNIT_ASSERT_EQUAL(std::string("hello"), v6.get("/").body);
        }
    }

    void aPortInUseIsNamed() {
        HttpServer first(Hello{}, anyPort());
        first.start();
        HttpServerOptions options = anyPort();
        options.port = first.port();
        HttpServer second(Hello{}, options);
        try {
            second.start();
            CPPUNIT_FAIL("started on a port in use");
        } catch (const Poco::Net::NetException& e) {
            const std::string address = "127.0.0.1:" + std::to_string(first.port());
            CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                   e.displayText().find(address) != std::string::npos);
        }
    }

    void aHostThatIsUnknownIsNamed() {
        HttpServerOptions options = anyPort();
        options.host = "no such host";
        HttpServer server(Hello{}, options);
        try {
            server.start();
            CPPUNIT_FAIL("started on an unknown host");
        } catch (const Poco::Net::NetException& e) {
            CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                   e.displayText().find("no such host") != std::string::npos);
        }
    }

    void startsOnce() {
        HttpServer server(Hello{}, anyPort());
        server.start();
        CPPUNIT_ASSERT_THROW(server.start(), Poco::IllegalStateException);
        server.stop();
        CPPUNIT_ASSERT_THROW(server.start(), Poco::IllegalStateException);
    }

    void requestsWaitUntilTheAppHasStarted() {
        struct SlowStart : Hello {
            void start(Executor&) override {
                starting.put(true);
                go.take();
                ready = true;
            }
            void begin(const Exchange::Ptr& exchange) override {
                exchange->respond(Response::text(200, ready ? "ready" : "too early"));
            }
            Arrivals<bool> starting, go;
            std::atomic<bool> ready{false};
        };
        // The port has to be known before start() returns.
        HttpServer probe(Hello{}, anyPort());
        probe.start();
        HttpServerOptions options = anyPort();
        options.port = probe.port();
        probe.stop();

        const auto app = std::make_shared<SlowStart>();
        HttpServer server(app, options);
        std::jthread starter([&] { server.start(); });
        app->starting.take();
        RawClient client(options.port);
        client.request("GET", "/");
        test::LoopTime::turn(server.hub(), client);
        CPPUNIT_ASSERT(!client.readable(0ms));
        app->go.put(true);
        starter.join();
        CPPUNIT_ASSERT_EQUAL(std::string("ready"), client.readResponse().body);
    }

    void twoServersShareAHub() {
        Hub hub;
        HttpServer first(hub, Hello{}, anyPort());
        HttpServer second(hub, std::make_shared<Hello>(), anyPort());
        first.start();
        second.start();
        CPPUNIT_ASSERT(first.port() != second.port());
        CPPUNIT_ASSERT(&first.hub() == &hub);
        RawClient client(second.port());
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), RawClient(first.port()).get("/").body);
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.get("/").body);
        CPPUNIT_ASSERT(first.stop());
        CPPUNIT_ASSERT_THROW(RawClient(first.port()), std::runtime_error);
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.get("/").body);
        CPPUNIT_ASSERT(hub.running());
        CPPUNIT_ASSERT(second.stop());
        CPPUNIT_ASSERT(hub.stop(hub.clock().now() + 5s));
    }

    void stopClosesIdleConnections() {
        HttpServer server(Hello{}, anyPort());
        server.start();
        // Connections are accepted in order: when the last has been answered, all are there.
        RawClient unused(server.port()), used(server.port());
        used.get("/");
        const auto begin = std::chrono::steady_clock::now();
        CPPUNIT_ASSERT(server.stop());
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin < 1s);
        CPPUNIT_ASSERT(used.closedWithin(1s));
        CPPUNIT_ASSERT(unused.closedWithin(1s));
        CPPUNIT_ASSERT_THROW(RawClient(server.port()), std::runtime_error);
    }

    void stopWaitsForRequestsInProgress() {
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        RawClient client = server.client();
        client.request("GET", "/");
        const Exchange::Ptr exchange = begun.take();
        Arrivals<bool> stopped;
        std::jthread stopper([&] { stopped.put(server.server->stop(10s)); });
        // Nobody new is taken any more: stop() is at work.
        CPPUNIT_ASSERT(eventually([&] {
            try {
                RawClient(server.port());
                return false;
            } catch (const std::runtime_error&) {
                return true;
            }
        }));
        server.turn(client);
        CPPUNIT_ASSERT(!client.readable(0ms));
        CPPUNIT_ASSERT(stopped.empty());
        exchange->respond(Response::text(200, "done"));
        const auto response = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(std::string("done"), response.body);
        CPPUNIT_ASSERT_EQUAL(std::string("close"), response.header("Connection"));
        CPPUNIT_ASSERT(client.closedWithin(1s));
        client.close();
        CPPUNIT_ASSERT(stopped.take());
        stopper.join();
    }

    void stopCutsOffWhatTakesTooLong() {
        Arrivals<Exchange::Ptr> begun;
        Arrivals<bool> aborted;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->onAbort([&] { aborted.put(true); });
            begun.put(exchange);
        };
        server.start();
        RawClient client = server.client();
        client.request("GET", "/");
        const Exchange::Ptr exchange = begun.take();
        const auto begin = std::chrono::steady_clock::now();
        server.server->stop(300ms);
        const auto time = std::chrono::steady_clock::now() - begin;
        CPPUNIT_ASSERT(time >= 200ms && time < 2s);
        CPPUNIT_ASSERT(client.closedWithin(1s));
        CPPUNIT_ASSERT(aborted.take());
    }

    void stopTellsThatCodeOfTheAppRunsOn() {
        for (const int endsAt : {1, 2, 3}) {
            HttpFixture server;
            int asked = 0;
            server.app->onStop = [&](TimePoint) { return ++asked >= endsAt; };
            server.start();
            // Asked again at the end, and no more often than it has to be.
            CPPUNIT_ASSERT_EQUAL(endsAt < 3, server.server->stop());
            CPPUNIT_ASSERT_EQUAL(std::min(endsAt, 2), asked);
        }
    }

    void stopLetsTheAppEndItsRequests() {
        Arrivals<Exchange::Ptr> begun;
        Exchange::Ptr parked;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.app->onStop = [&](TimePoint deadline) {
            const bool ahead = deadline > std::chrono::steady_clock::now();
            parked->respond(Response::text(200, ahead ? "bye" : "late"));
            return true;
        };
        server.start();
        RawClient client = server.client();
        client.request("GET", "/");
        parked = begun.take();
        std::jthread stopper([&] { server.server->stop(); });
        CPPUNIT_ASSERT_EQUAL(std::string("bye"), client.readResponse().body);
        client.close();
        stopper.join();
    }

    void stopTwiceGivesTheSame() {
        HttpServer server(Hello{}, anyPort());
        CPPUNIT_ASSERT(server.stop());  // never started
        HttpServer other(Hello{}, anyPort());
        other.start();
        bool results[2] = {};
        std::jthread thread([&] { results[0] = other.stop(); });
        results[1] = other.stop();
        thread.join();
        CPPUNIT_ASSERT(results[0] && results[1]);
    }

    void runReturnsAfterStop() {
        HttpServer server(Hello{}, anyPort());
        server.start();
        std::jthread runner([&] { server.run(); });
        RawClient client(server.port());
        CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.get("/").body);
        CPPUNIT_ASSERT(server.stop());
        runner.join();
    }

    void runStopsAtASignal() {
        for (const int number : {SIGTERM, SIGINT}) {
            HttpServer server(Hello{}, anyPort());
            server.start();
            struct sigaction before {
            }, after{};
            ::sigaction(number, nullptr, &before);
            Arrivals<bool> returned;
            std::jthread runner([&] {
                server.run();
                returned.put(true);
            });
            // The signal must not come before run() has taken it over.
            do {
                std::this_thread::yield();
                ::sigaction(number, nullptr, &after);
            } while (after.sa_handler == before.sa_handler);
            ::kill(::getpid(), number);
            CPPUNIT_ASSERT(returned.take());
            runner.join();
            CPPUNIT_ASSERT_THROW(RawClient(server.port()), std::runtime_error);
            ::sigaction(number, nullptr, &after);
            CPPUNIT_ASSERT(after.sa_handler == before.sa_handler);
        }
    }

    void runLeavesAHandlerThatNeverReturns() {
        int told[2];
        CPPUNIT_ASSERT_EQUAL(0, ::pipe(told));
        const pid_t child = ::fork();
        if (child == 0) {
            const auto app = std::make_shared<FunctionApp>();
            app->onHandle = [&](const Exchange::Ptr&) {
                [[maybe_unused]] const auto written = ::write(told[1], "h", 1);
                for (;;) ::pause();
            };
            HttpServerOptions options = anyPort();
            options.stopTimeout = 300ms;
            HttpServer server(app, options);
            server.start();
            std::jthread runner([&] { server.run(); });
            waitForHandlerOf(SIGTERM);
            const std::uint16_t port = server.port();
            [[maybe_unused]] const auto written = ::write(told[1], &port, sizeof port);
            runner.join();
            ::_exit(3);  // run() was to leave by itself
        }
        std::uint16_t port = 0;
        CPPUNIT_ASSERT_EQUAL(ssize_t(sizeof port), ::read(told[0], &port, sizeof port));
        RawClient client(port);
        client.request("GET", "/");
        char byte = 0;
        CPPUNIT_ASSERT_EQUAL(ssize_t(1), ::read(told[0], &byte, 1));
        const auto begin = std::chrono::steady_clock::now();
        ::kill(child, SIGTERM);
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        const auto time = std::chrono::steady_clock::now() - begin;
        CPPUNIT_ASSERT_MESSAGE(std::to_string(status), WIFEXITED(status));
        CPPUNIT_ASSERT_EQUAL(0, WEXITSTATUS(status));
        CPPUNIT_ASSERT(time >= 300ms && time < 10s);
        ::close(told[0]);
        ::close(told[1]);
    }

    void aSecondSignalEndsTheProcess() {
        int ready[2];
        CPPUNIT_ASSERT_EQUAL(0, ::pipe(ready));
        const pid_t child = ::fork();
        if (child == 0) {
            // The app never ends by itself: only the second signal can.
            const auto app = std::make_shared<FunctionApp>();
            app->onStop = [&](TimePoint) -> bool {
                [[maybe_unused]] const auto written = ::write(ready[1], "s", 1);
                for (;;) ::pause();
            };
            HttpServer server(app, anyPort());
            server.start();
            std::jthread runner([&] { server.run(); });
            waitForHandlerOf(SIGTERM);
            [[maybe_unused]] const auto written = ::write(ready[1], "r", 1);
            runner.join();
            ::_exit(0);
        }
        char byte = 0;
        CPPUNIT_ASSERT_EQUAL(ssize_t(1), ::read(ready[0], &byte, 1));
        CPPUNIT_ASSERT_EQUAL('r', byte);
        ::kill(child, SIGTERM);
        CPPUNIT_ASSERT_EQUAL(ssize_t(1), ::read(ready[0], &byte, 1));
        CPPUNIT_ASSERT_EQUAL('s', byte);
        ::kill(child, SIGTERM);
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        CPPUNIT_ASSERT(WIFEXITED(status));
        CPPUNIT_ASSERT_EQUAL(128 + SIGTERM, WEXITSTATUS(status));
        ::close(ready[0]);
        ::close(ready[1]);
    }

    void anExchangeMayOutliveItsServer() {
        Arrivals<Exchange::Ptr> begun;
        Exchange::Ptr kept;
        {
            HttpFixture server;
            server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
            server.start();
            RawClient client = server.client();
            client.request("GET", "/");
            kept = begun.take();
            server.server->stop(100ms);
        }
        CPPUNIT_ASSERT(kept->finished());
        kept->respond(Response::text(200, "nobody"));
        kept->onAbort([] {});
        kept.reset();
    }

    void servesOnSeveralLoops() {
        HttpServerOptions options = anyPort();
        options.hub.ioThreads = 3;
        HttpServer server(Hello{}, options);
        server.start();
        std::vector<RawClient> clients;
        for (int i = 0; i < 12; ++i) clients.emplace_back(server.port());
        for (int round = 0; round < 20; ++round)
            for (RawClient& client : clients)
                CPPUNIT_ASSERT_EQUAL(std::string("hello"), client.get("/").body);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(240), server.counters().requests.load());
        CPPUNIT_ASSERT(server.stop());
    }

    void namesItselfWhereARequestDoesNot() {
        for (const std::string name : {"", "chat.example.org"}) {
            HttpFixture server;
            server.options.serverName = name;
            server.app->onBegin = [](const Exchange::Ptr& exchange) {
                exchange->respond(Response::text(200, exchange->environ().get("SERVER_NAME")));
            };
            server.start();
            RawClient client = server.client();
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            CPPUNIT_ASSERT_EQUAL(name.empty() ? "127.0.0.1" : name, client.readResponse().body);
            CPPUNIT_ASSERT_EQUAL(std::string("localhost"), client.get("/").body);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpServerTest);

}  // namespace socketio
