#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/SSLException.h>
#include <Poco/StreamCopier.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>
#include <openssl/ssl.h>

#include "socketio/protocol/WebSocketFrame.h"

#include "HttpFixture.h"
#include "support/TlsClient.h"

namespace socketio {

using namespace std::chrono_literals;
using test::Arrivals;
using test::eventually;
using test::HttpFixture;
using test::LoopTime;
using test::RawClient;
using test::RawFrame;
using test::RawResponse;
using test::TestCertificates;
using test::TlsClientContext;
using test::TlsStream;

namespace {

const TestCertificates& certificates() {
    static const std::unique_ptr<TestCertificates> made = [] {
        auto all = std::make_unique<TestCertificates>();
        all->add("first");
        all->add("second");
        all->add("client");
        return all;
    }();
    return *made;
}

TlsOptions pair(const std::string& name) {
    return {.certificateFile = certificates().path(name + ".pem"),
            .privateKeyFile = certificates().path(name + ".key")};
}

/// An HTTPS server on a loopback port.
class HttpsFixture : public HttpFixture {
public:
    explicit HttpsFixture(TlsOptions tls = pair("first")) {
        options.tls = TlsContext::load(std::move(tls));
    }
    RawClient client(TlsClientContext::Options wanted = {}) const {
        wanted.caFile = certificates().ca();
        return clientOf(std::make_shared<TlsClientContext>(wanted));
    }
    RawClient clientOf(std::shared_ptr<TlsClientContext> context) const {
        RawClient::Options given;
        given.tls = std::move(context);
        return RawClient(port(), given);
    }
    /// Plain bytes to the TLS port.
    RawClient plainClient() const { return RawClient(port()); }
    HubCounters& counters() const { return server->hub().counters(); }
};

/// The environ as text, one variable a line, then the body.
void show(const Exchange::Ptr& exchange) {
    exchange->receiveBody(
        10'000'000, [weak = std::weak_ptr<Exchange>(exchange)](Exchange::BodyStatus status) {
            const auto request = weak.lock();
            if (!request || status != Exchange::BodyStatus::Complete) return;
            std::string text;
            request->environ().forEach([&](std::string_view name, std::string_view value) {
                text.append(name).append("=").append(value).append("\n");
            });
            request->respond(Response::text(200, text.append("\n").append(request->body())));
        });
}

struct Echo : WebSocketListener {
    explicit Echo(std::shared_ptr<WebSocketChannel> to) : channel(std::move(to)) {}
    void onMessage(bool binary, std::string_view data) override {
        std::string frame;
        appendWebSocketFrame(frame, binary ? WebSocketOpcode::Binary : WebSocketOpcode::Text, data);
        channel->send(SharedFrame(std::move(frame)));
    }
    void onClosed(std::uint16_t, std::string_view) override { channel.reset(); }
    std::shared_ptr<WebSocketChannel> channel;
};

/// Sends every text back behind the number of the loop that it was read on.
struct LoopEcho : WebSocketListener {
    LoopEcho(Executor& on, std::shared_ptr<WebSocketChannel> to)
        : executor(on), channel(std::move(to)) {}
    void onMessage(bool, std::string_view data) override {
        std::string frame;
        appendWebSocketFrame(frame, WebSocketOpcode::Text,
                             std::to_string(executor.currentLoop()).append(data));
        channel->send(SharedFrame(std::move(frame)));
    }
    void onClosed(std::uint16_t, std::string_view) override { channel.reset(); }
    Executor& executor;
    std::shared_ptr<WebSocketChannel> channel;
};

void echo(const Exchange::Ptr& exchange) {
    const auto channel = exchange->upgrade({.maxMessageBytes = 4'000'000});
    channel->setListener(std::make_shared<Echo>(channel));
}

/// What a command prints.
std::string output(const std::string& command) {
    std::string text;
    std::array<char, 4096> buffer;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error(command);
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe))
        text.append(buffer.data(), size);
    ::pclose(pipe);
    return text;
}

std::string content(const std::string& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

class HttpsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HttpsTest);
    CPPUNIT_TEST(theEnvironSaysHttps);
    CPPUNIT_TEST(theEnvironShowsTheClientsCertificate);
    CPPUNIT_TEST(servesPocosClient);
    CPPUNIT_TEST(servesOpensslsClient);
    CPPUNIT_TEST(keepsConnectionsAndPipelines);
    CPPUNIT_TEST(echoesOverWss);
    CPPUNIT_TEST(largeMessagesGoBothWays);
    CPPUNIT_TEST(framesOfOneTurnShareARecord);
    CPPUNIT_TEST(aWebSocketMovesToItsLoop);
    CPPUNIT_TEST(requestsAndRecordsMayBeCutAnywhere);
    CPPUNIT_TEST(everyByteOfAHandshakeMayComeAlone);
    CPPUNIT_TEST(aClientThatDoesNotReadIsWaitedFor);
    CPPUNIT_TEST(aClientThatNeverReadsIsCutOff);
    CPPUNIT_TEST(outputThatMakesNoProgressIsCutOff);
    CPPUNIT_TEST(aBodyCutShortIsNotProcessed);
    CPPUNIT_TEST(anAnswerStillReachesWhoHasSaidGoodbye);
    CPPUNIT_TEST(nothingIsLostBehindAGoodbye);
    CPPUNIT_TEST(saysGoodbye);
    CPPUNIT_TEST(plainHttpIsToldWhatItMet);
    CPPUNIT_TEST(aHandshakeHasADeadline);
    CPPUNIT_TEST(aFirstRequestHasADeadline);
    CPPUNIT_TEST(handshakesWaitUntilTheAppHasStarted);
    CPPUNIT_TEST(theProxyHeaderComesBeforeTheHandshake);
    CPPUNIT_TEST(aReloadKeepsEveryConnection);
    CPPUNIT_TEST(aCrowdOfHandshakesHoldsUpNobody);
    CPPUNIT_TEST(stoppingTheServerSaysGoodbye);
    CPPUNIT_TEST_SUITE_END();

public:
    void theEnvironSaysHttps() {
        HttpsFixture server;
        server.app->onBegin = show;
        server.start();
        const auto clients = std::make_shared<TlsClientContext>(
            TlsClientContext::Options{.caFile = certificates().ca(), .keepSession = true});
        RawClient client = server.clientOf(clients);
        const std::string shown = client.post("/path?a=b", "body").body;
        CPPUNIT_ASSERT(holds(shown, "\nHTTPS=on\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_PROTOCOL=TLSv1.3\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_CIPHER=TLS_AES_128_GCM_SHA256\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_CIPHER_USEKEYSIZE=128\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_TLS_SNI=localhost\n"));
        CPPUNIT_ASSERT(!holds(shown, "SSL_CLIENT"));
        CPPUNIT_ASSERT(!holds(shown, "SSL_SESSION_RESUMED"));
        CPPUNIT_ASSERT(holds(shown, "\nREMOTE_ADDR=127.0.0.1\n"));
        CPPUNIT_ASSERT(holds(shown, "\n\nbody"));
        RawClient again = server.clientOf(clients);
        CPPUNIT_ASSERT(holds(again.get("/").body, "\nSSL_SESSION_RESUMED=Resumed\n"));
        // A client cannot say it by itself.
        CPPUNIT_ASSERT(
            !holds(again.get("/", "SSL-Client-Verify: SUCCESS\r\n").body, "\nSSL_CLIENT_VERIFY"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, server.counters().tlsHandshakes.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, server.counters().tlsFailures.load());
    }

    void theEnvironShowsTheClientsCertificate() {
        TlsOptions asking = pair("first");
        asking.caFile = certificates().ca();
        asking.clients = TlsOptions::Clients::Required;
        HttpsFixture server(asking);
        server.app->onBegin = show;
        server.start();
        RawClient client = server.client({.certificateFile = certificates().path("client.pem"),
                                          .privateKeyFile = certificates().path("client.key")});
        const std::string shown = client.get("/").body;
        CPPUNIT_ASSERT(holds(shown, "\nSSL_CLIENT_VERIFY=SUCCESS\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_CLIENT_S_DN=CN=client\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_CLIENT_I_DN=CN=Test CA\n"));
        CPPUNIT_ASSERT(holds(shown, "\nSSL_CLIENT_M_SERIAL="));
        // In TLS 1.3 a client without one hears of it when it reads.
        CPPUNIT_ASSERT_THROW(server.client().get("/"), std::runtime_error);
    }

    void servesPocosClient() {
        HttpsFixture server;
        server.app->onBegin = show;
        server.start();
        using namespace Poco::Net;
        Context::Ptr context = new Context(Context::TLS_CLIENT_USE, "", "", certificates().ca(),
                                           Context::VERIFY_STRICT);
        context->enableExtendedCertificateVerification(false);
        HTTPSClientSession session("127.0.0.1", server.port(), context);
        session.setKeepAlive(true);
        for (int i = 0; i < 3; ++i) {
            const std::string body(static_cast<std::size_t>(i) * 100'000, 'b');
            HTTPRequest request("POST", "/poco", "HTTP/1.1");
            request.setContentLength(static_cast<std::streamsize>(body.size()));
            session.sendRequest(request) << body;
            HTTPResponse response;
            std::string shown;
            Poco::StreamCopier::copyToString(session.receiveResponse(response), shown);
            CPPUNIT_ASSERT_EQUAL(200, static_cast<int>(response.getStatus()));
            CPPUNIT_ASSERT(holds(shown, "\nHTTPS=on\n"));
            CPPUNIT_ASSERT(shown.size() > body.size());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, server.counters().tlsHandshakes.load());
    }

    void servesOpensslsClient() {
        HttpsFixture server;
        server.app->onBegin = show;
        server.start();
        for (const std::string version : {"-tls1_2", "-tls1_3"}) {
            const std::string shown = output(
                "printf 'GET /from-openssl HTTP/1.1\\r\\nHost: x\\r\\nConnection: "
                "close\\r\\n\\r\\n' |"
                " timeout 60 openssl s_client -quiet -verify_return_error -alpn h2,http/1.1 " +
                version + " -CAfile " + certificates().ca() +
                " -connect 127.0.0.1:" + std::to_string(server.port()) + " 2>/dev/null");
            CPPUNIT_ASSERT_MESSAGE(shown, holds(shown, "HTTP/1.1 200 OK\r\n"));
            CPPUNIT_ASSERT(holds(shown, "\nPATH_INFO=/from-openssl\n"));
            CPPUNIT_ASSERT(holds(shown, version == "-tls1_2" ? "\nSSL_PROTOCOL=TLSv1.2\n"
                                                             : "\nSSL_PROTOCOL=TLSv1.3\n"));
        }
    }

    void keepsConnectionsAndPipelines() {
        HttpsFixture server;
        server.app->onHandle = show;  // on workers
        server.start();
        RawClient client = server.client();
        for (int i = 0; i < 50; ++i)
            CPPUNIT_ASSERT_EQUAL(200, client.post("/", std::string(10'000, 'x')).status);
        std::string requests;
        for (int i = 0; i < 50; ++i)
            requests += RawClient::requestBytes("GET", "/" + std::to_string(i));
        client.send(requests);
        for (int i = 0; i < 50; ++i)
            CPPUNIT_ASSERT(
                holds(client.readResponse().body, "\nPATH_INFO=/" + std::to_string(i) + "\n"));
    }

    void echoesOverWss() {
        HttpsFixture server;
        server.app->onBegin = echo;
        server.start();
        RawClient client = server.client();
        client.upgrade();
        for (int i = 0; i < 200; ++i) {
            client.sendText(std::to_string(i));
            CPPUNIT_ASSERT_EQUAL(std::to_string(i), client.readText());
        }
        client.tls()->updateKeys();
        client.sendText("with new keys");
        CPPUNIT_ASSERT_EQUAL(std::string("with new keys"), client.readText());
        client.sendClose(1000);
        CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT(client.tls()->closeNotified());
    }

    void largeMessagesGoBothWays() {
        HttpsFixture server;
        server.app->onBegin = echo;
        server.start();
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            RawClient client = server.client({.maxVersion = version});
            client.setDeadline(30s);
            client.upgrade();
            for (const std::size_t size : {16'380u, 16'384u, 65'536u, 100'000u, 1'000'000u}) {
                std::string message(size, '\0');
                for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<char>(i * 7 >> 3);
                client.sendBinary(message);
                CPPUNIT_ASSERT(client.readFrame().payload == message);
            }
        }
    }

    void framesOfOneTurnShareARecord() {
        HttpsFixture server;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            const auto channel = exchange->upgrade({.maxMessageBytes = 1000});
            for (int i = 0; i < 100; ++i) {
                std::string frame;
                appendWebSocketFrame(frame, WebSocketOpcode::Text,
                                     std::string(static_cast<std::size_t>(i) * 20, 'x'));
                channel->send(SharedFrame(std::move(frame)));
            }
            channel->setListener(std::make_shared<Echo>(channel));
        };
        server.start();
        // Counted on the way, before decryption.
        RawClient plain = server.plainClient();
        TlsStream stream(std::make_shared<TlsClientContext>());
        const auto exchangeBytes = [&] {
            plain.trySend(stream.output());
            char buffer[100'000];
            const ssize_t got = ::recv(plain.descriptor(), buffer, sizeof buffer, 0);
            CPPUNIT_ASSERT(got > 0);
            return std::string(buffer, static_cast<std::size_t>(got));
        };
        while (!stream.handshake()) stream.feed(exchangeBytes());
        stream.write(RawClient::upgradeRequest());
        std::string records, text;
        while (text.size() < 99'000) {
            const std::string bytes = exchangeBytes();
            records += bytes;
            stream.feed(bytes);
            stream.read(text);
        }
        int count = 0;
        for (std::size_t at = 0; at + 5 <= records.size(); ++count) {
            const auto size = static_cast<unsigned char>(records[at + 3]) * 256u +
                              static_cast<unsigned char>(records[at + 4]);
            at += 5 + size;
        }
        // The ticket, then 100 kB of frames and the 101 in records of 16 KiB.
        CPPUNIT_ASSERT_MESSAGE(std::to_string(count), count <= 10);
    }

    // What is decrypted, what is not yet, and the keys go along.
    void aWebSocketMovesToItsLoop() {
        HttpsFixture server;
        server.options.hub.ioThreads = 2;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            const Executor::LoopId loop = 1 - exchange->loop();
            const auto channel = exchange->upgrade({.maxMessageBytes = 4'000'000, .loop = loop},
                                                   {{"X-Loop", std::to_string(loop)}});
            channel->setListener(std::make_shared<LoopEcho>(exchange->executor(), channel));
        };
        server.start();
        const std::string large(1'000'000, 'x');
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
            for (int i = 0; i < 4; ++i) {
                RawClient client = server.client({.maxVersion = version});
                // A frame in the record of the handshake, and a record of which a part comes with
                // it.
                client.tls()->write(RawClient::upgradeRequest() +
                                    RawClient::frame(RawFrame::Text, "with it"));
                const std::string first = client.tls()->output();
                client.tls()->write(RawClient::frame(RawFrame::Text, "in two"));
                const std::string second = client.tls()->output();
                CPPUNIT_ASSERT(client.trySendRaw(first + second.substr(0, 15)));
                const RawResponse answer = client.readResponse();
                CPPUNIT_ASSERT_EQUAL(101, answer.status);
                const std::string loop = answer.header("X-Loop");
                CPPUNIT_ASSERT_EQUAL(loop + "with it", client.readText());
                CPPUNIT_ASSERT(client.trySendRaw(second.substr(15)));
                CPPUNIT_ASSERT_EQUAL(loop + "in two", client.readText());
                client.sendText(large);
                CPPUNIT_ASSERT(client.readText() == loop + large);
                client.sendClose(1000);
                CPPUNIT_ASSERT_EQUAL(1000, client.readFrame().closeCode());
                CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
            }
    }

    void requestsAndRecordsMayBeCutAnywhere() {
        HttpsFixture server;
        server.app->onBegin = show;
        server.start();
        RawClient client = server.client();
        // A request in records of one byte.
        for (const char byte : RawClient::requestBytes("POST", "/cut", "", "body"))
            client.send({&byte, 1});
        CPPUNIT_ASSERT(holds(client.readResponse().body, "PATH_INFO=/cut\n"));
        // Records that come byte by byte.
        client.tls()->write(RawClient::requestBytes("POST", "/bytes", "", "body"));
        for (const char byte : client.tls()->output()) {
            CPPUNIT_ASSERT(client.trySendRaw({&byte, 1}));
            test::barrier(server.server->hub());
        }
        CPPUNIT_ASSERT(holds(client.readResponse().body, "PATH_INFO=/bytes\n"));
    }

    void everyByteOfAHandshakeMayComeAlone() {
        HttpsFixture server;
        server.app->onBegin = show;
        server.start();
        RawClient plain = server.plainClient();
        TlsStream stream(std::make_shared<TlsClientContext>());
        const auto send = [&] {
            for (const char byte : stream.output()) {
                plain.send({&byte, 1});
                test::barrier(server.server->hub());
            }
        };
        std::string text;
        const auto receive = [&] {
            char buffer[65'536];
            const ssize_t got = ::recv(plain.descriptor(), buffer, sizeof buffer, 0);
            CPPUNIT_ASSERT(got > 0);
            stream.feed({buffer, static_cast<std::size_t>(got)});
        };
        while (!stream.handshake()) {
            send();
            receive();
        }
        stream.write(RawClient::requestBytes("GET", "/slow"));
        send();
        while (!holds(text, "PATH_INFO=/slow")) {
            receive();
            stream.read(text);
        }
    }

    void aClientThatDoesNotReadIsWaitedFor() {
        HttpsFixture server;
        const std::string big(8'000'000, 'z');
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(200, big));
        };
        server.start();
        RawClient::Options small;
        small.tls = std::make_shared<TlsClientContext>();
        small.receiveBuffer = 10'000;
        small.deadline = 60s;
        RawClient client(server.port(), small);
        client.request("GET", "/");
        client.request("GET", "/");
        // Another client is served meanwhile.
        RawClient other = server.client();
        other.setDeadline(60s);
        CPPUNIT_ASSERT(other.get("/").body == big);
        CPPUNIT_ASSERT(client.readResponse().body == big);
        CPPUNIT_ASSERT(client.readResponse().body == big);
    }

    void aClientThatNeverReadsIsCutOff() {
        HttpsFixture server;
        std::shared_ptr<WebSocketChannel> channel;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            channel = exchange->upgrade({.maxMessageBytes = 1000});
            channel->setListener(std::make_shared<Echo>(channel));
        };
        server.options.limits.outboundBytes = 1'000'000;
        server.start();
        RawClient client = server.client();
        client.upgrade();
        std::string frame;
        appendWebSocketFrame(frame, WebSocketOpcode::Binary, std::string(100'000, 'x'));
        const SharedFrame shared(std::move(frame));
        CPPUNIT_ASSERT(eventually([&] {
            channel->send(shared);
            return server.counters().outboundLimit.load() == 1;
        }));
        CPPUNIT_ASSERT(eventually([&] { return server.server->hub().connectionCount() == 0; }));
        channel.reset();
    }

    void outputThatMakesNoProgressIsCutOff() {
        LoopTime time;
        HttpsFixture server;
        server.options.hub.clock = &time.clock;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            exchange->respond(Response::text(200, std::string(20'000'000, 'z')));
        };
        server.start();
        RawClient::Options small;
        small.tls = std::make_shared<TlsClientContext>();
        small.receiveBuffer = 10'000;
        RawClient client(server.port(), small);
        client.request("GET", "/");
        CPPUNIT_ASSERT(client.readable(20s));
        CPPUNIT_ASSERT(eventually([&] {
            time.advance(server.server->hub(), 31s);
            return server.counters().writeStalls.load() == 1;
        }));
    }

    void aBodyCutShortIsNotProcessed() {
        for (const bool goodbye : {false, true}) {
            HttpsFixture server;
            Arrivals<Exchange::BodyStatus> ended;
            server.app->onBegin = [&](const Exchange::Ptr& exchange) {
                exchange->receiveBody(
                    1000, [&ended, exchange](Exchange::BodyStatus status) { ended.put(status); });
            };
            server.start();
            RawClient client = server.client();
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
            if (goodbye) {
                client.tls()->close();
                client.trySendRaw(client.tls()->output());
            }
            client.shutdownWrite();
            CPPUNIT_ASSERT(ended.take() == Exchange::BodyStatus::Incomplete);
        }
    }

    void anAnswerStillReachesWhoHasSaidGoodbye() {
        HttpsFixture server;
        Arrivals<Exchange::Ptr> asked;
        server.app->onBegin = [&](const Exchange::Ptr& exchange) { asked.put(exchange); };
        server.start();
        RawClient client = server.client();
        client.request("GET", "/");
        client.tls()->close();
        client.trySendRaw(client.tls()->output());
        client.shutdownWrite();
        const Exchange::Ptr exchange = asked.take();
        test::barrier(server.server->hub());
        exchange->respond(Response::text(200, "here you are"));
        CPPUNIT_ASSERT_EQUAL(std::string("here you are"), client.readResponse().body);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT(client.tls()->closeNotified());
    }

    // Messages and close_notify in one segment, while the app does not want to read yet.
    void nothingIsLostBehindAGoodbye() {
        HttpsFixture server;
        struct Collect : WebSocketListener {
            void onMessage(bool, std::string_view data) override {
                messages.put(std::string(data));
                if (data == "pause") channel->pauseReading(true);
            }
            void onClosed(std::uint16_t, std::string_view) override { messages.put("closed"); }
            Arrivals<std::string> messages;
            std::shared_ptr<WebSocketChannel> channel;
        };
        const auto listener = std::make_shared<Collect>();
        server.app->onBegin = [&](const Exchange::Ptr& exchange) {
            listener->channel = exchange->upgrade({.maxMessageBytes = 1000});
            listener->channel->setListener(listener);
        };
        server.start();
        RawClient client = server.client();
        client.upgrade();
        client.tls()->write(RawClient::frame(RawFrame::Text, "pause"));
        client.trySendRaw(client.tls()->output());
        CPPUNIT_ASSERT_EQUAL(std::string("pause"), listener->messages.take());
        test::barrier(server.server->hub());
        client.tls()->write(RawClient::frame(RawFrame::Text, "one"));
        client.tls()->write(RawClient::frame(RawFrame::Text, "two"));
        client.tls()->close();
        client.trySendRaw(client.tls()->output());
        client.shutdownWrite();
        client.waitUntilReceived();
        test::barrier(server.server->hub());
        CPPUNIT_ASSERT(listener->messages.empty());
        listener->channel->pauseReading(false);
        for (const char* const expected : {"one", "two", "closed"})
            CPPUNIT_ASSERT_EQUAL(std::string(expected), listener->messages.take());
        listener->channel.reset();
    }

    void saysGoodbye() {
        LoopTime time;
        HttpsFixture server;
        server.options.hub.clock = &time.clock;
        server.app->onBegin = show;
        server.start();
        RawClient asked = server.client(), refused = server.client(), idle = server.client();
        asked.get("/", "Connection: close\r\n");
        CPPUNIT_ASSERT_EQUAL(std::string(), asked.readToEnd());
        CPPUNIT_ASSERT(asked.tls()->closeNotified());
        refused.send("nonsense\r\n\r\n");
        CPPUNIT_ASSERT_EQUAL(400, refused.readResponse().status);
        CPPUNIT_ASSERT_EQUAL(std::string(), refused.readToEnd());
        CPPUNIT_ASSERT(refused.tls()->closeNotified());
        idle.get("/");
        time.advance(server.server->hub(), 75s);
        CPPUNIT_ASSERT_EQUAL(std::string(), idle.readToEnd());
        CPPUNIT_ASSERT(idle.tls()->closeNotified());
    }

    void plainHttpIsToldWhatItMet() {
        HttpsFixture server;
        server.app->onBegin = show;
        server.start();
        RawClient client = server.plainClient();
        const RawResponse answer = client.get("/");
        CPPUNIT_ASSERT_EQUAL(400, answer.status);
        CPPUNIT_ASSERT_EQUAL(std::string("This port speaks only HTTPS.\r\n"), answer.body);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, server.counters().tlsFailures.load());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, server.server->counters().requests.load());
    }

    void aHandshakeHasADeadline() {
        LoopTime time;
        HttpsFixture server;
        server.options.hub.clock = &time.clock;
        server.options.limits.headTime = 60s;
        server.app->onBegin = show;
        server.start();
        Hub& hub = server.server->hub();
        RawClient silent = server.plainClient();
        CPPUNIT_ASSERT(eventually([&] { return hub.connectionCount() == 1; }));
        time.expectAt(hub, silent, 10s);
        CPPUNIT_ASSERT(silent.closedWithin(0ms));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1),
                             std::as_const(hub).limits().count(Limit::HandshakeTime));
        // Bytes do not prolong it.
        RawClient half = server.plainClient();
        TlsStream stream(std::make_shared<TlsClientContext>());
        stream.handshake();
        const std::string hello = stream.output();
        half.send(hello.substr(0, 20));
        CPPUNIT_ASSERT(eventually([&] { return hub.connectionCount() == 1; }));
        LoopTime::turn(hub, half);
        time.advance(hub, 6s);
        half.send(hello.substr(20, 20));
        time.expectAt(hub, half, 4s);
        CPPUNIT_ASSERT(half.closedWithin(0ms));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, server.counters().tlsFailures.load());
    }

    void aFirstRequestHasADeadline() {
        LoopTime time;
        HttpsFixture server;
        server.options.hub.clock = &time.clock;
        server.app->onBegin = show;
        server.start();
        Hub& hub = server.server->hub();
        RawClient client = server.client();  // and says nothing then
        LoopTime::turn(hub, client);
        time.advance(hub, 9'900ms);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, hub.connectionCount());
        time.advance(hub, 200ms);
        CPPUNIT_ASSERT_EQUAL(std::string(), client.readToEnd());
        CPPUNIT_ASSERT(client.tls()->closeNotified());
    }

    void handshakesWaitUntilTheAppHasStarted() {
        struct SlowApp : test::FunctionApp {
            void start(Executor& hub) override {
                clock->advance(30s);  // longer than a handshake may take
                test::barrier(hub);
                connected.take();
                test::barrier(hub);
            }
            test::FakeClock* clock = nullptr;
            Arrivals<int> connected;
        };
        LoopTime time;
        const auto app = std::make_shared<SlowApp>();
        app->clock = &time.clock;
        app->onBegin = show;
        HttpServerOptions options;
        options.host = "127.0.0.1";
        options.port = 0;
        options.hub.clock = &time.clock;
        options.tls = TlsContext::load(pair("first"));
        // The port has to be known before the server says it.
        std::uint16_t port = 0;
        {
            HttpServer finder(std::make_shared<test::FunctionApp>(), options);
            finder.start();
            port = finder.port();
        }
        options.port = port;
        HttpServer server(std::static_pointer_cast<App>(app), options);
        std::thread starting([&] { server.start(); });
        std::unique_ptr<RawClient> client;
        CPPUNIT_ASSERT(eventually([&] {
            try {
                client = std::make_unique<RawClient>(port);
                return true;
            } catch (const std::exception&) {
                return false;
            }
        }));
        app->connected.put(1);
        TlsStream stream(std::make_shared<TlsClientContext>());
        stream.handshake();
        client->send(stream.output());
        starting.join();
        CPPUNIT_ASSERT(client->readable(20s));
        char byte;
        CPPUNIT_ASSERT_EQUAL(ssize_t{1}, ::recv(client->descriptor(), &byte, 1, 0));
        CPPUNIT_ASSERT_EQUAL(22, static_cast<int>(byte));  // the answer to its hello
        client.reset();
        server.stop();
    }

    void theProxyHeaderComesBeforeTheHandshake() {
        HttpsFixture server;
        server.options.proxyProtocol = true;
        server.options.trustedProxies = {"127.0.0.1"};
        server.app->onBegin = show;
        server.start();
        // Header and ClientHello in one segment, or cut anywhere.
        const std::string header = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";
        for (const std::size_t cut : {0u, 3u, 20u, 41u, 60u}) {
            RawClient plain = server.plainClient();
            TlsStream stream(std::make_shared<TlsClientContext>());
            stream.handshake();
            const std::string bytes = header + stream.output();
            plain.send(bytes.substr(0, cut));
            test::barrier(server.server->hub());
            plain.send(bytes.substr(cut));
            std::string text;
            const auto receive = [&] {
                char buffer[65'536];
                CPPUNIT_ASSERT(plain.readable(20s));
                const ssize_t got = ::recv(plain.descriptor(), buffer, sizeof buffer, 0);
                CPPUNIT_ASSERT(got > 0);
                stream.feed({buffer, static_cast<std::size_t>(got)});
            };
            while (!stream.handshake()) {
                plain.send(stream.output());
                receive();
            }
            stream.write(RawClient::requestBytes("GET", "/"));
            plain.send(stream.output());
            while (!holds(text, "\n\n")) {
                receive();
                stream.read(text);
            }
            CPPUNIT_ASSERT(holds(text, "\nREMOTE_ADDR=192.0.2.7\n"));
            CPPUNIT_ASSERT(holds(text, "\nHTTPS=on\n"));
        }
        // Without the header there is no handshake.
        CPPUNIT_ASSERT_THROW(server.client(), std::runtime_error);
    }

    void aReloadKeepsEveryConnection() {
        TestCertificates changing;
        changing.add("old");
        changing.add("new");
        const auto install = [&](const std::string& name) {
            for (const char* const kind : {".pem", ".key"})
                std::ofstream(changing.path(std::string("live") + kind))
                    << content(changing.path(name + kind));
        };
        install("old");
        HttpsFixture server({.certificateFile = changing.path("live.pem"),
                             .privateKeyFile = changing.path("live.key")});
        server.app->onBegin = echo;
        server.start();
        const auto clients =
            std::make_shared<TlsClientContext>(TlsClientContext::Options{.caFile = changing.ca()});
        std::vector<RawClient> open;
        for (int i = 0; i < 20; ++i) {
            open.push_back(server.clientOf(clients));
            open.back().upgrade();
        }
        install("new");
        server.options.tls->reload();
        // A key that does not belong to it: said, and nothing else.
        std::ofstream(changing.path("live.key")) << content(changing.path("old.key"));
        CPPUNIT_ASSERT_THROW(server.options.tls->reload(), Poco::Net::SSLContextException);
        for (RawClient& client : open) {
            client.sendText("still here");
            CPPUNIT_ASSERT_EQUAL(std::string("still here"), client.readText());
            CPPUNIT_ASSERT_EQUAL(std::string("old"), client.tls()->peerName());
        }
        RawClient fresh = server.clientOf(clients);
        fresh.upgrade();
        CPPUNIT_ASSERT_EQUAL(std::string("new"), fresh.tls()->peerName());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, server.counters().closed.load());
    }

    // 300 handshakes come at once: a client with a session is answered in between.
    void aCrowdOfHandshakesHoldsUpNobody() {
        HttpsFixture server;
        server.app->onBegin = echo;
        server.start();
        RawClient session = server.client();
        session.upgrade();
        const auto clients = std::make_shared<TlsClientContext>();
        std::vector<RawClient> crowd;
        std::vector<std::unique_ptr<TlsStream>> streams;
        for (int i = 0; i < 300; ++i) {
            crowd.push_back(server.plainClient());
            streams.push_back(std::make_unique<TlsStream>(clients));
            streams.back()->handshake();
        }
        // All of them are there before the loop looks.
        std::promise<void> blocked, go;
        server.server->hub().post(0, [&] {
            blocked.set_value();
            go.get_future().wait();
        });
        blocked.get_future().wait();
        for (std::size_t i = 0; i < crowd.size(); ++i) crowd[i].send(streams[i]->output());
        session.sendText("me, too");
        session.waitUntilReceived();
        go.set_value();
        CPPUNIT_ASSERT_EQUAL(std::string("me, too"), session.readText());
        int answered = 0;
        for (RawClient& client : crowd)
            if (client.readable(0ms)) ++answered;
        CPPUNIT_ASSERT_MESSAGE(std::to_string(answered) + " handshakes came first", answered < 290);
        for (std::size_t i = 0; i < crowd.size(); ++i) {
            CPPUNIT_ASSERT(crowd[i].readable(60s));
            if (i % 3 == 0) crowd[i].reset();  // in the middle of it
        }
        session.sendText("and again");
        CPPUNIT_ASSERT_EQUAL(std::string("and again"), session.readText());
    }

    void stoppingTheServerSaysGoodbye() {
        HttpsFixture server;
        server.app->onBegin = [](const Exchange::Ptr& exchange) {
            exchange->isWebSocketHandshake() ? echo(exchange) : show(exchange);
        };
        server.start();
        RawClient webSocket = server.client(), idle = server.client(), half = server.plainClient();
        webSocket.upgrade();
        idle.get("/");
        CPPUNIT_ASSERT(eventually([&] { return server.server->hub().connectionCount() == 3; }));
        std::thread stopping([&] { server.server->stop(20s); });
        CPPUNIT_ASSERT_EQUAL(1001, webSocket.readFrame().closeCode());
        webSocket.sendClose(1001);
        CPPUNIT_ASSERT_EQUAL(std::string(), webSocket.readToEnd());
        CPPUNIT_ASSERT_EQUAL(std::string(), idle.readToEnd());
        CPPUNIT_ASSERT(webSocket.tls()->closeNotified());
        CPPUNIT_ASSERT(idle.tls()->closeNotified());
        CPPUNIT_ASSERT_EQUAL(std::string(), half.readToEnd());
        webSocket.close();
        idle.close();
        stopping.join();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HttpsTest);

}  // namespace socketio
