// What a hostile page can make a browser send: origins, preflights, forwarded headers, cookies,
// encodings.
#include <string>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "HostileFixture.h"
#include "support/PacketClient.h"

namespace socketio::test {

using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

constexpr const char* kHandshake = "/socket.io/?EIO=4&transport=polling";
constexpr const char* kWebSocketTarget = "/socket.io/?EIO=4&transport=websocket";

std::string originHeader(const std::string& origin) { return "Origin: " + origin + "\r\n"; }

}  // namespace

class BrowserHostileTest : public HostileFixture {
    CPPUNIT_TEST_SUITE(BrowserHostileTest);
    CPPUNIT_TEST(foreignOriginsAreRefusedEverywhere);
    CPPUNIT_TEST(originsAreComparedExactly);
    CPPUNIT_TEST(anyOriginIsWrittenBackNeverAStar);
    CPPUNIT_TEST(preflightsTakeNamesOnly);
    CPPUNIT_TEST(forwardedHeadersPassNobody);
    CPPUNIT_TEST(theCookieIsGuarded);
    CPPUNIT_TEST(answersReflectNothing);
    CPPUNIT_TEST(encodingsAreReadInLinearTime);
    CPPUNIT_TEST_SUITE_END();

    /// The status of a handshake with these headers, the same over WebSocket and in every delivery.
    int statusOf(const std::string& headers) {
        int status = 0;
        const std::string bytes = RawClient::requestBytes("GET", kHandshake, headers);
        for (const Delivery& delivery : deliveries(bytes, random, 1)) {
            RawClient client(port);
            deliver(client, delivery);
            const int now = client.readResponse().status;
            if (status != 0) CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(headers), status, now);
            status = now;
        }
        RawClient socket(port);
        socket.send(RawClient::upgradeRequest(kWebSocketTarget, headers));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(headers), status == 200 ? 101 : status,
                                     socket.readResponse().status);
        return status;
    }
    void assertNoCors(const RawResponse& answer) {
        for (const char* name : {"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
                                 "Access-Control-Allow-Headers", "Access-Control-Allow-Methods"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::size_t(0), answer.count(name));
    }

public:
    // B1, B2
    void foreignOriginsAreRefusedEverywhere() {
        start();
        const std::string evil = originHeader("https://evil.example");
        PacketClient victim(port, {PacketClient::Transport::Polling, 4});
        CPPUNIT_ASSERT_EQUAL('0', victim.connect()[0]);
        CPPUNIT_ASSERT_EQUAL(403, statusOf(evil));
        struct Request {
            const char* method;
            std::string target;
            const char* body;
        };
        const Request requests[] = {{"GET", kHandshake, ""},
                                    {"OPTIONS", kHandshake, ""},
                                    {"GET", victim.target(), ""},
                                    {"POST", victim.target(), "41"},
                                    {"OPTIONS", victim.target(), ""}};
        for (const Request& request : requests) {
            RawClient client(port);
            client.request(request.method, request.target, evil, request.body);
            const RawResponse answer = client.readResponse();
            CPPUNIT_ASSERT_EQUAL(403, answer.status);
            CPPUNIT_ASSERT_EQUAL(R"({"code":4,"message":"Forbidden"})"s, answer.body);
            assertNoCors(answer);
        }
        RawClient socket(port);
        socket.send(RawClient::upgradeRequest(
            "/socket.io/?EIO=4&transport=websocket&sid=" + victim.sid(), evil));
        CPPUNIT_ASSERT_EQUAL(403, socket.readResponse().status);
        CPPUNIT_ASSERT(victim.quiet());  // nothing of it reached the session
        victim.sayEngine("1");
        victim.close();
        CPPUNIT_ASSERT(
            eventually([&] { return server->sio.manager().getParticipants("/", "").size() == 2; }));
        socket.close();
        CPPUNIT_ASSERT_EQUAL(200, statusOf(""));  // no browser
        assertUnharmed("foreign origins");
    }

    // B3
    void originsAreComparedExactly() {
        start();
        struct Row {
            const char* origin;
            int status;
        };
        // Requests of RawClient say `Host: localhost`.
        const Row sameOrigin[] = {
            {"http://localhost", 200},
            {"https://localhost", 403},  // port 443
            {"https://localhost:80", 200},
            {"ws://localhost", 200},
            {"http://localhost:80", 200},
            {"http://localhost:8080", 403},
            {"http://localhost.", 403},
            {"http://localhost.evil.example", 403},
            {"http://evil-localhost", 403},
            {"HTTP://LOCALHOST", 403},
            {"null", 403},
            {"http://localhost/", 403},
            {"http://localhost http://evil", 403},
            {"http://localhost, http://evil", 403},
            {"http://evil@localhost", 403},
            {"http://localhost:x", 403},
            {"http://localhost:", 403},
            {"http://", 403},
            {"file://", 403},
            {"javascript:alert(1)", 403},
            {"http://localhost:99999", 403},
            {"", 403},
        };
        for (const Row& row : sameOrigin)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(row.origin, row.status,
                                         statusOf(originHeader(row.origin)));
        // Two of them, or one that breaks out of its line: refused before.
        CPPUNIT_ASSERT_EQUAL(400,
                             statusOf("Origin: http://localhost\r\nOrigin: http://localhost\r\n"));
        CPPUNIT_ASSERT_EQUAL(400, statusOf("Origin: http://localhost\rX: y\r\n"));
        CPPUNIT_ASSERT_EQUAL(400, statusOf("Origin: http://local\nhost\r\n"));
        assertUnharmed("same origin");
        tearDown();
        ServerOptions options;
        options.corsAllowedOrigins = AllowedOrigins("https://good.example");
        start(options);
        const Row listed[] = {
            {"https://good.example", 200},
            {"https://good.example.evil", 403},
            {"HTTPS://GOOD.EXAMPLE", 403},
            {"https://good.example.", 403},
            {"https://good.example:443", 403},
            {"https://good.example:8443", 403},
            {"http://good.example", 403},
            {"https://good.example/", 403},
            {"https://agood.example", 403},
            {"https://sub.good.example", 403},
            {"null", 403},
            {"http://localhost", 403},
        };
        for (const Row& row : listed)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(row.origin, row.status,
                                         statusOf(originHeader(row.origin)));
        assertUnharmed("a list of origins");
    }

    // B4
    void anyOriginIsWrittenBackNeverAStar() {
        ServerOptions options;
        options.corsAllowedOrigins = AllowedOrigins("*");
        start(options);
        for (const char* origin : {"https://evil.example", "null", "http://localhost:1"}) {
            const RawResponse answer = RawClient(port).get(kHandshake, originHeader(origin));
            CPPUNIT_ASSERT_EQUAL(200, answer.status);
            CPPUNIT_ASSERT_EQUAL(std::string(origin), answer.header("Access-Control-Allow-Origin"));
            CPPUNIT_ASSERT_EQUAL("true"s, answer.header("Access-Control-Allow-Credentials"));
            CPPUNIT_ASSERT(answer.header("Vary").find("Origin") != std::string::npos);
        }
        const RawResponse plain = RawClient(port).get(kHandshake);
        CPPUNIT_ASSERT_EQUAL(200, plain.status);
        assertNoCors(plain);
        CPPUNIT_ASSERT(plain.header("Vary").find("Origin") != std::string::npos);
        // What could not be written back is refused even here.
        CPPUNIT_ASSERT_EQUAL(403, statusOf(originHeader("http://a<script>")));
        CPPUNIT_ASSERT_EQUAL(403, statusOf(originHeader(std::string(5000, 'a'))));
        assertUnharmed("any origin");
    }

    // B5
    void preflightsTakeNamesOnly() {
        start();
        const auto preflight = [this](const std::string& headers) {
            RawClient client(port);
            client.request("OPTIONS", kHandshake,
                           originHeader("http://localhost") +
                               "Access-Control-Request-Method: POST\r\n" +
                               "Access-Control-Request-Headers: " + headers + "\r\n");
            return client.readResponse();
        };
        RawResponse answer = preflight("content-type, x-token");
        CPPUNIT_ASSERT_EQUAL(204, answer.status);
        CPPUNIT_ASSERT_EQUAL("content-type, x-token"s,
                             answer.header("Access-Control-Allow-Headers"));
        for (const char* list : {"x\r\nSet-Cookie: a", "x;y", "\"x\"", "a b", "<script>", "x:y"}) {
            answer = preflight(list);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(list, std::size_t(0), answer.count("Set-Cookie"));
            const std::string allowed = answer.header("Access-Control-Allow-Headers");
            CPPUNIT_ASSERT_MESSAGE(list, allowed.empty() || allowed == "x");
        }
        std::string many = "x0";
        for (int i = 1; many.size() < 8000; ++i) many += ",x" + std::to_string(i);
        answer = preflight(many);
        CPPUNIT_ASSERT(answer.status == 204 || answer.status == 431);
        CPPUNIT_ASSERT(answer.header("Access-Control-Allow-Headers").size() <= 1024);
        assertUnharmed("preflights");
    }

    // B6
    void forwardedHeadersPassNobody() {
        start();
        for (const char* forwarded :
             {"X-Forwarded-Host: evil.example\r\n",
              "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n",
              "Forwarded: host=evil.example;proto=https\r\n",
              "X-Forwarded-Server: evil.example\r\n", "X-Host: evil.example\r\n",
              "X-Original-Host: evil.example\r\n"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                forwarded, 403, statusOf(originHeader("https://evil.example") + forwarded));
        assertUnharmed("forwarded headers");
    }

    // B7
    void theCookieIsGuarded() {
        start();
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), RawClient(port).get(kHandshake).count("Set-Cookie"));
        tearDown();
        ServerOptions options;
        options.cookie.emplace();
        start(options);
        const RawResponse answer = RawClient(port).get(kHandshake);
        const std::size_t sid = answer.body.find("\"sid\":\"") + 7;
        CPPUNIT_ASSERT_EQUAL(
            "io=" + answer.body.substr(sid, 20) + "; Path=/; HttpOnly; SameSite=Lax",
            answer.header("Set-Cookie"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), answer.count("Set-Cookie"));
        RawClient socket(port);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), socket.upgrade(kWebSocketTarget).count("Set-Cookie"));
        socket.close();
        assertUnharmed("cookies");
        for (const char* bad : {"", "a b", "a;b", "a=b", "a\r\nX: y", "\"io\""}) {
            EngineCookie cookie;
            cookie.name = bad;
            ServerOptions wrong;
            wrong.cookie = cookie;
            CPPUNIT_ASSERT_THROW_MESSAGE(bad, Server{wrong}, Poco::InvalidArgumentException);
        }
        EngineCookie cookie;
        cookie.path = "/; Domain=evil.example";
        ServerOptions wrong;
        wrong.cookie = cookie;
        CPPUNIT_ASSERT_THROW(Server{wrong}, Poco::InvalidArgumentException);
    }

    // B8
    void answersReflectNothing() {
        start();
        const std::string mark = "REFLECTED";
        const std::string requests[] = {
            RawClient::requestBytes("GET", "/socket.io/?EIO=" + mark + "&transport=polling"),
            RawClient::requestBytes("GET", "/socket.io/?EIO=4&transport=" + mark),
            RawClient::requestBytes("GET", std::string(kHandshake) + "&sid=" + mark),
            RawClient::requestBytes("GET", std::string(kHandshake) + "&j=" + mark),
            RawClient::requestBytes("POST", std::string(kHandshake) + "&sid=x", "", mark),
            RawClient::requestBytes("GET", kHandshake, originHeader("http://" + mark)),
            RawClient::requestBytes(mark, kHandshake),
            RawClient::requestBytes("GET", "/socket.io/" + mark + "?x=" + mark),
            "GET " + std::string(kHandshake) + " HTTP/" + mark + "\r\n\r\n",
            "GET " + std::string(kHandshake) + " HTTP/1.1\r\nHost: x\r\n" + mark + "\r\n\r\n",
        };
        for (const std::string& bytes : requests) {
            RawClient client(port);
            client.send(bytes);
            client.shutdownWrite();
            const std::string answer = client.readToEnd();
            const std::string what = printable(bytes, 80) + " answered " + printable(answer);
            CPPUNIT_ASSERT_MESSAGE(
                what, answer.substr(0, 10) == "HTTP/1.1 4" || answer.substr(0, 10) == "HTTP/1.1 5");
            CPPUNIT_ASSERT_MESSAGE(what, answer.find(mark) == answer.npos);
            for (const char* leak :
                 {"Server:", "X-Powered-By", ".cpp", "Exception", "POCO", "Poco"})
                CPPUNIT_ASSERT_MESSAGE(what, answer.find(leak) == answer.npos);
        }
        PacketClient client(port, {PacketClient::Transport::Polling, 4});
        client.say("0");
        const RawResponse poll = client.reader().get(client.target());
        CPPUNIT_ASSERT_EQUAL("no-store"s, poll.header("Cache-Control"));
        CPPUNIT_ASSERT_EQUAL("nosniff"s, poll.header("X-Content-Type-Options"));
        client.sayEngine("1");
        client.close();
        assertUnharmed("reflections");
    }

    // B9, B10
    void encodingsAreReadInLinearTime() {
        start({}, {}, [](Server& sio) {
            sio.on("fill", [](Socket& socket, std::size_t size) {
                socket.emit("b", std::string(size, 'x'));
            });
        });
        std::string many = "gzip;q=0";
        while (many.size() < 8000) many += ", x" + std::to_string(many.size());
        struct Row {
            std::string accept;
            const char* coding;
        };
        const Row rows[] = {
            {"gzip", "gzip"},  {"deflate", "deflate"},
            {"gzip;q=0", ""},  {"gzip;q=0, deflate;q=0", ""},
            {"*;q=0", ""},     {"gzip;q=abc", ""},
            {"identity", ""},  {"gzip;q=0.001, identity;q=1", ""},
            {"x-nothing", ""}, {many, ""},
        };
        PacketClient client(port, {PacketClient::Transport::Polling, 4});
        CPPUNIT_ASSERT_EQUAL('0', client.connect()[0]);
        for (const Row& row : rows)
            for (const std::size_t size : {std::size_t(100), std::size_t(5000)}) {
                client.say("2[\"fill\"," + std::to_string(size) + "]");
                const auto begin = std::chrono::steady_clock::now();
                const RawResponse answer =
                    client.reader().get(client.target(), "Accept-Encoding: " + row.accept + "\r\n");
                const std::string what = printable(row.accept, 60);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, 200, answer.status);
                CPPUNIT_ASSERT_MESSAGE(what,
                                       kSanitized || std::chrono::steady_clock::now() - begin < 2s);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, size < 1024 ? ""s : std::string(row.coding),
                                             answer.header("Content-Encoding"));
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::to_string(answer.body.size()),
                                             answer.header("Content-Length"));
                if (size > 1024)
                    CPPUNIT_ASSERT_MESSAGE(
                        what, answer.header("Vary").find("Accept-Encoding") != std::string::npos);
            }
        client.sayEngine("1");
        client.close();
        assertUnharmed("encodings");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BrowserHostileTest);

}  // namespace socketio::test
