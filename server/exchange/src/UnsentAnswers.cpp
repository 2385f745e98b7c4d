#include "socketio/exchange/UnsentAnswers.h"

#include <utility>

namespace socketio {

void UnsentAnswers::queued(FrontEndExchange& exchange) {
    exchange.setDelivered();
    if (exchange.hasSentCallback())
        _exchanges.push_back(
            std::static_pointer_cast<FrontEndExchange>(exchange.shared_from_this()));
}

void UnsentAnswers::watch(const std::shared_ptr<FrontEndExchange>& exchange, bool closed,
                          bool sent) {
    if (!exchange->delivered()) return;  // queued() is on its way
    if (closed)
        exchange->neverSent();
    else if (sent)
        exchange->sent();
    else
        _exchanges.push_back(exchange);
}

void UnsentAnswers::sent() {
    if (_exchanges.empty()) return;
    // A callback may lead to the next answer.
    for (const auto& exchange : std::exchange(_exchanges, {})) exchange->sent();
}

void UnsentAnswers::neverSent() {
    for (const auto& exchange : std::exchange(_exchanges, {})) exchange->neverSent();
}

}  // namespace socketio
