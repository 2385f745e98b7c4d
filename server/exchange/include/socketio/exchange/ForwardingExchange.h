#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "socketio/exchange/Exchange.h"

namespace socketio {

/// An exchange that passes everything on to another one: the base of wrappers that watch or change
/// some of it, such as AccessLog and Mounts. The environ may be another than that of `inner`.
///
/// Owner:   as every exchange; it owns the inner one.
/// Threads: as every exchange.
class ForwardingExchange : public Exchange {
public:
    explicit ForwardingExchange(Ptr inner, std::shared_ptr<const Environ> environ = nullptr)
        : Exchange(inner->executor(), inner->loop(), inner->can()), _inner(std::move(inner)) {
        _environ = environ ? std::move(environ) : _inner->sharedEnviron();
    }

    void receiveBody(std::size_t limit, BodyCallback callback) override {
        // An app may hold its exchange weakly until then (App::begin() does), and the front end
        // knows the inner one only. It calls back once in any case, which ends the circle.
        auto self = std::static_pointer_cast<ForwardingExchange>(shared_from_this());
        _inner->receiveBody(
            limit, [self = std::move(self), callback = std::move(callback)](BodyStatus status) {
                self->_body = self->_inner->takeBody();
                callback(status);
            });
    }
    void respond(Response response) override { _inner->respond(std::move(response)); }
    void start(int status, HeaderList headers) override {
        _inner->start(status, std::move(headers));
    }
    bool write(std::string_view bytes) override { return _inner->write(bytes); }
    void finish() override { _inner->finish(); }
    void whenWritable(Task task) override { _inner->whenWritable(std::move(task)); }
    void onAbort(AbortCallback callback) override { _inner->onAbort(std::move(callback)); }
    void onSent(std::function<void()> callback) override { _inner->onSent(std::move(callback)); }
    bool isWebSocketHandshake() const override { return _inner->isWebSocketHandshake(); }
    bool wantsWebSocket() const override { return _inner->wantsWebSocket(); }
    std::shared_ptr<WebSocketChannel> upgrade(const WebSocketOptions& options,
                                              const HeaderList& headers) override {
        return _inner->upgrade(options, headers);
    }
    void detach(DetachCallback callback) override { _inner->detach(std::move(callback)); }
    bool finished() const override { return _inner->finished(); }

protected:
    const Ptr _inner;
};

}  // namespace socketio
