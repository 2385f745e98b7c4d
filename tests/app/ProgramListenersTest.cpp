#include <csignal>
#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cppunit/extensions/HelperMacros.h>

#include "socketio/base/FileDescriptor.h"

#include "ProgramFolder.h"
#include "support/ChildProgram.h"
#include "support/EngineClient.h"
#include "support/FcgiClient.h"
#include "support/TlsClient.h"

namespace socketio {

using test::ChildProgram;
using test::FcgiClient;
using test::FcgiPollingClient;
using test::PollingClient;
using test::ProgramFolder;
using test::RawClient;
using test::TestCertificates;
using test::TlsClientContext;
using test::WebSocketClient;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

const std::string kGet = "GET /socket.io/ HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kLine = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n";
const std::string kBinary =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C\xC0\x00\x02\x02\xC6\x33\x64\x07\xDC\x04\x01\xBB"s;

}  // namespace

/// The kinds of listeners that the program has, each as its address and keys say.
class ProgramListenersTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProgramListenersTest);
    CPPUNIT_TEST(servesHttps);
    CPPUNIT_TEST(aHangupBringsNewCertificatesAndEndsNoSession);
    CPPUNIT_TEST(aBadCertificateAtAHangupChangesNothing);
    CPPUNIT_TEST(readsThePROXYProtocolOfTrustedProxies);
    CPPUNIT_TEST(closesWhoIsNoTrustedProxy);
    CPPUNIT_TEST(readsThePROXYProtocolBeforeTls);
    CPPUNIT_TEST(believesTheProxiesInFrontOfAFastCgiServer);
    CPPUNIT_TEST(servesFastCgiOnTheSocketThatItInherits);
    CPPUNIT_TEST(saysThatStandardInputIsNoSocket);
    CPPUNIT_TEST_SUITE_END();

public:
    void servesHttps() {
        certificates.add("first");
        install("first");
        folder.write("page/index.html", "the page");
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--listen",
                              "https://127.0.0.1:0", "--www", folder / "page", "--set",
                              "tls.certificate=" + live(".pem"), "--set", "tls.key=" + live(".key"),
                              "--set", "access.file=-"});
        const std::uint16_t port = program.waitForPort("https");
        const RawClient::Options secure = believing();
        RawClient browser(port, secure);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), browser.tls()->peerName());
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), browser.get("/").body);
        WebSocketClient ann(port, {}, {}, secure);
        ann.connect("/", R"({"name":"Ann"})");
        says(ann);
        PollingClient bob(port, {}, secure);
        CPPUNIT_ASSERT(bob.connect("/", R"({"name":"Bob"})").starts_with("40"));
        // The plain listener has the same sessions, and the secure one nothing in the clear.
        CPPUNIT_ASSERT_EQUAL(
            200, RawClient(program.waitForPort()).post(bob.target(), "42[\"x\"]").status);
        CPPUNIT_ASSERT_EQUAL(400, RawClient(port).get("/").status);
        ann.raw().close();
        bob.post("1");
        for (RawClient* const client : {&browser, &bob.getter(), &bob.poster()}) client->close();
        stop(program);
    }

    void aHangupBringsNewCertificatesAndEndsNoSession() {
        certificates.add("first");
        certificates.add("second");
        install("first");
        ChildProgram program(secured());
        const std::uint16_t port = program.waitForPort("https");
        const RawClient::Options secure = believing();
        WebSocketClient ann(port, {}, {}, secure);
        ann.connect("/", R"({"name":"Ann"})");
        PollingClient bob(port, {}, secure);
        bob.connect("/", R"({"name":"Bob"})");
        while (bob.next().find("[\"rooms\"") == std::string::npos) {
        }

        install("second");
        program.signal(SIGHUP);
        program.waitForError("log files and certificates are read anew");
        CPPUNIT_ASSERT_EQUAL(std::string("second"), RawClient(port, secure).tls()->peerName());
        // Who was there is still there, on the connections of before.
        says(ann);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), ann.raw().tls()->peerName());
        CPPUNIT_ASSERT_EQUAL(std::string("first"), bob.getter().tls()->peerName());
        while (bob.next().find("[\"message\"") == std::string::npos) {
        }
        // A poll on a new connection belongs to the session of before.
        RawClient other(port, secure);
        CPPUNIT_ASSERT_EQUAL(std::string("ok"),
                             other.post(bob.target(), R"(42["join","garden"])").body);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), std::string::npos,
                                     program.error().find("disconnect #"));
        ann.raw().close();
        bob.post("1");
        for (RawClient* const client : {&other, &bob.getter(), &bob.poster()}) client->close();
        stop(program);
    }

    void aBadCertificateAtAHangupChangesNothing() {
        certificates.add("first");
        certificates.add("second");
        install("first");
        ChildProgram program(secured());
        const std::uint16_t port = program.waitForPort("https");
        WebSocketClient ann(port, {}, {}, believing());
        ann.connect("/", R"({"name":"Ann"})");
        std::ofstream(live(".key")) << ProgramFolder::readFile(certificates.path("second.key"));
        program.signal(SIGHUP);
        program.waitForError("the certificates stay as they are: ");
        says(ann);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), RawClient(port, believing()).tls()->peerName());
        ann.raw().close();
        stop(program);
    }

    void readsThePROXYProtocolOfTrustedProxies() {
        ChildProgram program(behindProxies("http", "127.0.0.1"));
        const std::uint16_t port = program.waitForPort();
        for (const auto& [header, client] :
             {std::pair(kLine, "192.0.2.1"s), {kBinary, "192.0.2.2"s}}) {
            RawClient proxy(port);
            proxy.send(header + kGet + kGet);
            for (int i = 0; i < 2; ++i) CPPUNIT_ASSERT_EQUAL(400, proxy.readResponse().status);
            program.waitForOutput(client + " - - [");
        }
        // Without the header, or with one that is cut off by the end, nothing is answered.
        for (const std::string& bytes : {kGet, kLine.substr(0, 20), kBinary.substr(0, 20)}) {
            RawClient proxy(port);
            proxy.send(bytes);
            proxy.shutdownWrite();
            CPPUNIT_ASSERT_EQUAL(std::string(), proxy.readToEnd());
        }
        stop(program);
        CPPUNIT_ASSERT(program.output().find("127.0.0.1 - - [") == std::string::npos);
    }

    void closesWhoIsNoTrustedProxy() {
        ChildProgram program(behindProxies("http", "10.0.0.0/8"));
        const std::uint16_t port = program.waitForPort();
        for (const std::string& header : {kLine, kBinary, ""s}) {
            RawClient stranger(port);
            stranger.trySend(header + kGet);
            CPPUNIT_ASSERT_EQUAL(std::string(), stranger.readToEnd());
        }
        stop(program);
        CPPUNIT_ASSERT(program.output().find(" - - [") == std::string::npos);
    }

    void readsThePROXYProtocolBeforeTls() {
        certificates.add("first");
        install("first");
        std::vector<std::string> command = behindProxies("https", "127.0.0.1");
        for (const std::string& setting :
             {"tls.certificate=" + live(".pem"), "tls.key=" + live(".key")})
            command.insert(command.end(), {"--set", setting});
        ChildProgram program(command);
        RawClient proxy(program.waitForPort("https"));
        test::TlsStream tls(believing().tls);
        tls.handshake();
        proxy.send(kLine + tls.output());
        while (!tls.handshake()) {
            proxy.send(tls.output());
            tls.feed(proxy.readExactly(1));
        }
        tls.write(kGet);
        proxy.send(tls.output());
        program.waitForOutput("192.0.2.1 - - [");
        proxy.close();
        stop(program);
    }

    void believesTheProxiesInFrontOfAFastCgiServer() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "fastcgi:" + (folder / "f.sock"), "--set",
                              "server.trustedProxies=10.0.0.0/8", "--set", "access.file=-"});
        program.waitForOutput("serving on ");
        FcgiClient web(folder / "f.sock");
        for (const auto& [peer, client] :
             {std::pair("10.0.0.5"s, "198.51.100.1"s), {"192.0.2.7"s, "192.0.2.7"s}}) {
            web.call("GET", "/from-" + peer, {},
                     {{"REMOTE_ADDR", peer}, {"HTTP_X_FORWARDED_FOR", "198.51.100.1"}});
            program.waitForOutput("/from-" + peer);
            CPPUNIT_ASSERT_MESSAGE(program.output(),
                                   program.output().find(client + " - - [") != std::string::npos);
        }
        web.raw().close();
        stop(program);
    }

    // As spawn-fcgi and web servers that start their applications hand it over.
    void servesFastCgiOnTheSocketThatItInherits() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        const FileDescriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        CPPUNIT_ASSERT_EQUAL(0, ::bind(listening.get(), generic, sizeof address));
        CPPUNIT_ASSERT_EQUAL(0, ::listen(listening.get(), 8));
        CPPUNIT_ASSERT_EQUAL(0, ::getsockname(listening.get(), generic, &length));
        const std::uint16_t port = ntohs(address.sin_port);
        const std::vector<std::string> command{SERVER_PROGRAM, "--listen", "fastcgi:stdin"};
        {
            ChildProgram program(command, listening.get());
            program.waitForOutput("serving on FastCGI on standard input\n");
            FcgiPollingClient ann(port);
            CPPUNIT_ASSERT(ann.connect().starts_with("40"));
            ann.post(R"(421["message",{"room":"lobby","text":"hi"}])");
            while (ann.poll().find("431[{\"ok\":true") == std::string::npos) {
            }
            ann.post("1");
            stop(program);
        }
        // The socket is not the program's: who comes meanwhile is served by the next one.
        FcgiClient early(port);
        early.send(FcgiClient::request(1, false, FcgiClient::params("GET", "/healthz")));
        ChildProgram next(command, listening.get());
        CPPUNIT_ASSERT_EQUAL(200, early.answer().response.status);
        early.raw().close();
        stop(next);
    }

    void saysThatStandardInputIsNoSocket() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "fastcgi:stdin"});
        CPPUNIT_ASSERT_EQUAL(2, program.wait());
        CPPUNIT_ASSERT_MESSAGE(
            program.error(),
            program.error().find("--listen fastcgi:stdin: ") != std::string::npos &&
                program.error().find("no listening socket") != std::string::npos);
    }

private:
    std::string live(const std::string& kind) const { return folder / ("live" + kind); }
    /// The certificate and key of that name are what the program finds from now on.
    void install(const std::string& name) const {
        for (const char* const kind : {".pem", ".key"})
            folder.write(std::string("live") + kind,
                         ProgramFolder::readFile(certificates.path(name + kind)));
    }
    std::vector<std::string> secured() const {
        return {SERVER_PROGRAM,
                "--listen",
                "https://127.0.0.1:0",
                "--set",
                "tls.certificate=" + live(".pem"),
                "--set",
                "tls.key=" + live(".key")};
    }
    std::vector<std::string> behindProxies(const std::string& scheme,
                                           const std::string& trusted) const {
        const std::string file =
            folder.write("proxies.properties", "listen.a.address = " + scheme +
                                                   "://127.0.0.1:0\nlisten.a.proxyProtocol = yes\n"
                                                   "server.trustedProxies = " +
                                                   trusted + "\naccess.file = -\n");
        return {SERVER_PROGRAM, "--config", file};
    }
    RawClient::Options believing() const {
        RawClient::Options options;
        options.tls = std::make_shared<TlsClientContext>(
            TlsClientContext::Options{.caFile = certificates.ca()});
        return options;
    }
    static void says(WebSocketClient& client) {
        client.send(R"(421["message",{"room":"lobby","text":"hi"}])");
        while (client.next().find("431[{\"ok\":true") == std::string::npos) {
        }
    }
    static void stop(ChildProgram& program) {
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
    }

    ProgramFolder folder;
    TestCertificates certificates;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProgramListenersTest);

}  // namespace socketio
