// Engine.IO under attack: requests, sessions, payloads, upgrades and heartbeats that no honest
// client has.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <unordered_set>
#include <utility>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/engine/EngineServer.h"

#include "HostileFixture.h"
#include "support/Journal.h"
#include "support/PacketClient.h"

namespace socketio::test {

using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using Way = PacketClient::Way;
using Transport = PacketClient::Transport;
constexpr auto& kWays = PacketClient::kWays;
constexpr Way kPolling4{Transport::Polling, 4}, kWebSocket4{Transport::WebSocket, 4};
constexpr Way kPolling3{Transport::Polling, 3};

constexpr std::size_t kSids = kSanitized ? 200'000 : 1'000'000;
constexpr int kOctetPosts = 1'000;
constexpr int kAbandoned = 1'000;

constexpr const char* kBase = "/socket.io/?EIO=4&transport=polling";

constexpr const char* kTransportUnknown = R"({"code":0,"message":"Transport unknown"})";
constexpr const char* kSessionUnknown = R"({"code":1,"message":"Session ID unknown"})";
constexpr const char* kBadMethod = R"({"code":2,"message":"Bad handshake method"})";
constexpr const char* kBadRequest = R"({"code":3,"message":"Bad request"})";
constexpr const char* kBadRevision = R"({"code":5,"message":"Unsupported protocol version"})";

}  // namespace

class EngineHostileTest : public HostileFixture {
    CPPUNIT_TEST_SUITE(EngineHostileTest);
    CPPUNIT_TEST(revisionsHaveToBeRight);
    CPPUNIT_TEST(transportsHaveToBeRight);
    CPPUNIT_TEST(sidsHaveToBeRightAndAreNotReflected);
    CPPUNIT_TEST(onlyGetOpensASession);
    CPPUNIT_TEST(sidsAreRandom);
    CPPUNIT_TEST(socketIdsAreNoSids);
    CPPUNIT_TEST(overlappingRequestsEndTheSession);
    CPPUNIT_TEST(abortedPollsEndTheSession);
    CPPUNIT_TEST(badPayloadsAreNeverCalledGood);
    CPPUNIT_TEST(packetsOfAPostAreCounted);
    CPPUNIT_TEST(binaryContentTypesLeakNothing);
    CPPUNIT_TEST(bodiesAreLimited);
    CPPUNIT_TEST(base64IsReadStrictly);
    CPPUNIT_TEST(upgradesThatFailLeaveTheSessionAlone);
    CPPUNIT_TEST(aSecondWebSocketIsClosed);
    CPPUNIT_TEST(theRevisionCannotBeChanged);
    CPPUNIT_TEST(abandonedUpgradesLeaveNothing);
    CPPUNIT_TEST(whoeverAnswersNoPingIsGoneInTime);
    CPPUNIT_TEST(strayHeartbeatsAreHarmless);
    CPPUNIT_TEST(aPollerThatStoppedPollingIsBounded);
    CPPUNIT_TEST(jsonpCannotBreakOut);
    CPPUNIT_TEST(aCloseWithQueuedPacketsIsHeardOnce);
    CPPUNIT_TEST_SUITE_END();

    /// A connected client's disconnection is written into `reasons`, its events are counted.
    void prepare(ServerOptions options = {}) {
        start(std::move(options), {}, [this](Server& sio) {
            sio.on("disconnect", [this](Socket&, DisconnectReason reason) {
                reasons.add(std::string(toString(reason)));
            });
            sio.on("n", [this](Socket&, int n) { numbers.push_back(n); });
            sio.on("burst", [](Socket& socket, int count, std::size_t size) {
                const std::string text(size, 'x');
                for (int i = 0; i < count; ++i) socket.emit("b", text);
            });
            // What no compression makes small.
            sio.on("noise", [](Socket& socket, std::size_t size) {
                std::mt19937 noise;
                std::string text(size, ' ');
                for (char& c : text) c = static_cast<char>('0' + noise() % 64);
                socket.emit("b", text);
            });
        });
    }
    void assertGone(PacketClient& client, const std::string& what) {
        const RawResponse answer = RawClient(port).get(client.target());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(what, 400, answer.status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(kSessionUnknown), answer.body);
    }
    /// As a poll and as a WebSocket handshake, in every delivery: 400 with this body, or 414 when
    /// the request line is too long.
    void assertRefused(const std::string& query, const std::string& body) {
        const bool tooLong = query.size() > 8'000;
        for (const bool upgrade : {false, true}) {
            const std::string target = "/socket.io/?" + query;
            const std::string bytes = upgrade ? RawClient::upgradeRequest(target)
                                              : RawClient::requestBytes("GET", target);
            for (const Delivery& delivery : deliveries(bytes, random, 1)) {
                const std::string what = printable(query, 80) + ", " + delivery.how;
                RawClient client(port);
                deliver(client, delivery);
                const RawResponse answer = client.readResponse();
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, tooLong ? 414 : 400, answer.status);
                if (tooLong) continue;
                // Without the handshake of a WebSocket that is the first mistake.
                const bool noHandshake =
                    !upgrade && query.find("transport=websocket") != query.npos;
                CPPUNIT_ASSERT_EQUAL_MESSAGE(
                    what, noHandshake && body == kBadRevision ? std::string(kBadRequest) : body,
                    answer.body);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "application/json"s,
                                             answer.header("Content-Type"));
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, "nosniff"s,
                                             answer.header("X-Content-Type-Options"));
            }
        }
    }

    /// Packets as the body of a POST, or as frames.
    static std::string packetBytes(Way way, const std::vector<std::string>& packets) {
        if (way.transport == Transport::Polling)
            return PacketClient::payload(way.revision, packets);
        std::string bytes;
        for (const std::string& packet : packets) bytes += RawClient::frame(RawFrame::Text, packet);
        return bytes;
    }
    /// Ends the session with this reason, in every delivery; a POST is answered 400.
    void assertEnds(Way way, const std::string& bytes, const std::string& reason) {
        for (std::size_t i = 0, ways = 1; i < ways; ++i) {
            reasons.clear();
            PacketClient client = join(way);
            const auto all = deliveries(bytes, random);
            ways = all.size();
            const std::string what =
                printable(bytes) + " over " + client.name() + ", " + all[i].how;
            if (client.polling())
                client.writer().send("POST " + client.target() +
                                     " HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                     std::to_string(bytes.size()) + "\r\n\r\n");
            deliver(client.writer(), all[i]);
            if (client.polling())
                CPPUNIT_ASSERT_EQUAL_MESSAGE(what, 400,
                                             client.writer().readResponse("POST").status);
            else
                client.rest();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(what, reason, reasons.waitFor(1));
            assertGone(client, what);
        }
    }
    void assertPollRefused(const std::string& query) {
        const RawResponse answer = RawClient(port).get("/socket.io/?" + query);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(query, 400, answer.status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(query, std::string(kBadRequest), answer.body);
    }

    /// Frames up to a close frame or the end.
    static bool endsByItself(RawClient& socket) {
        try {
            while (socket.readFrame().opcode != RawFrame::Close) {
            }
            return true;
        } catch (const std::runtime_error&) {
            return socket.closedWithin(0ms);
        }
    }

public:
    // E1
    void revisionsHaveToBeRight() {
        prepare();
        for (const char* eio : {"", "&EIO=", "&EIO=5", "&EIO=2", "&EIO=4x", "&EIO=04", "&EIO=4.0",
                                "&EIO=%34x", "&EIO[]=4", "&eio=4", "&EIO=-4", "&EIO=4%00",
                                "&EIO=4&EIO=3", "&EIO=3&EIO=4", "&EIO=5&EIO=4"})
            for (const char* transport : {"polling", "websocket"})
                assertRefused("transport="s + transport + eio, kBadRevision);
        assertUnharmed("revisions");
    }

    // E2
    void transportsHaveToBeRight() {
        prepare();
        for (const char* transport : {"", "abc", "__proto__", "constructor", "webtransport",
                                      "Polling", "polling%20", "flashsocket", "%70olling%00"})
            assertRefused("EIO=4&transport="s + transport, kTransportUnknown);
        for (const char* query :
             {"EIO=4", "EIO=4&transport=polling&transport=websocket",
              "EIO=4&transport=websocket&transport=polling", "EIO=4&transport[]=polling"})
            assertRefused(query, kTransportUnknown);
        assertRefused("EIO=4&transport=" + std::string(10'240, 'p'), "");
        assertRefused("EIO=4&transport=" + std::string(7'000, 'p'), kTransportUnknown);
        assertUnharmed("transports");
    }

    // E3
    void sidsHaveToBeRightAndAreNotReflected() {
        prepare();
        const std::string query = "EIO=4&transport=polling&sid=";
        for (const char* sid : {"unknown", "__proto__", "constructor", "../../etc/passwd",
                                "%3Cscript%3Ealert(1)%3C/script%3E", "AAAAAAAAAAAAAAAAAAAA",
                                "%F0%9F%98%80", "a%20b", "%0d%0aSet-Cookie:%20a=b"})
            assertRefused(query + sid, kSessionUnknown);
        assertRefused(query + std::string(10'240, 'a'), "");
        assertRefused(query + std::string(7'000, 'a'), kSessionUnknown);
        assertRefused(query + "a%00b", kSessionUnknown);
        PacketClient client(port, kPolling4);
        assertRefused(query + client.sid() + "&sid=unknown", kSessionUnknown);
        assertRefused(query + "unknown&sid=" + client.sid(), kSessionUnknown);
        assertRefused(query + client.sid() + "x", kSessionUnknown);
        assertRefused(query + client.sid() + "%00", kSessionUnknown);
        assertRefused(query + client.sid().substr(0, 19), kSessionUnknown);
        client.sayEngine("1");
        client.close();
        assertUnharmed("sids");
    }

    // E4
    void onlyGetOpensASession() {
        prepare();
        for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "HEAD", "BREW"}) {
            const std::string bytes =
                RawClient::requestBytes(method, kBase, "", method == "POST"s ? "40" : "");
            for (const Delivery& delivery : deliveries(bytes, random)) {
                RawClient client(port);
                deliver(client, delivery);
                const RawResponse answer = client.readResponse(method);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(method, 400, answer.status);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(
                    method, method == "HEAD"s ? "" : std::string(kBadMethod), answer.body);
            }
        }
        RawClient client(port);
        client.request("OPTIONS", kBase);
        const RawResponse answer = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(204, answer.status);
        CPPUNIT_ASSERT_EQUAL(""s, answer.body);
        client.close();
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), server->sio.manager().getParticipants("/", "").size());
        assertUnharmed("methods");
    }

    // E5
    void sidsAreRandom() {
        // Before there are threads: four processes that start together, one of them forks again.
        constexpr std::size_t kProcesses = 5;
        std::unordered_set<std::string> all;
        std::set<std::string> starts;
        int pipes[kProcesses][2];
        std::vector<pid_t> children;
        const auto produce = [](int out, std::size_t count) {
            std::string text;
            for (std::size_t i = 0; i < count; ++i) text += generateId() += '\n';
            for (std::size_t at = 0; at < text.size();) {
                const ssize_t written = ::write(out, text.data() + at, text.size() - at);
                if (written <= 0) ::_exit(1);
                at += static_cast<std::size_t>(written);
            }
        };
        for (auto& each : pipes) CPPUNIT_ASSERT_EQUAL(0, ::pipe(each));
        generateId();  // what it may keep is inherited
        for (std::size_t i = 0; i < kProcesses - 1; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                if (i == 0) {
                    generateId();
                    const pid_t grandchild = ::fork();
                    if (grandchild == 0) {
                        produce(pipes[kProcesses - 1][1], kSids / kProcesses);
                        ::_exit(0);
                    }
                    produce(pipes[i][1], kSids / kProcesses);
                    ::waitpid(grandchild, nullptr, 0);
                } else {
                    produce(pipes[i][1], kSids / kProcesses);
                }
                ::_exit(0);
            }
            children.push_back(child);
        }
        for (auto& each : pipes) ::close(each[1]);
        for (auto& each : pipes) {
            std::string text;
            char buffer[65'536];
            // Not to the end: the other processes hold this pipe open, too.
            for (ssize_t size; text.size() < kSids / kProcesses * 21 &&
                               (size = ::read(each[0], buffer, sizeof buffer)) > 0;)
                text.append(buffer, static_cast<std::size_t>(size));
            ::close(each[0]);
            CPPUNIT_ASSERT_EQUAL(kSids / kProcesses * 21, text.size());
            for (std::size_t at = 0; at < text.size(); at += 21) {
                const std::string sid = text.substr(at, 20);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(
                    sid, std::string::npos,
                    sid.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789_-"));
                CPPUNIT_ASSERT_MESSAGE(sid, all.insert(sid).second);
                starts.insert(sid.substr(0, 2));
            }
        }
        for (const pid_t child : children) {
            int status = -1;
            ::waitpid(child, &status, 0);
            CPPUNIT_ASSERT_EQUAL(0, status);
        }
        CPPUNIT_ASSERT_EQUAL(kSids, all.size());
        // 96 bits at the front: each of the 4,096 beginnings is met about 50 times.
        CPPUNIT_ASSERT_EQUAL(std::size_t(4096), starts.size());
    }

    // E6
    void socketIdsAreNoSids() {
        prepare();
        for (const Way way : {kPolling4, kWebSocket4}) {
            PacketClient client(port, way);
            const std::string socketId = client.connect().substr(9, 20);
            assertRefused("EIO=4&transport=polling&sid=" + socketId, kSessionUnknown);
            CPPUNIT_ASSERT(client.quiet());
            client.sayEngine("1");
        }
        assertUnharmed("socket ids");
    }

    // E7, E8
    void overlappingRequestsEndTheSession() {
        prepare();
        for (const Way way : {kPolling4, kPolling3}) {
            for (int round = 0; round < 10; ++round) {
                reasons.clear();
                PacketClient client = join(way);
                // Both in the same instant: one of them is the second.
                RawClient one(port), two(port);
                const std::string get = RawClient::requestBytes("GET", client.target());
                one.send(get);
                two.send(get);
                const RawResponse first = one.readResponse(), second = two.readResponse();
                CPPUNIT_ASSERT_EQUAL(600, first.status + second.status);
                CPPUNIT_ASSERT_EQUAL(client.payload({"1"}),
                                     first.status == 200 ? first.body : second.body);
                assertGone(client, "polls");
                CPPUNIT_ASSERT_EQUAL("transport error"s, reasons.waitFor(1));
            }
            reasons.clear();
            numbers.clear();
            PacketClient client = join(way);
            RawClient half(port);
            const std::string post = client.bytes({"2[\"n\",1]"});
            half.send(std::string_view(post).substr(0, post.size() - 3));
            barrier();
            CPPUNIT_ASSERT_EQUAL(
                400, RawClient(port).post(client.target(), client.payload({"42[\"n\",2]"})).status);
            assertGone(client, "posts");
            CPPUNIT_ASSERT_EQUAL("transport error"s, reasons.waitFor(1));
            half.trySend(std::string_view(post).substr(post.size() - 3));
            half.close();
            CPPUNIT_ASSERT(numbers.empty());
        }
        assertUnharmed("overlaps");
    }

    // E9
    void abortedPollsEndTheSession() {
        prepare();
        for (const Way way : {kPolling4, kPolling3})
            for (const bool reset : {false, true}) {
                reasons.clear();
                PacketClient client = join(way);
                client.reader().request("GET", client.target());
                barrier();
                if (reset)
                    client.reader().reset();
                else
                    client.reader().close();
                CPPUNIT_ASSERT_EQUAL("transport error"s, reasons.waitFor(1));
                assertGone(client, "aborted poll");
            }
        // While a large answer, plain or compressed, is half written: what it held is lost, so the
        // session must not stay.
        for (const Way way : {kPolling4, kPolling3})
            for (const bool compressed : {false, true})
                for (const bool reset : {false, true}) {
                    reasons.clear();
                    PacketClient client = join(way);
                    client.say("2[\"noise\",3900000]");
                    RawClient::Options small;
                    small.receiveBuffer = 4096;
                    small.deadline = 20s;
                    RawClient reader(port, small);
                    reader.request("GET", client.target(),
                                   compressed ? "Accept-Encoding: gzip\r\n" : "");
                    const RawResponse head = reader.readHead();
                    CPPUNIT_ASSERT_EQUAL(compressed ? "gzip"s : ""s,
                                         head.header("Content-Encoding"));
                    if (reset)
                        reader.reset();
                    else
                        reader.close();
                    CPPUNIT_ASSERT_EQUAL("transport error"s, reasons.waitFor(1));
                    assertGone(client, "half an answer");
                }
        assertUnharmed("aborted polls");
    }

    // E10
    void badPayloadsAreNeverCalledGood() {
        prepare();
        struct Row {
            std::string body;
            const char* reason;
        };
        const Row revision4[] = {
            {"abc", "parse error"},
            {"\x1e", "parse error"},
            {"\x1e\x1e", "parse error"},
            {"4a\x1e", "parse error"},
            {"9", "parse error"},
            {"b!!!!", "parse error"},
            {"b", "parse error"},
            {"4\xff\xfe", "parse error"},
            {"0{}", "parse error"},
            {"5", "parse error"},
            {"\x00"s, "parse error"},
            {"42[\"n\",1]\x1e", "parse error"},
            {"\x1e"
             "42[\"n\",1]",
             "parse error"},
            {"bAA=A", "parse error"},
            {"2", "transport error"},
            {"2probe", "transport error"},
            {"4", "parse error"},
            {"7", "parse error"},
        };
        const Row revision3[] = {
            {"abc", "parse error"},     {"1:", "parse error"},
            {":4", "parse error"},      {"2:4", "parse error"},
            {"-1:4", "parse error"},    {"0:", "parse error"},
            {"1:9", "parse error"},     {"99999999999999999999:4", "parse error"},
            {"1.5:4", "parse error"},   {"2:4\xff", "parse error"},
            {"2:0{", "parse error"},    {"1:5", "parse error"},
            {"1:3", "transport error"}, {"3:b4!", "parse error"},
            {"1:22", "parse error"},    {"+1:2", "parse error"},
        };
        for (const Row& row : revision4) assertEnds(kPolling4, row.body, row.reason);
        for (const Row& row : revision3) assertEnds(kPolling3, row.body, row.reason);
        assertEnds(kPolling4, "", "parse error");
        CPPUNIT_ASSERT(numbers.empty());  // nothing in front of a mistake was handled either
        // `6` is allowed, `1` ends the session.
        for (const Way way : {kPolling4, kPolling3}) {
            reasons.clear();
            PacketClient client = join(way);
            client.sayEngine("6");
            CPPUNIT_ASSERT(client.quiet());
            client.sayEngine("1");
            CPPUNIT_ASSERT_EQUAL("transport close"s, reasons.waitFor(1));
            assertGone(client, "closed");
        }
        assertUnharmed("payloads");
    }

    // E11
    void packetsOfAPostAreCounted() {
        prepare();
        for (const Way way : {kPolling4, kPolling3})
            for (const int count : {17, 1000, 1001, 1025}) {
                numbers.clear();
                reasons.clear();
                PacketClient client = join(way);
                std::vector<Message> events;
                for (int i = 0; i < count; ++i)
                    events.push_back("2[\"n\"," + std::to_string(i) + "]");
                client.writer().send(client.bytes(events));
                const int status = client.writer().readResponse("POST").status;
                if (count > 1000) {
                    CPPUNIT_ASSERT_EQUAL(400, status);
                    CPPUNIT_ASSERT_EQUAL("parse error"s, reasons.waitFor(1));
                    CPPUNIT_ASSERT(numbers.empty());
                    continue;
                }
                CPPUNIT_ASSERT_EQUAL(200, status);
                CPPUNIT_ASSERT(client.quiet());
                CPPUNIT_ASSERT_EQUAL(std::size_t(count), numbers.size());
                CPPUNIT_ASSERT(std::is_sorted(numbers.begin(), numbers.end()));
                client.sayEngine("1");
                CPPUNIT_ASSERT_EQUAL("transport close"s, reasons.waitFor(1));
            }
        assertUnharmed("many packets");
    }

    // E12
    void binaryContentTypesLeakNothing() {
        prepare();
        for (int i = 0; i < kOctetPosts; ++i) {
            PacketClient client(port, kPolling4);
            const RawResponse answer = client.writer().post(
                client.target(), "40",
                i % 2 ? "Content-Type: application/octet-stream\r\n"
                      : "Content-Type: Application/Octet-Stream; charset=x\r\n");
            CPPUNIT_ASSERT_EQUAL(400, answer.status);
            CPPUNIT_ASSERT_EQUAL(std::string(kBadRequest), answer.body);
            if (i % 50 == 0) assertGone(client, "octet stream");
        }
        assertUnharmed("octet streams");
    }

    // E13
    void bodiesAreLimited() {
        prepare();
        constexpr std::size_t kLimit = 1'000'000;
        PacketClient client = join(kPolling4);
        {
            RawClient announced(port);
            announced.send("POST " + client.target() + " HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                           std::to_string(kLimit + 1) + "\r\n\r\n");
            const RawResponse answer = announced.readResponse();
            CPPUNIT_ASSERT_EQUAL(413, answer.status);
            CPPUNIT_ASSERT_EQUAL(""s, answer.body);
        }
        {
            RawClient chunked(port);
            chunked.send("POST " + client.target() +
                         " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            const std::string chunk = "186A0\r\n" + std::string(100'000, '4') + "\r\n";
            const std::size_t before = Resources::residentNow();
            for (int i = 0; i < 10; ++i) {
                chunked.send(chunk);
                barrier();
            }
            CPPUNIT_ASSERT(!chunked.readable(0ms));  // exactly at the limit
            const std::size_t more = Resources::residentNow() - before;
            CPPUNIT_ASSERT_MESSAGE(std::to_string(more / 1024) + " KiB",
                                   kSanitized || more < kLimit + 512 * 1024);
            chunked.send("1\r\n4\r\n");
            CPPUNIT_ASSERT_EQUAL(413, chunked.readResponse().status);
        }
        // The session goes on.
        CPPUNIT_ASSERT(client.quiet());
        client.say("2[\"x\",\"" + std::string(kLimit - 10, 'a') + "\"]");
        CPPUNIT_ASSERT(client.quiet());
        client.sayEngine("1");
        client.close();
        assertUnharmed("bodies");
    }

    // E14
    void base64IsReadStrictly() {
        ServerOptions options;
        options.maxHttpBufferSize = 4'000'000;
        prepare(options);
        const std::string header = R"(451-["x",{"_placeholder":true,"num":0}])";
        for (const char* bad : {"A", "A===", "AA=A", "AA==AA==", "====", "=", "AAAA=", "AA A",
                                "AAAA\n", " AAAA", "AA-_", "AB==", "AAB=", "A\xC3\xA9=="})
            for (const Way way : kWays)
                assertEnds(way,
                           packetBytes(way, {header, (way.revision == 3 ? "b4"s : "b"s) + bad}),
                           "parse error");
        // By its size as text and decoded.
        PacketClient client = join(kPolling4);
        client.say({R"(51-["x",{"_placeholder":true,"num":0}])",
                    Message::attachment(std::string(2'900'000, 'x'))});
        CPPUNIT_ASSERT(client.quiet());
        RawClient large(port);
        large.send("POST " + client.target() +
                   " HTTP/1.1\r\nHost: x\r\nContent-Length: 4000001\r\n\r\nb");
        CPPUNIT_ASSERT_EQUAL(413, large.readResponse().status);
        large.close();
        client.sayEngine("1");
        client.close();
        assertUnharmed("base64");
    }

    // E15
    void upgradesThatFailLeaveTheSessionAlone() {
        ServerOptions options;
        options.upgradeTimeout = 300ms;
        prepare(options);
        const std::string probe = RawClient::frame(RawFrame::Text, "2probe");
        struct Row {
            const char* name;
            std::string frames;
        };
        const Row rows[] = {
            {"nothing", ""},
            {"another ping", RawClient::frame(RawFrame::Text, "2")},
            {"a message", RawClient::frame(RawFrame::Text, "42[\"n\",1]")},
            {"upgrade without a probe", RawClient::frame(RawFrame::Text, "5")},
            {"close packet", RawClient::frame(RawFrame::Text, "1")},
            {"empty", RawClient::frame(RawFrame::Text, "")},
            {"binary", RawClient::frame(RawFrame::Binary, "2probe")},
            {"probe in capitals", RawClient::frame(RawFrame::Text, "2PROBE")},
            {"nothing behind the probe", probe},
            {"a second probe", probe + probe},
            {"binary behind the probe", probe + RawClient::frame(RawFrame::Binary, "x")},
            {"a message behind the probe", probe + RawClient::frame(RawFrame::Text, "42[\"n\",1]")},
            {"upgrade with data", probe + RawClient::frame(RawFrame::Text, "5x")},
            {"close frame behind the probe", probe + RawClient::frame(RawFrame::Close, "")},
            {"no frame at all", "\xff\xff\xff\xff\xff\xff"},
        };
        for (const Row& row : rows)
            for (std::size_t i = 0, ways = 1; i < ways; ++i) {
                numbers.clear();
                PacketClient client = join(kPolling4);
                {
                    const auto all = deliveries(row.frames, random, 1);
                    ways = all.size();
                    const std::string what = std::string(row.name) + ", " + all[i].how;
                    RawClient socket(port);
                    socket.upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + client.sid());
                    client.say("2[\"n\",1]");
                    deliver(socket, all[i]);
                    client.say("2[\"n\",2]");
                    const auto begin = std::chrono::steady_clock::now();
                    CPPUNIT_ASSERT_MESSAGE(what, endsByItself(socket));
                    CPPUNIT_ASSERT_MESSAGE(what, std::chrono::steady_clock::now() - begin < 3s);
                }
                client.say("2[\"n\",3]");
                CPPUNIT_ASSERT_MESSAGE(row.name, client.quiet());
                CPPUNIT_ASSERT_MESSAGE(row.name, (numbers == std::vector{1, 2, 3}));
                client.sayEngine("1");
            }
        // Said twice, the upgrade is harmless.
        PacketClient client = join(kPolling4);
        RawClient socket(port);
        socket.upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + client.sid());
        for (const char* packet : {"2probe", "5", "5", "421[\"echo\",1]"}) socket.sendText(packet);
        CPPUNIT_ASSERT_EQUAL("3probe"s, socket.readText());
        CPPUNIT_ASSERT_EQUAL("431[1]"s, socket.readText());
        socket.close();
        client.close();
        assertUnharmed("upgrades");
    }

    // E16
    void aSecondWebSocketIsClosed() {
        prepare();
        for (const bool upgraded : {false, true}) {
            PacketClient client = join(kPolling4);
            const std::string target = "/socket.io/?EIO=4&transport=websocket&sid=" + client.sid();
            RawClient first(port);
            first.upgrade(target);
            first.sendText("2probe");
            CPPUNIT_ASSERT_EQUAL("3probe"s, first.readText());
            if (upgraded) {
                first.sendText("5");
                first.sendText("421[\"echo\",1]");
                CPPUNIT_ASSERT_EQUAL("431[1]"s, first.readText());
            }
            RawClient second(port);
            second.upgrade(target);
            second.sendText("2probe");
            CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), second.readFrame().opcode);
            if (!upgraded) first.sendText("5");
            first.sendText("422[\"echo\",2]");
            CPPUNIT_ASSERT_EQUAL("432[2]"s, first.readText());
            CPPUNIT_ASSERT_EQUAL(400, RawClient(port).get(client.target()).status);
            first.sendText("423[\"echo\",3]");
            CPPUNIT_ASSERT_EQUAL("433[3]"s, first.readText());
        }
        // Of a session that never polled.
        PacketClient client = join(kWebSocket4);
        RawClient second(port);
        second.upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + client.sid());
        CPPUNIT_ASSERT_EQUAL(int(RawFrame::Close), second.readFrame().opcode);
        CPPUNIT_ASSERT(client.quiet());
        second.close();
        client.close();
        assertUnharmed("second WebSockets");
    }

    // E17
    void theRevisionCannotBeChanged() {
        prepare();
        for (const Way way : {kPolling4, kPolling3}) {
            PacketClient client = join(way);
            const std::string other = way.revision == 4 ? "EIO=3&" : "EIO=4&";
            for (const std::string& eio : {other, ""s, "EIO=5&"s, "EIO=&"s}) {
                const std::string end = "&sid=" + client.sid();
                RawClient socket(port);
                socket.send(
                    RawClient::upgradeRequest("/socket.io/?" + eio + "transport=websocket" + end));
                // The first packets come in the same segment at times.
                for (const char* packet : {"2probe", "2", "3"})
                    socket.trySend(RawClient::frame(RawFrame::Text, packet));
                const std::string target = "/socket.io/?" + eio + "transport=polling" + end;
                RawClient poll(port);
                for (const RawResponse& answer :
                     {socket.readResponse(), poll.get(target), poll.post(target, "42[\"n\",1]")}) {
                    CPPUNIT_ASSERT_EQUAL(400, answer.status);
                    CPPUNIT_ASSERT_EQUAL(std::string(eio == other ? kBadRequest : kBadRevision),
                                         answer.body);
                }
            }
            CPPUNIT_ASSERT(client.quiet());
            client.sayEngine("1");
        }
        assertUnharmed("revisions");
    }

    // E18
    void abandonedUpgradesLeaveNothing() {
        ServerOptions options;
        options.pingInterval = options.pingTimeout = 1000ms;
        prepare(options);
        std::vector<std::string> sids;
        for (int i = 0; i < kAbandoned; ++i) {
            RawClient socket(port);
            const std::string sid = PacketClient(port, kPolling4).sid();
            sids.push_back(sid);
            socket.upgrade("/socket.io/?EIO=4&transport=websocket&sid=" + sid);
            if (i % 4 > 0) socket.sendText("2probe");
            if (i % 4 == 3) socket.sendText("5");
            if (i % 2)
                socket.reset();
            else
                socket.close();
        }
        // Those that went on polling are reaped by their heartbeat.
        CPPUNIT_ASSERT(eventually([&] { return known(sids) == 0; }));
        assertUnharmed("abandoned upgrades");
    }

    // E19
    void whoeverAnswersNoPingIsGoneInTime() {
        constexpr auto kInterval = 300ms, kTimeout = 200ms;
        ServerOptions options;
        options.pingInterval = kInterval;
        options.pingTimeout = kTimeout;
        prepare(options);
        for (const Way way : kWays) {
            reasons.clear();
            const auto begin = std::chrono::steady_clock::now();
            PacketClient client = join(way);
            if (client.polling()) client.reader().request("GET", client.target());
            CPPUNIT_ASSERT_EQUAL("ping timeout"s, reasons.waitFor(1));
            const auto time = std::chrono::steady_clock::now() - begin;
            CPPUNIT_ASSERT(time >= kInterval + kTimeout);
            CPPUNIT_ASSERT(time < kInterval + kTimeout + 1s);
        }
        assertUnharmed("no pongs");
    }

    // E20
    void strayHeartbeatsAreHarmless() {
        prepare();
        for (const Way way : kWays) {
            const std::string own = way.revision == 4 ? "3" : "2",
                              wrong = way.revision == 4 ? "2" : "3";
            PacketClient client = join(way);
            for (int i = 0; i < 50; ++i) client.sayEngine(own);  // unasked, or often
            CPPUNIT_ASSERT(client.quiet());
            client.sayEngine(own + "probe");
            CPPUNIT_ASSERT(client.quiet());
            client.sayEngine("6");
            CPPUNIT_ASSERT(client.quiet());
            reasons.clear();
            client.sayEngine("1");
            CPPUNIT_ASSERT_EQUAL("transport close"s, reasons.waitFor(1));
            for (const std::string& packet : {wrong, wrong + "probe", "0{\"sid\":\"x\"}"s, "0"s})
                assertEnds(way, packetBytes(way, {packet}),
                           packet[0] == '0' ? "parse error" : "transport error");
        }
        assertUnharmed("heartbeats");
    }

    // E21
    void aPollerThatStoppedPollingIsBounded() {
        prepare();
        for (const Way way : {kPolling4, kPolling3}) {
            reasons.clear();
            const std::size_t before = Resources::now().residentBytes;
            PacketClient client = join(way);
            std::size_t most = 0;
            client.say("2[\"burst\",10000,1024]");  // 10 MiB
            CPPUNIT_ASSERT(eventually([&] {
                most = std::max(most, Resources::residentNow());
                return !reasons.lines().empty();
            }));
            CPPUNIT_ASSERT_EQUAL("transport error"s, reasons.waitFor(1));
            assertGone(client, "stopped polling");
            const std::size_t limit = ServerOptions().outboundLimit();
            CPPUNIT_ASSERT_EQUAL(std::size_t(4 * 1024 * 1024), limit);
            CPPUNIT_ASSERT_MESSAGE(std::to_string((most - before) / 1024) + " KiB",
                                   kSanitized || most < before + limit * 3 / 2);
        }
        assertUnharmed("stopped polling");
    }

    // E22
    void jsonpCannotBreakOut() {
        prepare();
        for (const char* index : {"1", "a", "", "1;alert(1)", "%3Cscript%3E"})
            assertPollRefused("EIO=4&transport=polling&j="s + index);
        assertUnharmed("JSONP is off");
        tearDown();
        ServerOptions options;
        options.jsonp = true;
        prepare(options);
        // Digits and nothing else.
        for (const char* index : {"", "a", "alert", "%3Cscript%3E", "1;alert(1)", "%3C12%3E",
                                  "a1b2", "1%5D", "-1", "12345678901"})
            assertPollRefused("EIO=4&transport=polling&j="s + index);
        const std::string open = "/socket.io/?EIO=4&transport=polling&j=7";
        const std::string body = RawClient(port).get(open).body;
        const std::size_t at = body.find("\\\"sid\\\":\\\"") + 10;
        const std::string target = open + "&sid=" + body.substr(at, 20);
        const std::string type = "Content-Type: application/x-www-form-urlencoded\r\n";
        CPPUNIT_ASSERT_EQUAL(200, RawClient(port).post(target, "d=40", type).status);
        CPPUNIT_ASSERT_EQUAL("___eio[7](\"40{"s, RawClient(port).get(target).body.substr(0, 14));
        CPPUNIT_ASSERT_EQUAL(
            200,
            RawClient(port)
                .post(target,
                      "d=421%5B%22echo%22%2C%22%5C%22%5C%5C%E2%80%A8%E2%80%A9%3C%2Fscript%3E%22%5D",
                      type)
                .status);
        const RawResponse answer = RawClient(port).get(target);
        CPPUNIT_ASSERT_EQUAL("application/javascript; charset=UTF-8"s,
                             answer.header("Content-Type"));
        CPPUNIT_ASSERT_EQUAL("nosniff"s, answer.header("X-Content-Type-Options"));
        // A string literal that is valid in every engine.
        CPPUNIT_ASSERT_EQUAL(R"(___eio[7]("431[\"\\\"\\\\\u2028\u2029</script>\"]");)"s,
                             answer.body);
        RawClient(port).post(target, "d=1", type);
        assertUnharmed("JSONP is on");
    }

    // E23
    void aCloseWithQueuedPacketsIsHeardOnce() {
        prepare();
        for (const Way way : kWays) {
            reasons.clear();
            PacketClient client = join(way);
            client.say("2[\"burst\",100,100]");
            client.sayEngine("1");
            if (client.polling()) {
                assertGone(client, "closed");
            } else {
                client.writer().trySend(RawClient::frame(RawFrame::Text, "1"));
                client.rest();
            }
            client.writer().close();
            client.reader().close();
            CPPUNIT_ASSERT_EQUAL("transport close"s, reasons.waitFor(1));
            assertUnharmed("closed with a queue");
            CPPUNIT_ASSERT_EQUAL("transport close"s, reasons.text());
        }
    }

private:
    Journal reasons;
    std::vector<int> numbers;  // of one client's handlers, one at a time
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineHostileTest);

}  // namespace socketio::test
