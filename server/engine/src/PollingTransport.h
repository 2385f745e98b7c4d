#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "socketio/base/Outbound.h"
#include "socketio/base/SharedFrame.h"
#include "socketio/engine/EngineMessage.h"
#include "socketio/exchange/Exchange.h"

namespace socketio {

class EngineSessionImpl;
class WebSocketTransport;

/// A packet without data as one WebSocket text frame.
const SharedFrame& controlFrame(EnginePacket::Type type);

/// The HTTP long-polling side of one session: what waits for the next poll, the poll that is
/// parked, and the POST in progress. It decides nothing; the session does.
///
/// Owner:   its session, which frees it after an upgrade. Threads: confined to the session's loop.
class PollingTransport {
public:
    PollingTransport(EngineSessionImpl& session, bool base64);

    // What waits.
    void push(const EngineMessage::Ptr& message);
    /// Of the heartbeat packets one of a kind is enough, so a client that never polls does not make
    /// them pile up.
    void push(EnginePacket::Type control);
    bool empty() const { return _head == _queue.size(); }
    std::size_t bytes() const { return _bytes; }
    /// Nobody fetches it any more.
    void forgetQueue();
    /// Sends all that waits over a WebSocket instead.
    void moveTo(WebSocketTransport& webSocket);

    // The parked poll.
    void park(Exchange::Ptr poll, std::string jsonpIndex);
    bool polled() const { return _poll != nullptr; }

    /// Answers the parked poll with what waits, as far as one answer takes it, and with `last` when
    /// all of it fits. Returns whether `last` went with it.
    bool answer(std::optional<EnginePacket::Type> last = {});
    /// The answer to the handshake: the open packet comes first.
    bool answerHandshake(std::string_view open, std::string_view setCookie,
                         std::optional<EnginePacket::Type> last);

    // The POST in progress.
    enum class PostStage : std::uint8_t {
        Receiving,   ///< Its body is on the way.
        HandingOut,  ///< Its packets are being given to the listener.
        Held         ///< They have been given; the answer waits while input is paused.
    };
    void setPost(Exchange::Ptr post) {
        _post = std::move(post);
        postStage = PostStage::Receiving;
    }
    const Exchange::Ptr& post() const { return _post; }
    /// Answers it: `ok`, or 400.
    void answerPost(bool good);
    void forgetPost() { _post.reset(); }

    // Notes of the session.
    bool flushPosted = false;  ///< A task that answers the poll is on its way.
    PostStage postStage = PostStage::Receiving;

private:
    struct Entry {
        EngineMessage::Ptr message;  ///< Null for a control packet.
        std::uint32_t next = 0;      ///< The packet of the message that is next to be sent.
        EnginePacket::Type control = EnginePacket::Type::Noop;
    };
    static constexpr std::size_t kEntryBytes = sizeof(Entry);

    bool respond(std::string_view open, std::string_view setCookie,
                 std::optional<EnginePacket::Type> last);
    void drop(std::size_t entries);
    void tellOutbound();
    bool& queued(EnginePacket::Type control) {
        return control == EnginePacket::Type::Ping ? _pingQueued : _pongQueued;
    }

    EngineSessionImpl& _session;
    std::vector<Entry> _queue;  // from _head on
    std::size_t _head = 0;
    std::size_t _bytes = 0;
    OutboundQueue _outbound;  // as large as _bytes
    Exchange::Ptr _poll;
    Exchange::Ptr _post;
    std::string _jsonpIndex;  // of the parked poll
    const bool _base64;
    bool _pingQueued = false;
    bool _pongQueued = false;
};

}  // namespace socketio
