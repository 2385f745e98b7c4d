// HTTP long-polling: the polls and the POSTs of a session.
#include <memory>

#include "EngineSessionImpl.h"

namespace socketio {

void EngineSessionImpl::poll(const Exchange::Ptr& exchange, const std::string& jsonpIndex) {
    guarded([&] { takePoll(exchange, jsonpIndex); });
}

void EngineSessionImpl::takePoll(const Exchange::Ptr& exchange, const std::string& jsonpIndex) {
    if (_state == State::Closed) {
        _context->refuse(exchange, EngineError::SessionUnknown);
        return;
    }
    if (_webSocket) {
        _context->refuse(exchange, EngineError::BadRequest);
        return;
    }
    // What was due for the first poll leaves first; a second one beside it is an error.
    if (_polling->polled() && _polling->flushPosted) flush();
    if (_polling->polled()) {
        _context->refuse(exchange, EngineError::BadRequest);
        reached(Limit::OverlappingRequests, "polled twice at a time");
        close(CloseReason::TransportError, "overlapping polls");
        return;
    }
    _polling->park(exchange, jsonpIndex);
    if (_state == State::Lingering)
        deliverLast();
    else if (!_polling->empty())
        _polling->answer();
    else if (_probe && _probe->probed())
        _probe->releasePollSoon();
}

void EngineSessionImpl::pollAborted() {
    // Not only the poll that is parked: one on another loop may have been answered from here just
    // when its client went away, and what the answer held is lost then. But not one that was
    // refused because of an upgrade.
    if (_webSocket) return;
    close(CloseReason::TransportError, "poll aborted");
}

bool EngineSessionImpl::postHead(const Exchange::Ptr& exchange) {
    if (_state == State::Closed) {
        _context->refuse(exchange, EngineError::SessionUnknown);
        return false;
    }
    if (_webSocket) {
        _context->refuse(exchange, EngineError::BadRequest);
        return false;
    }
    if (_polling->post()) {
        _context->refuse(exchange, EngineError::BadRequest);
        reached(Limit::OverlappingRequests, "posted twice at a time");
        close(CloseReason::TransportError, "overlapping posts");
        return false;
    }
    _polling->setPost(exchange);
    _lastPost = now();
    return true;
}

void EngineSessionImpl::postBody(const Exchange::Ptr& exchange, Exchange::BodyStatus status,
                                 bool jsonp) {
    if (!_polling || _polling->post() != exchange) return;  // refused meanwhile
    const auto keep = self();
    guarded([&] { takePost(exchange, status, jsonp); });
    if (_webSocket && _polling && !_polling->post()) _polling.reset();
}

void EngineSessionImpl::takePost(const Exchange::Ptr& exchange, Exchange::BodyStatus status,
                                 bool jsonp) {
    _lastPost = now();
    switch (status) {
        case Exchange::BodyStatus::Complete:
            receivePost(exchange, jsonp);
            break;
        case Exchange::BodyStatus::TooLarge:
            _polling->forgetPost();
            _context->warn(EngineFault::BodyTooLarge, Limit::MaxHttpBufferSize, _executor,
                           who() + ": a POST is larger than maxHttpBufferSize");
            _context->answer(exchange, Response{413, {}, {}});
            break;
        case Exchange::BodyStatus::Incomplete:
            _polling->forgetPost();
            close(CloseReason::TransportError, "POST aborted");
            break;
        case Exchange::BodyStatus::Invalid:
            _polling->forgetPost();
            close(CloseReason::TransportError, "bad POST body");
            break;
    }
}

void EngineSessionImpl::receivePost(const Exchange::Ptr& exchange, bool jsonp) {
    _polling->postStage = PollingTransport::PostStage::HandingOut;
    // What arrives after we have closed the session is of no use to anybody.
    const bool good = _state != State::Open || receivePayload(exchange, jsonp);
    _polling->postStage = PollingTransport::PostStage::Held;
    if (!good || !_paused || _state != State::Open) {
        _polling->answerPost(good);
        return;
    }
    exchange->onAbort(
        [weak = std::weak_ptr<EngineSessionImpl>(self()), post = std::weak_ptr(exchange)] {
            const auto session = weak.lock();
            if (!session) return;
            if (session->_executor.currentLoop() == session->loop())
                session->postAborted(post);
            else
                session->_executor.post(session->loop(),
                                        [session, post] { session->postAborted(post); });
        });
}

void EngineSessionImpl::postAborted(const std::weak_ptr<Exchange>& post) {
    if (!_polling || !_polling->post() || _polling->post() != post.lock()) return;
    _polling->forgetPost();
    close(CloseReason::TransportError, "POST aborted");
}

}  // namespace socketio
