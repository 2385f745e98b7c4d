#include <stdexcept>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "OriginPolicy.h"

namespace socketio {

class OriginPolicyTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(OriginPolicyTest);
    CPPUNIT_TEST(requestsWithoutAnOriginPass);
    CPPUNIT_TEST(comparesHostAndPort);
    CPPUNIT_TEST(comparesAListToTheLetter);
    CPPUNIT_TEST(anyOriginIsWrittenBack);
    CPPUNIT_TEST(asksAFunction);
    CPPUNIT_TEST(believesNoForwardedHeaders);
    CPPUNIT_TEST(preflightNamesOnlyWhatIsAName);
    CPPUNIT_TEST_SUITE_END();

public:
    void requestsWithoutAnOriginPass() {
        for (const AllowedOrigins& allowed :
             {AllowedOrigins(), AllowedOrigins("https://good.example"), AllowedOrigins("*")}) {
            const OriginPolicy policy(allowed, true);
            Environ environ;
            environ.addHeader("Host", "good.example");
            CPPUNIT_ASSERT(policy.allows(environ));
            HeaderList headers;
            policy.addHeaders(headers, environ);
            CPPUNIT_ASSERT(!headers.has("Access-Control-Allow-Origin"));
            CPPUNIT_ASSERT(headers.get("Vary") == "Origin");
        }
    }

    void comparesHostAndPort() {
        struct Case {
            const char *origin, *host;
            bool tls, allowed;
        };
        const Case cases[] = {
            {"http://good.example", "good.example", false, true},
            {"http://good.example", "GOOD.example", false, true},
            {"http://good.example", "good.example:80", false, true},
            {"http://good.example:80", "good.example", false, true},
            {"ws://good.example", "good.example", false, true},
            {"https://good.example", "good.example", true, true},
            {"wss://good.example", "good.example", true, true},
            {"https://good.example:8443", "good.example:8443", true, true},
            {"http://localhost:5000", "localhost:5000", false, true},
            {"http://[::1]:5000", "[::1]:5000", false, true},
            {"http://[::1]", "[::1]", false, true},
            {"https://good.example:5000", "good.example:5000", false, true},
            {"localhost:5000", "localhost:5000", false, true},
            {"good.example", "good.example", false, true},
            {"good.example", "good.example:443", true, true},
            {"good.example", "good.example:8080", false, false},
            {"evil.example", "good.example", false, false},
            {"null", "null", false, false},
            {"data:text", "good.example", false, false},
            {"https://evil.example", "good.example", true, false},
            {"http://good.example", "good.example", true, false},
            {"https://good.example", "good.example", false, false},
            {"http://good.example:8080", "good.example", false, false},
            {"http://good.example", "good.example:8080", false, false},
            {"https://good.example.evil", "good.example", true, false},
            {"https://good.example.", "good.example", true, false},
            {"https://evil.good.example", "good.example", true, false},
            {"HTTPS://GOOD.EXAMPLE", "good.example", true, false},
            {"https://GOOD.EXAMPLE", "good.example", true, false},
            {"https://good.example/", "good.example", true, false},
            {"https://good.example/x", "good.example", true, false},
            {"https://user@good.example", "good.example", true, false},
            {"https://good.example,https://good.example", "good.example", true, false},
            {"https://good.example https://evil.example", "good.example", true, false},
            {"https://good.example:", "good.example", true, false},
            {"https://good.example:443x", "good.example", true, false},
            {"https://good.example:4431", "good.example", true, false},
            {"https://good.example:65979", "good.example", true, false},
            {"https://", "good.example", true, false},
            {"https://:443", "", true, false},
            {"null", "good.example", true, false},
            {"", "good.example", true, false},
            {"file://", "good.example", true, false},
            {"chrome-extension://good.example", "good.example", true, false},
        };
        const OriginPolicy policy(AllowedOrigins(), true);
        for (const Case& c : cases) {
            Environ environ = request(c.origin, c.host);
            if (c.tls) environ.set("HTTPS", "on");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(c.origin) + " at " + c.host, c.allowed,
                                         policy.allows(environ));
        }
        // HTTP/1.0 without a Host.
        Environ old;
        old.addHeader("Origin", "http://10.0.0.1:5000");
        old.set("SERVER_NAME", "10.0.0.1");
        old.set("SERVER_PORT", "5000");
        CPPUNIT_ASSERT(policy.allows(old));
    }

    void comparesAListToTheLetter() {
        const OriginPolicy policy(
            std::vector<std::string>{"https://a.example", "https://b.example:8443"}, true);
        const auto allows = [&](const char* origin) {
            return policy.allows(request(origin, "c.example"));
        };
        CPPUNIT_ASSERT(allows("https://a.example"));
        CPPUNIT_ASSERT(allows("https://b.example:8443"));
        for (const char* other :
             {"https://c.example", "http://a.example", "https://a.example:443", "https://A.example",
              "https://b.example", "https://a.example.evil", "null", ""})
            CPPUNIT_ASSERT_MESSAGE(other, !allows(other));
    }

    void anyOriginIsWrittenBack() {
        for (const bool credentials : {true, false}) {
            const OriginPolicy policy(AllowedOrigins("*"), credentials);
            for (const char* origin : {"https://a.example", "null", "file://"}) {
                const Environ environ = request(origin, "b.example");
                CPPUNIT_ASSERT(policy.allows(environ));
                HeaderList headers;
                policy.addHeaders(headers, environ);
                CPPUNIT_ASSERT(headers.get("Access-Control-Allow-Origin") == origin);
                CPPUNIT_ASSERT_EQUAL(credentials, headers.has("Access-Control-Allow-Credentials"));
                CPPUNIT_ASSERT(headers.get("Vary") == "Origin");
            }
            for (const char* bad : {"a,b", "a b", "<script>", "\xc3\xa4", "a\"b", "\x7f"})
                CPPUNIT_ASSERT_MESSAGE(bad, !policy.allows(request(bad, "b.example")));
            CPPUNIT_ASSERT(!policy.allows(request(std::string(513, 'a'), "b.example")));
        }
        CPPUNIT_ASSERT(AllowedOrigins(std::vector<std::string>{"https://a.example", "*"}).mode ==
                       AllowedOrigins::Mode::Any);
    }

    void asksAFunction() {
        const OriginPolicy policy(
            AllowedOrigins([](const std::string& origin, const Environ& environ) {
                if (origin == "https://throws.example") throw std::runtime_error("no");
                return environ.queryParameter("tenant") == "a" && origin == "https://a.example";
            }),
            true);
        const auto allows = [&](const char* origin, const char* query) {
            Environ environ = request(origin, "b.example");
            environ.set("QUERY_STRING", query);
            return policy.allows(environ);
        };
        CPPUNIT_ASSERT(allows("https://a.example", "tenant=a"));
        CPPUNIT_ASSERT(!allows("https://a.example", "tenant=b"));
        CPPUNIT_ASSERT(!allows("https://throws.example", "tenant=a"));
    }

    void believesNoForwardedHeaders() {
        const OriginPolicy policy(AllowedOrigins(), true);
        Environ environ = request("https://evil.example", "good.example");
        environ.addHeader("X-Forwarded-Host", "evil.example");
        environ.addHeader("X-Forwarded-Proto", "https");
        environ.addHeader("Forwarded", "host=evil.example;proto=https");
        CPPUNIT_ASSERT(!policy.allows(environ));
    }

    void preflightNamesOnlyWhatIsAName() {
        const OriginPolicy policy(AllowedOrigins("*"), true);
        const auto allowed = [&](const std::string& requested) {
            Environ environ = request("https://a.example", "b.example");
            environ.set("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", requested);
            const Response response = policy.preflight(environ);
            CPPUNIT_ASSERT_EQUAL(204, response.status);
            CPPUNIT_ASSERT(response.headers.get("Access-Control-Allow-Methods") ==
                           "OPTIONS, GET, POST");
            return std::string(response.headers.get("Access-Control-Allow-Headers"));
        };
        CPPUNIT_ASSERT_EQUAL(std::string("x-a, X-B"), allowed("x-a,X-B"));
        CPPUNIT_ASSERT_EQUAL(std::string("x-a, x-c"), allowed("x-a, x b, <x>,, x-c "));
        CPPUNIT_ASSERT_EQUAL(std::string(), allowed(""));
        CPPUNIT_ASSERT_EQUAL(std::string(), allowed("x: y"));
        CPPUNIT_ASSERT_EQUAL(std::string(), allowed(std::string(8000, 'x')));
        std::string many = "a";
        for (int i = 0; i < 32; ++i) many += ",a";
        CPPUNIT_ASSERT_EQUAL(std::string(), allowed(many));
    }

private:
    static Environ request(std::string_view origin, std::string_view host) {
        Environ environ;
        environ.addHeader("Host", host);
        environ.addHeader("Origin", origin);
        return environ;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OriginPolicyTest);

}  // namespace socketio
