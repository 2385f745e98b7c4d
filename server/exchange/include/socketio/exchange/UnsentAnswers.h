#pragma once

#include <memory>
#include <vector>

#include "socketio/exchange/FrontEndExchange.h"

namespace socketio {

/// The exchanges of a connection that want to know when their answers have left for the kernel
/// (Exchange::onSent()).
///
/// Owner:   the front end's connection. Threads: confined to its loop.
class UnsentAnswers {
public:
    /// The whole answer has been queued on the connection.
    void queued(FrontEndExchange& exchange);
    /// The callback was set later. `closed`: the connection has gone; `sent`: nothing is queued.
    void watch(const std::shared_ptr<FrontEndExchange>& exchange, bool closed, bool sent);
    /// All that was queued has left.
    void sent();
    /// The connection has gone, or others send on it.
    void neverSent();

private:
    std::vector<std::shared_ptr<FrontEndExchange>> _exchanges;
};

}  // namespace socketio
