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

/// Applications in shared libraries: --app and --reload.
class PluginTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PluginTest);
    CPPUNIT_TEST(runsTheApplicationOfTheExample);
    CPPUNIT_TEST(runsSeveralApplications);
    CPPUNIT_TEST(saysWhyALibraryDoesNotLoad);
    CPPUNIT_TEST(takesARebuiltLibraryWithoutClosingThePort);
    CPPUNIT_TEST(keepsTheOldLibraryWhenTheNewOneFails);
    CPPUNIT_TEST(reloadsAgainAndAgain);
    CPPUNIT_TEST_SUITE_END();

public:
    void runsTheApplicationOfTheExample() {
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--app",
                              EXAMPLE_PLUGIN, "--set", "app.greeting=Welcome!"});
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port), bob(port);
        ann.connect();
        CPPUNIT_ASSERT_EQUAL(std::string(R"(42["hello","Welcome!"])"), ann.next());
        bob.connect();
        bob.next();
        ann.send(R"(421["say","hi"])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"(42["say","hi"])"), bob.next());
        CPPUNIT_ASSERT_EQUAL(std::string("431[1]"), ann.next());
        RawClient client(port);
        CPPUNIT_ASSERT_EQUAL(std::string("1 messages\n"), client.get("/chat/count").body);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/chat/other").status);
        CPPUNIT_ASSERT_EQUAL(404, client.get("/").status);
        ann.raw().close();
        bob.raw().close();
        client.close();
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
    }

    void runsSeveralApplications() {
        folder.write("page/index.html", "the page");
        ChildProgram program({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--app",
                              EXAMPLE_PLUGIN, "--app", numbered(1), "--www", folder / "page"});
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port);
        ann.connect();
        ann.next();
        ann.send(R"(421["number"])");
        CPPUNIT_ASSERT_EQUAL(std::string("431[1]"), ann.next());
        RawClient client(port);
        CPPUNIT_ASSERT_EQUAL(std::string("0 messages\n"), client.get("/chat/count").body);
        CPPUNIT_ASSERT_EQUAL(std::string("number 1"), client.get("/anything").body);
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), client.get("/").body);

        ChildProgram two({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--app", numbered(2),
                          "--app", numbered(1)});
        CPPUNIT_ASSERT_EQUAL(2, two.wait());
        CPPUNIT_ASSERT_MESSAGE(two.error(),
                               two.error().find("another application") != std::string::npos);
    }

    void saysWhyALibraryDoesNotLoad() {
        struct Case {
            std::string library, part;
        };
        const Case cases[] = {
            {folder / "libnone.so", "No such file"},
            {folder.write("libtext.so", "no library"), "libtext.so"},
            {numbered(3), "a_function_that_is_nowhere"},
            {numbered(4), "the set-up of 4 fails"},
            {numbered(5), "SOCKETIO_APPLICATION"},
        };
        for (const Case& c : cases)
            for (const bool reload : {false, true}) {
                std::vector<std::string> command{SERVER_PROGRAM, "--port", "0", "--app", c.library};
                if (reload) command.push_back("--reload");
                ChildProgram program(command);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 2, program.wait());
                for (const std::string& part : {c.library, c.part})
                    CPPUNIT_ASSERT_MESSAGE(part + " is not in " + program.error(),
                                           program.error().find(part) != std::string::npos);
            }
    }

    void takesARebuiltLibraryWithoutClosingThePort() {
        const std::string library = install(1);
        ChildProgram program(
            {SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--app", library, "--reload"});
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port);
        PollingClient bob(port);
        ann.connect();
        bob.connect();
        CPPUNIT_ASSERT_EQUAL(std::string("1"), number(ann));
        bob.startPoll();

        const auto begin = std::chrono::steady_clock::now();
        install(2);
        // The port never closes, and the new one answers.
        CPPUNIT_ASSERT(eventually([&] { return RawClient(port).get("/").body == "number 2"; }));
        const auto took = std::chrono::steady_clock::now() - begin;
        CPPUNIT_ASSERT_MESSAGE("a second, on a machine five times slower",
                               took < std::chrono::seconds(5));
        // Clients are told in a way after which the official ones reconnect by themselves: the
        // session ends, and no packet says that the server has disconnected them.
        CPPUNIT_ASSERT_EQUAL(int(test::RawFrame::Close), ann.frame().opcode);
        ann.raw().sendClose(1000);
        ann.raw().close();
        const auto goodbye = bob.readPoll();
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), goodbye.size());
        CPPUNIT_ASSERT_EQUAL(std::string("1"), goodbye[0]);
        CPPUNIT_ASSERT_EQUAL(400, RawClient(port).get(bob.target()).status);

        WebSocketClient again(port);
        again.connect();
        CPPUNIT_ASSERT_EQUAL(std::string("2"), number(again));
        again.raw().close();
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
    }

    void keepsTheOldLibraryWhenTheNewOneFails() {
        const std::string library = install(1);
        ChildProgram program(
            {SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--app", library, "--reload"});
        const std::uint16_t port = program.waitForPort();
        WebSocketClient ann(port);
        ann.connect();
        const std::pair<int, const char*> bad[] = {{3, "a_function_that_is_nowhere"},
                                                   {4, "the set-up of 4 fails"},
                                                   {5, "SOCKETIO_APPLICATION"}};
        for (const auto& [version, reason] : bad) {
            install(version);
            program.waitForError(reason);
            CPPUNIT_ASSERT_EQUAL(std::string("number 1"), RawClient(port).get("/").body);
            CPPUNIT_ASSERT_EQUAL(std::string("1"), number(ann));  // nobody was disconnected
        }
        CPPUNIT_ASSERT(program.error().find("the one before stays") != std::string::npos);
        install(2);
        CPPUNIT_ASSERT(eventually([&] { return RawClient(port).get("/").body == "number 2"; }));
        program.signal(SIGTERM);
        ann.raw().close();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
    }

    void reloadsAgainAndAgain() {
        const std::string library = install(1);
        ChildProgram program(
            {SERVER_PROGRAM, "--listen", "http://127.0.0.1:0", "--app", library, "--reload"});
        const std::uint16_t port = program.waitForPort();
        for (int round = 0; round < 6; ++round) {
            WebSocketClient ann(port);
            ann.connect();
            const int version = round % 2 == 0 ? 2 : 1;
            install(version, round % 3 == 0);
            CPPUNIT_ASSERT(eventually([&] {
                return RawClient(port).get("/").body == "number " + std::to_string(version);
            }));
        }
        program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
        CPPUNIT_ASSERT(program.error().find("ERROR") == std::string::npos);
    }

private:
    static std::string numbered(int version) {
        return NUMBERED_PLUGIN + std::to_string(version) + ".so";
    }
    /// Puts a version in the place of the library, as linkers (a new file) or `cp` (the same) do.
    std::string install(int version, bool inPlace = false) const {
        const std::string to = folder / "libnumbered.so";
        if (!inPlace) std::filesystem::remove(to);
        std::filesystem::copy_file(numbered(version), to,
                                   std::filesystem::copy_options::overwrite_existing);
        return to;
    }
    static std::string number(WebSocketClient& client) {
        client.send(R"(427["number"])");
        const std::string answer = client.next();
        CPPUNIT_ASSERT_MESSAGE(answer, answer.starts_with("437[") && answer.ends_with("]"));
        return answer.substr(4, answer.size() - 5);
    }

    ProgramFolder folder;
};
CPPUNIT_TEST_SUITE_REGISTRATION(PluginTest);

}  // namespace socketio
