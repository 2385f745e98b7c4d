// poco-socketio-emit as a script uses it.
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "support/ChildProgram.h"

#ifdef SOCKETIO_WITH_REDIS
#include "../redis/RedisPeer.h"
#include "support/RedisServer.h"
#endif

namespace socketio {

namespace {

struct Outcome {
    int status = 0;
    std::string output, error;
};

Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), EMIT_PROGRAM);
    test::ChildProgram program(arguments);
    Outcome outcome;
    outcome.status = program.wait();
    outcome.output = program.output();
    outcome.error = program.error();
    return outcome;
}

}  // namespace

class EmitProgramTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EmitProgramTest);
    CPPUNIT_TEST(tellsAboutItself);
    CPPUNIT_TEST(aWrongCommandLineIsNamed);
#ifdef SOCKETIO_WITH_REDIS
    CPPUNIT_TEST(reachesTheClients);
    CPPUNIT_TEST(aMissingBrokerIsStatusOne);
#endif
    CPPUNIT_TEST_SUITE_END();

public:
    void tellsAboutItself() {
        const Outcome help = run({"--help"});
        CPPUNIT_ASSERT_EQUAL(0, help.status);
        CPPUNIT_ASSERT(help.output.starts_with("usage: poco-socketio-emit"));
        const Outcome version = run({"--version"});
        CPPUNIT_ASSERT_EQUAL(0, version.status);
        CPPUNIT_ASSERT(version.output.starts_with("poco-socketio-emit "));
    }

    void aWrongCommandLineIsNamed() {
        struct Case {
            std::vector<std::string> arguments;
            std::string error;
        };
        const Case cases[] = {
            {{}, "--url"},
            {{"--url", "memory://"}, "event is missing"},
            {{"--url"}, "--url needs a value"},
            {{"--url", "memory://", "--roam", "x", "e"}, "--roam"},
            {{"--url", "memory://", "-r", "x", "e"}, "-r"},
            {{"--url", "memory://", "--help=x", "e"}, "--help"},
            {{"--url", "memory://", "--callback", "x", "e"}, "--callback"},
            {{"--url", "memory://", "--dialect", "yaml", "e"}, "--dialect"},
            {{"--url", "memory://", "--timeout", "0", "e"}, "--timeout"},
            {{"--url", "memory://", "--namespace", "n", "e"}, "--namespace"},
            {{"--url", "memory://", "e", "1", "{\"a\""}, "argument 2"},
            {{"--url", "memory://", "e", "hi"}, "argument 1"},
            {{"--url", "memory://", "e"}, "one process"},
            {{"--url", "zmq://me:secret@host", "e"}, "zmq://"},
        };
        for (const Case& each : cases) {
            const Outcome outcome = run(each.arguments);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(each.error, 2, outcome.status);
            CPPUNIT_ASSERT_MESSAGE(outcome.error,
                                   outcome.error.find(each.error) != std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(outcome.error,
                                   outcome.error.find('\n') == outcome.error.size() - 1);
            CPPUNIT_ASSERT(outcome.error.find("secret") == std::string::npos);
            CPPUNIT_ASSERT(outcome.output.empty());
        }
    }

#ifdef SOCKETIO_WITH_REDIS
    void reachesTheClients() {
        test::RedisServer server;
        test::RedisPeer one(server.url()), two(server.url());
        CPPUNIT_ASSERT(connected(one, two) && connected(two, one));
        one.manager->enterRoom(one.manager->hostId(), "/", "lobby");
        for (const char* dialect : {"json", "legacy-json", "pickle"}) {
            const std::string event = std::string("to the room, ") + dialect;
            const Outcome outcome =
                run({"--url", server.url(), "--room=lobby", "--room", "none", "--dialect", dialect,
                     "--", event, "{\"k\":[1]}", "-5", "\"\u00e9\""});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(outcome.error, 0, outcome.status);
            CPPUNIT_ASSERT_EQUAL(std::string(), outcome.error + outcome.output);
            CPPUNIT_ASSERT(test::eventually([&] {
                return one.journal.count("[\"" + event + "\",{\"k\":[1]},-5,\"\u00e9\"]") == 1;
            }));
        }
        CPPUNIT_ASSERT_EQUAL(
            0, run({"--url", server.url(), "--skip", one.manager->hostId(), "e"}).status);
        CPPUNIT_ASSERT(test::eventually([&] { return two.journal.count("[\"e\"]") == 1; }));
        CPPUNIT_ASSERT_EQUAL(0, run({"--url", server.url(), "--channel", "other", "e"}).status);
        CPPUNIT_ASSERT_EQUAL(0, run({"--url", server.url(), "--namespace=/x", "e"}).status);
        CPPUNIT_ASSERT(connected(one, two));
        CPPUNIT_ASSERT(two.journal.count("[\"e\"]") == 1 && one.journal.count("[\"e\"]") == 0);
    }

    void aMissingBrokerIsStatusOne() {
        std::vector<std::string> schemes = {"redis", "kombu+redis"};
#ifdef SOCKETIO_WITH_AMQP
        schemes.push_back("amqp");
#endif
        for (const std::string& scheme : schemes) {
            const std::string port = std::to_string(test::freePort());
            const Outcome outcome =
                run({"--url", scheme + "://me:secret@localhost:" + port, "--timeout", "1", "e"});
            CPPUNIT_ASSERT_EQUAL(1, outcome.status);
            CPPUNIT_ASSERT_MESSAGE(outcome.error,
                                   outcome.error.find("refused") != std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(outcome.error,
                                   outcome.error.find('\n') == outcome.error.size() - 1);
            CPPUNIT_ASSERT(outcome.error.find("secret") == std::string::npos);
        }
    }
#endif
};

CPPUNIT_TEST_SUITE_REGISTRATION(EmitProgramTest);

}  // namespace socketio
