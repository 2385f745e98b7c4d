#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/socketio.h"

#include "support/RawClient.h"

namespace socketio {

/// The same-origin rule behind a proxy: the page knows the proxy's host and scheme, not ours.
class ForwardedOriginTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ForwardedOriginTest);
    CPPUNIT_TEST(goesByWhatATrustedProxySays);
    CPPUNIT_TEST(goesByTheRequestAloneOtherwise);
    CPPUNIT_TEST_SUITE_END();

public:
    void goesByWhatATrustedProxySays() {
        const Front front({"127.0.0.1"});
        CPPUNIT_ASSERT_EQUAL(200, front.ask("https://a.example", kForwarded));
        CPPUNIT_ASSERT_EQUAL(403, front.ask("http://a.example", kForwarded));
        CPPUNIT_ASSERT_EQUAL(403, front.ask("https://inner", kForwarded));
        CPPUNIT_ASSERT_EQUAL(403, front.ask("https://b.example", kForwarded));
        // What the client says itself stands in front of what the proxy says.
        CPPUNIT_ASSERT_EQUAL(403, front.ask("https://evil.example",
                                            "X-Forwarded-Host: evil.example, a.example\r\n"
                                            "X-Forwarded-Proto: https\r\n"));
        CPPUNIT_ASSERT_EQUAL(200, front.ask("http://inner", ""));
    }

    void goesByTheRequestAloneOtherwise() {
        for (const TrustedProxies& proxies : {TrustedProxies(), TrustedProxies{"10.0.0.0/8"}}) {
            const Front front(proxies);
            CPPUNIT_ASSERT_EQUAL(403, front.ask("https://a.example", kForwarded));
            CPPUNIT_ASSERT_EQUAL(200, front.ask("http://inner", kForwarded));
        }
    }

private:
    static constexpr const char* kForwarded =
        "X-Forwarded-Host: a.example\r\nX-Forwarded-Proto: https\r\n";

    struct Front {
        explicit Front(TrustedProxies proxies)
            : server(Middleware(sio), options(std::move(proxies))) {
            server.start();
        }
        static HttpServerOptions options(TrustedProxies proxies) {
            HttpServerOptions options;
            options.host = "127.0.0.1";
            options.port = 0;
            options.hub.ioThreads = 1;
            options.trustedProxies = std::move(proxies);
            return options;
        }
        int ask(const std::string& origin, const std::string& headers) const {
            test::RawClient client(server.port());
            client.send("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: inner\r\n" +
                        headers + "Origin: " + origin + "\r\n\r\n");
            return client.readResponse().status;
        }
        Server sio;
        HttpServer server;
    };
};
CPPUNIT_TEST_SUITE_REGISTRATION(ForwardedOriginTest);

}  // namespace socketio
