// What an application may still do with sockets and servers when the front end and its hub are
// gone: a clear exception or nothing at all.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Exception.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/http/HttpServer.h"
#include "socketio/middleware/Middleware.h"
#include "socketio/server/Server.h"

#include "support/EngineClient.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;

class KeptSocketsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KeptSocketsTest);
    CPPUNIT_TEST(doNothingWhenTheFrontEndIsGone);
    CPPUNIT_TEST(doNothingWhenTheServerIsGone);
    CPPUNIT_TEST(mayBeUsedWhileTheFrontEndGoes);
    CPPUNIT_TEST_SUITE_END();

public:
    void doNothingWhenTheFrontEndIsGone() {
        Server sio;
        connect(sio, 3);
        stop();
        for (const auto& socket : sockets) useSocket(*socket);
        CPPUNIT_ASSERT_EQUAL(&sio, &sockets[0]->server());

        const std::string sid = sockets[0]->sid();
        sio.emit("x", "y");
        sio.emit("x", "y", {.room = sid, .callback = [](const Value::Array&) {}});
        sio.send("y");
        sio.closeRoom("lobby");
        sio.leaveRoom(sid, "lobby");
        sio.disconnect(sid);
        CPPUNIT_ASSERT(sio.rooms(sid).empty());
        CPPUNIT_ASSERT_THROW(sio.enterRoom(sid, "lobby"), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(sio.transport(sid), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(sio.environ(sid), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(sio.getSession(sid), Poco::NotFoundException);
        CPPUNIT_ASSERT_THROW(sio.call("x", "y", {.sid = sid, .timeout = 10s}),
                             Poco::IllegalStateException);
        CPPUNIT_ASSERT_THROW(sio.startBackgroundTask([] {}), Poco::IllegalStateException);
        CPPUNIT_ASSERT(!sio.sleep(10s));
        sockets.clear();
    }

    void doNothingWhenTheServerIsGone() {
        {
            Server sio;
            connect(sio, 3);
            stop();
        }
        for (const auto& socket : sockets) useSocket(*socket);
        CPPUNIT_ASSERT_THROW(sockets[0]->server(), Poco::IllegalStateException);
        sockets.clear();
    }

    void mayBeUsedWhileTheFrontEndGoes() {
        Server sio;
        connect(sio, 4);
        std::atomic<bool> stopped{false};
        std::atomic<int> rounds{0};
        const auto use = [&](const std::function<void()>& something) {
            while (!stopped) {
                try {
                    something();
                } catch (const Poco::Exception&) {
                    std::this_thread::yield();
                }
                ++rounds;
            }
        };
        std::vector<std::thread> threads;
        threads.emplace_back(use, [&] { sockets[0]->emit("x", std::string(100, 'x')); });
        threads.emplace_back(use, [&] { sio.emit("x", 1, {.room = "lobby"}); });
        threads.emplace_back(use, [&] { sockets[1]->call("x", 1, 5ms); });
        threads.emplace_back(use, [&] { sockets[2]->disconnect(true); });
        threads.emplace_back(use, [&] { sio.sleep(1ms); });
        while (rounds < 100) std::this_thread::yield();
        stop();
        const int before = rounds;
        while (rounds < before + 100) std::this_thread::yield();
        stopped = true;
        for (std::thread& thread : threads) thread.join();
        sockets.clear();
    }

    void tearDown() override {
        clients.clear();
        http.reset();
        sockets.clear();
    }

private:
    void connect(Server& sio, int count) {
        sio.on("connect", [this](Socket& socket) {
            socket.join("lobby");
            socket.saveSession({{"name", "ann"}});
            const MutexLock lock(mutex);
            sockets.push_back(socket.shared_from_this());
        });
        HttpServerOptions options;
        options.host = "127.0.0.1";
        options.port = 0;
        options.hub.ioThreads = 2;
        http = std::make_unique<HttpServer>(Middleware(sio), options);
        http->start();
        for (int i = 0; i < count; ++i) {
            clients.push_back(std::make_unique<WebSocketClient>(http->port()));
            clients.back()->connect();
        }
    }
    /// The front end and its hub go.
    void stop() {
        http->stop(5s);
        http.reset();
    }

    static void useSocket(Socket& socket) {
        CPPUNIT_ASSERT(!socket.connected());
        CPPUNIT_ASSERT_EQUAL(std::string("/"), socket.nsp());
        CPPUNIT_ASSERT_EQUAL(5, socket.protocol());
        CPPUNIT_ASSERT_EQUAL(std::string("websocket"), std::string(socket.transport()));
        CPPUNIT_ASSERT_EQUAL(std::string("GET"), std::string(socket.environ().method()));
        socket.emit("x", "y");
        socket.emit("x", "y", [](const Value::Array&) {});
        socket.send("y");
        CPPUNIT_ASSERT_THROW(socket.call("x", "y", 10s), Poco::IllegalStateException);
        CPPUNIT_ASSERT_THROW(socket.join("lobby"), Poco::NotFoundException);
        socket.leave("lobby");
        CPPUNIT_ASSERT(socket.rooms().empty());
        socket.disconnect();
        socket.disconnect(true);
        CPPUNIT_ASSERT_EQUAL(std::string("ann"), socket.getSession()["name"].asString());
        socket.saveSession(7);
        CPPUNIT_ASSERT(Value(7) == socket.getSession());
    }

    Mutex mutex;
    std::vector<std::shared_ptr<Socket>> sockets;
    std::unique_ptr<HttpServer> http;
    std::vector<std::unique_ptr<WebSocketClient>> clients;
};

CPPUNIT_TEST_SUITE_REGISTRATION(KeptSocketsTest);

}  // namespace socketio
