#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "socketio/engine/EngineSession.h"

namespace socketio::test {

/// An Engine.IO session without transports: it writes down what it is sent and how it is closed.
/// Like the real one it lets go of its listener as soon as that has heard of the close.
class FakeSession : public EngineSession {
public:
    FakeSession(std::string sid, EngineRevision revision, Executor::LoopId loop)
        : EngineSession(std::move(sid), revision, loop) {
        auto environ = std::make_shared<Environ>();
        environ->set("REMOTE_ADDR", "192.0.2.7");
        environ->set("QUERY_STRING", "EIO=4&color=red");
        _environ = environ;
    }

    bool onWebSocket() const override { return webSocket; }
    bool closed() const override { return isClosed; }
    std::shared_ptr<const Environ> environ() const override { return _environ; }
    void dropEnviron() override { _environ.reset(); }

    bool send(const EngineMessage::Ptr& message) override {
        if (isClosed) return false;
        if (closeAtSend) {
            close(CloseReason::TransportError, "outbound limit");
            return false;
        }
        if (!sent.empty()) sent += ' ';
        sent += message->text();
        for (const Binary& attachment : message->attachments())
            sent += " <" + attachment.bytes + ">";
        last = message;
        return true;
    }

    void close(CloseReason reason, std::string_view detail = {}) override {
        if (std::exchange(isClosed, true)) return;
        closeReason = reason;
        closeDetail = detail;
        if (const auto heard = std::exchange(listener, nullptr)) heard->onClose(reason, detail);
    }

    void pauseInput(bool pause) override { paused = pause; }
    std::size_t queuedBytes() const override { return 0; }

    std::shared_ptr<EngineListener> listener;
    std::string sent;  // "40{...} 451-[...] <bytes>"; sids are written as they are
    EngineMessage::Ptr last;
    bool webSocket = false;
    bool isClosed = false;
    bool closeAtSend = false;
    bool paused = false;
    CloseReason closeReason = CloseReason::TransportClose;
    std::string closeDetail;

private:
    std::shared_ptr<const Environ> _environ;
};

}  // namespace socketio::test
