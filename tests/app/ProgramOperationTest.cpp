#include <csignal>
#include <filesystem>

#include <cppunit/extensions/HelperMacros.h>

#include "ProgramFolder.h"
#include "support/ChildProgram.h"
#include "support/EngineClient.h"
#include "support/Waiting.h"

namespace socketio {

using test::ChildProgram;
using test::eventually;
using test::PollingClient;
using test::ProgramFolder;
using test::RawClient;
using test::WebSocketClient;
using namespace std::chrono_literals;

/// The program in operation: several listeners, health, draining, logs and their rotation.
class ProgramOperationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProgramOperationTest);
    CPPUNIT_TEST(saysWhichManagersThereAre);
    CPPUNIT_TEST(showsNoPasswordOfTheQueue);
    CPPUNIT_TEST(listensInSeveralPlacesForTheSameClients);
    CPPUNIT_TEST(servesFoldersBelowTheirPaths);
    CPPUNIT_TEST(saysWhetherItIsAliveAndReady);
    CPPUNIT_TEST(drainsBeforeItEnds);
    CPPUNIT_TEST(anInterruptDoesNotWait);
    CPPUNIT_TEST(aSecondSignalEndsTheDrain);
    CPPUNIT_TEST(otherSignalsAreNoEnd);
    CPPUNIT_TEST(isThereAgainAfterAKill);
    CPPUNIT_TEST(writesAnAccessLogWithoutSecrets);
    CPPUNIT_TEST(writesJsonLines);
    CPPUNIT_TEST(logsRequestsAtDebugLevel);
    CPPUNIT_TEST(logsNoSecretsAtTheDefaultLevel);
    CPPUNIT_TEST(opensItsLogsAnewOnHangup);
    CPPUNIT_TEST(servesWithAFullLogDisk);
    CPPUNIT_TEST(followsThePocoKeysForLogging);
    CPPUNIT_TEST_SUITE_END();

public:
    void saysWhichManagersThereAre() {
        ChildProgram program({SERVER_PROGRAM, "--check", "--manager", "zmq://cat:secret@host"});
        CPPUNIT_ASSERT_EQUAL(2, program.wait());
        CPPUNIT_ASSERT_MESSAGE(program.error(),
                               program.error().find("--manager") != std::string::npos);
        CPPUNIT_ASSERT_MESSAGE(program.error(), program.error().find("redis") != std::string::npos);
        CPPUNIT_ASSERT_MESSAGE(program.error(),
                               program.error().find("secret") == std::string::npos);
    }

    void showsNoPasswordOfTheQueue() {
        ChildProgram program(
            {SERVER_PROGRAM, "--show-config", "--manager", "amqp://cat:se:cr@et@host:5672//"});
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        CPPUNIT_ASSERT_MESSAGE(
            program.output(),
            program.output().find("cluster.manager = amqp://cat:***@host:5672//") !=
                std::string::npos);
    }

    void listensInSeveralPlacesForTheSameClients() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--listen",
                              "http://[::1]:0", "--listen", "fastcgi:" + (folder / "f.sock"),
                              "--set", "server.stopTimeout=5000"});
        const std::uint16_t port = program.waitForPort();
        program.waitForOutput("serving on FastCGI on " + (folder / "f.sock") + "\n");
        const std::string second = program.output().substr(program.output().find('\n') + 1);
        const auto secondPort = static_cast<std::uint16_t>(
            std::stoi(second.substr(std::string("serving on http://localhost:").size())));

        WebSocketClient ann(port);
        ann.connect("/", R"({"name":"Ann"})");
        // A session of one door goes on through the other: there is one hub and one server.
        PollingClient bob(port);
        bob.connect("/", R"({"name":"Bob"})");
        RawClient::Options v6;
        v6.host = "::1";
        RawClient other(secondPort, v6);
        CPPUNIT_ASSERT_EQUAL(200, other.post(bob.target(), R"(42["join","garden"])").status);
        CPPUNIT_ASSERT(std::filesystem::is_socket(folder / "f.sock"));
        ann.raw().close();
        bob.post("1");
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        CPPUNIT_ASSERT(!std::filesystem::exists(folder / "f.sock"));
    }

    void servesFoldersBelowTheirPaths() {
        folder.write("page/index.html", "the page");
        folder.write("docs/index.html", "the docs");
        folder.write("docs/a/b.txt", "b");
        folder.write("docs/a/index.html", "a");
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--www",
                              folder / "page", "--mount", "/docs=" + (folder / "docs")});
        RawClient client(program.waitForPort());
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), client.get("/").body);
        CPPUNIT_ASSERT_EQUAL(std::string("the docs"), client.get("/docs/").body);
        CPPUNIT_ASSERT_EQUAL(std::string("b"), client.get("/docs/a/b.txt").body);
        CPPUNIT_ASSERT_EQUAL(std::string("/docs/?x=1"), client.get("/docs?x=1").header("Location"));
        CPPUNIT_ASSERT_EQUAL(std::string("/docs/a/"), client.get("/docs/a").header("Location"));
        CPPUNIT_ASSERT_EQUAL(404, client.get("/docsearch").status);
        CPPUNIT_ASSERT(client.get("/docs/../page/index.html").status >= 400);
    }

    void saysWhetherItIsAliveAndReady() {
        {
            ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0"});
            RawClient client(program.waitForPort());
            for (const char* path : {"/healthz", "/readyz"}) {
                const auto answer = client.get(path);
                CPPUNIT_ASSERT_EQUAL(200, answer.status);
                CPPUNIT_ASSERT_EQUAL(std::string("no-store"), answer.header("Cache-Control"));
            }
            CPPUNIT_ASSERT_EQUAL(405, client.post("/readyz", "x").status);
            client.close();
        }
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "health.live=", "--set", "health.ready=/up"});
        RawClient client(program.waitForPort());
        CPPUNIT_ASSERT_EQUAL(404, client.get("/healthz").status);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/readyz").status);
        CPPUNIT_ASSERT_EQUAL(200, client.get("/up").status);
    }

    void drainsBeforeItEnds() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "server.drainDelay=3000", "--set", "server.stopTimeout=10000"});
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port);
        ann.connect("/", R"({"name":"Ann"})");
        const auto begin = std::chrono::steady_clock::now();
        program.signal(SIGTERM);
        CPPUNIT_ASSERT(eventually([&] { return RawClient(port).get("/readyz").status == 503; }));
        // Still serving: who has come stays, and who comes nevertheless is let in.
        CPPUNIT_ASSERT_EQUAL(200, RawClient(port).get("/healthz").status);
        WebSocketClient bob(port);
        CPPUNIT_ASSERT(bob.connect("/", R"({"name":"Bob"})").starts_with("40"));
        ann.send(R"(421["message",{"room":"lobby","text":"hi"}])");
        while (ann.next().find("431[") == std::string::npos) {
        }
        for (WebSocketClient* client : {&ann, &bob}) {
            while (client->frame().opcode != test::RawFrame::Close) {
            }
            client->raw().sendClose(1000);
            client->raw().close();
        }
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 3s);
    }

    void anInterruptDoesNotWait() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "server.drainDelay=600000"});
        program.waitForPort();
        program.signal(SIGINT);
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
    }

    void aSecondSignalEndsTheDrain() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "server.drainDelay=600000"});
        program.waitForPort();
        program.signal(SIGTERM);
        program.waitForError("draining");
        program.signal(SIGHUP);  // in between it does what it always does
        program.waitForError("read anew");
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
    }

    void otherSignalsAreNoEnd() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0"});
        RawClient client(program.waitForPort());
        for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2}) {
            program.signal(number);
            CPPUNIT_ASSERT_EQUAL(200, client.get("/healthz").status);
        }
    }

    // Its connections are in all states that keep a port: the next process must have it at once.
    void isThereAgainAfterAKill() {
        std::string address = "http://127.0.0.1:0";
        std::uint16_t port = 0;
        for (int life = 0; life < 3; ++life) {
            ChildProgram program({SERVER_PROGRAM, "--listen", address});
            CPPUNIT_ASSERT(port == 0 || program.waitForPort() == port);
            port = program.waitForPort();
            address = "http://127.0.0.1:" + std::to_string(port);
            WebSocketClient ann(port);
            CPPUNIT_ASSERT(ann.connect("/", R"({"name":"Ann"})").starts_with("40"));
            PollingClient bob(port);
            bob.connect("/", R"({"name":"Bob"})");
            bob.startPoll();
            RawClient(port).get("/healthz");
            if (life == 1) ann.raw().close();
            program.signal(SIGKILL);
            CPPUNIT_ASSERT_EQUAL(1000 + SIGKILL, program.wait());
        }
    }

    void writesAnAccessLogWithoutSecrets() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "access.file=" + (folder / "access.log")});
        const std::uint16_t port = program.waitForPort();
        {
            PollingClient ann(port, "&token=sesame");
            ann.connect("/", R"({"name":"Ann","password":"open"})");
            RawClient raw(port);
            raw.get("/%22forged?key=secret1",
                    "Cookie: id=secret2\r\nAuthorization: Basic secret3\r\n"
                    "Referer: http://u:secret4@h/p?q=secret5\r\nUser-Agent: x\"\\y\r\n");
            raw.get("/healthz");
            ann.post("1");
        }
        stop(program);
        const std::string log = folder.read("access.log");
        contains(log, "\"GET /socket.io/?EIO=4&transport=polling&token=* HTTP/1.1\" 200 ");
        contains(log, "\"POST /socket.io/?EIO=4&transport=polling&sid=* HTTP/1.1\" 200 2 ");
        contains(log, "\"GET /%22forged?key=* HTTP/1.1\" 404 9 \"http://h/p\"");
        contains(log, "127.0.0.1 - - [");
        for (const char* secret : {"sesame", "secret", "open", "Ann", "healthz"})
            CPPUNIT_ASSERT_MESSAGE(log, log.find(secret) == std::string::npos);
        for (const char c : log) CPPUNIT_ASSERT(c == '\n' || (c >= 0x20 && c < 0x7f));
    }

    void writesJsonLines() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "access.file=-", "--set", "access.format=json", "--set",
                              "log.format=json"});
        const std::uint16_t port = program.waitForPort();
        RawClient(port).get("/a\"b", "User-Agent: q\"\\\r\n");
        program.waitForOutput(R"("remote":"127.0.0.1","method":"GET","target":"/a\\x22b",)");
        program.waitForOutput(R"("status":404,"bytes":9,"ms":)");
        program.waitForOutput(R"("agent":"q\\x22\\x5c"})");
        WebSocketClient ann(port);
        ann.connect("/", R"({"name":"A\u00e9\"n"})");
        program.waitForError(R"("level":"information","source":"chat","text":"connect #1 \"A)"
                             "\xc3\xa9"
                             R"(\"n\" from)");
        ann.raw().close();
        stop(program);
    }

    void logsRequestsAtDebugLevel() {
        ChildProgram program(
            {SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--log-level", "debug"});
        RawClient(program.waitForPort()).get("/nothing?token=sesame");
        program.waitForError("debug socketio.request: GET /nothing?token=* 404 9 bytes in ");
        CPPUNIT_ASSERT(program.error().find("sesame") == std::string::npos);
    }

    void logsNoSecretsAtTheDefaultLevel() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0"});
        const std::uint16_t port = program.waitForPort();
        std::string sid, socketId;
        {
            WebSocketClient ann(port, {}, "&token=sesame");
            sid = ann.sid();
            socketId =
                test::jsonString(ann.connect("/", R"({"name":"Ann","password":"open"})"), "sid");
            ann.send(R"(42["message",{"room":"lobby","text":"body1"}])");
            ann.send(R"(42["message","body2"])");
            program.waitForError("message");
        }
        PollingClient bob(port);
        bob.connect();
        bob.rawPost("garbage body3");
        program.waitForError("disconnect #2");
        stop(program);
        for (const std::string& secret :
             {sid, socketId, bob.sid(), std::string("sesame"), std::string("open\""),
              std::string("body1"), std::string("body2"), std::string("body3")})
            CPPUNIT_ASSERT_MESSAGE(secret + " is in " + program.error(),
                                   program.error().find(secret) == std::string::npos);
    }

    void opensItsLogsAnewOnHangup() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "access.file=" + (folder / "access.log"), "--set",
                              "log.file=" + (folder / "server.log")});
        const std::uint16_t port = program.waitForPort();
        RawClient(port).get("/before");
        CPPUNIT_ASSERT(eventually(
            [&] { return folder.read("access.log").find("/before") != std::string::npos; }));
        for (const char* name : {"access.log", "server.log"})
            std::filesystem::rename(folder / name, folder / (std::string(name) + ".1"));
        program.signal(SIGHUP);
        CPPUNIT_ASSERT(eventually(
            [&] { return folder.read("server.log").find("read anew") != std::string::npos; }));
        RawClient(port).get("/after");
        CPPUNIT_ASSERT(eventually(
            [&] { return folder.read("access.log").find("/after") != std::string::npos; }));
        stop(program);
        CPPUNIT_ASSERT(folder.read("access.log").find("/before") == std::string::npos);
        CPPUNIT_ASSERT(folder.read("access.log.1").find("/after") == std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string(), program.error());
    }

    void servesWithAFullLogDisk() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--set",
                              "access.file=/dev/full", "--set", "log.file=/dev/full"});
        const std::uint16_t port = program.waitForPort();
        RawClient client(port);
        for (int i = 0; i < 50; ++i) CPPUNIT_ASSERT_EQUAL(404, client.get("/x").status);
        client.close();
        stop(program);
    }

    void followsThePocoKeysForLogging() {
        const std::string file = folder.write("l.properties",
                                              "logging.loggers.root.channel = file\n"
                                              "logging.loggers.root.level = information\n"
                                              "logging.channels.file.class = FileChannel\n"
                                              "logging.channels.file.path = " +
                                                  (folder / "poco.log") + "\n");
        ChildProgram program({SERVER_PROGRAM, "--config", file, "--listen", "http://127.0.0.1:0"});
        program.waitForPort();
        CPPUNIT_ASSERT(eventually(
            [&] { return folder.read("poco.log").find("listening on") != std::string::npos; }));
        std::filesystem::rename(folder / "poco.log", folder / "poco.log.1");
        program.signal(SIGHUP);
        CPPUNIT_ASSERT(eventually(
            [&] { return folder.read("poco.log").find("read anew") != std::string::npos; }));
        stop(program);
        CPPUNIT_ASSERT_EQUAL(std::string(), program.error());
    }

private:
    static void stop(ChildProgram& program) {
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
    }
    static void contains(const std::string& text, const std::string& part) {
        CPPUNIT_ASSERT_MESSAGE(part + " is not in " + text, text.find(part) != std::string::npos);
    }

    ProgramFolder folder;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProgramOperationTest);

}  // namespace socketio
