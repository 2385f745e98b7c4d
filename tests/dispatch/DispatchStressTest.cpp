// Handlers of which one call in a thousand blocks, on several loops: nobody's messages may be lost,
// doubled or swapped, whichever thread they run on.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/protocol/Value.h"

#include "StressClients.h"
#include "support/PacketClient.h"
#include "support/TestServer.h"
#include "support/Waiting.h"

namespace socketio {

using namespace std::chrono_literals;
using namespace test;

namespace {

constexpr std::size_t kClients = 64;
constexpr std::size_t kWindow = 16;
constexpr std::uint64_t kPassedOnEvery = 8;

/// SOCKETIO_DISPATCH_MESSAGES, or 200,000.
std::uint64_t messages() {
    const char* const given = std::getenv("SOCKETIO_DISPATCH_MESSAGES");
    return given ? std::strtoull(given, nullptr, 10) : 200'000;
}

/// Evenly spread and the same in every run, but for which thread comes first.
std::uint64_t scrambled(std::uint64_t number) {
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
    return number ^ (number >> 31);
}

struct Player {
    std::uint64_t next = 0;  // of this client's events; no lock: they run one at a time
    std::uint64_t passedOn = 0;
    std::atomic<int> inside{0};
    std::string sid;
};

}  // namespace

class DispatchStressTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DispatchStressTest);
    CPPUNIT_TEST(adaptiveOnOneLoop);
    CPPUNIT_TEST(adaptiveOnTwoLoops);
    CPPUNIT_TEST(adaptiveOnFourLoops);
    CPPUNIT_TEST(poolOnTwoLoops);
    CPPUNIT_TEST(inlineOnTwoLoops);
    CPPUNIT_TEST_SUITE_END();

public:
    void adaptiveOnOneLoop() { stress(Dispatch::Adaptive, 1, messages()); }
    void adaptiveOnTwoLoops() { stress(Dispatch::Adaptive, 2, messages()); }
    void adaptiveOnFourLoops() { stress(Dispatch::Adaptive, 4, messages()); }
    void poolOnTwoLoops() { stress(Dispatch::Pool, 2, messages() / 10); }
    void inlineOnTwoLoops() { stress(Dispatch::Inline, 2, messages() / 10); }

private:
    void stress(Dispatch dispatch, unsigned loops, std::uint64_t count) {
        HttpServerOptions http;
        http.hub.dispatch = dispatch;
        http.hub.ioThreads = loops;
        TestServer server({}, http);
        std::vector<Player> players(kClients);
        std::atomic<std::uint64_t> wrong{0}, blocked{0};
        std::atomic<int> guests{0}, guestsLeft{0};
        Server& sio = server.sio;

        sio.on("connect", [&](Socket& socket, const Environ&, const Value& auth) {
            if (auth["client"].isNull()) {
                if (++guests % 10 == 0) std::this_thread::sleep_for(5ms);
                return;
            }
            socket.saveSession(auth["client"]);
            players[static_cast<std::size_t>(auth["client"].asInteger())].sid = socket.sid();
        });
        sio.on("disconnect", [&](Socket& socket) {
            if (!socket.getSession().isNull()) return;
            if (guestsLeft.load() % 10 == 0) std::this_thread::sleep_for(5ms);
            ++guestsLeft;
        });
        const auto work = [&](Socket& socket, std::uint64_t n) {
            const auto number = static_cast<std::uint64_t>(socket.getSession().asInteger());
            Player& player = players[number];
            if (player.inside.exchange(1) != 0 || player.next++ != n) ++wrong;
            socket.emit("echo", n);
            if (n % kPassedOnEvery == 0)
                sio.emit("from", std::tuple(number, player.passedOn++),
                         {.room = players[(number + 1) % kClients].sid});
            if (const std::uint64_t dice = scrambled(number << 32 | n); dice % 1000 == 0) {
                ++blocked;
                block(socket, std::chrono::microseconds(dice / 1000 % 50'000), n);
            }
            player.inside = 0;
            return n;
        };
        for (std::uint64_t i = 0; i < StressClients::kEvents; ++i)
            sio.on(StressClients::eventName(i), work);
        server.start();

        const std::uint64_t each = count / kClients;
        {
            StressClients clients(server.port(), kClients, kWindow);
            std::atomic<bool> done{false};
            std::thread others([&] {
                for (std::size_t i = 0; !done; ++i)
                    visit(server.port(), PacketClient::kWays[i % 4]);
            });
            try {
                clients.run(each, kClients * ((each + kPassedOnEvery - 1) / kPassedOnEvery));
            } catch (...) {
                done = true;
                others.join();
                throw;
            }
            done = true;
            others.join();
            CPPUNIT_ASSERT_EQUAL(each * kClients, clients.totals().answers);
            CPPUNIT_ASSERT_EQUAL(each * kClients, clients.totals().echoes);
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), wrong.load());
        CPPUNIT_ASSERT(blocked > 0);
        for (const Player& player : players) CPPUNIT_ASSERT_EQUAL(each, player.next);
        CPPUNIT_ASSERT(eventually([&] { return guests > 0 && guestsLeft == guests; }));
        HubCounters& counters = server.hub().counters();
        // How many depends on the machine: on a slow one most events go to workers before they
        // block. In our own blocking calls an inline handler gives up its loop, too.
        CPPUNIT_ASSERT_EQUAL(dispatch != Dispatch::Pool, counters.handovers > 0);
        CPPUNIT_ASSERT_EQUAL(dispatch == Dispatch::Adaptive, counters.deferred > 0);
        CPPUNIT_ASSERT(server.hub().workerCount() <= server.hub().options().maxWorkers);
        CPPUNIT_ASSERT(server.stop(20s));
    }

    /// In each of the ways there are: unknown to us, with the processor, in calls of our own.
    static void block(Socket& socket, std::chrono::microseconds time, std::uint64_t n) {
        switch (time.count() % 4) {
            case 0:
                std::this_thread::sleep_for(time);
                break;
            case 1:
                socket.server().sleep(time);
                break;
            case 2: {
                const auto end = std::chrono::steady_clock::now() + time;
                while (std::chrono::steady_clock::now() < end) {
                }
                break;
            }
            default: {
                const Value answer = socket.call("question", n);
                if (answer.asInteger() != static_cast<std::int64_t>(n))
                    throw std::runtime_error("a wrong answer");
            }
        }
    }

    /// Somebody who comes, says a word and goes.
    static void visit(std::uint16_t port, PacketClient::Way way) {
        PacketClient guest(port, way);
        guest.connect("/");
        guest.sayEngine("1");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DispatchStressTest);

}  // namespace socketio
