#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <cppunit/TestAssert.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "FaultServer.h"
#include "FaultTraffic.h"
#include "support/EngineClient.h"
#include "support/PacketClient.h"
#include "support/RawClient.h"
#include "support/Waiting.h"

namespace socketio::test {

/// A server, healthy clients with traffic, and the judgement after the fault: nobody healthy was
/// hurt, the server does what it did before, and keeps nothing.
class FaultFixture : public CppUnit::TestFixture {
public:
    void tearDown() override {
        traffic.reset();
        server.reset();
    }

protected:
    void start(const FaultServer::Options& options = {},
               const FaultTraffic::Options& clients = {}) {
        server = std::make_unique<FaultServer>(options);
        {
            // What is allocated once, for a first client of each kind, is no leak.
            FaultTraffic first(*server, clients);
            CPPUNIT_ASSERT(first.goesOn());
            CPPUNIT_ASSERT_EQUAL(std::string(), first.stop());
        }
        CPPUNIT_ASSERT(everybodyHasLeft());
        base = server->footprint();
        traffic = std::make_unique<FaultTraffic>(*server, clients);
        CPPUNIT_ASSERT(traffic->goesOn());
    }

    bool everybodyHasLeft() {
        return server->waitUntil([this] { return server->connected() == 0; },
                                 std::chrono::seconds(60));
    }

    /// The fault is over and whoever belonged to it has left.
    void judge(std::size_t mayKeepBytes = 8 << 20) {
        CPPUNIT_ASSERT(traffic->goesOn());
        CPPUNIT_ASSERT_EQUAL(std::string(), traffic->stop());
        judgeWhatIsLeft(mayKeepBytes);
    }
    void judgeWhatIsLeft(std::size_t mayKeepBytes = 8 << 20) {
        traffic.reset();
        CPPUNIT_ASSERT(everybodyHasLeft());
        CPPUNIT_ASSERT_EQUAL(std::string(), server->leftOver(base, mayKeepBytes));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), server->disconnectedTwice());
        CPPUNIT_ASSERT_EQUAL(0, server->stop());
    }

    /// Its disconnect handler has run; the reason that it was given.
    std::string reasonOf(const std::string& sid,
                         std::chrono::milliseconds within = std::chrono::seconds(20)) {
        server->waitUntil([&] { return !server->reasonOf(sid).empty(); }, within);
        return server->reasonOf(sid);
    }

    std::unique_ptr<FaultServer> server;
    std::unique_ptr<FaultTraffic> traffic;
    Footprint base;
};

/// The socket id of the answer to CONNECT.
inline std::string sidIn(const std::string& answer) {
    CPPUNIT_ASSERT_MESSAGE(answer, answer.starts_with("40{"));
    return jsonString(answer, "sid");
}

}  // namespace socketio::test
