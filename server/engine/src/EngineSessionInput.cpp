// What a client sends, over whichever transport, and when it is read no further.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "socketio/base/Text.h"
#include "socketio/protocol/EnginePayload.h"
#include "socketio/protocol/WebSocketFrame.h"

#include "EngineSessionCalls.h"
#include "EngineSessionImpl.h"

namespace socketio {

namespace {

// What a client has for a sign of life at least when it is read again.
constexpr std::chrono::seconds kReadingTime{1};

constexpr char kBinaryTypeV3 = 4;

bool isOctetStream(const Environ& environ) {
    const std::string_view type = environ.get("CONTENT_TYPE");
    return equalsIgnoreCase(trim(type.substr(0, type.find(';'))), "application/octet-stream");
}

}  // namespace

bool EngineSessionImpl::receivePayload(const Exchange::Ptr& exchange, bool jsonp) {
    const auto bad = [&](const char* detail, CloseReason reason, std::optional<Limit> limit = {}) {
        _context->warn(EngineFault::BadPayload, limit, _executor, who() + ": bad POST: " + detail);
        close(reason, detail);
        return false;
    };
    const bool octetStream = isOctetStream(exchange->environ());
    if (octetStream && revision() == EngineRevision::V4)
        return bad("content type of revision 3", CloseReason::TransportError);
    std::string body = exchange->takeBody();
    if (jsonp) {
        Result<std::string> payload = EnginePayload::decodeJsonpForm(body);
        if (!payload) return bad(payload.error().detail, CloseReason::ParseError);
        body = std::move(*payload);
    }
    EnginePayload::Limits limits;
    limits.maxPackets = options().maxPacketsPerPayload;
    limits.maxPacketBytes = options().maxHttpBufferSize;
    const auto packets = EnginePayload::decode(revision(), octetStream, body, limits);
    if (!packets)
        return bad(packets.error().detail, CloseReason::ParseError, packets.error().limit);

    Dispatch dispatch(*this);
    for (const EnginePacket& packet : *packets)
        if (!receive(packet.type, packet.binary, packet.data)) break;
    if (_state == State::Open) _listener->onInputEnd();
    return _state == State::Open ||
           (_reason != CloseReason::ParseError && _reason != CloseReason::TransportError);
}

void EngineSessionImpl::webSocketMessage(WebSocketTransport& transport, bool binary,
                                         std::string_view data) {
    if (_probe && _probe->isCandidate(transport)) {
        switch (_probe->step(binary, data)) {
            case UpgradeProbe::Step::Probe: {
                std::string frame;
                appendWebSocketFrame(frame, WebSocketOpcode::Text, "3probe");
                transport.send(SharedFrame(std::move(frame)));
                if (_polling->polled()) _probe->releasePollSoon();
                break;
            }
            case UpgradeProbe::Step::Upgrade:
                upgrade();
                break;
            case UpgradeProbe::Step::Wrong:
                dropProbe();
                break;
        }
        return;
    }
    if (_webSocket.get() != &transport || _state != State::Open) return;
    Dispatch dispatch(*this);
    if (receiveFrame(binary, data)) _listener->onInputEnd();
}

bool EngineSessionImpl::receiveFrame(bool binary, std::string_view data) {
    const bool v4 = revision() == EngineRevision::V4;
    if (binary) {
        if (v4) return receive(Type::Message, true, data);
        if (data.empty() || data[0] != kBinaryTypeV3)
            return wrong(CloseReason::ParseError, "unknown binary packet");
        return receive(Type::Message, true, data.substr(1));
    }
    const std::string_view prefix = v4 ? "b" : "b4";
    if (data.substr(0, prefix.size()) == prefix) {
        const Result<std::string> bytes = decodeBase64(data.substr(prefix.size()));
        if (!bytes) return wrong(CloseReason::ParseError, bytes.error().detail);
        return receive(Type::Message, true, *bytes);
    }
    const Result<Type> type = EnginePacket::typeOf(data);
    if (!type) return wrong(CloseReason::ParseError, type.error().detail);
    return receive(*type, false, data.substr(1));
}

bool EngineSessionImpl::receive(Type type, bool binary, std::string_view data) {
    const bool v4 = revision() == EngineRevision::V4;
    switch (type) {
        case Type::Message:
            if (binary)
                _listener->onBinary(data);
            else
                _listener->onText(data);
            break;
        case Type::Close:
            return wrong(CloseReason::TransportClose, "close packet");
        case Type::Ping:
            if (v4) return wrong(CloseReason::TransportError, "ping in the wrong direction");
            alive();
            sendControl(Type::Pong);
            break;
        case Type::Pong:
            if (!v4) return wrong(CloseReason::TransportError, "pong in the wrong direction");
            if (!_pingOutstanding) break;  // unsolicited: no sign that it can be believed
            _pingOutstanding = false;
            alive();
            break;
        case Type::Noop:
            break;
        case Type::Upgrade:
            // Said twice on the WebSocket it is harmless; in a POST it can only be a mistake.
            if (!_webSocket) return wrong(CloseReason::ParseError, "upgrade packet in a POST");
            break;
        case Type::Open:
            return wrong(CloseReason::ParseError, "open packet from the client");
    }
    return _state == State::Open;
}

bool EngineSessionImpl::wrong(CloseReason reason, const char* detail) {
    if (reason != CloseReason::TransportClose)
        _context->warn(EngineFault::BadPacket, {}, _executor, who() + ": bad packet: " + detail);
    close(reason, detail);
    return false;
}

void EngineSessionImpl::pauseInput(bool paused) {
    if (_state != State::Open || paused == _paused) return;
    const TimePoint time = now();
    _paused = paused;
    if (_webSocket) _webSocket->pauseReading(paused);
    if (paused) {
        _pausedSince = time;
        if (revision() == EngineRevision::V3) _nextPing = time + options().pingTimeout / 2;
    } else {
        // What is left of its time, and enough to read what has come meanwhile.
        const Duration least = std::min<Duration>(options().pingTimeout, kReadingTime);
        _deadline = std::clamp(_deadline + (time - _pausedSince), time + least, time + patience());
        if (_polling && _polling->post() &&
            _polling->postStage == PollingTransport::PostStage::Held) {
            _polling->answerPost(true);
            if (_webSocket) _polling.reset();
        }
    }
    armTimer();
}

}  // namespace socketio
