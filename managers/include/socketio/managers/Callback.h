#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "socketio/managers/PacketSink.h"
#include "socketio/protocol/Convert.h"

namespace socketio {

namespace detail {

template <class... T>
struct Types {};

// The result and the parameters of a function, a member function, or a class with one operator().
template <class F>
struct Signature;
template <class F>
requires requires { &F::operator(); }
struct Signature<F> : Signature<decltype(&F::operator())> {};
template <class R, class... P>
struct Signature<R(P...)> {
    using Result = R;
    using Parameters = Types<P...>;
};
template <class R, class... P>
struct Signature<R(P...) noexcept> : Signature<R(P...)> {};
template <class F>
struct Signature<F*> : Signature<F> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)> : Signature<R(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) noexcept> : Signature<R(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R(P...)> {};

template <class F>
concept HasSignature = requires {
    typename Signature<std::decay_t<F>>::Parameters;
};

}  // namespace detail

/// A function that takes an acknowledgement: its parameters are of any convertible types, or the
/// only one is `const Value::Array&`, which gets all values.
class Callback {
public:
    Callback() = default;
    Callback(std::nullptr_t) {}
    template <class F>
    requires(detail::HasSignature<F> && !std::same_as<std::remove_cvref_t<F>, Callback>)
        Callback(F&& function);

    explicit operator bool() const { return static_cast<bool>(_function); }
    const AckCallback& function() const& { return _function; }
    AckCallback function() && { return std::move(_function); }

private:
    AckCallback _function;
};

// ---- how parameters are filled ------------------------------------------------------------------

namespace detail {

template <class P>
using Plain = std::remove_cvref_t<P>;

// One argument in the form that a parameter of type P wants. What can be borrowed from the event is
// not copied.
template <class P>
struct Argument {
    static constexpr bool kPossible = ConvertibleFromValue<Plain<P>>;
    Plain<P> held{};

    bool load(Value& from, ConversionError& error) {
        return fromValue(std::move(from), held, error);
    }
    P get() {
        if constexpr (std::is_lvalue_reference_v<P>)
            return held;
        else
            return std::move(held);
    }
};
template <class P>
requires std::same_as<Plain<P>, Value>
struct Argument<P> {
    static constexpr bool kPossible = true;
    Value* held = nullptr;

    bool load(Value& from, ConversionError&) {
        held = &from;
        return true;
    }
    P get() {
        if constexpr (std::is_lvalue_reference_v<P>)
            return *held;
        else
            return std::move(*held);
    }
};
template <class P>
requires(std::same_as<Plain<P>, std::string_view> ||
         std::same_as<P, const std::string&>) struct Argument<P> {
    static constexpr bool kPossible = true;
    const std::string* held = nullptr;

    bool load(Value& from, ConversionError& error) {
        if (!from.isString()) return error.expected("a string", from);
        held = &from.asString();
        return true;
    }
    const std::string& get() { return *held; }
};
template <class P>
requires std::same_as<P, const Binary&>
struct Argument<P> {
    static constexpr bool kPossible = true;
    const Binary* held = nullptr;

    bool load(Value& from, ConversionError& error) {
        if (!from.isBinary()) return error.expected("binary", from);
        held = &from.asBinary();
        return true;
    }
    const Binary& get() { return *held; }
};

std::string describeProblem(std::size_t index, bool missing, const ConversionError& error);

template <class P>
bool loadArgument(Argument<P>& argument, Value::Array& arguments, std::size_t index,
                  std::size_t given, std::string& problem) {
    ConversionError error;
    if (argument.load(arguments[index], error)) return true;
    problem = describeProblem(index, index >= given, error);
    return false;
}

// Calls `call` with the arguments that P... want, which are used up; or `refuse` with the reason
// why they do not convert.
template <class... P, class Call, class Refuse>
auto withArguments(Types<P...>, [[maybe_unused]] Value::Array& arguments, Call&& call,
                   [[maybe_unused]] Refuse&& refuse) {
    if constexpr (sizeof...(P) == 0) {
        return call();
    } else {
        const std::size_t given = arguments.size();
        if (given < sizeof...(P)) arguments.resize(sizeof...(P));
        std::tuple<Argument<P>...> held;
        std::string problem;
        std::size_t index = 0;
        const bool loaded = std::apply(
            [&](Argument<P>&... each) {
                return (loadArgument(each, arguments, index++, given, problem) && ...);
            },
            held);
        if (!loaded) return refuse(std::move(problem));
        return std::apply([&](Argument<P>&... each) { return call(each.get()...); }, held);
    }
}

template <class P>
constexpr bool takesAll(Types<P>) {
    return std::same_as<P, const Value::Array&> || std::same_as<P, Value::Array>;
}
template <class... P>
constexpr bool takesAll(Types<P...>) {
    return false;
}

// Throws Poco::DataFormatException.
[[noreturn]] void refuseAcknowledgement(const std::string& problem);

}  // namespace detail

template <class F>
requires(detail::HasSignature<F> &&
         !std::same_as<std::remove_cvref_t<F>, Callback>) Callback::Callback(F&& function) {
    using Function = std::decay_t<F>;
    using Parameters = typename detail::Signature<Function>::Parameters;
    if constexpr (std::same_as<Function, AckCallback> || detail::takesAll(Parameters())) {
        _function = std::forward<F>(function);
    } else {
        _function = [held = Function(std::forward<F>(function))](Value::Array values) mutable {
            detail::withArguments(
                Parameters(), values,
                [&held](auto&&... each) { held(std::forward<decltype(each)>(each)...); },
                detail::refuseAcknowledgement);
        };
    }
}

}  // namespace socketio
