#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include <cppunit/extensions/HelperMacros.h>

#include "ProgramFolder.h"
#include "support/ChildProgram.h"
#include "support/EngineClient.h"
#include "support/Waiting.h"

namespace socketio {

using test::ChildProgram;
using test::eventually;
using test::ProgramFolder;
using test::RawClient;

/// How the program is told what to do: files in three formats, the command line, --check.
class ProgramSettingsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProgramSettingsTest);
    CPPUNIT_TEST(namesFileLineAndKeyOfWhatIsWrong);
    CPPUNIT_TEST(checkNamesEverythingThatIsWrong);
    CPPUNIT_TEST(checkSaysThatAConfigurationIsGood);
    CPPUNIT_TEST(refusesWhatDoesNotFitTogether);
    CPPUNIT_TEST(readsPropertiesXmlAndJsonAlike);
    CPPUNIT_TEST(theCommandLineWinsOverTheFile);
    CPPUNIT_TEST(theCommentedFileHasEveryKeyAndItsDefault);
    CPPUNIT_TEST(theExamplesInTheCommentedFileAreGood);
    CPPUNIT_TEST(everyKeySetsASettingOfItsOwn);
    CPPUNIT_TEST(everyLimitIsPrintedWithItsDefault);
    CPPUNIT_TEST(limitsArePrintedAsTheyAreInEffect);
    CPPUNIT_TEST(goesIntoTheBackgroundWhenItServes);
    CPPUNIT_TEST(saysWhyItDoesNotGoIntoTheBackground);
    CPPUNIT_TEST_SUITE_END();

public:
    void namesFileLineAndKeyOfWhatIsWrong() {
        folder.write("page/index.html", "x");
        folder.write("noclient/readme", "x");
        struct Case {
            std::string file, text;
            std::vector<std::string> parts;  // of the one line
        };
        const Case cases[] = {
            {"a.properties",
             "\n\nserver.prot = 80\n",
             {"unknown key server.prot in ", "a.properties, line 3", "did you mean server.port?"}},
            {"a.properties", "xyzzy = 1\n", {"unknown key xyzzy in ", ", line 1"}},
            {"a.properties", "# a\nserver.port\n", {"a.properties, line 2", "server.port", "="}},
            {"a.properties",
             "log.level = debug\n\nlog.level = error\n",
             {"a.properties, line 3: log.level", "line 1"}},
            {"a.properties",
             "engine.pingTimeout = \\\n  soon\n",
             {"engine.pingTimeout in ", ", line 1", "\"soon\"", "1 to 86400000 milliseconds"}},
            {"a.properties", "engine.pingInterval = 0\n", {"engine.pingInterval", "from 1 to"}},
            {"a.properties", "engine.jsonp = 2\n", {"\"2\" is not true or false"}},
            {"a.properties", "engine.cookieSameSite = lax\n", {"Lax, Strict, None or"}},
            {"a.properties", "log.format = xml\n", {"\"xml\" is not text or json"}},
            {"a.properties", "access.format = apache\n", {"combined, common or json"}},
            {"a.properties", "files.contentTypes = md\n", {"\"md\"", "md=text/markdown"}},
            {"a.properties", "files.contentTypes = a=b/c, .MD=x/y\n", {"\".MD=x/y\""}},
            {"a.properties", "socket.totalInboundTasks = 0\n", {"from 1 to"}},
            {"a.properties", "health.live = healthz\n", {"health.live", "/healthz"}},
            {"a.properties",
             "server.trustedProxies = 10.0.0.0/8, nobody\n",
             {"server.trustedProxies in", "line 1", "nobody"}},
            {"a.properties",
             "listen.a.address = 127.0.0.1:80\n",
             {"listen.a.address in ", "http://HOST:PORT"}},
            {"a.properties", "listen.a.address = http://h:65536\n", {"65536", "0 to 65535"}},
            {"a.properties", "listen.a.adress = http://h:1\n", {"unknown key", "of a listener"}},
            {"a.properties", "listen.a.unixMode = 999\n", {"octal"}},
            {"a.properties", "listen.a.proxyProtocol = no\n", {"listen.a.address is missing"}},
            {"a.properties", "mount.a.path = /docs\n", {"mount.a.folder"}},
            {"a.properties", "listen.a.address = https://h:1\n", {"https needs tls.certificate"}},
            {"a.properties",
             "server.port = 0\n\nserver.www = missing\n",
             {"server.www in ", "line 3", folder / "missing"}},
            {"a.properties",
             "server.port = 0\nserver.client = noclient\n",
             {"server.client in ", "line 2", folder / "noclient"}},
            {"a.properties", "server.port = 0\nserver.app = libnone.so\n", {folder / "libnone.so"}},
            {"a.json", "{\"server\":\n {\"prot\": 80}}", {"server.prot in ", "a.json, line 2"}},
            {"a.json",
             "{\"engine\": {\n\"transports\": [\"polling\",\n\"smoke\"]}}",
             {"engine.transports in ", "line 2", "smoke"}},
            {"a.json", "{\"server\": ", {"a.json"}},
            {"a.json", "[1]", {"a.json"}},
            {"a.xml",
             "<c>\n<server>\n<prot>80</prot>\n</server>\n</c>",
             {"server.prot in ", "a.xml, line 3"}},
            {"a.xml", "<c>\n<server port=\"x\"/></c>", {"server.port in ", "line 2", "\"x\""}},
            {"a.xml", "<c>\n<server></c>", {"a.xml, line 2"}},
        };
        for (const Case& c : cases) {
            const std::string file = folder.write(c.file, c.text);
            for (const bool check : {true, false}) {
                std::vector<std::string> command{SERVER_PROGRAM, "--config", file};
                if (check) command.push_back("--check");
                ChildProgram program(command);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(c.text + program.error(), 2, program.wait());
                CPPUNIT_ASSERT_EQUAL_MESSAGE(
                    program.error(), std::ptrdiff_t(1),
                    std::count(program.error().begin(), program.error().end(), '\n'));
                for (const std::string& part : c.parts)
                    CPPUNIT_ASSERT_MESSAGE(part + " is not in " + program.error(),
                                           program.error().find(part) != std::string::npos);
            }
        }
    }

    void checkNamesEverythingThatIsWrong() {
        const std::string file = folder.write(
            "b.properties",
            "server.prot = 1\nengine.pingInterval = x\nlog.level = debug\nserver.www = nowhere\n");
        ChildProgram program({SERVER_PROGRAM, "--check", "--config", file});
        CPPUNIT_ASSERT_EQUAL(2, program.wait());
        for (const char* part : {"line 1", "line 2", "line 4"})
            CPPUNIT_ASSERT_MESSAGE(program.error(),
                                   program.error().find(part) != std::string::npos);
        CPPUNIT_ASSERT(program.error().find("line 3") == std::string::npos);
    }

    void checkSaysThatAConfigurationIsGood() {
        for (const char* file : {"poco-socketio.properties", "dev.properties"}) {
            ChildProgram program(
                {SERVER_PROGRAM, "--check", "--config", std::string(CONF_FOLDER "/") + file});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
            CPPUNIT_ASSERT_EQUAL(std::string("the configuration is good\n"), program.output());
        }
    }

    void refusesWhatDoesNotFitTogether() {
        struct Case {
            std::vector<std::string> arguments;
            std::string part;
        };
        const Case cases[] = {
            {{"--listen", "http://127.0.0.1:0", "--port", "1"}, "--port: says nothing beside"},
            {{"--reload"}, "there is no --app"},
            {{"--listen", "ftp://127.0.0.1:21"}, "fastcgi:stdin"},
            {{"--listen", "http:/run/x.sock"}, "http://HOST:PORT"},
            {{"--listen", "https://127.0.0.1:0"}, "tls.certificate"},
            {{"--listen", "fastcgi:stdin", "--daemon"}, "--daemon"},
            {{"--listen", "fastcgi://192.0.2.1:9000"}, "192.0.2.1"},
            {{"--mount", "docs"}, "PATH=FOLDER"},
            {{"--mount", "/docs=" + (folder / "none"), "--port", "0"}, folder / "none"},
            {{"--set", "engine.pingInterval"}, "KEY=VALUE"},
            {{"--set", "engine.pingInterval=x"}, "engine.pingInterval in --set"},
            {{"--set", "nothing=x"}, "unknown key nothing in --set"},
            {{"--set", "engine.cookie=a b", "--port", "0"}, "cookie"},
            {{"--port", "0", "--pidfile", folder / "no/pid"}, folder / "no/pid"},
            {{"--port", "0", "--set", "log.file=" + (folder / "no/log")}, folder / "no/log"},
            {{"--port", "0", "--set", "access.file=" + (folder / "no/log")}, folder / "no/log"},
        };
        for (const Case& c : cases) {
            std::vector<std::string> command{SERVER_PROGRAM};
            command.insert(command.end(), c.arguments.begin(), c.arguments.end());
            ChildProgram program(command);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(c.part + ": " + program.error(), 2, program.wait());
            CPPUNIT_ASSERT_MESSAGE(c.part + " is not in " + program.error(),
                                   program.error().find(c.part) != std::string::npos);
        }
    }

    void readsPropertiesXmlAndJsonAlike() {
        const std::string files[] = {
            folder.write("c.properties",
                         "server.port = 8080\nengine.transports : websocket, polling\n! note\n"
                         "engine.jsonp=yes\nserver.name = ${log.level}\nlog.level = debug\n"
                         "app.x = 1\nlisten.a.address = http://h:1\nmount.m.path=/m\n"
                         "mount.m.folder=/\n"),
            folder.write("c.json",
                         R"({"server": {"port": 8080, "name": "${log.level}"},
                             "engine.transports": ["websocket", "polling"],
                             "engine": {"jsonp": true}, "log": {"level": "debug"},
                             "app": {"x": 1}, "listen": {"a": {"address": "http://h:1"}},
                             "mount": {"m": {"path": "/m", "folder": "/"}}})"),
            folder.write("c.xml",
                         "<config><server port='8080'><name>${log.level}</name></server>"
                         "<engine><transports>websocket, polling</transports><jsonp>true</jsonp>"
                         "</engine><log level='debug'/><app x='1'/>"
                         "<listen><a address='http://h:1'/></listen>"
                         "<mount><m path='/m' folder='/'/></mount></config>"),
        };
        std::set<std::string> shown;
        for (const std::string& file : files) {
            // The listener and the port exclude each other: checked apart.
            ChildProgram program({SERVER_PROGRAM, "--show-config", "--config", file, "--listen",
                                  "fastcgi:/nowhere.sock"});
            CPPUNIT_ASSERT_EQUAL(2, program.wait());
            CPPUNIT_ASSERT_MESSAGE(program.error(),
                                   program.error().find("server.port in") != std::string::npos);
            std::string text = ProgramFolder::readFile(file);
            const std::size_t port = text.find("8080");
            // Without the port it is good.
            std::string name = file.substr(file.rfind('/') + 1);
            if (name == "c.properties") text.erase(0, text.find('\n') + 1);
            if (name == "c.json") text.replace(text.find("\"port\": 8080, "), 14, "");
            if (name == "c.xml") text.replace(text.find(" port='8080'"), 12, "");
            CPPUNIT_ASSERT(port != text.npos);
            ChildProgram good(
                {SERVER_PROGRAM, "--show-config", "--config", folder.write("good-" + name, text)});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(good.error(), 0, good.wait());
            shown.insert(good.output());
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), shown.size());
        for (const char* line :
             {"engine.transports = websocket, polling\n", "engine.jsonp = true\n",
              "server.name = debug\n", "log.level = debug\n"})
            CPPUNIT_ASSERT_MESSAGE(line, shown.begin()->find(line) != std::string::npos);
    }

    void theCommandLineWinsOverTheFile() {
        const std::string file =
            folder.write("d.properties",
                         "engine.pingInterval = 1000\nengine.pingTimeout = 2000\n"
                         "log.level = error\nlisten.a.address = http://127.0.0.1:1\n"
                         "tls.passphrase = secret\n");
        ChildProgram program({SERVER_PROGRAM, "--set", "engine.pingInterval=3000", "--config", file,
                              "--log-level", "debug", "--listen", "http://127.0.0.1:0",
                              "--show-config"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
        for (const char* line : {"engine.pingInterval = 3000\n", "engine.pingTimeout = 2000\n",
                                 "log.level = debug\n", "tls.passphrase = ***\n"})
            CPPUNIT_ASSERT_MESSAGE(line, program.output().find(line) != std::string::npos);
        // What it shows can be read again.
        const std::string again = folder.write("again.properties", "");
        std::string text = program.output();
        for (const char* key : {"server.host =", "server.port = 5000"})
            text.replace(text.find(key), std::string(key).size(), std::string("#") + key);
        folder.write("again.properties", text);
        ChildProgram second({SERVER_PROGRAM, "--config", again, "--show-config"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(second.error(), 0, second.wait());
        CPPUNIT_ASSERT_EQUAL(program.output(), second.output());
    }

    void theCommentedFileHasEveryKeyAndItsDefault() {
        ChildProgram program({SERVER_PROGRAM, "--show-config"});
        CPPUNIT_ASSERT_EQUAL(0, program.wait());
        const auto known = keysOf(program.output(), "");
        const auto documented = keysOf(ProgramFolder::readFile(commented()), "#");
        CPPUNIT_ASSERT(known.size() > 80);
        for (const auto& [key, value] : known) {
            CPPUNIT_ASSERT_MESSAGE(key + " is not in the file", documented.count(key) == 1);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(key, value, documented.at(key));
        }
        const std::set<std::string> examples{"listen.NAME.address",
                                             "listen.NAME.proxyProtocol",
                                             "listen.NAME.allowPublic",
                                             "listen.NAME.webSocketRoute",
                                             "listen.NAME.unixMode",
                                             "listen.NAME.mount",
                                             "mount.NAME.path",
                                             "mount.NAME.folder",
                                             "app.NAME",
                                             "logging.loggers.root.channel",
                                             "logging.loggers.root.level",
                                             "logging.channels.system.class",
                                             "logging.channels.system.name"};
        for (const auto& [key, value] : documented)
            CPPUNIT_ASSERT_MESSAGE("nobody knows " + key, known.count(key) || examples.count(key));
    }

    void theExamplesInTheCommentedFileAreGood() {
        // Everything as if its # were taken away, but for what excludes each other.
        std::istringstream lines(ProgramFolder::readFile(commented()));
        std::string text, line;
        while (std::getline(lines, line)) {
            const auto keys = keysOf(line + "\n", "#");
            if (keys.empty()) continue;
            const std::string& key = keys.begin()->first;
            if (key == "server.host" || key == "server.port" || key == "mount.NAME.folder")
                continue;
            text += line.substr(1) + "\n";
        }
        text += "mount.NAME.folder = /\n";
        ChildProgram program(
            {SERVER_PROGRAM, "--check", "--config", folder.write("all.properties", text)});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
    }

    void everyKeySetsASettingOfItsOwn() {
        // What is no number and no flag; each value differs, so that two keys for one would show.
        const std::map<std::string, std::string> words{
            {"server.host", "127.0.0.2"},
            {"server.name", "chat.example.org"},
            {"server.trustedProxies", "10.0.0.0/8"},
            {"server.www", "/www"},
            {"server.client", "/client"},
            {"server.path", "live"},
            {"server.app", "/app.so"},
            {"hub.dispatch", "pool"},
            {"server.pidFile", "/pid"},
            {"files.index", "start.html"},
            {"files.cacheControl", "no-store"},
            {"files.contentTypes", "md=text/markdown; charset=utf-8, x=a/b=c"},
            {"health.live", "/alive"},
            {"health.ready", "/up"},
            {"tls.certificate", "/certificate"},
            {"tls.key", "/key"},
            {"tls.passphrase", "***"},
            {"tls.chain", "/chain"},
            {"tls.ca", "/ca"},
            {"tls.clients", "required"},
            {"tls.ciphers", "AES"},
            {"tls.cipherSuites", "TLS_AES"},
            {"tls.minimumVersion", "1.3"},
            {"log.level", "debug"},
            {"log.format", "json"},
            {"log.file", "/log"},
            {"access.file", "/access"},
            {"access.format", "json"},
            {"access.query", "none"},
            {"engine.transports", "polling"},
            {"engine.corsAllowedOrigins", "https://example.org"},
            {"engine.cookie", "lb"},
            {"engine.cookiePath", "/path"},
            {"engine.cookieDomain", "example.org"},
            {"engine.cookieSameSite", "Strict"},
            {"socket.namespaces", "/other"},
            {"socket.maxAttachments", "9"},
            {"socket.maxJsonDepth", "100"},
            {"cluster.amqpHeartbeat", "40000"},
            {"cluster.manager", "redis://host:1/2"},
            {"cluster.channel", "other"},
            {"cluster.dialect", "pickle"}};
        ChildProgram defaults({SERVER_PROGRAM, "--show-config"});
        CPPUNIT_ASSERT_EQUAL(0, defaults.wait());
        auto expected = keysOf(defaults.output(), "");
        std::string file;
        unsigned step = 0;
        for (auto& [key, value] : expected) {
            if (const auto word = words.find(key); word != words.end())
                value = word->second;
            else if (value == "true" || value == "false")
                value = value == "true" ? "false" : "true";
            else
                value = std::to_string(std::stoul(value) + ++step);
            file.append(key).append(" = ").append(value).append("\n");
        }
        ChildProgram others(
            {SERVER_PROGRAM, "--show-config", "--config", folder.write("others.properties", file)});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(others.error(), 0, others.wait());
        const auto shown = keysOf(others.output(), "");
        for (const auto& [key, value] : expected)
            CPPUNIT_ASSERT_EQUAL_MESSAGE(key, value, shown.at(key));
    }

    void everyLimitIsPrintedWithItsDefault() {
        ChildProgram program({SERVER_PROGRAM, "--limits"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
        const std::string text = "\n" + program.output();
        const char* lines[] = {
            "http.requestLine = 8192 bytes",
            "http.headerBytes = 8192 bytes",
            "http.headersBytes = 16384 bytes",
            "http.headers = 100",
            "http.headTime = 10000 ms",
            "engine.maxHttpBufferSize = 1000000 bytes",
            "http.bodyTime = 30000 ms",
            "http.bodyGrace = 10000 ms",
            "http.minBodyRate = 1024 bytes/s",
            "http.chunkLine = 256 bytes",
            "http.chunkOverhead = 16384 bytes",
            "http.trailerBytes = 4096 bytes",
            "engine.maxQueryParameters = 64",
            "http.keepAliveTime = 75000 ms",
            "http.keepAliveRequests = 1000",
            "http.pipelinedBytes = 65536 bytes",
            "tls.handshakeTime = 10000 ms",
            "tls.minimumVersion = 1.2",
            "http.connectionsPerAddress = off",
            "engine.handshakesPerSecond = off",
            "hub.backlog = 4096",
            "engine.maxPacketsPerPayload = 1000",
            "engine.overlappingRequests = 1 poll, 1 POST (fixed)",
            "engine.pingInterval = 25000 ms",
            "engine.pingTimeout = 20000 ms",
            "engine.upgradeTimeout = 10000 ms",
            "engine.transports = polling, websocket",
            "engine.jsonp = false",
            "engine.engineIo3 = true",
            "engine.connectTimeout = 45000 ms",
            "socket.maxNamespacesPerClient = 64",
            "socket.maxNamespaceBytes = 255 bytes",
            "socket.maxAttachments = 10",
            "socket.maxAttachmentBytes = 1000000 bytes",
            "socket.halfPackets = 1 (fixed)",
            "socket.attachmentTime = 45000 ms",
            "socket.maxEventBytes = 1024 bytes",
            "socket.maxAckId = 9007199254740991 (fixed)",
            "socket.maxPendingAcks = 1024",
            "socket.ackTimeout = 60000 ms",
            "socket.maxJsonDepth = 128",
            "engine.maxHttpBufferSize = 1000000 bytes of a message",
            "http.webSocketFragments = 1024",
            "http.webSocketControlFrames = 100 /s",
            "http.webSocketCloseWait = 5000 ms",
            "http.webSocketDeflate = off (fixed)",
            "engine.httpCompression = true",
            "engine.compressionThreshold = 1024 bytes",
            "engine.contentEncoding = identity (fixed)",
            "engine.maxOutboundBytes = 4194304 bytes",
            "http.outboundBytes = 4194304 bytes",
            "hub.maxOutbound = 536870912 bytes",
            "http.writeStall = 30000 ms",
            "socket.inboundTasks = 256",
            "socket.totalInboundTasks = 10000",
            "hub.maxWorkers = 64",
            "hub.handlerWarning = 30000 ms",
            "fastcgi.paramsBytes = 65536 bytes",
            "fastcgi.params = 512",
            "fastcgi.record = 65535 + 255 (fixed) bytes",
            "listen.NAME.allowPublic = false by default",
            "listen.NAME.unixMode = 0660",
            "cluster.redisConnectTimeout = 2000 ms",
            "cluster.redisCommandTimeout = 5000 ms",
            "cluster.redisPingInterval = 5000 ms",
            "cluster.backoff = 50 to 1000 (fixed) ms",
            "cluster.publishMessages = 10000",
            "cluster.publishBytes = 16777216 bytes",
            "cluster.publishAge = 10000 ms",
            "cluster.messageBytes = 16777216 bytes",
            "cluster.amqpHeartbeat = 30000 ms",
            "cluster.amqpPrefetch = 1000",
            "cluster.amqpFrame = 131072 (fixed) bytes",
            "engine.drainSessions = 1000",
            "engine.drainInterval = 200 ms",
            "server.stopTimeout = 25000 ms",
            "engine.corsAllowedOrigins = same origin",
            "server.trustedProxies = none",
            "engine.cookie = none",
            "log.lineBytes = 1000 bytes",
            "log.linesPerSecond = 100 /s",
        };
        for (const std::string line : lines)
            CPPUNIT_ASSERT_MESSAGE(line + " is not in " + text,
                                   text.find("\n" + line) != std::string::npos);
        // What depends on the machine is a number all the same.
        for (const std::string key : {"hub.maxConnections", "hub.ioThreads", "hub.keptWorkers"}) {
            const std::size_t at = text.find("\n" + key + " = ");
            CPPUNIT_ASSERT_MESSAGE(key, at != std::string::npos);
            CPPUNIT_ASSERT_MESSAGE(key, std::stoul(text.substr(at + key.size() + 4)) > 0);
        }
        // A line each, an area in front of them, always the same.
        std::istringstream rest(program.output());
        for (std::string line; std::getline(rest, line);)
            CPPUNIT_ASSERT_MESSAGE(line, line.empty() || line.starts_with("# ") ||
                                             line.find(" = ") != std::string::npos);
        ChildProgram again({SERVER_PROGRAM, "--limits"});
        CPPUNIT_ASSERT_EQUAL(0, again.wait());
        CPPUNIT_ASSERT_EQUAL(program.output(), again.output());
    }

    void limitsArePrintedAsTheyAreInEffect() {
        const std::string file = folder.write("limits.properties",
                                              "http.requestLine = 4096\nhub.maxOutbound = 0\n"
                                              "engine.maxHttpBufferSize = 3000000\n"
                                              "hub.maxConnections = 77\nengine.cookie = io\n"
                                              "http.connectionsPerAddress = 256\n");
        ChildProgram program({SERVER_PROGRAM, "--limits", "--config", file, "--set",
                              "engine.handshakesPerSecond=50"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(program.error(), 0, program.wait());
        for (const std::string line :
             {"http.requestLine = 4096 bytes\n", "hub.maxOutbound = off\n",
              "engine.maxOutboundBytes = 12000000 bytes\n", "http.outboundBytes = 12000000 bytes\n",
              "hub.maxConnections = 77\n", "engine.cookie = io\n",
              "http.connectionsPerAddress = 256\n", "engine.handshakesPerSecond = 50 /s\n"})
            CPPUNIT_ASSERT_MESSAGE(line + program.output(),
                                   program.output().find("\n" + line) != std::string::npos);
        ChildProgram wrong({SERVER_PROGRAM, "--limits", "--set", "hub.maxOutbound=much"});
        CPPUNIT_ASSERT_EQUAL(2, wrong.wait());
    }

    void goesIntoTheBackgroundWhenItServes() {
        folder.write("page/index.html", "the page");
        const std::string pidFile = folder / "pid";
        std::uint16_t port = 0;
        {
            ChildProgram program({SERVER_PROGRAM, "--daemon", "--pidfile", pidFile, "--listen",
                                  "http://127.0.0.1:0", "--www", folder / "page"});
            port = program.waitForPort();
            CPPUNIT_ASSERT_EQUAL(0, program.wait());  // its output has been let go, too
        }
        const int pid = std::stoi(folder.read("pid"));
        const bool served = RawClient(port).get("/").body == "the page";
        ::kill(pid, SIGTERM);
        CPPUNIT_ASSERT(served);
        CPPUNIT_ASSERT(eventually([&] { return !std::filesystem::exists(pidFile); }));
    }

    void saysWhyItDoesNotGoIntoTheBackground() {
        ChildProgram first({SERVER_PROGRAM, "--listen", "http://127.0.0.1:0"});
        const std::string address = "http://127.0.0.1:" + std::to_string(first.waitForPort());
        ChildProgram second({SERVER_PROGRAM, "--daemon", "--listen", address});
        CPPUNIT_ASSERT_EQUAL(2, second.wait());
        CPPUNIT_ASSERT_MESSAGE(second.error(), second.error().find(address) != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(1),
                             std::count(second.error().begin(), second.error().end(), '\n'));
    }

private:
    static std::string commented() { return CONF_FOLDER "/poco-socketio.properties"; }

    /// The keys of lines `key = value` behind `mark`.
    static std::map<std::string, std::string> keysOf(const std::string& text,
                                                     const std::string& mark) {
        std::map<std::string, std::string> keys;
        std::istringstream lines(text);
        std::string line;
        while (std::getline(lines, line)) {
            if (!line.starts_with(mark)) {
                // The file has nothing but comments: every key shows its default.
                CPPUNIT_ASSERT_MESSAGE(line, line.empty() || line.front() == '#');
                continue;
            }
            line.erase(0, mark.size());
            const std::size_t equals = line.find(" =");
            if (equals == line.npos || line.find('.') > equals ||
                line.find_first_of(" \t") != equals)
                continue;
            std::string value = line.substr(equals + 2);
            if (value.starts_with(' ')) value.erase(0, 1);
            CPPUNIT_ASSERT_MESSAGE("twice: " + line,
                                   keys.emplace(line.substr(0, equals), value).second);
        }
        return keys;
    }

    ProgramFolder folder;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProgramSettingsTest);

}  // namespace socketio
