#include "FcgiConnection.h"

#include <algorithm>
#include <utility>

#include "socketio/base/Log.h"

#include "CgiRequest.h"
#include "FcgiExchange.h"

namespace socketio {

namespace {

using namespace std::chrono_literals;
using Type = FcgiRecord::Type;

constexpr std::size_t kBeginBytes = 8;
/// A record of GetValues cannot hold more.
constexpr FcgiPairs::Limits kValueLimits{FcgiRecord::kMaxContent, FcgiRecord::kMaxContent / 2};

const Log& logger() {
    static const Log log("socketio.fcgi");
    return log;
}

}  // namespace

FcgiConnection::FcgiConnection(std::shared_ptr<FcgiServerState> server)
    : _server(std::move(server)) {}

// -------------------------------------------------------------------------------------------------
// The connection's life

void FcgiConnection::onOpen(Connection& connection) {
    _connection = &connection;
    _loop = _server->hub->currentLoop();
    _server->added(*this, _loop);
    _idleSince = now();
    // What came before the app was started is read when it has been: admit() follows.
    if (!_server->open.load(std::memory_order_acquire)) connection.pauseReading(true);
    connection.setDisposable(true);
    if (_server->stopping)
        connection.setDeadline(now());
    else
        updateDeadline();
}

void FcgiConnection::admit() {
    if (!_connection) return;
    _idleSince = now();
    updateDeadline();
    _connection->pauseReading(false);
}

void FcgiConnection::shutDown() {
    if (_connection && _requests.empty()) close();
    // Otherwise the last answer closes it: FrontEndState::stopping is set.
}

void FcgiConnection::cut() {
    if (_connection) _connection->abort("server shutting down");
}

void FcgiConnection::onClosed(const char* /*detail*/) {
    if (!_connection) return;  // it could not be opened
    const auto self = shared_from_this();
    _server->removed(*this, _loop);
    _connection = nullptr;
    _closed = true;
    _unsent.neverSent();
    while (!_requests.empty()) lose(_requests.back().serial);
}

void FcgiConnection::onEnd() {
    _peerEnded = true;
    for (const Request& request : _requests)
        if (const auto exchange = request.exchange.lock()) exchange->setPeerEnded();
    if (!_connection->hasPendingInput()) inputEnded();
}

/// The web server has ended its side, and all that it sent has been looked at. A request that came
/// whole may still be answered, unless its app wants to know that its client has gone.
void FcgiConnection::inputEnded() {
    std::vector<std::uint32_t> lost;
    for (const Request& request : _requests) {
        const auto exchange = request.exchange.lock();
        if (!request.begun || request.collecting || (exchange && exchange->awaitsAbort()))
            lost.push_back(request.serial);
    }
    for (const std::uint32_t serial : lost) lose(serial);
    settle();
}

void FcgiConnection::abandon(std::uint32_t serial) {
    if (!_connection || !bySerial(serial)) return;
    lose(serial);
    settle();
}

void FcgiConnection::onDrained() {
    for (const Request& request : _requests) {
        if (!request.streaming) continue;
        if (const auto exchange = request.exchange.lock()) exchange->streamDrained();
    }
    _unsent.sent();
    resumeIfPaused();
}

/// Sends what is queued and closes.
void FcgiConnection::close() {
    if (_closed) return;
    _closed = true;
    if (_connection->queuedBytes() > 0)
        _connection->closeAfterFlush();
    else
        _connection->abort("done");
}

/// What came is not FastCGI: nothing that follows can be understood.
void FcgiConnection::broken(const char* why) {
    _server->counters.broken.fetch_add(1, std::memory_order_relaxed);
    logger().warning(std::string("a connection was closed, it did not speak FastCGI: ") + why);
    _closed = true;
    _connection->abort(why);
}

void FcgiConnection::reached(Limit limit, const char* what) const {
    _server->hub->limits().reached(limit, logger(), now(), what);
}

/// After a request has ended.
void FcgiConnection::settle() {
    if (!_connection || _closed) return;
    if (_requests.empty()) {
        if (_closing || _peerEnded || _server->stopping.load(std::memory_order_relaxed)) {
            close();
            return;
        }
        _idleSince = now();
        _connection->setDisposable(true);
    }
    resumeIfPaused();
    if (!_inInput) updateDeadline();
}

// -------------------------------------------------------------------------------------------------
// Time

void FcgiConnection::updateDeadline() {
    const FcgiLimits& limits = _server->options.limits;
    TimePoint next = _recordDeadline;
    if (_requests.empty())
        next = std::min(next, _idleSince + (_served ? limits.keepAliveTime : limits.headTime));
    for (const Request& request : _requests) next = std::min(next, request.deadline);
    if (next == TimePoint::max())
        _connection->clearDeadline();
    else
        _connection->setDeadline(next);
}

void FcgiConnection::onDeadline() {
    const FcgiLimits& limits = _server->options.limits;
    const TimePoint current = now();
    if (_requests.empty() && _recordDeadline > current) {
        reached(_served ? Limit::KeepAliveTime : Limit::HeadTime, "no request came");
        close();
        return;
    }
    const bool unfinished = std::any_of(
        _requests.begin(), _requests.end(),
        [&](const Request& request) { return !request.begun && request.deadline <= current; });
    if (_recordDeadline <= current || unfinished) {
        _server->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
        reached(Limit::HeadTime, "a record or the parameters came too slowly");
        _closed = true;
        _connection->abort("a record or the parameters came too slowly");
        return;
    }
    std::vector<std::uint32_t> late;
    for (Request& request : _requests) {
        if (request.deadline > current) continue;
        const auto next = limits.bodyPace().nextDeadline(request.since, current, request.got);
        if (next)
            request.deadline = *next;
        else
            late.push_back(request.serial);
    }
    for (const std::uint32_t serial : late) {
        _server->counters.timeouts.fetch_add(1, std::memory_order_relaxed);
        reached(limits.bodyPace().limit(bySerial(serial)->since, current),
                "a body came too slowly");
        _closing = true;  // whatever else comes of that body
        refuseBody(serial, 408, "the body came too slowly", Exchange::BodyStatus::Incomplete);
    }
    if (_connection && !_closed) updateDeadline();
}

// -------------------------------------------------------------------------------------------------
// Input

/// Input is left to the Connection, which stops reading when it has enough of it.
bool FcgiConnection::paused() const {
    if (_connection->queuedBytes() > kQueuedAnswers) return true;
    std::size_t held = 0;
    for (const Request& request : _requests) held += request.held;
    return held > _server->options.limits.undecidedBytes;
}

void FcgiConnection::resumeIfPaused() {
    if (!_paused || !_connection || _closed || paused()) return;
    _paused = false;
    _connection->resumeInput();
}

std::size_t FcgiConnection::onInput(char* bytes, std::size_t size) {
    const auto self = shared_from_this();
    std::string_view rest(bytes, size);
    _inInput = true;
    _paused = false;
    bool more = true;
    while (more && !_closed) {
        if (paused()) {
            _paused = true;
            break;
        }
        switch (_reader.next(rest)) {
            case FcgiRecordReader::Event::NeedMore:
                more = false;
                break;
            case FcgiRecordReader::Event::Record:
                beginRecord();
                break;
            case FcgiRecordReader::Event::Content:
                takeContent(_reader.content());
                break;
            case FcgiRecordReader::Event::End:
                _recordDeadline = TimePoint::max();
                endRecord();
                break;
            case FcgiRecordReader::Event::Bad:
                broken("the version of a record");
                break;
        }
    }
    _inInput = false;
    if (_closed || !_connection) return size;

    // The rest of a record has to follow soon; a body has a time of its own.
    const Request* const sender =
        _reader.record().type == Type::Stdin ? find(_reader.record().id) : nullptr;
    if (_paused || !_reader.inside() || (sender && sender->collecting))
        _recordDeadline = TimePoint::max();
    else if (_recordDeadline == TimePoint::max())
        _recordDeadline = now() + _server->options.limits.headTime;
    if (_peerEnded && !_paused) inputEnded();
    if (_connection && !_closed) updateDeadline();
    return size - rest.size();
}

FcgiConnection::Request* FcgiConnection::find(std::uint16_t id) {
    for (Request& request : _requests)
        if (request.id == id) return &request;
    return nullptr;
}

FcgiConnection::Request* FcgiConnection::bySerial(std::uint32_t serial) {
    for (Request& request : _requests)
        if (request.serial == serial) return &request;
    return nullptr;
}

/// Judges a record by its header.
void FcgiConnection::beginRecord() {
    const FcgiRecord& record = _reader.record();
    const Request* const request = find(record.id);
    switch (record.type) {
        case Type::BeginRequest:
            _content.clear();
            if (record.id == 0)
                broken("a request with the id 0");
            else if (request)
                broken("the id of a request was used twice");
            else if (record.contentLength < kBeginBytes)
                broken("a short BeginRequest");
            break;
        case Type::AbortRequest:
        case Type::Data:
            if (record.id == 0) broken("a request with the id 0");
            break;
        case Type::Params:
            if (record.id == 0)
                broken("a request with the id 0");
            else if (request && request->begun)
                broken("parameters behind their end");
            break;
        case Type::Stdin:
            if (record.id == 0)
                broken("a request with the id 0");
            else if (request && (!request->begun || request->stdinEnded))
                broken("stdin out of order");
            break;
        case Type::GetValues:
            _values.clear();
            if (record.id != 0) broken("GetValues of a request");
            break;
        case Type::EndRequest:
        case Type::Stdout:
        case Type::Stderr:
        case Type::GetValuesResult:
        case Type::UnknownType:
            broken("a record that only applications send");
            break;
        default:
            break;
    }
}

void FcgiConnection::takeContent(std::string_view content) {
    const FcgiRecord& record = _reader.record();
    switch (record.type) {
        case Type::BeginRequest:
            if (_content.size() < kBeginBytes)
                _content.append(content.substr(0, kBeginBytes - _content.size()));
            break;
        case Type::Params:
            if (Request* const request = find(record.id)) takeParams(*request, content);
            break;
        case Type::Stdin:
            if (Request* const request = find(record.id)) takeStdin(*request, content);
            break;
        case Type::GetValues:
            _values.append(content, kValueLimits);
            break;
        default:
            break;
    }
}

void FcgiConnection::endRecord() {
    const FcgiRecord& record = _reader.record();
    Request* const request = record.id == 0 ? nullptr : find(record.id);
    switch (record.type) {
        case Type::BeginRequest:
            beginRequest();
            break;
        case Type::AbortRequest:
            if (request) {
                _server->counters.aborted.fetch_add(1, std::memory_order_relaxed);
                lose(request->serial);
                settle();
            }
            break;
        case Type::Params:
            if (request && record.contentLength == 0) begin(*request);
            break;
        case Type::Stdin:
            if (request && record.contentLength == 0) endStdin(*request);
            break;
        case Type::GetValues:
            answerValues();
            break;
        case Type::Data:  // of the role Filter
            break;
        default:
            if (record.id == 0) {
                std::string out;
                appendFcgiUnknownType(out, static_cast<std::uint8_t>(record.type));
                _connection->send(std::move(out));
            }
            break;
    }
}

void FcgiConnection::beginRequest() {
    const auto at = [this](std::size_t i) { return static_cast<unsigned char>(_content[i]); };
    const auto role = static_cast<std::uint16_t>(at(0) << 8 | at(1));
    const std::uint16_t id = _reader.record().id;
    const FcgiLimits& limits = _server->options.limits;
    const bool keep = (at(2) & FcgiRecord::kKeepConnection) != 0;
    if (_closing) return;  // it will see that the connection ends
    _connection->setDisposable(false);
    _served = true;
    if (role != FcgiRecord::kResponder) {
        reject(id, keep, FcgiRecord::Status::UnknownRole);
        return;
    }
    if (_requests.size() >= limits.concurrentRequests) {
        reached(Limit::ConcurrentRequests, "too many requests at once on a connection");
        reject(id, true,
               limits.concurrentRequests > 1 ? FcgiRecord::Status::Overloaded
                                             : FcgiRecord::Status::CannotMultiplex);
        return;
    }
    Request& request = _requests.emplace_back();
    request.id = id;
    request.serial = ++_serial;
    request.keep = keep;
    request.since = now();
    request.deadline = request.since + limits.headTime;
}

/// Refuses a request by a status of the protocol.
void FcgiConnection::reject(std::uint16_t id, bool keep, FcgiRecord::Status status) {
    _server->counters.refused.fetch_add(1, std::memory_order_relaxed);
    std::string out;
    appendFcgiEndRequest(out, id, 0, status);
    _connection->send(std::move(out));
    _closing = _closing || !keep;
    settle();
}

void FcgiConnection::takeParams(Request& request, std::string_view content) {
    const FcgiLimits& limits = _server->options.limits;
    if (request.params.append(content, {limits.paramsBytes, limits.params})) return;
    _closing = true;
    if (request.params.tooMany())
        reached(Limit::Params, "answered 431 and closed: too many parameters");
    else
        reached(Limit::ParamsBytes, "answered 431 and closed: the parameters are too long");
    refuse(request.serial, 431, "too many parameters");
}

/// The parameters have ended.
void FcgiConnection::begin(Request& request) {
    const std::uint32_t serial = request.serial;
    request.begun = true;
    request.deadline = TimePoint::max();
    const FcgiPairs params = std::exchange(request.params, {});
    if (!params.whole()) {
        refuse(serial, 400, "the last parameter is cut off");
        return;
    }
    thread_local CgiRequest::Variables variables;  // keeps its room
    variables.clear();
    for (std::size_t i = 0; i < params.size(); ++i) variables.push_back(params[i]);
    const CgiRequest cgi =
        CgiRequest::read(variables, _server->options.mount, _server->options.trustedProxies);
    request.head = cgi.head;
    request.length = cgi.contentLength;
    if (cgi.errorStatus != 0) {
        refuse(serial, cgi.errorStatus, cgi.error);
        return;
    }
    const auto exchange = std::make_shared<FcgiExchange>(shared_from_this(), *_server, _loop,
                                                         serial, request.id, cgi);
    request.exchange = exchange;
    if (_peerEnded) exchange->setPeerEnded();
    _server->counters.requests.fetch_add(1, std::memory_order_relaxed);
    beginGuarded(*_server->app, exchange, logger());
}

/// In the order of their names; each once, however often it is asked for.
void FcgiConnection::answerValues() {
    const std::size_t connections = _server->hub->options().maxConnections;
    const std::size_t requests = _server->options.limits.concurrentRequests;
    const std::pair<std::string_view, std::string> known[] = {
        {"FCGI_MAX_CONNS", std::to_string(connections)},
        {"FCGI_MAX_REQS", std::to_string(connections * requests)},
        {"FCGI_MPXS_CONNS", requests > 1 ? "1" : "0"},
    };
    bool asked[std::size(known)] = {};
    for (std::size_t i = 0; i < _values.size(); ++i)
        for (std::size_t k = 0; k < std::size(known); ++k)
            asked[k] = asked[k] || _values[i].first == known[k].first;
    _values.clear();
    std::string pairs, out;
    for (std::size_t k = 0; k < std::size(known); ++k)
        if (asked[k]) appendFcgiPair(pairs, known[k].first, known[k].second);
    appendFcgiHeader(out, Type::GetValuesResult, 0, pairs.size());
    _connection->send(out.append(pairs));
}

// -------------------------------------------------------------------------------------------------
// Bodies

void FcgiConnection::takeStdin(Request& request, std::string_view content) {
    request.got += content.size();
    if (request.collecting) {
        if (request.got > request.length)
            refuseBody(request.serial, 400, "more stdin than CONTENT_LENGTH",
                       Exchange::BodyStatus::Invalid);
        else
            request.collecting->bodyBuffer().append(content);
        return;
    }
    // More than was announced is not kept: it cannot become a good body any more.
    if (request.bodyDecided || request.got > request.length) return;
    if (const auto exchange = request.exchange.lock()) {
        exchange->bodyBuffer().append(content);
        request.held += content.size();
    }
}

void FcgiConnection::endStdin(Request& request) {
    request.stdinEnded = true;
    if (!request.collecting) return;
    if (request.got != request.length) {
        refuseBody(request.serial, 400, "less stdin than CONTENT_LENGTH",
                   Exchange::BodyStatus::Invalid);
        return;
    }
    request.deadline = TimePoint::max();
    const auto exchange = std::exchange(request.collecting, nullptr);
    const auto callback = std::exchange(request.bodyCallback, nullptr);
    callback(Exchange::BodyStatus::Complete);
}

void FcgiConnection::receiveBody(FrontEndExchange& exchange, std::size_t limit,
                                 Exchange::BodyCallback callback) {
    Request* const request = _connection && !_closed ? bySerial(exchange.serial()) : nullptr;
    if (!request || request->bodyDecided) {
        callback(Exchange::BodyStatus::Incomplete);
        return;
    }
    request->bodyDecided = true;
    request->held = 0;
    if (request->length > limit) {
        std::string().swap(exchange.bodyBuffer());
        resumeIfPaused();
        callback(Exchange::BodyStatus::TooLarge);
        return;
    }
    const bool whole = request->stdinEnded && request->got == request->length;
    if (whole) {
        resumeIfPaused();
        callback(Exchange::BodyStatus::Complete);
        return;
    }
    const FcgiLimits& limits = _server->options.limits;
    request->collecting = std::static_pointer_cast<FcgiExchange>(exchange.shared_from_this());
    request->bodyCallback = std::move(callback);
    if (request->stdinEnded || request->got > request->length) {
        refuseBody(request->serial, 400, "stdin is not CONTENT_LENGTH",
                   Exchange::BodyStatus::Invalid);
        return;
    }
    exchange.reserveBody(request->length);
    request->since = now();
    request->deadline = limits.bodyPace().firstDeadline(request->since);
    if (_inInput) return;
    resumeIfPaused();
    if (_peerEnded && !_connection->hasPendingInput())
        inputEnded();
    else
        updateDeadline();
}

// -------------------------------------------------------------------------------------------------
// Answers and ends

/// Takes the request out of the list.
FcgiConnection::Request FcgiConnection::take(std::uint32_t serial) {
    const auto at = std::find_if(_requests.begin(), _requests.end(),
                                 [serial](const Request& r) { return r.serial == serial; });
    Request request = std::move(*at);
    if (at + 1 != _requests.end()) *at = std::move(_requests.back());
    _requests.pop_back();
    return request;
}

/// Answers in place of the app, which has not seen the request or has not begun to answer.
void FcgiConnection::refuse(std::uint32_t serial, int status, const char* why) {
    const Request request = take(serial);
    if (status < 500) _server->counters.refused.fetch_add(1, std::memory_order_relaxed);
    if (logger().debug()) logger().debug("answered " + std::to_string(status) + ": " + why);
    _connection->send(encodeFcgiAnswer(request.id, Response::refusal(status), request.head));
    _closing = _closing || !request.keep;
    settle();
}

/// Ends the collecting of a bad body and tells the app.
void FcgiConnection::refuseBody(std::uint32_t serial, int status, const char* why,
                                Exchange::BodyStatus end) {
    Request& request = *bySerial(serial);
    request.deadline = TimePoint::max();
    const auto exchange = std::exchange(request.collecting, nullptr);
    const auto callback = std::exchange(request.bodyCallback, nullptr);
    if (exchange->claim()) {
        refuse(serial, status, why);
    } else if (!exchange->finished()) {  // in the middle of its answer
        _closing = true;
        lose(serial);
        settle();
    }
    // Otherwise its answer is on the way.
    if (callback) callback(end);
}

/// Nobody is left who could be answered, or wants to be.
void FcgiConnection::lose(std::uint32_t serial) {
    const Request request = take(serial);
    if (_connection && !_closed) {
        std::string out;
        appendFcgiEndRequest(out, request.id, 1, FcgiRecord::Status::Complete);
        _connection->send(std::move(out));
        _closing = _closing || !request.keep;
    }
    if (const auto exchange = request.exchange.lock()) exchange->gone();
    if (request.bodyCallback) request.bodyCallback(Exchange::BodyStatus::Incomplete);
}

void FcgiConnection::answer(FrontEndExchange& exchange) {
    if (!_connection || _closed || !bySerial(exchange.serial())) {
        exchange.neverSent();
        return;
    }
    const Request request = take(exchange.serial());
    _connection->send(exchange.takeHead());
    _unsent.queued(exchange);
    _closing = _closing || !request.keep;
    settle();
    // Answered in the middle of its body; what is still to come of that is skipped.
    if (request.bodyCallback) request.bodyCallback(Exchange::BodyStatus::Incomplete);
}

void FcgiConnection::sendPiece(FrontEndExchange& exchange, SharedFrame piece) {
    Request* const request = _connection && !_closed ? bySerial(exchange.serial()) : nullptr;
    if (!request) return;
    request->streaming = true;
    exchange.streamQueued(piece.size());
    _connection->send(std::move(piece));
}

void FcgiConnection::dropped(std::uint32_t serial, bool started) {
    if (!_connection || _closed || !bySerial(serial)) return;
    _server->counters.dropped.fetch_add(1, std::memory_order_relaxed);
    if (!started) {
        logger().error("a request was let go without an answer; answered 500");
        refuse(serial, 500, "no answer");
        return;
    }
    logger().error("an answer was begun and not finished");
    if (_requests.size() == 1) {
        // The end of the connection is what every web server understands.
        _closed = true;
        _connection->abort("unfinished answer");
        return;
    }
    lose(serial);
    settle();
}

void FcgiConnection::watchSent(const std::shared_ptr<FrontEndExchange>& exchange) {
    _unsent.watch(exchange, !_connection, _connection && _connection->queuedBytes() == 0);
}

}  // namespace socketio
