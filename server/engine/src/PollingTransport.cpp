#include "PollingTransport.h"

#include <array>
#include <limits>
#include <utility>

#include "socketio/base/insist.h"
#include "socketio/protocol/EnginePayload.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "EngineSessionImpl.h"
#include "WebSocketTransport.h"

namespace socketio {

namespace {

// Smaller answers are with the kernel as soon as they are given.
constexpr std::size_t kWatchedBytes = 16 * 1024;

/// Lives in the callback that tells that an answer has been handed to the kernel. When it goes
/// without that, the client went away in the middle of the answer.
class AnswerWatch {
public:
    explicit AnswerWatch(std::weak_ptr<EngineSessionImpl> session) : _session(std::move(session)) {}
    ~AnswerWatch() {
        const auto session = _sent ? nullptr : _session.lock();
        if (!session || session->closed()) return;
        insist([&] {
            session->executor().post(session->loop(), [session] { session->pollAborted(); });
        });
    }
    AnswerWatch(const AnswerWatch&) = delete;
    AnswerWatch& operator=(const AnswerWatch&) = delete;

    void sent() { _sent = true; }

private:
    std::weak_ptr<EngineSessionImpl> _session;
    bool _sent = false;
};

}  // namespace

const SharedFrame& controlFrame(EnginePacket::Type type) {
    static const auto frames = [] {
        std::array<SharedFrame, 7> all;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const char digit = static_cast<char>('0' + i);
            std::string frame;
            appendWebSocketFrame(frame, WebSocketOpcode::Text, {&digit, 1});
            all[i] = SharedFrame(std::move(frame));
        }
        return all;
    }();
    return frames[static_cast<std::size_t>(static_cast<char>(type) - '0')];
}

PollingTransport::PollingTransport(EngineSessionImpl& session, bool base64)
    : _session(session),
      _outbound(
          [](void* self) { static_cast<PollingTransport*>(self)->_session.largestOutbound(); },
          this),
      _base64(base64) {}

void PollingTransport::tellOutbound() {
    _session.executor().outbound(_session.loop()).set(_outbound, _bytes);
}

void PollingTransport::forgetQueue() { drop(_queue.size() - _head); }

void PollingTransport::push(const EngineMessage::Ptr& message) {
    _queue.push_back({message, 0, EnginePacket::Type::Message});
    _bytes += message->bytes() + kEntryBytes;
    tellOutbound();
}

void PollingTransport::push(EnginePacket::Type control) {
    if (queued(control)) return;
    _queue.push_back({nullptr, 0, control});
    queued(control) = true;
    _bytes += kEntryBytes;
    tellOutbound();
}

void PollingTransport::moveTo(WebSocketTransport& webSocket) {
    for (std::size_t i = _head; i < _queue.size(); ++i) {
        const Entry& entry = _queue[i];
        if (entry.message)
            webSocket.send(entry.message->webSocketFramesFrom(entry.next, _session.revision(),
                                                              webSocket.base64()));
        else
            webSocket.send(controlFrame(entry.control));
    }
    drop(_queue.size() - _head);
}

void PollingTransport::park(Exchange::Ptr poll, std::string jsonpIndex) {
    _poll = std::move(poll);
    _jsonpIndex = std::move(jsonpIndex);
}

bool PollingTransport::answer(std::optional<EnginePacket::Type> last) {
    return respond({}, {}, last);
}

bool PollingTransport::answerHandshake(std::string_view open, std::string_view setCookie,
                                       std::optional<EnginePacket::Type> last) {
    return respond(open, setCookie, last);
}

bool PollingTransport::respond(std::string_view open, std::string_view setCookie,
                               std::optional<EnginePacket::Type> last) {
    // Clients of revision 3 take any number; those of revision 4 in Python refuse more than 16.
    const std::size_t limit = _session.revision() == EngineRevision::V4
                                  ? _session.options().maxPacketsPerPoll
                                  : std::numeric_limits<std::size_t>::max();
    EnginePayloadWriter writer(_session.revision(), _base64 || !_jsonpIndex.empty());
    if (!open.empty()) writer.add(EnginePacket::Type::Open, open);
    std::size_t done = 0;  // entries that go out whole
    for (; _head + done < _queue.size() && writer.packets() < limit; ++done) {
        Entry& entry = _queue[_head + done];
        if (!entry.message) {
            writer.add(entry.control, {});
            continue;
        }
        while (entry.next < entry.message->packets() && writer.packets() < limit)
            entry.message->addTo(writer, entry.next++);
        if (entry.next < entry.message->packets()) break;
    }
    const bool withLast = last && _head + done == _queue.size() && writer.packets() < limit;
    if (withLast) writer.add(*last, {});
    bool octetStream = false;
    std::string body = writer.body(octetStream);
    drop(done);
    const Exchange::Ptr poll = std::exchange(_poll, nullptr);
    if (body.size() >= kWatchedBytes && open.empty())
        poll->onSent([watch = std::make_shared<AnswerWatch>(_session.weak())] { watch->sent(); });
    _session.context().answerPoll(poll, std::move(body), octetStream, _jsonpIndex, setCookie);
    return withLast;
}

void PollingTransport::drop(std::size_t entries) {
    for (std::size_t i = 0; i < entries; ++i) {
        Entry& entry = _queue[_head + i];
        _bytes -= kEntryBytes + (entry.message ? entry.message->bytes() : 0);
        if (!entry.message) queued(entry.control) = false;
        entry.message.reset();
    }
    tellOutbound();
    _head += entries;
    if (_head == _queue.size()) {
        _queue.clear();
        _head = 0;
        if (_queue.capacity() > 16) std::vector<Entry>().swap(_queue);
    } else if (_head > _queue.size() / 2) {
        _queue.erase(_queue.begin(), _queue.begin() + static_cast<std::ptrdiff_t>(_head));
        _head = 0;
    }
}

void PollingTransport::answerPost(bool good) {
    const Exchange::Ptr post = std::exchange(_post, nullptr);
    if (good)
        _session.context().answer(post, Response{200, {{"Content-Type", "text/html"}}, "ok"});
    else
        _session.context().refuse(post, EngineError::BadRequest);
}

}  // namespace socketio
