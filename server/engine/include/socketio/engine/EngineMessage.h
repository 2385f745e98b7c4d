#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "socketio/base/Mutex.h"
#include "socketio/base/SharedFrame.h"
#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/EnginePayload.h"
#include "socketio/protocol/Value.h"

namespace socketio {

/// One text message and the binary messages that follow it (an event and its attachments), encoded
/// once for any number of sessions. It is one entry of a session's queue, so nothing can come
/// between its parts.
///
/// Owner:   shared by reference count.
/// Threads: thread-safe; the WebSocket form with attachments is made on first use.
class EngineMessage : public std::enable_shared_from_this<EngineMessage> {
public:
    using Ptr = std::shared_ptr<const EngineMessage>;

    /// Room to leave in front of a text given to create(): a frame header and the type digit.
    static constexpr std::size_t kHeadroom = 11;

    /// `text` begins with kHeadroom bytes of no meaning, where the header is built in place.
    static Ptr create(std::string text, std::vector<Binary> attachments = {});
    /// From a text without headroom.
    static Ptr fromText(std::string_view text);
    static Ptr fromBinary(std::string_view bytes);

    EngineMessage() = default;

    /// The whole message as WebSocket frames; `base64` for clients that asked for b64.
    SharedFrame webSocketFrames(EngineRevision revision, bool base64) const;
    /// What is left of it when the packets before `index` have gone over polling already.
    SharedFrame webSocketFramesFrom(std::size_t index, EngineRevision revision, bool base64) const;

    /// How many Engine.IO packets it is.
    std::size_t packets() const { return (_hasText ? 1 : 0) + attachments().size(); }
    /// Adds its packet `index` to a polling body; the writer borrows the bytes.
    void addTo(EnginePayloadWriter& writer, std::size_t index) const;

    /// The text, without headroom or type digit.
    std::string_view text() const;
    const std::vector<Binary>& attachments() const;
    /// What it counts in queues.
    std::size_t bytes() const { return _bytes; }

private:
    // What only messages with attachments have.
    struct Parts {
        std::vector<Binary> attachments;
        Mutex mutex;  // a leaf
        SharedFrame framesV3 SOCKETIO_GUARDED_BY(mutex);
        SharedFrame framesV4 SOCKETIO_GUARDED_BY(mutex);
    };

    std::string_view textFrame() const { return std::string_view(_text).substr(_frameAt); }
    std::string encodeFrames(EngineRevision revision, bool base64, std::size_t index) const;

    std::string _text;  // unused headroom, header, '4', text: the same in both revisions
    std::uint32_t _frameAt = 0;
    bool _hasText = false;
    std::size_t _bytes = 0;
    std::unique_ptr<Parts> _parts;
};

}  // namespace socketio
