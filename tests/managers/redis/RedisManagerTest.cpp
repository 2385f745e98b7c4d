// Against a real redis-server.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLException.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "RawRedis.h"
#include "RedisPeer.h"
#include "support/RedisServer.h"
#include "support/TlsClient.h"

namespace socketio {

using namespace std::chrono_literals;
using test::connected;
using test::eventually;
using test::numbersTo;
using test::RawRedis;
using test::RedisPeer;
using test::RedisServer;

namespace {

/// What managers log while it lives.
class LogWatch {
public:
    LogWatch() { _logger.setChannel(_lines); }
    ~LogWatch() { _logger.setChannel(_before); }
    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;

    const test::Journal& journal() const { return _lines->journal; }

private:
    struct Lines : Poco::Channel {
        void log(const Poco::Message& message) override { journal.add(message.getText()); }
        test::Journal journal;
    };

    Poco::Logger& _logger = Poco::Logger::get("socketio.manager");
    Poco::AutoPtr<Poco::Channel> _before = _logger.getChannel();
    Poco::AutoPtr<Lines> _lines{new Lines};
};

std::string hello(const std::string& event, const std::string& argument) {
    return R"({"method":"emit","event":")" + event + R"(","data":[")" + argument +
           R"("],"binary":false,"namespace":"/","room":null})";
}

}  // namespace

class RedisManagerTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RedisManagerTest);
    CPPUNIT_TEST(joinsServersHoweverRedisIsReached);
    CPPUNIT_TEST(joinsServersThroughTls);
    CPPUNIT_TEST(trustsNoCertificateThatItShouldNot);
    CPPUNIT_TEST(saysWhyItIsNotLetIn);
    CPPUNIT_TEST(keepsOrderUnderLoad);
    CPPUNIT_TEST(publishesWhatWaitedWhenRedisIsBack);
    CPPUNIT_TEST(bothConnectionsComeBackUnasked);
    CPPUNIT_TEST(sendsAgainWhatDidNotLeaveAsAWhole);
    CPPUNIT_TEST(joinsWhenRedisAppears);
    CPPUNIT_TEST(noticesThatRedisHangs);
    CPPUNIT_TEST(neverBlocksWhoEmits);
    CPPUNIT_TEST(subscribesAgainWhenItIsCutOff);
    CPPUNIT_TEST(losesNothingWhenItsIdleConnectionIsEnded);
    CPPUNIT_TEST(isNotHeldUpByWhatIsTooLarge);
    CPPUNIT_TEST(readsOnWhenMessagesComeFasterThanTheyAreApplied);
    CPPUNIT_TEST(dropsWhatWaitedTooLong);
    CPPUNIT_TEST(logsLittleDuringAnOutage);
    CPPUNIT_TEST(stopsWhileRedisHangs);
    CPPUNIT_TEST(aWriteOnlyManagerDoesNotListen);
    CPPUNIT_TEST_SUITE_END();

public:
    void joinsServersHoweverRedisIsReached() {
        RedisServer server({"--port",     "{port}", "--user",   "default",   "on",
                            ">pass/word", "~*",     "&*",       "+@all",     "--user",
                            "ann",        "on",     ">hunter2", "&socketio", "-@all",
                            "+auth",      "+ping",  "+select",  "+publish",  "+subscribe"});
        const std::string host = server.url().substr(8);
        const std::string urls[] = {
            "redis://:pass%2Fword@" + host,
            "redis://:pass%2Fword@localhost:" + std::to_string(server.port()) + "/15",
            "redis://default:pass%2Fword@" + host + "/0",
            "redis://ann:hunter2@" + host,
            "unix://ann:hunter2@" + server.socketPath(),
            "unix://" + server.socketPath() + "?db=3&password=pass%2Fword",
        };
        for (const std::string& url : urls) {
            RedisPeer one(url), two(urls[0]);
            CPPUNIT_ASSERT_MESSAGE(url + ": " + one.manager->lastError(), connected(one, two));
            CPPUNIT_ASSERT_MESSAGE(url + ": " + one.manager->lastError(), connected(two, one));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(url, std::string(), one.manager->lastError());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(url, std::uint64_t(0), one.manager->counters().reconnects);
            CPPUNIT_ASSERT_MESSAGE(url, one.manager->flush(20s));
        }
    }

    void joinsServersThroughTls() {
        const TlsServer server;
        RedisPeer one(server.url("127.0.0.1")), two(server.url("localhost"));
        CPPUNIT_ASSERT_MESSAGE(one.manager->lastError(), connected(one, two));
        CPPUNIT_ASSERT_MESSAGE(two.manager->lastError(), connected(two, one));
        // Larger than a record, and than what a socket takes at once.
        const std::string large(3'000'000, 'x');
        one.manager->emitTo("/", Value(Value::Array{Value("large"), Value(large)}), {});
        CPPUNIT_ASSERT(
            eventually([&] { return two.journal.count("[\"large\",\"" + large + "\"]") == 1; }));
        for (int i = 1; i <= 2000; ++i) one.emit("number", i);
        CPPUNIT_ASSERT(eventually([&] { return two.numbers("number") == numbersTo(2000); }));
        // Neither certificate nor name are looked at.
        RedisPeer trusting("rediss://localhost:" + std::to_string(server.redis.port()) +
                           server.own("&") + "ssl_cert_reqs=none");
        CPPUNIT_ASSERT_MESSAGE(trusting.manager->lastError(), connected(trusting, two));
    }

    void trustsNoCertificateThatItShouldNot() {
        const TlsServer server;
        const std::string port = std::to_string(server.redis.port());
        const std::string ca = "ssl_ca_certs=" + server.certificates.ca();
        const RedisPeer unknownCa("rediss://localhost:" + port + server.own(""));
        CPPUNIT_ASSERT(says(unknownCa, "TLS: the server's certificate: "));
        // The certificate is for localhost and 127.0.0.1.
        const RedisPeer otherName("rediss://127.1:" + port + server.own("&") + ca);
        CPPUNIT_ASSERT(says(otherName, "mismatch"));
        RedisPeer anyName("rediss://127.1:" + port + server.own("&") + ca +
                          "&ssl_check_hostname=false");
        RedisPeer good(server.url("localhost"));
        CPPUNIT_ASSERT(connected(anyName, good));
        // This Redis asks for certificates.
        const RedisPeer nobody("rediss://localhost:" + port + "?" + ca);
        CPPUNIT_ASSERT(says(nobody, "redis at localhost:"));
        const RedisPeer plain("redis://localhost:" + port);
        CPPUNIT_ASSERT(says(plain, "redis at localhost:"));
        for (const std::string& bad :
             {std::string("ssl_ca_certs=/no/such.pem"),
              "ssl_certfile=" + server.certificates.path("ann.pem") + "&ssl_keyfile=/no/such.pem",
              "ssl_certfile=" + server.certificates.path("ann.pem") +
                  "&ssl_keyfile=" + server.certificates.path("redis.key")})
            CPPUNIT_ASSERT_THROW_MESSAGE(bad, RedisManager("rediss://localhost?" + bad),
                                         Poco::Net::SSLContextException);
    }

    void saysWhyItIsNotLetIn() {
        RedisServer server({"--port", "{port}", "--user", "default", "on", ">hunter2", "~*", "&*",
                            "+@all", "--user", "deaf", "on", ">hunter2", "resetchannels", "+@all"});
        RedisServer open;
        const std::string host = server.url().substr(8);
        struct Case {
            std::string url, says;
        };
        const Case cases[] = {
            {"redis://" + host, "NOAUTH"},
            {"redis://:hunter3@" + host, "WRONGPASS"},
            {"redis://ann:hunter3@" + host, "WRONGPASS"},
            {"redis://:hunter2@" + host + "/99", "DB index is out of range"},
            {"redis://deaf:hunter2@" + host, "NOPERM"},
            {"redis://:hunter3@" + open.url().substr(8), "without any password configured"},
            {"redis://127.0.0.1:1", "redis at 127.0.0.1:1: connection refused"},
            {"unix:///no/such/socket", "redis at /no/such/socket: no such file or directory"},
        };
        for (const Case& c : cases) {
            const RedisPeer peer(c.url);
            CPPUNIT_ASSERT_MESSAGE(c.url + ": " + peer.manager->lastError(), says(peer, c.says));
            CPPUNIT_ASSERT_MESSAGE(peer.manager->lastError(), !peer.errorSays("hunter"));
        }
    }

    void keepsOrderUnderLoad() {
        RedisServer server;
        RedisPeer one(server.url()), two(server.url()), three("unix://" + server.socketPath());
        CPPUNIT_ASSERT(connected(one, three) && connected(two, three) && connected(three, one));
        constexpr int kCount = 20'000;
        const auto emitAll = [](RedisPeer& peer, const std::string& event) {
            for (int i = 1; i <= kCount; ++i) {
                peer.emit(event, i);
                // As fast as it goes without running into the limit of the queue.
                if (i % 5000 == 0) CPPUNIT_ASSERT(peer.manager->flush(20s));
            }
        };
        std::thread other([&] { emitAll(two, "b"); });
        emitAll(one, "a");
        other.join();
        CPPUNIT_ASSERT(eventually([&] { return three.journal.lines().size() >= 2 * kCount; }));
        const std::string all = numbersTo(kCount);
        CPPUNIT_ASSERT(
            eventually([&] { return three.numbers("a") == all && three.numbers("b") == all; }));
        CPPUNIT_ASSERT(
            eventually([&] { return two.numbers("a") == all && one.numbers("b") == all; }));
        for (const RedisPeer* each : {&one, &two, &three}) {
            const auto counters = each->manager->counters();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), counters.missed + counters.publishDropped +
                                                       counters.receiveDropped +
                                                       counters.reconnects);
        }
    }

    void publishesWhatWaitedWhenRedisIsBack() {
        RedisServer server;
        RedisPeer one(server.url()), two(server.url());
        for (int round = 1; round <= 3; ++round) {
            CPPUNIT_ASSERT(connected(one, two) && connected(two, one));
            const std::string event = "round" + std::to_string(round);
            one.emit(event, 1);
            CPPUNIT_ASSERT(eventually([&] { return two.numbers(event) == "1"; }));
            server.kill();
            for (int i = 2; i <= 100; ++i) one.emit(event, i);
            CPPUNIT_ASSERT(eventually([&] { return !one.manager->lastError().empty(); }));
            // Those published before two listens again are lost to it, and it knows how many.
            const auto before = two.manager->counters();
            server.start();
            RawRedis raw(server);
            CPPUNIT_ASSERT(eventually([&] { return raw.subscribers() == 2; }, 2s));
            CPPUNIT_ASSERT(one.manager->flush(20s));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), one.manager->counters().publishDropped);
            one.emit(event, 101);
            CPPUNIT_ASSERT(eventually([&] {
                const std::string numbers = two.numbers(event);
                return numbers.size() > 4 && numbers.substr(numbers.size() - 4) == " 101";
            }));
            const auto missed = two.manager->counters().missed - before.missed;
            CPPUNIT_ASSERT_EQUAL("1 " + numbersTo(101, 2 + static_cast<int>(missed)),
                                 two.numbers(event));
            CPPUNIT_ASSERT(eventually([&] {
                return one.manager->counters().reconnects == std::uint64_t(round) &&
                       one.manager->lastError().empty();
            }));
            two.journal.clear();
            one.journal.clear();
        }
    }

    void bothConnectionsComeBackUnasked() {
        RedisServer server;
        // It is not the ping of the one that publishes.
        const RedisPeer peer(server.url(),
                             {.connectTimeout = 2s, .commandTimeout = 20s, .pingInterval = 1h});
        const auto connections = [&] {
            RawRedis raw(server);
            const std::string list = raw.command({"CLIENT", "LIST"}).text;
            return std::count(list.begin(), list.end(), '\n') - 1;
        };
        CPPUNIT_ASSERT(eventually([&] { return connections() == 2; }));
        server.kill();
        server.start();
        CPPUNIT_ASSERT(eventually([&] { return connections() == 2; }));
        // Twice when one was back before the other one noticed.
        CPPUNIT_ASSERT(eventually([&] { return peer.manager->counters().reconnects >= 1; }));
    }

    void sendsAgainWhatDidNotLeaveAsAWhole() {
        RedisServer server;
        RedisPeer one(server.url(),
                      {.connectTimeout = 2s, .commandTimeout = 300ms, .pingInterval = 1h});
        RedisPeer two(server.url(),
                      {.connectTimeout = 2s, .commandTimeout = 1h, .pingInterval = 1h});
        CPPUNIT_ASSERT(connected(one, two));
        CPPUNIT_ASSERT(one.manager->flush(20s));
        server.pause();
        const std::string large(15'000'000, 'x');
        one.manager->emitTo("/", Value(Value::Array{Value("large"), Value(large)}), {});
        CPPUNIT_ASSERT(says(one, "takes no more commands"));
        server.resume();
        CPPUNIT_ASSERT(one.manager->flush(20s));
        one.emit("behind");
        CPPUNIT_ASSERT(
            eventually([&] { return two.journal.count(RedisPeer::line("behind")) == 1; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), two.journal.count("[\"large\",\"" + large + "\"]"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), one.manager->counters().publishDropped);
    }

    void joinsWhenRedisAppears() {
        RedisServer server({"--port", "{port}"}, false);
        RedisPeer one(server.url()), two(server.url());
        one.emit("number", 1);
        CPPUNIT_ASSERT(says(one, "connection refused") && says(two, "connection refused"));
        server.start();
        RawRedis raw(server);
        CPPUNIT_ASSERT(eventually([&] { return raw.subscribers() == 2; }, 2s));
        CPPUNIT_ASSERT(one.manager->flush(20s));
        CPPUNIT_ASSERT(connected(one, two) && connected(two, one));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), one.manager->counters().reconnects);
    }

    void noticesThatRedisHangs() {
        RedisServer server;
        const RedisOptions tenth{
            .connectTimeout = 200ms, .commandTimeout = 500ms, .pingInterval = 500ms};
        RedisPeer one(server.url(), tenth), two("unix://" + server.socketPath(), tenth);
        CPPUNIT_ASSERT(connected(one, two) && connected(two, one));
        server.pause();
        // Whoever listens within a second, a tenth of what it takes with the usual times.
        CPPUNIT_ASSERT(says(one, "does not answer") && says(two, "does not answer"));
        server.resume();
        CPPUNIT_ASSERT(eventually(
            [&] { return one.manager->lastError().empty() && two.manager->lastError().empty(); }));
        one.journal.clear();
        two.journal.clear();
        CPPUNIT_ASSERT(connected(one, two) && connected(two, one));
    }

    void neverBlocksWhoEmits() {
        RedisServer server;
        const RedisOptions patient{.connectTimeout = 1h, .commandTimeout = 1h, .pingInterval = 1h};
        RedisPeer peer(server.url(), patient, {.publishMessages = 5000});
        RawRedis raw(server);
        CPPUNIT_ASSERT(eventually([&] { return raw.subscribers() == 1; }));
        server.pause();
        // Nobody answers until all have returned: with an hour of patience one that waits shows.
        for (int i = 1; i <= 10'000; ++i) peer.emit("number", i);
        CPPUNIT_ASSERT(peer.manager->counters().publishDropped > 0);
        CPPUNIT_ASSERT(!peer.manager->flush(0s));
        server.resume();
        CPPUNIT_ASSERT(eventually([&] {
            const auto counters = peer.manager->counters();
            return counters.published + counters.publishDropped == 10'000;
        }));
        CPPUNIT_ASSERT(peer.manager->counters().published >= 5000);
    }

    void subscribesAgainWhenItIsCutOff() {
        RedisServer server;
        RedisPeer one(server.url()), two(server.url());
        CPPUNIT_ASSERT(connected(one, two) && connected(two, one));
        RawRedis raw(server);
        CPPUNIT_ASSERT_EQUAL(std::int64_t(2),
                             raw.command({"CLIENT", "KILL", "TYPE", "pubsub"}).integer);
        CPPUNIT_ASSERT(eventually([&] { return raw.subscribers() == 2; }, 2s));
        CPPUNIT_ASSERT(eventually([&] {
            return one.manager->counters().reconnects == 1 &&
                   two.manager->counters().reconnects == 1;
        }));
        one.emit("number", 1);
        CPPUNIT_ASSERT(eventually([&] { return two.numbers("number") == "1"; }));
        CPPUNIT_ASSERT_EQUAL(std::string(), one.manager->lastError());
    }

    void losesNothingWhenItsIdleConnectionIsEnded() {
        RedisServer server;
        // The end of a Unix socket is known at once; that of a TCP connection travels.
        RedisPeer one("unix://" + server.socketPath()), two(server.url());
        CPPUNIT_ASSERT(connected(one, two));
        RawRedis raw(server);
        for (int i = 1; i <= 5; ++i) {
            // Those that publish, each time they are back: the emit is the first to find out.
            CPPUNIT_ASSERT(eventually([&] {
                return raw.command({"CLIENT", "KILL", "TYPE", "normal"}).integer > 0;
            }));
            one.emit("number", i);
            CPPUNIT_ASSERT(one.manager->flush(20s));
        }
        CPPUNIT_ASSERT(eventually([&] { return two.numbers("number") == numbersTo(5); }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), one.manager->counters().publishDropped);
    }

    void isNotHeldUpByWhatIsTooLarge() {
        RedisServer server(
            {"--port", "{port}", "--client-output-buffer-limit", "pubsub", "0", "0", "0"});
        RedisPeer one(server.url()), two(server.url(), {}, {.messageBytes = 100'000});
        CPPUNIT_ASSERT(connected(one, two));
        const auto before = two.manager->counters();
        RawRedis raw(server);
        raw.publish(hello("large", std::string(64 * 1024 * 1024, 'x')), 1);
        raw.publish(hello("large", std::string(100'000, 'x')), 1);
        raw.publish(hello("small", "x"), 1);
        CPPUNIT_ASSERT(eventually([&] { return two.journal.count("[\"small\",\"x\"]") == 1; }));
        const auto after = two.manager->counters();
        CPPUNIT_ASSERT_EQUAL(before.ignored + 2, after.ignored);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), after.reconnects);
    }

    void readsOnWhenMessagesComeFasterThanTheyAreApplied() {
        // Redis cuts off who is 32 MB behind; three times that come.
        RedisServer server;
        RedisPeer one(server.url()), two(server.url(), {}, {.receiveMessages = 1000});
        CPPUNIT_ASSERT(connected(one, two));
        test::Gate gate;
        two.gate = &gate;
        const auto before = two.manager->counters();
        RawRedis raw(server);
        const std::string payload = hello("flood", std::string(1000, 'x'));
        std::uint64_t sent = 0;
        for (; sent < 100'000; sent += 100) raw.publish(payload, 100);
        CPPUNIT_ASSERT(
            eventually([&] { return two.manager->counters().received >= before.received + sent; }));
        const auto after = two.manager->counters();
        // But 1,000 that wait, and those in hand.
        CPPUNIT_ASSERT(after.receiveDropped >= sent - 1064);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), after.reconnects);
        two.gate = nullptr;
        gate.open();
        CPPUNIT_ASSERT(eventually([&] {
            one.emit("behind");
            return two.journal.count(RedisPeer::line("behind")) > 0;
        }));
    }

    void dropsWhatWaitedTooLong() {
        RedisServer server({"--port", "{port}"}, false);
        RedisPeer one(server.url(), {}, {.publishAge = 100ms});
        one.emit("number", 1);
        CPPUNIT_ASSERT(eventually([&] { return one.manager->counters().publishDropped == 1; }));
        CPPUNIT_ASSERT(!one.manager->flush(0s));
        CPPUNIT_ASSERT(one.errorSays("connection refused"));
        server.start();
        RawRedis raw(server);
        CPPUNIT_ASSERT(eventually([&] {
            one.emit("number", 2);
            return one.manager->counters().published > 0;
        }));
    }

    void logsLittleDuringAnOutage() {
        const LogWatch log;
        {
            RedisServer server({"--port", "{port}", "--requirepass", "hunter2"});
            RedisPeer one("redis://:hunter2@" + server.url().substr(8));
            CPPUNIT_ASSERT(one.manager->flush(20s));
            one.emit("number", 1);
            CPPUNIT_ASSERT(one.manager->flush(20s));
            server.kill();
            CPPUNIT_ASSERT(says(one, "connection refused"));
            server.start();
            CPPUNIT_ASSERT(eventually([&] { return one.manager->counters().reconnects == 1; }));
            server.kill();
            CPPUNIT_ASSERT(says(one, "connection refused"));
        }
        const std::string address = "redis at 127.0.0.1:";
        const std::vector<std::string> lines = log.journal().lines();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(log.journal().text(), std::size_t(2), lines.size());
        CPPUNIT_ASSERT_MESSAGE(lines[0], lines[0].find(address) == 0);
        CPPUNIT_ASSERT_MESSAGE(lines[1], lines[1].find(": back after ") != std::string::npos);
        CPPUNIT_ASSERT(log.journal().text().find("hunter2") == std::string::npos);
    }

    void stopsWhileRedisHangs() {
        for (const bool tls : {false, true}) {
            TlsServer server;
            RedisServer plain;
            const RedisOptions patient{
                .connectTimeout = 1h, .commandTimeout = 1h, .pingInterval = 20ms};
            RedisPeer one(tls ? server.url("localhost") : plain.url(), patient);
            RedisPeer two(tls ? server.url("localhost") : plain.url());
            CPPUNIT_ASSERT(connected(one, two));
            (tls ? server.redis : plain).pause();
            // More than the kernel takes: it waits for room.
            const std::string large(1'000'000, 'x');
            for (int i = 0; i < 15; ++i)
                one.manager->emitTo("/", Value(Value::Array{Value("large"), Value(large)}), {});
            one.manager->shutdown();  // returns, for all its patience
            CPPUNIT_ASSERT(one.manager->counters().publishDropped >= 14);
        }
    }

    void aWriteOnlyManagerDoesNotListen() {
        RedisServer server;
        RedisPeer peer(server.url());
        RawRedis raw(server);
        CPPUNIT_ASSERT(eventually([&] { return raw.subscribers() == 1; }));
        RedisManager emitter(server.url(), "socketio", true);
        emitter.emitTo("/", Value(Value::Array{Value("number"), Value(1)}), {});
        CPPUNIT_ASSERT(emitter.flush(20s));
        CPPUNIT_ASSERT(eventually([&] { return peer.numbers("number") == "1"; }));
        CPPUNIT_ASSERT_EQUAL(1, raw.subscribers());
        emitter.shutdown();
    }

private:
    /// A Redis behind TLS that asks for certificates.
    struct TlsServer {
        TlsServer() : certificates(), redis(arguments(certificates)) {}

        static std::vector<std::string> arguments(test::TestCertificates& made) {
            made.add("redis");
            made.add("ann");
            return {"--port",
                    "0",
                    "--tls-port",
                    "{port}",
                    "--tls-cert-file",
                    made.path("redis.pem"),
                    "--tls-key-file",
                    made.path("redis.key"),
                    "--tls-ca-cert-file",
                    made.ca()};
        }
        /// Parameters with a certificate of one's own, and that behind them.
        std::string own(const std::string& end) const {
            return "?ssl_certfile=" + certificates.path("ann.pem") +
                   "&ssl_keyfile=" + certificates.path("ann.key") + end;
        }
        std::string url(const std::string& host) const {
            return "rediss://" + host + ":" + std::to_string(redis.port()) + own("&") +
                   "ssl_ca_certs=" + certificates.ca();
        }

        test::TestCertificates certificates;
        RedisServer redis;
    };

    static bool says(const RedisPeer& peer, const std::string& text) {
        return eventually([&] { return peer.errorSays(text); });
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RedisManagerTest);

}  // namespace socketio
