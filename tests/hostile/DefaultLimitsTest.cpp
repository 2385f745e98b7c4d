// The other tests of this folder shorten limits; these are the real ones.
#include <sys/resource.h>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/http/HttpServer.h"
#include "socketio/net/Hub.h"
#include "socketio/protocol/WebSocketFrame.h"
#include "socketio/server/ServerOptions.h"

namespace socketio::test {

using namespace std::chrono_literals;

class DefaultLimitsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DefaultLimitsTest);
    CPPUNIT_TEST(ofHttp);
    CPPUNIT_TEST(ofTheHub);
    CPPUNIT_TEST(ofTheServer);
    CPPUNIT_TEST(ofTheServerOf2018);
    CPPUNIT_TEST_SUITE_END();

public:
    void ofHttp() {
        const HttpLimits limits;
        CPPUNIT_ASSERT_EQUAL(std::size_t(8192), limits.head.requestLine);
        CPPUNIT_ASSERT_EQUAL(std::size_t(8192), limits.head.field);
        CPPUNIT_ASSERT_EQUAL(std::size_t(16'384), limits.head.block);
        CPPUNIT_ASSERT_EQUAL(std::size_t(100), limits.head.fields);
        CPPUNIT_ASSERT(limits.headTime == 10s);
        CPPUNIT_ASSERT(limits.bodyTime == 30s);
        CPPUNIT_ASSERT(limits.bodyGrace == 10s);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1024), limits.minBodyRate);
        CPPUNIT_ASSERT(limits.keepAliveTime == 75s);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1000), limits.keepAliveRequests);
        CPPUNIT_ASSERT_EQUAL(std::size_t(65'536), limits.pipelinedBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t(0), limits.outboundBytes);  // four messages, 4 MiB
        CPPUNIT_ASSERT(limits.writeStall == 30s);
        CPPUNIT_ASSERT(limits.webSocketCloseWait == 5s);
        CPPUNIT_ASSERT_EQUAL(100u, limits.webSocketControlFrames);
        CPPUNIT_ASSERT(HttpServerOptions().stopTimeout == 25s);

        const WebSocketDecoder::Limits frames;
        CPPUNIT_ASSERT_EQUAL(std::size_t(1'000'000), frames.maxMessageBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1024), frames.maxFragments);

        const Connection::Limits connection;
        CPPUNIT_ASSERT_EQUAL(std::size_t(65'536), connection.maxPendingInput);
        CPPUNIT_ASSERT_EQUAL(std::size_t(4 * 1024 * 1024), connection.maxOutput);
        CPPUNIT_ASSERT(connection.writeStall == 30s);
    }

    void ofTheHub() {
        const Hub hub;
        const HubOptions& options = hub.options();
        CPPUNIT_ASSERT_EQUAL(64u, options.maxWorkers);
        CPPUNIT_ASSERT_EQUAL(std::size_t(10'000), options.maxQueuedWork);
        CPPUNIT_ASSERT(options.handlerWarning == 30s);
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur > 2000 && limit.rlim_cur != RLIM_INFINITY)
            CPPUNIT_ASSERT_EQUAL(std::size_t(limit.rlim_cur) - 1000, options.maxConnections);
    }

    void ofTheServer() {
        const ServerOptions options;
        CPPUNIT_ASSERT(options.pingInterval == 25s);
        CPPUNIT_ASSERT(options.pingTimeout == 20s);
        CPPUNIT_ASSERT(options.upgradeTimeout == 10s);
        CPPUNIT_ASSERT(options.connectTimeout == 45s);
        CPPUNIT_ASSERT(options.ackTimeout == 60s);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1'000'000), options.maxHttpBufferSize);
        CPPUNIT_ASSERT_EQUAL(std::size_t(4 * 1024 * 1024), options.outboundLimit());
        CPPUNIT_ASSERT_EQUAL(std::size_t(1000), options.maxPacketsPerPayload);
        CPPUNIT_ASSERT_EQUAL(std::size_t(16), options.maxPacketsPerPoll);
        CPPUNIT_ASSERT_EQUAL(std::size_t(64), options.maxNamespacesPerClient);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1024), options.maxPendingAcks);
        CPPUNIT_ASSERT_EQUAL(std::size_t(256), options.inboundTasks);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1'000'000), options.inboundBytes);
        CPPUNIT_ASSERT_EQUAL(std::size_t(1024), options.compressionThreshold);
        CPPUNIT_ASSERT(options.httpCompression);
        CPPUNIT_ASSERT(options.transports == (std::vector<std::string>{"polling", "websocket"}));
        CPPUNIT_ASSERT(options.engineIo3);
        CPPUNIT_ASSERT(options.engineIo4);
        CPPUNIT_ASSERT(!options.jsonp);
        CPPUNIT_ASSERT(!options.cookie);
        CPPUNIT_ASSERT(options.corsAllowedOrigins.mode == AllowedOrigins::Mode::SameOrigin);
        CPPUNIT_ASSERT(!options.asyncHandlers);
        CPPUNIT_ASSERT(options.monitorClients);
    }

    void ofTheServerOf2018() {
        const ServerOptions options = ServerOptions::classic();
        CPPUNIT_ASSERT(options.pingTimeout == 60s);
        CPPUNIT_ASSERT_EQUAL(std::size_t(100'000'000), options.maxHttpBufferSize);
        CPPUNIT_ASSERT_EQUAL(std::size_t(400'000'000), options.outboundLimit());
        CPPUNIT_ASSERT(options.cookie && options.cookie->name == "io");
        CPPUNIT_ASSERT(options.corsAllowedOrigins.mode == AllowedOrigins::Mode::Any);
        CPPUNIT_ASSERT(options.corsCredentials);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DefaultLimitsTest);

}  // namespace socketio::test
