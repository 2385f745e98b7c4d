// Requests made to be read in two ways, beside healthy clients: framing, smuggling, and what may
// get into the environ.
#include <poll.h>
#include <string>
#include <utility>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "HostileFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

constexpr int kPipelined = 1000;
constexpr std::size_t kFloodBytes = 16 * 1024 * 1024;  // far more than two kernels buffer
constexpr int kSmallChunks = 100'000;
constexpr int kManyHeaders = 10'000;
constexpr std::size_t kMebibyte = 1024 * 1024;

/// A request that nobody may ever answer: it stands where a body or nothing at all belongs.
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string post(std::string_view headers, std::string_view body = "hello") {
    return "POST /show HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n" +
           std::string(body);
}
std::string get(std::string_view headers) {
    return "GET /show HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n";
}
std::string line(std::string_view requestLine) {
    return std::string(requestLine) + "\r\nHost: localhost\r\n\r\n";
}
std::string chunked(std::string_view body) {
    return post("Transfer-Encoding: chunked\r\nConnection: close\r\n", body);
}
std::string host(std::string_view value) {
    return "GET /show HTTP/1.1\r\nHost: " + std::string(value) + "\r\n\r\n";
}
std::string repeated(std::string_view text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all.append(text);
    return all;
}

}  // namespace

class HttpFramingTest : public HostileFixture {
    CPPUNIT_TEST_SUITE(HttpFramingTest);
    CPPUNIT_TEST(ambiguousBodyLengthsAreRefused);
    CPPUNIT_TEST(badHeaderLinesAreRefused);
    CPPUNIT_TEST(bareLineFeedsAreRefusedEverywhere);
    CPPUNIT_TEST(badChunksAreRefused);
    CPPUNIT_TEST(trailersNeverReachTheEnviron);
    CPPUNIT_TEST(badHostsAreRefused);
    CPPUNIT_TEST(badRequestLinesAreRefused);
    CPPUNIT_TEST(escapesAndDotsDoNotLeadAstray);
    CPPUNIT_TEST(largeHeadsAreRefused);
    CPPUNIT_TEST(aRequestInABodyIsNeverAnswered);
    CPPUNIT_TEST(otherProtocolsAreRefusedOrIgnored);
    CPPUNIT_TEST(expectationsAreMetOrRefused);
    CPPUNIT_TEST(pipelinedRequestsAreAnsweredInOrder);
    CPPUNIT_TEST(aFloodBehindAParkedRequestIsNotRead);
    CPPUNIT_TEST(anUnreadBodyIsDrainedOnlyALittle);
    CPPUNIT_TEST(headersCannotPassForOthers);
    CPPUNIT_TEST(repeatedHeadersAreJoinedOrRefused);
    CPPUNIT_TEST(theSameBytesMeanTheSameHoweverTheyAreCut);
    CPPUNIT_TEST_SUITE_END();

    struct Case {
        std::string row, bytes;
        std::vector<int> statuses{400};  ///< Any of them, as the one answer.
    };

    /// All answers, until the server closes.
    static std::vector<RawResponse> answers(RawClient& client) {
        std::vector<RawResponse> all;
        while (!client.closedWithin(5s)) all.push_back(client.readResponse());
        return all;
    }

    /// Each is refused with one answer and the end of the connection; what follows on the
    /// connection is not answered.
    void assertRefused(const std::vector<Case>& cases) {
        for (const Case& c : cases) {
            const std::string bytes = c.bytes + kSmuggled;
            for (const Delivery& delivery : deliveries(bytes, random)) {
                const std::string what = c.row + " " + delivery.how + ": " + printable(c.bytes);
                try {
                    RawClient client(port);
                    deliver(client, delivery);
                    const std::vector<RawResponse> got = answers(client);
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::size_t(1), got.size());
                    CPPUNIT_ASSERT_MESSAGE(what + " answered " + std::to_string(got[0].status),
                                           std::find(c.statuses.begin(), c.statuses.end(),
                                                     got[0].status) != c.statuses.end());
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "close"s, got[0].header("Connection"));
                } catch (const std::runtime_error& e) {
                    CPPUNIT_FAIL(what + ": " + e.what());
                }
            }
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));
    }

    /// The one answer to `bytes`, the same for every delivery but for the port of the client.
    std::string assertAccepted(const std::string& bytes) {
        std::string first;
        for (const Delivery& delivery : deliveries(bytes, random)) {
            const std::string what = delivery.how + ": " + printable(bytes);
            RawClient client(port);
            deliver(client, delivery);
            const std::vector<RawResponse> got = answers(client);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::size_t(1), got.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(what, 200, got[0].status);
            const std::string shown = withoutPort(got[0].body);
            if (first.empty()) first = shown;
            CPPUNIT_ASSERT_EQUAL_MESSAGE(what, first, shown);
        }
        return first;
    }

    static std::string withoutPort(std::string shown) {
        const std::size_t at = shown.find("REMOTE_PORT=");
        if (at != shown.npos) shown.erase(at, shown.find('\n', at) + 1 - at);
        return shown;
    }
    static bool shows(const std::string& shown, const std::string& text) {
        return shown.find("\n" + text + "\n") != shown.npos;
    }
    static std::string shownBody(const std::string& shown) {
        return shown.substr(shown.find("\n\n") + 2);
    }

public:
    void setUp() override { start(); }

    // H1 to H7
    void ambiguousBodyLengthsAreRefused() {
        std::vector<Case> cases{
            {"H1", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
            {"H1", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
            {"H3",
             post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
            {"H3",
             post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
             {400, 501}},
            {"H4", "POST /show HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
            {"H5", post("Content-Length: 5\r\nContent-Length: 6\r\n")},
            {"H5", post("Content-Length: 5\r\nContent-Length: 5\r\n")},
            {"H7", post("Content-Length : 5\r\n")},
            {"H7", post("Content-Length\t: 5\r\n")},
            {"H7", post("Content-Length\x85: 5\r\n")},
            {"H7", "POST /show HTTP/1.1\r\n Content-Length: 5\r\nHost: localhost\r\n\r\nhello"},
        };
        for (const std::string& coding :
             {"xchunked"s, ",chunked"s, "chunked, chunked"s, "chunked, identity"s, "gzip, chunked"s,
              "\"chunked\""s, "chunked;x"s,
              "\x0b"
              "chunked"s,
              "\xa0"
              "chunked"s,
              "=?utf-8?Q?chunked?="s, ""s})
            cases.push_back(
                {"H2", post("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n"), {400, 501}});
        for (const std::string& length :
             {"+5"s, "-1"s, "-48"s, "0x5"s, "5,5"s, "1,0"s, "1_0"s, "5 5"s, " 5\0"s, "5;"s, ""s,
              "12345678901234567890"s, "18446744073709551621"s})
            cases.push_back({"H6", post("Content-Length: " + length + "\r\n")});
        // A plain number over the limit.
        cases.push_back({"H6", post("Content-Length: 9223372036854775808\r\n"), {400, 413}});
        cases.push_back({"H6", post("Content-Length: 1000001\r\n"), {413}});
        assertRefused(cases);
        CPPUNIT_ASSERT_EQUAL("helloworld"s, shownBody(assertAccepted(post("Content-Length: 010\r\n"
                                                                          "Connection: close\r\n",
                                                                          "helloworld"))));
        assertUnharmed("H1-H7");
    }

    // H8 to H10
    void badHeaderLinesAreRefused() {
        std::vector<Case> cases{
            {"H8", get("no colon\r\n")},     {"H8", get("nocolon\r\n")},
            {"H8", get(": empty name\r\n")}, {"H10", get("X: a\r\n b\r\n")},
            {"H10", get("X: a\r\n\tb\r\n")}, {"H10", get("X: a\r\n \r\n")},
        };
        for (const std::string& byte :
             {"\0"s, "\x01"s, "\x1f"s, "\x7f"s, " "s, "\""s, "("s, ","s, "\x80"s, "\xff"s})
            cases.push_back({"H8", get("X" + byte + "Y: a\r\n")});
        // Every control byte but the tab, in the middle and at the end.
        for (int byte = 0; byte < 0x80; byte = byte == 0x1f ? 0x7f : byte + 1) {
            if (byte == '\t') continue;
            const std::string control(1, static_cast<char>(byte));
            cases.push_back({"H9", get("X: a" + control + "b\r\n")});
            cases.push_back({"H9", get("X: a" + control + "\r\n")});
        }
        assertRefused(cases);
        assertUnharmed("H8-H10");
    }

    // H11
    void bareLineFeedsAreRefusedEverywhere() {
        assertRefused({
            {"H11", "GET /show HTTP/1.1\nHost: localhost\r\n\r\n"},
            {"H11", "GET /show HTTP/1.1\r\nHost: localhost\n\r\n"},
            {"H11", "GET /show HTTP/1.1\r\nHost: localhost\r\n\n"},
            {"H11", "GET /show HTTP/1.1\nHost: localhost\n\n"},
            {"H11", chunked("5\nhello\r\n0\r\n\r\n")},
            {"H11", chunked("5\r\nhello\n0\r\n\r\n")},
            {"H11", chunked("5\r\nhello\r\n0\n\r\n")},
            {"H11", chunked("5\r\nhello\r\n0\r\n\n")},
            {"H11", chunked("5\r\nhello\r\n0\r\nX: y\n\r\n")},
        });
        assertUnharmed("H11");
    }

    // H12 to H14
    void badChunksAreRefused() {
        std::vector<Case> cases{
            {"H13", chunked("1;x=\ry\r\nh\r\n0\r\n\r\n")},
            {"H13", chunked("1;x=\0y\r\nh\r\n0\r\n\r\n"s)},
            {"H13", chunked("1;" + std::string(kMebibyte, 'x') + "\r\nh\r\n0\r\n\r\n")},
            {"H13", chunked(repeated("1;" + std::string(100, 'x') + "\r\nh\r\n", kSmallChunks))},
            {"H14", chunked("3\r\nhello\r\n0\r\n\r\n")},
            {"H14", chunked("7\r\nhello\r\n0\r\n\r\n")},
            {"H14", chunked("5\r\nhello0\r\n\r\n")},
            {"H14", chunked("5\r\nhello\r\r\n0\r\n\r\n")},
            {"H14", chunked("5\r\nhello\r\n0\r\nXX\r\n\r\n")},
        };
        for (const std::string& size : {"0x1"s, "+1"s, "-1"s, "1_0"s, " 1"s, "1 "s, ""s, "G"s,
                                        "00000000000000001"s, "FFFFFFFFFFFFFFFF"s})
            cases.push_back({"H12", chunked(size + "\r\nh\r\n0\r\n\r\n")});
        assertRefused(cases);
        cases = {};  // megabytes

        CPPUNIT_ASSERT_EQUAL("h"s,
                             shownBody(assertAccepted(chunked("000000001\r\nh\r\n0\r\n\r\n"))));
        CPPUNIT_ASSERT_EQUAL("h"s, shownBody(assertAccepted(chunked("1;x\r\nh\r\n0\r\n\r\n"))));

        // What follows a whole body is the next request, and a bad one.
        const std::string next =
            post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\nXX\r\n\r\n") + kSmuggled;
        for (const Delivery& delivery : deliveries(next, random)) {
            RawClient client(port);
            deliver(client, delivery);
            const std::vector<RawResponse> got = answers(client);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, std::size_t(2), got.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, 200, got[0].status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, 400, got[1].status);
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));
        assertUnharmed("H12-H14");
    }

    // H15
    void trailersNeverReachTheEnviron() {
        for (const std::string& trailers :
             {"X-Trailer: 1\r\n"s, repeated("X-Trailer: 1\r\n", 101), "Content-Length: 77\r\n"s,
              "Transfer-Encoding: chunked\r\n"s, "Cookie: a=b\r\n"s}) {
            const std::string shown =
                assertAccepted(chunked("5\r\nhello\r\n0\r\n" + trailers + "\r\n"));
            CPPUNIT_ASSERT_EQUAL("hello"s, shownBody(shown));
            for (const char* name : {"TRAILER", "CONTENT_LENGTH", "COOKIE"})
                CPPUNIT_ASSERT_MESSAGE(trailers, shown.find(name) == shown.npos);
        }
        assertRefused({{"H15", chunked("0\r\n" + repeated("X-Trailer: 1\r\n", 75'000) + "\r\n")},
                       {"H15", chunked("0\r\nX: " + std::string(kMebibyte, 'x') + "\r\n\r\n")},
                       {"H15", chunked("0\r\nX Y: 1\r\n\r\n")},
                       {"H15", chunked("0\r\nX: a\0b\r\n\r\n"s)}});
        assertUnharmed("H15");
    }

    // H16
    void badHostsAreRefused() {
        std::vector<Case> cases{
            {"H16", "GET /show HTTP/1.1\r\n\r\n"},
            {"H16", "GET /show HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
            {"H16", "GET /show HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        };
        for (const std::string& value :
             {"user@localhost"s, "a b"s, "a,b"s, "a\0b"s, std::string(5 * 1024, 'a'), "a/b"s,
              "a:b"s, "a:1:2"s, "[::1"s, "a:99999999"s, "\xc3\xa4"s})
            cases.push_back({"H16", host(value)});
        assertRefused(cases);
        assertUnharmed("H16");
    }

    // H17 to H19
    void badRequestLinesAreRefused() {
        assertRefused({
            {"H17", line("GET /show HTTP/9.9"), {505}},
            {"H17", line("GET /show HTTP/2.0"), {505}},
            {"H17", line("GET /show HTTP/1.32")},
            {"H17", line("GET /show HTTP/1.1x")},
            {"H17", line("GET /show HTTP/4294967295.255")},
            {"H17", line("GET /show XYZZY")},
            {"H17", line("GET /show http/1.1")},
            {"H17", line("GET /show")},
            {"H17", line("GET  /show HTTP/1.1")},
            {"H17", line("GET /show  HTTP/1.1")},
            {"H17", line("GET\t/show\tHTTP/1.1")},
            {"H18", line("G=\":<>(e) /show HTTP/1.1")},
            {"H18", line("get /show HTTP/1.1")},
            {"H18", line(std::string(33, 'A') + " /show HTTP/1.1")},
            {"H18", line("TRACE /show HTTP/1.1"), {405}},
            {"H18", line("CONNECT localhost:80 HTTP/1.1"), {400, 405}},
            {"H18",
             "PUT /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n"
             "Connection: close\r\n\r\n",
             {400, 405}},
            {"H19", line("GET /" + std::string(8192, 'a') + " HTTP/1.1"), {414}},
            {"H19", line("GET * HTTP/1.1")},
            {"H19", line("GET http://elsewhere.example/show HTTP/1.1")},
            {"H19", line("GET /a%00b HTTP/1.1")},
            {"H19", line("GET /a%0d%0aX:%20y HTTP/1.1")},
            {"H19", line("GET /a%0Ab HTTP/1.1")},
            {"H19", line("GET /% HTTP/1.1")},
            {"H19", line("GET /%zz HTTP/1.1")},
            {"H19", line("GET /?%zz HTTP/1.1")},
            {"H19", line("GET /\x80 HTTP/1.1")},
            {"H19", line("GET /\xc3\xa4 HTTP/1.1")},
            {"H19", line("GET /\x01 HTTP/1.1")},
        });
        // What was sent is not shown to whoever reads the answer.
        const std::pair<const char*, const char*> reflections[] = {
            {"GET /reflected HTTP/9.9", "9.9"},
            {"GET /reflected HTTP/1.32", "1.32"},
            {"GET /reflected HTTP/1.1x", "1.1x"},
            {"GET /reflected HTTP/4294967295.255", "42949"},
            {"GET /reflected XYZZY", "XYZZY"},
            {"GET /reflected", "eflected"},
            {"REFLECTED=\" / HTTP/1.1", "REFLECTED"},
            {"G=\":<>(e) / HTTP/1.1", "<>"},
            {"TRACE /reflected HTTP/1.1", "TRACE"},
            {"CONNECT reflected:80 HTTP/1.1", "CONNECT"},
        };
        for (const auto& [bytes, echo] : reflections) {
            RawClient client(port);
            client.send(line(bytes));
            const std::string answer = client.readToEnd();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, "HTTP/1.1 "s, answer.substr(0, 9));
            CPPUNIT_ASSERT_MESSAGE(bytes, answer.find("eflected") == answer.npos);
            CPPUNIT_ASSERT_MESSAGE(bytes, answer.find(echo) == answer.npos);
        }
        assertUnharmed("H17-H19");
    }

    // H19
    void escapesAndDotsDoNotLeadAstray() {
        for (const std::string& target :
             {"//"s, "/../"s, "/a/../../b"s, "//socket.io/?EIO=4&transport=polling"s,
              "/x/../socket.io/?EIO=4&transport=polling"s, "/%2e%2e/socket.io/"s}) {
            const std::string shown = assertAccepted(
                "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            CPPUNIT_ASSERT_MESSAGE(target, shows(shown, "REQUEST_URI=" + target));
        }
        // A query is not decoded for the environ: no NUL and no line end gets in.
        const std::string shown = assertAccepted(
            "GET /?a=%00%0d%0ab HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        CPPUNIT_ASSERT(shows(shown, "QUERY_STRING=a=%00%0d%0ab"));
        assertUnharmed("H19");
    }

    // H20
    void largeHeadsAreRefused() {
        assertRefused({
            {"H20", get(repeated("X: y\r\n", 100)), {431}},
            {"H20", get(repeated("X: y\r\n", kManyHeaders)), {431}},
            {"H20", get("X: " + std::string(8192, 'y') + "\r\n"), {431}},
            {"H20", get(repeated("X: " + std::string(1000, 'y') + "\r\n", 17)), {431}},
            {"H20",
             "GET /show HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(kMebibyte, 'y'),
             {431}},
        });
        // At the limit, not at the end of the head, which never comes.
        const std::string endless[] = {
            "GET /" + std::string(8192, 'a'),
            "GET /show HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(8192, 'y'),
            "GET /show HTTP/1.1\r\nHost: localhost\r\n" + repeated("X: y\r\n", 101),
            "GET /show HTTP/1.1\r\nHost: localhost\r\n" +
                repeated("X: " + std::string(1000, 'y') + "\r\n", 17),
        };
        for (const std::string& bytes : endless)
            for (const Delivery& delivery : deliveries(bytes, random)) {
                RawClient client(port);
                deliver(client, delivery);
                const std::vector<RawResponse> got = answers(client);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, std::size_t(1), got.size());
                CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, bytes[5] == 'a' ? 414 : 431,
                                             got[0].status);
            }
        // As many as are allowed.
        const std::string shown =
            assertAccepted(get("Connection: close\r\n" + repeated("X: y\r\n", 98)));
        CPPUNIT_ASSERT(shown.find("HTTP_X=y,y,") != shown.npos);
        assertUnharmed("H20");
    }

    // H21
    void aRequestInABodyIsNeverAnswered() {
        const std::string length = "Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n";
        const std::string last = get("Connection: close\r\n");
        for (const char* target : {"/show", "/ws", "/socket.io/?EIO=4&transport=polling"}) {
            const std::string bytes = "GET "s + target + " HTTP/1.1\r\nHost: localhost\r\n" +
                                      length + "\r\n" + kSmuggled + last;
            for (const Delivery& delivery : deliveries(bytes, random)) {
                const std::string what = target + (", " + delivery.how);
                RawClient client(port);
                deliver(client, delivery);
                const std::vector<RawResponse> got = answers(client);
                // Either the body was skipped and the next request answered, or it was the end.
                CPPUNIT_ASSERT_MESSAGE(what, got.size() == 1 || got.size() == 2);
                if (got.size() == 1)
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "close"s, got[0].header("Connection"));
                if (target == "/show"s) {
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::size_t(2), got.size());
                    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, kSmuggled, shownBody(got[0].body));
                }
            }
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));
        assertUnharmed("H21");
    }

    // H22
    void otherProtocolsAreRefusedOrIgnored() {
        const std::string h2c =
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";
        assertRefused({{"H22", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"s, {400, 505}},
                       {"H22", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s}});
        for (const char* target : {"/show", "/ws", "/socket.io/?EIO=4&transport=websocket",
                                   "/socket.io/?EIO=4&transport=polling"}) {
            RawClient ignored(port);
            CPPUNIT_ASSERT_MESSAGE(target, ignored.get(target, h2c).status != 101);
            for (int i = 0; i < 20; ++i) {
                RawClient client(port);
                client.send(RawClient::requestBytes("GET", target, h2c));
                if (i % 2) barrier();
                client.reset();
            }
        }
        assertUnharmed("H22");
    }

    // H23
    void expectationsAreMetOrRefused() {
        assertRefused({
            {"H23", post("Expect: 100-continue\r\nContent-Length: 1000001\r\n", ""), {413}},
            {"H23", post("Expect: foo\r\nContent-Length: 5\r\n"), {417}},
            {"H23", post("Expect: 100-continue, foo\r\nContent-Length: 5\r\n"), {417}},
        });
        assertUnharmed("H23");
    }

    // H24
    void pipelinedRequestsAreAnsweredInOrder() {
        std::string bytes;
        for (int i = 0; i < kPipelined; ++i)
            bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
        RawClient client(port);
        client.send(bytes);
        for (int i = 0; i < kPipelined; ++i)
            CPPUNIT_ASSERT(shows(client.readResponse().body, "PATH_INFO=/" + std::to_string(i)));
        CPPUNIT_ASSERT(client.closedWithin(5s));  // the allowed number of requests
        client.close();

        const std::string bad = repeated(get(""), 10) + get("Bad Name: x\r\n") + kSmuggled;
        for (const Delivery& delivery : deliveries(bad, random, 10)) {
            RawClient cut(port);
            deliver(cut, delivery);
            const std::vector<RawResponse> got = answers(cut);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, std::size_t(11), got.size());
            for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT_EQUAL(200, got[std::size_t(i)].status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, 400, got[10].status);
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));
        assertUnharmed("H24");
    }

    // H24
    void aFloodBehindAParkedRequestIsNotRead() {
        {
            PollingClient client(port);
            client.startPoll();
            const std::string flood = repeated(kSmuggled, int(kFloodBytes / kSmuggled.size()));
            // It waits in the kernel's buffers, here and there, and no further: the rest of it
            // never leaves.
            client.getter().setDeadline(500ms);
            CPPUNIT_ASSERT_THROW(client.getter().trySend(flood), std::runtime_error);
            barrier();
            pollfd writable{client.getter().descriptor(), POLLOUT, 0};
            CPPUNIT_ASSERT_EQUAL(0, ::poll(&writable, 1, 0));
            client.getter().reset();
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));
        assertUnharmed("H24");
    }

    // H25
    void anUnreadBodyIsDrainedOnlyALittle() {
        // /ws answers at once, with most of the body still to come.
        std::string body = repeated(kSmuggled, int(900'000 / kSmuggled.size()));
        std::string bytes = "POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body;
        for (const Delivery& delivery : deliveries(bytes, random, 5)) {
            RawClient client(port);
            deliver(client, delivery);
            const std::vector<RawResponse> got = answers(client);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, std::size_t(1), got.size());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(delivery.how, 400, got[0].status);
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));

        // A client that neither goes on nor closes is not waited for.
        RawClient silent(port);
        silent.send(bytes.substr(0, 200));
        CPPUNIT_ASSERT_EQUAL(400, silent.readResponse().status);
        const auto begin = std::chrono::steady_clock::now();
        CPPUNIT_ASSERT(
            eventually([&] { return server->hub().connectionCount() == baseConnections; }));
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin < 3s);
        silent.close();
        // A proxy in the middle of the body would take a reset for a failed server.
        RawClient proxy(port);
        proxy.send(bytes.substr(0, 200));
        CPPUNIT_ASSERT_EQUAL(400, proxy.readResponse().status);
        for (int i = 0; i < 7; ++i) {
            CPPUNIT_ASSERT(proxy.trySend(body.substr(0, 100'000)));
            proxy.waitUntilReceived();
        }
        proxy.close();
        // Nor is one read that goes on, much further than the kernels' buffers.
        RawClient talking(port);
        talking.send(bytes.substr(0, 200));
        CPPUNIT_ASSERT_EQUAL(400, talking.readResponse().status);
        bool open = true;
        for (std::size_t sent = 0; open && sent < kFloodBytes; sent += body.size())
            open = talking.trySend(body);
        CPPUNIT_ASSERT(!open);
        talking.close();
        std::string().swap(body);
        std::string().swap(bytes);
        assertUnharmed("H25");
    }

    // H26 to H28
    void headersCannotPassForOthers() {
        const std::string shown = assertAccepted(
            "GET /show HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 1.2.3.4\r\nContent_Length: 5\r\n"
            "Proxy: http://evil.example\r\nRemote-Addr: 6.6.6.6\r\nServer-Name: evil\r\n"
            "wsgi.url_scheme: evil\r\nRequest-Method: EVIL\r\nHttps: on\r\n\r\n");
        CPPUNIT_ASSERT(shows(shown, "HTTP_X_FORWARDED_FOR=1.2.3.4"));
        CPPUNIT_ASSERT(shows(shown, "REMOTE_ADDR=127.0.0.1"));
        CPPUNIT_ASSERT(shows(shown, "HTTP_REMOTE_ADDR=6.6.6.6"));
        CPPUNIT_ASSERT(shows(shown, "SERVER_NAME=localhost"));
        CPPUNIT_ASSERT(shows(shown, "HTTP_SERVER_NAME=evil"));
        CPPUNIT_ASSERT(shows(shown, "HTTP_REQUEST_METHOD=EVIL"));
        CPPUNIT_ASSERT(shown.find("REQUEST_METHOD=GET\n") == 0);
        CPPUNIT_ASSERT(shown.find("HTTP_PROXY") == shown.npos);
        CPPUNIT_ASSERT(shown.find("CONTENT_LENGTH") == shown.npos);
        CPPUNIT_ASSERT(shown.find("\nHTTPS=") == shown.npos);
        CPPUNIT_ASSERT(shown.find("\nwsgi.") == shown.npos);
        assertUnharmed("H26-H28");
    }

    // H29
    void repeatedHeadersAreJoinedOrRefused() {
        const std::string shown =
            assertAccepted(get("Connection: close\r\nCookie: a=1\r\nX-Forwarded-For: 1.1.1.1\r\n"
                               "Cookie: b=2\r\nX-Forwarded-For: 2.2.2.2\r\n"));
        CPPUNIT_ASSERT(shows(shown, "HTTP_COOKIE=a=1; b=2"));
        CPPUNIT_ASSERT(shows(shown, "HTTP_X_FORWARDED_FOR=1.1.1.1,2.2.2.2"));
        assertRefused({
            {"H29", get("Origin: http://a\r\nOrigin: http://b\r\n")},
            {"H29", get("Origin: http://a\r\nOrigin: http://a\r\n")},
            {"H29", post("Content-Length: 5\r\nContent-Type: text/plain\r\n"
                         "Content-Type: application/octet-stream\r\n")},
        });
        assertUnharmed("H29");
    }

    // H30
    void theSameBytesMeanTheSameHoweverTheyAreCut() {
        const std::string cases[] = {
            post("Content-Length: 5\r\n") + get("Connection: close\r\n"),
            chunked("3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: y\r\n\r\n"),
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n") + kSmuggled,
            chunked("3\r\nhello\r\n0\r\n\r\n") + kSmuggled,
            get("X: a\r\n b\r\n") + kSmuggled,
            line("GET /% HTTP/1.1") + kSmuggled,
        };
        const auto outcome = [&](const Delivery& delivery) {
            RawClient client(port);
            deliver(client, delivery);
            std::string all;
            for (const RawResponse& answer : answers(client))
                all += std::to_string(answer.status) + "\n" + answer.header("Connection") + "\n" +
                       withoutPort(answer.body) + "\n";
            return all;
        };
        for (const std::string& bytes : cases) {
            const std::string_view view = bytes;
            const std::string whole = outcome({"whole", {view}});
            for (std::size_t cut = 1; cut < bytes.size(); ++cut)
                CPPUNIT_ASSERT_EQUAL_MESSAGE(
                    "cut at " + std::to_string(cut) + ": " + printable(bytes), whole,
                    outcome({"cut", {view.substr(0, cut), view.substr(cut)}}));
        }
        CPPUNIT_ASSERT_EQUAL(0, app->requests("/smuggled"));
        assertUnharmed("H30");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpFramingTest);

}  // namespace socketio::test
