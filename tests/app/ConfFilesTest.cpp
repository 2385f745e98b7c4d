#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <unistd.h>
#include <utility>

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

namespace {

constexpr const char* kHandshake = "/socket.io/?EIO=4&transport=polling";

}  // namespace

/// Every file in conf/ for another program, in that program, with ours behind it.
class ConfFilesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConfFilesTest);
    CPPUNIT_TEST(nginxOverFastCgi);
    CPPUNIT_TEST(nginxAsAProxy);
    CPPUNIT_TEST(nginxWithStickyServers);
    CPPUNIT_TEST(nginxWithFastCgiAndWebSocket);
    CPPUNIT_TEST(lighttpd);
    CPPUNIT_TEST(apache);
    CPPUNIT_TEST(haproxyByCookieAndBySid);
    CPPUNIT_TEST(haproxySeesAServerDrain);
    CPPUNIT_TEST(systemdAcceptsTheUnit);
    CPPUNIT_TEST(everyFileIsTested);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        folder = std::make_unique<ProgramFolder>();
        folder->write("www/index.html", "the page");
        port = test::freePort();
    }
    void tearDown() override {
        web.reset();
        servers.clear();
        folder.reset();
    }

    void nginxOverFastCgi() {
        serve({"--listen", "fastcgi:" + socket(), "--set", "server.trustedProxies=127.0.0.1"});
        letWebServersIn();
        startNginx("nginx-fastcgi.conf");
        polls();
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), RawClient(port).get("/").body);
        CPPUNIT_ASSERT(PollingClient(port).openPacket().find("\"upgrades\":[]") !=
                       std::string::npos);
        checksOrigins();
        // This test as a balancer in front of nginx, which ends TLS.
        const std::string page = "Origin: https://chat.example.org\r\n";
        const std::string forwarded =
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: chat.example.org\r\n";
        CPPUNIT_ASSERT_EQUAL(403, RawClient(port).get(kHandshake, page).status);
        CPPUNIT_ASSERT_EQUAL(200, RawClient(port).get(kHandshake, page + forwarded).status);
    }

    void nginxAsAProxy() {
        serve({"--listen", "http://127.0.0.1:0", "--www", *folder / "www", "--set",
               "server.trustedProxies=127.0.0.1", "--set", "access.file=-"});
        startNginx("nginx-proxy.conf");
        polls();
        upgrades();
        webSockets();
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), RawClient(port).get("/").body);
        checksOrigins();
    }

    void nginxWithStickyServers() {
        for (int i = 0; i < 2; ++i)
            serve({"--listen", "http://127.0.0.1:0", "--www", *folder / "www", "--set",
                   "server.trustedProxies=127.0.0.1"});
        startNginx("nginx-sticky.conf");
        polls();
        upgrades();
        // Clients of several kinds go to both, and each one always to the same.
        for (int i = 0; i < 12; ++i) {
            const std::string agent = "User-Agent: browser " + std::to_string(i * 7919) + "\r\n";
            for (int round = 0; round < 3; ++round) {
                RawClient client(port);
                const std::string open = client.get(kHandshake, agent).body;
                const std::string target =
                    "/socket.io/?EIO=4&transport=polling&sid=" + test::jsonString(open, "sid");
                CPPUNIT_ASSERT_EQUAL(200, RawClient(port).post(target, "40", agent).status);
            }
        }
    }

    void nginxWithFastCgiAndWebSocket() {
        serveBoth();
        startNginx("nginx-combined.conf");
        polls();
        upgrades();
        webSockets();
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), RawClient(port).get("/").body);
        checksOrigins();
    }

    void lighttpd() {
        serve({"--listen", "fastcgi:" + socket()});
        letWebServersIn();
        std::string text = conf("lighttpd.conf");
        replace(text, "server.port = 80", "server.port = " + std::to_string(port));
        start({"/usr/sbin/lighttpd", "-D", "-f", folder->write("lighttpd.conf", text)});
        polls();
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), RawClient(port).get("/").body);
        checksOrigins();
    }

    void apache() {
        serveBoth();
        std::string text = conf("apache.conf");
        replace(text, "<VirtualHost *:80>", "<VirtualHost *:" + std::to_string(port) + ">");
        const std::string modules = "/usr/lib/apache2/modules/mod_";
        std::string main = "ServerRoot " + (*folder / "") + "\nPidFile " + (*folder / "pid") +
                           "\nDefaultRuntimeDir " + (*folder / "") +
                           "\nListen 127.0.0.1:" + std::to_string(port) +
                           "\nServerName localhost\nErrorLog /dev/stderr\n";
        for (const char* name : {"mpm_event", "authz_core", "dir", "rewrite", "proxy", "proxy_fcgi",
                                 "proxy_http", "proxy_wstunnel"})
            main += std::string("LoadModule ") + name + "_module " + modules + name + ".so\n";
        if (::geteuid() == 0) main += "User www-data\nGroup www-data\n";
        main += "DirectoryIndex index.html\n" + text;
        // It ends its whole process group, which must not be that of the test.
        start({"/usr/bin/setsid", "/usr/sbin/apache2", "-X", "-f",
               folder->write("apache.conf", main)});
        polls();
        upgrades();
        webSockets();
        CPPUNIT_ASSERT_EQUAL(std::string("the page"), RawClient(port).get("/").body);
        checksOrigins();
    }

    void haproxyByCookieAndBySid() {
        const std::uint16_t bySid = startHaproxy();
        // By cookie: the balancer names the server.
        for (int i = 0; i < 8; ++i) {
            RawClient client(port);
            const auto open = client.get(kHandshake);
            CPPUNIT_ASSERT_EQUAL(200, open.status);
            std::string cookie;
            for (const auto& [name, value] : open.headers)
                if (value.starts_with("socketio_server="))
                    cookie = "Cookie: " + value.substr(0, value.find(';')) + "\r\n";
            CPPUNIT_ASSERT(!cookie.empty());
            const std::string target =
                "/socket.io/?EIO=4&transport=polling&sid=" + test::jsonString(open.body, "sid");
            CPPUNIT_ASSERT_EQUAL(200, RawClient(port).post(target, "40", cookie).status);
            CPPUNIT_ASSERT_EQUAL(200, RawClient(port).get(target, cookie).status);
        }
        // By sid: for clients without cookies.
        std::vector<std::unique_ptr<PollingClient>> clients;
        for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<PollingClient>(bySid));
        for (const auto& client : clients)
            CPPUNIT_ASSERT(client->connect("/", R"({"name":"Ann"})").starts_with("40"));
        WebSocketClient upgrading(bySid, clients[0]->sid());
        upgrading.send("2probe");
        CPPUNIT_ASSERT_EQUAL(std::string("3probe"), upgrading.next());
        // Both had some of them.
        for (const auto& server : servers) {
            server->program.signal(SIGHUP);
            server->program.waitForError("read anew");
            CPPUNIT_ASSERT_MESSAGE(
                server->program.error(),
                server->program.error().find("\"Ann\" from") != std::string::npos);
        }
    }

    void haproxySeesAServerDrain() {
        startHaproxy({"--set", "server.drainDelay=60000"});
        servers[0]->program.signal(SIGTERM);
        // As soon as the balancer has seen it, newcomers go to the other one.
        const auto server = [&] {
            std::string name;
            for (const auto& [header, value] : RawClient(port).get("/").headers)
                if (value.starts_with("socketio_server=")) name = value.substr(16, 3);
            return name;
        };
        CPPUNIT_ASSERT(eventually(
            [&] {
                for (int i = 0; i < 4; ++i)
                    if (server() != "two") return false;
                return true;
            },
            std::chrono::seconds(30)));
        servers[0]->program.signal(SIGTERM);
        CPPUNIT_ASSERT_EQUAL(0, servers[0]->program.wait());
        for (int i = 0; i < 4; ++i) CPPUNIT_ASSERT_EQUAL(std::string("two"), server());
    }

    void systemdAcceptsTheUnit() {
        // It wants the program to be there.
        std::string text = readConf("poco-socketio.service");
        replace(text, "/usr/bin/poco-socketio", SERVER_PROGRAM);
        replace(text, "Documentation=file:///usr/share/doc/poco-socketio/README.md\n", "");
        ChildProgram verify({"/usr/bin/systemd-analyze", "verify", "--man=no",
                             "--recursive-errors=no",
                             folder->write("poco-socketio.service", text)});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verify.output() + verify.error(), 0, verify.wait());
        CPPUNIT_ASSERT_EQUAL(std::string(), verify.output() + verify.error());
        // And it has to be hardened: at most 2.0 of 10 points of exposure.
        ChildProgram security({"/usr/bin/systemd-analyze", "security", "--offline=true",
                               "--threshold=20", "--no-pager", *folder / "poco-socketio.service"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE(security.output() + security.error(), 0, security.wait());
    }

    void everyFileIsTested() {
        const std::set<std::string> known{"README.md",
                                          "apache.conf",
                                          "dev.properties",
                                          "haproxy.cfg",
                                          "lighttpd.conf",
                                          "nginx-combined.conf",
                                          "nginx-fastcgi.conf",
                                          "nginx-proxy.conf",
                                          "nginx-sticky.conf",
                                          "poco-socketio.properties",
                                          "poco-socketio.service"};
        std::set<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(CONF_FOLDER))
            found.insert(entry.path().filename().string());
        CPPUNIT_ASSERT(found == known);
    }

private:
    /// Ours.
    struct Served {
        explicit Served(const std::vector<std::string>& command) : program(command) {}
        ChildProgram program;
        std::uint16_t port = 0;
    };
    /// Theirs; ends in an orderly way, so that it takes its own processes along.
    struct WebServer {
        explicit WebServer(const std::vector<std::string>& command) : program(command) {}
        ~WebServer() {
            try {
                end();
            } catch (const std::exception&) {
            }
        }
        /// Once only: a process that has been waited for has no id any more.
        void end() {
            if (std::exchange(_ended, true)) return;
            program.signal(SIGTERM);
            program.wait();
        }
        ChildProgram program;

    private:
        bool _ended = false;
    };

    static std::string readConf(const std::string& name) {
        return ProgramFolder::readFile(std::string(CONF_FOLDER "/") + name);
    }
    static void replace(std::string& text, const std::string& from, const std::string& to) {
        std::size_t at = text.find(from);
        CPPUNIT_ASSERT_MESSAGE(from, at != std::string::npos);
        for (; at != std::string::npos; at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    }
    /// A file of conf/ with our ports and paths in the place of the fixed ones.
    std::string conf(const std::string& name) const {
        std::string text = readConf(name);
        const std::pair<std::string, std::string> places[] = {
            {"/run/poco-socketio/fastcgi.sock", socket()},
            {"/usr/share/poco-socketio/www", *folder / "www"},
            {"127.0.0.1:5000", "127.0.0.1:" + std::to_string(servers[0]->port)},
            {"\"port\" => 5000", "\"port\" => " + std::to_string(servers[0]->port)},
            {"127.0.0.1:5001", "127.0.0.1:" + std::to_string(servers.back()->port)},
        };
        for (const auto& [from, to] : places)
            if (text.find(from) != text.npos) replace(text, from, to);
        return text;
    }

    std::string socket() const { return *folder / "fastcgi.sock"; }
    /// Web servers run as users of their own; here they are in no group of ours.
    void letWebServersIn() const {
        std::filesystem::permissions(socket(), std::filesystem::perms(0666));
    }

    void serve(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), SERVER_PROGRAM);
        servers.push_back(std::make_unique<Served>(arguments));
        servers.back()->program.waitForOutput("serving on ");
        if (arguments[2].starts_with("http"))
            servers.back()->port = servers.back()->program.waitForPort();
    }
    /// Polling over FastCGI and WebSocket over HTTP, in one process, as the files say.
    void serveBoth() {
        const std::string file =
            folder->write("both.properties", "listen.polling.address = fastcgi:" + socket() +
                                                 "\nlisten.polling.webSocketRoute = true\n"
                                                 "listen.websocket.address = http://127.0.0.1:0\n"
                                                 "server.trustedProxies = 127.0.0.1\n");
        serve({"--config", file});
        servers.back()->port = servers.back()->program.waitForPort();
        letWebServersIn();
    }

    void start(const std::vector<std::string>& command) {
        web = std::make_unique<WebServer>(command);
        if (eventually([this] { return accepts(port); })) return;
        web->end();
        CPPUNIT_FAIL(command[0] + ": " + web->program.output() + web->program.error());
    }
    static bool accepts(std::uint16_t where) {
        try {
            RawClient client(where);
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }

    void startNginx(const std::string& name) {
        std::string text = conf(name);
        replace(text, "listen 80;", "listen 127.0.0.1:" + std::to_string(port) + ";");
        const std::string site = folder->write("site.conf", text);
        std::string main =
            "daemon off;\nmaster_process off;\nworker_rlimit_nofile 1024;\nerror_log "
            "stderr;\npid " +
            (*folder / "pid") + ";\nevents { worker_connections 512; }\nhttp {\naccess_log off;\n";
        for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
            main += std::string(kind) + "_temp_path " + (*folder / kind) + ";\n";
        main += "include " + site + ";\n}\n";
        start({"/usr/sbin/nginx", "-e", "stderr", "-p", *folder / "", "-c",
               folder->write("nginx.conf", main)});
    }

    std::uint16_t startHaproxy(const std::vector<std::string>& more = {}) {
        for (int i = 0; i < 2; ++i) {
            std::vector<std::string> arguments{"--listen", "http://127.0.0.1:0",
                                               "--set",    "server.trustedProxies=127.0.0.1",
                                               "--set",    "engine.cookie=io"};
            arguments.insert(arguments.end(), more.begin(), more.end());
            serve(arguments);
        }
        const std::uint16_t bySid = test::freePort();
        std::string text = conf("haproxy.cfg");
        replace(text, "bind :8080", "bind 127.0.0.1:" + std::to_string(bySid));
        replace(text, "bind :80", "bind 127.0.0.1:" + std::to_string(port));
        start({"/usr/sbin/haproxy", "-db", "-f", folder->write("haproxy.cfg", text)});
        return bySid;
    }

    // What a client does.
    void polls() const {
        PollingClient ann(port);
        CPPUNIT_ASSERT(ann.connect("/", R"({"name":"Ann"})").starts_with("40"));
        ann.post(R"(421["message",{"room":"lobby","text":"hi"}])");
        while (ann.next().find("431[{\"ok\":true") == std::string::npos) {
        }
        ann.post("1");
    }
    void webSockets() const {
        WebSocketClient bob(port);
        bob.connect("/", R"({"name":"Bob"})");
        bob.send(R"(421["message",{"room":"lobby","text":"hi"}])");
        while (bob.next().find("431[{\"ok\":true") == std::string::npos) {
        }
        bob.raw().close();
    }
    void upgrades() const {
        PollingClient ann(port);
        CPPUNIT_ASSERT(ann.openPacket().find("\"upgrades\":[\"websocket\"]") != std::string::npos);
        ann.connect("/", R"({"name":"Ann"})");
        WebSocketClient candidate(port, ann.sid());
        candidate.send("2probe");
        CPPUNIT_ASSERT_EQUAL(std::string("3probe"), candidate.next());
        while (ann.poll() != std::vector<std::string>{"6"}) {
        }
        candidate.send("5");
        candidate.send(R"(421["message",{"room":"lobby","text":"hi"}])");
        while (candidate.next().find("431[{\"ok\":true") == std::string::npos) {
        }
        candidate.raw().close();
    }
    /// The origin of the page is compared with the host as the client sees it, port and all.
    void checksOrigins() const {
        const std::string own = "Origin: http://127.0.0.1:" + std::to_string(port) + "\r\n";
        const auto good = RawClient(port).get(kHandshake);
        CPPUNIT_ASSERT_EQUAL(200, good.status);
        const std::string request = std::string("GET ") + kHandshake +
                                    " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                                    "\r\nConnection: close\r\n";
        const std::pair<std::string, int> cases[] = {{own, 200},
                                                     {"Origin: http://127.0.0.1\r\n", 403},
                                                     {"Origin: http://evil.example\r\n", 403}};
        for (const auto& [origin, status] : cases) {
            RawClient client(port);
            client.send(request + origin + "\r\n");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(origin, status, client.readResponse().status);
        }
    }

    std::unique_ptr<ProgramFolder> folder;
    std::uint16_t port = 0;  // of the web server
    std::vector<std::unique_ptr<Served>> servers;
    std::unique_ptr<WebServer> web;
};
CPPUNIT_TEST_SUITE_REGISTRATION(ConfFilesTest);

}  // namespace socketio
