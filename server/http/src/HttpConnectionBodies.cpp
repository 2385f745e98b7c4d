// The bodies of requests: collected for the app, judged, or dropped.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "HttpConnection.h"
#include "HttpExchange.h"

namespace socketio {

void HttpConnection::receiveBody(FrontEndExchange& exchange, std::size_t limit,
                                 Exchange::BodyCallback callback) {
    if (!current(exchange.serial()) || _state != State::Waiting) {
        callback(Exchange::BodyStatus::Incomplete);
        return;
    }
    if (!_chunked && _bodyLeft == 0) {
        callback(Exchange::BodyStatus::Complete);
        return;
    }
    if (_bodyRefused || (!_chunked && _bodyLeft > limit)) {
        callback(Exchange::BodyStatus::TooLarge);
        return;
    }
    _state = State::Body;
    _bodyLimit = limit;
    _bodyCallback = std::move(callback);
    _collecting = std::static_pointer_cast<HttpExchange>(exchange.shared_from_this());
    if (_chunked)
        _chunks = std::make_unique<ChunkedDecoder>(_server->options.limits.chunks);
    else
        exchange.reserveBody(_bodyLeft);
    const bool begun = _inInput ? !_behind.empty() : _connection->hasPendingInput();
    if (_expectContinue && !begun) {
        std::string interim;
        appendStatusLine(interim, 100, reasonPhrase(100));
        queue(SharedFrame(interim.append("\r\n")));
    }
    _bodySince = now();
    _connection->setDeadline(_server->options.limits.bodyPace().firstDeadline(_bodySince));
    if (_inInput) return;
    if (_connection->hasPendingInput())
        _connection->resumeInput();
    else if (_peerEnded)
        inputEnded();
}

std::size_t HttpConnection::readBody(std::string_view rest, bool& more) {
    if (rest.empty()) {
        more = false;
        return 0;
    }
    std::string& body = _collecting->bodyBuffer();
    if (!_chunked) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(_bodyLeft, rest.size()));
        body.append(rest.substr(0, size));
        _bodyLeft -= size;
        if (_bodyLeft == 0) finishBody(Exchange::BodyStatus::Complete);
        return size;
    }
    std::size_t consumed = 0;
    switch (_chunks->decode(rest, consumed, body, _bodyLimit)) {
        case ChunkedDecoder::Status::More:
            more = false;
            break;
        case ChunkedDecoder::Status::Done:
            _chunked = false;
            finishBody(Exchange::BodyStatus::Complete);
            break;
        case ChunkedDecoder::Status::Bad:
            if (_chunks->tooLarge()) {
                _bodyRefused = true;
                finishBody(Exchange::BodyStatus::TooLarge);
                break;
            }
            refuseBody(400, _chunks->error(), _chunks->reached());
            finishBody(Exchange::BodyStatus::Invalid);
            break;
    }
    return consumed;
}

/// Answers a bad body in place of the app, unless the app has begun to.
void HttpConnection::refuseBody(int status, const char* why, std::optional<Limit> limit) {
    const auto exchange = _collecting;
    if (!_streaming && exchange->claim()) {
        refuse(status, why, limit);
    } else if (!exchange->finished()) {  // in the middle of its answer
        loseExchange();
        close();
    }
    // Otherwise its answer is on the way and closes the connection.
}

/// Ends the collecting of the body and tells the app.
void HttpConnection::finishBody(Exchange::BodyStatus status) {
    const auto exchange = std::move(_collecting);
    const auto callback = std::move(_bodyCallback);
    _collecting = nullptr;
    _bodyCallback = nullptr;
    _chunks.reset();
    if (_state == State::Body) {
        _state = State::Waiting;
        _connection->clearDeadline();
    }
    if (status == Exchange::BodyStatus::Complete) exchange->bodyComplete();
    if (callback) callback(status);
}

std::size_t HttpConnection::skipBody(std::string_view rest, bool& more) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(_bodyLeft, rest.size()));
    _bodyLeft -= size;
    if (_bodyLeft == 0)
        nextRequest();
    else
        more = false;
    return size;
}

}  // namespace socketio
