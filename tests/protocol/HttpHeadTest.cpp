#include <sstream>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/HttpHead.h"

#include "Deliveries.h"

namespace socketio {

namespace {

using namespace std::string_literals;
using Status = HttpRequestHead::Status;

/// All that a head says, so that two readings can be compared.
std::string describe(Status status, const HttpRequestHead& head, std::size_t size) {
    std::ostringstream out;
    if (status == Status::Incomplete) return "incomplete";
    if (status == Status::Bad) {
        out << head.errorStatus << ' ' << head.error;
        return out.str();
    }
    out << head.method << ' ' << head.target << " path=" << head.path << " query=" << head.query
        << " 1." << head.minorVersion << " host=" << head.host << " size=" << size;
    if (head.contentLength) out << " length=" << *head.contentLength;
    if (head.chunked) out << " chunked";
    if (head.keepAlive) out << " keep-alive";
    if (head.upgrade) out << " upgrade";
    if (head.upgradeWebSocket) out << " websocket";
    if (head.expectContinue) out << " expect";
    for (const auto& field : head.fields) out << " [" << field.name << ": " << field.value << ']';
    return out.str();
}

/// The verdict on bytes that arrive in pieces, each time in memory of just their size.
std::string read(const Pieces& pieces, const HttpRequestHead::Limits& limits) {
    HttpRequestHead head;
    std::size_t size = 0;
    std::size_t scanned = 0;
    std::string all;
    Status status = Status::Incomplete;
    for (const std::string_view piece : pieces) {
        all.append(piece);
        const std::vector<char> exact(all.begin(), all.end());
        status = head.parse({exact.data(), exact.size()}, size, scanned, limits);
        // `exact` goes away, so what the views show is written down now.
        if (status != Status::Incomplete) return describe(status, head, size);
    }
    return describe(status, head, size);
}

std::string readWhole(std::string_view bytes, const HttpRequestHead::Limits& limits = {}) {
    const std::string whole = read({bytes}, limits);
    forEachDelivery(bytes, [&](const Pieces& pieces, const std::string& how) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(how + ": " + printable(bytes), whole, read(pieces, limits));
    });
    return whole;
}

/// A good request with `fields` in it.
std::string get(const std::string& fields) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

void assertStatus(const std::string& bytes, int expected, int other = 0) {
    const std::string verdict = readWhole(bytes);
    const int status = std::atoi(verdict.c_str());
    CPPUNIT_ASSERT_MESSAGE(printable(bytes) + " gave " + verdict,
                           status == expected || (other != 0 && status == other));
}

void assertGood(const std::string& bytes, const std::string& expectedPart = "") {
    const std::string verdict = readWhole(bytes);
    CPPUNIT_ASSERT_MESSAGE(printable(bytes) + " gave " + verdict,
                           verdict.find(" path=") != std::string::npos);
    CPPUNIT_ASSERT_MESSAGE(printable(bytes) + " gave " + verdict,
                           verdict.find(expectedPart) != std::string::npos);
}

}  // namespace

class HttpHeadTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpHeadTest);
    CPPUNIT_TEST(readsARequestOfABrowser);
    CPPUNIT_TEST(leavesWhatFollowsTheHead);
    CPPUNIT_TEST(acceptsUnusualButLegalHeads);
    CPPUNIT_TEST(knowsWhetherTheConnectionIsKept);
    CPPUNIT_TEST(knowsAnUpgrade);
    CPPUNIT_TEST(knowsAnExpectation);
    CPPUNIT_TEST(refusesBadRequestLines);
    CPPUNIT_TEST(refusesBadTargets);
    CPPUNIT_TEST(refusesBadVersions);
    CPPUNIT_TEST(refusesBadFields);
    CPPUNIT_TEST(refusesEveryControlCharacter);
    CPPUNIT_TEST(refusesBadLineEnds);
    CPPUNIT_TEST(refusesAmbiguousFraming);
    CPPUNIT_TEST(refusesBadContentLengths);
    CPPUNIT_TEST(refusesBadHosts);
    CPPUNIT_TEST(refusesRepeatedFields);
    CPPUNIT_TEST(keepsItsLimits);
    CPPUNIT_TEST(choosesTheLimitThatIsReachedFirst);
    CPPUNIT_TEST(everyBeginningOfAGoodHeadIsIncomplete);
    CPPUNIT_TEST(findsFieldsInAnyCase);
    CPPUNIT_TEST(canBeUsedAgain);
    CPPUNIT_TEST(appendsAStatusLine);
    CPPUNIT_TEST_SUITE_END();

public:
    void readsARequestOfABrowser() {
        const std::string bytes =
            "GET /socket.io/?EIO=4&transport=websocket&sid=abc HTTP/1.1\r\n"
            "Host: localhost:5000\r\n"
            "Connection: keep-alive, Upgrade\r\n"
            "Upgrade: websocket\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Cookie: a=b; c=\"d\"\r\n"
            "X-Empty:\r\n"
            "\r\n";
        CPPUNIT_ASSERT_EQUAL(
            "GET /socket.io/?EIO=4&transport=websocket&sid=abc path=/socket.io/ "
            "query=EIO=4&transport=websocket&sid=abc 1.1 host=localhost:5000 size="s +
                std::to_string(bytes.size()) +
                " keep-alive upgrade websocket [Host: localhost:5000] "
                "[Connection: keep-alive, Upgrade] [Upgrade: websocket] "
                "[User-Agent: Mozilla/5.0 (X11; Linux x86_64)] "
                "[Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==] [Cookie: a=b; c=\"d\"] "
                "[X-Empty: ]",
            readWhole(bytes));
    }

    void leavesWhatFollowsTheHead() {
        const std::string head = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
        HttpRequestHead request;
        std::size_t size = 0, scanned = 0;
        CPPUNIT_ASSERT(Status::Complete ==
                       request.parse(head + "hello\nGET\0"s, size, scanned, {}));
        CPPUNIT_ASSERT_EQUAL(head.size(), size);
    }

    void acceptsUnusualButLegalHeads() {
        const struct {
            std::string bytes, expected;
        } cases[] = {
            {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "size=29 "},
            {"GET / HTTP/1.0\r\n\r\n", " 1.0 host= size=18"},
            {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "host= size"},
            {"GET / HTTP/1.1\r\nhOsT:\t a \t\r\n\r\n", "host=a size"},
            {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "path=* query= "},
            {"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH / "},
            {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\nHost: a\r\n\r\n", " path=/"},
            {"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", " path=/ query= 1.1 host=a"},
            {"GET http://a?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", " path=/ query=x=1 1.1 host=a"},
            {"GET HTTP://A:80/b/c?x=/? HTTP/1.1\r\nHost: a:80\r\n\r\n",
             " path=/b/c query=x=/? 1.1 host=A:80"},
            {"GET https://[::1]:5/b HTTP/1.1\r\nHost: [::1]:5\r\n\r\n", "path=/b "},
            {"GET http://a/b HTTP/1.0\r\n\r\n", "host=a size"},
            {"GET /a%20b%2f?c=%0d%0a%00 HTTP/1.1\r\nHost: a\r\n\r\n", "path=/a%20b%2f query=c=%0d"},
            {"GET //../a;b?? HTTP/1.1\r\nHost: a\r\n\r\n", "path=//../a;b query=? "},
            {"GET /\"<>[]\\^`{|} HTTP/1.1\r\nHost: a\r\n\r\n", "path=/\"<>[]\\^`{|} "},
            {"GET /? HTTP/1.1\r\nHost: a\r\n\r\n", "path=/ query= "},
            {get("A: \x80\xff\t\"'(),/:;<=>?@[\\]{}\r\n"), "[A: \x80\xff\t\"'(),/:;<=>?@[\\]{}]"},
            {get("!#$%&'*+-.^_`|~09aZ: 1\r\n"), "[!#$%&'*+-.^_`|~09aZ: 1]"},
            {get("A::\r\n"), "[A: :]"},
            {get("X_Forwarded_For: 1\r\nX-Forwarded-For: 2\r\n"), "[X_Forwarded_For: 1]"},
            {get("Cookie: a\r\nCookie: b\r\n"), "[Cookie: a] [Cookie: b]"},
            {get("Content-Length: 0\r\n"), "length=0 "},
            {get("Content-Length: 010\r\n"), "length=10 "},
            {get("Content-Length: 9223372036854775807\r\n"), "length=9223372036854775807 "},
            {get("Content-Length: 31\r\n"), "length=31 "},
            {get("Transfer-Encoding: chunked\r\n"), " chunked keep-alive"},
            {get("transfer-encoding:\tCHUNKED \t\r\n"), " chunked keep-alive"},
            {get("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), " keep-alive ["},
        };
        for (const auto& c : cases) assertGood(c.bytes, c.expected);
    }

    void knowsWhetherTheConnectionIsKept() {
        const struct {
            const char* version;
            const char* fields;
            bool kept;
        } cases[] = {
            {"1.1", "", true},
            {"1.1", "Connection: keep-alive\r\n", true},
            {"1.1", "Connection: close\r\n", false},
            {"1.1", "Connection: CLOSE\r\n", false},
            {"1.1", "Connection: , keep-alive ,\tclose ,\r\n", false},
            {"1.1", "Connection: x\r\nConnection: close\r\n", false},
            {"1.1", "Connection: closed\r\n", true},
            {"1.1", "Connection:\r\n", true},
            {"1.0", "", false},
            {"1.0", "Connection: Keep-Alive\r\n", true},
            {"1.0", "Connection: keep-alive, close\r\n", false},
        };
        for (const auto& c : cases) {
            const std::string verdict =
                readWhole("GET / HTTP/"s + c.version + "\r\nHost: a\r\n" + c.fields + "\r\n");
            const bool kept =
                verdict.substr(0, verdict.find('[')).find(" keep-alive") != std::string::npos;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.version) + c.fields, c.kept, kept);
        }
    }

    void knowsAnUpgrade() {
        const struct {
            const char* version;
            const char* fields;
            bool upgrade, webSocket;
        } cases[] = {
            {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true, true},
            {"1.1", "Connection: close, upgrade\r\nUpgrade: WebSocket\r\n", true, true},
            {"1.1", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n", true, true},
            {"1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n", true, true},
            {"1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", true, false},
            {"1.1", "Connection: Upgrade\r\nUpgrade: websockets\r\n", true, false},
            {"1.1", "Upgrade: websocket\r\n", false, true},
            {"1.1", "Connection: upgraded\r\n", false, false},
            {"1.0", "Connection: Upgrade\r\nUpgrade: websocket\r\n", false, false},
        };
        for (const auto& c : cases) {
            HttpRequestHead head;
            std::size_t size = 0, scanned = 0;
            const std::string bytes =
                "GET / HTTP/"s + c.version + "\r\nHost: a\r\n" + c.fields + "\r\n";
            CPPUNIT_ASSERT(Status::Complete == head.parse(bytes, size, scanned, {}));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.fields, c.upgrade, head.upgrade);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.fields, c.webSocket, head.upgradeWebSocket);
        }
    }

    void knowsAnExpectation() {
        assertGood(get("Expect: 100-continue\r\n"), " expect ");
        assertGood(get("expect: 100-CONTINUE\r\n"), " expect ");
        assertStatus(get("Expect: foo\r\n"), 417);
        assertStatus(get("Expect:\r\n"), 417);
        assertStatus(get("Expect: 100-continue\r\nExpect: x\r\n"), 417);
        const std::string old = readWhole("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
        CPPUNIT_ASSERT_MESSAGE(old, old.find(" expect") == std::string::npos);
    }

    void refusesBadRequestLines() {
        const std::string cases[] = {
            "\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET\r\nHost: a\r\n\r\n",
            "GET \r\nHost: a\r\n\r\n",
            "GET /\r\nHost: a\r\n\r\n",  // HTTP/0.9
            "GET / \r\nHost: a\r\n\r\n",
            " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / a HTTP/1.1\r\nHost: a\r\n\r\n",
            " / HTTP/1.1\r\nHost: a\r\n\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            "G=\":<>(e) / HTTP/1.1\r\nHost: a\r\n\r\n",
            "G\xC3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET1 / HTTP/1.1\r\nHost: a\r\n\r\n",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: a\r\n\r\n",  // 33
            "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"s,                    // TLS
            "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s,
        };
        for (const std::string& bytes : cases) assertStatus(bytes, 400);
    }

    void refusesBadTargets() {
        const char* const targets[] = {
            "*",           "a",
            "a/b",         "?x",
            "a:80",        "ftp://a/",
            "http:/a/",    "http:///",
            "http://",     "://a/",
            "http://b/",   "http://a:81/",
            "http://u@a/", "http://a b/",
            "http://a,b/", "http://[::1/",
            "/#",          "/a#b",
            "/\x80",       "/\xC3\xA9",
            "/?\xFF",      "/\x7F",
            "/%",          "/%z",
            "/%zz",        "/%a",
            "/%1g",        "/%00",
            "/a%00b",      "/%0d%0a",
            "/%0D",        "/%0A",
            "/%41%0a",     "/?%",
            "/?a=%zz",     "/?a=%4",
            "/%2",         "http://a/%00",
        };
        for (const char* const target : targets)
            assertStatus("GET "s + target + " HTTP/1.1\r\nHost: a\r\n\r\n", 400);
        assertStatus("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
        assertStatus("OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
        assertStatus("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    }

    void refusesBadVersions() {
        const struct {
            const char* version;
            int status;
        } cases[] = {
            {"HTTP/9.9", 505},  {"HTTP/2.0", 505},  {"HTTP/0.9", 505}, {"HTTP/1.2", 505},
            {"HTTP/1.32", 400}, {"HTTP/1.1x", 400}, {"HTTP/1.", 400},  {"HTTP/1", 400},
            {"HTTP/11", 400},   {"http/1.1", 400},  {"XYZZY", 400},    {"HTTP/4294967295.255", 400},
            {"HTTP/ 1.1", 400}, {"HTTP/+1.1", 400}, {"HTTP/1,1", 400}, {"", 400},
            {"HTTP/a.b", 400},  {"HTTPS/1.1", 400},
        };
        for (const auto& c : cases)
            assertStatus("GET / "s + c.version + "\r\nHost: a\r\n\r\n", c.status);
    }

    void refusesBadFields() {
        const std::string fields[] = {
            "A\r\n",
            "A B: c\r\n",
            ": a\r\n",
            " A: b\r\n",
            "\tA: b\r\n",
            "A : b\r\n",
            "A\t: b\r\n",
            "Content-Length : 5\r\n",
            "Content-Length\t: 5\r\n",
            "Content-Length\x85: 5\r\n",
            "\"A\": b\r\n",
            "A\x80: b\r\n",
            "\xEF\xBB\xBF"
            "A: b\r\n",
            "A: b\r\n c\r\n",
            "A: b\r\n\tc\r\n",
            "A: b\r\n \r\n",
            "A(: b\r\n",
            "A,B: c\r\n",
            "A/: b\r\n",
            "A@: b\r\n",
            "A[: b\r\n",
            "{: b\r\n",
        };
        for (const std::string& field : fields) assertStatus(get(field), 400);
        assertStatus("GET / HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\n", 400);
    }

    void refusesEveryControlCharacter() {
        for (int c = 0; c < 0x80; ++c) {
            if ((c >= 0x20 && c != 0x7F) || c == '\t') continue;
            const std::string control(1, static_cast<char>(c));
            // Wherever it stands in a word of eight bytes.
            for (std::size_t padding = 0; padding < 9; ++padding) {
                const std::string pad(padding, 'p');
                for (const std::string& bytes :
                     {get("A: " + pad + control + "bcdefghijk\r\n"),
                      get(pad + control + "A: b\r\n"),
                      "GET /" + pad + control + " HTTP/1.1\r\nHost: a\r\n\r\n"}) {
                    const std::string verdict = read({bytes}, {});
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(printable(bytes) + " gave " + verdict, 400,
                                                 std::atoi(verdict.c_str()));
                }
            }
            assertStatus(get("A: b" + control + "c\r\n"), 400);
        }
    }

    void refusesBadLineEnds() {
        const std::string cases[] = {
            "GET / HTTP/1.1\nHost: a\r\n\r\n",     "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",     "GET / HTTP/1.1\r\nHost: a\n\n",
            "GET / HTTP/1.1\rHost: a\r\n\r\n",     "GET / HTTP/1.1\r\nHost: a\rB: c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\rX",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        };
        for (const std::string& bytes : cases) assertStatus(bytes, 400);
    }

    void refusesAmbiguousFraming() {
        assertStatus(get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
        assertStatus(get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
        assertStatus(get("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"), 400);
        assertStatus(get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
        assertStatus(get("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400);
        assertStatus(get("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400);
        assertStatus("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
        const struct {
            std::string value;
            int status;
        } cases[] = {
            {"xchunked", 501},
            {"gzip", 501},
            {"identity", 501},
            {"gzip, chunked", 501},
            {",chunked", 400},
            {"chunked,", 400},
            {"chunked, chunked", 400},
            {"chunked, identity", 400},
            {"\"chunked\"", 400},
            {"'chunked'", 501},
            {"chunked;x", 400},
            {"chunked chunked", 400},
            {"\x0B"
             "chunked",
             400},
            {"\xA0"
             "chunked",
             400},
            {"=?utf-8?Q?chunked?=", 400},
            {"", 400},
        };
        for (const auto& c : cases)
            assertStatus(get("Transfer-Encoding: " + c.value + "\r\n"), c.status);
    }

    void refusesBadContentLengths() {
        const std::string values[] = {
            "",
            "+5",
            "-1",
            "-48",
            "0x5",
            "5,5",
            "5, 5",
            "1,0",
            "1_0",
            "5 5",
            "5;",
            "5.0",
            "5e0",
            "a",
            " 5\0"s,
            "5\xA0",
            "\xD9\xA5",              // an Arabic digit
            "12345678901234567890",  // 20 digits
            "00000000000000000005",
            "9223372036854775808",   // 2^63
            "18446744073709551621",  // 2^64 + 5
        };
        for (const std::string& value : values)
            assertStatus(get("Content-Length: " + value + "\r\n"), 400);
    }

    void refusesBadHosts() {
        const std::string hosts[] = {
            "a@b",
            "a b",
            "a,b",
            "a\0b"s,
            "a/b",
            "a?b",
            "a#b",
            "a\xC3\xA9",
            "a:b",
            "a:65536",
            "a:-1",
            "a:+1",
            "a:1:2",
            "a:00080",
            ":80",
            "[::1",
            "[]",
            "[:]",
            "[::1]a",
            "::1",
            "[a b]",
            "[::g]",
            "<a>",
            "a%41",
            "\"a\"",
            "a;b",
            "a=b",
            "(a)",
            "a\\b",
            "a\tb",
            "a: 80",
            "[::1]:1a",
            "[::1]:999999",
            std::string(256, 'a'),
            std::string(5120, 'a'),
        };
        for (const std::string& host : hosts) {
            if (host == "a:00080") continue;
            assertStatus("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 400);
            assertStatus("GET / HTTP/1.0\r\nHost: " + host + "\r\n\r\n", 400);
        }
        const std::string good[] = {
            "a",       "a.b-c_d~e", "127.0.0.1:5000",     "[::1]", "[::ffff:1.2.3.4]:80", "a:65535",
            "a:00080", "a:",        std::string(255, 'a')};
        for (const std::string& host : good)
            assertGood("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", "host=" + host + " ");
        assertStatus("GET / HTTP/1.1\r\n\r\n", 400);
        assertStatus("GET / HTTP/1.1\r\nX-Host: a\r\n\r\n", 400);
        assertStatus("GET http://a/ HTTP/1.1\r\n\r\n", 400);
    }

    void refusesRepeatedFields() {
        assertStatus(get("Host: a\r\n"), 400);
        assertStatus(get("hOST: b\r\n"), 400);
        assertStatus(get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
        assertStatus(get("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
        assertStatus(get("Content-Type: a\r\ncontent-type: a\r\n"), 400);
        assertStatus(get("Origin: a\r\nA: b\r\norigin: b\r\n"), 400);
        assertGood(get("Origin: a\r\nContent-Type: b\r\nContent-Length: 5\r\n"));
    }

    void keepsItsLimits() {
        const auto target = [](std::size_t size) {
            return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
        };
        assertGood(target(8192 - 13));
        assertStatus(target(8192 - 12), 414);
        assertStatus(target(8193), 414);
        assertStatus("GET /" + std::string(8200, 'a'), 414);
        assertStatus(std::string(8193, 'A'), 414);

        const auto field = [](std::size_t size) {
            return get("A:" + std::string(size - 2, 'b') + "\r\n");
        };
        assertGood(field(8192));
        assertStatus(field(8193), 431);
        assertStatus("GET / HTTP/1.1\r\nA:" + std::string(8200, 'b'), 431);
        assertStatus("GET / HTTP/1.1\r\n" + std::string(8193, 'b'), 431);

        const auto fields = [](std::size_t count) {
            std::string all = "GET / HTTP/1.1\r\nHost: a\r\n";
            for (std::size_t i = 1; i < count; ++i) all += "A: b\r\n";
            return all;
        };
        assertGood(fields(100) + "\r\n");
        assertStatus(fields(101) + "\r\n", 431);
        assertStatus(fields(101), 431);
        assertStatus(fields(10'000), 431);

        std::string block = get("");
        block.resize(block.size() - 2);
        while (block.size() < 17 * 1024) block += "A: " + std::string(1000, 'b') + "\r\n";
        assertStatus(block, 431);
        assertStatus(block + "\r\n", 431);
    }

    void choosesTheLimitThatIsReachedFirst() {
        HttpRequestHead::Limits limits;
        limits.requestLine = 40;
        limits.block = 30;
        const std::string bytes = "GET /" + std::string(60, 'a') + " HTTP/1.1\r\n";
        CPPUNIT_ASSERT_EQUAL("431 head too large"s, readWhole(bytes, limits));
        limits.block = 60;
        CPPUNIT_ASSERT_EQUAL("414 request line too long"s, readWhole(bytes, limits));
        limits = {};
        limits.field = 20;
        limits.block = 50;
        const std::string start = "GET / HTTP/1.1\r\n";
        CPPUNIT_ASSERT_EQUAL("431 header field too long"s,
                             readWhole(start + "A: " + std::string(18, 'b') + "\r\n\r\n", limits));
        CPPUNIT_ASSERT_EQUAL(
            "431 head too large"s,
            readWhole(start + "A: bbbbbbbbbbb\r\nA: bbbbbbbbbbbb\r\nA: bbbbbbbbbbbb\r\n", limits));
    }

    void everyBeginningOfAGoodHeadIsIncomplete() {
        const std::string bytes =
            "\r\nPOST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nA: \t b\r\n\r\n";
        for (std::size_t size = 0; size < bytes.size(); ++size)
            CPPUNIT_ASSERT_EQUAL("incomplete"s,
                                 read({std::string_view(bytes).substr(0, size)}, {}));
        CPPUNIT_ASSERT("incomplete" != readWhole(bytes));
    }

    void findsFieldsInAnyCase() {
        HttpRequestHead head;
        std::size_t size = 0, scanned = 0;
        const std::string bytes = get("X-One: 1\r\nx-one: 2\r\n");
        CPPUNIT_ASSERT(Status::Complete == head.parse(bytes, size, scanned, {}));
        CPPUNIT_ASSERT(head.find("x-ONE") != nullptr);
        CPPUNIT_ASSERT_EQUAL("1"s, std::string(head.find("x-ONE")->value));
        CPPUNIT_ASSERT(head.find("x-on") == nullptr);
        CPPUNIT_ASSERT(head.find("x-one-") == nullptr);
    }

    void canBeUsedAgain() {
        HttpRequestHead head;
        std::size_t size = 0, scanned = 0;
        const std::string loud =
            "POST http://a/b?c HTTP/1.0\r\nConnection: close\r\n"
            "Content-Length: 5\r\nHost: a\r\n\r\n";
        CPPUNIT_ASSERT(Status::Complete == head.parse(loud, size, scanned, {}));
        scanned = 0;
        const std::string plain = "GET / HTTP/1.1\r\nHost: b\r\n\r\n";
        CPPUNIT_ASSERT(Status::Complete == head.parse(plain, size, scanned, {}));
        CPPUNIT_ASSERT_EQUAL("GET / path=/ query= 1.1 host=b size=27 keep-alive [Host: b]"s,
                             describe(Status::Complete, head, size));
    }

    void appendsAStatusLine() {
        std::string out = "x";
        appendStatusLine(out, 200, "OK");
        appendStatusLine(out, 404, "Not Found");
        CPPUNIT_ASSERT_EQUAL("xHTTP/1.1 200 OK\r\nHTTP/1.1 404 Not Found\r\n"s, out);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpHeadTest);

}  // namespace socketio
