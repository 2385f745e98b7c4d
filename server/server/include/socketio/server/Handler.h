#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "socketio/exchange/Environ.h"
#include "socketio/managers/Callback.h"
#include "socketio/protocol/Convert.h"
#include "socketio/server/DisconnectReason.h"

namespace socketio {

class Socket;

/// One event on its way to its handler. "connect" and "disconnect" come this way, too.
///
/// Threads: belongs to the thread that runs the handler.
struct IncomingEvent {
    Socket& socket;
    std::string name;
    /// What the client sent, which a handler may use up. For "connect": what it authenticates
    /// itself with, or nothing.
    Value::Array arguments;
    bool wantsAck = false;
    DisconnectReason reason = DisconnectReason::TransportClose;  ///< For "disconnect".
};

/// What became of an event: the values to acknowledge it with, or why there are none.
class HandlerResult {
public:
    enum class Kind : std::uint8_t {
        Handled,
        Unhandled,     ///< Nothing is registered for it: ignored, not acknowledged.
        BadArguments,  ///< They do not convert: logged, not acknowledged.
    };

    HandlerResult() = default;  ///< Handled; acknowledged with `[]`.
    static HandlerResult unhandled() { return HandlerResult(Kind::Unhandled); }
    static HandlerResult badArguments(std::string problem) {
        HandlerResult result(Kind::BadArguments);
        result._problem = std::move(problem);
        return result;
    }
    static HandlerResult acknowledge(Value::Array values) {
        HandlerResult result;
        result._values = std::move(values);
        return result;
    }
    /// What a handler returned: a tuple is several values, everything else is one.
    template <class T>
    static HandlerResult of(T&& returned) {
        using Plain = std::remove_cvref_t<T>;
        if constexpr (std::same_as<Plain, HandlerResult>)
            return std::forward<T>(returned);
        else if constexpr (std::same_as<Plain, Arguments>)
            return acknowledge(std::forward<T>(returned).array());
        else
            return acknowledge(Arguments(std::forward<T>(returned)).array());
    }

    Kind kind() const { return _kind; }
    bool handled() const { return _kind == Kind::Handled; }
    const Value::Array& values() const& { return _values; }
    Value::Array values() && { return std::move(_values); }
    /// A connect handler returned false.
    bool refuses() const {
        return handled() && _values.size() == 1 && _values[0].isBool() && !_values[0].asBool();
    }
    const std::string& problem() const { return _problem; }

private:
    explicit HandlerResult(Kind kind) : _kind(kind) {}

    Kind _kind = Kind::Handled;
    Value::Array _values;
    std::string _problem;
};

/// A handler whose parameter types have been forgotten.
///
/// Threads: called by several threads at once, for different clients.
/// Errors:  what the application's code throws comes through.
class Handler {
public:
    virtual ~Handler() = default;
    virtual HandlerResult call(IncomingEvent& event) const = 0;
};
using HandlerPtr = std::shared_ptr<const Handler>;

/// What the name of an event means for the parameters of its handler. The first parameter is
/// `Socket&` or `const std::string& sid`; any trailing part may be left out.
enum class HandlerForm : std::uint8_t {
    Event,       ///< (Socket&, arguments...)
    CatchAll,    ///< "*": (Socket&, const std::string& event, arguments...)
    Connect,     ///< (Socket&, const Environ&, const Value& auth), the environ may be left out, too
    Disconnect,  ///< (Socket&, DisconnectReason), or its text
};
HandlerForm handlerForm(std::string_view event);

/// Adapts a function to an event. A parameter `const Value::Array&` that is the only argument gets
/// all of them; otherwise arguments are converted one by one, missing ones as null, and further
/// ones are ignored.
/// Throws Poco::InvalidArgumentException naming the event when the parameters do not suit it.
template <class F>
HandlerPtr makeHandler(std::string_view event, F&& function);

// ---- how parameters are filled ------------------------------------------------------------------

namespace detail {

template <class P>
inline constexpr bool kIsSocket = std::same_as<P, Socket&> || std::same_as<P, const Socket&>;
template <class P>
inline constexpr bool kIsText =
    std::same_as<Plain<P>, std::string> || std::same_as<Plain<P>, std::string_view>;
template <class P>
inline constexpr bool kIsEnviron = std::same_as<P, const Environ&>;
template <class P>
inline constexpr bool kIsReason = std::same_as<Plain<P>, DisconnectReason>;
// Takes all values at once.
template <class P>
inline constexpr bool kIsAll = std::same_as<Plain<P>, Value::Array>;

template <class P>
constexpr bool argumentsSuit(Types<P>) {
    return std::same_as<P, const Value::Array&> || Argument<P>::kPossible;
}
template <class... P>
constexpr bool argumentsSuit(Types<P...>) {
    return (Argument<P>::kPossible && ...);
}

constexpr bool catchAllSuits(Types<>) { return true; }
template <class Name, class... P>
constexpr bool catchAllSuits(Types<Name, P...>) {
    if constexpr (kIsText<Name>)
        return argumentsSuit(Types<P...>());
    else
        return kIsAll<Name> && sizeof...(P) == 0;
}

template <class... P>
constexpr bool connectSuits(Types<P...>) {
    constexpr std::size_t environs = (0 + ... + (kIsEnviron<P> ? 1 : 0));
    if constexpr (((kIsEnviron<P> || Argument<P>::kPossible) && ...))
        return environs <= 1 && sizeof...(P) - environs <= 1;
    else
        return false;
}

template <class... P>
constexpr bool disconnectSuits(Types<P...>) {
    return sizeof...(P) <= 1 && ((kIsReason<P> || kIsText<P>)&&...);
}

template <class R>
concept Acknowledgeable = std::is_void_v<R> || std::same_as<Plain<R>, HandlerResult> ||
    std::same_as<Plain<R>, Arguments> || std::constructible_from<Arguments, R>;

template <HandlerForm form, class R>
constexpr bool suits(Types<>) {
    return form == HandlerForm::Connect || form == HandlerForm::Disconnect || Acknowledgeable<R>;
}
template <HandlerForm form, class R, class First, class... Rest>
constexpr bool suits(Types<First, Rest...>) {
    if constexpr (!kIsSocket<First> && !kIsText<First>)
        return false;
    else if constexpr (form == HandlerForm::Event)
        return Acknowledgeable<R> && argumentsSuit(Types<Rest...>());
    else if constexpr (form == HandlerForm::CatchAll)
        return Acknowledgeable<R> && catchAllSuits(Types<Rest...>());
    else if constexpr (form == HandlerForm::Connect)
        return connectSuits(Types<Rest...>());
    else
        return disconnectSuits(Types<Rest...>());
}
template <HandlerForm form, class F>
inline constexpr bool kSuits =
    suits<form, typename Signature<F>::Result>(typename Signature<F>::Parameters());

// Defined beside Socket.
const Environ& environOf(const Socket& socket);
const std::string& sidOf(const Socket& socket);

template <HandlerForm form, class F>
class BoundHandler final : public Handler {
public:
    explicit BoundHandler(F function) : _function(std::move(function)) {}

    HandlerResult call(IncomingEvent& event) const override {
        return start(event, typename Signature<F>::Parameters());
    }

private:
    using Result = typename Signature<F>::Result;

    HandlerResult start(IncomingEvent& event, Types<>) const { return run(event); }

    template <class First, class... Rest>
    HandlerResult start(IncomingEvent& event, Types<First, Rest...>) const {
        if constexpr (kIsSocket<First>)
            return fill<First>(event.socket, event, Types<Rest...>());
        else
            return fill<const std::string&>(sidOf(event.socket), event, Types<Rest...>());
    }

    template <class First, class... P>
    HandlerResult fill(First first, IncomingEvent& event, Types<P...> parameters) const {
        if constexpr (form == HandlerForm::Event) {
            return fillArguments<First>(parameters, event, first);
        } else if constexpr (form == HandlerForm::CatchAll) {
            return fillCatchAll<First>(parameters, event, first);
        } else if constexpr (form == HandlerForm::Connect) {
            return fillConnect<First>(parameters, event, first);
        } else {
            return run(event, first, reason<P>(event)...);
        }
    }

    template <class First, class... P, class... Before>
    HandlerResult fillArguments(Types<P...> parameters, IncomingEvent& event, First first,
                                const Before&... before) const {
        if constexpr (sizeof...(P) == 1 && (kIsAll<P> && ...))
            return run(event, first, before..., event.arguments);
        else
            return withArguments(
                parameters, event.arguments,
                [&](auto&&... values) {
                    return run(event, first, before..., std::forward<decltype(values)>(values)...);
                },
                HandlerResult::badArguments);
    }

    template <class First>
    HandlerResult fillCatchAll(Types<>, IncomingEvent& event, First first) const {
        return run(event, first);
    }
    template <class First, class Name, class... P>
    HandlerResult fillCatchAll(Types<Name, P...>, IncomingEvent& event, First first) const {
        if constexpr (kIsAll<Name>) {
            event.arguments.insert(event.arguments.begin(), Value(event.name));
            return run(event, first, event.arguments);
        } else {
            return fillArguments<First>(Types<P...>(), event, first, event.name);
        }
    }

    // The environ takes its place among the parameters; the other one gets what the client
    // authenticates itself with.
    template <class First, class... P>
    HandlerResult fillConnect(Types<P...>, IncomingEvent& event, First first) const {
        if constexpr ((kIsEnviron<P> || ...)) {
            const Environ& environ = environOf(event.socket);
            if constexpr (sizeof...(P) == 1)
                return run(event, first, environ);
            else
                return fillBoth<First>(Types<P...>(), event, first, environ);
        } else {
            return withArguments(
                Types<P...>(), event.arguments,
                [&](auto&&... auth) {
                    return run(event, first, std::forward<decltype(auth)>(auth)...);
                },
                HandlerResult::badArguments);
        }
    }
    template <class First, class A, class B>
    HandlerResult fillBoth(Types<A, B>, IncomingEvent& event, First first,
                           const Environ& environ) const {
        using Auth = std::conditional_t<kIsEnviron<A>, B, A>;
        return withArguments(
            Types<Auth>(), event.arguments,
            [&](auto&& auth) {
                if constexpr (kIsEnviron<A>)
                    return run(event, first, environ, std::forward<decltype(auth)>(auth));
                else
                    return run(event, first, std::forward<decltype(auth)>(auth), environ);
            },
            HandlerResult::badArguments);
    }

    template <class P>
    static auto reason(const IncomingEvent& event) {
        if constexpr (kIsReason<P>)
            return event.reason;
        else
            return std::string(toString(event.reason));
    }

    template <class... A>
    HandlerResult run(IncomingEvent& event, A&&... arguments) const {
        if constexpr (std::is_void_v<Result> || form == HandlerForm::Disconnect ||
                      (form == HandlerForm::Connect && !Acknowledgeable<Result>)) {
            static_cast<void>(_function(std::forward<A>(arguments)...));
            return {};
        } else {
            auto&& returned = _function(std::forward<A>(arguments)...);
            if (form != HandlerForm::Connect && !event.wantsAck) return {};
            return HandlerResult::of(std::forward<decltype(returned)>(returned));
        }
    }

    mutable F _function;  // a lambda may be mutable: what it changes is the application's to guard
};

[[noreturn]] void refuseHandler(std::string_view event, HandlerForm form);

}  // namespace detail

template <class F>
HandlerPtr makeHandler(std::string_view event, F&& function) {
    using Function = std::decay_t<F>;
    static_assert(detail::HasSignature<Function>,
                  "a handler is a function, or a class with one operator() that is no template");
    constexpr bool kEvent = detail::kSuits<HandlerForm::Event, Function>;
    constexpr bool kCatchAll = detail::kSuits<HandlerForm::CatchAll, Function>;
    constexpr bool kConnect = detail::kSuits<HandlerForm::Connect, Function>;
    constexpr bool kDisconnect = detail::kSuits<HandlerForm::Disconnect, Function>;
    static_assert(
        kEvent || kCatchAll || kConnect || kDisconnect,
        "the first parameter of a handler is Socket& or const std::string& sid, its other "
        "parameters and its result are types that convert to Value (see Convert.h)");

    const HandlerForm form = handlerForm(event);
    if constexpr (kEvent)
        if (form == HandlerForm::Event)
            return std::make_shared<detail::BoundHandler<HandlerForm::Event, Function>>(
                std::forward<F>(function));
    if constexpr (kCatchAll)
        if (form == HandlerForm::CatchAll)
            return std::make_shared<detail::BoundHandler<HandlerForm::CatchAll, Function>>(
                std::forward<F>(function));
    if constexpr (kConnect)
        if (form == HandlerForm::Connect)
            return std::make_shared<detail::BoundHandler<HandlerForm::Connect, Function>>(
                std::forward<F>(function));
    if constexpr (kDisconnect)
        if (form == HandlerForm::Disconnect)
            return std::make_shared<detail::BoundHandler<HandlerForm::Disconnect, Function>>(
                std::forward<F>(function));
    detail::refuseHandler(event, form);
}

}  // namespace socketio
