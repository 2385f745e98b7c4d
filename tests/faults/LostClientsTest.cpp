// Clients that do not read, that vanish without a word, and that close half of their connection.
#include <chrono>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "FaultFixture.h"
#include "TcpGate.h"

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBig = 50'000;  // bytes of an event; 200 of them are 10 MB
constexpr int kEvents = 200;

RawClient::Options tight() { return {.receiveBuffer = 4096}; }

}  // namespace

class LostClientsTest : public FaultFixture {
    CPPUNIT_TEST_SUITE(LostClientsTest);
    CPPUNIT_TEST(aSlowReaderEndsAtItsLimit);
    CPPUNIT_TEST(aReaderThatStandsStillEndsAfterItsTime);
    CPPUNIT_TEST(aThousandSlowReaders);
    CPPUNIT_TEST(clientsThatVanish);
    CPPUNIT_TEST(clientsThatCloseOneSide);
    CPPUNIT_TEST_SUITE_END();

public:
    void aSlowReaderEndsAtItsLimit() {
        start();
        WebSocketClient slow(server->port(), {}, {}, tight());
        const std::string sid = sidIn(slow.connect());
        // To everybody: the healthy ones get it all.
        for (int i = 0; i < kEvents; ++i) {
            server->command("big * " + std::to_string(kBig));
            if (i % 20 == 0) CPPUNIT_ASSERT(traffic->goesOn());
        }
        CPPUNIT_ASSERT_EQUAL(std::string("transport error"), reasonOf(sid));
        // No gap: what came is whole, and then nothing.
        {
            PollingClient poller(server->port(), {}, tight());
            const std::string polling = sidIn(poller.connect());
            poller.startPoll();
            for (int i = 0; i < kEvents; ++i) server->command("big " + polling + " 50000");
            CPPUNIT_ASSERT_EQUAL(std::string("transport error"), reasonOf(polling));
        }
        slow.raw().close();
        judge();
    }

    void aReaderThatStandsStillEndsAfterItsTime() {
        FaultServer::Options options;
        options.settings = {"http.writeStall=1000"};
        start(options);
        WebSocketClient slow(server->port(), {}, {}, tight());
        const std::string sid = sidIn(slow.connect());
        // Less than its queue holds, and more than the kernel takes.
        server->command("big " + sid + " 3900000");
        CPPUNIT_ASSERT_EQUAL(std::string("transport error"), reasonOf(sid));
        slow.raw().close();
        judge();
    }

    void aThousandSlowReaders() {
        start();
        std::vector<std::string> sids;
        std::size_t most = 0;
        {
            const auto readers = slowReaders(sids);
            for (const std::string& sid : sids) server->command("join " + sid + " slow");
            for (int i = 0; i < kEvents; ++i) {
                server->command("big slow " + std::to_string(kBig));
                most = std::max(most, server->footprintNow().residentBytes);
                if (i % 40 == 0) CPPUNIT_ASSERT(traffic->goesOn());
            }
            CPPUNIT_ASSERT(server->waitUntil(
                [&] { return server->disconnects("transport error") == sids.size(); }, 60s));
        }
        // A message is in memory once, however many have not read it.
        CPPUNIT_ASSERT_MESSAGE(grew(most), most < base.residentBytes + kGlobal / 4);
        judge(32 << 20);
    }

    void clientsThatVanish() {
        FaultServer::Options options;
        options.settings = {"engine.pingInterval=1000", "engine.pingTimeout=800"};
        start(options);
        {
            TcpGate gate(server->port());
            WebSocketClient webSocket(gate.port());
            PollingClient poller(gate.port());
            std::vector<std::string> sids{sidIn(webSocket.connect()), sidIn(poller.connect())};
            poller.startPoll();
            const auto begin = std::chrono::steady_clock::now();
            gate.become({.blackHole = true});
            for (const std::string& sid : sids)
                CPPUNIT_ASSERT_EQUAL(std::string("ping timeout"), reasonOf(sid));
            // Not before its time; what either has said last was some moments before.
            CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin > 1500ms);
        }
        judge();
    }

    void clientsThatCloseOneSide() {
        start();
        // It says no more: its session has ended, whatever it might still read.
        WebSocketClient silent(server->port());
        const std::string first = sidIn(silent.connect());
        silent.raw().shutdownWrite();
        CPPUNIT_ASSERT_EQUAL(std::string("transport close"), reasonOf(first));
        // It reads no more, and goes while it is written to: resets, for those who ignore SIGPIPE.
        for (int i = 0; i < 20; ++i) {
            WebSocketClient deaf(server->port(), {}, {}, tight());
            const std::string sid = sidIn(deaf.connect());
            ::shutdown(deaf.raw().descriptor(), SHUT_RD);
            for (int j = 0; j < 20; ++j) server->command("big " + sid + " 50000");
            CPPUNIT_ASSERT(deaf.raw().readable(5s));
            if (i % 2 == 0)
                deaf.raw().reset();
            else
                deaf.raw().close();
            const std::string reason = reasonOf(sid);
            CPPUNIT_ASSERT_MESSAGE(reason, reason.starts_with("transport "));
        }
        // The same while a poll is answered, with more than the kernel takes.
        for (int i = 0; i < 60; ++i) {
            PollingClient poller(server->port(), {}, tight());
            const std::string sid = sidIn(poller.connect());
            poller.startPoll();
            server->command("big " + sid + " 3900000");
            CPPUNIT_ASSERT(poller.getter().readable(5s));
            poller.getter().reset();
            CPPUNIT_ASSERT_MESSAGE(sid, reasonOf(sid).starts_with("transport "));
        }
        judge();
    }

private:
    static constexpr std::size_t kGlobal = 512 << 20;  // output of all clients together

    std::vector<WebSocketClient> slowReaders(std::vector<std::string>& sids) {
        std::vector<WebSocketClient> readers;
        for (int i = 0; i < 1'000; ++i) {
            readers.emplace_back(server->port(), std::string_view(), std::string_view(), tight());
            sids.push_back(sidIn(readers.back().connect()));
        }
        return readers;
    }
    std::string grew(std::size_t most) const {
        return std::to_string((most - base.residentBytes) >> 20) + " MiB more than before";
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LostClientsTest);

}  // namespace socketio::test
