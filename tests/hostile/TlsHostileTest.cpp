// TLS listeners under attack, with healthy clients over TLS beside it.

#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>
#include <openssl/ssl.h>

#include "HostileFixture.h"
#include "support/TlsClient.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Canary;
using test::deliveries;
using test::Delivery;
using test::eventually;
using test::printable;
using test::RawClient;
using test::Resources;
using test::TestCertificates;
using test::TestServer;
using test::TlsClientContext;
using test::TlsStream;

class TlsHostileTest : public test::HostileFixture {
    CPPUNIT_TEST_SUITE(TlsHostileTest);
    CPPUNIT_TEST(garbageIsShed);
    CPPUNIT_TEST(plainHttpIsToldAndShed);
    CPPUNIT_TEST(oldVersionsAndCiphersAreRefused);
    CPPUNIT_TEST(handshakesThatStopAnywhereAreShed);
    CPPUNIT_TEST(aTrickledHandshakeIsShed);
    CPPUNIT_TEST(twoThousandHalfOpenHandshakesAreShed);
    CPPUNIT_TEST(largeHellosTakeNoMemory);
    CPPUNIT_TEST(goingAwayInTheMiddleIsNoHarm);
    CPPUNIT_TEST(damagedRecordsEndTheirConnectionAlone);
    CPPUNIT_TEST(renegotiationsAndKeyUpdatesAreBounded);
    CPPUNIT_TEST(aReloadUnderLoadDropsNobody);
    CPPUNIT_TEST_SUITE_END();

    /// As start() of the fixture, over TLS.
    void startTls(std::chrono::milliseconds handshakeTime = 10s) {
        certificates.add("one");
        certificates.add("two");
        install("one");
        tls = TlsContext::load({.certificateFile = certificates.path("live.pem"),
                                .privateKeyFile = certificates.path("live.key")});
        HttpServerOptions http;
        http.tls = tls;
        http.limits.handshakeTime = handshakeTime;
        http.limits.keepAliveRequests = 100'000;
        app = std::make_shared<test::ShowingApp>();
        server = std::make_unique<TestServer>(ServerOptions{}, http, app);
        server->sio.on("echo", [](Socket&, const Value& value) { return value; });
        server->start();
        port = server->port();
        canary = std::make_unique<Canary>(port, secured());
        CPPUNIT_ASSERT_EQUAL(std::string(), canary->verdict());
        baseConnections = server->hub().connectionCount();
        base = Resources::now();
    }
    void install(const std::string& name) {
        for (const char* const kind : {".pem", ".key"})
            std::filesystem::copy_file(certificates.path(name + kind),
                                       certificates.path(std::string("live") + kind),
                                       std::filesystem::copy_options::overwrite_existing);
    }
    RawClient::Options secured(const TlsClientContext::Options& wanted = {}) const {
        RawClient::Options options;
        options.deadline = 30s;
        options.tls = std::make_shared<TlsClientContext>(wanted);
        return options;
    }
    std::string hello() const {
        TlsStream stream(std::make_shared<TlsClientContext>());
        stream.handshake();
        return stream.output();
    }
    HubCounters& counters() const { return server->hub().counters(); }

public:
    void garbageIsShed() {
        startTls();
        std::vector<std::string> rows{
            std::string(1000, '\0'),
            std::string(1000, '\xff'),
            std::string(100'000, 'A'),
            "SSH-2.0-OpenSSH_9.2\r\n",
            std::string("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11) + std::string(60, 'x'),
            std::string("\x15\x03\x03\x00\x02\x02\x28", 7),
            std::string("\x14\x03\x03\x00\x01\x01", 6),
            std::string("\x17\x03\x03\x00\x10", 5) + std::string(16, 'x'),
            std::string("\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9),
            std::string("\x16\x03\x01\x00\x00", 5) + std::string(100, '\x16'),
            "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + hello(),
        };
        // A good one, damaged.
        for (int i = 0; i < 30; ++i) {
            std::string damaged = hello();
            damaged[5 + random() % (damaged.size() - 5)] ^= static_cast<char>(1 + random() % 255);
            rows.push_back(damaged);
        }
        for (const std::string& row : rows)
            for (const Delivery& delivery : deliveries(row, random, 1)) {
                if (row.size() > 2000 && delivery.how == "byte by byte") continue;
                RawClient client(port);
                deliver(client, delivery);
                // Nothing that is no hello gets further than an alert or the answer to a hello.
                client.shutdownWrite();
                client.setDeadline(10s);
                const std::string answer = client.readToEnd();
                CPPUNIT_ASSERT_MESSAGE(printable(row) + " " + delivery.how,
                                       answer.find("HTTP/") == answer.npos);
            }
        CPPUNIT_ASSERT_EQUAL(0, app->requests());
        assertUnharmed("garbage");
    }

    void plainHttpIsToldAndShed() {
        startTls();
        for (const std::string& request :
             {RawClient::requestBytes("GET", "/show"),
              RawClient::requestBytes("POST", "/", "", "b"),
              RawClient::upgradeRequest("/socket.io/?EIO=4&transport=websocket")}) {
            RawClient client(port);
            client.send(request);
            CPPUNIT_ASSERT_EQUAL(400, client.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests());
        assertUnharmed("plain HTTP");
    }

    void oldVersionsAndCiphersAreRefused() {
        startTls();
        const TlsClientContext::Options rows[] = {
            {.maxVersion = TLS1_VERSION, .minVersion = TLS1_VERSION},
            {.maxVersion = TLS1_1_VERSION, .minVersion = TLS1_1_VERSION},
            {.maxVersion = TLS1_2_VERSION, .ciphers = "NULL:@SECLEVEL=0"},
            {.maxVersion = TLS1_2_VERSION, .ciphers = "ADH:AECDH:@SECLEVEL=0"},
            {.maxVersion = TLS1_2_VERSION, .ciphers = "kRSA:@SECLEVEL=0"},
            {.protocols = {"h2"}},
        };
        for (const TlsClientContext::Options& row : rows)
            CPPUNIT_ASSERT_THROW(RawClient(port, secured(row)), std::runtime_error);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{std::size(rows)}, counters().tlsFailures.load());
        assertUnharmed("old versions and ciphers");
    }

    void handshakesThatStopAnywhereAreShed() {
        startTls(1s);
        std::vector<RawClient> clients;
        const std::string whole = hello();
        for (std::size_t size = 0; size <= whole.size(); size += 7) {
            clients.emplace_back(port);
            clients.back().send(whole.substr(0, size));
        }
        for (RawClient& client : clients) {
            client.setDeadline(30s);
            client.readToEnd();
        }
        clients.clear();
        assertUnharmed("half handshakes");
    }

    void aTrickledHandshakeIsShed() {
        startTls(1s);
        RawClient client(port);
        const std::string whole = hello();
        const auto begin = std::chrono::steady_clock::now();
        // A byte now and then does not prolong it.
        std::size_t sent = 0;
        while (sent < whole.size() && client.trySend(whole.substr(sent, 1)) &&
               !client.readable(50ms))
            ++sent;
        client.setDeadline(30s);
        client.readToEnd();
        CPPUNIT_ASSERT(sent < whole.size());
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 1s);
        client.close();
        assertUnharmed("a trickled handshake");
    }

    void twoThousandHalfOpenHandshakesAreShed() {
        startTls(3s);
        {
            std::vector<RawClient> crowd;
            const std::string whole = hello();
            for (int i = 0; i < 2000; ++i) {
                crowd.emplace_back(port);
                // Nothing; half a hello; one that waits for its answer to be answered.
                crowd.back().trySend(whole.substr(0, whole.size() * (i % 3) / 2));
            }
            // Who comes now is served.
            RawClient client(port, secured());
            CPPUNIT_ASSERT_EQUAL(200, client.get("/show").status);
            CPPUNIT_ASSERT_EQUAL(std::string(), canary->verdict());
            client.close();
            CPPUNIT_ASSERT(eventually(
                [&] { return server->hub().connectionCount() == baseConnections; }, 60s));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2000}, counters().tlsFailures.load());
        assertUnharmed("2,000 half-open handshakes", 4 * 1024 * 1024);
    }

    void largeHellosTakeNoMemory() {
        startTls(5s);
        const std::size_t before = Resources::now().residentBytes;
        {
            std::vector<RawClient> crowd;
            for (int i = 0; i < 500; ++i) {
                crowd.emplace_back(port);
                // The head of a ClientHello of 64 KiB, then of 128 KiB less a little.
                const std::string head("\x16\x03\x01\x40\x00\x01", 6);
                crowd.back().trySend(head +
                                     std::string(i % 2 ? "\x01\xff\x00" : "\x01\x00\x00", 3));
                crowd.back().trySend(std::string(16'380, 'x'));
            }
            for (RawClient& client : crowd) {
                client.setDeadline(30s);
                client.readToEnd();
            }
            if (!test::kSanitized)
                CPPUNIT_ASSERT(Resources::now().residentBytes < before + 20'000'000);
        }
        assertUnharmed("large hellos", 4 * 1024 * 1024);
    }

    void goingAwayInTheMiddleIsNoHarm() {
        startTls();
        const std::string big(900'000, 'x');
        for (int i = 0; i < 60; ++i) {
            // In the handshake, in a request, in a message, in an answer.
            switch (i % 4) {
                case 0: {
                    RawClient client(port);
                    client.send(hello());
                    i % 8 == 0 ? client.reset() : client.close();
                    break;
                }
                case 1: {
                    RawClient client(port, secured());
                    client.send("POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
                    client.send(big.substr(0, 10'000 + random() % 500'000));
                    client.reset();
                    break;
                }
                case 2: {
                    RawClient client(port, secured());
                    client.upgrade("/ws");
                    const std::string frame = RawClient::frame(2, big);
                    client.send(frame.substr(0, random() % frame.size()));
                    i % 8 == 2 ? client.reset() : client.close();
                    break;
                }
                default: {
                    RawClient client(port, secured());
                    client.upgrade("/ws");
                    client.sendBinary(big);
                    client.readExactly(1 + random() % 100'000);
                    client.reset();
                    break;
                }
            }
        }
        assertUnharmed("going away", 4 * 1024 * 1024);
    }

    void damagedRecordsEndTheirConnectionAlone() {
        startTls();
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
            for (int i = 0; i < 20; ++i) {
                RawClient client(port, secured({.maxVersion = version}));
                client.tls()->write(RawClient::requestBytes("GET", "/damaged"));
                std::string records = client.tls()->output();
                records[random() % records.size()] ^= static_cast<char>(1 + random() % 255);
                client.trySendRaw(records);
                client.shutdownWrite();
                CPPUNIT_ASSERT_THROW(client.readResponse(), std::runtime_error);
            }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/damaged"));
        assertUnharmed("damaged records");
    }

    void renegotiationsAndKeyUpdatesAreBounded() {
        startTls();
        {
            RawClient client(port, secured({.maxVersion = TLS1_2_VERSION}));
            CPPUNIT_ASSERT_EQUAL(200, client.get("/show").status);
            const std::uint64_t before = counters().tlsHandshakes;
            client.tls()->renegotiate();
            client.trySendRaw(client.tls()->output());
            client.shutdownWrite();
            std::string answer;
            try {
                answer = client.readToEnd();
            } catch (const std::exception&) {  // the alert
            }
            CPPUNIT_ASSERT_EQUAL(std::string(), answer);
            CPPUNIT_ASSERT_EQUAL(before, counters().tlsHandshakes.load());
        }
        {
            // 200,000 of them from one that never reads the answers.
            RawClient client(port, secured());
            CPPUNIT_ASSERT_EQUAL(200, client.get("/show").status);
            for (int i = 0; i < 100; ++i) {
                for (int j = 0; j < 2000; ++j) client.tls()->updateKeys();
                if (!client.trySendRaw(client.tls()->output())) break;
            }
            CPPUNIT_ASSERT_EQUAL(std::string(), canary->verdict());
            client.reset();
        }
        assertUnharmed("renegotiations and key updates", 4 * 1024 * 1024);
    }

    void aReloadUnderLoadDropsNobody() {
        startTls();
        const std::uint64_t closed = counters().closed.load();
        std::vector<std::unique_ptr<Canary>> load;
        for (int i = 0; i < 5; ++i) load.push_back(std::make_unique<Canary>(port, secured()));
        for (int i = 0; i < 20; ++i) {
            const std::string name = i % 2 ? "one" : "two";
            install(name);
            tls->reload();
            RawClient client(port, secured({.caFile = certificates.ca()}));
            CPPUNIT_ASSERT_EQUAL(name, client.tls()->peerName());
            CPPUNIT_ASSERT_EQUAL(200, client.get("/show").status);
            client.close();
        }
        for (const auto& one : load) CPPUNIT_ASSERT_EQUAL(std::string(), one->verdict());
        CPPUNIT_ASSERT(eventually([&] { return counters().closed.load() == closed + 20; }));
        for (const auto& one : load) CPPUNIT_ASSERT_EQUAL(std::string(), one->finish());
        load.clear();
        assertUnharmed("reloads", 4 * 1024 * 1024);
    }

private:
    TestCertificates certificates;
    std::shared_ptr<TlsContext> tls;
};

CPPUNIT_TEST_SUITE_REGISTRATION(TlsHostileTest);

}  // namespace socketio
