#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "HttpFixture.h"
#include "support/TlsClient.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::HttpFixture;
using test::RawClient;

namespace {

/// A server that answers with what it takes the client, the scheme and the host to be.
struct Fixture : HttpFixture {
    explicit Fixture(TrustedProxies proxies, bool proxyProtocol = false) {
        options.trustedProxies = std::move(proxies);
        options.proxyProtocol = proxyProtocol;
        app->onBegin = [](const Exchange::Ptr& exchange) {
            const Environ& environ = exchange->environ();
            std::string text;
            for (const char* name : {"REMOTE_ADDR", "HTTPS", "HTTP_HOST", "SERVER_PORT"})
                text.append(environ.get(name)).append(" ");
            if (exchange->isWebSocketHandshake())
                exchange->upgrade({}, {{"X-Client", environ.remoteAddress()}});
            else
                exchange->respond(Response::text(200, text));
        };
    }
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: inner\r\n\r\n";
const std::string kLine = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n";
const std::string kBinary =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14\xC0\x00\x02\x01\xC6\x33\x64\x07\xDC\x04\x01\xBB"
    "\x20\x00\x05\x01\x00\x00\x00\x00"s;
const std::string kLocal = "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"s;

}  // namespace

/// Proxies in front of the server: forwarded headers and the PROXY protocol.
class TrustedProxiesHttpTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TrustedProxiesHttpTest);
    CPPUNIT_TEST(believesForwardedHeadersOfTrustedProxies);
    CPPUNIT_TEST(believesNobodyByDefault);
    CPPUNIT_TEST(dropsTheSpellingsThatCollide);
    CPPUNIT_TEST(readsThePROXYHeader);
    CPPUNIT_TEST(readsItHoweverItIsCut);
    CPPUNIT_TEST(keepsItForAllRequestsAndTheWebSocket);
    CPPUNIT_TEST(chainsThePROXYHeaderAndForwardedHeaders);
    CPPUNIT_TEST(readsThePROXYHeaderBeforeTls);
    CPPUNIT_TEST(closesWhatHasNoGoodPROXYHeader);
    CPPUNIT_TEST(closesWhoIsNoTrustedProxy);
    CPPUNIT_TEST(closesAHeaderThatDoesNotComeToItsEnd);
    CPPUNIT_TEST(readsNoPROXYHeaderUnlessTold);
    CPPUNIT_TEST(needsProxiesForThePROXYProtocol);
    CPPUNIT_TEST_SUITE_END();

public:
    void believesForwardedHeadersOfTrustedProxies() {
        Fixture fixture({"127.0.0.0/8"});
        fixture.start();
        RawClient client = fixture.client();
        CPPUNIT_ASSERT_EQUAL(
            "198.51.100.1 on a.example 443 "s,
            client
                .get("/",
                     "X-Forwarded-For: 6.6.6.6, 198.51.100.1\r\nX-Forwarded-Proto: https\r\n"
                     "X-Forwarded-Host: a.example\r\n")
                .body);
        // The next request of the same proxy is another client's.
        CPPUNIT_ASSERT_EQUAL(
            "198.51.100.2"s,
            client.get("/", "X-Forwarded-For: 198.51.100.2\r\n").body.substr(0, 12));
    }

    void believesNobodyByDefault() {
        for (const TrustedProxies& proxies :
             {TrustedProxies(), TrustedProxies{"10.0.0.0/8", "::1"}}) {
            Fixture fixture(proxies);
            fixture.start();
            RawClient client = fixture.client();
            const std::string forwarded =
                "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n"
                "X-Forwarded-Host: victim.example\r\nForwarded: for=198.51.100.1\r\n"
                "X-Real-IP: 198.51.100.1\r\n";
            CPPUNIT_ASSERT_EQUAL(client.get("/").body, client.get("/", forwarded).body);
        }
    }

    void dropsTheSpellingsThatCollide() {
        Fixture fixture({"127.0.0.1"});
        fixture.start();
        RawClient client = fixture.client();
        const std::string plain = client.get("/").body;
        CPPUNIT_ASSERT_EQUAL(plain, client.get("/", "X_Forwarded_For: 198.51.100.1\r\n").body);
        CPPUNIT_ASSERT_EQUAL(plain, client.get("/", "Remote-Addr: 198.51.100.1\r\n").body);
        CPPUNIT_ASSERT_EQUAL(plain, client.get("/", "HTTPS: on\r\n").body);
    }

    void readsThePROXYHeader() {
        Fixture fixture({"127.0.0.1"}, true);
        fixture.start();
        for (const auto& [header, expected] :
             {std::pair(kLine, "192.0.2.1  inner 443 "s), {kBinary, "192.0.2.1 on inner 443 "s}}) {
            RawClient client = fixture.client();
            client.send(header + kGet);
            CPPUNIT_ASSERT_EQUAL(expected, client.readResponse().body);
        }
        for (const std::string& header : {kLocal, "PROXY UNKNOWN\r\n"s}) {
            RawClient client = fixture.client();
            client.send(header + kGet);
            CPPUNIT_ASSERT_EQUAL("127.0.0.1  inner " + std::to_string(fixture.port()) + " ",
                                 client.readResponse().body);
        }
    }

    void readsItHoweverItIsCut() {
        Fixture fixture({"127.0.0.1"}, true);
        fixture.start();
        for (const std::string& header : {kLine, kBinary})
            for (const std::size_t size : {1, 7, 20}) {
                RawClient client = fixture.client();
                client.sendInPieces(header + kGet, size);
                CPPUNIT_ASSERT_EQUAL("192.0.2.1"s, client.readResponse().body.substr(0, 9));
            }
    }

    void keepsItForAllRequestsAndTheWebSocket() {
        Fixture fixture({"127.0.0.1"}, true);
        fixture.start();
        RawClient client = fixture.client();
        client.send(kLine + kGet + kGet);
        for (int i = 0; i < 2; ++i)
            CPPUNIT_ASSERT_EQUAL("192.0.2.1"s, client.readResponse().body.substr(0, 9));
        client.send(RawClient::upgradeRequest());
        const auto answer = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(101, answer.status);
        CPPUNIT_ASSERT_EQUAL("192.0.2.1"s, answer.header("X-Client"));
    }

    void chainsThePROXYHeaderAndForwardedHeaders() {
        const std::string get =
            "GET / HTTP/1.1\r\nHost: inner\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n";
        {
            Fixture fixture({"127.0.0.1"}, true);
            fixture.start();
            RawClient client = fixture.client();
            client.send(kLine + get);  // the client of the proxy is nobody we trust
            CPPUNIT_ASSERT_EQUAL("192.0.2.1"s, client.readResponse().body.substr(0, 9));
        }
        Fixture fixture({"127.0.0.1", "192.0.2.0/24"}, true);
        fixture.start();
        RawClient client = fixture.client();
        client.send(kLine + get);
        CPPUNIT_ASSERT_EQUAL("198.51.100.1"s, client.readResponse().body.substr(0, 12));
    }

    void readsThePROXYHeaderBeforeTls() {
        test::TestCertificates certificates;
        certificates.add("server");
        Fixture fixture({"127.0.0.1"}, true);
        fixture.options.tls = std::make_shared<TlsContext>(
            TlsOptions{.certificateFile = certificates.path("server.pem"),
                       .privateKeyFile = certificates.path("server.key")});
        fixture.start();
        for (const std::size_t pieceBytes : {1000, 3}) {
            RawClient client = fixture.client();
            test::TlsStream tls(std::make_shared<test::TlsClientContext>());
            std::string plain, waiting = kLine;  // the handshake follows in the same segment
            const auto exchange = [&] {
                const std::string bytes = std::exchange(waiting, {}) + tls.output();
                if (!bytes.empty()) client.sendInPieces(bytes, pieceBytes);
                tls.feed(client.readExactly(1));
                while (client.readable(0ms)) tls.feed(client.readExactly(1));
            };
            while (!tls.handshake()) exchange();
            tls.write(kGet);
            while (tls.read(plain) && plain.find("192.0.2.1") == plain.npos) exchange();
            CPPUNIT_ASSERT_MESSAGE(plain, plain.ends_with("192.0.2.1 on inner 443 "));
        }
    }

    void closesWhatHasNoGoodPROXYHeader() {
        Fixture fixture({"127.0.0.1"}, true);
        fixture.start();
        const std::string cases[] = {
            kGet,
            " " + kLine + kGet,
            "PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n" + kGet,
            "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n" + kGet,
            "PROXY TCP4 victim 198.51.100.7 56324 443\r\n" + kGet,
            "PROXY UNKNOWN " + std::string(4000, 'x') + "\r\n" + kGet,
            kBinary.substr(0, 12) + "\x31" + kBinary.substr(13) + kGet,
            kBinary.substr(0, 14) + "\xff\xff" + std::string(70'000, 'x'),
            "\x16\x03\x01\x02\x00\x01\x00"s,
        };
        for (const std::string& bytes : cases) {
            RawClient client = fixture.client();
            client.trySend(bytes);
            CPPUNIT_ASSERT_MESSAGE(bytes.substr(0, 60), client.closedWithin(5s));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), fixture.server->counters().requests.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(std::size(cases)),
                             fixture.server->counters().refused.load());
        RawClient good = fixture.client();
        good.send(kLine + kGet);
        CPPUNIT_ASSERT_EQUAL(200, good.readResponse().status);
    }

    void closesWhoIsNoTrustedProxy() {
        Fixture fixture({"10.0.0.0/8"}, true);
        fixture.start();
        RawClient client = fixture.client();
        client.trySend(kLine + kGet);
        CPPUNIT_ASSERT(client.closedWithin(5s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), fixture.server->counters().requests.load());
    }

    void closesAHeaderThatDoesNotComeToItsEnd() {
        Fixture fixture({"127.0.0.1"}, true);
        fixture.options.limits.headTime = 300ms;
        fixture.start();
        RawClient silent = fixture.client(), half = fixture.client(), ended = fixture.client();
        half.send(kLine.substr(0, 20));
        ended.send(kBinary.substr(0, 20));
        ended.shutdownWrite();
        CPPUNIT_ASSERT(ended.closedWithin(5s));
        CPPUNIT_ASSERT(half.closedWithin(5s));
        CPPUNIT_ASSERT(silent.closedWithin(5s));
    }

    void readsNoPROXYHeaderUnlessTold() {
        Fixture fixture({"127.0.0.1"});
        fixture.start();
        RawClient client = fixture.client();
        client.send(kLine + kGet);
        CPPUNIT_ASSERT_EQUAL(400, client.readResponse().status);
    }

    void needsProxiesForThePROXYProtocol() {
        Fixture fixture({}, true);
        CPPUNIT_ASSERT_THROW(fixture.start(), Poco::InvalidArgumentException);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TrustedProxiesHttpTest);

}  // namespace socketio
