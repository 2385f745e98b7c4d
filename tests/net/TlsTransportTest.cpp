#include <cstddef>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLException.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>
#include <openssl/ssl.h>

#include "socketio/net/TlsContext.h"
#include "socketio/net/TlsTransport.h"

#include "support/TlsClient.h"

namespace socketio {

using test::TestCertificates;
using test::TlsClientContext;
using test::TlsStream;
using Status = TlsTransport::Status;

namespace {

/// Made once: keys take time.
const TestCertificates& certificates() {
    static const std::unique_ptr<TestCertificates> made = [] {
        auto all = std::make_unique<TestCertificates>();
        all->add("server");
        all->add("other");
        all->add("rsa", TestCertificates::Kind::Rsa);
        all->add("secret", TestCertificates::Kind::Ec, "open sesame");
        all->add("client");
        const auto content = [&](const std::string& file) {
            std::ifstream in(all->path(file));
            return std::string(std::istreambuf_iterator<char>(in), {});
        };
        const auto write = [&](const std::string& file, const std::string& text) {
            std::ofstream(all->path(file)) << text;
        };
        write("both.pem", content("server.pem") + content("server.key"));
        write("garbage.pem", "nothing of use\n");
        write("chain.pem", content("ca.pem") + content("other.pem"));
        write("cut.pem", content("ca.pem") + content("other.pem").substr(0, 200));
        return all;
    }();
    return *made;
}

TlsOptions options(const std::string& name = "server") {
    return {.certificateFile = certificates().path(name + ".pem"),
            .privateKeyFile = certificates().path(name + ".key")};
}

std::shared_ptr<TlsClientContext> client(const TlsClientContext::Options& wanted = {}) {
    return std::make_shared<TlsClientContext>(wanted);
}

/// A server's and a client's end, with nothing between them.
class Pair {
public:
    explicit Pair(const TlsContext& context, std::shared_ptr<TlsClientContext> clients = client(),
                  std::size_t piece = 1'000'000)
        : server(
              context, [](void*) {}, nullptr),
          peer(std::move(clients)),
          _piece(piece) {}

    /// Until both are done, or the server refuses.
    Status handshake() {
        Status status = Status::Going;
        for (int round = 0; round < 10; ++round) {
            bool done;
            try {
                done = peer.handshake();
            } catch (const std::exception& e) {
                clientSaid = e.what();
                return status;
            }
            std::string bytes = peer.output();
            if (done && status == Status::Established && bytes.empty()) {
                readTickets();
                return status;
            }
            for (std::size_t at = 0; at < bytes.size(); at += _piece) {
                std::string_view input = std::string_view(bytes).substr(at, _piece);
                if (server.established()) {
                    left.append(input);
                    continue;
                }
                status = server.handshake(buffers, input);
                peer.feed(said());
                left.append(input);
                if (status == Status::Failed) {
                    failure = server.failure();
                    try {
                        peer.handshake();
                    } catch (const std::exception& e) {
                        clientSaid = e.what();
                    }
                    return status;
                }
            }
        }
        return status;
    }

    /// What the client says arrives, in pieces; the status of the last one.
    Status receive(std::string_view records, std::string& plain) {
        Status status = Status::Going;
        for (std::size_t at = 0; at < records.size() && status == Status::Going; at += _piece) {
            const std::string_view piece = records.substr(at, _piece);
            std::string room(piece.size() + TlsBuffers::kRecordBytes, '\0');
            std::size_t size = 0;
            status = server.decrypt(buffers, piece, room.data(), room.size(), size);
            plain.append(room, 0, size);
            const std::string output = said();
            answered += output.size();
            peer.feed(output);
        }
        return status;
    }

    void readTickets() {
        std::string nothing;
        peer.read(nothing);
        CPPUNIT_ASSERT_EQUAL(std::string(), nothing);
    }

    /// Takes what the server said.
    std::string said() { return std::exchange(buffers.output, {}); }

    TlsBuffers buffers;
    TlsTransport server;
    TlsStream peer;
    std::string left;        ///< Behind the handshake.
    std::string failure;     ///< What the server met.
    std::string clientSaid;  ///< What the client met.
    std::size_t answered = 0;

private:
    const std::size_t _piece;
};

}  // namespace

class TlsTransportTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TlsTransportTest);
    CPPUNIT_TEST(namesTheFileOrValueThatIsWrong);
    CPPUNIT_TEST(loadsKeysOfEveryForm);
    CPPUNIT_TEST(sendsTheChain);
    CPPUNIT_TEST(aReloadIsForNewcomers);
    CPPUNIT_TEST(aReloadThatFailsChangesNothing);
    CPPUNIT_TEST(takesAContextOfTheApplications);
    CPPUNIT_TEST(speaksTls12And13);
    CPPUNIT_TEST(refusesWhatIsOldOrWeak);
    CPPUNIT_TEST(choosesHttp11);
    CPPUNIT_TEST(handshakesInPiecesOfAnySize);
    CPPUNIT_TEST(dataMayComeRightBehindTheHandshake);
    CPPUNIT_TEST(anyAmountGoesThroughBothWays);
    CPPUNIT_TEST(aTicketResumesTheSession);
    CPPUNIT_TEST(renegotiationIsRefused);
    CPPUNIT_TEST(newKeysAreTakenAndAnswered);
    CPPUNIT_TEST(closeNotifyEndsEitherSide);
    CPPUNIT_TEST(garbageIsRefused);
    CPPUNIT_TEST(aHugeClientHelloIsRefusedFromItsHead);
    CPPUNIT_TEST(aHandshakeIsLimited);
    CPPUNIT_TEST(plainHttpIsRecognised);
    CPPUNIT_TEST(aRecordThatWasTamperedWithIsRefused);
    CPPUNIT_TEST(oneFailureDoesNotReachTheNextConnection);
    CPPUNIT_TEST(clientsShowCertificates);
    CPPUNIT_TEST_SUITE_END();

public:
    void namesTheFileOrValueThatIsWrong() {
        const auto path = [](const char* file) { return certificates().path(file); };
        struct Case {
            const char* what;
            std::function<void(TlsOptions&)> change;
            std::string named;
            const char* why;
        };
        const Case cases[] = {
            {"no certificate", [](TlsOptions& o) { o.certificateFile.clear(); },
             "needs a certificate", ""},
            {"missing certificate", [&](TlsOptions& o) { o.certificateFile = path("none.pem"); },
             path("none.pem"), "No such file"},
            {"missing key", [&](TlsOptions& o) { o.privateKeyFile = path("none.key"); },
             path("none.key"), "No such file"},
            {"garbage", [&](TlsOptions& o) { o.certificateFile = path("garbage.pem"); },
             path("garbage.pem"), "no start line"},
            {"garbage key", [&](TlsOptions& o) { o.privateKeyFile = path("garbage.pem"); },
             path("garbage.pem"), ""},
            {"no key in it", [&](TlsOptions& o) { o.privateKeyFile.clear(); }, path("server.pem"),
             ""},
            {"another's key", [&](TlsOptions& o) { o.privateKeyFile = path("other.key"); },
             path("other.key"), "mismatch"},
            {"no passphrase", [&](TlsOptions& o) { o = options("secret"); }, path("secret.key"),
             ""},
            {"wrong passphrase",
             [&](TlsOptions& o) {
                 o = options("secret");
                 o.passphrase = "open barley";
             },
             // Now and then what comes out looks decrypted.
             path("secret.key"), "cannot use the private key"},
            {"passphrase too long",
             [&](TlsOptions& o) {
                 o = options("secret");
                 o.passphrase = std::string(100'000, 'x');
             },
             path("secret.key"), ""},
            {"missing chain", [&](TlsOptions& o) { o.chainFile = path("none.pem"); },
             path("none.pem"), "No such file"},
            {"garbage chain", [&](TlsOptions& o) { o.chainFile = path("garbage.pem"); },
             path("garbage.pem"), ""},
            {"cut chain", [&](TlsOptions& o) { o.chainFile = path("cut.pem"); }, path("cut.pem"),
             ""},
            {"missing CA", [&](TlsOptions& o) { o.caFile = path("none.pem"); }, path("none.pem"),
             "No such file"},
            {"garbage CA", [&](TlsOptions& o) { o.caFile = path("garbage.pem"); },
             path("garbage.pem"), ""},
            {"nothing to check clients with",
             [](TlsOptions& o) { o.clients = TlsOptions::Clients::Required; }, "CA file", ""},
            {"ciphers", [](TlsOptions& o) { o.ciphers = "MAGIC"; }, "MAGIC", "no cipher match"},
            {"suites", [](TlsOptions& o) { o.cipherSuites = "TLS_MAGIC"; }, "TLS_MAGIC", ""},
        };
        for (const Case& c : cases) {
            TlsOptions wrong = options();
            c.change(wrong);
            std::string said;
            try {
                TlsContext context(wrong);
            } catch (const Poco::Net::SSLContextException& e) {
                said = e.displayText();
            }
            CPPUNIT_ASSERT_MESSAGE(std::string(c.what) + ": " + said,
                                   said.find(c.named) != said.npos);
            CPPUNIT_ASSERT_MESSAGE(std::string(c.what) + ": " + said,
                                   said.find(c.why) != said.npos);
        }
    }

    void loadsKeysOfEveryForm() {
        TlsOptions secret = options("secret");
        secret.passphrase = "open sesame";
        TlsOptions both;
        both.certificateFile = certificates().path("both.pem");
        const struct {
            const char* name;
            TlsOptions given;
        } cases[] = {{"server", both}, {"secret", secret}, {"rsa", options("rsa")}};
        for (const auto& c : cases) {
            const TlsContext context(c.given);
            Pair pair(context, client({.caFile = certificates().ca()}));
            CPPUNIT_ASSERT_MESSAGE(c.name, pair.handshake() == Status::Established);
            CPPUNIT_ASSERT_EQUAL(std::string(c.name), pair.peer.peerName());
        }
    }

    void sendsTheChain() {
        TlsOptions given = options();
        given.chainFile = certificates().path("chain.pem");
        const TlsContext context(given);
        Pair pair(context);
        CPPUNIT_ASSERT(pair.handshake() == Status::Established);
        CPPUNIT_ASSERT_EQUAL(3, sk_X509_num(SSL_get_peer_cert_chain(pair.peer.native())));
    }

    void aReloadIsForNewcomers() {
        TestCertificates changing;
        changing.add("first");
        changing.add("second");
        const auto install = [&](const std::string& name) {
            for (const char* const kind : {".pem", ".key"}) {
                std::ifstream from(changing.path(name + kind));
                std::ofstream(changing.path(std::string("live") + kind)) << from.rdbuf();
            }
        };
        install("first");
        TlsContext context(TlsOptions{.certificateFile = changing.path("live.pem"),
                                      .privateKeyFile = changing.path("live.key")});
        Pair old(context), between(context);
        CPPUNIT_ASSERT(old.handshake() == Status::Established);
        install("second");
        context.reload();
        Pair fresh(context);
        CPPUNIT_ASSERT(fresh.handshake() == Status::Established);
        CPPUNIT_ASSERT(between.handshake() == Status::Established);
        CPPUNIT_ASSERT_EQUAL(std::string("first"), old.peer.peerName());
        CPPUNIT_ASSERT_EQUAL(std::string("first"), between.peer.peerName());
        CPPUNIT_ASSERT_EQUAL(std::string("second"), fresh.peer.peerName());
        std::string plain;
        old.peer.write("still here");
        old.receive(old.peer.output(), plain);
        CPPUNIT_ASSERT_EQUAL(std::string("still here"), plain);
    }

    void aReloadThatFailsChangesNothing() {
        TlsContext context(options());
        CPPUNIT_ASSERT_THROW(context.replace(TlsOptions{.certificateFile = "/nonexistent"}),
                             Poco::Net::SSLContextException);
        context.reload();
        Pair pair(context);
        CPPUNIT_ASSERT(pair.handshake() == Status::Established);
        CPPUNIT_ASSERT_EQUAL(std::string("server"), pair.peer.peerName());
    }

    void takesAContextOfTheApplications() {
        using Poco::Net::Context;
        const auto make = [](Context::Usage usage) {
            return Context::Ptr(new Context(usage, certificates().path("server.key"),
                                            certificates().path("server.pem"), "",
                                            Context::VERIFY_NONE));
        };
        TlsContext context(make(Context::TLS_SERVER_USE));
        Pair modern(context),
            ancient(context, client({.maxVersion = TLS1_1_VERSION, .minVersion = TLS1_VERSION}));
        CPPUNIT_ASSERT(modern.handshake() == Status::Established);
        CPPUNIT_ASSERT_EQUAL(1, modern.peer.tickets());
        CPPUNIT_ASSERT(ancient.handshake() == Status::Failed);
        CPPUNIT_ASSERT_THROW(context.reload(), Poco::IllegalStateException);
        CPPUNIT_ASSERT_THROW(context.replace(make(Context::TLS_CLIENT_USE)),
                             Poco::Net::SSLContextException);
        CPPUNIT_ASSERT_THROW(
            context.replace(Context::Ptr(new Context(Context::TLS_SERVER_USE, ""))),
            Poco::Net::SSLContextException);
        CPPUNIT_ASSERT_THROW(context.replace(Context::Ptr()), Poco::Net::SSLContextException);
    }

    void speaksTls12And13() {
        const TlsContext context(options());
        TlsOptions strict = options();
        strict.minimumVersion = TlsOptions::Version::Tls13;
        const TlsContext newest(strict);
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            const bool is13 = version == TLS1_3_VERSION;
            Pair pair(context, client({.caFile = certificates().ca(), .maxVersion = version}));
            CPPUNIT_ASSERT(pair.handshake() == Status::Established);
            const std::string name = is13 ? "TLSv1.3" : "TLSv1.2";
            CPPUNIT_ASSERT_EQUAL(name, pair.peer.version());
            CPPUNIT_ASSERT_EQUAL(name, std::string(pair.server.version()));
            CPPUNIT_ASSERT_EQUAL(
                std::string(is13 ? "TLS_AES_128_GCM_SHA256" : "ECDHE-ECDSA-AES128-GCM-SHA256"),
                std::string(pair.server.cipher()));
            CPPUNIT_ASSERT_EQUAL(128, pair.server.cipherBits());
            CPPUNIT_ASSERT(!pair.server.resumed());
            CPPUNIT_ASSERT_EQUAL(std::string("localhost"), std::string(pair.server.serverName()));
            CPPUNIT_ASSERT_EQUAL(1, pair.peer.tickets());
            CPPUNIT_ASSERT(!pair.server.hasClientCertificate());

            Pair other(newest, client({.maxVersion = version}));
            CPPUNIT_ASSERT((other.handshake() == Status::Established) == is13);
        }
    }

    void refusesWhatIsOldOrWeak() {
        const TlsContext context(options("rsa"));
        struct Case {
            const char* what;
            TlsClientContext::Options offered;
        };
        const Case cases[] = {
            {"TLS 1.0", {.maxVersion = TLS1_VERSION, .minVersion = TLS1_VERSION}},
            {"TLS 1.1", {.maxVersion = TLS1_1_VERSION, .minVersion = TLS1_VERSION}},
            {"no forward secrecy", {.maxVersion = TLS1_2_VERSION, .ciphers = "kRSA"}},
            {"no encryption", {.maxVersion = TLS1_2_VERSION, .ciphers = "NULL:@SECLEVEL=0"}},
            {"nobody's certificate", {.maxVersion = TLS1_2_VERSION, .ciphers = "ADH:@SECLEVEL=0"}},
            {"CBC", {.maxVersion = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-SHA256"}},
        };
        for (const Case& c : cases) {
            Pair pair(context, client(c.offered));
            CPPUNIT_ASSERT_MESSAGE(c.what, pair.handshake() == Status::Failed);
            CPPUNIT_ASSERT_MESSAGE(c.what + (": " + pair.clientSaid),
                                   pair.clientSaid.find("alert") != std::string::npos);
        }
    }

    void choosesHttp11() {
        const TlsContext context(options());
        Pair both(context, client({.protocols = {"h2", "http/1.1"}}));
        CPPUNIT_ASSERT(both.handshake() == Status::Established);
        CPPUNIT_ASSERT_EQUAL(std::string("http/1.1"), both.peer.protocol());
        Pair none(context);
        CPPUNIT_ASSERT(none.handshake() == Status::Established);
        CPPUNIT_ASSERT_EQUAL(std::string(), none.peer.protocol());
        Pair other(context, client({.protocols = {"h2"}}));
        CPPUNIT_ASSERT(other.handshake() == Status::Failed);
        CPPUNIT_ASSERT(other.clientSaid.find("no application protocol") != std::string::npos);
    }

    void handshakesInPiecesOfAnySize() {
        const TlsContext context(options());
        for (const std::size_t piece : {1u, 2u, 5u, 9u, 100u})
            for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
                for (const char* const groups :
                     {"X25519:P-256", "X448:P-256"}) {  // and a second hello
                    Pair pair(context, client({.maxVersion = version, .groups = groups}), piece);
                    const Status status = pair.handshake();
                    CPPUNIT_ASSERT_MESSAGE(std::to_string(piece) + " " + groups + " " +
                                               std::to_string(version) + pair.failure +
                                               pair.clientSaid,
                                           status == Status::Established);
                    std::string plain;
                    pair.peer.write("hello");
                    CPPUNIT_ASSERT(pair.receive(pair.peer.output(), plain) == Status::Going);
                    CPPUNIT_ASSERT_EQUAL(std::string("hello"), plain);
                }
    }

    void dataMayComeRightBehindTheHandshake() {
        const TlsContext context(options());
        Pair pair(context);
        pair.peer.handshake();
        const std::string hello = pair.peer.output();
        std::string_view input = hello;
        CPPUNIT_ASSERT(pair.server.handshake(pair.buffers, input) == Status::Going);
        pair.peer.feed(pair.said());
        CPPUNIT_ASSERT(pair.peer.handshake());
        const std::string big(80'000, 'x');  // more than a handshake may be
        pair.peer.write("GET / HTTP/1.1\r\n" + big);
        const std::string rest = pair.peer.output();
        input = rest;
        CPPUNIT_ASSERT(pair.server.handshake(pair.buffers, input) == Status::Established);
        std::string plain;
        CPPUNIT_ASSERT(pair.receive(input, plain) == Status::Going);
        CPPUNIT_ASSERT("GET / HTTP/1.1\r\n" + big == plain);
    }

    void anyAmountGoesThroughBothWays() {
        const TlsContext context(options());
        for (const std::size_t size : {1u, 16'383u, 16'384u, 16'385u, 65'536u, 300'000u}) {
            Pair pair(context, client(), 1000);
            CPPUNIT_ASSERT(pair.handshake() == Status::Established);
            std::string message(size, '\0');
            for (std::size_t i = 0; i < size; ++i) message[i] = static_cast<char>(i * 31);
            std::string there, back;
            pair.peer.write(message);
            CPPUNIT_ASSERT(pair.receive(pair.peer.output(), there) == Status::Going);
            CPPUNIT_ASSERT(message == there);
            CPPUNIT_ASSERT(pair.server.encrypt(pair.buffers, there));
            pair.peer.feed(pair.said());
            CPPUNIT_ASSERT(pair.peer.read(back));
            CPPUNIT_ASSERT(message == back);
        }
    }

    void aTicketResumesTheSession() {
        TlsContext context(options());
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            const auto clients = client({.maxVersion = version, .keepSession = true});
            for (const bool again : {false, true}) {
                Pair pair(context, clients);
                CPPUNIT_ASSERT(pair.handshake() == Status::Established);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(pair.peer.version(), again, pair.server.resumed());
                CPPUNIT_ASSERT_EQUAL(again, pair.peer.resumed());
            }
            // New certificates, new keys of the tickets: an old one is no harm.
            context.reload();
            Pair pair(context, clients);
            CPPUNIT_ASSERT(pair.handshake() == Status::Established);
            CPPUNIT_ASSERT(!pair.server.resumed());
        }
    }

    void renegotiationIsRefused() {
        const TlsContext context(options());
        Pair pair(context, client({.maxVersion = TLS1_2_VERSION}));
        CPPUNIT_ASSERT(pair.handshake() == Status::Established);
        std::string plain;
        pair.peer.renegotiate();
        const std::string hello = pair.peer.output();
        CPPUNIT_ASSERT(!hello.empty());
        const Status status = pair.receive(hello, plain);
        // An alert says no; the client decides whether it goes on.
        CPPUNIT_ASSERT(status == Status::Going || status == Status::Failed);
        CPPUNIT_ASSERT(pair.answered > 0 && pair.answered < 100);
        CPPUNIT_ASSERT_EQUAL(std::string(), plain);
    }

    void newKeysAreTakenAndAnswered() {
        const TlsContext context(options());
        Pair pair(context);
        CPPUNIT_ASSERT(pair.handshake() == Status::Established);
        std::string plain, back;
        for (int i = 0; i < 3; ++i) {
            pair.peer.updateKeys();
            pair.peer.write("next ");
            CPPUNIT_ASSERT(pair.receive(pair.peer.output(), plain) == Status::Going);
            CPPUNIT_ASSERT(pair.server.encrypt(pair.buffers, "fine "));
            pair.peer.feed(pair.said());
            CPPUNIT_ASSERT(pair.peer.read(back));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("next next next "), plain);
        CPPUNIT_ASSERT_EQUAL(std::string("fine fine fine "), back);
        // Each asks for one answer, which is no larger.
        for (int i = 0; i < 1000; ++i) pair.peer.updateKeys();
        pair.answered = 0;
        const std::string updates = pair.peer.output();
        pair.receive(updates, plain);
        CPPUNIT_ASSERT(pair.answered <= updates.size());
    }

    void closeNotifyEndsEitherSide() {
        const TlsContext context(options());
        Pair pair(context);
        CPPUNIT_ASSERT(pair.handshake() == Status::Established);
        std::string plain;
        pair.peer.write("bye");
        pair.peer.close();
        CPPUNIT_ASSERT(pair.receive(pair.peer.output(), plain) == Status::Ended);
        CPPUNIT_ASSERT_EQUAL(std::string("bye"), plain);
        // What was still to be said can be said.
        CPPUNIT_ASSERT(pair.server.encrypt(pair.buffers, "and so on"));
        pair.server.close(pair.buffers);
        const std::size_t size = pair.buffers.output.size();
        pair.server.close(pair.buffers);
        CPPUNIT_ASSERT_EQUAL(size, pair.buffers.output.size());
        pair.peer.feed(pair.said());
        std::string back;
        CPPUNIT_ASSERT(!pair.peer.read(back));
        CPPUNIT_ASSERT_EQUAL(std::string("and so on"), back);
    }

    void garbageIsRefused() {
        const TlsContext context(options());
        const std::string cases[] = {
            std::string(100, '\0'),
            std::string(100, '\xff'),
            std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10),
            std::string("\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9),   // a ServerHello
            std::string("\x17\x03\x03\x00\x04\x01\x00\x00\x00", 9),   // application data
            std::string("\x15\x03\x03\x00\x02\x02\x28", 7),           // a fatal alert
            std::string("\x16\x03\x01\x00\x01\x01\x16\x03\x01", 9),   // one byte in a record
            std::string("\x16\x03\x01\xff\xff\x01\x00\xff\xfb", 9) +  // a record too large
                std::string(70'000, 'x'),
            std::string("\x80\x2e\x01\x00\x02", 5) + std::string(60, '\x01'),  // SSL 2
        };
        for (const std::string& bytes : cases)
            for (const bool whole : {true, false}) {
                TlsTransport server(
                    context, [](void*) {}, nullptr);
                Status status = Status::Going;
                TlsBuffers buffers;
                for (std::size_t at = 0; at < bytes.size() && status == Status::Going;) {
                    const std::size_t size = whole ? bytes.size() : 1;
                    std::string_view input = std::string_view(bytes).substr(at, size);
                    status = server.handshake(buffers, input);
                    at += size;
                }
                CPPUNIT_ASSERT(status == Status::Failed);
                CPPUNIT_ASSERT(*server.failure());
                CPPUNIT_ASSERT(buffers.output.size() < 20);
                CPPUNIT_ASSERT(!server.metPlainHttp());
                buffers.output.clear();
                server.close(buffers);  // does nothing to what is broken
                CPPUNIT_ASSERT(!server.encrypt(buffers, "x"));
                CPPUNIT_ASSERT_EQUAL(std::string(), buffers.output);
            }
    }

    void aHugeClientHelloIsRefusedFromItsHead() {
        const TlsContext context(options());
        struct Case {
            int announced;
            Status expected;
        };
        const Case cases[] = {{16 * 1024, Status::Going},
                              {16 * 1024 + 1, Status::Failed},
                              {131'000, Status::Failed},
                              {0xffffff, Status::Failed}};
        for (const Case& c : cases) {
            TlsTransport server(
                context, [](void*) {}, nullptr);
            std::string head("\x16\x03\x01\x00\x10\x01", 6);
            for (const int shift : {16, 8, 0}) head += static_cast<char>(c.announced >> shift);
            std::string_view input = head;
            TlsBuffers buffers;
            CPPUNIT_ASSERT(server.handshake(buffers, input) == c.expected);
        }
    }

    void aHandshakeIsLimited() {
        const TlsContext context(options());
        TlsTransport server(
            context, [](void*) {}, nullptr);
        // A message in records of a byte each: it is small, but they are not.
        TlsBuffers buffers;
        const std::string start("\x16\x03\x01\x00\x04\x01\x00\x10\x00", 9);
        std::string_view input = start;
        CPPUNIT_ASSERT(server.handshake(buffers, input) == Status::Going);
        std::size_t sent = 0;
        Status status = Status::Going;
        while (status == Status::Going && sent < 200'000) {
            const std::string record("\x16\x03\x01\x00\x01x", 6);
            input = record;
            status = server.handshake(buffers, input);
            sent += record.size();
        }
        CPPUNIT_ASSERT(status == Status::Failed);
        CPPUNIT_ASSERT(sent <= TlsTransport::kMaxHandshakeBytes + 6);
    }

    void plainHttpIsRecognised() {
        const TlsContext context(options());
        for (const char* const request :
             {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /socket.io/ HTTP/1.1\r\n\r\n"}) {
            TlsTransport server(
                context, [](void*) {}, nullptr);
            std::string_view input = request;
            TlsBuffers buffers;
            CPPUNIT_ASSERT(server.handshake(buffers, input) == Status::Failed);
            CPPUNIT_ASSERT(server.metPlainHttp());
            CPPUNIT_ASSERT_EQUAL(std::string("http request"), std::string(server.failure()));
        }
    }

    void aRecordThatWasTamperedWithIsRefused() {
        const TlsContext context(options());
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            Pair pair(context, client({.maxVersion = version}));
            CPPUNIT_ASSERT(pair.handshake() == Status::Established);
            pair.peer.write("good");
            std::string records = pair.peer.output();
            pair.peer.write("evil");
            std::string evil = pair.peer.output();
            evil.back() ^= 1;
            std::string plain;
            CPPUNIT_ASSERT(pair.receive(records + evil, plain) == Status::Failed);
            CPPUNIT_ASSERT_EQUAL(std::string("good"), plain);
            CPPUNIT_ASSERT(pair.answered > 0);  // an alert
            CPPUNIT_ASSERT(!pair.server.encrypt(pair.buffers, "x"));
        }
    }

    void oneFailureDoesNotReachTheNextConnection() {
        const TlsContext context(options());
        Pair healthy(context);
        CPPUNIT_ASSERT(healthy.handshake() == Status::Established);
        for (int i = 0; i < 20; ++i) {
            TlsTransport bad(
                context, [](void*) {}, nullptr);
            std::string_view garbage = "complete nonsense";
            std::string plain;
            CPPUNIT_ASSERT(bad.handshake(healthy.buffers, garbage) == Status::Failed);
            healthy.said();
            healthy.peer.write("x");
            CPPUNIT_ASSERT(healthy.receive(healthy.peer.output(), plain) == Status::Going);
            CPPUNIT_ASSERT(healthy.server.encrypt(healthy.buffers, plain));
            healthy.peer.feed(healthy.said());
        }
    }

    void clientsShowCertificates() {
        using Clients = TlsOptions::Clients;
        TestCertificates strangers;
        strangers.add("stranger");
        struct Case {
            Clients asked;
            const char* shown;
            bool good;
            const char* subject;
        };
        const Case cases[] = {
            {Clients::Ignored, "", true, ""},
            {Clients::Ignored, "client", true, ""},
            {Clients::Optional, "", true, ""},
            {Clients::Optional, "client", true, "CN=client"},
            {Clients::Optional, "stranger", false, ""},
            {Clients::Required, "", false, ""},
            {Clients::Required, "client", true, "CN=client"},
            {Clients::Required, "stranger", false, ""},
        };
        for (const Case& c : cases)
            for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
                TlsOptions asking = options();
                asking.clients = c.asked;
                asking.caFile = certificates().ca();
                const TlsContext context(asking);
                TlsClientContext::Options shown{.maxVersion = version, .keepSession = true};
                const std::string name = c.shown;
                if (!name.empty()) {
                    const TestCertificates& whose = name == "stranger" ? strangers : certificates();
                    shown.certificateFile = whose.path(name + ".pem");
                    shown.privateKeyFile = whose.path(name + ".key");
                }
                const auto clients = client(shown);
                for (int time = 0; time < 2; ++time) {  // the second one is resumed
                    Pair pair(context, clients);
                    CPPUNIT_ASSERT_MESSAGE(name + " " + pair.failure,
                                           (pair.handshake() == Status::Established) == c.good);
                    CPPUNIT_ASSERT_EQUAL(std::string(c.subject), pair.server.clientSubject());
                    if (!*c.subject) continue;
                    CPPUNIT_ASSERT(pair.server.hasClientCertificate());
                    CPPUNIT_ASSERT_EQUAL(std::string("CN=Test CA"), pair.server.clientIssuer());
                    CPPUNIT_ASSERT(!pair.server.clientSerial().empty());
                }
            }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TlsTransportTest);

}  // namespace socketio
