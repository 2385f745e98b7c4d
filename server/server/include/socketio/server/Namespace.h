#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "socketio/server/EmitOptions.h"
#include "socketio/server/Handler.h"
#include "socketio/server/Socket.h"

namespace socketio {

/// The handlers of one namespace as a class; its events are registered in the constructor:
///
///     class Chat : public socketio::Namespace {
///     public:
///         Chat() : Namespace("/chat") {
///             on("connect", &Chat::onConnect);
///             on("my message", &Chat::onMyMessage);
///         }
///         void onConnect(Socket& socket) { socket.join("lobby"); }
///         std::string onMyMessage(Socket& socket, const std::string& text) { return "ok"; }
///     };
///     sio.registerNamespace(std::make_shared<Chat>());
///
/// One object serves all clients. A function handler registered with Server::on() for the same
/// event wins over it.
///
/// Owner:   the application and the Server.
/// Threads: handlers are called by several threads at once, for different clients. on() belongs
///          to the constructor; everything else is thread-safe.
/// Errors:  emitting before registerNamespace() throws Poco::IllegalStateException; otherwise as
///          for Server.
class Namespace {
public:
    /// "*": every namespace that has no class of its own.
    explicit Namespace(std::string_view nsp = "/");
    virtual ~Namespace() = default;
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;

    const std::string& nsp() const { return _nsp; }
    Server& server() const;

    /// Decides what handles an event, "connect" and "disconnect" included. As it is: what was
    /// registered for it, then what was registered for "*" (never for connect and disconnect).
    virtual HandlerResult triggerEvent(IncomingEvent& event);

    // As the functions of Server with the same names, for this namespace unless another is named.
    void emit(std::string_view event, Arguments arguments = {}, EmitOptions options = {});
    void send(Arguments arguments, EmitOptions options = {});
    Value call(std::string_view event, Arguments arguments, CallOptions options);
    void enterRoom(std::string_view sid, std::string_view room, std::string_view nsp = {});
    void leaveRoom(std::string_view sid, std::string_view room, std::string_view nsp = {});
    void closeRoom(std::string_view room, std::string_view nsp = {});
    std::vector<std::string> rooms(std::string_view sid, std::string_view nsp = {}) const;
    void disconnect(std::string_view sid, std::string_view nsp = {});
    Value getSession(std::string_view sid, std::string_view nsp = {}) const;
    void saveSession(std::string_view sid, Value session, std::string_view nsp = {});

protected:
    /// Registers a member function, or any other handler; see Server::on() for the forms.
    template <class F>
    void on(std::string_view event, F&& handler) {
        if constexpr (std::is_member_function_pointer_v<std::decay_t<F>>)
            add(event, makeHandler(event, method(handler)));
        else
            add(event, makeHandler(event, std::forward<F>(handler)));
    }

private:
    friend class ServerCore;

    template <class Class, class Member, class R, class... P>
    struct Method {
        Class* object;
        Member member;
        R operator()(P... values) const { return (object->*member)(std::forward<P>(values)...); }
    };
    template <class R, class C, class... P>
    auto method(R (C::*member)(P...)) {
        return Method<C, R (C::*)(P...), R, P...>{static_cast<C*>(this), member};
    }
    template <class R, class C, class... P>
    auto method(R (C::*member)(P...) const) {
        return Method<C, R (C::*)(P...) const, R, P...>{static_cast<C*>(this), member};
    }
    template <class R, class C, class... P>
    auto method(R (C::*member)(P...) noexcept) {
        return Method<C, R (C::*)(P...) noexcept, R, P...>{static_cast<C*>(this), member};
    }
    template <class R, class C, class... P>
    auto method(R (C::*member)(P...) const noexcept) {
        return Method<C, R (C::*)(P...) const noexcept, R, P...>{static_cast<C*>(this), member};
    }

    void add(std::string_view event, HandlerPtr handler);
    std::string_view own(std::string_view nsp) const { return nsp.empty() ? _nsp : nsp; }

    const std::string _nsp;
    std::map<std::string, HandlerPtr, std::less<>> _handlers;  // read only once it is registered
    std::atomic<Server*> _server{nullptr};
};

}  // namespace socketio
