#pragma once

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "socketio/server/Server.h"

#include "FakeSession.h"
#include "support/ManualExecutor.h"

namespace socketio::test {

/// Keeps log lines: "error: ..." one per line.
class LogKeeper : public Poco::Channel {
public:
    void log(const Poco::Message& message) override {
        switch (message.getPriority()) {
            case Poco::Message::PRIO_ERROR:
                lines += "error: ";
                break;
            case Poco::Message::PRIO_WARNING:
                lines += "warning: ";
                break;
            case Poco::Message::PRIO_INFORMATION:
                lines += "info: ";
                break;
            default:
                lines += "debug: ";
        }
        lines += message.getText() + '\n';
        ++count;
    }
    std::string lines;
    std::size_t count = 0;
};

/// One client, as the test plays it.
class Peer {
public:
    Peer(ManualExecutor& executor, Server& server, EngineRevision revision, Executor::LoopId loop)
        : session(std::make_shared<FakeSession>("engine-sid-of-20-chr" + std::to_string(++made()),
                                                revision, loop)),
          _executor(executor) {
        _executor.onLoop(loop, [&] { session->listener = server.openSession(session); });
    }

    /// Sends one message; nothing runs yet.
    void write(std::string_view text) {
        _executor.onLoop(session->loop(), [&] {
            if (const auto listener = session->listener) listener->onText(text);
        });
    }
    void writeBinary(std::string_view bytes) {
        _executor.onLoop(session->loop(), [&] {
            if (const auto listener = session->listener) listener->onBinary(bytes);
        });
    }
    /// Sends one message and lets everything run.
    void say(std::string_view text) {
        write(text);
        _executor.run();
    }
    /// The connection ends.
    void hangUp(CloseReason reason = CloseReason::TransportClose, std::string_view detail = {}) {
        _executor.onLoop(session->loop(), [&] { session->close(reason, detail); });
        _executor.run();
    }

    /// What has been sent since the last call, with SID in place of fresh socket ids.
    std::string heard() {
        std::string text = std::exchange(session->sent, {});
        static constexpr std::string_view kKey = "{\"sid\":\"";
        for (std::size_t at = 0; (at = text.find(kKey, at)) != std::string::npos;) {
            at += kKey.size();
            const std::size_t end = text.find('"', at);
            sid = text.substr(at, end - at);
            text.replace(at, end - at, "SID");
        }
        return text;
    }
    /// Joins a namespace ("" is the main one) and remembers the socket id.
    void join(const std::string& nsp = {}) {
        say(nsp.empty() ? "0" : "0" + nsp + ",");
        const std::string answer = heard();
        const std::string expected =
            nsp.empty() ? "0{\"sid\":\"SID\"}" : "0" + nsp + ",{\"sid\":\"SID\"}";
        CPPUNIT_ASSERT_EQUAL(expected, answer);
    }
    bool open() const { return !session->isClosed; }

    std::shared_ptr<FakeSession> session;
    std::string sid;

private:
    static int& made() {
        static int count = 0;
        return count;
    }
    ManualExecutor& _executor;
};

/// A server on a manual executor, with its log kept.
class ServerFixture : public CppUnit::TestFixture {
public:
    void setUp() override {
        log = new LogKeeper;
        logger().setChannel(log);
        logger().setLevel(Poco::Message::PRIO_INFORMATION);
        make({});
    }
    void tearDown() override {
        end();
        logger().setChannel(nullptr);
    }

    /// Begins again with other options.
    void make(ServerOptions options, Executor::LoopId loops = 1) {
        end();
        executor = std::make_unique<ManualExecutor>(loops);
        options.logger = &logger();
        server.emplace(std::move(options));
        server->start(*executor);
        trace.clear();
    }

    Peer& open(EngineRevision revision = EngineRevision::V4, Executor::LoopId loop = 0) {
        peers.push_back(std::make_unique<Peer>(*executor, *server, revision, loop));
        executor->run();
        return *peers.back();
    }
    /// A client of protocol 5 that has joined the main namespace.
    Peer& joined(Executor::LoopId loop = 0) {
        Peer& peer = open(EngineRevision::V4, loop);
        peer.join();
        return peer;
    }
    /// The same with protocol 4.
    Peer& joinedV3() {
        Peer& peer = open(EngineRevision::V3);
        CPPUNIT_ASSERT_EQUAL(std::string("0"), peer.heard());
        peer.sid = peer.session->sid();
        return peer;
    }

    void end() {
        if (!server) return;
        for (const auto& peer : peers) peer->hangUp();
        peers.clear();
        server.reset();
        executor.reset();
    }

    static Poco::Logger& logger() { return Poco::Logger::get("socketio.server.test"); }
    bool logged(std::string_view text) const { return log->lines.find(text) != std::string::npos; }

    Poco::AutoPtr<LogKeeper> log;
    std::unique_ptr<ManualExecutor> executor;
    std::optional<Server> server;
    std::vector<std::unique_ptr<Peer>> peers;
    std::string trace;  // what handlers write down
};

}  // namespace socketio::test

#define ASSERT_HEARD(expected, peer) CPPUNIT_ASSERT_EQUAL(std::string(expected), (peer).heard())
