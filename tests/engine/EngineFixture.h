#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppunit/TestAssert.h>

#include "socketio/engine/EngineServer.h"

#include "support/FakeExchange.h"
#include "support/ManualExecutor.h"

namespace socketio::test {

using namespace std::chrono_literals;

/// Writes down what a session tells its user.
class RecordingListener final : public EngineListener {
public:
    void onText(std::string_view text) override {
        log.push_back("text " + std::string(text));
        if (react) react(log.back());
    }
    void onBinary(std::string_view bytes) override {
        log.push_back("binary " + std::string(bytes));
        if (react) react(log.back());
    }
    void onInputEnd() override {
        ++ends;
        if (react) react("end");
    }
    void onUpgrade() override { log.emplace_back("upgrade"); }
    void onClose(CloseReason reason, std::string_view detail) override {
        log.push_back("close " + std::string(toString(reason)));
        closeDetail = detail;
        if (react) react(log.back());
    }

    std::vector<std::string> take() { return std::exchange(log, {}); }

    std::vector<std::string> log;
    std::string closeDetail;
    int ends = 0;
    std::function<void(const std::string&)> react;
};

/// An Engine.IO server on a manual executor, and the requests of its clients.
class EngineFixture {
public:
    explicit EngineFixture(EngineOptions options = {}, Executor::LoopId loops = 1)
        : executor(loops), server(std::move(options), [this](const EngineSession::Ptr& session) {
              sessions.push_back(session);
              listeners.push_back(std::make_shared<RecordingListener>());
              if (whenOpened) whenOpened(*session);
              return refuseSessions ? nullptr : listeners.back();
          }) {
        server.start(executor);
    }

    FakeExchange::Ptr begin(FakeExchange::Ptr exchange) {
        executor.onLoop(exchange->loop(), [&] { server.begin(exchange); });
        return exchange;
    }
    FakeExchange::Ptr get(std::string_view query, FakeExchange::Headers headers = {},
                          Executor::LoopId loop = 0) {
        return begin(FakeExchange::make(executor, "GET", target(query), headers, {}, loop));
    }
    FakeExchange::Ptr post(std::string_view query, std::string body,
                           FakeExchange::Headers headers = {}, Executor::LoopId loop = 0) {
        return begin(
            FakeExchange::make(executor, "POST", target(query), headers, std::move(body), loop));
    }
    FakeExchange::Ptr webSocket(std::string_view query, FakeExchange::Headers headers = {},
                                Executor::LoopId loop = 0) {
        return begin(FakeExchange::makeWebSocket(executor, target(query), headers, loop));
    }

    /// A polling session; returns the query of its further requests.
    std::string openPolling(int revision = 4, std::string_view more = {}) {
        const std::string query =
            "EIO=" + std::to_string(revision) + "&transport=polling" + std::string(more);
        get(query);
        return query + "&sid=" + sessions.back()->sid();
    }
    /// A session that began on a WebSocket, its open packet read.
    std::shared_ptr<FakeWebSocketChannel> openWebSocket(int revision = 4,
                                                        std::string_view more = {}) {
        const auto exchange = webSocket("EIO=" + std::to_string(revision) + "&transport=websocket" +
                                        std::string(more));
        exchange->channel->take();
        return exchange->channel;
    }
    /// The candidate for the session of a polling query.
    std::shared_ptr<FakeWebSocketChannel> openCandidate(std::string query,
                                                        Executor::LoopId loop = 0) {
        query.replace(query.find("polling"), 7, "websocket");
        const auto channel = webSocket(query, {}, loop)->channel;
        if (loop != session().loop()) executor.run();  // it comes to the session
        return channel;
    }

    void send(std::string_view text) {
        onSession([&](EngineSession& s) { s.send(EngineMessage::fromText(text)); });
    }
    template <class F>
    void onSession(F&& function) {
        const EngineSession::Ptr session = sessions.back();
        executor.onLoop(session->loop(), [&] { function(*session); });
    }
    void pauseInput(bool paused) {
        onSession([paused](EngineSession& s) { s.pauseInput(paused); });
    }
    /// The session lives for `time`, to the millisecond, and then ends as timed out.
    void assertEndsAfter(Duration time) {
        executor.advance(time - 1ms);
        CPPUNIT_ASSERT(!session().closed());
        executor.advance(1ms);
        CPPUNIT_ASSERT(session().closed());
        CPPUNIT_ASSERT_EQUAL(std::string("close ping timeout"), listener().log.back());
    }

    RecordingListener& listener() { return *listeners.back(); }
    EngineSession& session() { return *sessions.back(); }

    static std::string target(std::string_view query) {
        return "/socket.io/?" + std::string(query);
    }

    ManualExecutor executor;
    std::vector<EngineSession::Ptr> sessions;
    std::vector<std::shared_ptr<RecordingListener>> listeners;
    std::function<void(EngineSession&)> whenOpened;
    bool refuseSessions = false;
    EngineServer server;  // last: it goes first
};

using Log = std::vector<std::string>;

/// What CppUnit prints of a log.
inline std::string joined(const Log& log) {
    std::string text;
    for (const std::string& line : log) text += line + "\n";
    return text;
}

#define ASSERT_LOG(...)                                                  \
    do {                                                                 \
        const ::socketio::test::Log logArguments[] = {__VA_ARGS__};      \
        CPPUNIT_ASSERT_EQUAL(::socketio::test::joined(logArguments[0]),  \
                             ::socketio::test::joined(logArguments[1])); \
    } while (false)

}  // namespace socketio::test
