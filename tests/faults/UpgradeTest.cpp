// N1: nothing is lost, doubled or swapped while clients go over to WebSocket, whichever of their
// steps something happens at.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "FaultServer.h"
#include "NumberedCell.h"
#include "UpgradingClient.h"

namespace socketio::test {

using namespace std::chrono_literals;
using Cut = UpgradingClient::Cut;

namespace {

constexpr std::size_t kThreads = 64;

/// Each of the cuts, with and without a reset, comes with both.
int revisionOf(std::size_t client) {
    return client / (2 * static_cast<std::size_t>(Cut::Never)) % 2 == 0 ? 4 : 3;
}

/// Many clients one after the other on each of many threads, with a checker per thread.
class Crowd {
public:
    Crowd(FaultServer& server, std::size_t clients, std::chrono::microseconds interval)
        : _server(server), _clients(clients), _interval(interval) {
        for (std::size_t i = 0; i < kThreads; ++i) {
            _messages.emplace_back(std::to_string(i));
            _messages.back().addReceiver("the server");
        }
        _server.reportTo([this](std::string_view text) {
            const std::size_t thread = std::stoul(std::string(text.substr(0, text.find(':'))));
            _messages.at(thread).received(0, text);
        });
    }
    ~Crowd() { _server.reportTo(nullptr); }

    /// `life(client, number)` for each client.
    template <class Life>
    Verdict run(Life life) {
        std::exception_ptr failure;
        std::atomic<bool> failed{false};
        {
            std::vector<std::jthread> threads;
            for (std::size_t thread = 0; thread < kThreads; ++thread)
                threads.emplace_back([&, thread] {
                    try {
                        for (std::size_t i = thread; i < _clients && !failed; i += kThreads) {
                            UpgradingClient client(_server, _messages[thread], 0,
                                                   static_cast<unsigned>(i), _interval,
                                                   revisionOf(i));
                            life(client, i);
                        }
                    } catch (...) {
                        if (!failed.exchange(true)) failure = std::current_exception();
                    }
                });
        }
        if (failure) std::rethrow_exception(failure);
        Verdict sum;
        for (NumberedMessages& each : _messages) {
            // The server has told of all: what is left is on its way to this process.
            each.waitUntilSettled([](auto, auto) { return true; }, Clock::system().now() + 10s);
            const Verdict verdict = each.verdict();
            sum.attempted += verdict.attempted;
            sum.expected += verdict.expected;
            sum.received += verdict.received;
            sum.lost += verdict.lost;
            sum.duplicated += verdict.duplicated;
            sum.reordered += verdict.reordered;
            sum.corrupt += verdict.corrupt;
            sum.unexpected += verdict.unexpected;
            sum.silent += verdict.silent;
            sum.anomalies.insert(sum.anomalies.end(), verdict.anomalies.begin(),
                                 verdict.anomalies.end());
        }
        return sum;
    }

private:
    FaultServer& _server;
    const std::size_t _clients;
    const std::chrono::microseconds _interval;
    std::deque<NumberedMessages> _messages;  // by thread
};

// As often as the server has not yet seen the end of the WebSocket before.
bool upgradeAtLast(UpgradingClient& client) {
    for (int attempt = 0; attempt < 20; ++attempt)
        if (client.upgrade()) return true;
    return false;
}

}  // namespace

/// SOCKETIO_UPGRADES in the environment is the number of upgrades.
class UpgradeTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UpgradeTest);
    CPPUNIT_TEST(withTrafficBothWays);
    CPPUNIT_TEST(cutAtEveryStep);
    CPPUNIT_TEST(aServerThatRepeatsIsFoundOut);
    CPPUNIT_TEST_SUITE_END();

public:
    void withTrafficBothWays() {
        FaultServer server;
        const std::size_t count = fromEnvironment("SOCKETIO_UPGRADES", 10'000);
        Crowd crowd(server, count, kShort);
        const auto begin = std::chrono::steady_clock::now();
        std::atomic<std::size_t> upgraded{0};
        const Verdict verdict = crowd.run([&](UpgradingClient& client, std::size_t) {
            client.open();
            upgraded += upgradeAtLast(client);
            client.finish();
        });
        tell("upgrades", upgraded, verdict, begin);
        CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.good());
        CPPUNIT_ASSERT_EQUAL(count, upgraded.load());
        CPPUNIT_ASSERT(server.waitUntil([&] { return server.connected() == 0; }, 10s));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(count), server.connects());
    }

    void cutAtEveryStep() {
        FaultServer server;
        const Footprint base = server.footprint();
        constexpr std::size_t kEach = 20;  // half of them with a reset
        constexpr auto kCuts = static_cast<std::size_t>(Cut::Never);
        std::atomic<std::size_t> cuts{0}, upgraded{0}, ended{0};
        const auto begin = std::chrono::steady_clock::now();
        {
            Crowd crowd(server, kEach * kCuts, kShort);
            const Verdict verdict = crowd.run([&](UpgradingClient& client, std::size_t i) {
                const auto cut = static_cast<Cut>(i % kCuts);
                client.open();
                if (!client.upgrade(cut, i / kCuts % 2 == 0)) throw std::runtime_error("refused");
                ++cuts;
                if (UpgradingClient::endsSession(cut)) {
                    // With a reason, and not when its time is up.
                    if (!server.waitUntil([&] { return !server.reasonOf(client.sid()).empty(); },
                                          10s))
                        throw std::runtime_error("a session that does not end");
                    ++ended;
                    return;
                }
                // Over polling as ever, or another attempt.
                if (i / kCuts % 3 != 0) upgraded += upgradeAtLast(client);
                client.finish();
            });
            tell("cuts", cuts, verdict, begin);
            CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.good());
        }
        CPPUNIT_ASSERT_EQUAL(kEach * kCuts, cuts.load());
        CPPUNIT_ASSERT_EQUAL(2 * kEach, ended.load());
        CPPUNIT_ASSERT(upgraded > kEach * kCuts / 3);
        CPPUNIT_ASSERT(server.waitUntil([&] { return server.connected() == 0; }, 10s));
        CPPUNIT_ASSERT_EQUAL(std::string(), server.leftOver(base));
        CPPUNIT_ASSERT_EQUAL(0, server.stop());
    }

    void aServerThatRepeatsIsFoundOut() {
        FaultServer::Options options;
        options.settings = {"app.mutant=repeat"};
        FaultServer server(options);
        Crowd crowd(server, kThreads, kShort);
        const Verdict verdict = crowd.run([&](UpgradingClient& client, std::size_t) {
            client.open();
            upgradeAtLast(client);
            client.finish();
        });
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.duplicated > 0);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.text(), std::uint64_t(0),
                                     verdict.lost + verdict.reordered);
    }

private:
    static constexpr std::chrono::microseconds kShort{4'000};

    static void tell(const char* what, std::size_t count, const Verdict& verdict,
                     std::chrono::steady_clock::time_point begin) {
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        std::printf("%s %s, %s messages in %.1f s\n", withCommas(count).c_str(), what,
                    withCommas(verdict.attempted).c_str(), seconds);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(UpgradeTest);

}  // namespace socketio::test
