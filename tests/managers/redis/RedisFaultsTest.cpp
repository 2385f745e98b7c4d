// A server that answers wrongly, late or not at all.
#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "FakeRedis.h"
#include "RedisPeer.h"
#include "RespReader.h"

namespace socketio {

using namespace std::chrono_literals;
using test::eventually;
using test::FakeRedis;
using test::RedisPeer;

namespace {

constexpr RedisOptions kQuick{.connectTimeout = 2s, .commandTimeout = 200ms, .pingInterval = 50ms};
constexpr RedisOptions kPatient{.connectTimeout = 1h, .commandTimeout = 1h, .pingInterval = 1h};

bool begins(const std::string& command, const std::string& with) {
    return command.compare(0, with.size(), with) == 0;
}

/// The numbers of the events that were published, in order.
std::string published(const FakeRedis& server) {
    std::string all;
    for (const std::string& each : server.commands.lines()) {
        const std::size_t at = each.find("\"data\": [");
        if (begins(each, "PUBLISH") && at != each.npos)
            all += (all.empty() ? "" : " ") + each.substr(at + 9, each.find(']', at) - at - 9);
    }
    return all;
}

std::size_t asked(const FakeRedis& server) {
    return server.commands.count("PUBSUB NUMSUB socketio");
}

}  // namespace

class RedisFaultsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RedisFaultsTest);
    CPPUNIT_TEST(outlivesEveryWrongAnswer);
    CPPUNIT_TEST(readsAMessageThatComesByteByByte);
    CPPUNIT_TEST(neverShowsThePasswordThatTheServerRepeats);
    CPPUNIT_TEST(sendsNothingTwice);
    CPPUNIT_TEST(countsWhatIsRefusedAndWhatIsNot);
    CPPUNIT_TEST(publishesTheFirstAtOnceAndTheOthersTogether);
    CPPUNIT_TEST(asksAServerThatIsSilentForASignOfLife);
    CPPUNIT_TEST(doesNotHammerAServerThatHangsUp);
    CPPUNIT_TEST(isQuickAgainOnceAConnectionWasGood);
    CPPUNIT_TEST(waitsUntilTheOthersListenAgain);
    CPPUNIT_TEST(stopEndsWhateverWaits);
    CPPUNIT_TEST(saysThatAHostIsUnknown);
    CPPUNIT_TEST_SUITE_END();

public:
    void outlivesEveryWrongAnswer() {
        struct Case {
            const char *answer, *says;
        };
        const Case cases[] = {
            {"-NOAUTH Authentication required.\r\n", "NOAUTH Authentication required."},
            {"-READONLY You can't write against a read only replica.\r\n", "READONLY"},
            {"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"},
            {"-MOVED 3999 127.0.0.1:6381\r\n", "MOVED"},
            {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "OOM"},
            {"-\x1b[2J\r\n", "\\x1b[2J"},
            {"$9223372036854775807\r\n", "a string too long"},
            {"*1000000000\r\n", "an array too long"},
            {"*8\r\n*8\r\n", "unknown type"},
            {"$536870912\r\nabc", "does not answer"},
            {"$5\r\nhel", "does not answer"},
            {"", "does not answer"},
            {"HTTP/1.1 400 Bad Request\r\n\r\n", "RESP2"},
            {"$2\r\nno\r\n", "wrong kind"},
            {FakeRedis::kHangUp, "closed the connection"},
        };
        for (const std::string stage : {"PING", "SUBSCRIBE", "PUBLISH"})
            for (const Case& c : cases) {
                const std::string what = stage + ": " + c.answer;
                FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
                    if (begins(command, stage)) return c.answer;
                    return std::nullopt;
                });
                RedisPeer peer(server.url(), kQuick);
                peer.emit("lost", 1);
                CPPUNIT_ASSERT_MESSAGE(what, eventually([&] { return peer.errorSays(c.says); }));
                CPPUNIT_ASSERT_MESSAGE(what, peer.errorSays("redis at 127.0.0.1:"));
                // It comes back by itself.
                server.answer({});
                CPPUNIT_ASSERT_MESSAGE(
                    what, eventually([&] { return peer.manager->lastError().empty(); }));
                const auto before = peer.manager->counters();
                CPPUNIT_ASSERT_MESSAGE(what, eventually([&] {
                                           peer.emit("found", 2);
                                           return peer.manager->counters().published >
                                                  before.published;
                                       }));
            }
    }

    void readsAMessageThatComesByteByByte() {
        const std::string json =
            R"({"method":"emit","event":"hello","data":[1],"binary":false,"namespace":"/"})";
        std::string pushed;
        appendRedisCommand(pushed, {"message", "socketio", json});
        FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
            if (!begins(command, "SUBSCRIBE")) return std::nullopt;
            return "*3\r\n$9\r\nsubscribe\r\n$8\r\nsocketio\r\n:1\r\n" + pushed + pushed;
        });
        server.pieceBytes = 1;
        const RedisPeer peer(server.url(), kPatient);
        CPPUNIT_ASSERT_EQUAL(std::string("[\"hello\",1]; [\"hello\",1]"), peer.journal.waitFor(2));
    }

    void neverShowsThePasswordThatTheServerRepeats() {
        for (const char* answer :
             {"-ERR unknown command `AUTH`, with args beginning with: `hunter2`, \r\n",
              "-ERR unknown command `AUTH`, with args beginning with: `hunt\r\n",
              "-ERR hunter2 is wrong\r\n", "-hunter2\r\n"}) {
            FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
                if (begins(command, "AUTH")) return answer;
                return std::nullopt;
            });
            const RedisPeer peer("redis://ann:hunter2@" + server.url().substr(8), kQuick);
            CPPUNIT_ASSERT(eventually([&] { return !peer.manager->lastError().empty(); }));
            CPPUNIT_ASSERT_MESSAGE(peer.manager->lastError(), !peer.errorSays("hunt"));
            CPPUNIT_ASSERT_EQUAL(std::string("AUTH ann hunter2"), server.commands.lines()[0]);
        }
    }

    void sendsNothingTwice() {
        std::atomic<int> left{3};
        FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
            if (begins(command, "PUBLISH") && left-- > 0) return FakeRedis::kHangUp;
            return std::nullopt;
        });
        RedisPeer peer(server.url(), kPatient);
        for (int i = 1; i <= 5; ++i) {
            peer.emit("number", i);
            CPPUNIT_ASSERT(eventually([&] {
                const auto counters = peer.manager->counters();
                return counters.published + counters.publishDropped == std::uint64_t(i);
            }));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("1 2 3 4 5"), published(server));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), peer.manager->counters().published);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), peer.manager->counters().publishDropped);
        CPPUNIT_ASSERT(!peer.manager->flush(0s));
    }

    void countsWhatIsRefusedAndWhatIsNot() {
        // Nothing is answered until three are queued, so that they leave in one batch.
        std::atomic<bool> open{false};
        FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
            if (command == "PING" && !open) return FakeRedis::kHangUp;
            if (command.find("\"data\": [2]") != command.npos) return "-OOM no memory\r\n";
            return std::nullopt;
        });
        RedisPeer peer(server.url(), kPatient);
        for (int i = 1; i <= 3; ++i) peer.emit("number", i);
        open = true;
        CPPUNIT_ASSERT(eventually([&] {
            const auto counters = peer.manager->counters();
            return counters.published == 2 && counters.publishDropped == 1;
        }));
        CPPUNIT_ASSERT_EQUAL(std::string("1 2 3"), published(server));
        peer.emit("number", 4);
        CPPUNIT_ASSERT(eventually([&] { return peer.manager->counters().published == 3; }));
        CPPUNIT_ASSERT_EQUAL(std::string("1 2 3 4"), published(server));
    }

    void publishesTheFirstAtOnceAndTheOthersTogether() {
        FakeRedis server;
        {
            RedisPeer peer(server.url(), {.pingInterval = 20ms, .publishInterval = 1h});
            peer.emit("number", 1);
            CPPUNIT_ASSERT(eventually([&] { return published(server) == "1"; }));
            peer.emit("number", 2);
            const auto pings = [&] { return server.commands.count("subscribed PING"); };
            CPPUNIT_ASSERT(eventually([&, before = pings()] { return pings() > before + 3; }));
            CPPUNIT_ASSERT_EQUAL(std::string("1"), published(server));
        }
        FakeRedis another;
        RedisPeer peer(another.url(), {.publishInterval = 20ms});
        for (int i = 1; i <= 3; ++i) peer.emit("number", i);
        CPPUNIT_ASSERT(eventually([&] { return published(another) == "1 2 3"; }));
        CPPUNIT_ASSERT(peer.manager->flush(2s));
    }

    void asksAServerThatIsSilentForASignOfLife() {
        FakeRedis server;
        const RedisPeer peer(server.url(),
                             {.connectTimeout = 2s, .commandTimeout = 2s, .pingInterval = 20ms});
        CPPUNIT_ASSERT(eventually([&] {
            return server.commands.count("PING") >= 5 &&
                   server.commands.count("subscribed PING") >= 3;
        }));
        CPPUNIT_ASSERT_EQUAL(std::size_t(1), server.commands.count("SUBSCRIBE socketio"));
        CPPUNIT_ASSERT_EQUAL(std::string(), peer.manager->lastError());
        // Either of them that gets none is taken for dead.
        for (const char* silent : {"PING", "subscribed PING"}) {
            server.answer([silent](const std::string& command) -> std::optional<std::string> {
                if (command == silent) return "";
                return std::nullopt;
            });
            CPPUNIT_ASSERT_MESSAGE(silent,
                                   eventually([&] { return peer.errorSays("does not answer"); }));
            server.answer({});
            CPPUNIT_ASSERT(eventually([&] { return peer.manager->lastError().empty(); }));
        }
    }

    void doesNotHammerAServerThatHangsUp() {
        FakeRedis server([](const std::string& command) -> std::optional<std::string> {
            if (command == "PING") return FakeRedis::kHangUp;
            return std::nullopt;
        });
        const auto begin = std::chrono::steady_clock::now();
        const RedisPeer peer(server.url(), kPatient);
        CPPUNIT_ASSERT(eventually([&] { return server.commands.count("PING") >= 10; }));
        // Five times each: after 40 ms at least, 80, 160 and 320.
        CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin >= 600ms);
    }

    void isQuickAgainOnceAConnectionWasGood() {
        // Seven attempts fail. From then on every connection is good until its first sign of life
        // is due, more than a second later.
        Mutex mutex;
        std::vector<TimePoint> asked;
        FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
            if (command != "PING") return std::nullopt;
            const MutexLock lock(mutex);
            asked.push_back(Clock::system().now());
            if (asked.size() <= 7 || asked.size() % 2 == 1) return FakeRedis::kHangUp;
            return std::nullopt;
        });
        RedisManager manager(server.url(), "socketio", true, {}, {.pingInterval = 1200ms});
        manager.initialize();
        // The pause before number `n`.
        const auto pauseBefore = [&](std::size_t n) {
            CPPUNIT_ASSERT(eventually([&] { return MutexLock(mutex), asked.size() >= n; }));
            const MutexLock lock(mutex);
            return asked[n - 1] - asked[n - 2];
        };
        const Duration longest = pauseBefore(8);
        CPPUNIT_ASSERT(longest >= 800ms);
        // One in three is enough: the machine may have other things to do.
        CPPUNIT_ASSERT(pauseBefore(10) < longest || pauseBefore(12) < longest ||
                       pauseBefore(14) < longest);
        manager.shutdown();
    }

    void waitsUntilTheOthersListenAgain() {
        const std::string nobody = "*2\r\n$8\r\nsocketio\r\n:0\r\n",
                          two = "*2\r\n$8\r\nsocketio\r\n:2\r\n";
        struct Case {
            std::string before, after;  // said of the number of subscribers
        };
        // As many as before; never as many; one may not ask.
        for (const Case& c :
             {Case{nobody, two}, Case{nobody, nobody}, Case{"-NOPERM\r\n", "-NOPERM\r\n"}}) {
            std::atomic<bool> bad{false}, back{false};
            FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
                if (begins(command, "PUBSUB")) return back ? c.after : c.before;
                if (!begins(command, "PUBLISH")) return std::nullopt;
                return bad.exchange(false) ? FakeRedis::kHangUp : ":2\r\n";
            });
            RedisPeer peer(server.url(), kPatient);
            const auto published = [&](std::uint64_t count) {
                return eventually([&] { return peer.manager->counters().published == count; });
            };
            peer.emit("number", 1);
            CPPUNIT_ASSERT(published(1));
            CPPUNIT_ASSERT_EQUAL(std::size_t(0), asked(server));
            bad = true;
            peer.emit("number", 2);
            CPPUNIT_ASSERT(
                eventually([&] { return peer.manager->counters().publishDropped == 1; }));
            peer.emit("number", 3);
            if (c.before == nobody) {
                CPPUNIT_ASSERT(eventually([&] { return asked(server) >= 2; }));
                CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), peer.manager->counters().published);
            }
            back = true;
            CPPUNIT_ASSERT(published(2));
        }
    }

    void stopEndsWhateverWaits() {
        // With an hour of patience everywhere, the end of this test is what it shows.
        for (const std::string stage : {"PING", "SUBSCRIBE", "PUBLISH"}) {
            FakeRedis server([&](const std::string& command) -> std::optional<std::string> {
                if (begins(command, stage)) return "$100\r\nhalf";
                return std::nullopt;
            });
            RedisPeer peer(server.url(), kPatient);
            peer.emit("number", 1);
            CPPUNIT_ASSERT(eventually([&] {
                const auto all = server.commands.lines();
                return std::any_of(all.begin(), all.end(),
                                   [&](const auto& each) { return begins(each, stage); });
            }));
            peer.manager->shutdown();
            const auto counters = peer.manager->counters();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), counters.published + counters.publishDropped);
        }
    }

    void saysThatAHostIsUnknown() {
        const RedisPeer peer("redis://no-such-host.invalid", kQuick);
        CPPUNIT_ASSERT(
            eventually([&] { return peer.errorSays("redis at no-such-host.invalid:6379: "); }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RedisFaultsTest);

}  // namespace socketio
