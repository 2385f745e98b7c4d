// What a connection sends: the answers of the app, and refusals of our own.
#include <string>
#include <utility>

#include "HttpConnection.h"
#include "HttpExchange.h"

namespace socketio {

void HttpConnection::answer(FrontEndExchange& exchange) {
    if (!current(exchange.serial())) {
        exchange.neverSent();
        return;
    }
    SharedFrame head = exchange.takeHead(), body = exchange.takeBodyFrame();
    try {
        queue(std::move(head));
        queue(std::move(body));
        _answered = true;
        _unsent.queued(exchange);
    } catch (...) {
        // Nobody else answers, and half an answer would be taken for a whole one.
        _answered = true;
        _state = State::Closing;
        _connection->abort("internal error");
        throw;
    }

    if (static_cast<HttpExchange&>(exchange).closes()) {
        close();
    } else if (_bodyLeft > 0) {
        _state = State::Skip;
        if (!_inInput) _connection->resumeInput();
    } else {
        nextRequest();
    }
    if (_collecting) finishBody(Exchange::BodyStatus::Incomplete);  // answered in the middle of it
}

void HttpConnection::sendPiece(FrontEndExchange& exchange, SharedFrame piece) {
    if (!current(exchange.serial())) return;
    _streaming = true;
    exchange.streamQueued(piece.size());
    _connection->send(std::move(piece));
}

void HttpConnection::dropped(std::uint32_t serial, bool started) {
    if (!current(serial)) return;
    _server->counters.dropped.fetch_add(1, std::memory_order_relaxed);
    if (started) {
        httpLog().error("an answer was begun and not finished; its connection is closed");
        _answered = true;
        _state = State::Closing;
        _connection->abort("unfinished answer");
        return;
    }
    httpLog().error("a request was let go without an answer; answered 500");
    refuse(500, "no answer");
}

void HttpConnection::watchSent(const std::shared_ptr<FrontEndExchange>& exchange) {
    _unsent.watch(exchange, !_connection, _connection && _connection->queuedBytes() == 0);
}

/// Refuses what the peer sent, or tells it about our own fault; nothing more is read.
void HttpConnection::refuse(int status, const char* why, std::optional<Limit> limit) {
    if (status < 500 || status == 501 || status == 505)
        _server->counters.refused.fetch_add(1, std::memory_order_relaxed);
    const auto line = [&] { return "answered " + std::to_string(status) + " and closed: " + why; };
    if (httpLog().debug()) httpLog().debug(line());
    if (limit)
        _server->reached(*limit, line);
    else if (httpLog().debug()) {
    } else if (const auto leftOut = _server->refusals.pass(_server->hub->clock().now()))
        httpLog().warning(line() + LogThrottle::more(*leftOut));
    const Response response = Response::refusal(status);
    _answered = true;
    _form.close = true;
    std::string out;
    appendHead(out, status, response.headers, response.body.size(), _form);
    if (!_form.head) out.append(response.body);
    queue(SharedFrame(std::move(out)));
    close();
}

/// Nobody is left who could be answered.
void HttpConnection::loseExchange() {
    if (_answered) return;
    _answered = true;
    const auto exchange = _exchange.lock();
    if (exchange) exchange->gone();
    if (_collecting) finishBody(Exchange::BodyStatus::Incomplete);
}

void HttpConnection::queue(SharedFrame frame) {
    // The app holds a large answer in memory anyhow; the limit is for pieces that pile up.
    _connection->makeRoom(frame.size());
    _connection->send(std::move(frame));
}

}  // namespace socketio
