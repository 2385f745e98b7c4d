#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "KindsOfOperation.h"

namespace socketio::test {

/// While the broker is healthy nothing is lost, doubled or swapped. A fixture derives from it and
/// names its tests with NOTHING_LOST_TESTS.
///
/// SOCKETIO_NUMBERED_MESSAGES in the environment is the number of messages per kind.
class NothingLost : public CppUnit::TestFixture {
public:
    void inRooms() { check("rooms", emitToRooms); }
    void inBroadcasts() { check("broadcast", emitToAll); }
    void toOneClient() { check("to a sid", emitToOne); }
    void skippingOneClient() { check("skip_sid", emitToAllButOne); }
    void withCallbacks() { check("callbacks", emitWithCallback); }
    void betweenJoiningAndLeaving() { check("join, leave, emit", emitBetweenJoinAndLeave); }
    void afterJoiningElsewhere() { check("join elsewhere", emitAfterJoinElsewhere, 10); }

protected:
    static constexpr std::size_t kClients = 8;  // per server

    virtual std::string broker() const = 0;
    virtual std::shared_ptr<PubSubManager> makeManager() = 0;

private:
    // `share`: that part of the messages, for what has to wait for each of them.
    void check(const char* kind, void (*send)(NumberedCluster&, std::size_t),
               std::size_t share = 1) {
        const char* const wanted = std::getenv("SOCKETIO_NUMBERED_MESSAGES");
        const std::size_t count = (wanted ? std::strtoul(wanted, nullptr, 10) : 20'000) / share;
        NumberedCluster cluster([this] { return makeManager(); }, kClients);
        const TimePoint begin = Clock::system().now();
        send(cluster, count);
        cluster.messages().waitUntilComplete(Clock::system().now() + std::chrono::seconds(30));
        const double seconds = std::chrono::duration<double>(Clock::system().now() - begin).count();
        CPPUNIT_ASSERT(cluster.fence());

        const Verdict verdict = cluster.messages().verdict();
        std::printf(
            "%s, %s: %s messages, %s receipts in %.2f s: %s messages/s\n", broker().c_str(), kind,
            grouped(verdict.attempted).c_str(), grouped(verdict.received).c_str(), seconds,
            grouped(static_cast<std::uint64_t>(static_cast<double>(verdict.attempted) / seconds))
                .c_str());
        CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.good());
        CPPUNIT_ASSERT(verdict.attempted >= count - count % NumberedCluster::kServers);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), verdict.refused);
        CPPUNIT_ASSERT_EQUAL(NumberedCluster::kServers * kClients, cluster.clients().open());
        for (std::size_t server = 0; server < NumberedCluster::kServers; ++server) {
            const PubSubManager::Counters counted = cluster.counted(server);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), counted.missed + counted.publishDropped +
                                                       counted.receiveDropped + counted.ignored +
                                                       counted.reconnects);
        }
    }
};

#define NOTHING_LOST_TESTS                  \
    CPPUNIT_TEST(inRooms);                  \
    CPPUNIT_TEST(inBroadcasts);             \
    CPPUNIT_TEST(toOneClient);              \
    CPPUNIT_TEST(skippingOneClient);        \
    CPPUNIT_TEST(withCallbacks);            \
    CPPUNIT_TEST(betweenJoiningAndLeaving); \
    CPPUNIT_TEST(afterJoiningElsewhere)

}  // namespace socketio::test
