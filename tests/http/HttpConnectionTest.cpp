#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "HttpFixture.h"
#include "support/WatchedThread.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::eventually;
using test::HttpFixture;
using test::RawClient;
using test::RawResponse;
using test::WatchedThread;

namespace {

/// By an epoll of this process, which names the inodes of what it watches.
bool isWatched(int descriptor) {
    struct stat state {};
    ::fstat(descriptor, &state);
    char inode[32];
    std::snprintf(inode, sizeof inode, " ino:%lx ", static_cast<unsigned long>(state.st_ino));
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(each.path());
        for (std::string line; std::getline(info, line);)
            if (line.starts_with("tfd:") && line.find(inode) != line.npos) return true;
    }
    return false;
}

}  // namespace

/// HTTP behaviour over real sockets; the grammar of heads and chunks is tested with its codec.
class HttpConnectionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpConnectionTest);
    CPPUNIT_TEST(showsTheRequestAsAnEnviron);
    CPPUNIT_TEST(dropsHeadersThatCouldBeMistaken);
    CPPUNIT_TEST(keepsTheConnectionUnlessToldOtherwise);
    CPPUNIT_TEST(closesAfterTheAgreedNumberOfRequests);
    CPPUNIT_TEST(answersPipelinedRequestsInOrder);
    CPPUNIT_TEST(answersNothingBehindABadRequest);
    CPPUNIT_TEST(readsARequestHoweverItIsCut);
    CPPUNIT_TEST(refusesBadRequestsAndCloses);
    CPPUNIT_TEST(aHeadRequestGetsTheHeadersAlone);
    CPPUNIT_TEST(someAnswersHaveNoBody);
    CPPUNIT_TEST(framingIsNotTheAppsBusiness);
    CPPUNIT_TEST(anAnswerMayBeLargerThanTheOutboundLimit);
    CPPUNIT_TEST(theOutboundLimitIsOfOneAnswer);
    CPPUNIT_TEST(collectsBodiesOfBothFramings);
    CPPUNIT_TEST(asksForTheBodyOnlyWhenItIsWanted);
    CPPUNIT_TEST(refusesABodyThatIsTooLarge);
    CPPUNIT_TEST(refusesBadChunks);
    CPPUNIT_TEST(aBadBodyEndsAnAnswerThatHasBegun);
    CPPUNIT_TEST(anUnreadBodyIsNeverARequest);
    CPPUNIT_TEST(answersFromAnotherThread);
    CPPUNIT_TEST(aDroppedRequestIsAnswered500);
    CPPUNIT_TEST(whatTheAppThrowsIsAnswered500);
    CPPUNIT_TEST(onlyTheFirstAnswerCounts);
    CPPUNIT_TEST(streamsInChunks);
    CPPUNIT_TEST(streamsToAnOldClientUntilTheEnd);
    CPPUNIT_TEST(streamsWhatWasAnnounced);
    CPPUNIT_TEST(aWriterWaitsForItsReader);
    CPPUNIT_TEST(theStreamBufferSaysHowMuchIsWrittenAhead);
    CPPUNIT_TEST(aWriterOfSingleBytesWaitsForItsReader);
    CPPUNIT_TEST(whatWaitsBehindARequestIsReadUpToItsLimit);
    CPPUNIT_TEST(aWriterIsToldThatItsReaderHasGone);
    CPPUNIT_TEST(anUnfinishedStreamIsCutOff);
    CPPUNIT_TEST(noticesAClientThatGoesAway);
    CPPUNIT_TEST(noticesAClientThatHasGoneBefore);
    CPPUNIT_TEST(aRequestReadAfterAHalfCloseIsAborted);
    CPPUNIT_TEST(anAnsweredRequestIsNotAborted);
    CPPUNIT_TEST(answersAfterAHalfClose);
    CPPUNIT_TEST(tellsWhenTheAnswerHasBeenSent);
    CPPUNIT_TEST(letsGoOfTheSentCallbackOfALostAnswer);
    CPPUNIT_TEST(aClientThatGoesAwayInItsBodyIsLetGo);
    CPPUNIT_TEST(hearsNothingMoreOfASocketThatOthersKeepOpen);
    CPPUNIT_TEST(hearsNothingMoreOfAListenerThatOthersKeepOpen);
    CPPUNIT_TEST_SUITE_END();

public:
    /// The app answers each request on the loop with its path.
    static void echoPaths(HttpFixture& server) {
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(200, exchange->environ().path()));
        };
    }

    void showsTheRequestAsAnEnviron() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            std::string all;
            exchange->environ().forEach([&](std::string_view name, std::string_view value) {
                all.append(name).append("=").append(value).append("\n");
            });
            exchange->respond(Response::text(200, all));
        };
        server.start();
        RawClient client = server.client();
        client.send(
            "POST /a%20b/c?x=%41&y HTTP/1.1\r\nHost: Example.org:81\r\nContent-Length: 2\r\n"
            "Content-Type: text/x\r\nX-Custom:  v 1 \r\n\r\nhi");
        const std::string body = client.readResponse().body;
        const std::pair<const char*, std::string> expected[] = {
            {"REQUEST_METHOD", "POST"},
            {"SCRIPT_NAME", ""},
            {"PATH_INFO", "/a b/c"},
            {"QUERY_STRING", "x=%41&y"},
            {"REQUEST_URI", "/a%20b/c?x=%41&y"},
            {"SERVER_PROTOCOL", "HTTP/1.1"},
            {"GATEWAY_INTERFACE", "CGI/1.1"},
            {"SERVER_NAME", "Example.org"},
            {"SERVER_PORT", std::to_string(server.port())},
            {"REMOTE_ADDR", "127.0.0.1"},
            {"REMOTE_PORT", std::to_string(client.localPort())},
            {"CONTENT_LENGTH", "2"},
            {"CONTENT_TYPE", "text/x"},
            {"HTTP_HOST", "Example.org:81"},
            {"HTTP_X_CUSTOM", "v 1"},
        };
        for (const auto& [name, value] : expected) {
            const std::string line = std::string(name) + "=" + value + "\n";
            CPPUNIT_ASSERT_MESSAGE(line, ("\n" + body).find("\n" + line) != std::string::npos);
        }
        CPPUNIT_ASSERT(body.find("HTTPS=") == std::string::npos);

        const std::string get = client.get("/").body;
        CPPUNIT_ASSERT(get.find("CONTENT_LENGTH") == std::string::npos);
        CPPUNIT_ASSERT(get.find("QUERY_STRING=\n") != std::string::npos);
    }

    void dropsHeadersThatCouldBeMistaken() {
        HttpFixture server;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            const Environ& environ = exchange->environ();
            std::string seen(environ.header("X-Forwarded-For"));
            seen.append("|").append(environ.get("REMOTE_ADDR"));
            seen.append(environ.has("HTTP_PROXY") ? "|proxy" : "|");
            exchange->respond(Response::text(200, seen));
        };
        server.start();
        RawClient client = server.client();
        const RawResponse response = client.get(
            "/",
            "X_Forwarded_For: evil\r\nX-Forwarded-For: 10.0.0.1\r\nProxy: http://evil\r\n"
            "Remote-Addr: 1.2.3.4\r\n");
        CPPUNIT_ASSERT_EQUAL(std::string("10.0.0.1|127.0.0.1|"), response.body);
    }

    void keepsTheConnectionUnlessToldOtherwise() {
        HttpFixture server;
        echoPaths(server);
        server.start();
        struct Case {
            const char* request;
            const char* connection;
            bool open;
        };
        const Case cases[] = {
            {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "", true},
            {"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "close", false},
            {"GET /x HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n", "close", false},
            {"GET /x HTTP/1.0\r\n\r\n", "close", false},
            {"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", true},
        };
        for (const Case& c : cases) {
            RawClient client = server.client();
            client.send(c.request);
            const RawResponse response = client.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, 200, response.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, std::string("/x"), response.body);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, std::string(c.connection),
                                         response.header("Connection"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, std::size_t(1), response.count("Date"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, std::size_t(29),
                                         response.header("Date").size());
            CPPUNIT_ASSERT_MESSAGE(c.request, !response.count("Server"));
            if (c.open)
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.request, std::string("/y"), client.get("/y").body);
            else
                CPPUNIT_ASSERT_MESSAGE(c.request, client.closedWithin(2s));
        }
    }

    void closesAfterTheAgreedNumberOfRequests() {
        HttpFixture server;
        server.options.limits.keepAliveRequests = 3;
        echoPaths(server);
        server.start();
        RawClient client = server.client();
        CPPUNIT_ASSERT_EQUAL(std::string(), client.get("/1").header("Connection"));
        CPPUNIT_ASSERT_EQUAL(std::string(), client.get("/2").header("Connection"));
        CPPUNIT_ASSERT_EQUAL(std::string("close"), client.get("/3").header("Connection"));
        CPPUNIT_ASSERT(client.closedWithin(2s));
    }

    void answersPipelinedRequestsInOrder() {
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onHandle = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        RawClient client = server.client();
        std::string all;
        for (int i = 0; i < 100; ++i) {
            all += RawClient::requestBytes("GET", "/" + std::to_string(i));
            all += RawClient::requestBytes("POST", "/p", "", std::to_string(i));
        }
        client.send(all);
        for (int i = 0; i < 200; ++i) {
            // Workers may finish in any order: one request at a time is given to them.
            const Exchange::Ptr exchange = begun.take();
            if (i % 10 == 0) {
                server.turn(client);
                CPPUNIT_ASSERT(begun.empty());
            }
            const std::string answer = std::string(exchange->environ().path()) + exchange->body();
            CPPUNIT_ASSERT_EQUAL((i % 2 ? "/p" : "/") + std::to_string(i / 2), answer);
            exchange->respond(Response::text(200, answer));
            CPPUNIT_ASSERT_EQUAL(answer, client.readResponse().body);
        }
    }

    void answersNothingBehindABadRequest() {
        HttpFixture server;
        echoPaths(server);
        server.start();
        RawClient client = server.client();
        client.send(RawClient::requestBytes("GET", "/1") + "GET /2 HTTP/1.1\r\nBad Header\r\n\r\n" +
                    RawClient::requestBytes("GET", "/3"));
        CPPUNIT_ASSERT_EQUAL(std::string("/1"), client.readResponse().body);
        const RawResponse refusal = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(400, refusal.status);
        CPPUNIT_ASSERT_EQUAL(std::string("close"), refusal.header("Connection"));
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
    }

    void readsARequestHoweverItIsCut() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(
                200, std::string(exchange->environ().path()) + "|" + exchange->body()));
        };
        server.start();
        const std::string bytes =
            "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
            "2\r\nde\r\n0\r\nX: y\r\n\r\nPOST /l HTTP/1.1\r\nHost: h\r\nContent-Length: "
            "4\r\n\r\nfghi";
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            RawClient client = server.client();
            if (at == 0) {
                client.sendInPieces(bytes, 1);
            } else {
                client.send(bytes.substr(0, at));
                std::this_thread::yield();
                client.send(bytes.substr(at));
            }
            CPPUNIT_ASSERT_EQUAL(std::string("/c|abcde"), client.readResponse().body);
            CPPUNIT_ASSERT_EQUAL(std::string("/l|fghi"), client.readResponse().body);
        }
    }

    void refusesBadRequestsAndCloses() {
        HttpFixture server;
        server.options.limits.head.requestLine = 100;
        server.options.limits.head.field = 200;
        server.options.limits.head.fields = 5;
        server.options.limits.head.block = 600;
        echoPaths(server);
        server.start();
        const std::string host = "Host: h\r\n";
        const std::pair<std::string, int> cases[] = {
            {"GET / HTTP/1.1\r\n\r\n", 400},
            {"GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", 400},
            {"GET /" + std::string(200, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 414},
            {"GET / HTTP/1.1\r\n" + host + "A: " + std::string(300, 'x') + "\r\n\r\n", 431},
            {"GET / HTTP/1.1\r\n" + host + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n", 431},
            {"GET / HTTP/1.1\r\n" + host + "A: " + std::string(190, 'x') +
                 "\r\nB: " + std::string(190, 'x') + "\r\nC: " + std::string(190, 'x') +
                 "\r\nD: " + std::string(190, 'x') + "\r\n\r\n",
             431},
            {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
            {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
            {"POST / HTTP/1.1\r\n" + host + "Expect: magic\r\n\r\n", 417},
            {"TRACE / HTTP/1.1\r\n" + host + "\r\n", 405},
            {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        };
        for (const auto& [bytes, status] : cases) {
            RawClient client = server.client();
            client.send(bytes);
            const RawResponse response = client.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, status, response.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, std::string("close"),
                                         response.header("Connection"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, std::string(), client.readToEnd());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(std::size(cases)),
                             server.server->counters().refused.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server.server->counters().requests.load());
    }

    void aHeadRequestGetsTheHeadersAlone() {
        HttpFixture server;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            if (exchange->environ().path() == "/stream") {
                exchange->start(200, {{"X-A", "b"}});
                exchange->write("never sent");
                exchange->finish();
            } else if (exchange->environ().path() == "/length") {
                exchange->respond({200, {{"Content-Length", "77"}}, ""});
            } else {
                exchange->respond(Response::text(200, "twelve bytes"));
            }
        };
        server.start();
        RawClient client = server.client();
        for (const auto& [target, length] :
             std::map<std::string, std::string>{{"/", "12"}, {"/length", "77"}, {"/stream", ""}}) {
            client.request("HEAD", target);
            const RawResponse response = client.readResponse("HEAD");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(target, 200, response.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(target, length, response.header("Content-Length"));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("twelve bytes"), client.get("/").body);
    }

    void someAnswersHaveNoBody() {
        HttpFixture server;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            const int status = std::stoi(exchange->environ().queryParameter("s"));
            exchange->respond({status, {}, "not to be sent"});
        };
        server.start();
        RawClient client = server.client();
        for (const int status : {204, 304}) {
            const RawResponse response = client.get("/?s=" + std::to_string(status));
            CPPUNIT_ASSERT_EQUAL(status, response.status);
            CPPUNIT_ASSERT(status != 204 || !response.count("Content-Length"));
        }
        // No app can send an interim answer, or one with a status that is none.
        for (const char* status : {"100", "199", "0", "600", "-1"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(status, 500,
                                         client.get(std::string("/?s=") + status).status);
    }

    void framingIsNotTheAppsBusiness() {
        HttpFixture server;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            HeaderList headers{{"content-length", "1"},
                               {"Transfer-Encoding", "chunked"},
                               {"Connection", "keep-alive, x"},
                               {"Keep-Alive", "timeout=9"},
                               {"X-Good", "yes"}};
            headers.add("X-Bad", "a\r\nSet-Cookie: evil=1");
            headers.add("X-Bad\r\nSet-Cookie", "evil");
            headers.add("X Bad", "1");
            exchange->respond({200, std::move(headers), "four"});
        };
        server.start();
        RawClient client = server.client();
        const RawResponse response = client.get("/");
        CPPUNIT_ASSERT_EQUAL(std::string("four"), response.body);
        CPPUNIT_ASSERT_EQUAL(std::string("yes"), response.header("X-Good"));
        for (const char* name :
             {"Connection", "Keep-Alive", "Transfer-Encoding", "Set-Cookie", "X-Bad"})
            CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::size_t(0), response.count(name));
    }

    void anAnswerMayBeLargerThanTheOutboundLimit() {
        const std::string large(3'000'000, 'L');
        HttpFixture server;
        server.options.limits.outboundBytes = 100'000;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(200, large));
        };
        server.start();
        RawClient client = server.client();
        // Pipelined: the second is read when the first has mostly gone.
        client.send(RawClient::requestBytes("GET", "/1") + RawClient::requestBytes("GET", "/2"));
        for (int i = 0; i < 2; ++i) CPPUNIT_ASSERT(client.readResponse().body == large);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0),
                             server.server->hub().counters().outboundLimit.load());
    }

    // Each answer has the limit to itself, also behind what is left of the one before.
    void theOutboundLimitIsOfOneAnswer() {
        constexpr std::size_t kLimit = 100'000;
        const std::string left(240'000, 'l');  // little enough that the next request is read
        const std::string large(3 * kLimit, 'L');
        struct Case {
            const char* target;
            std::size_t size;  // 0: cut off
        };
        const Case cases[] = {{"/whole", large.size()}, {"/pieces", 80'000}, {"/flood", 0}};
        for (const auto& [target, size] : cases) {
            Arrivals<std::string> begun;
            HttpFixture server;
            server.options.limits.outboundBytes = kLimit;
            server.options.listen = false;
            server.app->onBegin = [&](const Exchange::Ptr& exchange) {
                const std::string path(exchange->environ().path());
                if (path == "/first") {
                    exchange->respond(Response::text(200, left));
                } else if (path == "/whole") {
                    exchange->respond(Response::text(200, large));
                } else {  // on the loop, where write() does not wait
                    exchange->start(200, {});
                    for (int i = 0; i < (path == "/flood" ? 40 : 8); ++i)
                        exchange->write(std::string(10'000, 'p'));
                    exchange->finish();
                }
                begun.put(path);
            };
            server.start();
            // The kernels take far less than the first answer as long as nobody reads.
            Poco::Net::ServerSocket listening(Poco::Net::SocketAddress("127.0.0.1", 0));
            listening.setSendBufferSize(40'000);
            RawClient client(listening.address().port(), {.receiveBuffer = 40'000});
            Poco::Net::StreamSocket accepted = listening.acceptConnection();
            DetachedConnection connection(::dup(accepted.impl()->sockfd()));
            accepted.close();
            CPPUNIT_ASSERT(server.server->adopt(connection));
            for (const char* path : {"/first", target}) {
                client.request("GET", path);
                CPPUNIT_ASSERT_EQUAL(std::string(path), begun.take());
            }
            const auto& cutOff = server.server->hub().counters().outboundLimit;
            if (size == 0) {
                CPPUNIT_ASSERT(eventually([&] { return cutOff == 1; }));
                continue;
            }
            CPPUNIT_ASSERT(client.readResponse().body == left);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(target, size, client.readResponse().body.size());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), cutOff.load());
        }
    }

    void collectsBodiesOfBothFramings() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->respond({200, {}, exchange->takeBody()});
        };
        server.start();
        RawClient client = server.client();
        std::string large(700'000, '\0');
        for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7);
        for (const std::string& body : {std::string("x"), large}) {
            CPPUNIT_ASSERT(client.post("/", body).body == body);
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (std::size_t at = 0; at < body.size(); at += 70'000) {
                const std::string chunk = body.substr(at, 70'000);
                char size[20];
                std::snprintf(size, sizeof size, "%zX\r\n", chunk.size());
                client.send(size + chunk + "\r\n");
            }
            client.send("0\r\n\r\n");
            CPPUNIT_ASSERT(client.readResponse().body == body);
        }
        CPPUNIT_ASSERT_EQUAL(std::string(), client.post("/", "", "Content-Length: 0\r\n").body);
    }

    void asksForTheBodyOnlyWhenItIsWanted() {
        HttpFixture server;
        server.app->maxBody = 10;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->respond({200, {}, exchange->takeBody()});
        };
        server.start();
        const std::string expect = "Expect: 100-continue\r\n";
        {
            RawClient client = server.client();
            client.request("POST", "/", expect + "Content-Length: 4\r\n");
            CPPUNIT_ASSERT_EQUAL(100, client.readResponse().status);
            client.send("body");
            CPPUNIT_ASSERT_EQUAL(std::string("body"), client.readResponse().body);
            client.request("POST", "/", expect + "Transfer-Encoding: chunked\r\n");
            CPPUNIT_ASSERT_EQUAL(100, client.readResponse().status);
            client.send("1\r\nx\r\n0\r\n\r\n");
            CPPUNIT_ASSERT_EQUAL(std::string("x"), client.readResponse().body);
        }
        {  // It came without being asked for.
            RawClient client = server.client();
            client.request("POST", "/", expect, "body");
            CPPUNIT_ASSERT_EQUAL(std::string("body"), client.readResponse().body);
        }
        {  // Too large: refused before any of it is sent.
            RawClient client = server.client();
            client.request("POST", "/", expect + "Content-Length: 11\r\n");
            CPPUNIT_ASSERT_EQUAL(413, client.readResponse().status);
            CPPUNIT_ASSERT(client.closedWithin(3s));
        }
        {  // HTTP/1.0 knows no interim answers.
            RawClient client = server.client();
            client.send("POST / HTTP/1.0\r\nContent-Length: 1\r\n" + expect + "\r\n");
            server.turn(client);
            CPPUNIT_ASSERT(!client.readable(0ms));
            client.send("z");
            CPPUNIT_ASSERT_EQUAL(std::string("z"), client.readResponse().body);
        }
    }

    void refusesABodyThatIsTooLarge() {
        HttpFixture server;
        server.app->maxBody = 10;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->respond({200, {}, exchange->takeBody()});
        };
        server.start();
        const std::string chunked =
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (const std::string& bytes :
             {RawClient::requestBytes("POST", "/", "", "elevenbytes"),
              chunked + "6\r\nsixbyt\r\n5\r\nfive!\r\n0\r\n\r\n", chunked + "B\r\n"}) {
            RawClient client = server.client();
            client.send(bytes);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(bytes, 413, client.readResponse().status);
        }
        RawClient client = server.client();
        CPPUNIT_ASSERT_EQUAL(std::string("ten bytes!"), client.post("/", "ten bytes!").body);
    }

    void refusesBadChunks() {
        Arrivals<Exchange::BodyStatus> bodies;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->receiveBody(100, [&, weak = std::weak_ptr(exchange)](auto status) {
                bodies.put(status);
                if (const auto request = weak.lock()) request->respond(Response::text(200, "late"));
            });
        };
        server.start();
        RawClient client = server.client();
        client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n");
        CPPUNIT_ASSERT_EQUAL(400, client.readResponse().status);
        CPPUNIT_ASSERT(bodies.take() == Exchange::BodyStatus::Invalid);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
    }

    void aBadBodyEndsAnAnswerThatHasBegun() {
        Arrivals<Exchange::BodyStatus> bodies;
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->start(200, {});
            exchange->write("begun");
            exchange->receiveBody(100, [&](auto status) { bodies.put(status); });
            begun.put(exchange);
        };
        server.start();
        RawClient client = server.client();
        client.request("POST", "/", "Transfer-Encoding: chunked\r\n");
        CPPUNIT_ASSERT_EQUAL(200, client.readHead().status);
        CPPUNIT_ASSERT_EQUAL(std::string("begun"), client.readChunk());
        client.send("zz\r\n");
        CPPUNIT_ASSERT(bodies.take() == Exchange::BodyStatus::Incomplete);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        const Exchange::Ptr exchange = begun.take();
        CPPUNIT_ASSERT(!exchange->write("more"));
        exchange->finish();
    }

    void anUnreadBodyIsNeverARequest() {
        HttpFixture server;
        echoPaths(server);  // never asks for a body
        server.start();
        const std::string inner = "GET /inner HTTP/1.1\r\nHost: h\r\n\r\n";
        {  // It has come with the head: dropped, and the connection goes on.
            RawClient client = server.client();
            client.send(RawClient::requestBytes("POST", "/1", "", inner) +
                        RawClient::requestBytes("GET", "/2"));
            CPPUNIT_ASSERT_EQUAL(std::string("/1"), client.readResponse().body);
            CPPUNIT_ASSERT_EQUAL(std::string("/2"), client.readResponse().body);
        }
        for (const char* framing : {"Content-Length: 500\r\n", "Transfer-Encoding: chunked\r\n"}) {
            RawClient client = server.client();
            client.request("POST", "/1", framing);
            client.trySend(inner);
            const RawResponse response = client.readResponse();
            CPPUNIT_ASSERT_EQUAL(std::string("close"), response.header("Connection"));
            client.trySend(inner);
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        }
    }

    void answersFromAnotherThread() {
        std::jthread answerer;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            if (answerer.joinable()) answerer.join();
            answerer = std::jthread(
                [exchange] { exchange->respond(Response::text(200, exchange->environ().path())); });
        };
        server.start();
        RawClient client = server.client();
        for (int i = 0; i < 50; ++i) {
            const std::string path = "/" + std::to_string(i);
            CPPUNIT_ASSERT_EQUAL(path, client.get(path).body);
        }
        answerer.join();
    }

    void aDroppedRequestIsAnswered500() {
        HttpFixture server;
        server.app->onBegin = [](const Exchange::Ptr&) {};
        server.start();
        {
            RawClient client = server.client();
            CPPUNIT_ASSERT_EQUAL(500, client.get("/").status);
        }
        {
            RawClient client = server.client();
            client.request("HEAD", "/");
            CPPUNIT_ASSERT_EQUAL(500, client.readResponse("HEAD").status);
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), server.server->counters().dropped.load());
    }

    void whatTheAppThrowsIsAnswered500() {
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            if (exchange->environ().path() == "/worker")
                server.app->App::begin(exchange);
            else
                throw std::runtime_error("on the loop");
        };
        server.app->onHandle = [](const Exchange::Ptr&) { throw 42; };
        server.start();
        RawClient client = server.client();
        CPPUNIT_ASSERT_EQUAL(500, client.get("/loop").status);
        CPPUNIT_ASSERT_EQUAL(500, client.get("/worker").status);
    }

    void onlyTheFirstAnswerCounts() {
        Arrivals<bool> results;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(200, "first"));
            exchange->respond(Response::text(200, "second"));
            exchange->start(200, {});
            results.put(exchange->write("third"));
            exchange->finish();
            results.put(exchange->finished());
        };
        server.start();
        RawClient client = server.client();
        for (int i = 0; i < 3; ++i) {
            CPPUNIT_ASSERT_EQUAL(std::string("first"), client.get("/").body);
            CPPUNIT_ASSERT(!results.take());  // write()
            CPPUNIT_ASSERT(results.take());   // finished()
        }
    }

    void streamsInChunks() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->start(200, {{"X-A", "b"}});
            for (const char* part : {"one", "", "two"}) exchange->write(part);
            exchange->finish();
            exchange->finish();
        };
        server.start();
        RawClient client = server.client();
        for (int i = 0; i < 2; ++i) {
            client.request("GET", "/");
            const RawResponse head = client.readHead();
            CPPUNIT_ASSERT_EQUAL(std::string("chunked"), head.header("Transfer-Encoding"));
            CPPUNIT_ASSERT_EQUAL(std::string("b"), head.header("X-A"));
            CPPUNIT_ASSERT_EQUAL(std::string("one"), client.readChunk());
            CPPUNIT_ASSERT_EQUAL(std::string("two"), client.readChunk());
            CPPUNIT_ASSERT_EQUAL(std::string(), client.readChunk());
        }
    }

    void streamsToAnOldClientUntilTheEnd() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->start(200, {});
            exchange->write("one");
            exchange->write("two");
            exchange->finish();
        };
        server.start();
        RawClient client = server.client();
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        const RawResponse response = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(std::string("onetwo"), response.body);
        CPPUNIT_ASSERT_EQUAL(std::string("close"), response.header("Connection"));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), response.count("Transfer-Encoding"));
    }

    void streamsWhatWasAnnounced() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->start(200, {{"Content-Length", "6"}});
            exchange->write("one");
            if (exchange->environ().path() == "/short") {
                exchange->finish();
                return;
            }
            exchange->write("twoHTTP/1.1 200 OK\r\n");  // more than announced: cut
            exchange->write("three");
            exchange->finish();
        };
        server.start();
        RawClient client = server.client();
        for (int i = 0; i < 2; ++i) {
            const RawResponse response = client.get("/");
            CPPUNIT_ASSERT(!response.chunked);
            CPPUNIT_ASSERT_EQUAL(std::string("onetwo"), response.body);
        }
        client.request("GET", "/short");
        client.readHead();
        CPPUNIT_ASSERT_EQUAL(std::string("one"), client.readToEnd());
    }

    void aWriterWaitsForItsReader() {
        constexpr std::size_t kTotal = 16'000'000;
        std::atomic<std::size_t> written{0};
        Arrivals<bool> done;
        WatchedThread writer;
        HttpFixture server;
        server.options.limits.outboundBytes = 1'000'000;
        server.app->onHandle = [&](const Exchange::Ptr& exchange) {
            writer.isThisOne();
            exchange->start(200, {});
            bool good = exchange->write(std::string(3'000'000, 'w'));  // more than any limit
            written += 3'000'000;
            const std::string piece(50'000, 'w');
            while (good && written < kTotal) {
                good = exchange->write(piece);
                written += piece.size();
            }
            exchange->finish();
            done.put(good);
        };
        server.start();
        RawClient client(server.port(), {.receiveBuffer = 20'000});
        client.request("GET", "/");
        client.readHead();
        // The writer comes to a stop although nobody reads: what has been written is bounded.
        CPPUNIT_ASSERT(writer.comesToAStop(server.server->hub(), [&] { return written.load(); }));
        CPPUNIT_ASSERT(written < kTotal - 1'000'000);
        CPPUNIT_ASSERT(done.empty());
        std::size_t received = 0;
        for (;;) {
            const std::string chunk = client.readChunk();
            if (chunk.empty()) break;
            received += chunk.size();
        }
        CPPUNIT_ASSERT_EQUAL(kTotal, received);
        CPPUNIT_ASSERT(done.take());
    }

    void theStreamBufferSaysHowMuchIsWrittenAhead() {
        for (const std::size_t buffer : {50'000u, 4'000'000u}) {
            std::atomic<std::size_t> written{0};
            WatchedThread writer;
            HttpFixture server;
            server.options.limits.streamBuffer = buffer;
            server.options.limits.outboundBytes = 8'000'000;
            server.options.listen = false;
            server.app->onHandle = [&](const Exchange::Ptr& exchange) {
                writer.isThisOne();
                exchange->start(200, {});
                while (exchange->write(std::string(10'000, 'w'))) written += 10'000;
                exchange->finish();
            };
            server.start();
            // Left to itself the kernel takes up to 4 MB of a writer that is slower than the loop.
            Poco::Net::ServerSocket listening(Poco::Net::SocketAddress("127.0.0.1", 0));
            listening.setSendBufferSize(100'000);  // of what it accepts, too
            RawClient client(listening.address().port(), {.receiveBuffer = 20'000});
            const Poco::Net::StreamSocket accepted = listening.acceptConnection();
            DetachedConnection connection(::dup(accepted.impl()->sockfd()));
            CPPUNIT_ASSERT(server.server->adopt(connection));
            client.request("GET", "/");
            client.readHead();
            CPPUNIT_ASSERT(
                writer.comesToAStop(server.server->hub(), [&] { return written.load(); }));
            // The framing counts, too; the kernels take some, but not as much.
            CPPUNIT_ASSERT(written > buffer * 9 / 10);
            CPPUNIT_ASSERT(written < buffer + 2'000'000);
            client.reset();
        }
    }

    // Each takes more memory than its byte.
    void aWriterOfSingleBytesWaitsForItsReader() {
        constexpr std::size_t kTotal = 1'000'000;
        std::atomic<std::size_t> written{0};
        WatchedThread writer;
        HttpFixture server;
        server.options.listen = false;
        server.app->onHandle = [&](const Exchange::Ptr& exchange) {
            writer.isThisOne();
            exchange->start(200, {{"Content-Length", std::to_string(kTotal)}});
            while (written < kTotal && exchange->write("x")) ++written;
            exchange->finish();
        };
        server.start();
        Poco::Net::ServerSocket listening(Poco::Net::SocketAddress("127.0.0.1", 0));
        listening.setSendBufferSize(40'000);
        RawClient client(listening.address().port(), {.receiveBuffer = 40'000});
        Poco::Net::StreamSocket accepted = listening.acceptConnection();
        DetachedConnection connection(::dup(accepted.impl()->sockfd()));
        accepted.close();
        CPPUNIT_ASSERT(server.server->adopt(connection));
        client.request("GET", "/");
        Hub& hub = server.server->hub();
        CPPUNIT_ASSERT(writer.comesToAStop(hub, [&] { return written.load(); }));
        CPPUNIT_ASSERT(written < kTotal);
        CPPUNIT_ASSERT_EQUAL(kTotal, client.readResponse().body.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub.counters().outboundLimit.load());
    }

    // As after a fork(): the socket lives on, and epoll with it.
    void hearsNothingMoreOfASocketThatOthersKeepOpen() {
        HttpFixture server;
        echoPaths(server);
        server.start();
        Poco::Net::ServerSocket listening(Poco::Net::SocketAddress("127.0.0.1", 0));
        RawClient client(listening.address().port());
        const Poco::Net::StreamSocket accepted = listening.acceptConnection();
        DetachedConnection connection(::dup(accepted.impl()->sockfd()));
        CPPUNIT_ASSERT(server.server->adopt(connection));
        CPPUNIT_ASSERT_EQUAL(std::string("/adopted"), client.get("/adopted").body);
        client.reset();
        Hub& hub = server.server->hub();
        CPPUNIT_ASSERT(eventually([&] { return hub.counters().closed == 1; }));
        // Its memory is somebody else's by now. Each of these is a turn of the loop, or more.
        RawClient other = server.client();
        for (int i = 0; i < 10; ++i)
            CPPUNIT_ASSERT_EQUAL(std::string("/other"), other.get("/other").body);
        CPPUNIT_ASSERT(!isWatched(accepted.impl()->sockfd()));
    }

    void hearsNothingMoreOfAListenerThatOthersKeepOpen() {
        Hub hub;
        hub.start();
        const Poco::Net::ServerSocket listening(Poco::Net::SocketAddress("127.0.0.1", 0));
        const Hub::Listener listener = hub.listenOn(
            listening.impl()->sockfd(), {}, []() -> std::shared_ptr<ConnectionProtocol> {
                throw Poco::IllegalStateException("nobody should come");
            });
        CPPUNIT_ASSERT(eventually([&] { return isWatched(listening.impl()->sockfd()); }));
        hub.closeListener(listener.id);
        CPPUNIT_ASSERT(!isWatched(listening.impl()->sockfd()));
        RawClient client(listening.address().port());
        CPPUNIT_ASSERT(hub.stop(hub.clock().now() + 10s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), hub.counters().accepted.load());
    }

    void whatWaitsBehindARequestIsReadUpToItsLimit() {
        std::string behind;
        while (behind.size() < 90'000)
            behind += RawClient::requestBytes("GET", "/" + std::string(4000, 'x'));
        // The end of the input behind it is seen only where reading has not stopped.
        for (const bool fits : {true, false}) {
            Arrivals<std::string> aborted;
            Arrivals<Exchange::Ptr> begun;
            HttpFixture server;
            server.options.limits.pipelinedBytes = fits ? 100'000 : 50'000;
            server.app->onBegin = [&](const Exchange::Ptr& exchange) {
                exchange->onAbort([&] { aborted.put("gone"); });
                begun.put(exchange);
            };
            server.start();
            RawClient client = server.client();
            client.request("GET", "/first");
            const Exchange::Ptr first = begun.take();
            client.send(behind);
            client.shutdownWrite();
            if (fits) {
                CPPUNIT_ASSERT_EQUAL(std::string("gone"), aborted.take());
            } else {
                for (int i = 0; i < 3; ++i) server.turn(client);
                CPPUNIT_ASSERT(aborted.empty());
            }
            client.reset();
            CPPUNIT_ASSERT(eventually([&] { return first->finished(); }));
        }
    }

    void aWriterIsToldThatItsReaderHasGone() {
        Arrivals<std::string> events;
        HttpFixture server;
        server.app->onHandle = [&](const Exchange::Ptr& exchange) {
            exchange->onAbort([&] { events.put("abort"); });
            exchange->start(200, {});
            while (exchange->write(std::string(100'000, 'w'))) {
            }
            events.put("false");
            exchange->finish();
        };
        server.start();
        RawClient client(server.port(), {.receiveBuffer = 20'000});
        client.request("GET", "/");
        client.readHead();
        client.reset();
        const std::string first = events.take(), second = events.take();
        CPPUNIT_ASSERT_EQUAL(std::string("abort"), std::min(first, second));
        CPPUNIT_ASSERT_EQUAL(std::string("false"), std::max(first, second));
    }

    void anUnfinishedStreamIsCutOff() {
        HttpFixture server;
        server.app->onHandle = [](const Exchange::Ptr& exchange) {
            exchange->start(200, {});
            exchange->write("one");
        };
        server.start();
        RawClient client = server.client();
        client.request("GET", "/");
        CPPUNIT_ASSERT(client.readToEnd().find("0\r\n\r\n") == std::string::npos);
    }

    void noticesAClientThatGoesAway() {
        Arrivals<std::string> aborted;
        Exchange::Ptr parked;
        Arrivals<bool> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            parked = exchange;
            exchange->onAbort([&, path = std::string(exchange->environ().path())] {
                aborted.put(parked->finished() ? path : "not finished");
            });
            begun.put(true);
        };
        server.start();
        for (const char* how : {"/reset", "/close", "/half-close"}) {
            RawClient client = server.client();
            client.request("GET", how);
            begun.take();
            if (std::string(how) == "/reset") client.reset();
            if (std::string(how) == "/close") client.close();
            if (std::string(how) == "/half-close") client.shutdownWrite();
            CPPUNIT_ASSERT_EQUAL(std::string(how), aborted.take());
            CPPUNIT_ASSERT(aborted.empty());
            if (client.descriptor() >= 0) CPPUNIT_ASSERT(client.closedWithin(2s));
            parked->respond(Response::text(200, "nobody hears"));
        }
        parked.reset();
    }

    void noticesAClientThatHasGoneBefore() {
        Arrivals<Exchange::Ptr> begun;
        Arrivals<std::string> aborted;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        for (const bool half : {false, true}) {
            RawClient client = server.client();
            client.request("GET", "/");
            const Exchange::Ptr parked = begun.take();
            if (half)
                client.shutdownWrite();
            else
                client.reset();
            // Until the loop has seen it a callback set now would be told in the ordinary way.
            const auto deadline = std::chrono::steady_clock::now() + 5s;
            while (!half && !parked->finished() && std::chrono::steady_clock::now() < deadline)
                std::this_thread::yield();
            if (half) server.turn(client);
            parked->onAbort([&] { aborted.put("gone"); });
            CPPUNIT_ASSERT_EQUAL(std::string("gone"), aborted.take());
            CPPUNIT_ASSERT(parked->finished());
        }
    }

    void aRequestReadAfterAHalfCloseIsAborted() {
        Arrivals<std::string> aborted;
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            if (exchange->environ().path() == "/parked")
                exchange->onAbort([&] { aborted.put("aborted"); });
            begun.put(exchange);
        };
        server.start();
        RawClient client = server.client();
        client.send(RawClient::requestBytes("GET", "/first") +
                    RawClient::requestBytes("GET", "/parked"));
        const Exchange::Ptr first = begun.take();
        client.shutdownWrite();
        server.turn(client);  // the end comes first
        first->respond(Response::text(200, "ok"));
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), client.readResponse().body);
        const Exchange::Ptr parked = begun.take();
        CPPUNIT_ASSERT_EQUAL(std::string("aborted"), aborted.take());
        CPPUNIT_ASSERT(client.closedWithin(2s));
    }

    void anAnsweredRequestIsNotAborted() {
        std::atomic<int> aborts{0};
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->onAbort([&] { ++aborts; });
            if (exchange->environ().path() == "/back") exchange->onAbort({});
            begun.put(exchange);
        };
        server.start();
        {
            RawClient client = server.client();
            client.request("GET", "/");
            begun.take()->respond(Response::text(200, "ok"));
            CPPUNIT_ASSERT_EQUAL(std::string("ok"), client.readResponse().body);
            client.reset();
        }
        {  // A callback that was taken back is not called.
            RawClient client = server.client();
            client.request("GET", "/back");
            const Exchange::Ptr parked = begun.take();
            client.reset();
            const auto deadline = std::chrono::steady_clock::now() + 5s;
            while (!parked->finished() && std::chrono::steady_clock::now() < deadline)
                std::this_thread::yield();
            CPPUNIT_ASSERT(parked->finished());
        }
        server.server->stop();
        CPPUNIT_ASSERT_EQUAL(0, aborts.load());
    }

    void answersAfterAHalfClose() {
        Arrivals<Exchange::Ptr> begun;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { begun.put(exchange); };
        server.start();
        RawClient client = server.client();
        client.send(RawClient::requestBytes("GET", "/1") + RawClient::requestBytes("GET", "/2"));
        client.shutdownWrite();
        for (const char* path : {"/1", "/2"}) {
            begun.take()->respond(Response::text(200, path));
            CPPUNIT_ASSERT_EQUAL(std::string(path), client.readResponse().body);
        }
        CPPUNIT_ASSERT(client.closedWithin(2s));
    }

    void tellsWhenTheAnswerHasBeenSent() {
        Arrivals<std::string> events;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            const std::string path(exchange->environ().path());
            if (path == "/before") exchange->onSent([&] { events.put("before"); });
            exchange->respond(Response::text(200, std::string(2'000'000, 'x')));
            if (path == "/after") exchange->onSent([&] { events.put("after"); });
        };
        server.start();
        for (const char* path : {"/before", "/after"}) {
            RawClient client(server.port(), {.receiveBuffer = 20'000});
            client.request("GET", path);
            client.readHead();
            CPPUNIT_ASSERT(events.empty());  // most of it is still here
            client.readExactly(2'000'000);
            CPPUNIT_ASSERT_EQUAL(std::string(path + 1), events.take());
            CPPUNIT_ASSERT(events.empty());
        }
    }

    void letsGoOfTheSentCallbackOfALostAnswer() {
        Arrivals<Exchange::Ptr> kept;
        Arrivals<std::string> events;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            // Reports that the callback, which holds it, has been destroyed.
            const std::shared_ptr<void> held(nullptr, [&](void*) { events.put("let go"); });
            exchange->onSent([&, held] { events.put("sent"); });
            if (exchange->environ().path() == "/answered")
                exchange->respond(Response::text(200, std::string(8'000'000, 'x')));
            kept.put(exchange);
        };
        server.start();
        for (const char* path : {"/answered", "/parked"}) {
            RawClient client(server.port(), {.receiveBuffer = 20'000});
            client.request("GET", path);
            const Exchange::Ptr exchange = kept.take();
            client.reset();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("let go"), events.take());
            exchange->respond(Response::text(200, "late"));
            exchange->onSent([&] { events.put("sent"); });
        }
        server.server->stop();
        CPPUNIT_ASSERT(events.empty());
    }

    void aClientThatGoesAwayInItsBodyIsLetGo() {
        Arrivals<Exchange::BodyStatus> bodies;
        std::weak_ptr<Exchange> weak;
        HttpFixture server;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            weak = exchange;
            exchange->receiveBody(100, [&](Exchange::BodyStatus status) { bodies.put(status); });
        };
        server.start();
        for (const bool half : {false, true}) {
            RawClient client = server.client();
            client.request("POST", "/", "Content-Length: 10\r\n");
            client.send("abc");
            if (half)
                client.shutdownWrite();
            else
                client.reset();
            CPPUNIT_ASSERT(bodies.take() == Exchange::BodyStatus::Incomplete);
            if (half) CPPUNIT_ASSERT(client.closedWithin(2s));
        }
        server.server->stop();
        CPPUNIT_ASSERT(weak.expired());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpConnectionTest);

}  // namespace socketio
