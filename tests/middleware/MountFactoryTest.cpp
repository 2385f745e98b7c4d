#include <memory>

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/StreamCopier.h>
#include <Poco/ThreadPool.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/Mutex.h"
#include "socketio/middleware/MountFactory.h"
#include "socketio/middleware/PocoHandlerApp.h"
#include "socketio/socketio.h"

#include "PocoHandlers.h"
#include "support/EngineClient.h"
#include "support/RawClient.h"
#include "support/TlsClient.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::eventually;
using test::PocoHandlers;
using test::RawClient;
using test::WebSocketClient;

namespace {

const std::string kEngine = "/socket.io/?EIO=4&transport=polling";

/// A running Poco::Net::HTTPServer with Socket.IO mounted in it.
class Mounted {
    mutable Mutex _mutex;  // longer than the server that takes it
    std::string _seen SOCKETIO_GUARDED_BY(_mutex);

public:
    explicit Mounted(int threads = 4) : Mounted(threads, Poco::Net::ServerSocket(anyPort())) {}
    Mounted(int threads, const Poco::Net::ServerSocket& socket)
        : pool(1, threads), hub(Middleware(sio, PocoHandlerApp(factory)), hubOptions()) {
        factory->handlers["/hello"] = [](PocoHandlers::Request& request,
                                         PocoHandlers::Response& response) {
            const std::string text = request.secure() ? "hello 1" : "hello 0";
            response.sendBuffer(text.data(), text.size());
        };
        factory->handlers["/echo"] = [](PocoHandlers::Request& request,
                                        PocoHandlers::Response& response) {
            std::string body;
            Poco::StreamCopier::copyToString(request.stream(), body);
            response.sendBuffer(body.data(), body.size());
        };
        sio.on("connect", [this](Socket&, const Environ& environ) {
            MutexLock lock(_mutex);
            _seen = std::string(environ.remoteAddress()) + " " + std::string(environ["HTTPS"]);
        });
        sio.on("echo", [](Socket&, const Value& value) { return value; });
        hub.start();
        Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
        params->setMaxThreads(threads);
        server = std::make_unique<Poco::Net::HTTPServer>(new MountFactory(factory, hub), pool,
                                                         socket, params);
        server->start();
    }
    ~Mounted() {
        hub.stop(10s);
        server->stopAll(true);
    }

    static Poco::Net::SocketAddress anyPort() { return Poco::Net::SocketAddress("127.0.0.1", 0); }
    static HttpServerOptions hubOptions() {
        HttpServerOptions options;
        options.listen = false;
        options.hub.ioThreads = 1;
        return options;
    }

    std::uint16_t port() const { return server->port(); }
    RawClient client() const { return RawClient(port()); }
    /// What the connect handler saw last.
    std::string seen() const {
        MutexLock lock(_mutex);
        return _seen;
    }

    Poco::SharedPtr<PocoHandlers> factory{new PocoHandlers};
    Poco::ThreadPool pool;
    Server sio;
    HttpServer hub;
    std::unique_ptr<Poco::Net::HTTPServer> server;
};

}  // namespace

class MountFactoryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MountFactoryTest);
    CPPUNIT_TEST(theRestStaysWithPoco);
    CPPUNIT_TEST(pollsAndUpgrades);
    CPPUNIT_TEST(aConnectionThatMovedServesEverything);
    CPPUNIT_TEST(movesWhatWasReadAhead);
    CPPUNIT_TEST(movesABodyThatStillComes);
    CPPUNIT_TEST(manyClientsCostNoThreads);
    CPPUNIT_TEST(refusesHeadersThatPocoBroke);
    CPPUNIT_TEST(refusesWhatIsTooLarge);
    CPPUNIT_TEST(refusesWhenTheSinkDoesNotRun);
    CPPUNIT_TEST(matchesThePathAndNothingElse);
    CPPUNIT_TEST(worksOverTls);
    CPPUNIT_TEST(refusesToWrapNothing);
    CPPUNIT_TEST_SUITE_END();

public:
    void theRestStaysWithPoco() {
        Mounted mounted;
        RawClient client = mounted.client();
        CPPUNIT_ASSERT_EQUAL("hello 0"s, client.get("/hello").body);
        CPPUNIT_ASSERT_EQUAL("body"s, client.post("/echo", "body").body);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), mounted.hub.counters().requests.load());
    }

    void pollsAndUpgrades() {
        Mounted mounted;
        WebSocketClient client(mounted.port());
        client.connect();
        client.send(R"(421["echo",{"a":[1,2]}])");
        CPPUNIT_ASSERT_EQUAL(R"(431[{"a":[1,2]}])"s, client.next());
        CPPUNIT_ASSERT_EQUAL("127.0.0.1 "s, mounted.seen());
        const auto open = mounted.client().get(kEngine);
        CPPUNIT_ASSERT_EQUAL(200, open.status);
        CPPUNIT_ASSERT_MESSAGE(open.body, open.body.starts_with("0{\"sid\":\""));
    }

    void aConnectionThatMovedServesEverything() {
        Mounted mounted;
        RawClient client = mounted.client();
        CPPUNIT_ASSERT_EQUAL("hello 0"s, client.get("/hello").body);
        CPPUNIT_ASSERT_EQUAL(200, client.get(kEngine).status);
        CPPUNIT_ASSERT_EQUAL("hello 0"s, client.get("/hello").body);
        CPPUNIT_ASSERT_EQUAL("body"s, client.post("/echo", "body").body);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), mounted.hub.counters().requests.load());
    }

    void movesWhatWasReadAhead() {
        Mounted mounted;
        RawClient client = mounted.client();
        client.send(RawClient::requestBytes("GET", kEngine) +
                    RawClient::requestBytes("GET", "/hello") +
                    RawClient::requestBytes("POST", "/echo", "", "body"));
        CPPUNIT_ASSERT_EQUAL(200, client.readResponse().status);
        CPPUNIT_ASSERT_EQUAL("hello 0"s, client.readResponse().body);
        CPPUNIT_ASSERT_EQUAL("body"s, client.readResponse().body);
    }

    void movesABodyThatStillComes() {
        Mounted mounted;
        test::PollingClient session(mounted.port());
        session.connect();
        const std::string packet = R"(421["echo","slow"])";
        const std::string post = "POST " + session.target() + " HTTP/1.1\r\nHost: a\r\n";
        const std::string length = "Content-Length: " + std::to_string(packet.size()) + "\r\n";

        RawClient slow = mounted.client();
        slow.send(post + length + "\r\n" + packet.substr(0, 5));
        CPPUNIT_ASSERT(eventually([&] { return mounted.hub.hub().connectionCount() == 3; }));
        slow.send(packet.substr(5));
        CPPUNIT_ASSERT_EQUAL("ok"s, slow.readResponse().body);
        CPPUNIT_ASSERT_EQUAL(R"(431["slow"])"s, session.next());

        RawClient expecting = mounted.client();
        expecting.send(post + "Expect: 100-continue\r\n" + length + "\r\n");
        CPPUNIT_ASSERT_EQUAL(100, expecting.readResponse().status);
        expecting.send(packet);
        CPPUNIT_ASSERT_EQUAL("ok"s, expecting.readResponse().body);  // and no second 100
        CPPUNIT_ASSERT_EQUAL(R"(431["slow"])"s, session.next());

        RawClient chunked = mounted.client();
        chunked.send(post + "Transfer-Encoding: chunked\r\n\r\n1\r\n4\r\n");
        chunked.send("11\r\n" + packet.substr(1) + "\r\n0\r\n\r\n");
        CPPUNIT_ASSERT_EQUAL("ok"s, chunked.readResponse().body);
        CPPUNIT_ASSERT_EQUAL(R"(431["slow"])"s, session.next());
    }

    void manyClientsCostNoThreads() {
        Mounted mounted(2);
        std::vector<std::unique_ptr<WebSocketClient>> clients;
        for (int i = 0; i < 50; ++i) {
            clients.push_back(std::make_unique<WebSocketClient>(mounted.port()));
            clients.back()->connect();
        }
        CPPUNIT_ASSERT_EQUAL("hello 0"s, mounted.client().get("/hello").body);
        for (const auto& client : clients) {
            client->send(R"(421["echo",7])");
            CPPUNIT_ASSERT_EQUAL("431[7]"s, client->next());
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(50), mounted.hub.hub().connectionCount());
    }

    void refusesHeadersThatPocoBroke() {
        Mounted mounted;
        for (const std::string& field :
             {"X-A: =?utf-8?Q?a=0D=0ATransfer-Encoding:_chunked?=\r\n"s, "X-A: a\0b\r\n"s,
              "X-A: =?utf-8?Q?a=0A?=\r\n"s, "Content-Length: 4\r\nContent-Length: 5\r\n"s,
              "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"s, "Content-Length: -1\r\n"s,
              "Transfer-Encoding: xchunked\r\n"s}) {
            RawClient client = mounted.client();
            client.trySend("POST " + kEngine + " HTTP/1.1\r\nHost: a\r\n" + field + "\r\n");
            const int status = client.readResponse().status;
            CPPUNIT_ASSERT_MESSAGE(field, status == 400 || status == 501);
            CPPUNIT_ASSERT(client.closedWithin(5s));
        }
    }

    void refusesWhatIsTooLarge() {
        Mounted mounted;
        RawClient client = mounted.client();
        std::string fields;
        for (int i = 0; i < 50; ++i)
            fields += "X-" + std::to_string(i) + ": " + std::string(2000, 'x') + "\r\n";
        client.trySend("GET " + kEngine + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
        CPPUNIT_ASSERT_EQUAL(431, client.readResponse().status);
        RawClient smaller = mounted.client();  // within what is moved, but not within our limits
        smaller.trySend("GET " + kEngine + " HTTP/1.1\r\nHost: a\r\n" + fields.substr(0, 40'140) +
                        "\r\n\r\n");
        CPPUNIT_ASSERT_EQUAL(431, smaller.readResponse().status);
    }

    void refusesWhenTheSinkDoesNotRun() {
        Mounted mounted;
        CPPUNIT_ASSERT_EQUAL(200, mounted.client().get(kEngine).status);
        mounted.hub.stop(5s);
        RawClient client = mounted.client();
        CPPUNIT_ASSERT_EQUAL(503, client.get(kEngine).status);
        CPPUNIT_ASSERT_EQUAL("hello 0"s, mounted.client().get("/hello").body);
    }

    void matchesThePathAndNothingElse() {
        Mounted mounted;
        struct Case {
            const char* target;
            bool ours;
        };
        const Case cases[] = {
            {"/socket.io/", true},         {"/socket.io/?EIO=4", true}, {"/socket.io/x/y", true},
            {"/socket%2Eio/", true},       {"/socket.io", true},        {"/socket.iox/", false},
            {"/a/socket.io/", false},      {"/?/socket.io/", false},    {"/Socket.io/", false},
            {"http://a/socket.io/", true}, {"http://socket.io/", false}};
        for (const Case& c : cases) {
            const auto before = mounted.hub.counters().requests.load();
            RawClient client = mounted.client();
            client.send("GET "s + c.target + " HTTP/1.1\r\nHost: a\r\n\r\n");
            client.readResponse();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.target, c.ours,
                                         mounted.hub.counters().requests.load() > before);
        }
    }

    void worksOverTls() {
        test::TestCertificates certificates;
        certificates.add("server");
        Poco::Net::Context::Params parameters;
        parameters.certificateFile = certificates.path("server.pem");
        parameters.privateKeyFile = certificates.path("server.key");
        parameters.verificationMode = Poco::Net::Context::VERIFY_NONE;
        const Poco::Net::Context::Ptr context =
            new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, parameters);
        Mounted mounted(4, Poco::Net::SecureServerSocket(Mounted::anyPort(), 64, context));
        RawClient::Options options;
        options.tls = std::make_shared<test::TlsClientContext>();
        RawClient client(mounted.port(), options);
        CPPUNIT_ASSERT_EQUAL("hello 1"s, client.get("/hello").body);
        CPPUNIT_ASSERT_EQUAL(200, client.get(kEngine).status);
        CPPUNIT_ASSERT_EQUAL("hello 1"s, client.get("/hello").body);  // by the hub
        const std::string large(400'000, 'l');
        CPPUNIT_ASSERT(client.post("/echo", large).body == large);
        client.upgrade("/socket.io/?EIO=4&transport=websocket");
        CPPUNIT_ASSERT(client.readText().starts_with("0{"));
        client.sendText("40");
        CPPUNIT_ASSERT(client.readText().starts_with("40{"));
        CPPUNIT_ASSERT_EQUAL("127.0.0.1 on"s, mounted.seen());
        client.sendText(R"(421["echo","secret"])");
        CPPUNIT_ASSERT_EQUAL(R"(431["secret"])"s, client.readText());
        CPPUNIT_ASSERT_EQUAL(1, mounted.server->currentThreads());
        client.close();
        CPPUNIT_ASSERT(eventually([&] { return mounted.server->currentConnections() == 0; }));
        CPPUNIT_ASSERT(eventually([&] { return mounted.hub.hub().connectionCount() == 0; }));
    }

    void refusesToWrapNothing() {
        Server sio;
        HttpServer hub(Middleware(sio), Mounted::hubOptions());
        CPPUNIT_ASSERT_THROW(MountFactory(nullptr, hub), Poco::InvalidArgumentException);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(MountFactoryTest);

}  // namespace socketio
