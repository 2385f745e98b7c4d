#include "NumberedCell.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace socketio::test {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kClients = 4;
constexpr std::size_t kWindow = 500;  // messages that a stream is ahead
constexpr unsigned kMostAtOnce = 16;

using Receiver = NumberedMessages::Receiver;
using Stream = NumberedMessages::Stream;

void waitForRoom(NumberedMessages& messages, Stream stream) {
    if (!messages.waitForRoom(stream, kWindow, Clock::system().now() + 30s))
        throw std::runtime_error("what was sent does not come: " + messages.verdict().text());
}

// Runs `work(client)` on a thread for each; throws what one of them has thrown.
template <class Work, class Meanwhile>
void onThreads(Work work, Meanwhile meanwhile) {
    std::exception_ptr failures[kClients + 1];
    {
        std::vector<std::jthread> threads;
        for (std::size_t client = 0; client < kClients; ++client)
            threads.emplace_back([&, client] {
                try {
                    work(client);
                } catch (...) {
                    failures[client] = std::current_exception();
                }
            });
        try {
            meanwhile();
        } catch (...) {
            failures[kClients] = std::current_exception();
        }
    }
    for (const std::exception_ptr& each : failures)
        if (each) std::rethrow_exception(each);
}

}  // namespace

std::string NumberedCell::name() const {
    using Transport = NumberedSession::Transport;
    std::string name = inFront;
    name += way.transport == Transport::Polling     ? "polling"
            : way.transport == Transport::WebSocket ? "WebSocket"
                                                    : "FastCGI polling";
    name += way.connection.tls ? ", TLS" : ", plain";
    name += way.binary ? ", binary" : ", text";
    name += direction == Direction::Up ? ", up" : ", down";
    if (!way.encoding.empty()) name += ", " + way.encoding;
    return name;
}

NumberedCell::Result NumberedCell::run(FaultServer& server) const {
    NumberedMessages numbered("run");
    std::vector<Receiver> receivers;
    std::vector<std::unique_ptr<NumberedSession>> sessions;
    const std::uint64_t endedBefore = server.disconnects("");
    for (std::size_t i = 0; i < kClients; ++i) {
        receivers.push_back(numbered.addReceiver("client " + std::to_string(i)));
        sessions.push_back(
            std::make_unique<NumberedSession>(port, way, numbered, receivers.back()));
    }
    Result result;
    const TimePoint begin = Clock::system().now();
    if (direction == Direction::Down) {
        const Stream all = numbered.addStream("to all", receivers);
        std::vector<Stream> alone;
        for (const Receiver each : receivers)
            alone.push_back(numbered.addStream("to client " + std::to_string(each), {each}));
        onThreads(
            [&](std::size_t client) {
                while (sessions[client]->receive()) {
                }
            },
            [&] {
                for (std::size_t i = 0; i < messages; ++i) {
                    const std::size_t client = i / 2 % kClients;
                    const Stream stream = i % 2 == 0 ? all : alone[client];
                    waitForRoom(numbered, stream);
                    server.emit(i % 2 == 0 ? "*" : sessions[client]->sid(),
                                numbered.attempt(stream), way.binary);
                }
                server.command("tell * bye");
            });
        for (const auto& each : sessions) result.ended += !each->heardBye();
    } else {
        const Receiver receiver = numbered.addReceiver("the server");
        std::vector<Stream> streams;
        for (std::size_t i = 0; i < kClients; ++i)
            streams.push_back(numbered.addStream("from client " + std::to_string(i), {receiver}));
        server.reportTo(numbered, receiver);
        onThreads(
            [&](std::size_t client) {
                std::mt19937 random(static_cast<unsigned>(client) + 1);
                const Stream stream = streams[client];
                for (std::size_t left = messages / kClients; left > 0;) {
                    waitForRoom(numbered, stream);
                    std::vector<std::string> texts(
                        std::min<std::size_t>(left, 1 + random() % kMostAtOnce));
                    left -= texts.size();
                    for (std::string& each : texts) each = numbered.attempt(stream);
                    sessions[client]->send(texts);
                    if (way.transport == NumberedSession::Transport::WebSocket)
                        sessions[client]->answerPings();
                }
            },
            [] {});
        numbered.waitUntilComplete(Clock::system().now() + 30s);
        server.reportTo(nullptr);
    }
    result.ended += server.disconnects("") - endedBefore;
    result.seconds = std::chrono::duration<double>(Clock::system().now() - begin).count();
    for (const auto& each : sessions) {
        result.answers += each->answers();
        result.compressed += each->compressed();
    }
    for (const auto& each : sessions) each->close();
    // The next cell's messages to everybody are not for these.
    if (!server.waitUntil([&] { return server.connected() == 0; }, 60s))
        throw std::runtime_error("sessions whose connections are closed stay");
    result.verdict = numbered.verdict();
    return result;
}

std::string withCommas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

}  // namespace socketio::test
