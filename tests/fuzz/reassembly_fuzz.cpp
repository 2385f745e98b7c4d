// Packets with attachments on their way into a server, as a state machine: text, binary, time and
// the end of the connection in any order. An input is the revision of the protocol in its first
// byte ('4', anything else 5), then steps separated by 0x1E: 'b' and bytes for a binary message,
// 't' lets time pass, 'x' ends the connection, anything else is a text message.
#include <memory>
#include <string>
#include <string_view>

#include <Poco/AutoPtr.h>
#include <Poco/Logger.h>
#include <Poco/NullChannel.h>

#include "socketio/protocol/SocketPacketDecoder.h"
#include "socketio/server/Server.h"

#include "../server/FakeSession.h"
#include "Pieces.h"
#include "support/ManualExecutor.h"

namespace {

using namespace std::chrono_literals;
using socketio::Value;
using socketio::fuzz::require;
using socketio::test::FakeSession;
using Type = socketio::SocketPacket::Type;

constexpr std::size_t kMaxBytes = 4096;

Poco::Logger& silent() {
    static Poco::Logger& logger = [&]() -> Poco::Logger& {
        Poco::Logger& made = Poco::Logger::get("fuzz");
        made.setChannel(Poco::AutoPtr<Poco::Channel>(new Poco::NullChannel));
        return made;
    }();
    return logger;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const bool old = data[0] == '4';
    std::string_view rest = socketio::fuzz::view(data + 1, size - 1);

    socketio::test::ManualExecutor executor;
    socketio::ServerOptions options;
    options.maxHttpBufferSize = kMaxBytes;
    options.logger = &silent();
    socketio::Server server(std::move(options));
    std::size_t called = 0;
    server.on("*", [&](socketio::Socket&, const std::string&) { ++called; });
    server.start(executor);
    const auto session = std::make_shared<FakeSession>(
        "engine-sid-of-20-chrs", old ? socketio::EngineRevision::V3 : socketio::EngineRevision::V4,
        0);
    executor.onLoop(0, [&] { session->listener = server.openSession(session); });
    executor.run();
    const std::weak_ptr<socketio::EngineListener> client = session->listener;

    // The same messages, read beside it: which of them are events for the handler.
    socketio::SocketPacketDecoder decoder(old ? 4 : 5, kMaxBytes);
    bool connected = old;
    std::size_t events = 0;
    for (int steps = 0; steps < 400; ++steps) {
        const std::size_t end = std::min(rest.find('\x1E'), rest.size());
        const std::string_view step = rest.substr(0, end);
        const char kind = step.empty() ? '\0' : step.front();
        if (kind == 't') {
            executor.advance(step.size() * 1s);
        } else if (kind == 'x') {
            session->close(socketio::CloseReason::TransportClose);
        } else if (const auto listener = session->listener) {
            const bool binary = kind == 'b';
            const auto packet = binary ? decoder.binary(step.substr(1)) : decoder.text(step);
            executor.onLoop(0, [&] {
                if (binary)
                    listener->onBinary(step.substr(1));
                else
                    listener->onText(step);
                listener->onInputEnd();
            });
            if (!packet.ok()) require(session->isClosed, "a bad packet ends the session");
            if (packet.ok() && *packet && (*packet)->nsp == "/" && !session->isClosed) {
                const Type type = (*packet)->type;
                if (type == Type::Connect) connected = true;
                if (type == Type::Disconnect) connected = false;
                if (type == Type::Event && connected) ++events;
            }
        }
        executor.run();
        require(called == events, "an event for each packet that is complete, and no more");
        if (end == rest.size()) break;
        rest.remove_prefix(end + 1);
    }
    session->close(socketio::CloseReason::TransportClose);
    executor.run();
    require(client.expired(), "nothing is left of a client, and what was pending with it");
    executor.advance(1h);
    require(executor.armedTimers() == 0, "no timer is left");
    return 0;
}
