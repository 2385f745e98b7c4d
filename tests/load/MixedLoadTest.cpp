// Section "mixed hold": every transport at once, in one process.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

#include <cppunit/TestAssert.h>
#include <cppunit/extensions/HelperMacros.h>

#include "LoadFixture.h"

namespace socketio::test {

using namespace std::chrono_literals;

/// SOCKETIO_LOAD_MIXED in the environment is the number of sessions of all kinds, as far as
/// descriptors allow, SOCKETIO_LOAD_MIXED_SECONDS how long they are held.
class MixedLoadTest : public LoadFixture {
    CPPUNIT_TEST_SUITE(MixedLoadTest);
    CPPUNIT_TEST(holdsEveryTransport);
    CPPUNIT_TEST_SUITE_END();

public:
    void holdsEveryTransport() {
        // Longer than a ping interval.
        const std::chrono::seconds time(fromEnvironment("SOCKETIO_LOAD_MIXED_SECONDS", 28));
        const std::size_t all =
            std::min(fromEnvironment("SOCKETIO_LOAD_MIXED", 3800), mostSessions());
        // Those that post need connections besides.
        start({"hub.maxConnections=" + std::to_string(mostSessions() + 500)});
        struct Part {
            const char* kind;
            std::size_t nineteenths;
            std::uint16_t port;
        };
        const Part parts[] = {{"websocket", 12, server->port()},
                              {"polling", 4, server->port()},
                              {"fastcgi", 2, server->fastCgiPort()},
                              {"tls", 1, server->tlsPort()}};
        for (const Part& each : parts) addClients(each.kind, each.port);
        takeBase();
        std::size_t joined = 0;
        for (std::size_t i = 0; i < crowds.size(); ++i) {
            const std::size_t count = all * parts[i].nineteenths / 19;
            crowds[i]->join(count, 3s);
            joined += count;
        }
        for (std::size_t i = 0; i < crowds.size(); ++i)
            waitForJoined(*crowds[i], all * parts[i].nineteenths / 19);
        CPPUNIT_ASSERT_EQUAL(joined, server->connected());

        startTraffic();
        carryOn(time / 5);
        const std::size_t warm = residentBytes();
        carryOn(time - time / 5);
        const std::size_t held = residentBytes();
        settleTraffic();
        for (std::size_t i = 0; i < crowds.size(); ++i) {
            LoadClients::Counts counts = crowds[i]->counts();
            std::printf("%6s %-9s held for %lld s: %s echoes, p99 %.1f ms, %s broadcasts\n",
                        grouped(counts["joined"]).c_str(), parts[i].kind,
                        static_cast<long long>(time.count()), grouped(counts["answers"]).c_str(),
                        static_cast<double>(counts["answer.p99"]) / 1000,
                        grouped(counts["broadcasts"]).c_str());
        }
        std::printf("       memory %s KiB + %s, later %s KiB\n",
                    grouped(base.residentBytes >> 10).c_str(),
                    grouped((warm - base.residentBytes) >> 10).c_str(),
                    grouped((held - base.residentBytes) >> 10).c_str());
        CPPUNIT_ASSERT(held < base.residentBytes + kPerSession * joined);
        CPPUNIT_ASSERT(held <= warm + mayGrow(time - time / 5));
        end();
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MixedLoadTest);

}  // namespace socketio::test
