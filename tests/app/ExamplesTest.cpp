#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "support/ChildProgram.h"
#include "support/EngineClient.h"
#include "support/Waiting.h"

namespace socketio {

using test::ChildProgram;
using test::RawClient;
using test::WebSocketClient;

/// The programs in examples/ do what their comments say.
class ExamplesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ExamplesTest);
    CPPUNIT_TEST(chat);
    CPPUNIT_TEST(namespacesAndRooms);
    CPPUNIT_TEST(backgroundEmitter);
    CPPUNIT_TEST(pocoApplication);
    CPPUNIT_TEST(pocoApplicationMounted);
    CPPUNIT_TEST_SUITE_END();

public:
    void chat() {
        const Running program("chat");
        WebSocketClient stranger(program.port), ann(program.port), bob(program.port);
        CPPUNIT_ASSERT_EQUAL(std::string(R"(44{"message":"bad token"})"), stranger.connect());
        ann.connect("/", R"({"token":"letmein"})");
        bob.connect("/", R"({"token":"letmein"})");
        ann.send(R"(421["chat message",{"user":"ann","text":"hi"}])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"(42["chat message",{"user":"ann","text":"hi"}])"),
                             bob.next());
        CPPUNIT_ASSERT_EQUAL(std::string(R"(431["delivered"])"), ann.next());
        CPPUNIT_ASSERT_EQUAL(200, RawClient(program.port).get("/").status);
    }

    void namespacesAndRooms() {
        const Running program("namespaces_and_rooms");
        WebSocketClient ann(program.port), bob(program.port), admin(program.port);
        const std::string annSid = test::jsonString(ann.connect("/game"), "sid");
        bob.connect("/game");
        ann.send(R"(42/game,1["join","red"])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"(43/game,1[{"players":1}])"), ann.next());
        bob.send(R"(42/game,1["join","red"])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"(43/game,1[{"players":2}])"), bob.next());
        CPPUNIT_ASSERT(ann.next().starts_with(R"(42/game,["joined",)"));
        ann.send(R"(42/game,["move",1.5,2])");
        CPPUNIT_ASSERT_EQUAL("42/game,[\"moved\",\"" + annSid + "\",1.5,2]", bob.next());

        ann.send(R"(42/game,5["ask"])");
        const std::string question = ann.next();
        const std::string before = "42/game,", after = R"(["favourite colour?"])";
        CPPUNIT_ASSERT_MESSAGE(question, question.starts_with(before) && question.ends_with(after));
        const std::string id =
            question.substr(before.size(), question.size() - before.size() - after.size());
        ann.send("43/game," + id + R"(["blue"])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"(43/game,5["blue"])"), ann.next());

        CPPUNIT_ASSERT(admin.connect("/admin").starts_with("44/admin,"));
        CPPUNIT_ASSERT(
            admin.connect("/admin", R"({"password":"secret"})").starts_with("40/admin,"));
        admin.send("42/admin,1[\"rooms\",\"" + annSid + "\"]");
        CPPUNIT_ASSERT_EQUAL("43/admin,1[[\"" + annSid + "\",\"red\"]]", admin.next());
        admin.send(R"(42/admin,2["close","red"])");
        CPPUNIT_ASSERT_EQUAL(std::string("43/admin,2[]"), admin.next());
        CPPUNIT_ASSERT_EQUAL(std::string(R"(42/game,["closed","red"])"), ann.next());
    }

    void backgroundEmitter() {
        const Running program("background_emitter");
        WebSocketClient ann(program.port);
        ann.connect();
        CPPUNIT_ASSERT(ann.next().starts_with(R"(42["tick",{"seconds":)"));
        CPPUNIT_ASSERT_EQUAL(std::string("1 clients see the clock\n"),
                             RawClient(program.port).get("/status").body);
        ann.send(R"(42["countdown",2])");
        std::string counted;
        while (counted.size() < 3) {
            const std::string packet = ann.next();
            if (packet.starts_with(R"(42["countdown",)")) counted += packet[15];
        }
        CPPUNIT_ASSERT_EQUAL(std::string("210"), counted);
    }

    void pocoApplication() { pocoApplication({}); }
    void pocoApplicationMounted() { pocoApplication({"--mount"}); }

private:
    /// An example that listens; at the end it has to stop in an orderly way.
    struct Running {
        explicit Running(const std::string& name, const std::vector<std::string>& arguments = {})
            : port(test::freePort()), program(command(name, port, arguments)) {
            const bool listening = test::eventually([this] {
                try {
                    const RawClient client(port);
                    return true;
                } catch (const std::exception&) {
                    return false;
                }
            });
            CPPUNIT_ASSERT_MESSAGE(name + " does not listen", listening);
        }
        static std::vector<std::string> command(const std::string& name, std::uint16_t port,
                                                const std::vector<std::string>& arguments) {
            std::vector<std::string> all{std::string(EXAMPLES) + name, "--port",
                                         std::to_string(port)};
            all.insert(all.end(), arguments.begin(), arguments.end());
            return all;
        }
        ~Running() noexcept(false) {
            program.signal(SIGTERM);
            const int status = program.wait();
            if (!std::uncaught_exceptions()) CPPUNIT_ASSERT_EQUAL(0, status);
        }

        const std::uint16_t port;
        mutable ChildProgram program;
    };

    static void pocoApplication(const std::vector<std::string>& arguments) {
        const Running program("poco_application", arguments);
        RawClient client(program.port);
        CPPUNIT_ASSERT_EQUAL(std::string("hello /a\n"), client.get("/a").body);
        WebSocketClient ann(program.port);
        ann.connect();
        ann.send(R"(421["greet","ann"])");
        CPPUNIT_ASSERT_EQUAL(std::string(R"(431["hello ann"])"), ann.next());
        // The connection of a poll serves the handlers, too, wherever it lives by now.
        CPPUNIT_ASSERT_EQUAL(200, client.get("/socket.io/?EIO=4&transport=polling").status);
        CPPUNIT_ASSERT_EQUAL(std::string("hello /b\n"), client.get("/b").body);
        client.upgrade("/echo");
        client.sendText("POCO");
        CPPUNIT_ASSERT_EQUAL(std::string("POCO"), client.readText());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ExamplesTest);

}  // namespace socketio
