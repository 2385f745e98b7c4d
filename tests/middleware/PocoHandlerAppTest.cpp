#include <atomic>
#include <memory>
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
#include <Poco/StreamCopier.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "PocoHandlerFixture.h"
#include "TemporaryFolder.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Poco::Net::HTTPClientSession;
using Poco::Net::HTTPMessage;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using test::eventually;
using test::PocoHandlers;
using test::RawClient;
using Request = PocoHandlers::Request;
using PocoAnswer = PocoHandlers::Response;

namespace {

struct Answer {
    int status = 0;
    HTTPResponse head;
    std::string body;
};

class Fixture : public test::PocoHandlerFixture {
public:
    using PocoHandlerFixture::PocoHandlerFixture;

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
};

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
    CPPUNIT_TEST(servesOverTls);
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
        client.send(RawClient::upgradeRequest("/none"));
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
