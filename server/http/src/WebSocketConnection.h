#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "socketio/exchange/WebSocketChannel.h"
#include "socketio/net/Connection.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "HttpServerState.h"

namespace socketio {

/// A connection after its WebSocket handshake. There are many of them and most are idle, hence no
/// buffers of its own.
///
/// Owner:   its Connection, and the user of the channel.
/// Threads: as WebSocketChannel; the rest confined to its loop.
class WebSocketConnection final : public HttpProtocol,
                                  public WebSocketChannel,
                                  public std::enable_shared_from_this<WebSocketConnection> {
public:
    WebSocketConnection(std::shared_ptr<HttpServerState> server, Executor::LoopId loop,
                        std::size_t maxMessageBytes);

    /// A channel whose connection has gone already: its listener is told so.
    static std::shared_ptr<WebSocketConnection> lost(std::shared_ptr<HttpServerState> server,
                                                     Executor::LoopId loop);

    // ConnectionProtocol
    void onOpen(Connection& connection) override;
    std::size_t onInput(char* bytes, std::size_t size) override;
    void onEnd() override;
    void onDeadline() override;
    void onClosed(const char* detail) override;

    // HttpProtocol
    void shutDown() override;
    void cut() override { abort(); }

    // WebSocketChannel
    Executor::LoopId loop() const override { return _loop; }
    void setListener(std::shared_ptr<WebSocketListener> listener) override;
    void send(SharedFrame frames) override;
    void close(std::uint16_t code, std::string_view reason) override;
    void abort() override;
    void pauseReading(bool paused) override;
    std::size_t queuedBytes() const override;
    TimePoint lastReceived() const override;

private:
    enum class State : std::uint8_t {
        Open,
        Closing,  // our close frame is on its way, the peer's is awaited
        Over      // nothing is read or sent any more
    };

    bool onLoop() const { return _server->onLoop(_loop); }
    void beginClose(std::uint16_t code, std::string_view reason);
    void sendClose(std::uint16_t code, std::string_view reason);
    bool countControlFrame();
    std::string closedFor(std::string_view why) const;
    void answerPing(std::string_view payload);
    void finish(std::uint16_t code, std::string_view detail);
    void notifyClosed(std::uint16_t code, std::string_view detail);

    Connection* _connection = nullptr;  // null before onOpen() and after onClosed()
    std::shared_ptr<WebSocketListener> _listener;
    WebSocketDecoder _decoder;
    TimePoint _controlSince{};         // the second in which control frames are counted
    std::uint32_t _controlFrames = 0;  // in it
    const Executor::LoopId _loop;
    State _state = State::Open;
    bool _notified = false;
};

}  // namespace socketio
