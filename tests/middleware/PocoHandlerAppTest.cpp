#include <atomic>
#include <fstream>
#include <future>
#include <memory>
#include <poll.h>
#include <sstream>

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTMLForm.h>
#include <Poco/Net/HTTPBasicCredentials.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPCookie.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NameValueCollection.h>
#include <Poco/Net/PartHandler.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StringPartSource.h>
#include <Poco/Net/WebSocket.h>
#include <Poco/StreamCopier.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/http/HttpServer.h"
#include "socketio/middleware/EnvironLint.h"
#include "socketio/middleware/PocoHandlerApp.h"

#include "PocoHandlers.h"
#include "TemporaryFolder.h"
#include "TestExchange.h"
#include "support/RawClient.h"
#include "support/TlsClient.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Poco::Net::HTTPClientSession;
using Poco::Net::HTTPMessage;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using test::eventually;
using test::ManualExecutor;
using test::PocoHandlers;
using test::RawClient;
using test::TestExchange;
using Request = PocoHandlers::Request;
using PocoAnswer = PocoHandlers::Response;

namespace {

struct Answer {
    int status = 0;
    HTTPResponse head;
    std::string body;
};

/// The app behind a real server, with the lint between.
class Fixture {
public:
    explicit Fixture(PocoHandlerOptions given = {}) : options(given) {
        http.host = "127.0.0.1";
        http.port = 0;
        http.hub.ioThreads = 1;
    }
    ~Fixture() noexcept(false) {
        if (server) server->stop(10s);
        if (std::uncaught_exceptions()) return;
        for (const std::string& violation : report->violations())
            CPPUNIT_ASSERT_MESSAGE(violation, !allowed.empty() && violation.ends_with(allowed));
    }

    void on(const std::string& path, PocoHandlers::Function function) {
        factory->handlers[path] = [function](Request& request, PocoAnswer& response) {
            response.setContentType("text/plain");
            function(request, response);
        };
    }
    /// Before start(): TLS on the port, and in the clients.
    void secure() {
        certificates = std::make_unique<test::TestCertificates>();
        certificates->add("server");
        http.tls = TlsContext::load({.certificateFile = certificates->path("server.pem"),
                                     .privateKeyFile = certificates->path("server.key")});
        clients.tls = std::make_shared<test::TlsClientContext>();
    }
    void start() {
        app = std::make_shared<PocoHandlerApp>(factory, options);
        server = std::make_unique<HttpServer>(std::make_shared<EnvironLint>(app, report), http);
        server->start();
    }
    RawClient client() const { return RawClient(server->port(), clients); }
    /// Nobody is connected, and whatever was accepted has been closed.
    bool emptied() const {
        const HubCounters& counters = server->hub().counters();
        return eventually([&] {
            return app->webSockets() == 0 && server->hub().connectionCount() == 0 &&
                   counters.accepted == counters.closed;
        });
    }
    HTTPClientSession session() const { return HTTPClientSession("127.0.0.1", server->port()); }

    static Answer call(HTTPClientSession& session, HTTPRequest& request,
                       const std::string& body = {}) {
        std::ostream& out = session.sendRequest(request);
        out << body;
        Answer answer;
        std::istream& in = session.receiveResponse(answer.head);
        answer.status = answer.head.getStatus();
        Poco::StreamCopier::copyToString(in, answer.body);
        return answer;
    }
    Answer get(const std::string& path, const std::string& method = HTTPRequest::HTTP_GET) const {
        HTTPClientSession client = session();
        HTTPRequest request(method, path, HTTPMessage::HTTP_1_1);
        return call(client, request);
    }

    Poco::SharedPtr<PocoHandlers> factory{new PocoHandlers};
    std::string allowed;  // what the lint may say
    const std::shared_ptr<EnvironLint::Report> report = std::make_shared<EnvironLint::Report>();
    PocoHandlerOptions options;
    HttpServerOptions http;
    std::unique_ptr<test::TestCertificates> certificates;
    RawClient::Options clients;
    std::shared_ptr<PocoHandlerApp> app;
    std::unique_ptr<HttpServer> server;
};

std::string handshake(const std::string& path) { return RawClient::upgradeRequest(path); }

/// The loops have had every chance to take what can be taken.
void settle(Executor& hub) {
    for (int round = 0; round < 200; ++round) test::barrier(hub);
}

/// Sends frames of 32 KiB until no more fits on the way to a client that does not read; how many.
int fillUp(Poco::Net::WebSocket& socket, Hub& hub, int most) {
    const std::string piece(32 * 1024, 'p');
    const auto writable = [&] {
        return socket.poll(Poco::Timespan(), Poco::Net::Socket::SELECT_WRITE);
    };
    for (int count = 0; count < most; ++count) {
        if (!writable()) settle(hub);
        if (!writable()) return count;
        socket.sendFrame(piece.data(), static_cast<int>(piece.size()),
                         Poco::Net::WebSocket::FRAME_BINARY);
    }
    return most;
}

}  // namespace

class PocoHandlerAppTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PocoHandlerAppTest);
    CPPUNIT_TEST(showsTheRequestAsPocoDoes);
    CPPUNIT_TEST(leavesEncodedWordsAlone);
    CPPUNIT_TEST(answersWithALength);
    CPPUNIT_TEST(answersInChunks);
    CPPUNIT_TEST(answersWithNeither);
    CPPUNIT_TEST(answersHead);
    CPPUNIT_TEST(anAnswerThatIsTooShortEndsTheConnection);
    CPPUNIT_TEST(sendsWhatIsFlushed);
    CPPUNIT_TEST(keepsTheConnectionUnlessTold);
    CPPUNIT_TEST(readsBodies);
    CPPUNIT_TEST(readsFormsAndUploads);
    CPPUNIT_TEST(keepsCookies);
    CPPUNIT_TEST(sendsFiles);
    CPPUNIT_TEST(redirectsAndAsksForAPassword);
    CPPUNIT_TEST(saysContinueBeforeTheBody);
    CPPUNIT_TEST(refusesABodyOverTheLimit);
    CPPUNIT_TEST(refusesLateAnswers);
    CPPUNIT_TEST(aHandlerThatThrowsIsA500);
    CPPUNIT_TEST(noHandlerIsA501);
    CPPUNIT_TEST(neverAnswersWithSplitHeaders);
    CPPUNIT_TEST(aClientThatGoesAwayEndsTheStream);
    CPPUNIT_TEST(runsOnWorkers);
    CPPUNIT_TEST(speaksPocosWebSocket);
    CPPUNIT_TEST(givesTheWebSocketWhatWasReadAhead);
    CPPUNIT_TEST(aHandshakeMayBeAnsweredOtherwise);
    CPPUNIT_TEST(limitsWebSockets);
    CPPUNIT_TEST(endsWebSocketsAtStop);
    CPPUNIT_TEST(aWebSocketMayOutliveItsHandler);
    CPPUNIT_TEST(saysWhereNoWebSocketIsPossible);
    CPPUNIT_TEST(servesOverTls);
    CPPUNIT_TEST(speaksPocosWebSocketOverTls);
    CPPUNIT_TEST(carriesLargeMessagesThroughTls);
    CPPUNIT_TEST(aSlowClientHoldsUpItsHandlerOverTls);
    CPPUNIT_TEST(aSlowHandlerHoldsUpItsClientOverTls);
    CPPUNIT_TEST(whatAHandlerSentBeforeItsEndArrivesOverTls);
    CPPUNIT_TEST(passesOnTheEndOfEitherSideOverTls);
    CPPUNIT_TEST(aClientThatVanishesEndsItsHandlerOverTls);
    CPPUNIT_TEST(sendsGoodbyesOverTlsAtStop);
    CPPUNIT_TEST(aWebSocketOverTlsEndsWithTheServer);
    CPPUNIT_TEST(refusesWebSocketsOverTlsWithoutRoom);
    CPPUNIT_TEST(takesTheParametersOfPocosServer);
    CPPUNIT_TEST(refusesToBeWithoutAFactory);
    CPPUNIT_TEST_SUITE_END();

public:
    void showsTheRequestAsPocoDoes() {
        Fixture fixture;
        fixture.on("/about", [](Request& request, PocoAnswer& response) {
            std::ostringstream text;
            text << request.getMethod() << '|' << request.getURI() << '|' << request.getVersion()
                 << '|' << request.getHost() << '|' << request.get("X-Request-Id") << '|'
                 << request.getContentType() << '|' << request.getContentLength() << '|'
                 << request.clientAddress().host().toString() << '|'
                 << (request.clientAddress().port() != 0) << '|'
                 << request.serverAddress().toString() << '|' << request.secure() << '|'
                 << request.getKeepAlive() << '|' << (&request.response() == &response);
            response.sendBuffer(text.str().data(), text.str().size());
        });
        fixture.start();
        RawClient client = fixture.client();
        client.request("POST", "/about?a=%20b",
                       "x-request-id: 7\r\nContent-Type: text/plain\r\nX_Evil: 1\r\n", "body");
        const std::string port = std::to_string(fixture.server->port());
        CPPUNIT_ASSERT_EQUAL(
            "POST|/about?a=%20b|HTTP/1.1|localhost|7|text/plain|4|127.0.0.1|1|127.0.0.1:" + port +
                "|0|1|1",
            client.readResponse().body);
    }

    void leavesEncodedWordsAlone() {
        Fixture fixture;
        fixture.on("/", [](Request& request, PocoAnswer& response) {
            response.send() << request.get("X-Word", "none") << request.has("Evil");
        });
        fixture.start();
        CPPUNIT_ASSERT_EQUAL(
            "=?utf-8?Q?a=0D=0AEvil:_1?=0"s,
            fixture.client().get("/", "X-Word: =?utf-8?Q?a=0D=0AEvil:_1?=\r\n").body);
    }

    void answersWithALength() {
        Fixture fixture;
        fixture.on("/small", [](Request&, PocoAnswer& response) {
            response.setContentType("text/plain");
            response.setContentLength(5);
            response.send() << "hello";
        });
        const std::string large(3'000'000, 'x');
        fixture.on("/large", [&](Request&, PocoAnswer& response) {
            response.sendBuffer(large.data(), large.size());
        });
        fixture.on("/pieces", [&](Request&, PocoAnswer& response) {
            response.setContentLength(400'000);
            std::ostream& out = response.send();
            for (int i = 0; i < 40'000; ++i) out << "0123456789";
            out << "what goes beyond is left out";
        });
        fixture.start();
        const Answer small = fixture.get("/small");
        CPPUNIT_ASSERT_EQUAL(200, small.status);
        CPPUNIT_ASSERT_EQUAL("hello"s, small.body);
        CPPUNIT_ASSERT_EQUAL("text/plain"s, small.head.getContentType());
        CPPUNIT_ASSERT_EQUAL(std::streamsize(5), small.head.getContentLength());
        CPPUNIT_ASSERT(fixture.get("/large").body == large);
        CPPUNIT_ASSERT_EQUAL(std::size_t(400'000), fixture.get("/pieces").body.size());
    }

    void answersInChunks() {
        Fixture fixture;
        fixture.on("/", [](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            std::ostream& out = response.send();
            for (int i = 0; i < 20'000; ++i) out << "line " << i % 10 << "\n";
        });
        fixture.on("/small", [](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            response.send() << "hello";
        });
        fixture.start();
        const Answer answer = fixture.get("/");
        CPPUNIT_ASSERT(answer.head.getChunkedTransferEncoding());
        CPPUNIT_ASSERT_EQUAL(std::size_t(140'000), answer.body.size());
        CPPUNIT_ASSERT_EQUAL("line 9\n"s, answer.body.substr(139'993));
        const auto raw = fixture.client().get("/small");
        CPPUNIT_ASSERT(raw.chunked && raw.body == "hello");
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), raw.count("Content-Length"));
    }

    void answersWithNeither() {
        Fixture fixture;
        fixture.on("/small", [](Request&, PocoAnswer& response) { response.send() << "short"; });
        fixture.on("/large", [](Request&, PocoAnswer& response) {
            response.send() << std::string(100'000, 'y') << std::string(100'000, 'z');
        });
        fixture.on("/nothing", [](Request&, PocoAnswer& response) {
            response.setStatus(HTTPResponse::HTTP_NO_CONTENT);
        });
        fixture.start();
        RawClient client = fixture.client();
        CPPUNIT_ASSERT_EQUAL("5"s, client.get("/small").header("Content-Length"));
        const auto large = client.get("/large");
        CPPUNIT_ASSERT(large.chunked && large.body.size() == 200'000);
        CPPUNIT_ASSERT_EQUAL(204, client.get("/nothing").status);
    }

    void answersHead() {
        Fixture fixture;
        fixture.on("/length", [](Request&, PocoAnswer& response) {
            response.setContentLength(5);
            response.send() << "hello" << std::flush;
        });
        fixture.on("/chunks", [](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            response.send() << std::string(200'000, 'x') << std::flush;
        });
        fixture.on("/neither", [](Request&, PocoAnswer& response) {
            response.send() << std::string(200'000, 'x');
        });
        fixture.start();
        RawClient client = fixture.client();
        for (const auto& [path, length] :
             {std::pair("/length", "5"), {"/chunks", ""}, {"/neither", "200000"}}) {
            client.request("HEAD", path);
            const auto answer = client.readResponse("HEAD");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 200, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string(length),
                                         answer.header("Content-Length"));
        }
        CPPUNIT_ASSERT_EQUAL("hello"s, client.get("/length").body);  // in step
    }

    void anAnswerThatIsTooShortEndsTheConnection() {
        Fixture fixture;
        fixture.on("/", [](Request&, PocoAnswer& response) {
            response.setContentLength(10);
            response.send() << "short";
        });
        fixture.start();
        RawClient client = fixture.client();
        client.request("GET", "/");
        const std::string all = client.readToEnd();
        CPPUNIT_ASSERT_MESSAGE(all, all.find("Content-Length: 10\r\n") != all.npos);
        CPPUNIT_ASSERT(all.ends_with("\r\n\r\nshort"));
        fixture.allowed = "fewer bytes were written than Content-Length says";
    }

    void sendsWhatIsFlushed() {
        Fixture fixture;
        test::Gate gate;
        fixture.on("/", [&](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            std::ostream& out = response.send();
            out << "first" << std::flush;
            gate.wait();
            out << "second";
        });
        fixture.start();
        RawClient client = fixture.client();
        client.request("GET", "/");
        client.readHead();
        CPPUNIT_ASSERT_EQUAL("first"s, client.readChunk());
        gate.open();
        CPPUNIT_ASSERT_EQUAL("second"s, client.readChunk());
        CPPUNIT_ASSERT_EQUAL(""s, client.readChunk());
    }

    void keepsTheConnectionUnlessTold() {
        Fixture fixture;
        fixture.on("/keep", [](Request&, PocoAnswer& response) { response.send() << "k"; });
        fixture.on("/close", [](Request&, PocoAnswer& response) {
            response.setKeepAlive(false);
            response.send() << "c";
        });
        fixture.start();
        RawClient client = fixture.client();
        for (int i = 0; i < 3; ++i)
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), client.get("/keep").count("Connection"));
        CPPUNIT_ASSERT_EQUAL("close"s, client.get("/close").header("Connection"));
        CPPUNIT_ASSERT(client.closedWithin(5s));
        RawClient asking = fixture.client();
        CPPUNIT_ASSERT_EQUAL("close"s,
                             asking.get("/keep", "Connection: close\r\n").header("Connection"));
        // POCO's own client over one connection.
        HTTPClientSession session = fixture.session();
        session.setKeepAlive(true);
        for (int i = 0; i < 3; ++i) {
            HTTPRequest request(HTTPRequest::HTTP_GET, "/keep", HTTPMessage::HTTP_1_1);
            CPPUNIT_ASSERT_EQUAL("k"s, Fixture::call(session, request).body);
        }
    }

    void readsBodies() {
        Fixture fixture;
        fixture.on("/", [](Request& request, PocoAnswer& response) {
            std::string body;
            Poco::StreamCopier::copyToString(request.stream(), body);
            response.setContentType(request.getContentType());
            response.sendBuffer(body.data(), body.size());
        });
        fixture.on("/ignores", [](Request&, PocoAnswer& response) { response.send() << "ok"; });
        fixture.start();
        const std::string binary = "a\0b\r\n\xff"s + std::string(500'000, 'q');
        HTTPClientSession session = fixture.session();
        session.setKeepAlive(true);
        for (const bool chunked : {false, true}) {
            HTTPRequest request(HTTPRequest::HTTP_POST, "/", HTTPMessage::HTTP_1_1);
            request.setContentType("application/x-test");
            if (chunked)
                request.setChunkedTransferEncoding(true);
            else
                request.setContentLength(static_cast<std::streamsize>(binary.size()));
            const Answer answer = Fixture::call(session, request, binary);
            CPPUNIT_ASSERT(answer.body == binary);
            CPPUNIT_ASSERT_EQUAL("application/x-test"s, answer.head.getContentType());
        }
        // A body that nobody reads is not the next request.
        RawClient client = fixture.client();
        CPPUNIT_ASSERT_EQUAL("ok"s, client.post("/ignores", "GET / HTTP/1.1\r\n\r\n").body);
        CPPUNIT_ASSERT_EQUAL("ok"s, client.get("/ignores").body);
        CPPUNIT_ASSERT_EQUAL(""s, client.get("/").body);
    }

    void readsFormsAndUploads() {
        struct Parts : Poco::Net::PartHandler {
            std::string text;
            void handlePart(const Poco::Net::MessageHeader& header, std::istream& stream) override {
                Poco::Net::NameValueCollection parameters;
                std::string disposition, content;
                Poco::Net::MessageHeader::splitParameters(header.get("Content-Disposition"),
                                                          disposition, parameters);
                Poco::StreamCopier::copyToString(stream, content);
                text += parameters.get("filename") + "=" + content + ";";
            }
        };
        Fixture fixture;
        fixture.on("/form", [](Request& request, PocoAnswer& response) {
            Parts parts;
            Poco::Net::HTMLForm form(request, request.stream(), parts);
            std::ostream& out = response.send();
            for (const auto& [name, value] : form) out << name << "=" << value << ";";
            out << parts.text;
        });
        fixture.start();
        for (const std::string& encoding :
             {Poco::Net::HTMLForm::ENCODING_URL, Poco::Net::HTMLForm::ENCODING_MULTIPART}) {
            HTTPClientSession session = fixture.session();
            HTTPRequest request(HTTPRequest::HTTP_POST, "/form", HTTPMessage::HTTP_1_1);
            Poco::Net::HTMLForm form(encoding);
            form.set("name", "Ann & Bob");
            form.set("text", "\xC3\xA4=+%");
            const bool multipart = encoding == Poco::Net::HTMLForm::ENCODING_MULTIPART;
            if (multipart)
                form.addPart("file", new Poco::Net::StringPartSource("line\r\n--line", "text/plain",
                                                                     "a.txt"));
            form.prepareSubmit(request);
            form.write(session.sendRequest(request));
            HTTPResponse head;
            std::string body;
            Poco::StreamCopier::copyToString(session.receiveResponse(head), body);
            CPPUNIT_ASSERT_EQUAL(
                "name=Ann & Bob;text=\xC3\xA4=+%;"s + (multipart ? "a.txt=line\r\n--line;" : ""),
                body);
        }
        HTTPClientSession session = fixture.session();
        HTTPRequest request(HTTPRequest::HTTP_GET, "/form?q=a+b&r=%26", HTTPMessage::HTTP_1_1);
        CPPUNIT_ASSERT_EQUAL("q=a b;r=&;"s, Fixture::call(session, request).body);
    }

    void keepsCookies() {
        Fixture fixture;
        fixture.on("/", [](Request& request, PocoAnswer& response) {
            Poco::Net::NameValueCollection cookies;
            request.getCookies(cookies);
            Poco::Net::HTTPCookie id("id", "7"), theme("theme", "dark");
            id.setHttpOnly();
            response.addCookie(id);
            response.addCookie(theme);
            response.send() << cookies.get("a", "-") << cookies.get("b", "-");
        });
        fixture.start();
        RawClient client = fixture.client();
        const auto answer = client.get("/", "Cookie: a=1\r\nCookie: b=2\r\n");
        CPPUNIT_ASSERT_EQUAL("12"s, answer.body);
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), answer.count("Set-Cookie"));
        std::vector<Poco::Net::HTTPCookie> cookies;
        fixture.get("/").head.getCookies(cookies);
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), cookies.size());
        CPPUNIT_ASSERT(cookies[0].getHttpOnly() && cookies[1].getValue() == "dark");
    }

    void sendsFiles() {
        test::TemporaryFolder folder;
        const std::string content(300'000, 'f');
        folder.write("a.bin", content);
        Fixture fixture;
        fixture.on("/file", [&](Request&, PocoAnswer& response) {
            response.sendFile(folder.path() + "/a.bin", "application/x-a");
        });
        fixture.on("/missing", [&](Request&, PocoAnswer& response) {
            response.sendFile(folder.path() + "/none", "text/plain");
        });
        fixture.start();
        const Answer answer = fixture.get("/file");
        CPPUNIT_ASSERT(answer.body == content);
        CPPUNIT_ASSERT_EQUAL("application/x-a"s, answer.head.getContentType());
        CPPUNIT_ASSERT(answer.head.has("Last-Modified"));
        const Answer head = fixture.get("/file", HTTPRequest::HTTP_HEAD);
        CPPUNIT_ASSERT_EQUAL(std::streamsize(300'000), head.head.getContentLength());
        CPPUNIT_ASSERT_EQUAL(500, fixture.get("/missing").status);
    }

    void redirectsAndAsksForAPassword() {
        Fixture fixture;
        fixture.on("/old", [](Request&, PocoAnswer& response) {
            response.redirect("/new?a=1", HTTPResponse::HTTP_MOVED_PERMANENTLY);
        });
        fixture.on("/secret", [](Request& request, PocoAnswer& response) {
            if (!request.hasCredentials()) {
                response.requireAuthentication("realm");
                response.send();
                return;
            }
            const Poco::Net::HTTPBasicCredentials given(request);
            response.send() << given.getUsername() << ":" << given.getPassword();
        });
        fixture.start();
        const Answer moved = fixture.get("/old");
        CPPUNIT_ASSERT_EQUAL(301, moved.status);
        CPPUNIT_ASSERT_EQUAL("/new?a=1"s, moved.head.get("Location"));
        const Answer asked = fixture.get("/secret");
        CPPUNIT_ASSERT_EQUAL(401, asked.status);
        CPPUNIT_ASSERT_EQUAL("Basic realm=\"realm\""s, asked.head.get("WWW-Authenticate"));
        HTTPClientSession session = fixture.session();
        HTTPRequest request(HTTPRequest::HTTP_GET, "/secret", HTTPMessage::HTTP_1_1);
        Poco::Net::HTTPBasicCredentials("ann", "pass").authenticate(request);
        CPPUNIT_ASSERT_EQUAL("ann:pass"s, Fixture::call(session, request).body);
    }

    void saysContinueBeforeTheBody() {
        Fixture fixture;
        fixture.on("/", [](Request& request, PocoAnswer& response) {
            std::string body;
            Poco::StreamCopier::copyToString(request.stream(), body);
            response.sendContinue();
            response.send() << body << request.getExpectContinue();
        });
        fixture.start();
        HTTPClientSession session = fixture.session();
        HTTPRequest request(HTTPRequest::HTTP_POST, "/", HTTPMessage::HTTP_1_1);
        request.setExpectContinue(true);
        request.setContentLength(4);
        std::ostream& out = session.sendRequest(request);
        HTTPResponse head;
        CPPUNIT_ASSERT(session.peekResponse(head));
        out << "body";
        std::string body;
        Poco::StreamCopier::copyToString(session.receiveResponse(head), body);
        CPPUNIT_ASSERT_EQUAL("body1"s, body);
    }

    void refusesABodyOverTheLimit() {
        Fixture fixture({.maxBodyBytes = 1000});
        fixture.on("/", [](Request&, PocoAnswer& response) { response.send() << "ok"; });
        fixture.start();
        CPPUNIT_ASSERT_EQUAL("ok"s, fixture.client().post("/", std::string(1000, 'x')).body);
        CPPUNIT_ASSERT_EQUAL(413, fixture.client().post("/", std::string(1001, 'x')).status);
    }

    void refusesLateAnswers() {
        Fixture fixture({.answerTime = 100ms});
        test::Gate gate;
        std::atomic<int> returned{0};
        fixture.on("/slow", [&](Request&, PocoAnswer& response) {
            gate.wait();
            response.send() << "too late";
            ++returned;
        });
        fixture.on("/streams", [&](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            std::ostream& out = response.send();
            out << "begun" << std::flush;
            gate.wait();
            out << "ended";
        });
        fixture.on("/quick", [](Request&, PocoAnswer& response) { response.send() << "ok"; });
        fixture.start();
        RawClient slow = fixture.client(), streams = fixture.client();
        streams.request("GET", "/streams");
        streams.readHead();
        CPPUNIT_ASSERT_EQUAL("begun"s, streams.readChunk());
        CPPUNIT_ASSERT_EQUAL(503, slow.get("/slow").status);
        CPPUNIT_ASSERT_EQUAL("ok"s, slow.get("/quick").body);  // the connection stays in step
        gate.open();
        CPPUNIT_ASSERT_EQUAL("ended"s, streams.readChunk());
        CPPUNIT_ASSERT(eventually([&] { return returned == 1; }));
        CPPUNIT_ASSERT_EQUAL("ok"s, slow.get("/quick").body);
        fixture.allowed = "respond() is a second answer";  // of the handler that is too late
    }

    void aHandlerThatThrowsIsA500() {
        Fixture fixture;
        fixture.on("/poco", [](Request&, PocoAnswer&) { throw Poco::NotFoundException("secret"); });
        fixture.on("/std", [](Request&, PocoAnswer&) { throw std::runtime_error("secret"); });
        fixture.on("/other", [](Request&, PocoAnswer&) { throw 7; });
        fixture.on("/begun", [](Request&, PocoAnswer& response) {
            response.send() << "lost";  // not sent yet
            throw std::runtime_error("secret");
        });
        fixture.on("/middle", [](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            response.send() << "half" << std::flush;
            throw std::runtime_error("secret");
        });
        fixture.start();
        RawClient client = fixture.client();
        for (const char* path : {"/poco", "/std", "/other", "/begun"}) {
            const auto answer = client.get(path);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 500, answer.status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, "Internal Server Error"s, answer.body);
        }
        client.request("GET", "/middle");
        client.readHead();
        CPPUNIT_ASSERT_EQUAL("half"s, client.readChunk());
        CPPUNIT_ASSERT(client.closedWithin(5s));
        fixture.allowed = "the app started an answer and never finished it";
    }

    void noHandlerIsA501() {
        Fixture fixture;
        fixture.start();
        RawClient client = fixture.client();
        CPPUNIT_ASSERT_EQUAL(501, client.get("/none").status);
        CPPUNIT_ASSERT_EQUAL(501, client.post("/none", "body").status);
        client.send(handshake("/none"));
        CPPUNIT_ASSERT_EQUAL(501, client.readResponse().status);
        CPPUNIT_ASSERT(client.closedWithin(5s));
    }

    void neverAnswersWithSplitHeaders() {
        Fixture fixture;
        fixture.on("/", [](Request&, PocoAnswer& response) {
            response.set("X-Bad", "a\r\nEvil: 1");
            response.set("X-Good", "b");
            response.setReason("OK\r\nEvil: 2");
            response.send() << "body";
        });
        fixture.start();
        const auto answer = fixture.client().get("/");
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), answer.count("Evil"));
        CPPUNIT_ASSERT_EQUAL("b"s, answer.header("X-Good"));
        CPPUNIT_ASSERT_EQUAL("body"s, answer.body);
    }

    void aClientThatGoesAwayEndsTheStream() {
        Fixture fixture;
        std::atomic<bool> ended{false};
        fixture.on("/", [&](Request&, PocoAnswer& response) {
            response.setChunkedTransferEncoding(true);
            std::ostream& out = response.send();
            const std::string piece(100'000, 'p');
            while (out << piece) {
            }
            ended = true;
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.request("GET", "/");
            client.readHead();
        }
        CPPUNIT_ASSERT(eventually([&] { return ended.load(); }));
    }

    void runsOnWorkers() {
        Fixture fixture;
        test::Gate gate;
        std::atomic<int> waiting{0};
        std::atomic<bool> onLoop{false};
        fixture.on("/wait", [&](Request&, PocoAnswer& response) {
            onLoop = onLoop || fixture.server->hub().currentLoop() != Executor::kNoLoop;
            ++waiting;
            gate.wait();
            response.send() << "done";
        });
        fixture.on("/quick", [](Request&, PocoAnswer& response) { response.send() << "ok"; });
        fixture.start();
        std::vector<RawClient> clients;
        for (int i = 0; i < 12; ++i) {
            clients.push_back(fixture.client());
            clients.back().request("GET", "/wait");
        }
        CPPUNIT_ASSERT(eventually([&] { return waiting == 12; }));
        CPPUNIT_ASSERT_EQUAL("ok"s, fixture.client().get("/quick").body);
        gate.open();
        for (RawClient& client : clients) CPPUNIT_ASSERT_EQUAL("done"s, client.readResponse().body);
        CPPUNIT_ASSERT(!onLoop);
    }

    void speaksPocosWebSocket() {
        Fixture fixture;
        fixture.on("/ws", [](Request& request, PocoAnswer& response) {
            CPPUNIT_ASSERT_EQUAL("127.0.0.1"s, request.clientAddress().host().toString());
            CPPUNIT_ASSERT_EQUAL("=?utf-8?Q?a=0D=0A?="s, request.get("X-Word", "none"));
            CPPUNIT_ASSERT_EQUAL("/ws?a=1"s, request.getURI());
            PocoHandlers::echo(request, response);
        });
        fixture.start();
        HTTPClientSession session = fixture.session();
        HTTPRequest request(HTTPRequest::HTTP_GET, "/ws?a=1", HTTPMessage::HTTP_1_1);
        request.set("X-Word", "=?utf-8?Q?a=0D=0A?=");
        HTTPResponse response;
        Poco::Net::WebSocket socket(session, request, response);
        char buffer[4096];
        int flags = 0;
        for (int i = 0; i < 100; ++i) {
            const std::string text = "message " + std::to_string(i);
            socket.sendFrame(text.data(), static_cast<int>(text.size()));
            const int size = socket.receiveFrame(buffer, sizeof buffer, flags);
            CPPUNIT_ASSERT_EQUAL(text, std::string(buffer, static_cast<std::size_t>(size)));
            CPPUNIT_ASSERT_EQUAL(int(Poco::Net::WebSocket::FRAME_TEXT), flags);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), fixture.app->webSockets());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.server->hub().connectionCount());
        socket.shutdown();
        socket.receiveFrame(buffer, sizeof buffer, flags);
        CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
    }

    void givesTheWebSocketWhatWasReadAhead() {
        for (const bool secure : {false, true}) giveTheWebSocketWhatWasReadAhead(secure);
    }

    static void giveTheWebSocketWhatWasReadAhead(bool secure) {
        Fixture fixture;
        if (secure) fixture.secure();
        fixture.on("/ws", PocoHandlers::echo);
        fixture.on("/before", [](Request&, PocoAnswer& response) {
            response.send() << std::string(100'000, 'b');
        });
        fixture.start();
        RawClient client = fixture.client();
        // More than POCO's session buffers, behind a pipelined request, all in one.
        std::string bytes = RawClient::requestBytes("GET", "/before") + handshake("/ws");
        for (int i = 0; i < 40; ++i)
            bytes += RawClient::frame(test::RawFrame::Text, std::string(1000, char('a' + i % 26)));
        client.send(bytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t(100'000), client.readResponse().body.size());
        const auto answer = client.readResponse();
        CPPUNIT_ASSERT_EQUAL(101, answer.status);
        CPPUNIT_ASSERT_EQUAL(RawClient::upgradeAccept(), answer.header("Sec-WebSocket-Accept"));
        for (int i = 0; i < 40; ++i)
            CPPUNIT_ASSERT_EQUAL(std::string(1000, char('a' + i % 26)), client.readText());
        client.sendClose(1000);
        CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
    }

    void aHandshakeMayBeAnsweredOtherwise() {
        Fixture fixture;
        fixture.on("/", [](Request&, PocoAnswer& response) {
            response.setStatusAndReason(HTTPResponse::HTTP_FORBIDDEN);
            response.sendBuffer("no", 2);
        });
        fixture.on("/throws", [](Request&, PocoAnswer&) { throw std::runtime_error("no"); });
        fixture.start();
        for (const auto& [path, status] : {std::pair("/", 403), {"/throws", 500}}) {
            RawClient client = fixture.client();
            client.send(handshake(path));
            CPPUNIT_ASSERT_EQUAL(status, client.readResponse().status);
            CPPUNIT_ASSERT(client.closedWithin(5s));
        }
        CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
    }

    void limitsWebSockets() {
        Fixture fixture({.maxWebSockets = 2});
        fixture.on("/ws", PocoHandlers::echo);
        fixture.start();
        {
            RawClient one = fixture.client(), two = fixture.client(), three = fixture.client();
            one.upgrade("/ws");
            two.upgrade("/ws");
            three.send(handshake("/ws"));
            CPPUNIT_ASSERT_EQUAL(503, three.readResponse().status);
            one.sendText("still here");
            CPPUNIT_ASSERT_EQUAL("still here"s, one.readText());
        }
        CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
        for (int i = 0; i < 20; ++i) {  // places come free
            RawClient client = fixture.client();
            client.upgrade("/ws");
            client.close();
            CPPUNIT_ASSERT(eventually([&] { return fixture.app->webSockets() == 0; }));
        }
    }

    void endsWebSocketsAtStop() {
        Fixture fixture;
        fixture.on("/ws", PocoHandlers::echo);
        fixture.start();
        RawClient client = fixture.client();
        client.upgrade("/ws");
        client.sendText("hello");
        CPPUNIT_ASSERT_EQUAL("hello"s, client.readText());
        CPPUNIT_ASSERT(fixture.server->stop(10s));
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.app->webSockets());
        CPPUNIT_ASSERT(client.closedWithin(5s));
    }

    void aWebSocketMayOutliveItsHandler() {
        Fixture fixture;
        std::unique_ptr<Poco::Net::WebSocket> kept;
        std::atomic<bool> returned{false};
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            kept = std::make_unique<Poco::Net::WebSocket>(request, response);
            returned = true;
        });
        fixture.start();
        RawClient client = fixture.client();
        client.upgrade("/ws");
        CPPUNIT_ASSERT(eventually([&] { return returned && fixture.app->webSockets() == 0; }));
        kept->sendFrame("hello", 5);
        CPPUNIT_ASSERT_EQUAL("hello"s, client.readText());
        fixture.server->stop(5s);
        fixture.server.reset();
        fixture.app.reset();
        kept.reset();
        CPPUNIT_ASSERT(client.closedWithin(5s));
    }

    void saysWhereNoWebSocketIsPossible() {
        // A front end as FastCGI is: the handshake comes, the connection stays where it is.
        Poco::SharedPtr<PocoHandlers> factory(new PocoHandlers);
        factory->handlers["/ws"] = PocoHandlers::echo;
        PocoHandlerApp app(factory);
        ManualExecutor executor;
        auto environ = std::make_shared<Environ>();
        environ->set("REQUEST_METHOD", "GET");
        environ->set("REQUEST_URI", "/ws");
        environ->set("PATH_INFO", "/ws");
        environ->set("SERVER_PROTOCOL", "HTTP/1.1");
        environ->addHeader("Connection", "Upgrade");
        environ->addHeader("Upgrade", "websocket");
        environ->addHeader("Sec-WebSocket-Version", "13");
        environ->addHeader("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        const auto exchange = std::make_shared<TestExchange>(executor, environ);
        exchange->handshake = true;
        app.handle(exchange);
        CPPUNIT_ASSERT_EQUAL(400, exchange->status);
        CPPUNIT_ASSERT_MESSAGE(exchange->body, exchange->body.find("No WebSocket") == 0);
    }

    void servesOverTls() {
        test::TestCertificates certificates;
        certificates.add("server");
        Poco::Net::Context::Params parameters;
        parameters.certificateFile = certificates.path("server.pem");
        parameters.privateKeyFile = certificates.path("server.key");
        parameters.verificationMode = Poco::Net::Context::VERIFY_NONE;
        const Poco::Net::SecureServerSocket socket(
            Poco::Net::SocketAddress("127.0.0.1", 0), 64,
            new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, parameters));
        Poco::SharedPtr<PocoHandlers> factory(new PocoHandlers);
        factory->handlers["/ws"] = PocoHandlers::echo;
        factory->handlers["/"] = [](Request& request, PocoAnswer& response) {
            response.send() << "secure " << request.secure();
        };
        HttpServer server(PocoHandlerApp(factory), socket, nullptr);
        server.start();
        RawClient::Options options;
        options.tls = std::make_shared<test::TlsClientContext>();
        RawClient client(server.port(), options);
        CPPUNIT_ASSERT_EQUAL("secure 1"s, client.get("/").body);
        CPPUNIT_ASSERT_EQUAL("secure 1"s, client.get("/").body);
        client.upgrade("/ws");
        client.sendText("hello");
        CPPUNIT_ASSERT_EQUAL("hello"s, client.readText());
    }

    void speaksPocosWebSocketOverTls() {
        using Poco::Net::WebSocket;
        std::atomic<int> clientPort{0};
        Fixture fixture;
        fixture.secure();
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            clientPort = request.clientAddress().port();
            CPPUNIT_ASSERT_EQUAL("127.0.0.1"s, request.clientAddress().host().toString());
            CPPUNIT_ASSERT_EQUAL(fixture.server->port(), request.serverAddress().port());
            CPPUNIT_ASSERT(request.secure());
            WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(20, 0));
            char buffer[4096];
            for (int flags = 0;;) {
                const int size = socket.receiveFrame(buffer, sizeof buffer, flags);
                const int opcode = flags & WebSocket::FRAME_OP_BITMASK;
                if (opcode == WebSocket::FRAME_OP_PING)
                    flags = int(WebSocket::FRAME_FLAG_FIN) | WebSocket::FRAME_OP_PONG;
                if (size > 0) socket.sendFrame(buffer, size, flags);
                if (size == 0 || opcode == WebSocket::FRAME_OP_CLOSE) return;
            }
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.upgrade("/ws");
            CPPUNIT_ASSERT_EQUAL(int(client.localPort()), clientPort.load());
            const std::string bytes = "\0\xff\r\nbinary"s;
            for (int i = 0; i < 100; ++i) {
                client.sendText("message " + std::to_string(i));
                CPPUNIT_ASSERT_EQUAL("message " + std::to_string(i), client.readText());
                client.sendBinary(bytes);
                const test::RawFrame frame = client.readFrame();
                CPPUNIT_ASSERT_EQUAL(int(test::RawFrame::Binary), frame.opcode);
                CPPUNIT_ASSERT(frame.payload == bytes);
            }
            client.sendFrame(test::RawFrame::Ping, "are you there?");
            const test::RawFrame pong = client.readFrame();
            CPPUNIT_ASSERT_EQUAL(int(test::RawFrame::Pong), pong.opcode);
            CPPUNIT_ASSERT_EQUAL("are you there?"s, pong.payload);
            CPPUNIT_ASSERT_EQUAL(std::size_t(1), fixture.app->webSockets());
            CPPUNIT_ASSERT_EQUAL(std::size_t(2), fixture.server->hub().connectionCount());
            client.sendClose(1000);
            CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void carriesLargeMessagesThroughTls() {
        Fixture fixture;
        fixture.secure();
        fixture.clients.deadline = 30s;
        fixture.on("/ws", [](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(30, 0));
            for (;;) {
                Poco::Buffer<char> message(0);
                int flags = 0;
                const int size = socket.receiveFrame(message, flags);
                if (size == 0) return;
                socket.sendFrame(message.begin(), size, flags);
            }
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.upgrade("/ws");
            std::string message(5'000'000, '\0');
            for (std::size_t i = 0; i < message.size(); ++i)
                message[i] = static_cast<char>(i * 31 + i / 251);
            for (int i = 0; i < 2; ++i) {
                client.sendBinary(message);
                CPPUNIT_ASSERT(client.readFrame().payload == message);
            }
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void aSlowClientHoldsUpItsHandlerOverTls() {
        constexpr int kMost = 2048, kRest = 128;  // 64 MiB, 4 MiB
        std::atomic<int> filled{-1};
        Fixture fixture;
        fixture.secure();
        fixture.clients.deadline = 30s;
        fixture.clients.receiveBuffer = 64 * 1024;
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            filled = fillUp(socket, fixture.server->hub(), kMost);
            const std::string piece(32 * 1024, 'r');
            for (int i = 0; i < kRest; ++i)  // waits for the client now
                socket.sendFrame(piece.data(), static_cast<int>(piece.size()),
                                 Poco::Net::WebSocket::FRAME_BINARY);
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.upgrade("/ws");
            CPPUNIT_ASSERT(eventually([&] { return filled >= 0; }, 60s));
            // 512 KiB in the relay; the rest is in the kernel's buffers.
            CPPUNIT_ASSERT_MESSAGE(std::to_string(filled), filled < 128);
            CPPUNIT_ASSERT_MESSAGE(std::to_string(filled), filled >= 8);
            for (int i = 0; i < filled + kRest; ++i)
                CPPUNIT_ASSERT(client.readFrame().payload ==
                               std::string(32 * 1024, i < filled ? 'p' : 'r'));
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void aSlowHandlerHoldsUpItsClientOverTls() {
        test::Gate gate;
        std::atomic<std::size_t> received{0};
        Fixture fixture;
        fixture.secure();
        fixture.clients.deadline = 30s;
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(30, 0));
            gate.wait();
            char buffer[16 * 1024];
            int flags = 0;
            while (const int size = socket.receiveFrame(buffer, sizeof buffer, flags)) {
                if ((flags & Poco::Net::WebSocket::FRAME_OP_BITMASK) ==
                    Poco::Net::WebSocket::FRAME_OP_CLOSE)
                    break;
                received += static_cast<std::size_t>(size);
            }
            socket.sendFrame("all", 3);
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.upgrade("/ws");
            const auto writable = [&] {
                pollfd entry{client.descriptor(), POLLOUT, 0};
                return ::poll(&entry, 1, 0) > 0;
            };
            const std::string piece(8 * 1024, 'p');
            constexpr std::size_t kMost = 64 * 1024 * 1024;
            std::size_t sent = 0;
            for (; sent < kMost; sent += piece.size()) {
                if (!writable()) settle(fixture.server->hub());
                if (!writable()) break;
                client.sendBinary(piece);
            }
            CPPUNIT_ASSERT_MESSAGE("nobody held it up", sent < kMost);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), received.load());
            gate.open();
            for (int i = 0; i < 512; ++i, sent += piece.size()) client.sendBinary(piece);
            client.sendClose(1000);
            CPPUNIT_ASSERT_EQUAL("all"s, client.readText());
            CPPUNIT_ASSERT_EQUAL(sent, received.load());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void whatAHandlerSentBeforeItsEndArrivesOverTls() {
        std::atomic<int> filled{-1};
        Fixture fixture;
        fixture.secure();
        fixture.clients.deadline = 30s;
        fixture.clients.receiveBuffer = 64 * 1024;
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            filled = fillUp(socket, fixture.server->hub(), 2048);
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.upgrade("/ws");
            // The handler is gone with the way to the client full.
            CPPUNIT_ASSERT(
                eventually([&] { return filled > 0 && fixture.app->webSockets() == 0; }));
            settle(fixture.server->hub());
            client.sendText("too late to be read");
            settle(fixture.server->hub());
            for (int i = 0; i < filled; ++i)
                CPPUNIT_ASSERT_EQUAL(std::size_t(32 * 1024), client.readFrame().payload.size());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void passesOnTheEndOfEitherSideOverTls() {
        test::Gate gate;
        std::atomic<int> readAtEnd{-1};
        std::string heard;
        std::atomic<bool> heardIt{false};
        Fixture fixture;
        fixture.secure();
        fixture.on("/client-first", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(20, 0));
            char buffer[64];
            int flags = 0;
            readAtEnd = socket.receiveFrame(buffer, sizeof buffer, flags);
            socket.sendFrame("I can still talk", 16);
        });
        fixture.on("/handler-first", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(20, 0));
            socket.sendFrame("the last", 8);
            socket.shutdownSend();
            char buffer[64];
            int flags = 0;
            const int size = socket.receiveFrame(buffer, sizeof buffer, flags);
            heard.assign(buffer, static_cast<std::size_t>(size));
            heardIt = true;
            gate.wait();
        });
        fixture.start();
        {
            RawClient client = fixture.client();
            client.upgrade("/client-first");
            client.tls()->close();
            CPPUNIT_ASSERT(client.trySendRaw(client.tls()->output()));
            CPPUNIT_ASSERT_EQUAL("I can still talk"s, client.readText());
            CPPUNIT_ASSERT_EQUAL(0, readAtEnd.load());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
        }
        CPPUNIT_ASSERT(fixture.emptied());
        {
            RawClient client = fixture.client();
            client.upgrade("/handler-first");
            CPPUNIT_ASSERT_EQUAL("the last"s, client.readText());
            CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
            CPPUNIT_ASSERT(client.tls()->closeNotified());
            client.sendText("and mine");
            CPPUNIT_ASSERT(eventually([&] { return heardIt.load(); }));
            CPPUNIT_ASSERT_EQUAL("and mine"s, heard);
            CPPUNIT_ASSERT_EQUAL(std::size_t(2), fixture.server->hub().connectionCount());
            gate.open();
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void aClientThatVanishesEndsItsHandlerOverTls() {
        std::atomic<int> reading{0}, sending{0};
        Fixture fixture;
        fixture.secure();
        fixture.on("/reads", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(600, 0));
            char buffer[64];
            int flags = 0;
            ++reading;
            CPPUNIT_ASSERT_EQUAL(0, socket.receiveFrame(buffer, sizeof buffer, flags));
            --reading;
        });
        fixture.on("/sends", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setSendTimeout(Poco::Timespan(600, 0));
            const std::string piece(32 * 1024, 'p');
            ++sending;
            try {
                for (;;) socket.sendFrame(piece.data(), static_cast<int>(piece.size()));
            } catch (const Poco::IOException&) {
                --sending;
            }
        });
        fixture.start();
        for (const bool reset : {false, true}) {
            RawClient reader = fixture.client(), sender = fixture.client();
            reader.upgrade("/reads");
            sender.upgrade("/sends");
            CPPUNIT_ASSERT(eventually([&] { return reading == 1 && sending == 1; }));
            sender.sendBinary(std::string(400'000, 'c'));  // which its handler does not read
            settle(fixture.server->hub());
            for (RawClient* const client : {&reader, &sender})
                reset ? client->reset() : client->close();
            CPPUNIT_ASSERT(fixture.emptied());
            CPPUNIT_ASSERT_EQUAL(0, reading + sending);
        }
    }

    void sendsGoodbyesOverTlsAtStop() {
        test::Gate gate;
        std::atomic<bool> ending{false};
        Fixture fixture;
        fixture.secure();
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            Poco::Net::WebSocket socket(request, response);
            socket.setReceiveTimeout(Poco::Timespan(30, 0));
            char buffer[64];
            int flags = 0;
            if (socket.receiveFrame(buffer, sizeof buffer, flags) > 0) return;
            ending = true;
            gate.wait();
            socket.sendFrame("goodbye", 7);
        });
        fixture.start();
        RawClient client = fixture.client();
        client.upgrade("/ws");
        auto stopped = std::async(std::launch::async, [&] { return fixture.server->stop(60s); });
        CPPUNIT_ASSERT(eventually([&] { return ending.load(); }));
        client.sendText("nobody reads this");  // nor does it end what still comes from there
        client.waitUntilReceived();
        settle(fixture.server->hub());
        gate.open();
        CPPUNIT_ASSERT_EQUAL("goodbye"s, client.readText());
        CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
        CPPUNIT_ASSERT(client.tls()->closeNotified());
        client.close();
        CPPUNIT_ASSERT(stopped.get());
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.server->hub().connectionCount());
    }

    void aWebSocketOverTlsEndsWithTheServer() {
        std::unique_ptr<Poco::Net::WebSocket> kept;
        std::atomic<bool> returned{false};
        Fixture fixture;
        fixture.secure();
        fixture.on("/ws", [&](Request& request, PocoAnswer& response) {
            kept = std::make_unique<Poco::Net::WebSocket>(request, response);
            returned = true;
        });
        fixture.start();
        RawClient client = fixture.client();
        client.upgrade("/ws");
        CPPUNIT_ASSERT(eventually([&] { return returned && fixture.app->webSockets() == 0; }));
        kept->sendFrame("hello", 5);
        CPPUNIT_ASSERT_EQUAL("hello"s, client.readText());
        kept->sendFrame("before the end", 14);
        auto stopped = std::async(std::launch::async, [&] { return fixture.server->stop(60s); });
        CPPUNIT_ASSERT_EQUAL("before the end"s, client.readText());
        CPPUNIT_ASSERT_EQUAL(""s, client.readToEnd());
        client.close();
        CPPUNIT_ASSERT(stopped.get());
        char buffer[64];
        int flags = 0;
        CPPUNIT_ASSERT_EQUAL(0, kept->receiveFrame(buffer, sizeof buffer, flags));
        CPPUNIT_ASSERT_THROW(kept->sendFrame("too late", 8), Poco::IOException);
        fixture.app.reset();
        kept.reset();
    }

    void refusesWebSocketsOverTlsWithoutRoom() {
        Fixture fixture;
        fixture.secure();
        fixture.http.hub.maxConnections = 2;  // a WebSocket over TLS counts as two
        fixture.on("/ws", PocoHandlers::echo);
        fixture.start();
        {
            RawClient first = fixture.client(), second = fixture.client();
            first.send(handshake("/ws"));
            CPPUNIT_ASSERT_EQUAL(503, first.readResponse().status);
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), fixture.app->webSockets());
            first.readToEnd();
            first.close();
            CPPUNIT_ASSERT(
                eventually([&] { return fixture.server->hub().connectionCount() == 1; }));
            second.upgrade("/ws");
            second.sendText("hello");
            CPPUNIT_ASSERT_EQUAL("hello"s, second.readText());
        }
        CPPUNIT_ASSERT(fixture.emptied());
    }

    void takesTheParametersOfPocosServer() {
        Poco::SharedPtr<PocoHandlers> factory(new PocoHandlers);
        factory->handlers["/"] = [](Request& request, PocoAnswer& response) {
            response.send() << request.serverParams().getSoftwareVersion();
        };
        Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
        params->setSoftwareVersion("Sample/1");
        params->setServerName("sample");
        params->setMaxKeepAliveRequests(2);
        params->setMaxThreads(3);
        const Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
        HttpServer server(PocoHandlerApp(factory, params), socket, params);
        server.start();
        CPPUNIT_ASSERT_EQUAL(socket.address().port(), server.port());
        RawClient client(server.port());
        const auto answer = client.get("/");
        CPPUNIT_ASSERT_EQUAL("Sample/1"s, answer.body);
        CPPUNIT_ASSERT_EQUAL("Sample/1"s, answer.header("Server"));
        CPPUNIT_ASSERT_EQUAL("close"s, client.get("/").header("Connection"));
        CPPUNIT_ASSERT_EQUAL(3u, server.hub().options().maxWorkers);

        const HttpServerOptions plain = HttpServerOptions::from(nullptr);
        CPPUNIT_ASSERT(plain.limits.keepAliveTime == 15s && plain.limits.headTime == 10s);
        params->setKeepAlive(false);
        params->setTimeout(Poco::Timespan(3, 0));
        const HttpServerOptions strict = HttpServerOptions::from(params);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), strict.limits.keepAliveRequests);
        CPPUNIT_ASSERT(strict.limits.headTime == 3s && strict.limits.writeStall == 3s);
        CPPUNIT_ASSERT_EQUAL("sample"s, strict.serverName);
    }

    void refusesToBeWithoutAFactory() {
        const Poco::Net::HTTPRequestHandlerFactory::Ptr none;
        CPPUNIT_ASSERT_THROW(PocoHandlerApp{none}, Poco::InvalidArgumentException);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PocoHandlerAppTest);

}  // namespace socketio
