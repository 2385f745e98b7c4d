#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include <cppunit/extensions/HelperMacros.h>

#include "support/ChildProgram.h"
#include "support/EngineClient.h"

namespace socketio {

using test::ChildProgram;
using test::RawClient;
using test::RawFrame;
using test::WebSocketClient;

/// The program poco-socketio as its user sees it: options, files, signals, log, chat.
class ServerProgramTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ServerProgramTest);
    CPPUNIT_TEST(explainsItself);
    CPPUNIT_TEST(saysInOneLineWhyItCannotStart);
    CPPUNIT_TEST(namesAPortInUse);
    CPPUNIT_TEST(servesThePageAndTheEngine);
    CPPUNIT_TEST(readsItsFileAndPrefersTheCommandLine);
    CPPUNIT_TEST(endsWithStatusZeroOnASignal);
    CPPUNIT_TEST(noOtherThreadTakesASignal);
    CPPUNIT_TEST(endsWithStatusZeroThoughHandlersBlock);
    CPPUNIT_TEST(carriesAChat);
    CPPUNIT_TEST(refusesWhatMakesNoSenseInAChat);
    CPPUNIT_TEST(carriesAnImageAsBinary);
    CPPUNIT_TEST(bringsAClientBackIntoItsRooms);
    CPPUNIT_TEST(logsReadableLines);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        folder = std::filesystem::temp_directory_path() /
                 ("socketio-program-test-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder / "page");
        std::filesystem::create_directories(folder / "client");
        write("page/index.html", "<h1>the page</h1>");
        write("client/socket.io.js", "/* Socket.IO v4.8.1 */");
    }
    void tearDown() override { std::filesystem::remove_all(folder); }

    void explainsItself() {
        ChildProgram help({SERVER_PROGRAM, "--help"});
        CPPUNIT_ASSERT_EQUAL(0, help.wait());
        for (const char* option : {"--config FILE", "--host", "--port", "--www", "--client",
                                   "--log-level", "--help", "--version"})
            CPPUNIT_ASSERT_MESSAGE(option, help.output().find(option) != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string(), help.error());
        ChildProgram version({SERVER_PROGRAM, "--version"});
        CPPUNIT_ASSERT_EQUAL(0, version.wait());
        CPPUNIT_ASSERT(version.output().starts_with("poco-socketio "));
    }

    void saysInOneLineWhyItCannotStart() {
        write("unknown.properties", "server.prot = 80\n");
        write("bad.properties", "engine.pingInterval = soon\n");
        write("file", "");
        struct Case {
            std::vector<std::string> arguments;
            std::string names;
        };
        const Case cases[] = {
            {{"--prot", "80"}, "--prot"},
            {{"--prot=80"}, "--prot=80"},
            {{"-p", "80"}, "-p"},
            {{"80"}, "80"},
            {{"--help=1"}, "--help=1"},
            {{"--port"}, "--port"},
            {{"--port", ""}, "--port"},
            {{"--port", "http"}, "http"},
            {{"--port", "65536"}, "65536"},
            {{"--port=-1"}, "-1"},
            {{"--log-level", "loud"}, "loud"},
            {{"--port", "0", "--www", path("missing")}, path("missing")},
            {{"--port", "0", "--www", path("file")}, path("file")},
            {{"--port", "0", "--client", path("missing")}, path("missing")},
            {{"--port", "0", "--client", path("page")}, path("page")},
            {{"--config", path("missing.properties")}, path("missing.properties")},
            {{"--config", path("unknown.properties")}, "server.prot in " + path("unknown.prop")},
            {{"--config", path("bad.properties")}, "engine.pingInterval in " + path("bad.prop")},
            {{"--port", "0", "--host", "192.0.2.1"}, "192.0.2.1"},
            {{"--port", "0", "--www", "with\nline\x1b[2J"}, "with\\x0aline\\x1b"},
        };
        for (const Case& c : cases) {
            std::vector<std::string> command{SERVER_PROGRAM};
            command.insert(command.end(), c.arguments.begin(), c.arguments.end());
            ChildProgram program(command);
            const int status = program.wait();
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.names + ": " + program.error(), 2, status);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(
                program.error(), std::ptrdiff_t(1),
                std::count(program.error().begin(), program.error().end(), '\n'));
            CPPUNIT_ASSERT_MESSAGE(program.error(),
                                   program.error().find(c.names) != std::string::npos);
            CPPUNIT_ASSERT_EQUAL(std::string(), program.output());
        }
    }

    void namesAPortInUse() {
        ChildProgram first({SERVER_PROGRAM, "--host", "127.0.0.1", "--port", "0"});
        const std::string port = std::to_string(first.waitForPort());
        ChildProgram second({SERVER_PROGRAM, "--host", "127.0.0.1", "--port", port});
        CPPUNIT_ASSERT_EQUAL(2, second.wait());
        CPPUNIT_ASSERT_MESSAGE(second.error(), second.error().find(port) != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(1),
                             std::count(second.error().begin(), second.error().end(), '\n'));
    }

    void servesThePageAndTheEngine() {
        ChildProgram program(serving());
        const std::uint16_t port = program.waitForPort();
        RawClient client(port);
        CPPUNIT_ASSERT_EQUAL(std::string("<h1>the page</h1>"), client.get("/").body);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/missing").status);
        CPPUNIT_ASSERT_EQUAL(std::string("/* Socket.IO v4.8.1 */"),
                             client.get("/socket.io/socket.io.js").body);
        CPPUNIT_ASSERT(
            client.get("/socket.io/?EIO=4&transport=polling").body.starts_with("0{\"sid\":"));
    }

    void readsItsFileAndPrefersTheCommandLine() {
        write("some.properties",
              "server.host = 127.0.0.1\nserver.port = 1\nserver.www = page\n"
              "server.path = /live/\nengine.pingInterval = 5000\nengine.pingTimeout = 7000\n"
              "engine.maxHttpBufferSize = 12345\nengine.allowUpgrades = no\n"
              "engine.transports = polling\nhub.maxWorkers = 8\nlog.level = warning\n");
        ChildProgram program({SERVER_PROGRAM, "--port=0", "--config", path("some.properties")});
        const std::uint16_t port = program.waitForPort();
        RawClient client(port);
        CPPUNIT_ASSERT_EQUAL(std::string("<h1>the page</h1>"), client.get("/").body);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/socket.io/?EIO=4&transport=polling").status);
        const std::string open = client.get("/live/?EIO=4&transport=polling").body;
        for (const char* part : {"\"pingInterval\":5000", "\"pingTimeout\":7000",
                                 "\"maxPayload\":12345", "\"upgrades\":[]"})
            CPPUNIT_ASSERT_MESSAGE(open, open.find(part) != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(400, client.get("/live/?EIO=4&transport=websocket").status);
        // A polling client that does not come for its close packet would be waited for.
        client.post("/live/?EIO=4&transport=polling&sid=" + test::jsonString(open, "sid"), "1");
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        CPPUNIT_ASSERT_EQUAL(std::string(), program.error());
    }

    void endsWithStatusZeroOnASignal() {
        for (const int number : {SIGTERM, SIGINT}) {
            ChildProgram program(serving());
            const std::uint16_t port = program.waitForPort();
            WebSocketClient ann(port);
            ann.connect("/", R"({"name":"Ann"})");
            program.signal(number);
            while (ann.frame().opcode != RawFrame::Close) {
            }
            ann.raw().sendClose(1000);
            ann.raw().close();
            CPPUNIT_ASSERT_EQUAL(0, program.wait());
        }
        ChildProgram early(serving());  // nobody has connected yet
        early.waitForPort();
        early.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, early.wait());
    }

    // Whatever thread takes a signal that it has not blocked ends the process: SIGINT right after
    // the start did so once.
    void noOtherThreadTakesASignal() {
        ChildProgram program(serving());
        WebSocketClient ann(program.waitForPort());
        ann.connect("/", R"({"name":"Ann"})");  // every kind of thread has been made
        std::size_t threads = 0;
        const std::string tasks = "/proc/" + std::to_string(program.pid()) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            if (task.path().filename() == std::to_string(program.pid())) continue;
            std::ifstream status(task.path() / "status");
            std::uint64_t blocked = 0;
            for (std::string line; std::getline(status, line);)
                if (line.starts_with("SigBlk:")) blocked = std::stoull(line.substr(7), nullptr, 16);
            for (const int number : {SIGTERM, SIGINT})
                CPPUNIT_ASSERT_MESSAGE("signal " + std::to_string(number),
                                       blocked >> (number - 1) & 1);
            ++threads;
        }
        CPPUNIT_ASSERT(threads >= 3);  // a loop, workers, the log
    }

    void endsWithStatusZeroThoughHandlersBlock() {
        constexpr auto kTimeout = std::chrono::milliseconds(1000);
        ChildProgram program({BLOCKING_SERVER, std::to_string(kTimeout.count())});
        const std::uint16_t port = program.waitForPort();
        std::vector<std::unique_ptr<WebSocketClient>> clients;
        for (int i = 0; i < 4; ++i) {  // as many as there are workers
            clients.push_back(std::make_unique<WebSocketClient>(port));
            clients.back()->connect();
            clients.back()->send(R"(42["block"])");
            CPPUNIT_ASSERT_EQUAL(std::string(R"(42["blocked"])"), clients.back()->next());
        }
        const auto begin = std::chrono::steady_clock::now();
        program.signal(SIGTERM);
        for (const auto& client : clients) {  // they are told all the same
            RawFrame frame = client->frame();
            while (frame.opcode != RawFrame::Close) frame = client->frame();
            CPPUNIT_ASSERT_EQUAL(1001, frame.closeCode());
            client->raw().sendClose(1001);
        }
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        const auto took = std::chrono::steady_clock::now() - begin;
        CPPUNIT_ASSERT(took >= kTimeout && took < 10 * kTimeout);
        contains(program.error(), "did not return: event block");
        CPPUNIT_ASSERT(program.output().find("disconnect handler") == std::string::npos);
    }

    void carriesAChat() {
        ChildProgram program(serving());
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port), bob(port);
        ann.connect("/", R"({"name":" Ann "})");
        const std::string welcome = next(ann, "welcome");
        contains(welcome, R"("you":{"id":1,"name":"Ann"})");
        contains(welcome, R"("room":"lobby")");
        contains(welcome, R"("members":[{"id":1,"name":"Ann"}])");
        contains(next(ann, "rooms"), R"("rooms":[{"name":"lobby","people":1}])");

        bob.connect("/", R"({"name":"Bob"})");
        contains(next(ann, "members"), R"("joined":{"id":2,"name":"Bob"})");
        next(bob, "welcome");

        ann.send(R"(427["message",{"room":"lobby","text":"hello \u0001 <b>"}])");
        contains(next(bob, "message"),
                 R"({"room":"lobby","from":{"id":1,"name":"Ann"},"text":"hello   <b>","time":)");
        contains(acknowledgement(ann, 7), R"([{"ok":true,"time":)");

        bob.send(R"(42["typing",{"room":"lobby","active":true}])");
        contains(next(ann, "typing"),
                 R"({"room":"lobby","from":{"id":2,"name":"Bob"},"active":true})");

        ann.send(R"(421["join","garden"])");
        const std::string joined = acknowledgement(ann, 1);
        contains(joined, R"("room":"garden")");
        contains(joined, R"("members":[{"id":1,"name":"Ann"}],"ok":true)");
        contains(next(bob, "rooms"), R"({"name":"garden","people":1})");
        ann.send(R"(422["leave","garden"])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"([{"ok":true}])"), acknowledgement(ann, 2));

        ann.raw().close();
        contains(next(bob, "members"), R"("left":{"id":1,"name":"Ann"})");
    }

    void refusesWhatMakesNoSenseInAChat() {
        ChildProgram program(serving());
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port), bob(port);
        ann.connect("/", R"({"name":"Ann"})");
        next(ann, "welcome");

        WebSocketClient nameless(port);
        const std::string tooLong(41, 'x');
        contains(nameless.connect("/", "{\"name\":\"" + tooLong + "\"}"),
                 R"(44{"message":"A name has 1 to 40 characters."})");
        contains(nameless.connect("/", "{\"name\":\" \"}"), "44{");
        nameless.connect();  // no name at all: a guest
        contains(next(nameless, "welcome"), R"("name":"guest )");

        const std::string bobSid = test::jsonString(bob.connect("/", R"({"name":"Bob"})"), "sid");
        next(bob, "welcome");
        struct Case {
            std::string event, error;
        };
        const Case cases[] = {
            {R"(["join",""])", "a room's name has 1 to 40 characters"},
            {"[\"join\",\"" + tooLong + "\"]", "a room's name has 1 to 40 characters"},
            {R"(["leave","elsewhere"])", "you are not in this room"},
            {R"(["message",{"room":"elsewhere","text":"x"}])", "you are not in this room"},
            {R"(["message",{"room":"lobby","text":"  "}])", "a message has 1 to 2,000 characters"},
            {"[\"message\",{\"room\":\"lobby\",\"text\":\"" + std::string(2001, 'x') + "\"}]",
             "a message has 1 to 2,000 characters"},
        };
        for (const Case& c : cases) {
            ann.send("423" + c.event);
            CPPUNIT_ASSERT_EQUAL(R"([{"ok":false,"error":")" + c.error + R"("}])",
                                 acknowledgement(ann, 3));
        }
        // A room named after somebody's socket does not hear what is for that socket alone.
        ann.send("424[\"join\",\"" + bobSid + "\"]");
        contains(acknowledgement(ann, 4), R"("ok":true)");
        for (int i = 0; i < 18; ++i) {
            ann.send("425[\"join\",\"room" + std::to_string(i) + "\"]");
            contains(acknowledgement(ann, 5), R"("ok":true)");
        }
        ann.send(R"(426["join","one more"])");
        contains(acknowledgement(ann, 6), "you are in too many rooms");
        // Arguments that do not convert are logged; the client stays.
        ann.send(R"(42["message","no object"])");
        program.waitForError("message");
        ann.send(R"(428["message",{"room":"lobby","text":"still here"}])");
        contains(acknowledgement(ann, 8), R"("ok":true)");
    }

    void carriesAnImageAsBinary() {
        ChildProgram program(serving());
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port), bob(port);
        ann.connect("/", R"({"name":"Ann"})");
        bob.connect("/", R"({"name":"Bob"})");
        next(ann, "welcome");
        next(bob, "welcome");
        const std::string bytes("\x89PNG\0\xff", 6);
        ann.send(
            R"(451-9["image",{"room":"lobby","caption":"a","type":"image/png","data":{"_placeholder":true,"num":0}}])");
        ann.sendBinary(bytes);
        const std::string event = next(bob, "image");
        contains(event, R"("type":"image/png","data":{"_placeholder":true,"num":0})");
        CPPUNIT_ASSERT_EQUAL(bytes, bob.frame().payload);
        contains(acknowledgement(ann, 9), R"("ok":true)");
        ann.send(
            R"(451-1["image",{"room":"lobby","caption":"a","type":"image/svg+xml","data":{"_placeholder":true,"num":0}}])");
        ann.sendBinary("<svg onload=alert(1)>");
        contains(acknowledgement(ann, 1), "not an image that can be shown");
    }

    void bringsAClientBackIntoItsRooms() {
        ChildProgram program(serving());
        WebSocketClient ann(program.waitForPort());
        ann.connect("/", R"({"name":"Ann","rooms":["garden","", "kitchen",5]})");
        const std::string welcome = next(ann, "welcome");
        contains(welcome, R"("room":"garden")");
        contains(welcome, R"("room":"kitchen")");
        CPPUNIT_ASSERT(welcome.find("lobby") == std::string::npos);
    }

    void logsReadableLines() {
        ChildProgram program(serving());
        const std::uint16_t port = program.waitForPort();
        {
            WebSocketClient ann(port, {}, "&x=1");
            ann.connect("/", "{\"name\":\"A\\u001b[2J\\nn\"}");
            next(ann, "welcome");
            program.waitForError("connect #1 \"A [2J n\" from 127.0.0.1 over websocket\n");
            ann.send("41");
            program.waitForError("disconnect #1 \"A [2J n\": client namespace disconnect, after");
        }
        {
            WebSocketClient bob(port);
            bob.connect("/", R"({"name":"Bob"})");
            next(bob, "welcome");
        }
        program.waitForError("disconnect #2 \"Bob\": transport");
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        for (const char c : program.error())
            CPPUNIT_ASSERT(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    }

private:
    std::string path(const std::string& name) const { return (folder / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name) << text;
    }
    std::vector<std::string> serving() const {
        return {SERVER_PROGRAM, "--host",     "127.0.0.1", "--port",      "0",
                "--www",        path("page"), "--client",  path("client")};
    }

    /// The next event of that name; others are passed over.
    static std::string next(WebSocketClient& client, const std::string& event) {
        for (;;) {
            const std::string packet = client.next();
            if (packet.find("[\"" + event + "\"") != std::string::npos) return packet;
        }
    }
    static std::string acknowledgement(WebSocketClient& client, int id) {
        const std::string start = "43" + std::to_string(id);
        for (;;) {
            const std::string packet = client.next();
            if (packet.starts_with(start)) return packet.substr(start.size());
        }
    }
    static void contains(const std::string& text, const std::string& part) {
        CPPUNIT_ASSERT_MESSAGE(part + " is not in " + text, text.find(part) != std::string::npos);
    }

    std::filesystem::path folder;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ServerProgramTest);

}  // namespace socketio
