#include <string>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/exchange/TrustedProxies.h"

namespace socketio {

namespace {

Environ request(std::string_view peer) {
    Environ environ;
    environ.set("SERVER_NAME", "inner");
    environ.set("SERVER_PORT", "8080");
    environ.set("REMOTE_ADDR", peer);
    environ.set("REMOTE_PORT", "4711");
    environ.set("HTTP_HOST", "inner:8080");
    return environ;
}

std::string shown(const Environ& environ) {
    std::string text;
    for (const char* name :
         {"REMOTE_ADDR", "REMOTE_PORT", "HTTPS", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT"})
        text.append(environ.get(name)).append(" ");
    return text;
}

}  // namespace

class TrustedProxiesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TrustedProxiesTest);
    CPPUNIT_TEST(knowsAddressesAndNetworks);
    CPPUNIT_TEST(namesWhatItCannotRead);
    CPPUNIT_TEST(readsAListInOneText);
    CPPUNIT_TEST(believesNobodyElse);
    CPPUNIT_TEST(takesTheLastHopThatIsNotTrusted);
    CPPUNIT_TEST(takesSchemeAndHostOfTheSameHop);
    CPPUNIT_TEST(leavesTheHeadersAsTheyCame);
    CPPUNIT_TEST_SUITE_END();

public:
    void knowsAddressesAndNetworks() {
        struct Case {
            const char *proxy, *peer;
            bool trusted;
        };
        const Case cases[] = {
            {"127.0.0.1", "127.0.0.1", true},
            {"127.0.0.1", "127.0.0.2", false},
            {"127.0.0.1", "::ffff:127.0.0.1", true},
            {"::ffff:127.0.0.1", "127.0.0.1", true},
            {"10.0.0.0/8", "10.255.0.1", true},
            {"10.0.0.0/8", "11.0.0.1", false},
            {"10.0.0.0/8", "::ffff:10.1.2.3", true},
            {"::ffff:10.0.0.0/104", "10.9.9.9", true},
            {"192.168.4.0/22", "192.168.7.255", true},
            {"192.168.4.0/22", "192.168.8.0", false},
            {"0.0.0.0/0", "203.0.113.9", true},
            {"0.0.0.0/0", "2001:db8::1", false},
            {"192.0.2.7/32", "192.0.2.7", true},
            {"::1", "::1", true},
            {"::1", "127.0.0.1", false},
            {"2001:db8::/32", "2001:db8:ffff::1", true},
            {"2001:db8::/32", "2001:db9::1", false},
            {"2001:db8::8/125", "2001:db8::f", true},
            {"2001:db8::8/125", "2001:db8::10", false},
            {"::/0", "2001:db8::1", true},
            {"::/0", "127.0.0.1", false},
            {"unix", "", true},
            {"unix", "127.0.0.1", false},
            {"0.0.0.0/0", "", false},
            {"0.0.0.0/0", "localhost", false},
        };
        for (const Case& c : cases) {
            const TrustedProxies proxies{c.proxy};
            CPPUNIT_ASSERT(!proxies.empty());
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.proxy) + " " + c.peer, c.trusted,
                                         proxies.trusts(c.peer));
        }
        CPPUNIT_ASSERT(TrustedProxies().empty() && !TrustedProxies().trusts("127.0.0.1"));
        CPPUNIT_ASSERT(!TrustedProxies().trusts(""));
    }

    void namesWhatItCannotRead() {
        for (const char* proxy :
             {"localhost", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.1/8",
              "2001:db8::/129", "2001:db8::1/64", "10.0.0/8", "*", "Unix", "", "10.0.0.0/8 ",
              "::ffff:10.0.0.1/104", "10.0.0.0/ 8", "10.0.0.0/+8"}) {
            try {
                const TrustedProxies proxies(std::vector<std::string>{proxy});
                CPPUNIT_FAIL(std::string("taken: ") + proxy);
            } catch (const Poco::InvalidArgumentException& e) {
                CPPUNIT_ASSERT_MESSAGE(e.displayText(),
                                       e.displayText().find("trustedProxies") != std::string::npos);
                CPPUNIT_ASSERT(e.displayText().find(proxy) != std::string::npos);
            }
        }
    }

    void readsAListInOneText() {
        const TrustedProxies proxies(std::string_view(" 127.0.0.1, 10.0.0.0/8 ,unix\t::1"));
        for (const char* peer : {"127.0.0.1", "10.1.1.1", "", "::1"})
            CPPUNIT_ASSERT_MESSAGE(peer, proxies.trusts(peer));
        CPPUNIT_ASSERT(TrustedProxies(std::string_view(" , ")).empty());
    }

    void believesNobodyElse() {
        Environ environ = request("203.0.113.5");
        environ.addHeader("X-Forwarded-For", "198.51.100.1");
        environ.addHeader("X-Forwarded-Proto", "https");
        environ.addHeader("X-Forwarded-Host", "victim.example");
        const std::string before = shown(environ);
        TrustedProxies{"127.0.0.1", "unix"}.apply(environ);
        TrustedProxies().apply(environ);
        CPPUNIT_ASSERT_EQUAL(before, shown(environ));
    }

    void takesTheLastHopThatIsNotTrusted() {
        struct Case {
            const char *hops, *address, *port;
        };
        const Case cases[] = {
            {"198.51.100.1", "198.51.100.1", "0"},
            {"6.6.6.6, 198.51.100.1", "198.51.100.1", "0"},
            {"6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1", "0"},
            {"6.6.6.6,198.51.100.1,10.0.0.2 , 10.0.0.3", "198.51.100.1", "0"},
            {"10.0.0.9, 10.0.0.2", "10.0.0.9", "0"},  // all are trusted: the first
            {"198.51.100.1:5000", "198.51.100.1", "5000"},
            {"[2001:db8::1]:5000", "2001:db8::1", "5000"},
            {"[2001:db8::1]", "2001:db8::1", "0"},
            {"2001:DB8::1", "2001:db8::1", "0"},
            {"::ffff:198.51.100.1", "198.51.100.1", "0"},
            // What cannot be read ends the search: the last good hop counts.
            {"6.6.6.6, unknown", "10.0.0.1", "4711"},
            {"6.6.6.6, evil, 10.0.0.2", "10.0.0.2", "0"},
            {"6.6.6.6, , 10.0.0.2", "10.0.0.2", "0"},
            {"", "10.0.0.1", "4711"},
            {",", "10.0.0.1", "4711"},
            {"198.51.100.1:99999", "10.0.0.1", "4711"},
            {"198.51.100.1:", "10.0.0.1", "4711"},
            {"198.51.100.1:5 0", "10.0.0.1", "4711"},
            {"[198.51.100.1]", "10.0.0.1", "4711"},
            {"[2001:db8::1]x", "10.0.0.1", "4711"},
            {"[2001:db8::1", "10.0.0.1", "4711"},
            {"_hidden", "10.0.0.1", "4711"},
            {"<script>", "10.0.0.1", "4711"},
        };
        const TrustedProxies proxies{"10.0.0.0/24"};
        for (const Case& c : cases) {
            Environ environ = request("10.0.0.1");
            environ.addHeader("X-Forwarded-For", c.hops);
            proxies.apply(environ);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.hops, std::string(c.address),
                                         std::string(environ.remoteAddress()));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.hops, std::string(c.port),
                                         std::string(environ["REMOTE_PORT"]));
        }
        // Several lines are one list.
        Environ environ = request("10.0.0.1");
        environ.addHeader("X-Forwarded-For", "6.6.6.6");
        environ.addHeader("X-Forwarded-For", "198.51.100.1");
        proxies.apply(environ);
        CPPUNIT_ASSERT(environ.remoteAddress() == "198.51.100.1");
    }

    void takesSchemeAndHostOfTheSameHop() {
        struct Case {
            const char *hops, *schemes, *hosts, *shown;
        };
        const Case cases[] = {
            {"", "https", "a.example", "10.0.0.1 4711 on a.example a.example 443 "},
            {"", "HTTPS", "a.example:8443", "10.0.0.1 4711 on a.example:8443 a.example 8443 "},
            {"", "wss", "", "10.0.0.1 4711 on inner:8080 inner 8080 "},
            {"", "http", "a.example", "10.0.0.1 4711  a.example a.example 80 "},
            {"", "", "[::1]:81", "10.0.0.1 4711  [::1]:81 [::1] 81 "},
            // An attacker's own values in front of what the proxy appended.
            {"198.51.100.1", "https, http", "evil.example, a.example",
             "198.51.100.1 0  a.example a.example 80 "},
            // Two proxies, each of which appended; and only the outer one did.
            {"198.51.100.1, 10.0.0.2", "https, http", "evil.example, a.example, inner",
             "198.51.100.1 0 on a.example a.example 443 "},
            {"198.51.100.1, 10.0.0.2", "https", "a.example",
             "198.51.100.1 0 on a.example a.example 443 "},
            // What is no scheme, and what is no host.
            {"", "ftp", "a b", "10.0.0.1 4711  inner:8080 inner 8080 "},
            {"", "on", "a.example@evil", "10.0.0.1 4711  inner:8080 inner 8080 "},
            {"", "https https", "a.example:port", "10.0.0.1 4711  inner:8080 inner 8080 "},
            {"", ", ", "a.example/", "10.0.0.1 4711  inner:8080 inner 8080 "},
        };
        const TrustedProxies proxies{"10.0.0.0/24"};
        for (const Case& c : cases) {
            Environ environ = request("10.0.0.1");
            if (*c.hops) environ.addHeader("X-Forwarded-For", c.hops);
            environ.addHeader("X-Forwarded-Proto", c.schemes);
            environ.addHeader("X-Forwarded-Host", c.hosts);
            proxies.apply(environ);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.hosts, std::string(c.shown), shown(environ));
        }
        // TLS up to us, but not between the client and the proxy.
        Environ environ = request("10.0.0.1");
        environ.set("HTTPS", "on");
        environ.addHeader("X-Forwarded-Proto", "http");
        proxies.apply(environ);
        CPPUNIT_ASSERT(!environ.has("HTTPS") && environ["HTTP_HOST"] == "inner:8080");
    }

    void leavesTheHeadersAsTheyCame() {
        Environ environ = request("");
        environ.addHeader("X-Forwarded-For", "6.6.6.6, 198.51.100.1");
        environ.addHeader("X-Forwarded-Host", "a.example");
        TrustedProxies{"unix"}.apply(environ);
        CPPUNIT_ASSERT(environ.remoteAddress() == "198.51.100.1");
        CPPUNIT_ASSERT(environ["HTTP_X_FORWARDED_FOR"] == "6.6.6.6, 198.51.100.1");
        CPPUNIT_ASSERT(environ["HTTP_X_FORWARDED_HOST"] == "a.example");
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TrustedProxiesTest);

}  // namespace socketio
